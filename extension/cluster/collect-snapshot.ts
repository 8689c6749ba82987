import * as l10n from '@vscode/l10n';
import type { PlainObject } from '../../contract/cluster-layer.ts';
import { snapshotProtocol } from '../../contract/cluster-snapshot.ts';
import type { KindState, SnapshotLine } from '../../contract/cluster-snapshot.ts';
import type { KubernetesObject, MutatingWebhookConfiguration } from '../../mesh/kubernetes.ts';
import { controlPlaneNamespaces } from './control-plane-namespaces.ts';
import { analysisTypes, definitionNames, inVersion, kindName, secretType } from './analysis-types.ts';
import type { AnalysisType } from './analysis-types.ts';
import { ClusterFailure, resourceTypes } from './cluster.ts';
import type { Cluster, FailureReason, ResourceType } from './cluster.ts';
import { SnapshotScope } from './snapshot-scope.ts';
import { trimObject } from './trim-object.ts';

export interface SnapshotOptions {
  signal: AbortSignal;
  /** Also the names of Secrets and the certificates in them. */
  secrets: boolean;
  /** Absent or empty: the whole cluster, or what of it may be read. */
  namespaces?: readonly string[];
}

const definitionType: ResourceType = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};
const namespaceType: AnalysisType = {
  ...{ group: '', kind: 'Namespace', plural: 'namespaces', namespaced: false },
  ...{ versions: ['v1'], isCustom: false },
};
/** Requests at a time: enough to hide the way there, not enough for the API server to make us wait. */
const atOnce = 4;
const objectsPerLine = 500;

/**
 * Everything that analysis reads of a cluster, kind by kind. The namespaces come first and alone: a cluster that does not
 * answer is asked once, and a login that has to happen happens once. What is refused in the whole cluster is read where it
 * may be; what is refused or fails is said of that kind, and the rest goes on.
 * @throws {ClusterFailure} when nothing can be had: unreachable, no login, a kubeconfig that does not work, cancelled;
 * or a namespace that was chosen does not exist.
 */
export async function* collectSnapshot(cluster: Cluster, options: SnapshotOptions): AsyncGenerator<SnapshotLine> {
  const { name, server = '' } = cluster.context;
  yield { type: 'begin', protocol: snapshotProtocol, context: name, server };
  const namespaces = await readKind(cluster, namespaceType, options, undefined, ['forbidden']);
  yield* namespaces;
  const listed = namespaces.flatMap((line) => (line.type === 'objects' ? line.objects.map(nameOf) : []));
  const { namespaces: chosen = [], signal } = options;
  const scope = new SnapshotScope(cluster, { chosen, listed, signal });
  refuseUnknown(cluster, chosen, listed);
  const types = [...analysisTypes, ...(options.secrets ? [secretType] : [])];
  const webhooks: MutatingWebhookConfiguration[] = [];
  for await (const lines of inTurns(types, (type) => readKind(cluster, type, options, scope))) {
    for (const line of lines) if (line.type === 'objects') webhooks.push(...webhooksIn(line.objects));
    yield* lines;
  }
  const others = [
    () => readDefinitions(cluster, options),
    ...(listed.length > 0 ? [] : scope.used.map((name) => () => readNamespace(cluster, name, options))),
    ...controlPlaneNamespaces(webhooks).map((namespace) => () => readMeshConfigs(cluster, namespace, options)),
  ];
  for await (const objects of inTurns(others, (read) => read()))
    if (objects.length > 0) yield { type: 'objects', objects };
  yield { type: 'end' };
}

/** @param bearable failures that are this kind's alone; absent: all but those that would be every kind's. */
async function readKind(
  cluster: Cluster,
  type: AnalysisType,
  { signal }: SnapshotOptions,
  scope: SnapshotScope | undefined,
  bearable?: readonly FailureReason[],
): Promise<SnapshotLine[]> {
  const kind = kindName(type);
  const done = (state: KindState, objects: PlainObject[], says = ''): SnapshotLine[] => [
    ...inPieces(objects),
    { type: 'kind', kind, state, says },
  ];
  if (type.namespaced && scope?.isChosen) return readInNamespaces(cluster, type, scope, signal);
  try {
    const objects = await listInAnyVersion(cluster, type, { signal });
    return objects ? done('complete', objects) : done('absent', []);
  } catch (error) {
    const failure = nonFatal(error);
    if (bearable && !bearable.includes(failure.reason)) throw failure;
    if (failure.reason !== 'forbidden') return done('failed', [], failure.message);
    if (type.namespaced && scope) return readInNamespaces(cluster, type, scope, signal, failure);
    return done('refused', [], failure.message);
  }
}

/** A line of a size that the other end can take in at once. */
function inPieces(objects: PlainObject[]): SnapshotLine[] {
  const starts = Array.from(
    { length: Math.ceil(objects.length / objectsPerLine) },
    (_, index) => index * objectsPerLine,
  );
  return starts.map((start) => ({ type: 'objects', objects: objects.slice(start, start + objectsPerLine) }));
}

/**
 * In each namespace by itself: what is refused in one is there in the others.
 * @param refused why not in the whole cluster; absent: nobody wanted it.
 */
