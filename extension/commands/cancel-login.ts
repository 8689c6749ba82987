import { commandIds } from '../ids.ts';
import { defineCommand } from './define-command.ts';

/** Ends the login that is waited for; whoever waits is told so. */
export const cancelLogin = defineCommand(commandIds.cancelLogin, (app) => {
  app.clusters.login?.cancel();
  return Promise.resolve();
});
