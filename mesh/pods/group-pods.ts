import type { KubernetesObject, Pod, Workload } from '../kubernetes.ts';

/** What runs a set of pods, as a person calls it: the Deployment, not its ReplicaSets. */
export interface PodGroup {
  /** `Deployment`, `StatefulSet`, `DaemonSet`, `Job`, … or `Pod` for one that nobody owns. */
  kind: string;
  namespace: string;
  name: string;
  /** The object itself; absent when it could not be read, or for kinds that are known from their pods alone. */
  workload?: Workload;
  /** Only those that still want or have pods. */
  replicaSets: Workload[];
  /** Those that are neither done nor failed. */
  jobs?: Workload[];
  pods: Pod[];
}

/**
 * Pods by what runs them, following the controlling `ownerReferences`: pod → ReplicaSet → Deployment (or an Argo Rollout),
 * pod → Job → CronJob.
 * Workloads without a pod are there too: a pod that may not be created is seen nowhere else.
 * When the ReplicaSets may not be read, the Deployment's name is told by the ReplicaSet's: it is that name and the pod
 * template's hash.
 * @returns sorted by namespace, kind and name.
 */
export function groupPods(objects: {
  pods: Iterable<Pod>;
  replicaSets: Iterable<Workload>;
  jobs?: Iterable<Workload>;
  workloads: Iterable<Workload>;
}): PodGroup[] {
  const groups = new Map<string, PodGroup>();
  const groupOf = (kind: string, namespace: string, name: string): PodGroup => {
    const key = `${namespace}/${kind}/${name}`;
    const known = groups.get(key);
    if (known) return known;
    const group: PodGroup = { kind, namespace, name, replicaSets: [], pods: [] };
    groups.set(key, group);
    return group;
  };

  for (const workload of objects.workloads) {
    const { namespace = '', name = '' } = workload.metadata ?? {};
    groupOf(workload.kind ?? '', namespace, name).workload = workload;
  }
  const replicaSets = new Map<string, Workload>();
  for (const replicaSet of objects.replicaSets) {
    const { namespace = '', name = '' } = replicaSet.metadata ?? {};
    replicaSets.set(`${namespace}/${name}`, replicaSet);
    // Ten old ones are kept for roll-backs; they want nothing and have nothing.
    if (!replicaSet.spec?.replicas && !replicaSet.status?.replicas) continue;
    const owner = controllerOf(replicaSet);
    groupOf(owner?.kind ?? 'ReplicaSet', namespace, owner?.name ?? name).replicaSets.push(replicaSet);
  }
  const jobs = new Map<string, Workload>();
  for (const job of objects.jobs ?? []) {
    const { namespace = '', name = '' } = job.metadata ?? {};
    jobs.set(`${namespace}/${name}`, job);
    // One that has ended wants nothing; if its pods are still there, they name it.
    if (hasEnded(job)) continue;
    const owner = controllerOf(job);
    (groupOf(owner?.kind ?? 'Job', namespace, owner?.name ?? name).jobs ??= []).push(job);
  }
  for (const pod of objects.pods) {
    const { namespace = '', name = '' } = pod.metadata ?? {};
    const { kind, name: owner } = runnerOf(pod, replicaSets, jobs) ?? { kind: 'Pod', name };
    groupOf(kind, namespace, owner).pods.push(pod);
  }
  for (const group of groups.values()) group.pods.sort(byName);
  return [...groups.values()].sort(
    (a, b) => compare(a.namespace, b.namespace) || compare(a.kind, b.kind) || compare(a.name, b.name),
  );
}

/** A Job that is complete, or given up. */
function hasEnded({ status }: Workload): boolean {
  return (
    status?.conditions?.some(({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True') ??
    false
  );
}

function runnerOf(
  pod: Pod,
  replicaSets: ReadonlyMap<string, Workload>,
  jobs: ReadonlyMap<string, Workload>,
): { kind: string; name: string } | undefined {
  const owner = controllerOf(pod);
  if (owner?.kind === 'Job') {
    const job = jobs.get(`${pod.metadata?.namespace ?? ''}/${owner.name}`);
    return (job && controllerOf(job)) ?? owner;
  }
  if (owner?.kind !== 'ReplicaSet') return owner;
  const replicaSet = replicaSets.get(`${pod.metadata?.namespace ?? ''}/${owner.name}`);
  if (replicaSet) return controllerOf(replicaSet) ?? owner;
  const hash = pod.metadata?.labels?.['pod-template-hash'];
  return hash && owner.name.endsWith(`-${hash}`)
    ? { kind: 'Deployment', name: owner.name.slice(0, -hash.length - 1) }
    : owner;
}

function controllerOf(object: KubernetesObject): { kind: string; name: string } | undefined {
  const owners = object.metadata?.ownerReferences ?? [];
  const owner = owners.find(({ controller }) => controller) ?? owners[0];
  // A static pod is owned by its node: to a person it is a pod on its own.
  return owner && owner.kind !== 'Node' ? { kind: owner.kind, name: owner.name } : undefined;
}

function byName(a: KubernetesObject, b: KubernetesObject): number {
  return compare(a.metadata?.name ?? '', b.metadata?.name ?? '');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
