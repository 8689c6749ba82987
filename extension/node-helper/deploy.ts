/** Puts the node helper into a cluster, and takes it out again: asks first, tells each step, leaves nothing half said. */
import * as l10n from '@vscode/l10n';
import type { KubernetesEvent, KubernetesObject, Pod, PodSpec, Workload } from '../../mesh/kubernetes.ts';
import { ClusterFailure, resourceTypes, type Cluster, type ResourceType } from '../cluster/cluster.ts';
import { whyNotRunning } from './client.ts';
import type { HelperMode } from '../../contract/node-helper-rights.ts';
import {
  directoriesOf,
  helperName,
  helperNamespace,
  helperSelector,
  isProgramConfigMap,
  managedBy,
  modeOf,
  type CniDirectories,
  type ManifestObject,
} from './manifest.ts';

export interface Progress {
  /** One line for a person. */
  message: string;
  /** Nodes that are done, of how many; absent before the rollout. */
  ready?: number;
  wanted?: number;
  /** Node by node, by name; absent before the rollout. */
  nodes?: NodeProgress[];
}

/** `older`: it still runs what stood there before. */
export interface NodeProgress {
  node: string;
  state: 'ready' | 'waiting' | 'older';
}

export interface WorkOptions {
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
  /** For all of it. Default 3 min to deploy, 2 min to remove. */
  timeoutMs?: number;
  /** Between two looks at the cluster. Default 1 s. */
  pollMs?: number;
}

/** A node where the helper does not run (yet), and what to do about it. */
export interface WaitingNode {
  node: string;
  pod: string;
  why: string;
  next: string;
}

export interface Rollout {
  wanted: number;
  ready: number;
  waiting: WaitingNode[];
}

/** What stands in the cluster: which program, of which version. */
export interface DeployedHelper {
  version: string;
  /** Of the program, as in its ConfigMap's name. */
  hash: string;
  mode: HelperMode;
  /** The CNI directories that it mounts beside, or instead of, the usual ones. */
  directories?: CniDirectories;
  /** What runs in its pods, with the agent's settings. */
  command: string;
}

/** It was cancelled or took too long; `message` says what stands in the cluster now and how to go on or undo it. */
export class Unfinished extends Error {
  override readonly name = 'Unfinished';
  readonly cancelled: boolean;
  readonly rollout?: Rollout;
  constructor(message: string, cancelled: boolean, rollout?: Rollout) {
    super(message);
    this.cancelled = cancelled;
    if (rollout) this.rollout = rollout;
  }
}

interface Work {
  cluster: Cluster;
  namespace: string;
  signal?: AbortSignal;
  deadline: number;
  pollMs: number;
  report: (progress: Progress) => void;
}

/**
 * Asks the cluster whether it would take the manifest (server-side dry run), applies it, waits until every node's helper
 * runs, then removes the programs of older versions.
 * @returns when all nodes are ready.
 * @throws ClusterFailure when something is refused: then nothing was changed, but for a namespace that could not be removed again.
 * @throws Unfinished at the deadline or on cancel: what was applied stays.
 */
export async function deployNodeHelper(
  cluster: Cluster,
  manifest: readonly ManifestObject[],
  options: WorkOptions = {},
): Promise<Rollout> {
  const namespaceObject = manifest.find(({ kind }) => kind === 'Namespace');
  const work = begin(cluster, namespaceObject?.metadata?.name ?? helperNamespace, options, 180_000);
  const applied: string[] = [];
  try {
    await applyAll(work, manifest, applied);
    await removeOtherMode(work, manifest);
    const rollout = await waitForRollout(work);
    await removeOlderPrograms(work, manifest);
    return rollout;
  } catch (error) {
    throw applied.length === 0 ? error : withWhatStands(work, error, applied);
  }
}

/** The error, with what it leaves in the cluster said. */
function withWhatStands({ cluster, namespace }: Work, error: unknown, applied: string[]): unknown {
  if (!(error instanceof ClusterFailure)) return error;
  const left = l10n.t(
    'Applied so far to “{0}” in context “{1}”: {2}. It stays; “Mesh: Remove Node Helper” takes it away.',
    namespace,
    cluster.context.name,
    applied.join(', '),
  );
  if (isCancel(error)) return new Unfinished(l10n.t('Cancelled. {0}', left), true);
  return new ClusterFailure(error.reason, error.message, `${error.next} ${left}`.trim(), {
    cause: error,
    ...(error.status !== undefined && { status: error.status }),
  });
}

