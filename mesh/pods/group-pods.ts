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
    if (!wantsOrHasPods(replicaSet)) continue;
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
    const { namespace = '' } = pod.metadata ?? {};
    const within = (owners: ReadonlyMap<string, Workload>) => ({
      get: (name: string) => owners.get(`${namespace}/${name}`),
    });
    const { kind, name } = runnerOf(pod, within(replicaSets), within(jobs));
    groupOf(kind, namespace, name).pods.push(pod);
  }
  // Which of two comes first must not hang on the order in which they were read.
  for (const group of groups.values()) {
    group.pods.sort(byName);
    group.replicaSets.sort(byName);
    group.jobs?.sort(byName);
  }
  return [...groups.values()].sort(
    (a, b) => compare(a.namespace, b.namespace) || compare(a.kind, b.kind) || compare(a.name, b.name),
  );
}

/** Tells groups of one namespace apart. */
export function keyOfGroup({ kind, name }: { kind: string; name: string }): string {
  return `${kind}/${name}`;
}

/** What of an owner decides where it and its pods are: as long as this stays, its group does, too. */
export function placeOf(owner: Workload): string {
  const { kind: by = '', name = '' } = controllerOf(owner) ?? {};
  const counts = owner.kind === 'Job' ? !hasEnded(owner) : owner.kind !== 'ReplicaSet' || wantsOrHasPods(owner);
  return `${owner.kind ?? ''} ${by}/${name} ${counts}`;
}

/** Ten old ones are kept for roll-backs; they want nothing and have nothing. */
function wantsOrHasPods({ spec, status }: Workload): boolean {
  return Boolean(spec?.replicas) || Boolean(status?.replicas);
}

/** A Job that is complete, or given up. */
function hasEnded({ status }: Workload): boolean {
  return (
    status?.conditions?.some(({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True') ??
    false
  );
}

/** What a person takes for that which runs the pod; the pod itself when nobody does. @param replicaSets those of its namespace, by name. */
export function runnerOf(
  pod: Pod,
  replicaSets: Pick<ReadonlyMap<string, Workload>, 'get'>,
  jobs: Pick<ReadonlyMap<string, Workload>, 'get'>,
): { kind: string; name: string } {
  const owner = controllerOf(pod);
  if (!owner) return { kind: 'Pod', name: pod.metadata?.name ?? '' };
  if (owner.kind === 'Job') {
    const job = jobs.get(owner.name);
    return (job && controllerOf(job)) ?? owner;
  }
  if (owner.kind === 'ReplicationController') return deploymentConfigOf(pod) ?? owner;
  if (owner.kind !== 'ReplicaSet') return owner;
  const replicaSet = replicaSets.get(owner.name);
  if (replicaSet) return controllerOf(replicaSet) ?? owner;
  return (
    byHash(pod, owner, 'pod-template-hash', 'Deployment') ??
    byHash(pod, owner, 'rollouts-pod-template-hash', 'Rollout') ??
    owner
  );
}

/** A ReplicaSet is called like what made it, with the hash of its pod template, which its pods carry as a label. */
function byHash(
  { metadata }: Pod,
  { name }: { name: string },
  label: string,
  kind: string,
): { kind: string; name: string } | undefined {
  const hash = metadata?.labels?.[label];
  return hash && name.endsWith(`-${hash}`) ? { kind, name: name.slice(0, -hash.length - 1) } : undefined;
}

/** OpenShift's: it makes a ReplicationController per version, `web-3`, and tells the pods its own name. */
function deploymentConfigOf({ metadata }: Pod): { kind: string; name: string } | undefined {
  const name = metadata?.annotations?.['openshift.io/deployment-config.name'] ?? metadata?.labels?.['deploymentconfig'];
  return name ? { kind: 'DeploymentConfig', name } : undefined;
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
