import * as vscode from 'vscode';
import type { WorkloadReference } from '../../contract/language-server.ts';
import type { Pod, Workload } from '../../mesh/kubernetes.ts';
import { describePod } from '../../mesh/pods/describe-pod.ts';
import { groupPods } from '../../mesh/pods/group-pods.ts';
import { ClusterFailure, resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { pick, type Choice } from '../pick.ts';

/** A pod of the Workloads tree. */
export interface PodNode {
  pod: Pod;
}

/**
 * The pod that a command is about: the tree's, the one of a manifest's workload, or the person's choice.
 * @returns undefined when the person pressed Escape.
 */
export async function choosePod(
  cluster: Cluster,
  target: Partial<PodNode> | Partial<WorkloadReference> | undefined,
  placeHolder = vscode.l10n.t('Pod whose iptables rules to show'),
): Promise<Pod | undefined> {
  if (target && 'pod' in target && target.pod) return target.pod;
  if (target && 'kind' in target && target.kind !== undefined && target.name !== undefined) {
    const reference = { kind: target.kind, name: target.name, namespace: target.namespace ?? '' };
    const pods = await listPodsOf(cluster, reference);
    if (pods.length === 1) return pods[0];
    const title = vscode.l10n.t('Pods of {0} {1}', reference.kind, reference.name);
    return pickAmong(Promise.resolve(pods), title, placeHolder);
  }
  return pickPod(cluster, { placeHolder });
}

/** Lets the person pick among all pods of the cluster, or of a namespace. */
export async function pickPod(
  cluster: Cluster,
  {
    placeHolder,
    except,
    namespace,
  }: { placeHolder: string; except?: { namespace: string; name: string }; namespace?: string },
): Promise<Pod | undefined> {
  const isLeftOut = ({ metadata }: Pod) => metadata?.name === except?.name && metadata?.namespace === except?.namespace;
  const all = cluster
    .list<Pod>(resourceTypes.pods, namespace === undefined ? {} : { namespace })
    .then(({ items }) => items.filter((pod) => !isLeftOut(pod)));
  return pickAmong(all, vscode.l10n.t('Pods of cluster {0}', cluster.context.name), placeHolder);
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

async function pickAmong(pods: Promise<Pod[]>, title: string, placeHolder: string): Promise<Pod | undefined> {
  const items = pods.then((found) => found.map((pod) => podItem(pod)).sort((a, b) => (a.sortKey < b.sortKey ? -1 : 1)));
  const picked = await pick(items, {
    title,
    placeHolder,
    matchOnDescription: true,
    matchOnDetail: true,
  });
  return picked?.pod;
}

function podItem(pod: Pod): Choice & { pod: Pod; sortKey: string } {
  const { namespace = '', name = '' } = pod.metadata ?? {};
  const { role, says, trouble } = describePod(pod);
  return {
    icon: role === 'none' ? 'circle-outline' : 'circle-filled',
    label: name,
    description: namespace,
    detail: trouble ? `${says} · ${trouble.short}` : says,
    pod,
    sortKey: `${namespace}/${name}`,
  };
}