/**
 * Removes all that {@link deployNodeHelper} made, older versions' leavings included, and waits until it is gone. The
 * namespace goes too if it is ours; in one that is not, only our objects go.
 * @returns false when there was nothing.
 * @throws ClusterFailure when the cluster refuses, Unfinished at the deadline or on cancel.
 */
export async function removeNodeHelper(
  cluster: Cluster,
  options: WorkOptions & { namespace?: string } = {},
): Promise<boolean> {
  const work = begin(cluster, options.namespace ?? helperNamespace, options, 120_000);
  const { namespace } = work;
  try {
    const existing = await cluster.get(resourceTypes.namespaces, namespace, callOptions(work));
    const daemonSet = existing && (await getDaemonSet(work));
    const clusterWide = await listClusterWide(work, modeOf(daemonSet) === 'observe');
    if (!existing && clusterWide.length === 0) return false;
    const ours = existing !== undefined && isOurs(existing);
    const inside = existing ? (await Promise.all(ourTypes.map(async (type) => await listOurs(work, type)))).flat() : [];
    if (!ours && inside.length === 0 && clusterWide.length === 0) return false;
    // First what makes pods, so that no agent works on without its rights.
    for (const { type, name } of clusterWide.length > 0 ? [...inside, ...clusterWide] : inside) {
      work.report({ message: l10n.t('Deleting {0} “{1}”', type.kind, name) });
      await cluster.delete(type, name, { ...callOptions(work), ...(type.namespaced && { namespace }) });
    }
    if (!existing) return true;
    await waitUntil(
      work,
      l10n.t('Waiting for the helper’s pods to end'),
      async () => (await listHelperPods(work)).length === 0,
    );
    if (ours) {
      await cluster.delete(resourceTypes.namespaces, namespace, callOptions(work));
      const gone = async () =>
        (await cluster.get(resourceTypes.namespaces, namespace, callOptions(work))) === undefined;
      await waitUntil(work, l10n.t('Waiting for namespace “{0}” to go', namespace), gone);
    }
    return true;
  } catch (error) {
    if (isCancel(error)) {
      throw new Unfinished(
        l10n.t(
          'Cancelled. Part of the node helper may still be in “{0}” of context “{1}”; remove it again to finish.',
          namespace,
          cluster.context.name,
        ),
        true,
      );
    }
    throw error;
  }
}

/**
 * Everything in the whole cluster that carries the helper's labels, as `Kind namespace/name`: nothing, after a removal.
 * What may not be listed is not in it.
 */
export async function listHelperObjects(cluster: Cluster, signal?: AbortSignal): Promise<string[]> {
  const labelSelector = printSelector({ ...helperSelector, ...managedBy });
  const types = [resourceTypes.namespaces, ...ourTypes, resourceTypes.pods, ...clusterWideTypes];
  const lists = await Promise.all(
    types.map(async (type) => {
      try {
        const { items } = await cluster.list(type, { labelSelector, ...(signal && { signal }) });
        return items.map(
          ({ metadata }) => `${type.kind} ${metadata?.namespace ? `${metadata.namespace}/` : ''}${metadata?.name}`,
        );
      } catch (error) {
        if (error instanceof ClusterFailure && error.reason === 'forbidden') return [];
        throw error;
      }
    }),
  );
  return lists.flat();
}

/** Whether the namespace, with something of ours, is there. */
export async function isHelperDeployed(cluster: Cluster, signal?: AbortSignal): Promise<boolean> {
  return (
    (await cluster.get(resourceTypes.daemonSets, helperName, {
      namespace: helperNamespace,
      ...(signal && { signal }),
    })) !== undefined
  );
}

/** The helper that stands in the cluster, whether it runs or not; undefined: none. @throws ClusterFailure */
export async function findDeployedHelper(cluster: Cluster, signal?: AbortSignal): Promise<DeployedHelper | undefined> {
  const options = { namespace: helperNamespace, ...(signal && { signal }) };
  const daemonSet = await cluster.get<Workload>(resourceTypes.daemonSets, helperName, options);
  return daemonSet && describeHelper(daemonSet);
}

/** What a manifest would put there. */
export function identityOf(manifest: readonly ManifestObject[]): DeployedHelper {
  const daemonSet = manifest.find(({ kind }) => kind === 'DaemonSet') as Workload | undefined;
  return describeHelper(daemonSet);
}

