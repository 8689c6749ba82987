import * as vscode from 'vscode';
import { pluginType } from '../../contract/cni-plugin.ts';
import { askNodes, type NoAnswer } from '../cni/ask-nodes.ts';
import { carryOut, type NodeOutcome } from '../cni/carry-out.ts';
import { describeOutcomes, keepsBinary, listed } from '../cni/describe-outcomes.ts';
import { isSameRemoval, removalPlans, sortForRemoval, type RemovalPlans } from '../cni/removal-plans.ts';
import { showPlans } from '../cni/show-plans.ts';
import { collectUnwiring, describeWiring, removeWiring, wiringChanges, type Wiring } from '../cni/wiring.ts';
import { agree, chooseAmong, chooseNodes, say, type CniTarget } from '../cni/targets.ts';
import {
  agentsMissing,
  applyHelper,
  isPluginIn,
  planHelper,
  planOnNodes,
  showHelper,
  type HelperChange,
} from '../cni/work.ts';
import type { App } from '../app.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { commandIds } from '../ids.ts';
import { Unfinished } from '../node-helper/deploy.ts';
import { helperNamespace } from '../node-helper/manifest.ts';
import { withAbortableProgress } from '../node-helper/with-progress.ts';
import { defineCommand } from './define-command.ts';

