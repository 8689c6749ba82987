import type { TreeTarget } from '../actions/pod-targets.ts';
import type { LogChoice } from '../actions/show-logs.ts';
import { commandIds } from '../ids.ts';
import { defineCommand } from './define-command.ts';
import { loadInspection } from './load-inspection.ts';

/** Follows the logs of a pod, a workload or a container. */
export const showLogsCommand = defineCommand<[target: TreeTarget & { logs?: LogChoice }]>(
  commandIds.showLogs,
  async (app, target) => (await loadInspection()).showLogs(app, target),
);