function describeHelper(daemonSet: Workload | undefined): DeployedHelper {
  const version = daemonSet?.metadata?.labels?.['app.kubernetes.io/version'] ?? '?';
  const directories = directoriesOf(daemonSet);
  return {
    version,
    hash: programOf(daemonSet?.spec?.template?.spec).replace(`${helperName}-`, ''),
    mode: modeOf(daemonSet),
    command: daemonSet?.spec?.template?.spec?.containers?.[0]?.command?.join(' ') ?? '',
    ...(directories && { directories }),
  };
}

/** The ConfigMap from which a pod of the helper has its program. */
function programOf(spec: PodSpec | undefined): string {
  const { volumes = [] } = (spec ?? {}) as { volumes?: { configMap?: { name?: string } }[] };
  return volumes.map(({ configMap }) => configMap?.name ?? '').find((name) => name.startsWith(`${helperName}-`)) ?? '?';
}

/** Which program runs in a pod of the helper, and as what. */
function workOf(spec: PodSpec | undefined): string {
  return `${programOf(spec)} ${spec?.containers?.[0]?.command?.join(' ') ?? ''}`;
}

/** What the helper may have left, in the order in which it is deleted: first what makes pods. */
const ourTypes = [resourceTypes.daemonSets, resourceTypes.configMaps, resourceTypes.serviceAccounts];

/** What intercept mode leaves outside of the namespace. */
const clusterWideTypes = [resourceTypes.clusterRoleBindings, resourceTypes.clusterRoles];

/** @param mayBeHidden nothing of it is expected: who may not look is not kept from the rest. */
async function listClusterWide(work: Work, mayBeHidden: boolean): Promise<{ type: ResourceType; name: string }[]> {
  const found = clusterWideTypes.map(async (type) => {
    try {
      const object = await work.cluster.get(type, helperName, callOptions(work));
      return object && isOurs(object) ? [{ type, name: helperName }] : [];
    } catch (error) {
      if (mayBeHidden && error instanceof ClusterFailure && error.reason === 'forbidden') return [];
      throw error;
    }
  });
  return (await Promise.all(found)).flat();
}

async function getDaemonSet(work: Work): Promise<Workload | undefined> {
  const { cluster, namespace } = work;
  return await cluster.get<Workload>(resourceTypes.daemonSets, helperName, { ...callOptions(work), namespace });
}

/** Rights that intercept mode had and the manifest does not ask for: gone as soon as the new DaemonSet stands. */
async function removeOtherMode(work: Work, manifest: readonly ManifestObject[]): Promise<void> {
  for (const { type, name } of await listClusterWide(work, true)) {
    if (manifest.some(({ kind }) => kind === type.kind)) continue;
    work.report({ message: l10n.t('Deleting {0} “{1}”', type.kind, name) });
    await work.cluster.delete(type, name, callOptions(work));
  }
}

