import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { ClusterFailure, type Cluster } from '../cluster/cluster.ts';
import { commandIds, contextKeys, settingIds } from '../ids.ts';
import {
  deployNodeHelper,
  findDeployedHelper,
  identityOf,
  Unfinished,
  type DeployedHelper,
} from '../node-helper/deploy.ts';
import { helperManifest, helperNamespace, manifestRights, type ManifestObject } from '../node-helper/manifest.ts';
import { showReadonly } from '../node-helper/preview-document.ts';
import { readHelperProgram } from '../node-helper/program.ts';
import { withAbortableProgress } from '../node-helper/with-progress.ts';
import { defineCommand } from './define-command.ts';

/** `confirmed`: the caller has asked already; the preview is shown, the question is not. Any other target is ignored. */
type Target = { confirmed?: boolean } | undefined;

/** Shows what would be deployed, asks, deploys, and tells when every node's helper runs. @returns whether it runs. */
export const deployNodeHelperCommand = defineCommand<[target: Target]>(
  commandIds.deployNodeHelper,
  async (app, target) => {
    const cluster = await app.clusters.connect();
    const manifest = await prepareManifest(app);
    const { printPreview } = await import('../node-helper/preview.ts');
    const deployed = await findDeployed(cluster);
    const change = { from: deployed, to: identityOf(manifest) };
    const place = {
      context: cluster.context.name,
      namespace: helperNamespace,
      ...(deployed && { replaces: deployed }),
    };
    await showReadonly(app.context, 'meshloom-node-helper.yaml', printPreview(manifest, manifestRights(), place));
    if (target?.confirmed !== true && !(await confirm(cluster, change))) return false;
    try {
      const { ready } = await withAbortableProgress(
        deployed
          ? vscode.l10n.t('Upgrading the node helper in “{0}”', cluster.context.name)
          : vscode.l10n.t('Deploying the node helper to “{0}”', cluster.context.name),
        async (progress, signal) =>
          await deployNodeHelper(cluster, manifest, { signal, onProgress: showSteps(progress) }),
      );
      await vscode.commands.executeCommand('setContext', contextKeys.nodeHelper, true);
      void vscode.window.showInformationMessage(
        vscode.l10n.t(
          'The node helper runs on every node of “{1}” ({0}). “Mesh: Remove Node Helper” takes it away.',
          ready,
          cluster.context.name,
        ),
      );
      return true;
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

async function prepareManifest(app: App): Promise<ManifestObject[]> {
  const { bytes } = await readHelperProgram(app.context.extensionUri.fsPath);
  const { version = '0.0.0' } = app.context.extension.packageJSON as { version?: string };
  const image = vscode.workspace.getConfiguration().get<string>(settingIds.helperImage, '').trim() || 'node:24-slim';
  return helperManifest({ image, version, program: bytes });
}

/** What stands there already. Who may not see it is told by the API server when it comes to deploying. */
async function findDeployed(cluster: Cluster): Promise<DeployedHelper | undefined> {
  try {
    return await findDeployedHelper(cluster);
  } catch (error) {
    if (error instanceof ClusterFailure && error.reason === 'forbidden') return undefined;
    throw error;
  }
}

interface Change {
  from: DeployedHelper | undefined;
  to: DeployedHelper;
}

async function confirm(cluster: Cluster, change: Change): Promise<boolean> {
  const { question, button } = describeChange(cluster.context.name, change);
  const picked = await vscode.window.showWarningMessage(
    question,
    {
      modal: true,
      detail: vscode.l10n.t(
        'It goes to namespace “{0}” on {1} and runs on every Linux node with the rights that the preview lists. It only reads. To undo: “Mesh: Remove Node Helper”, which leaves nothing.',
        helperNamespace,
        cluster.context.server ?? cluster.context.name,
      ),
    },
    button,
  );
  return picked === button;
}

function describeChange(context: string, { from, to }: Change): { question: string; button: string } {
  if (!from) {
    return {
      question: vscode.l10n.t('Deploy the node helper to context “{0}”?', context),
      button: vscode.l10n.t('Deploy'),
    };
  }
  if (from.hash === to.hash) {
    return {
      question: vscode.l10n.t(
        'The node helper in context “{0}” runs this extension’s program already ({1}). Apply it again?',
        context,
        to.hash,
      ),
      button: vscode.l10n.t('Apply Again'),
    };
  }
  return {
    question: vscode.l10n.t(
      'Upgrade the node helper in context “{0}” from {1} ({2}) to {3} ({4})?',
      context,
      from.version,
      from.hash,
      to.version,
      to.hash,
    ),
    button: vscode.l10n.t('Upgrade'),
  };
}

/** The bar wants steps, we know totals. */
function showSteps(progress: vscode.Progress<{ message?: string; increment?: number }>) {
  let shown = 0;
  return ({ message, ready, wanted }: { message: string; ready?: number; wanted?: number }) => {
    const percent = wanted ? ((ready ?? 0) / wanted) * 100 : 0;
    progress.report({ message, increment: Math.max(0, percent - shown) });
    shown = Math.max(shown, percent);
  };
}
