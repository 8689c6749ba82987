import * as vscode from 'vscode';
import { ClusterFailure } from '../cluster/cluster.ts';
import { commandIds, viewIds } from '../ids.ts';
import { refreshTrees } from '../trees/index.ts';
import { defineCommand } from './define-command.ts';

/** Logs in to the chosen cluster with the program of the kubeconfig, which may ask the person in a terminal. */
export const loginInTerminal = defineCommand(commandIds.loginInTerminal, async (app) => {
  const { clusters } = app;
  if (!(await clusters.askInTerminal()))
    throw new ClusterFailure(
      'kubeconfig',
      vscode.l10n.t('No login program for “{0}” could ask in a terminal here.', clusters.chosen.name),
      vscode.l10n.t('Log in once with kubectl in a terminal, or choose another cluster.'),
    );
  await vscode.commands.executeCommand(`${viewIds.workloads}.focus`);
  refreshTrees(app);
});