async function applyAll(work: Work, manifest: readonly ManifestObject[], applied: string[]): Promise<void> {
  const { cluster, namespace } = work;
  const existing = await cluster.get(resourceTypes.namespaces, namespace, callOptions(work));
  if (existing?.metadata?.deletionTimestamp) {
    throw new ClusterFailure(
      'conflict',
      l10n.t(
        'Could not deploy the node helper to context “{0}”: namespace “{1}” is still being removed.',
        cluster.context.name,
        namespace,
      ),
      l10n.t('Wait until it is gone, then try again.'),
    );
  }
  if (existing && !isOurs(existing)) {
    throw new ClusterFailure(
      'conflict',
      l10n.t(
        'Could not deploy the node helper to context “{0}”: there is a namespace “{1}” that is not Meshloom’s.',
        cluster.context.name,
        namespace,
      ),
      l10n.t(
        'Rename or remove it, or give it the label app.kubernetes.io/managed-by=meshloom if Meshloom may own and delete it.',
      ),
    );
  }
  const [first, rest] = [
    manifest.filter(({ kind }) => kind === 'Namespace'),
    manifest.filter(({ kind }) => kind !== 'Namespace'),
  ];
  // What its pods need before they can be tried; it makes none by itself.
  const groundwork = rest.filter(({ kind }) => kind !== 'DaemonSet');
  const dryRun = async (objects: ManifestObject[]) => {
    for (const object of objects) {
      work.report({
        message: l10n.t('Asking whether {0} “{1}” would be accepted', object.kind ?? '', object.metadata?.name ?? ''),
      });
      await cluster.apply(object, { ...callOptions(work), dryRun: true, force: true });
    }
  };
  const apply = async (objects: ManifestObject[]) => {
    for (const object of objects) {
      work.report({ message: l10n.t('Applying {0} “{1}”', object.kind ?? '', object.metadata?.name ?? '') });
      // By force: the namespace is ours, so is all that stands in it under our names.
      await cluster.apply(object, { ...callOptions(work), force: true });
      applied.push(`${object.kind ?? ''} ${object.metadata?.name ?? ''}`);
    }
  };
  await dryRun(first);
  if (existing) {
    await dryRun(rest);
    await apply(first);
    await apply(groundwork);
    await tryPod(work, manifest);
  } else {
    // Nothing can be tried in a namespace that does not exist: it is made first, and taken back if the rest is refused.
    await apply(first);
    try {
      await dryRun(rest);
      await apply(groundwork);
      await tryPod(work, manifest);
    } catch (error) {
      await cluster.delete(resourceTypes.namespaces, namespace).catch(() => undefined);
      for (const type of clusterWideTypes) {
        if (applied.includes(`${type.kind} ${helperName}`))
          await cluster.delete(type, helperName).catch(() => undefined);
      }
      applied.length = 0;
      throw error;
    }
  }
  await apply(rest.filter(({ kind }) => kind === 'DaemonSet'));
}

/** Pod Security takes notice of a namespace's new label a moment later. */
const admissionLagMs = 3_000;

/**
 * Asks whether a pod of the DaemonSet would be accepted. The API server takes any DaemonSet; Pod Security and policies for
 * pods speak only when its pods are made, where nobody but an event hears them. Who may not make pods is not asked.
 */
async function tryPod(work: Work, manifest: readonly ManifestObject[]): Promise<void> {
  const daemonSet = manifest.find(({ kind }) => kind === 'DaemonSet') as Workload | undefined;
  const template = daemonSet?.spec?.template;
  if (!template?.spec) return;
  const metadata = { ...template.metadata, name: `${helperName}-probe`, namespace: work.namespace };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: template.spec };
  work.report({ message: l10n.t('Asking whether its pods would be accepted') });
  const until = performance.now() + admissionLagMs;
  for (;;) {
    try {
      await work.cluster.apply(pod, { ...callOptions(work), dryRun: true, force: true });
      return;
    } catch (error) {
      if (!(error instanceof ClusterFailure)) throw error;
      if (error.reason !== 'forbidden' && error.reason !== 'invalid') throw error;
      // Everything else than admission's no (a right that is missing, above all) tells nothing about the pods to come.
      const said = error.said ?? '';
      if (/ cannot \S+ resource /.test(said) || !/ is forbidden: |denied|violates/.test(said)) return;
      const isEarly = /PodSecurity|error looking up service account/.test(said);
      if (!isEarly || performance.now() >= until) throw refusedPods(work, error);
      await pause(work);
    }
  }
}

function refusedPods({ cluster, namespace }: Work, refusal: ClusterFailure): ClusterFailure {
  return new ClusterFailure(
    'forbidden',
    l10n.t('Context “{0}” would refuse the node helper’s pods. {1}', cluster.context.name, refusal.message),
    l10n.t(
      'Ask who administers the cluster to allow it in namespace “{0}”; until then the rules can be read from inside a pod.',
      namespace,
    ),
    { cause: refusal, ...(refusal.status !== undefined && { status: refusal.status }) },
  );
}

async function waitForRollout(work: Work): Promise<Rollout> {
  let rollout: Rollout = { wanted: 0, ready: 0, waiting: [] };
  const look = async () => {
    const daemonSet = await getDaemonSet(work);
    const pods = await listHelperPods(work);
    rollout = describeRollout(daemonSet, pods);
    if (rollout.wanted > 0 && pods.length === 0) rollout.waiting.push(...(await findRefusals(work)));
    const { ready, wanted } = rollout;
    const nodes = describeNodes(daemonSet, pods);
    work.report({ message: describeProgress(rollout, nodes), ready, wanted, nodes });
    return isComplete(daemonSet, rollout) && nodes.every(({ state }) => state === 'ready');
  };
  await waitUntil(work, '', look, () => new Unfinished(describeUnfinished(work, rollout), false, rollout));
  return rollout;
}

