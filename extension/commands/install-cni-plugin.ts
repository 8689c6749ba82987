import * as vscode from 'vscode';
import { carryOut, type NodeOutcome } from '../cni/carry-out.ts';
import { describeOutcomes, listed } from '../cni/describe-outcomes.ts';
import { twoPlugins } from '../cni/describe-plans.ts';
import { agreedPlans, isIdle, sortNodes, type NodePlans } from '../cni/node-plans.ts';
import { agree, chooseAmong, chooseMode, chooseNodes, say, type CniTarget } from '../cni/targets.ts';
import { showPlans } from '../cni/show-plans.ts';
import {
  agentsChangeWords,
  agentsMissing,
  applyHelper,
  mountDirectories,
  offerHelper,
  planClusterChanges,
  planHelper,
  planOnNodes,
  showHelper,
  type HelperChange,
} from '../cni/work.ts';
import { applyWiring, type Wiring } from '../cni/wiring.ts';
import type { ClusterContext } from '../cluster/cluster.ts';
import { commandIds } from '../ids.ts';
import { helperNamespace } from '../node-helper/manifest.ts';
import { Unfinished } from '../node-helper/deploy.ts';
import { withAbortableProgress } from '../node-helper/with-progress.ts';
import { defineCommand } from './define-command.ts';

/** Plans on every node, shows it, asks, and installs node by node. @returns what stands where; undefined: nothing was changed. */
export const installCniPlugin = defineCommand<[target: CniTarget]>(
  commandIds.installCniPlugin,
  async (app, target): Promise<NodeOutcome[] | undefined> => {
    const cluster = await app.clusters.connect({ toWrite: vscode.l10n.t('Install CNI Plugin') });
    const context = cluster.context.name;
    const all = await chooseNodes(cluster, target);
    const mode = await chooseMode(target);
    if (!mode) return undefined; // the user pressed Escape: not an error
    if (!(await mountDirectories(app, cluster, target?.confirmed === true))) return undefined;
    const { plans, answers } = await planOnNodes(
      cluster,
      all.map(({ name }) => name),
      'install',
      mode,
    );
    if (offerHelper(app, plans)) return undefined;
    const inCluster = await planClusterChanges(cluster, plans, mode);
    const shown = await showPlans(app, plans, { context, action: 'install', mode }, inCluster);
    const obstacle = inCluster.wiring.problems.find(({ severity }) => severity === 'error');
    if (obstacle) {
      say(
        app,
        'error',
        vscode.l10n.t('The CNI plugin was not installed on any node of “{0}”. {1}', context, obstacle.message),
      );
      return undefined;
    }
    const nodes = await goOnWith(plans, target);
    if (nodes === undefined) {
      const { refusing } = sortNodes(plans);
      const why = refusing.map(({ node, why }) => `${node}: ${why}`);
      if (refusing.length > 0)
        say(
          app,
          'error',
          vscode.l10n.t('The CNI plugin was not installed on any node of “{0}”. {1}', context, listed(why, 3)),
        );
      return undefined;
    }
    const helper = await planHelper(app, cluster, 'intercept');
    if (helper.needed) await showHelper(app, cluster, helper).then(shown.reveal);
    if (target?.confirmed !== true && !(await confirm(cluster.context, nodes, plans, helper, inCluster.wiring)))
      return undefined;
    try {
      if (helper.needed) {
        const missing = await applyHelper(cluster, helper, nodes);
        if (missing.length > 0) {
          say(app, 'error', agentsMissing(context, missing));
          return undefined;
        }
      }
      const agreed = agreedPlans(answers);
      const settleMs = target?.settleMs;
      const outcomes = await withAbortableProgress(
        vscode.l10n.t('Installing the CNI plugin in “{0}”', context),
        async (progress, signal) =>
          await carryOut(cluster, nodes, {
            action: 'install',
            mode,
            agreed,
            signal,
            onProgress: (message) => progress.report({ message, increment: 100 / nodes.length }),
            ...(settleMs !== undefined && { settleMs }),
          }),
      );
      // Nobody may be told to call a plugin that is not on every node.
      if (outcomes.every(({ state }) => state === 'done' || state === 'nothing'))
        await applyWiring(cluster, inCluster.wiring.edits);
      const { severity, message } = describeOutcomes('install', context, outcomes);
      say(app, severity, message);
      return outcomes;
    } catch (error) {
      if (!(error instanceof Unfinished)) throw error;
      say(app, 'warning', `${error.message} ${vscode.l10n.t('No node’s CNI configuration was changed.')}`);
      return undefined;
    } finally {
      await vscode.commands.executeCommand(commandIds.refresh, { nodesWritten: true });
    }
  },
);

/** All nodes that would do it; where some refuse, the person says whether to go on without them. */
async function goOnWith(plans: NodePlans, target: CniTarget | undefined): Promise<string[] | undefined> {
  const { willing, idle, refusing } = sortNodes(plans);
  // A node that has the entry may lack the agent, or the program: the installer there knows.
  const able = [...willing, ...idle].sort();
  if (refusing.length === 0) return able.length > 0 ? able : undefined;
  if (target?.confirmed || able.length === 0) return undefined;
  return await chooseAmong(vscode.l10n.t('Some nodes refuse the CNI plugin'), able, refusing);
}

async function confirm(
  context: ClusterContext,
  nodes: readonly string[],
  plans: NodePlans,
  helper: HelperChange,
  { edits }: Wiring,
): Promise<boolean> {
  const groups = plans.groups.filter(
    ({ nodes: of, result }) => !isIdle(result.plan) && of.some((node) => nodes.includes(node)),
  );
  const files = [...new Set(groups.flatMap(({ changes }) => changes.map(({ path }) => path)))];
  const detail = [
    vscode.l10n.t('Nodes, one after the other: {0}.', listed(nodes)),
    ...(files.length > 0 ? [vscode.l10n.t('Files that change, as the open diff shows: {0}.', listed(files))] : []),
    ...new Set(groups.map(({ result }) => twoPlugins(result.plan)).filter(Boolean)),
    ...(edits.length > 0
      ? [
          vscode.l10n.t(
            'Objects that change after the nodes, as the open diff shows: {0}.',
            listed(edits.map(({ resource: { kind, namespace, name } }) => `${kind} ${namespace}/${name}`)),
          ),
        ]
      : []),
    ...(helper.needed
      ? [
          agentsChangeWords(helper) ??
            vscode.l10n.t(
              'Before that the node helper in namespace “{0}” goes into intercept mode, with the rights that the preview lists: its agent writes the rules of pods that start.',
              helperNamespace,
            ),
        ]
      : []),
    vscode.l10n.t(
      'The first failure ends it. To undo: “Mesh: Uninstall CNI Plugin”, which gives the files back byte for byte.',
    ),
  ].join('\n\n');
  return await agree(
    context,
    vscode.l10n.t('Install the CNI plugin on {0} nodes of context “{1}”?', nodes.length, context.name),
    detail,
    vscode.l10n.t('Install'),
  );
}
