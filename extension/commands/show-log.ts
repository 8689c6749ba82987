import { commandIds } from '../ids.ts';
import { defineCommand } from './define-command.ts';

/** What happened, in full: every failure and every cluster call that went wrong. */
export const showLog = defineCommand(commandIds.showLog, (app) => {
  app.log.show();
  return Promise.resolve();
});
