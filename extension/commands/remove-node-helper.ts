import * as vscode from 'vscode';
import type { Cluster } from '../cluster/cluster.ts';
import { commandIds, contextKeys } from '../ids.ts';
import { listHelperObjects, removeNodeHelper, Unfinished } from '../node-helper/deploy.ts';
import { helperNamespace } from '../node-helper/manifest.ts';
import { withAbortableProgress } from '../node-helper/with-progress.ts';
import { defineCommand } from './define-command.ts';

/** `confirmed`: the caller has asked already. */
type Target = { confirmed?: boolean } | undefined;

/** Asks, then takes away all that *Deploy Node Helper* made. @returns whether there was something and it is gone. */
export const removeNodeHelperCommand = defineCommand<[target: Target]>(
  commandIds.removeNodeHelper,
  async (app, target) => {
    const cluster = await app.clusters.connect();
    if (target?.confirmed !== true && !(await confirm(cluster))) return false;
    try {
      const removed = await withAbortableProgress(
        vscode.l10n.t('Removing the node helper from “{0}”', cluster.context.name),
        async (progress, signal) =>
          await removeNodeHelper(cluster, { signal, onProgress: ({ message }) => progress.report({ message }) }),
      );
      await vscode.commands.executeCommand('setContext', contextKeys.nodeHelper, false);
      const left = await listHelperObjects(cluster);
      if (left.length > 0) {
        void vscode.window.showWarningMessage(
          vscode.l10n.t(
            'The node helper is removed from namespace “{0}” of “{1}”, but objects with its labels are left: {2}. Somebody put them elsewhere; look at them and delete them.',
            helperNamespace,
            cluster.context.name,
            left.slice(0, 5).join(', '),
          ),
        );
        return removed;
      }
      void vscode.window.showInformationMessage(
        removed
          ? vscode.l10n.t(
              'The node helper is gone from “{0}”, with its namespace “{1}”.',
              cluster.context.name,
              helperNamespace,
            )
          : vscode.l10n.t('There is no node helper in “{0}”.', cluster.context.name),
      );
      return removed;
    } catch (error) {
      if (!(error instanceof Unfinished)) throw error;
      app.log.warn(error.message);
      void vscode.window.showWarningMessage(error.message);
      return false;
    } finally {
      await vscode.commands.executeCommand(commandIds.refresh);
    }
  },
);

async function confirm(cluster: Cluster): Promise<boolean> {
  const remove = vscode.l10n.t('Remove');
  const picked = await vscode.window.showWarningMessage(
    vscode.l10n.t('Remove the node helper from context “{0}”?', cluster.context.name),
    {
      modal: true,
      detail: vscode.l10n.t(
        'Namespace “{0}” on {1} is deleted with all that is in it. To undo: “Mesh: Deploy Node Helper”.',
        helperNamespace,
        cluster.context.server ?? cluster.context.name,
      ),
    },
    remove,
  );
  return picked === remove;
}
