import * as vscode from 'vscode';
import { pluginType } from '../../contract/cni-plugin.ts';
import { askNodes } from '../cni/ask-nodes.ts';
import { carryOut, type NodeOutcome } from '../cni/carry-out.ts';
import { describeOutcomes, keepsBinary, listed } from '../cni/describe-outcomes.ts';
import { showPlans } from '../cni/show-plans.ts';
import { collectUnwiring, describeWiring, removeWiring, wiringChanges, type Wiring } from '../cni/wiring.ts';
import { agree, chooseNodes, say, type CniTarget } from '../cni/targets.ts';
import { agentsMissing, applyHelper, isPluginIn, planHelper, showHelper, type HelperChange } from '../cni/work.ts';
import type { App } from '../app.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { commandIds } from '../ids.ts';
import { Unfinished } from '../node-helper/deploy.ts';
import { helperNamespace } from '../node-helper/manifest.ts';
import { withAbortableProgress } from '../node-helper/with-progress.ts';
import { defineCommand } from './define-command.ts';

/** Gives the nodes' CNI configuration back as it was. @returns what stands where; undefined: nothing was changed. */
export const uninstallCniPlugin = defineCommand<[target: CniTarget]>(
  commandIds.uninstallCniPlugin,
  async (app, target): Promise<NodeOutcome[] | undefined> => {
    const cluster = await app.clusters.connect();
    const context = cluster.context.name;
    const nodes = await chooseNodes(cluster, target);
    const names = nodes.map(({ name }) => name);
    const readings = await withAbortableProgress(
      vscode.l10n.t('Looking where the CNI plugin is, in “{0}”', context),
      async (_, signal) => await askNodes(cluster, names, { verb: 'read-cni' }, { signal }),
    );
    const silent = readings.filter((answer) => !answer.ok);
    const reached = readings.flatMap((answer) => (answer.ok ? [answer.node] : []));
    if (reached.length === 0) {
      say(
        app,
        'error',
        vscode.l10n.t(
          'No node answers, so nothing was taken away: {0}',
          listed(
            silent.map(({ node, why, next }) => [`${node}: ${why}`, next].filter(Boolean).join(' ')),
            3,
          ),
        ),
      );
      return undefined;
    }
    const chained = readings.flatMap((answer) =>
      answer.ok && isPluginIn(answer.result, pluginType) ? [answer.node] : [],
    );
    const back = await collectUnwiring(cluster);
    const helper = await planHelper(app, cluster, 'intercept');
    const mustSwitch = helper.deployed?.mode !== 'intercept';
    if (mustSwitch) await showHelper(app, cluster, helper);
    const shown = back.edits.length + back.problems.length > 0 ? await showUnwiring(app, context, back) : undefined;
    await shown?.reveal();
    if (target?.confirmed !== true && !(await confirm(context, reached, chained, silent, mustSwitch, back)))
      return undefined;
    try {
      if (mustSwitch && !(await couldSwitch(app, cluster, helper, reached))) return undefined;
      // First nobody calls it any more, then it goes.
      if (back.edits.length > 0) await removeWiring(cluster, back.edits);
      const outcomes = await withAbortableProgress(
        vscode.l10n.t('Uninstalling the CNI plugin in “{0}”', context),
        async (progress, signal) =>
          await carryOut(cluster, reached, {
            action: 'uninstall',
            agreed: new Map(),
            signal,
            onProgress: (message) => progress.report({ message, increment: 100 / reached.length }),
            settleMs: target?.settleMs ?? 0,
          }),
      );
      const { severity, message } = describeOutcomes('uninstall', context, outcomes);
      say(
        app,
        silent.length > 0 && severity === 'information' ? 'warning' : severity,
        [message, notReached(silent)].filter(Boolean).join(' '),
      );
      await offerNext(app, cluster, outcomes, silent.length, target);
      return outcomes;
    } catch (error) {
      if (!(error instanceof Unfinished)) throw error;
      say(app, 'warning', `${error.message} ${vscode.l10n.t('No node’s CNI configuration was changed.')}`);
      return undefined;
    } finally {
      await vscode.commands.executeCommand(commandIds.refresh);
    }
  },
);

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

async function showUnwiring(app: App, context: string, back: Wiring) {
  const nothing = { groups: [], silent: [] };
  const more = { changes: wiringChanges(back.edits), says: describeWiring(back) };
  return await showPlans(app, nothing, { context, action: 'uninstall', mode: 'standalone' }, more);
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
  context: string,
  nodes: readonly string[],
  chained: readonly string[],
  silent: readonly { node: string; why: string }[],
  mustSwitch: boolean,
  { edits, problems }: Wiring,
): Promise<boolean> {
  const detail = [
    chained.length > 0
      ? vscode.l10n.t('It is in the configuration of: {0}.', listed(chained))
      : vscode.l10n.t('It is in no node’s configuration; what was left of it elsewhere is taken away.'),
    vscode.l10n.t(
      'The files get back what stood there before, byte for byte; where somebody else has written since, only our entry goes.',
    ),
    vscode.l10n.t(
      'Pods that run keep their rules. New pods get none from this plugin: pods that rely on it stay outside of the mesh.',
    ),
    ...(edits.length > 0
      ? [
          vscode.l10n.t(
            'Before the nodes, these objects get back what stood there, as the open diff shows: {0}.',
            listed(edits.map(({ resource: { kind, namespace, name } }) => `${kind} ${namespace}/${name}`)),
          ),
        ]
      : []),
    ...problems.map(({ message }) => message),
    ...(mustSwitch
      ? [vscode.l10n.t('For this the node helper in namespace “{0}” goes into intercept mode.', helperNamespace)]
      : []),
    notReached(silent),
    vscode.l10n.t('To undo: “Mesh: Install CNI Plugin”.'),
  ].filter(Boolean);
  return await agree(
    vscode.l10n.t('Uninstall the CNI plugin from {0} nodes of context “{1}”?', nodes.length, context),
    detail.join('\n\n'),
    vscode.l10n.t('Uninstall'),
  );
}

/** The agent is of no use without the plugin, but its installer is, as long as a program of ours is left on a node. */
async function offerNext(
  app: App,
  cluster: Cluster,
  outcomes: readonly NodeOutcome[],
  silent: number,
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
  if (!isDone || silent > 0 || target?.confirmed) return;
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
