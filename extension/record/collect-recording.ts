/**
 * Reads one snapshot of a cluster for a recording: everything that the views and the analysis read, and what the node helpers
 * tell. What is refused or fails is noted and the rest goes on. Secrets leave this file as names and certificates alone.
 */
import * as l10n from '@vscode/l10n';
import type { PlainObject } from '../../contract/cluster-layer.ts';
import { nodeHelperProtocol, type InspectPodsResult } from '../../contract/node-helper.ts';
import type { KubernetesObject, MutatingWebhookConfiguration, Pod } from '../../mesh/kubernetes.ts';
import { analysisTypes, inVersion, kindName, secretType, type AnalysisType } from '../cluster/analysis-types.ts';
import { ClusterFailure, resourceTypes, type Cluster, type ResourceType } from '../cluster/cluster.ts';
import { readDefinitions } from '../cluster/collect-snapshot.ts';
import { controlPlaneNamespaces } from '../cluster/control-plane-namespaces.ts';
import { takeTurns } from '../cluster/take-turns.ts';
import { trimObject } from '../cluster/trim-object.ts';
import { ask, inspectPods } from '../node-helper/client.ts';
import { helperName, helperNamespace } from '../node-helper/manifest.ts';
import { maskSecrets, type Masked } from './mask-secrets.ts';
import {
  recordingFileVersion,
  recordingType,
  type RecordedKind,
  type RecordedNodeAnswers,
  type RecordedPodRules,
  type RecordingFile,
} from './recording-file.ts';

export interface RecordOptions {
  signal: AbortSignal;
  /** Only this one, with what the control plane's says for it; absent: all that may be read. */
  namespace?: string;
  /** `meshloom 0.1.0` */
  writtenBy: string;
  now: Date;
  /** What is read now, in the user's words; `share` of the whole, 0 to 1. */
  onProgress?: (what: string, share: number) => void;
}

export interface Recorded {
  recording: RecordingFile;
  /** How many values were masked as secrets. */
  masked: number;
}

const plain = (apiVersion: string, kind: string, plural: string, namespaced = true): AnalysisType => {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return { group: group!, versions: [version!], kind, plural, namespaced, isCustom: group !== '' };
};
/** What views read beyond analysis. */
const viewTypes: readonly AnalysisType[] = [
  plain('v1', 'Namespace', 'namespaces', false),
  plain('apps/v1', 'ReplicaSet', 'replicasets'),
  plain('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices'),
  plain('gateway.networking.k8s.io/v1', 'HTTPRoute', 'httproutes'),
  plain('gateway.networking.k8s.io/v1', 'GRPCRoute', 'grpcroutes'),
  plain('k8s.cni.cncf.io/v1', 'NetworkAttachmentDefinition', 'network-attachment-definitions'),
  plain('v1', 'Event', 'events'),
];
const atOnce = 4;

/**
 * Reads it all. Nothing is written anywhere, nothing on the cluster is changed.
 * @throws ClusterFailure when nothing can be had: unreachable, no login, cancelled.
 */
export async function collectRecording(cluster: Cluster, options: RecordOptions): Promise<Recorded> {
  const { signal, namespace, onProgress = () => undefined } = options;
  const found = new Found();
  const [first, ...rest] = [...viewTypes, ...analysisTypes, secretType];
  // Alone: a login that has to happen happens once, and a cluster that does not answer is asked once.
  await readKind(cluster, first!, options, found, true);
  let done = 1;
  await inParallel(rest, async (type) => {
    onProgress(l10n.t('{0} of cluster {1}', type.plural, cluster.context.name), (0.6 * done) / (rest.length + 1));
    await readKind(cluster, type, options, found, false);
    done++;
  });
  await readControlPlanes(cluster, options, found);
  found.add(await readDefinitions(cluster, { signal }), 'CustomResourceDefinition');
  if (namespace !== undefined) await readHelperPods(cluster, options, found);
  const helpers = await readNodes(cluster, options, found);
  signal.throwIfAborted();
  const resources = await maskEach(found.all(), signal);
  const answers = maskSecrets({ nodes: helpers.nodes, pods: helpers.pods });
  const { name, namespace: own } = cluster.context;
  const recording: RecordingFile = {
    type: recordingType,
    formatVersion: recordingFileVersion,
    recordedAt: options.now.toISOString(),
    writtenBy: options.writtenBy,
    cluster: { name, ...((namespace ?? own) !== undefined && { namespace: namespace ?? own! }) },
    scope: namespace === undefined ? {} : { namespace },
    anonymized: false,
    kinds: found.kinds,
    notes: found.notes,
    resources: resources.value,
    ...answers.value,
  };
  return { recording, masked: resources.count + answers.count };
}

