import * as vscode from 'vscode';
import { ClusterFailure, resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { defineCommand } from './define-command.ts';
import { commandIds } from '../ids.ts';
import { showInterception } from '../panels/interception-panel.ts';
import type { WorkloadReference } from '../../contract/language-server.ts';
import type { Pod, Workload } from '../../mesh/kubernetes.ts';
import { describePod } from '../../mesh/pods/describe-pod.ts';
import { groupPods } from '../../mesh/pods/group-pods.ts';

/** A pod of the Workloads tree. */
interface PodNode {
  pod: Pod;
}

/** The rules in a pod's network namespace, explained: from the tree, from a workload's code lens, or from the palette. */
export const showIptables = defineCommand<[PodNode | WorkloadReference]>(
  commandIds.showIptables,
  async (app, target) => {
    const cluster = await app.clusters.connect();
    const pod = await choosePod(cluster, target);
    if (!pod) return undefined; // the user pressed Escape: not an error
    return showInterception(app, cluster, pod);
  },
);

async function choosePod(cluster: Cluster, target: PodNode | WorkloadReference | undefined): Promise<Pod | undefined> {
  if (target && 'pod' in target) return target.pod;
  if (target && 'kind' in target && 'name' in target) {
    const pods = await listPodsOf(cluster, target);
    return pods.length === 1
      ? pods[0]
      : pickPod(Promise.resolve(pods), vscode.l10n.t('Pods of {0} {1}', target.kind, target.name));
  }
  const all = cluster.list<Pod>(resourceTypes.pods).then(({ items }) => items);
  return pickPod(all, vscode.l10n.t('Pods of cluster {0}', cluster.context.name));
}

/** The pods that a workload of a manifest has in the cluster; never empty. */
async function listPodsOf(cluster: Cluster, { kind, name, namespace: written }: WorkloadReference): Promise<Pod[]> {
  const namespace = written || (cluster.context.namespace ?? 'default');
  const [{ items: pods }, replicaSets] = await Promise.all([
    cluster.list<Pod>(resourceTypes.pods, { namespace }),
    cluster.list<Workload>(resourceTypes.replicaSets, { namespace }).then(({ items }) => items, withoutRights),
  ]);
  const found = groupPods({ pods, replicaSets, workloads: [] })
    .filter((group) => group.kind === kind && group.name === name)
    .flatMap((group) => group.pods);
  if (found.length > 0) return found;
  throw new ClusterFailure(
    'not-found',
    vscode.l10n.t('{0} {1} has no pod in namespace {2} of cluster {3}.', kind, name, namespace, cluster.context.name),
    vscode.l10n.t(
      'Apply the manifest there, or choose the cluster that has it; the Workloads view shows why pods are missing.',
    ),
  );
}

/** Who may list pods but not ReplicaSets still gets an answer: the pods' names tell their Deployment. */
function withoutRights(error: unknown): Workload[] {
  if (error instanceof ClusterFailure && error.reason === 'forbidden') return [];
  throw error;
}

async function pickPod(pods: Promise<Pod[]>, title: string): Promise<Pod | undefined> {
  const items = pods.then((found) => found.map((pod) => podItem(pod)).sort((a, b) => (a.sortKey < b.sortKey ? -1 : 1)));
  const picked = await vscode.window.showQuickPick(items, {
    title,
    placeHolder: vscode.l10n.t('Pod whose iptables rules to show'),
    matchOnDescription: true,
    matchOnDetail: true,
  });
  return picked?.pod;
}

function podItem(pod: Pod): vscode.QuickPickItem & { pod: Pod; sortKey: string } {
  const { namespace = '', name = '' } = pod.metadata ?? {};
  const { role, says, trouble } = describePod(pod);
  return {
    label: `$(${role === 'none' ? 'circle-outline' : 'circle-filled'}) ${name}`,
    description: namespace,
    detail: trouble ? `${says} · ${trouble.short}` : says,
    pod,
    sortKey: `${namespace}/${name}`,
  };
}
