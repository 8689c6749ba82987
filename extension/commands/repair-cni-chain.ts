import * as vscode from 'vscode';
import { carryOut, type NodeOutcome } from '../cni/carry-out.ts';
import { describeOutcomes, listed } from '../cni/describe-outcomes.ts';
import { agreedPlans, sortNodes, type NodePlans } from '../cni/node-plans.ts';
import { offerRecreation } from '../cni/recreate.ts';
import { showPlans } from '../cni/show-plans.ts';
import { agree, chooseAmong, chooseNodes, say, type CniTarget } from '../cni/targets.ts';
import {
  agentsChangeWords,
  agentsMissing,
  applyHelper,
  mountDirectories,
  offerHelper,
  planHelper,
  planOnNodes,
  showHelper,
} from '../cni/work.ts';
import type { ClusterContext } from '../cluster/cluster.ts';
import { commandIds } from '../ids.ts';
import { Unfinished } from '../node-helper/deploy.ts';
import { helperNamespace } from '../node-helper/manifest.ts';
import { withAbortableProgress } from '../node-helper/with-progress.ts';
import { defineCommand } from './define-command.ts';

/** Shows what would heal the nodes’ chains, asks, heals, and looks after the pods that hung. @returns what stands where; undefined: nothing was changed. */
export const repairCniChain = defineCommand<[target: CniTarget]>(
  commandIds.repairCniChain,
  async (app, target): Promise<NodeOutcome[] | undefined> => {
    const cluster = await app.clusters.connect({ toWrite: vscode.l10n.t('Repair CNI Chain') });
    const context = cluster.context.name;
    const all = (await chooseNodes(cluster, target)).map(({ name }) => name);
    if (!(await mountDirectories(app, cluster, target?.confirmed === true))) return undefined;
    const { plans, answers } = await planOnNodes(cluster, all, 'repair');
    if (offerHelper(app, plans)) return undefined;
    const shown = await showPlans(app, plans, { context, action: 'repair', mode: 'chained' });
    const nodes = await goOnWith(plans, target);
    if (!nodes) {
      sayNothingToRepair(context, plans, (severity, message) => say(app, severity, message));
      return undefined;
    }
    const helper = await planHelper(app, cluster, 'intercept');
    const mustSwitch = helper.deployed?.mode !== 'intercept' || helper.needed;
    // Whoever only looked until now gets the helper back as it was.
    const goesBack = helper.deployed?.mode === 'observe';
    const helperWords = mustSwitch ? (agentsChangeWords(helper) ?? switchWords(goesBack)) : '';
    if (mustSwitch) await showHelper(app, cluster, helper).then(shown.reveal);
    if (target?.confirmed !== true && !(await confirm(cluster.context, nodes, plans, helperWords))) return undefined;
    try {
      if (mustSwitch && !(await couldSwitch())) return undefined;
      const settleMs = target?.settleMs;
      const outcomes = await withAbortableProgress(
        vscode.l10n.t('Repairing the CNI chain in “{0}”', context),
        async (progress, signal) =>
          await carryOut(cluster, nodes, {
            action: 'repair',
            agreed: agreedPlans(answers),
            signal,
            onProgress: (message) => progress.report({ message, increment: 100 / nodes.length }),
            ...(settleMs !== undefined && { settleMs }),
          }),
      );
      const { severity, message } = describeOutcomes('repair', context, outcomes);
      say(app, severity, message);
      if (goesBack) await applyHelper(cluster, await planHelper(app, cluster, 'observe'), []);
      const healed = outcomes.flatMap(({ node, state }) => (state === 'done' || state === 'nothing' ? [node] : []));
      if (healed.length > 0)
        await offerRecreation(app, cluster, healed, { wait: true, confirmed: target?.confirmed === true });
      return outcomes;
    } catch (error) {
      if (!(error instanceof Unfinished)) throw error;
      say(app, 'warning', error.message);
      return undefined;
    } finally {
      await vscode.commands.executeCommand(commandIds.refresh, { nodesWritten: true });
    }

    async function couldSwitch(): Promise<boolean> {
      const missing = await applyHelper(cluster, helper, nodes!);
      if (missing.length > 0) say(app, 'error', agentsMissing(context, missing));
      return missing.length === 0;
    }
  },
);

async function goOnWith(plans: NodePlans, target: CniTarget | undefined): Promise<string[] | undefined> {
  const { willing, refusing } = sortNodes(plans);
  if (willing.length === 0) return undefined;
  if (refusing.length === 0) return willing;
  return target?.confirmed
    ? undefined
    : await chooseAmong(vscode.l10n.t('Some nodes cannot be repaired'), willing, refusing);
}

function sayNothingToRepair(
  context: string,
  plans: NodePlans,
  tell: (severity: 'information' | 'error', message: string) => void,
): void {
  const { willing, idle, refusing } = sortNodes(plans);
  if (refusing.length > 0) {
    const why = listed(
      refusing.map(({ node, why }) => `${node}: ${why}`),
      3,
    );
    tell(
      'error',
      vscode.l10n.t('Nothing was repaired in “{0}”: it is beyond what Meshloom may decide. {1}', context, why),
    );
  } else if (willing.length === 0) {
    tell('information', vscode.l10n.t('Nothing to repair in “{0}”: {1}.', context, listed(idle)));
  }
}

async function confirm(
  context: ClusterContext,
  nodes: readonly string[],
  plans: NodePlans,
  helperWords: string,
): Promise<boolean> {
  const groups = plans.groups.filter(({ nodes: of }) => of.some((node) => nodes.includes(node)));
  const files = [...new Set(groups.flatMap(({ changes }) => changes.map(({ path }) => path)))];
  const detail = [
    vscode.l10n.t('Nodes, one after the other: {0}.', listed(nodes)),
    vscode.l10n.t('Files that change, as the open diff shows: {0}.', listed(files)),
    ...(helperWords ? [helperWords] : []),
    vscode.l10n.t(
      'The first failure ends it. To undo: copies of the files stay in /var/lib/meshloom on the node, to be put back by hand.',
    ),
  ];
  return await agree(
    context,
    vscode.l10n.t('Repair the CNI chain on {0} nodes of context “{1}”?', nodes.length, context.name),
    detail.join('\n\n'),
    vscode.l10n.t('Repair'),
  );
}

function switchWords(goesBack: boolean): string {
  return goesBack
    ? vscode.l10n.t(
        'For this the node helper in namespace “{0}” goes into intercept mode, which may write there, and back into observe mode afterwards.',
        helperNamespace,
      )
    : vscode.l10n.t(
        'For this the node helper in namespace “{0}” goes into intercept mode, with the rights that the preview lists.',
        helperNamespace,
      );
}
