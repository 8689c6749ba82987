import type { TreeTarget } from '../actions/pod-targets.ts';
import { commandIds } from '../ids.ts';
import { defineCommand } from './define-command.ts';
import { loadInspection } from './load-inspection.ts';

/** Shows what a pod's proxy holds, and whether it has what the control plane sent. */
export const showProxyConfigCommand = defineCommand<[target: TreeTarget]>(
  commandIds.showProxyConfig,
  async (app, target) => (await loadInspection()).showProxyConfig(app, target),
);
