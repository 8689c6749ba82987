import * as vscode from 'vscode';
import { settingsInCommand } from '../cni/agent-settings.ts';
import { ClusterFailure, type Cluster } from '../cluster/cluster.ts';
import { commandIds, contextKeys } from '../ids.ts';
import {
  deployNodeHelper,
  findDeployedHelper,
  identityOf,
  Unfinished,
  type DeployedHelper,
} from '../node-helper/deploy.ts';
import type { HelperMode } from '../../contract/node-helper-rights.ts';
import { helperNamespace, manifestRights } from '../node-helper/manifest.ts';
import { prepareManifest } from '../node-helper/prepare-manifest.ts';
import { showReadonly } from '../node-helper/preview-document.ts';
import { withAbortableProgress } from '../node-helper/with-progress.ts';
import { defineCommand } from './define-command.ts';

/**
 * `confirmed`: the caller has asked already; the preview is shown, the question is not. `mode`: default the one that stands,
 * so that upgrading takes no agent away. Any other target is ignored.
 */
type Target = { confirmed?: boolean; mode?: HelperMode } | undefined;

/** Shows what would be deployed, asks, deploys, and tells when every node's helper runs. @returns whether it runs. */
export const deployNodeHelperCommand = defineCommand<[target: Target]>(
  commandIds.deployNodeHelper,
  async (app, target) => {
    const cluster = await app.clusters.connect({ toWrite: vscode.l10n.t('Deploy Node Helper') });
    const { printPreview } = await import('../node-helper/preview.ts');
    const deployed = await findDeployed(cluster);
    const mode =
      (['observe', 'intercept'] as const).find((known) => known === target?.mode) ?? deployed?.mode ?? 'observe';
    const { manifest, options } = await prepareManifest(app, mode, deployed?.directories);
    const change = { from: deployed, to: identityOf(manifest) };
    const place = {
      context: cluster.context.name,
      namespace: helperNamespace,
      mode,
      ...(deployed && { replaces: deployed }),
    };
    await showReadonly(
      app.context,
      'meshloom-node-helper.yaml',
      printPreview(manifest, manifestRights(mode, options), place),
    );
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
        'It goes to namespace “{0}” on {1} and runs on every Linux node with the rights that the preview lists. {2} To undo: “Mesh: Remove Node Helper”, which leaves nothing.',
        helperNamespace,
        cluster.context.server ?? cluster.context.name,
        change.to.mode === 'intercept'
          ? vscode.l10n.t('Its agent writes the rules of pods that start.')
          : vscode.l10n.t('It only reads.'),
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
  if (from.mode !== to.mode) {
    return {
      question:
        to.mode === 'intercept'
          ? vscode.l10n.t('Bring the node helper in context “{0}” into intercept mode?', context)
          : vscode.l10n.t('Bring the node helper in context “{0}” back into observe mode?', context),
      button: vscode.l10n.t('Change Mode'),
    };
  }
  const agents = settingsInCommand(from.command);
  if (from.hash === to.hash && agents !== undefined && agents !== settingsInCommand(to.command)) {
    return {
      question: vscode.l10n.t(
        'Apply your settings to the agents in context “{0}”? They run with: {1}',
        context,
        agents,
      ),
      button: vscode.l10n.t('Apply'),
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
