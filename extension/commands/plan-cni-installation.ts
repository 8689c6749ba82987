import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { CniActionResult } from '../../contract/cni-plugin.ts';
import { listed } from '../cni/describe-outcomes.ts';
import { agreedPlans } from '../cni/node-plans.ts';
import { chooseMode, chooseNodes, type CniTarget } from '../cni/targets.ts';
import { offerSettings } from '../cni/settings-notice.ts';
import { showPlans } from '../cni/show-plans.ts';
import { mountDirectories, offerHelper, planClusterChanges, planOnNodes } from '../cni/work.ts';
import { commandIds } from '../ids.ts';
import { defineCommand } from './define-command.ts';
import { pickName } from '../pick.ts';

/** What was planned, and where it was shown. */
export interface PlannedInstallation {
  /** The summary's text; absent where nothing but the node changes and its plan is shown elsewhere. */
  summary?: string;
  /** How many files and objects the diff shows. */
  changes: number;
  /** By node. */
  results: ReadonlyMap<string, CniActionResult>;
}

/** Shows what installing the CNI plugin would change on each node. Writes nothing, on no node and not in the cluster. */
export const planCniInstallation = defineCommand<[target: CniTarget]>(
  commandIds.planCniInstallation,
  async (app, target): Promise<PlannedInstallation | undefined> => {
    const cluster = await app.clusters.connect();
    const nodes = await chooseNodes(cluster, target);
    const mode = await chooseMode(target);
    if (!mode) return undefined; // the user pressed Escape: not an error
    if (!(await mountDirectories(app, cluster, target?.confirmed === true))) return undefined;
    const names = nodes.map(({ name }) => name);
    const { plans, answers } = await planOnNodes(cluster, names, 'install', mode);
    if (offerHelper(app, plans)) return undefined;
    const inCluster = await planClusterChanges(cluster, plans, mode);
    const results = agreedPlans(answers);
    offerSettings(app, cluster).catch((error: unknown) => app.log.warn(String(error)));
    if (target?.shownElsewhere && inCluster.changes.length === 0 && inCluster.says === '')
      return { changes: 0, results };
    const subject = { context: cluster.context.name, action: 'install', mode } as const;
    const { summary, changes } = await showPlans(app, plans, subject, inCluster);
    if (!target?.shownElsewhere) void offerPages(app, results);
    return { summary, changes, results };
  },
);

/** A node's plan beside what is wrong with its chain now, and which pods hang on it. */
async function offerPages(app: App, results: ReadonlyMap<string, CniActionResult>): Promise<void> {
  const names = [...results.keys()].sort();
  const show = vscode.l10n.t('Show CNI Chain');
  const message = vscode.l10n.t(
    'Planned for {0}, and nothing changed. A node’s page shows its plan beside its chain.',
    listed(names),
  );
  app.log.info(message);
  if ((await vscode.window.showInformationMessage(message, show)) !== show) return;
  const [only] = names;
  const name = names.length > 1 ? await pickName(names, { title: show }) : only;
  const plan = name === undefined ? undefined : results.get(name);
  if (plan) await vscode.commands.executeCommand(commandIds.showCniChain, { name, plan, action: 'plan', done: false });
}