/** Ten thousand objects take seconds, in which others want to work, too. */
async function maskEach(objects: readonly PlainObject[], signal: AbortSignal): Promise<Masked<PlainObject[]>> {
  const value: PlainObject[] = [];
  let count = 0;
  for (const object of objects) {
    const masked = maskSecrets(object);
    value.push(masked.value);
    count += masked.count;
    const turn = takeTurns();
    if (!turn) continue;
    await turn;
    signal.throwIfAborted();
  }
  return { value, count };
}

/** Objects as they come in, each once. */
class Found {
  readonly kinds: RecordedKind[] = [];
  readonly notes: string[] = [];
  readonly #objects = new Map<string, PlainObject>();

  add(objects: readonly PlainObject[], kind?: string): void {
    for (const object of objects) {
      const { namespace = '', name } = object['metadata'] as { namespace?: string; name: string };
      this.#objects.set(JSON.stringify([object['apiVersion'], kind ?? object['kind'], namespace, name]), thin(object));
    }
  }

  ofKind<T extends KubernetesObject>(kind: string): T[] {
    return this.all().filter((object) => object['kind'] === kind) as unknown as T[];
  }

  all(): PlainObject[] {
    return [...this.#objects.values()];
  }
}

async function readKind(
  cluster: Cluster,
  type: AnalysisType,
  { signal, namespace }: RecordOptions,
  found: Found,
  isFirst: boolean,
): Promise<void> {
  const kind = kindName(type);
  const enter = (state: RecordedKind['state'], objects: PlainObject[], says?: string) => {
    found.add(objects);
    found.kinds.push({ kind, state, objects: objects.length, ...(says && { says }) });
    if (says) found.notes.push(says);
  };
  const within = type.namespaced && namespace !== undefined ? { namespace } : {};
  try {
    const objects = await listAnyVersion(cluster, type, { signal, ...within });
    enter(objects ? 'complete' : 'absent', objects ?? []);
  } catch (error) {
    const failure = bearable(error, isFirst);
    if (failure.reason !== 'forbidden') return enter('failed', [], failure.message);
    const own = cluster.context.namespace ?? 'default';
    const rest = type.namespaced && namespace === undefined ? own : undefined;
    const objects = rest === undefined ? [] : await listQuietly(cluster, type, { signal, namespace: rest });
    enter(objects.length > 0 ? 'partial' : 'refused', objects, failure.message);
  }
}

async function listAnyVersion(
  cluster: Cluster,
  type: AnalysisType,
  options: { signal: AbortSignal; namespace?: string },
): Promise<PlainObject[] | undefined> {
  for (const version of type.versions) {
    const versioned = inVersion(type, version);
    try {
      const { items } = await cluster.list(versioned, options);
      return items.map((item) => trimmed(item, versioned));
    } catch (error) {
      if (!(error instanceof ClusterFailure) || error.reason !== 'not-found' || !type.isCustom) throw error;
    }
  }
  return undefined;
}

async function listQuietly(
  cluster: Cluster,
  type: AnalysisType,
  options: { signal: AbortSignal; namespace: string },
): Promise<PlainObject[]> {
  try {
    return (await listAnyVersion(cluster, type, options)) ?? [];
  } catch (error) {
    bearable(error, false);
    return [];
  }
}

/** The settings of meshes and injectors; of a recording of one namespace also what the root namespaces say for all. */
async function readControlPlanes(cluster: Cluster, { signal, namespace }: RecordOptions, found: Found): Promise<void> {
  const webhooks = found.ofKind<MutatingWebhookConfiguration>('MutatingWebhookConfiguration');
  for (const plane of controlPlaneNamespaces(webhooks)) {
    try {
      const { items } = await cluster.list(resourceTypes.configMaps, { signal, namespace: plane });
      const settings = items.filter(({ metadata }) => /^istio(?!-ca-)(?:-|$)/.test(metadata?.name ?? ''));
      found.add(settings.map((item) => trimmed(item, resourceTypes.configMaps)));
    } catch (error) {
      found.notes.push(bearable(error, false).message);
    }
    if (namespace === undefined || namespace === plane) continue;
    const meshWide = analysisTypes.filter(({ group }) => group.endsWith('.istio.io'));
    await inParallel(meshWide, async (type) =>
      found.add(await listQuietly(cluster, type, { signal, namespace: plane })),
    );
  }
}

/** So that a recording of one namespace can be asked as the cluster was. */
async function readHelperPods(cluster: Cluster, { signal }: RecordOptions, found: Found): Promise<void> {
  for (const type of [resourceTypes.pods, resourceTypes.daemonSets])
    try {
      const { items } = await cluster.list(type, { signal, namespace: helperNamespace });
      found.add(items.map((item) => trimmed(item, type)));
    } catch (error) {
      found.notes.push(bearable(error, false).message);
    }
}

/** What the helpers tell of their nodes and of the pods there. */
async function readNodes(
  cluster: Cluster,
  options: RecordOptions,
  found: Found,
): Promise<{ nodes: RecordedNodeAnswers[]; pods: RecordedPodRules[] }> {
  const pods = found.ofKind<Pod>('Pod');
  const helpers = pods.filter(
    ({ metadata, spec, status }) =>
      metadata?.labels?.['app.kubernetes.io/name'] === helperName && spec?.nodeName && status?.phase === 'Running',
  );
  const names = [...new Set(helpers.map(({ spec }) => spec!.nodeName!))].sort();
  const all = found.ofKind('Node').map(({ metadata }) => metadata?.name ?? '');
  const without = all.filter((name) => !names.includes(name));
  if (without.length > 0)
    found.notes.push(
      l10n.t(
        'No node helper runs on {0} of {1} nodes ({2}): of their CNI chains and of the rules of their pods nothing is recorded.',
        without.length,
        all.length,
        without.slice(0, 5).join(', '),
      ),
    );
  const result = { nodes: [] as RecordedNodeAnswers[], pods: [] as RecordedPodRules[] };
  let done = 0;
  await inParallel(names, async (node) => {
    options.onProgress?.(l10n.t('node {0} and its pods’ rules', node), 0.65 + (0.35 * done) / names.length);
    const answers = await readNode(cluster, node, options.signal);
    const here = pods.filter(({ spec }) => spec?.nodeName === node && !spec.hostNetwork).filter(isRunning);
    result.nodes.push(answers);
    result.pods.push(...(await readPods(cluster, node, here, options.signal, answers.notes)));
    found.notes.push(...answers.notes);
    done++;
  });
  result.nodes.sort((a, b) => (a.node < b.node ? -1 : 1));
  result.pods.sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
  return result;
}

async function readNode(cluster: Cluster, node: string, signal: AbortSignal): Promise<RecordedNodeAnswers> {
  const answers: RecordedNodeAnswers = { node, notes: [] };
  const read = async <T>(verb: 'hello' | 'read-cni' | 'read-agent', keep: (result: T) => void): Promise<void> => {
    try {
      const { reply } = await ask(cluster, node, { protocol: nodeHelperProtocol, verb }, signal);
      if (reply.ok) keep(reply.result as T);
      else if (reply.error.code !== 'unknown-verb') answers.notes.push(`${node}, ${verb}: ${reply.error.message}`);
    } catch (error) {
      signal.throwIfAborted();
      answers.notes.push(`${node}, ${verb}: ${messageOf(error)}`);
    }
  };
  await read<NonNullable<RecordedNodeAnswers['hello']>>('hello', (hello) => (answers.hello = hello));
  await read<NonNullable<RecordedNodeAnswers['cni']>>('read-cni', (cni) => (answers.cni = cni));
  await read<NonNullable<RecordedNodeAnswers['agent']>>('read-agent', (agent) => (answers.agent = agent));
  return answers;
}

async function readPods(
  cluster: Cluster,
  node: string,
  pods: readonly Pod[],
  signal: AbortSignal,
  notes: string[],
): Promise<RecordedPodRules[]> {
  if (pods.length === 0) return [];
  let inspected: InspectPodsResult['pods'];
  try {
    inspected = await inspectPods(cluster, node, pods, signal);
  } catch (error) {
    signal.throwIfAborted();
    notes.push(`${node}, inspect-pods: ${messageOf(error)}`);
    return [];
  }
  return inspected.flatMap((each) => {
    const { uid } = each;
    const { namespace = '', name = '' } = pods.find(({ metadata }) => metadata?.uid === uid)?.metadata ?? {};
    if (each.ok) return [{ namespace, name, uid, result: each.result }];
    notes.push(`${namespace}/${name}: ${each.error.message}`);
    return [];
  });
}

function isRunning({ status }: Pod): boolean {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].some(
    ({ state }) => state?.running,
  );
}

