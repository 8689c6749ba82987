/** From what a person points at (a node of the tree, a manifest, nothing) to the pods that are meant. No editor here. */
import * as l10n from '@vscode/l10n';
import type { ContainerStatus, KubernetesObject, LabelSelector, Pod, Workload } from '../../mesh/kubernetes.ts';
import { ClusterFailure, resourceTypes, type Cluster, type ResourceType } from '../cluster/cluster.ts';
import type { PodScope } from './pod-watcher.ts';

/** `Deployment shop/web` */
export interface ObjectReference {
  kind: string;
  namespace: string;
  name: string;
}

/** What has pods of its own, by kind. */
export const workloadTypes: Readonly<Record<string, ResourceType>> = {
  Deployment: resourceTypes.deployments,
  StatefulSet: resourceTypes.statefulSets,
  DaemonSet: resourceTypes.daemonSets,
  ReplicaSet: resourceTypes.replicaSets,
  Job: resourceTypes.jobs,
  CronJob: resourceTypes.cronJobs,
};

/** What a node of the Workloads tree says about itself; anything may be absent. */
export interface TreeTarget {
  kind?: string;
  namespace?: string;
  name?: string;
  pod?: Pod;
  /** A container's: `pod:shop/web-1/container:app`. */
  id?: string;
}

/** @returns what the tree, a code lens or another command points at; undefined: nothing. */
export function readTarget(target: TreeTarget | undefined): (ObjectReference & { container?: string }) | undefined {
  const [, namespace, name, container] = /^pod:([^/]+)\/([^/]+)\/container:(.+)$/.exec(target?.id ?? '') ?? [];
  if (namespace && name && container) return { kind: 'Pod', namespace, name, container };
  if (target?.kind === undefined || target.name === undefined) return undefined;
  return { kind: target.kind, namespace: target.namespace ?? '', name: target.name };
}

/**
 * The pods of an object: of a workload or Service by its selector, of a pod itself.
 * @throws ClusterFailure when the object is not there or has no selector.
 */
export async function scopeOf(cluster: Cluster, { kind, namespace, name }: ObjectReference): Promise<PodScope> {
  if (kind === 'Pod') return { namespace, name };
  const type = kind === 'Service' ? resourceTypes.services : workloadTypes[kind];
  if (!type) throw unknownKind({ kind, namespace, name });
  const found = await cluster.get<Workload>(type, name, { namespace });
  if (!found) throw notThere(cluster, { kind, namespace, name });
  const labelSelector = printSelector(selectorOf(kind, found));
  if (labelSelector !== '') return { namespace, labelSelector };
  if (kind === 'CronJob')
    throw new ClusterFailure(
      'invalid',
      l10n.t(
        'The pods of {0} {1} in namespace {2} have no labels by which they could be found.',
        kind,
        name,
        namespace,
      ),
      l10n.t('Choose one of its pods.'),
    );
  throw new ClusterFailure(
    'invalid',
    l10n.t('{0} {1} in namespace {2} selects no pods.', kind, name, namespace),
    l10n.t('Its endpoints are somewhere else (an ExternalName, or addresses that somebody wrote): choose a pod.'),
  );
}

function selectorOf(kind: string, { spec }: Workload): LabelSelector | undefined {
  // A Service's has nothing but labels; a CronJob has none, but its pods have what its template says.
  if (kind === 'Service') return { matchLabels: (spec?.selector ?? {}) as Record<string, string> };
  return kind === 'CronJob'
    ? { matchLabels: spec?.jobTemplate?.spec?.template?.metadata?.labels ?? {} }
    : spec?.selector;
}

/** The workload that makes a pod again; undefined for a pod that nobody makes again. */
export async function ownerOf(cluster: Cluster, pod: Pod): Promise<ObjectReference | undefined> {
  const namespace = pod.metadata?.namespace ?? '';
  const owner = controllerOf(pod);
  if (!owner) return undefined;
  if (owner.kind !== 'ReplicaSet') return { kind: owner.kind, namespace, name: owner.name };
  try {
    const set = await cluster.get<KubernetesObject>(resourceTypes.replicaSets, owner.name, { namespace });
    const above = set && controllerOf(set);
    return above
      ? { kind: above.kind, namespace, name: above.name }
      : { kind: owner.kind, namespace, name: owner.name };
  } catch (error) {
    if (!(error instanceof ClusterFailure) || error.reason !== 'forbidden') throw error;
    return { kind: owner.kind, namespace, name: owner.name };
  }
}

function controllerOf({ metadata }: KubernetesObject) {
  return metadata?.ownerReferences?.find(({ controller }) => controller);
}

/** A selector as the API's query has it: `app=web,tier in (a,b),!old`. */
export function printSelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): string {
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    switch (operator) {
      case 'In':
        return `${key} in (${values.join(',')})`;
      case 'NotIn':
        return `${key} notin (${values.join(',')})`;
      case 'DoesNotExist':
        return `!${key}`;
      default:
        return key;
    }
  });
  return [...equal, ...expressions].join(',');
}

export function isReady({ metadata, status }: Pod): boolean {
  const ready = status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  return metadata?.deletionTimestamp === undefined && status?.phase === 'Running' && ready === true;
}

/** Containers that run now, the application's before those that a mesh adds; the one annotated as default is first. */
export function runningContainers(pod: Pod): string[] {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  const runs = ({ state }: ContainerStatus) => state?.running !== undefined;
  const names = [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses]
    .filter(runs)
    .map(({ name }) => name);
  return sortContainers(pod, names);
}

/** All containers, in the same order. */
export function allContainers({ spec, ...pod }: Pod): string[] {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = spec ?? {};
  const names = [...containers, ...initContainers, ...ephemeralContainers].map(({ name }) => name);
  return sortContainers(pod, names);
}

const meshContainers = new Set(['istio-proxy', 'istio-init', 'istio-validation', 'enable-core-dump']);

function sortContainers({ metadata }: Pod, names: readonly string[]): string[] {
  const wanted = metadata?.annotations?.['kubectl.kubernetes.io/default-container'];
  const rank = (name: string) => (name === wanted ? 0 : meshContainers.has(name) ? 2 : 1);
  return [...names].sort((a, b) => rank(a) - rank(b));
}

/** A kind that others brought: the tree knows it from its pods alone. */
export function unknownKind({ kind, namespace, name }: ObjectReference): ClusterFailure {
  return new ClusterFailure(
    'invalid',
    l10n.t('{0} {1} in namespace {2} is of a kind that Meshloom does not read.', kind, name, namespace),
    l10n.t('Choose one of its pods.'),
  );
}

export function notThere(cluster: Cluster, { kind, namespace, name }: ObjectReference): ClusterFailure {
  return new ClusterFailure(
    'not-found',
    l10n.t('There is no {0} {1} in namespace {2} of cluster {3}.', kind, name, namespace, cluster.context.name),
    l10n.t('It may have been deleted a moment ago: refresh the view.'),
  );
}