/** @param pods all of the helper's; those of an older template that still end are not counted. */
export function describeRollout(daemonSet: Workload | undefined, pods: readonly Pod[]): Rollout {
  const status = daemonSet?.status as DaemonSetStatus | undefined;
  const waiting = pods
    .filter((pod) => !pod.metadata?.deletionTimestamp && !isReady(pod))
    .map((pod) => {
      const why = whyNotRunning(pod);
      return { node: pod.spec?.nodeName ?? '?', pod: pod.metadata?.name ?? '?', why, next: adviceFor(why) };
    });
  // The API leaves out zeros: right after an upgrade no updated pod is there, while the older ones are still ready.
  const ready = Math.min(status?.numberReady ?? 0, status?.updatedNumberScheduled ?? 0);
  return { wanted: status?.desiredNumberScheduled ?? 0, ready, waiting };
}

/** By the newest pod of each node. */
function describeNodes(daemonSet: Workload | undefined, pods: readonly Pod[]): NodeProgress[] {
  const program = workOf(daemonSet?.spec?.template?.spec);
  // One that ends counts only where nothing has taken its place.
  const age = ({ metadata }: Pod) => `${metadata?.deletionTimestamp ? 0 : 1}${metadata?.creationTimestamp ?? ''}`;
  const newest = new Map<string, Pod>();
  for (const pod of [...pods].sort((a, b) => (age(a) < age(b) ? -1 : 1)))
    if (pod.spec?.nodeName) newest.set(pod.spec.nodeName, pod);
  return [...newest]
    .map(([node, pod]): NodeProgress => {
      const isOlder = workOf(pod.spec) !== program || pod.metadata?.deletionTimestamp !== undefined;
      return { node, state: isOlder ? 'older' : isReady(pod) ? 'ready' : 'waiting' };
    })
    .sort((a, b) => (a.node < b.node ? -1 : 1));
}

interface DaemonSetStatus {
  observedGeneration?: number;
  desiredNumberScheduled?: number;
  updatedNumberScheduled?: number;
  numberReady?: number;
}

function isComplete(daemonSet: Workload | undefined, { wanted, ready }: Rollout): boolean {
  const generation = (daemonSet?.metadata as { generation?: number } | undefined)?.generation ?? 0;
  const observed = (daemonSet?.status as DaemonSetStatus | undefined)?.observedGeneration ?? 0;
  return observed >= generation && wanted > 0 && ready >= wanted;
}

/** A pod that was refused does not exist: only the DaemonSet's events tell of it. */
async function findRefusals(work: Work): Promise<WaitingNode[]> {
  const events = await work.cluster
    .list<KubernetesEvent>(resourceTypes.events, {
      ...callOptions(work),
      namespace: work.namespace,
      fieldSelector: `involvedObject.name=${helperName}`,
    })
    .catch((error: unknown) => {
      if (isCancel(error)) throw error;
      return { items: [] };
    });
  const refused = events.items.filter(
    ({ reason, involvedObject }) => reason === 'FailedCreate' && involvedObject?.name === helperName,
  );
  const why = refused.at(-1)?.message;
  return why ? [{ node: '*', pod: '', why, next: adviceFor(why) }] : [];
}

function adviceFor(why: string): string {
  if (/ErrImage|ImagePullBackOff|InvalidImageName|ImageInspectError/.test(why)) {
    return l10n.t(
      'Set meshloom.helper.image to an image with Node that the nodes can pull (a mirror of node:24-slim), then deploy again.',
    );
  }
  if (/PodSecurity|forbidden|admission|denied/.test(why)) {
    return l10n.t('Ask who administers the cluster to allow it in namespace “{0}”.', helperNamespace);
  }
  if (/CrashLoopBackOff|Error|StartError/.test(why))
    return l10n.t('Look at the log of that pod; the image must bring Node 20 or newer.');
  if (/Unschedulable|Insufficient/.test(why)) return l10n.t('Make room on that node.');
  if (/OOMKilled|Evicted/.test(why)) return l10n.t('The node is short of memory or disk.');
  return l10n.t('It may only need more time.');
}