async function readInNamespaces(
  cluster: Cluster,
  type: AnalysisType,
  scope: SnapshotScope,
  signal: AbortSignal,
  refused?: ClusterFailure,
): Promise<SnapshotLine[]> {
  const { namespaces, unasked } = await scope.of(type);
  const read: string[] = [];
  const objects: PlainObject[] = [];
  const failures: ClusterFailure[] = refused ? [refused] : [];
  let isServed = false;
  const list = async (namespace: string) => {
    try {
      const found = await listInAnyVersion(cluster, type, { signal, namespace });
      return () => {
        read.push(namespace);
        isServed ||= found !== undefined;
        for (const object of found ?? []) objects.push(object);
      };
    } catch (error) {
      const failure = nonFatal(error);
      return () => failures.push(failure);
    }
  };
  for await (const take of inTurns(namespaces, list)) take();
  const worst = failures.find(({ reason }) => reason !== 'forbidden') ?? failures[0];
  const state = worst ? (worst.reason === 'forbidden' ? 'refused' : 'failed') : isServed ? 'part' : 'absent';
  return [
    ...inPieces(objects),
    {
      ...({ type: 'kind', kind: kindName(type), state, says: worst?.message ?? '' } as const),
      ...(state !== 'absent' && { namespaces: read }),
      ...(unasked > 0 && { unasked }),
    },
  ];
}

/** A name that is mistyped would have everything be missing. */
function refuseUnknown({ context }: Cluster, chosen: readonly string[], listed: readonly string[]): void {
  const unknown = listed.length > 0 ? chosen.find((name) => !listed.includes(name)) : undefined;
  if (unknown === undefined) return;
  throw new ClusterFailure(
    'not-found',
    l10n.t('There is no namespace “{0}” in “{1}”.', unknown, context.name),
    l10n.t('It has: {0}.', [...listed].sort().slice(0, 20).join(', ')),
  );
}

function nameOf(object: PlainObject): string {
  return (object as unknown as KubernetesObject).metadata?.name ?? '';
}

/** Who may not list the namespaces may often read his own, whose labels decide about injection. */
async function readNamespace(cluster: Cluster, name: string, { signal }: SnapshotOptions): Promise<PlainObject[]> {
  try {
    const found = await cluster.get(resourceTypes.namespaces, name, { signal });
    return found ? [trimmed(found, resourceTypes.namespaces)] : [];
  } catch (error) {
    nonFatal(error);
    return [];
  }
}

/** Undefined when the cluster serves no version of it. */
async function listInAnyVersion(
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

/** Which fields this cluster's Istio has; without the right to ask, the built-in release decides. */
export async function readDefinitions(
  cluster: Cluster,
  { signal }: Pick<SnapshotOptions, 'signal'>,
): Promise<PlainObject[]> {
  const found: PlainObject[] = [];
  try {
    for (const name of definitionNames()) {
      const definition = await cluster.get(definitionType, name, { signal });
      if (definition) found.push(trimmed(definition, definitionType));
    }
  } catch (error) {
    nonFatal(error);
  }
  return found;
}

/** `istio`, `istio-<revision>` and the injectors' configuration; other ConfigMaps are nobody's business. */
async function readMeshConfigs(
  cluster: Cluster,
  namespace: string,
  { signal }: SnapshotOptions,
): Promise<PlainObject[]> {
  try {
    const { items } = await cluster.list(resourceTypes.configMaps, { signal, namespace });
    return items
      .filter(({ metadata }) => /^istio(-|$)/.test(metadata?.name ?? ''))
      .filter(({ metadata }) => !/^istio-ca-/.test(metadata?.name ?? ''))
      .map((item) => trimmed(item, resourceTypes.configMaps));
  } catch (error) {
    nonFatal(error);
    return [];
  }
}

function trimmed(object: KubernetesObject, { apiVersion, kind }: ResourceType): PlainObject {
  return trimObject(object as unknown as PlainObject, apiVersion, kind);
}

function webhooksIn(objects: readonly PlainObject[]): MutatingWebhookConfiguration[] {
  return objects.filter(({ kind }) => kind === 'MutatingWebhookConfiguration') as MutatingWebhookConfiguration[];
}

/** What ends everything is thrown on: it would be the same for every other kind. */
function nonFatal(error: unknown): ClusterFailure {
  if (!(error instanceof ClusterFailure)) throw error;
  if (['unauthorized', 'unreachable', 'kubeconfig', 'cancelled'].includes(error.reason)) throw error;
  return error;
}

/** Works at a few at a time and hands out their results in the order given. */
async function* inTurns<T, R>(inputs: readonly T[], work: (input: T) => Promise<R>): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  const start = (input: T) => {
    const result = work(input);
    // Another one may fail first; this one is then nobody's.
    result.catch(() => undefined);
    running.push(result);
  };
  const waiting = [...inputs];
  for (const input of waiting.splice(0, atOnce)) start(input);
  for (let next = running.shift(); next; next = running.shift()) {
    yield await next;
    const input = waiting.shift();
    if (input !== undefined) start(input);
  }
}
