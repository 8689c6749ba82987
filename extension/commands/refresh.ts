import { commandIds } from '../ids.ts';
import { refreshTrees } from '../trees/index.ts';
import { defineCommand } from './define-command.ts';

/** `nodesWritten`: by us. What is different there now is no sign of somebody who writes again and again. */
interface Target {
  nodesWritten?: boolean;
}

/** Asks the cluster again, also what it refused before. */
export const refresh = defineCommand<[Target]>(commandIds.refresh, (app, target) => {
  refreshTrees(app, target?.nodesWritten === true);
  return Promise.resolve();
});
