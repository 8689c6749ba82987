import type { TreeTarget } from '../actions/pod-targets.ts';
import { commandIds } from '../ids.ts';
import { defineCommand } from './define-command.ts';
import { loadInspection } from './load-inspection.ts';

/** Rolls the pods of a workload, after showing what changes and what will be injected. */
export const restartWorkloadCommand = defineCommand<[target: TreeTarget]>(
  commandIds.restartWorkload,
  async (app, target) => (await loadInspection()).restartWorkload(app, target),
);