/** Shows what taking the plugin out would change, asks, and gives the nodes' configuration back. @returns what stands where; undefined: nothing was changed. */
export const uninstallCniPlugin = defineCommand<[target: CniTarget]>(
  commandIds.uninstallCniPlugin,
  async (app, target): Promise<NodeOutcome[] | undefined> => {
    const cluster = await app.clusters.connect({ toWrite: vscode.l10n.t('Uninstall CNI Plugin') });
    const context = cluster.context.name;
    const names = (await chooseNodes(cluster, target)).map(({ name }) => name);
    const found = await findPlugin(cluster, names);
    const { reached, silent } = found;
    if (reached.length === 0) {
      sayNobodyAnswers(app, silent);
      return undefined;
    }
    const back = await collectUnwiring(cluster);
    const helper = await planHelper(app, cluster, 'intercept');
    const mustSwitch = helper.deployed?.mode !== 'intercept';
    if (mustSwitch) await showHelper(app, cluster, helper);
    const job: Job = { app, cluster, target, found, back, mustSwitch };
    const first = await planRemovals(cluster, found);
    await showRemoval(job, first);
    // Without the originals, which a helper in observe mode does not see, a refusal is not the last word.
    const nodes = mustSwitch ? reached : await goOnWith(job, first);
    if (!nodes || !(await confirm(job, first, nodes))) return undefined;
    try {
      const work = mustSwitch ? await switchAndPlanAgain(job, helper, first) : { nodes, removal: first };
      if (!work) return undefined;
      // First nobody calls it any more, then it goes.
      if (back.edits.length > 0) await removeWiring(cluster, back.edits);
      const outcomes = await withAbortableProgress(
        vscode.l10n.t('Uninstalling the CNI plugin in “{0}”', context),
        async (progress, signal) =>
          await carryOut(cluster, work.nodes, {
            action: 'uninstall',
            agreed: work.removal.agreed,
            signal,
            onProgress: (message) => progress.report({ message, increment: 100 / work.nodes.length }),
            settleMs: target?.settleMs ?? 0,
          }),
      );
      const { severity, message } = describeOutcomes('uninstall', context, outcomes);
      say(
        app,
        silent.length > 0 && severity === 'information' ? 'warning' : severity,
        [message, notReached(silent)].filter(Boolean).join(' '),
      );
      await offerNext(app, cluster, outcomes, names.length - work.nodes.length, target);
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

/** Which nodes answer, and in whose configuration the plugin is. */
interface Found {
  reached: string[];
  chained: string[];
  silent: NoAnswer[];
}

interface Job {
  app: App;
  cluster: Cluster;
  target: CniTarget | undefined;
  found: Found;
  back: Wiring;
  mustSwitch: boolean;
}

async function findPlugin(cluster: Cluster, names: readonly string[]): Promise<Found> {
  const readings = await withAbortableProgress(
    vscode.l10n.t('Looking where the CNI plugin is, in “{0}”', cluster.context.name),
    async (_, signal) => await askNodes(cluster, names, { verb: 'read-cni' }, { signal }),
  );
  const answered = readings.flatMap((answer) => (answer.ok ? [answer] : []));
  return {
    reached: answered.map(({ node }) => node),
    chained: answered.flatMap(({ node, result }) => (isPluginIn(result, pluginType) ? [node] : [])),
    silent: readings.flatMap((answer) => (answer.ok ? [] : [answer])),
  };
}

/** Asks the nodes. Writes nothing. */
async function planRemovals(cluster: Cluster, { reached, silent }: Found): Promise<RemovalPlans> {
  const { answers } = await planOnNodes(cluster, reached, 'uninstall');
  return removalPlans(answers, silent);
}

function sayNobodyAnswers(app: App, silent: readonly NoAnswer[]): void {
  const reasons = silent.map(({ node, why, next }) => [`${node}: ${why}`, next].filter(Boolean).join(' '));
  say(app, 'error', vscode.l10n.t('No node answers, so nothing was taken away: {0}', listed(reasons, 3)));
}

async function showRemoval({ app, cluster, back }: Job, { plans }: RemovalPlans): Promise<void> {
  const says = back.edits.length + back.problems.length > 0 ? describeWiring(back) : '';
  const more = { changes: wiringChanges(back.edits), says };
  const subject = { context: cluster.context.name, action: 'uninstall', mode: 'chained' } as const;
  await (await showPlans(app, plans, subject, more)).reveal();
}

/** All that answered; where some refuse, the person says whether to go on without them. */
async function goOnWith({ app, cluster, target, found }: Job, removal: RemovalPlans): Promise<string[] | undefined> {
  const { able, refusing } = sortForRemoval(found.reached, removal);
  if (refusing.length === 0) return able;
  if (target?.confirmed !== true && able.length > 0)
    return await chooseAmong(vscode.l10n.t('Some nodes refuse to give the CNI plugin back'), able, refusing);
  const why = refusing.map(({ node, why: reason }) => `${node}: ${reason}`);
  say(
    app,
    'error',
    vscode.l10n.t('The CNI plugin was not taken out on any node of “{0}”. {1}', cluster.context.name, listed(why, 3)),
  );
  return undefined;
}

/**
 * In intercept mode the helper sees the originals. What it would do then, if that is not what was shown, is shown and
 * asked again.
 * @returns undefined: nothing shall be done, or can.
 */
async function switchAndPlanAgain(
  job: Job,
  helper: HelperChange,
  shown: RemovalPlans,
): Promise<{ nodes: string[]; removal: RemovalPlans } | undefined> {
  const { app, cluster, found } = job;
  if (!(await couldSwitch(app, cluster, helper, found.reached))) return undefined;
  const removal = await planRemovals(cluster, found);
  const isNew = !isSameRemoval(shown, removal);
  if (isNew) await showRemoval(job, removal);
  const nodes = await goOnWith(job, removal);
  if (!nodes || (isNew && !(await confirm({ ...job, mustSwitch: false }, removal, nodes)))) return undefined;
  return { nodes, removal };
}

async function couldSwitch(
  app: App,
  cluster: Cluster,
  helper: HelperChange,
  nodes: readonly string[],
): Promise<boolean> {
  const missing = await applyHelper(cluster, helper, nodes);
  if (missing.length === 0) return true;
  say(app, 'error', agentsMissing(cluster.context.name, missing));
  return false;
}

function notReached(silent: readonly { node: string; why: string }[]): string {
  if (silent.length === 0) return '';
  return vscode.l10n.t(
    'Not reached, so the plugin may still be there; it lets pods pass, and can be uninstalled when the node is back: {0}',
    listed(
      silent.map(({ node, why }) => `${node} (${why})`),
      3,
    ),
  );
}

async function confirm(
  { cluster, target, found, back: { edits, problems }, mustSwitch }: Job,
  { plans }: RemovalPlans,
  nodes: readonly string[],
): Promise<boolean> {
  if (target?.confirmed === true) return true;
  const groups = plans.groups.filter(({ nodes: of }) => of.some((node) => nodes.includes(node)));
  const files = [...new Set(groups.flatMap(({ changes }) => changes.map(({ path }) => path)))];
  const chained = found.chained.filter((node) => nodes.includes(node));
  const detail = [
    chained.length > 0
      ? vscode.l10n.t('It is in the configuration of: {0}.', listed(chained))
      : vscode.l10n.t('It is in no node’s configuration; what was left of it elsewhere is taken away.'),
    files.length > 0 ? vscode.l10n.t('Files that change, as the open diff shows: {0}.', listed(files)) : '',
    vscode.l10n.t(
      'The files get back what stood there before, byte for byte; where somebody else has written since, only our entry goes.',
    ),
    vscode.l10n.t(
      'Pods that run keep their rules. New pods get none from this plugin: pods that rely on it stay outside of the mesh.',
    ),
    edits.length > 0
      ? vscode.l10n.t(
          'Before the nodes, these objects get back what stood there, as the open diff shows: {0}.',
          listed(edits.map(({ resource: { kind, namespace, name } }) => `${kind} ${namespace}/${name}`)),
        )
      : '',
    ...problems.map(({ message }) => message),
    mustSwitch
      ? vscode.l10n.t(
          'For this the node helper in namespace “{0}” goes into intercept mode, in which it sees the originals: where other bytes come of them than shown, you are asked again.',
          helperNamespace,
        )
      : '',
    notReached(found.silent),
    vscode.l10n.t('To undo: “Mesh: Install CNI Plugin”.'),
  ].filter(Boolean);
  const { context } = cluster;
  return await agree(
    context,
    vscode.l10n.t('Uninstall the CNI plugin from {0} nodes of context “{1}”?', nodes.length, context.name),
    detail.join('\n\n'),
    vscode.l10n.t('Uninstall'),
  );
}

/** The agent is of no use without the plugin, but its installer is, as long as a program of ours is left on a node. */
async function offerNext(
  app: App,
  cluster: Cluster,
  outcomes: readonly NodeOutcome[],
  leftOut: number,
  target: CniTarget | undefined,
): Promise<void> {
  const kept = keepsBinary(outcomes);
  if (kept.length > 0) {
    say(
      app,
      'information',
      vscode.l10n.t(
        'On {0} the plugin’s program stays until the pods that were connected with it are gone. The node helper stays in intercept mode for that: uninstall once more later.',
        listed(kept),
      ),
    );
    return;
  }
  const isDone = outcomes.every(({ state }) => state === 'done' || state === 'nothing');
  if (!isDone || leftOut > 0 || target?.confirmed) return;
  const [observe, remove] = [vscode.l10n.t('Observe Mode'), vscode.l10n.t('Remove Node Helper')];
  const picked = await vscode.window.showInformationMessage(
    vscode.l10n.t(
      'No node of “{0}” needs the agent any more. Bring the node helper back into observe mode, which gives up its rights to write, or remove it?',
      cluster.context.name,
    ),
    observe,
    remove,
  );
  if (picked === observe) await vscode.commands.executeCommand(commandIds.deployNodeHelper, { mode: 'observe' });
  if (picked === remove) await vscode.commands.executeCommand(commandIds.removeNodeHelper);
}
