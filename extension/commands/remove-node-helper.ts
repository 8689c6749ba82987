import * as vscode from 'vscode';
import { pluginType } from '../../contract/cni-plugin.ts';
import { askNodes, listTargetNodes } from '../cni/ask-nodes.ts';
import { listed } from '../cni/describe-outcomes.ts';
import { isPluginIn } from '../cni/work.ts';
import { whenForbidden } from '../node-helper/switch-mode.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { commandIds, contextKeys } from '../ids.ts';
import { findDeployedHelper, listHelperObjects, removeNodeHelper, Unfinished } from '../node-helper/deploy.ts';
import { helperNamespace } from '../node-helper/manifest.ts';
import { withAbortableProgress } from '../node-helper/with-progress.ts';
import { defineCommand } from './define-command.ts';

/** `confirmed`: the caller has asked already. */
type Target = { confirmed?: boolean } | undefined;

/** Asks, then takes away all that *Deploy Node Helper* made. @returns whether there was something and it is gone. */
export const removeNodeHelperCommand = defineCommand<[target: Target]>(
  commandIds.removeNodeHelper,
  async (app, target) => {
    const cluster = await app.clusters.connect({ toWrite: vscode.l10n.t('Remove Node Helper') });
    if (target?.confirmed !== true && !(await confirm(cluster, await findPlugin(cluster)))) return false;
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

/** Nodes whose chain names our plugin: without its agent pods start there outside of the mesh. */
async function findPlugin(cluster: Cluster): Promise<string[]> {
  const deployed = await findDeployedHelper(cluster).catch(whenForbidden(undefined));
  if (deployed?.mode !== 'intercept') return [];
  const nodes = await listTargetNodes(cluster).catch(whenForbidden([]));
  const names = nodes.map(({ name }) => name);
  const answers = await askNodes(cluster, names, { verb: 'read-cni' }).catch(whenForbidden([]));
  return answers.flatMap((answer) => (answer.ok && isPluginIn(answer.result, pluginType) ? [answer.node] : []));
}

async function confirm(cluster: Cluster, chained: readonly string[]): Promise<boolean> {
  const remove = vscode.l10n.t('Remove');
  const picked = await vscode.window.showWarningMessage(
    vscode.l10n.t('Remove the node helper from context “{0}”?', cluster.context.name),
    {
      modal: true,
      detail: [
        ...(chained.length > 0
          ? [
              vscode.l10n.t(
                'The CNI plugin is still in the configuration of {0}: without its agent, pods start there outside of the mesh, and nobody repairs them. Run “Mesh: Uninstall CNI Plugin” first.',
                listed(chained),
              ),
            ]
          : []),
        vscode.l10n.t(
          'Namespace “{0}” on {1} is deleted with all that is in it. To undo: “Mesh: Deploy Node Helper”.',
          helperNamespace,
          cluster.context.server ?? cluster.context.name,
        ),
      ].join('\n\n'),
    },
    remove,
  );
  return picked === remove;
}
