/** Looking after the pods that hung on a node's network: most heal by themselves; the others are recreated when a person says so. */
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { KubernetesEvent, Node, Pod } from '../../mesh/kubernetes.ts';
import { ClusterFailure, resourceTypes, type Cluster, type ClusterContext } from '../cluster/cluster.ts';
import { whenForbidden } from '../node-helper/switch-mode.ts';
import { withAbortableProgress } from '../node-helper/with-progress.ts';
import { askNodes } from './ask-nodes.ts';
import { listed } from './describe-outcomes.ts';
import { groupPlans, isIdle } from './node-plans.ts';
import { describeLeft, findStuckPods, sortStuckPods, type SortedPods, type StuckPod } from './stuck-pods.ts';
import { agree, say } from './targets.ts';
import { pick } from '../pick.ts';

export interface RecreationOptions {
  /** Gives them time to heal first: the kubelet tries again within half a minute. */
  wait: boolean;
  /** The caller has asked already. */
  confirmed: boolean;
}

/** What became of the pods that hung: names as `namespace/name`. */
export interface Recreation {
  recreated: string[];
  left: string[];
}

const healsWithinMs = 45_000;
const pollMs = 1000;

/** @throws ClusterFailure */
export async function offerRecreation(
  app: App,
  cluster: Cluster,
  nodes: readonly string[],
  { wait, confirmed }: RecreationOptions,
): Promise<Recreation> {
  const sorted = wait ? await waitForHealing(cluster, nodes) : sortStuckPods(await listStuck(cluster, nodes));
  const all = [...sorted.recreatable, ...sorted.ending, ...sorted.left];
  const context = cluster.context.name;
  if (all.length === 0) {
    say(app, 'information', vscode.l10n.t('No pod hangs on the network of {0} in “{1}”.', listed(nodes), context));
    return { recreated: [], left: [] };
  }
  if (sorted.recreatable.length === 0) {
    say(app, 'warning', describeLeft(sorted));
    return { recreated: [], left: all.map(nameOf) };
  }
  const broken = await stillBroken(cluster, [...new Set(sorted.recreatable.map(({ node }) => node))]);
  const picked = confirmed ? sorted.recreatable : await pickPods(sorted, broken);
  if (!picked || picked.length === 0 || (!confirmed && !(await confirm(cluster.context, picked, broken, sorted))))
    return { recreated: [], left: all.map(nameOf) };
  return await recreate(app, cluster, picked, all);
}

async function recreate(
  app: App,
  cluster: Cluster,
  picked: readonly StuckPod[],
  all: readonly StuckPod[],
): Promise<Recreation> {
  const recreated: string[] = [];
  try {
    for (const pod of picked) if (await deleteExactly(cluster, pod)) recreated.push(nameOf(pod));
  } catch (error) {
    if (!(error instanceof ClusterFailure)) throw error;
    const stands = vscode.l10n.t('Deleted before that: {0}.', listed(recreated) || vscode.l10n.t('nothing'));
    throw new ClusterFailure(error.reason, error.message, `${stands} ${error.next}`.trim(), { cause: error });
  }
  const left = all.map(nameOf).filter((name) => !recreated.includes(name));
  say(
    app,
    'information',
    vscode.l10n.t(
      'Deleted in “{0}”, to be made anew by their controllers: {1}.',
      cluster.context.name,
      listed(recreated),
    ),
  );
  return { recreated, left };
}

/** Never one of the same name that came since. @returns false when the pod that was meant is gone. */
async function deleteExactly(cluster: Cluster, { namespace, name, uid }: StuckPod): Promise<boolean> {
  try {
    return await cluster.delete(resourceTypes.pods, name, { namespace, uid });
  } catch (error) {
    if (error instanceof ClusterFailure && error.reason === 'conflict') return false;
    throw error;
  }
}

async function waitForHealing(cluster: Cluster, nodes: readonly string[]): Promise<SortedPods> {
  return await withAbortableProgress(vscode.l10n.t('Waiting for the pods that hung'), async (progress, signal) => {
    const until = performance.now() + healsWithinMs;
    for (;;) {
      const stuck = await listStuck(cluster, nodes);
      if (stuck.length === 0 || signal.aborted || performance.now() >= until) return sortStuckPods(stuck);
      progress.report({ message: vscode.l10n.t('{0} still hang', stuck.length) });
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  });
}

/** Events that may not be read leave a pod that hangs looking like one on its way: then nothing is found. */
async function listStuck(cluster: Cluster, names: readonly string[]): Promise<StuckPod[]> {
  const [nodes, pods, events] = await Promise.all([
    cluster.list<Node>(resourceTypes.nodes),
    cluster.list<Pod>(resourceTypes.pods),
    cluster.list<KubernetesEvent>(resourceTypes.events).catch(whenForbidden({ items: [] as KubernetesEvent[] })),
  ]);
  const meant = nodes.items.filter(({ metadata }) => names.includes(metadata?.name ?? ''));
  return findStuckPods({ nodes: meant, pods: pods.items, events: events.items, now: Date.now() });
}

/** Nodes whose chain is broken still: a new pod would hang there like the old one. */
async function stillBroken(cluster: Cluster, nodes: readonly string[]): Promise<string[]> {
  const answers = await askNodes(cluster, nodes, { verb: 'cni', action: 'plan', planFor: 'repair' });
  return groupPlans(answers).groups.flatMap(({ nodes: of, result }) =>
    result.plannedFor === 'repair' && (!isIdle(result.plan) || result.plan.action === 'refuse') ? of : [],
  );
}

async function pickPods({ recreatable }: SortedPods, broken: readonly string[]): Promise<StuckPod[] | undefined> {
  const items = recreatable.map((pod) => ({
    label: `${pod.namespace}/${pod.name}`,
    description: `${pod.node} · ${pod.owner}`,
    detail: broken.includes(pod.node)
      ? vscode.l10n.t('{0} — the chain of {1} is still broken: repair it first', pod.short, pod.node)
      : pod.short,
    picked: !broken.includes(pod.node),
    pod,
  }));
  const picked = await pick(items, {
    title: vscode.l10n.t('Pods that hang and do not heal by themselves'),
    placeHolder: vscode.l10n.t('Pods to delete; their controllers make new ones'),
    canPickMany: true,
    ignoreFocusOut: true,
  });
  return picked?.map(({ pod }) => pod);
}

async function confirm(
  context: ClusterContext,
  picked: readonly StuckPod[],
  broken: readonly string[],
  sorted: SortedPods,
): Promise<boolean> {
  const again = [...new Set(picked.map(({ node }) => node))].filter((node) => broken.includes(node));
  const detail = [
    listed(picked.map(nameOf)),
    ...(again.length > 0
      ? [vscode.l10n.t('The chain of {0} is still broken: the new pods will hang there, too.', listed(again))]
      : []),
    describeLeft(sorted),
    vscode.l10n.t('A deleted pod does not come back; its controller makes another one, with another name or address.'),
  ].filter(Boolean);
  return await agree(
    context,
    vscode.l10n.t(
      'Delete {0} pods in context “{1}” (namespaces {2})?',
      picked.length,
      context.name,
      listed([...new Set(picked.map(({ namespace }) => namespace))].sort()),
    ),
    detail.join('\n\n'),
    vscode.l10n.t('Delete'),
  );
}

function nameOf({ namespace, name }: StuckPod): string {
  return `${namespace}/${name}`;
}
