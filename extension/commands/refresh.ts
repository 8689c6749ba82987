import { commandIds } from '../ids.ts';
import { refreshTrees } from '../trees/index.ts';
import { defineCommand } from './define-command.ts';

/** Asks the cluster again, also what it refused before. */
export const refresh = defineCommand(commandIds.refresh, (app) => {
  refreshTrees(app);
  return Promise.resolve();
});