function trimmed(object: KubernetesObject, { apiVersion, kind }: ResourceType): PlainObject {
  return trimObject(object as unknown as PlainObject, apiVersion, kind);
}

/** What is large and nobody's business here: lists of images, prose of definitions, bundles of authorities, programs. */
function thin(object: PlainObject): PlainObject {
  if (object['kind'] === 'Node') {
    const { images: _, volumesAttached: __, volumesInUse: ___, ...status } = (object['status'] ?? {}) as PlainObject;
    return { ...object, status };
  }
  if (object['kind'] === 'ConfigMap')
    return { ...object, data: withoutTemplates(object['data'] as PlainObject | undefined) };
  if (object['kind'] === 'CustomResourceDefinition') {
    const { status: _, ...rest } = object;
    return { ...rest, spec: withoutProse(object['spec'], false) };
  }
  return object;
}

/** Of the injector's configuration: a hundred kilobytes of templates, of which only the names decide anything. */
function withoutTemplates(data: PlainObject | undefined): PlainObject | undefined {
  if (typeof data?.['config'] !== 'string') return data;
  let isInside = false;
  let indent: string | undefined;
  const lines = data['config'].split('\n').flatMap((line) => {
    if (/^[^\s#]/.test(line)) isInside = /^["']?templates["']?:/.test(line);
    else if (isInside) {
      const [, before, name] = /^( +)(["']?[\w.-]+["']?):/.exec(line) ?? [];
      indent ??= before;
      return name !== undefined && before === indent ? [`${before}${name}: ""`] : [];
    }
    return [line];
  });
  return { ...data, config: lines.join('\n') };
}

/** @param isMap its keys are names of fields, one of which may be called `description`. */
function withoutProse(value: unknown, isMap: boolean): unknown {
  if (Array.isArray(value)) return value.map((each: unknown) => withoutProse(each, false));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, each]) => isMap || key !== 'description' || typeof each !== 'string')
      .map(([key, each]) => [key, withoutProse(each, !isMap && key === 'properties')]),
  );
}

/** @throws what would be the same for every kind. */
function bearable(error: unknown, isFirst: boolean): ClusterFailure {
  if (!(error instanceof ClusterFailure)) throw error;
  if (['unauthorized', 'unreachable', 'kubeconfig', 'cancelled'].includes(error.reason)) throw error;
  if (isFirst && error.reason !== 'forbidden') throw error;
  return error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A few at a time: enough to hide the way there, not enough for the API server to make us wait. */
async function inParallel<T>(inputs: readonly T[], work: (input: T) => Promise<void>): Promise<void> {
  const waiting = [...inputs];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let input = waiting.shift(); input !== undefined; input = waiting.shift()) await work(input);
    }),
  );
}
