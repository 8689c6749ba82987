/** Says that the agents of the chosen cluster run with other settings than the person's, and offers to apply these. */
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { commandIds } from '../ids.ts';
import { findDeployedHelper } from '../node-helper/deploy.ts';
import { readAgentSettings } from '../node-helper/prepare-manifest.ts';
import { runsOtherSettings, settingsInCommand } from './agent-settings.ts';

/** While a person types, a setting changes with each key. */
const quietMs = 800;
let isShown = false;

/** Looks when the settings have changed, at a cluster that is connected already; nobody is contacted for it. */
export function watchAgentSettings(app: App): vscode.Disposable {
  let waiting: NodeJS.Timeout | undefined;
  const listener = vscode.workspace.onDidChangeConfiguration((change) => {
    if (!change.affectsConfiguration('meshloom.cni')) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      void app.clusters.connected
        ?.then((cluster) => offerSettings(app, cluster))
        .catch((error: unknown) => app.log.warn(`the agents' settings could not be looked at: ${String(error)}`));
    }, quietMs);
  });
  return vscode.Disposable.from(listener, { dispose: () => clearTimeout(waiting) });
}

/** One question at a time; the answer deploys, which shows what changes and asks. @throws ClusterFailure */
export async function offerSettings(app: App, cluster: Cluster): Promise<void> {
  if (isShown) return;
  const deployed = await findDeployedHelper(cluster);
  if (!deployed || !runsOtherSettings(deployed, readAgentSettings())) return;
  const apply = vscode.l10n.t('Apply…');
  const message = vscode.l10n.t(
    'The agents of the CNI plugin in “{0}” run with other settings than “meshloom.cni” has now: {1}. Yours count there when the node helper is applied again.',
    cluster.context.name,
    settingsInCommand(deployed.command) ?? '',
  );
  isShown = true;
  try {
    if ((await vscode.window.showInformationMessage(message, apply)) !== apply) return;
    await vscode.commands.executeCommand(commandIds.deployNodeHelper, { mode: 'intercept' });
  } finally {
    isShown = false;
  }
}
