import type { TreeTarget } from '../actions/pod-targets.ts';
import { commandIds } from '../ids.ts';
import { defineCommand } from './define-command.ts';
import { loadInspection } from './load-inspection.ts';

/** Opens a shell in a container. */
export const openTerminalCommand = defineCommand<[target: TreeTarget]>(commandIds.openTerminal, async (app, target) =>
  (await loadInspection()).openShell(app, target),
);