function describeProgress({ wanted, ready, waiting }: Rollout, nodes: readonly NodeProgress[]): string {
  const [first] = waiting;
  if (wanted === 0) return l10n.t('Waiting for the cluster to plan the helper’s pods');
  const count = l10n.t('{0} of {1} nodes ready', ready, wanted);
  const older = nodes.find(({ state }) => state === 'older');
  if (!first && older) return l10n.t('{0}; {1} still runs the older one', count, older.node);
  return first ? l10n.t('{0}; {1}: {2}', count, first.node, first.why) : count;
}

function describeUnfinished({ cluster, namespace }: Work, { wanted, ready, waiting }: Rollout): string {
  const stays = l10n.t(
    'It stays in “{0}” of context “{1}” and may still get ready; “Mesh: Remove Node Helper” takes it away.',
    namespace,
    cluster.context.name,
  );
  if (wanted === 0) {
    return l10n.t(
      'The node helper was applied, but the cluster plans no pod for it: no Linux node takes it, or its controller manager does not run. {0}',
      stays,
    );
  }
  const shown = waiting
    .slice(0, 3)
    .map(({ node, why, next }) => l10n.t('{0}: {1}. {2}', node, why.replace(/\.$/, ''), next));
  return [l10n.t('The node helper runs on {0} of {1} nodes.', ready, wanted), ...shown, stays].join(' ');
}

async function removeOlderPrograms(work: Work, manifest: readonly ManifestObject[]): Promise<void> {
  const current = manifest.filter(({ kind }) => kind === 'ConfigMap').map(({ metadata }) => metadata?.name);
  for (const { name } of await listOurs(work, resourceTypes.configMaps)) {
    if (current.includes(name) || !isProgramConfigMap(name)) continue;
    work.report({ message: l10n.t('Deleting {0} “{1}”', 'ConfigMap', name) });
    await work.cluster.delete(resourceTypes.configMaps, name, { ...callOptions(work), namespace: work.namespace });
  }
}

async function listOurs(work: Work, type: ResourceType): Promise<{ type: ResourceType; name: string }[]> {
  const { items } = await work.cluster.list(type, {
    ...callOptions(work),
    namespace: work.namespace,
    labelSelector: printSelector(managedBy),
  });
  return items.filter(isOurs).map(({ metadata }) => ({ type, name: metadata?.name ?? '' }));
}

async function listHelperPods(work: Work): Promise<Pod[]> {
  const { items } = await work.cluster.list<Pod>(resourceTypes.pods, {
    ...callOptions(work),
    namespace: work.namespace,
    labelSelector: printSelector(helperSelector),
  });
  return items;
}

function printSelector(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

function isOurs({ metadata }: KubernetesObject): boolean {
  return Object.entries(managedBy).every(([key, value]) => metadata?.labels?.[key] === value);
}

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;
}

function isCancel(error: unknown): boolean {
  return error instanceof ClusterFailure && error.reason === 'cancelled';
}

function begin(cluster: Cluster, namespace: string, options: WorkOptions, timeoutMs: number): Work {
  let last = '';
  return {
    cluster,
    namespace,
    deadline: performance.now() + (options.timeoutMs ?? timeoutMs),
    pollMs: options.pollMs ?? 1000,
    report: (progress) => {
      if (progress.message !== last) options.onProgress?.(progress);
      last = progress.message;
    },
    ...(options.signal && { signal: options.signal }),
  };
}

function callOptions({ signal }: Work): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}

/** Looks again and again. A look that fails for a passing reason (busy, restarting API server) is repeated like one that says no. */
async function waitUntil(
  work: Work,
  message: string,
  isDone: () => Promise<boolean>,
  giveUp?: () => Unfinished,
): Promise<void> {
  if (message) work.report({ message });
  let lastFailure: ClusterFailure | undefined;
  for (;;) {
    try {
      if (await isDone()) return;
      lastFailure = undefined;
    } catch (error) {
      if (!(error instanceof ClusterFailure) || !passing.has(error.reason)) throw error;
      lastFailure = error;
    }
    if (performance.now() >= work.deadline) {
      throw (
        lastFailure ??
        giveUp?.() ??
        new Unfinished(
          l10n.t(
            '{0} took too long in context “{1}”. It may still finish; look again in a minute.',
            message,
            work.cluster.context.name,
          ),
          false,
        )
      );
    }
    await pause(work);
  }
}

const passing = new Set(['timeout', 'unreachable', 'server-error', 'too-many-requests']);

function pause({ pollMs, signal }: Work): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, pollMs);
    signal?.addEventListener('abort', done, { once: true });
    if (signal?.aborted) done();
  });
}
