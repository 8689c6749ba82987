import type { PodDecision, PodMeshState } from '../../../mesh/pods/describe-pod.ts';
import { describeNode, findNodeFailure } from '../../../mesh/pods/describe-node.ts';
import type { NodeState } from '../../../mesh/pods/describe-node.ts';
import type { WorkloadMeshState } from '../../../mesh/pods/describe-workload.ts';
import { indexEvents, nodeOf } from '../../../mesh/pods/events.ts';
import type { PodGroup } from '../../../mesh/pods/group-pods.ts';
import type {
  ConfigMap,
  KubernetesEvent,
  MutatingWebhookConfiguration,
  Namespace,
  Node,
  Pod,
} from '../../../mesh/kubernetes.ts';
import { parseCniFailure } from '../../../mesh/pods/parse-cni-failure.ts';
import type { CniFailure } from '../../../mesh/pods/parse-cni-failure.ts';
import { NamespacePicture, type Surroundings } from './namespace-picture.ts';
import type { StoreChange, TreeStore } from './tree-store.ts';

/** How long is computed at a stretch, in milliseconds: well below what an eye or a key notices. */
const longestPiece = 8;

/** What the injector's decision depends on beside the pod. Absent: it could not be read. */
export interface InjectionEnvironment {
  webhooks?: MutatingWebhookConfiguration[];
  configMaps?: ConfigMap[];
}

/** Asks what the injector would decide about a pod as it was written. */
export type Decide = (
  pod: Pod,
  namespace: Namespace | undefined,
  environment: InjectionEnvironment,
) => PodDecision | undefined;

export interface WorkloadModel {
  group: PodGroup;
  state: WorkloadMeshState;
  pods: { pod: Pod; state: PodMeshState }[];
}

export interface NamespaceModel {
  name: string;
  namespace?: Namespace;
  workloads: WorkloadModel[];
  pods: number;
  inMesh: number;
  /** Workloads that may not create pods, and pods with an error or a warning. */
  problems: number;
  differing: number;
}

/**
 * The store's objects as the mesh sees them, computed when asked for and only anew where something changed: a pod that
 * changes costs its own workload, and a node that pod's node.
 */
export class MeshModel {
  readonly #store: TreeStore;
  readonly #decide: Decide;
  readonly #pictures = new Map<string, NamespacePicture>();
  #names: string[] | undefined;
  /** Per node: what was found, and what it was found from. */
  readonly #nodes = new Map<string, OnNode & { node: Node; minute: number; state: NodeState }>();
  #nodeStates: NodeState[] = [];
  #nodesAreOld = true;
  /** What the nodes' agents are recognised by. */
  #agents: readonly unknown[] = [];
  #agentsAreOld = true;
  #environment: InjectionEnvironment = {};
  #environmentIsOld = true;
  #placed: Map<string, OnNode> | undefined;
  #nodeFailures: Map<string, { failure: CniFailure; pod: string }> | undefined;
  /** Per event: whether it tells of a network that could not be set up or taken down. */
  readonly #tellsOfNetwork = new WeakMap<KubernetesEvent, boolean>();

  constructor(store: TreeStore, decide: Decide) {
    this.#store = store;
    this.#decide = decide;
  }

  /** Marks what a change makes stale. To be called before anything is asked after it. */
  apply(change: StoreChange): void {
    const has = (...parts: (keyof TreeStore['tables'])[]) => parts.some((part) => change.parts.has(part));
    this.#names = undefined;
    if (change.state || has('mutatingWebhooks', 'configMaps')) this.#environmentIsOld = true;
    if (has('pods', 'events')) {
      this.#nodeFailures = undefined;
      this.#placed = undefined;
    }
    if (change.state || has('pods', 'events', 'nodes', 'daemonSets')) this.#nodesAreOld = true;
    if (change.state || has('daemonSets')) this.#agentsAreOld = true;
    for (const [name, picture] of this.#pictures) {
      // A hang elsewhere on the node explains pods that are ending here.
      const hearsOfOthers = picture.isRestless && has('pods', 'events');
      if (change.namespaces.has(name) || has('namespaces') || hearsOfOthers) picture.isOld = true;
    }
  }

  /** The names of the namespaces that a person would look for: with workloads, or with a wish to be in the mesh. */
  namespaceNames(): readonly string[] {
    return (this.#names ??= this.#listNames());
  }

  #listNames(): string[] {
    const { tables } = this.#store;
    const names = new Set([
      ...tables.pods.namespaces(),
      ...tables.deployments.namespaces(),
      ...tables.statefulSets.namespaces(),
      ...tables.daemonSets.namespaces(),
      ...tables.cronJobs.namespaces(),
      ...tables.jobs.namespaces(),
    ]);
    // Of a namespace that is not read nothing is known: it is not empty.
    const read = this.#store.part('pods').onlyNamespaces;
    for (const { metadata } of tables.namespaces.all()) {
      if (read && !read.includes(metadata?.name ?? '')) continue;
      const labels = metadata?.labels ?? {};
      if ('istio-injection' in labels || 'istio.io/rev' in labels || 'istio.io/dataplane-mode' in labels)
        names.add(metadata?.name ?? '');
    }
    for (const name of this.#pictures.keys()) if (!names.has(name)) this.#pictures.delete(name);
    return [...names].sort();
  }

  /** The same object as the last time as long as nothing in it has changed. */
  namespace(name: string): NamespaceModel {
    const picture = this.#picture(name);
    if (this.#isOld(picture)) for (const _ of picture.refresh(this.#surroundings())) continue;
    return picture.model ?? { name, workloads: [], pods: 0, inMesh: 0, problems: 0, differing: 0 };
  }

  #picture(name: string): NamespacePicture {
    const known = this.#pictures.get(name);
    if (known) return known;
    const picture = new NamespacePicture(name);
    this.#pictures.set(name, picture);
    return picture;
  }

  #isOld(picture: NamespacePicture): boolean {
    // What the injector does is of all namespaces.
    this.environment();
    return picture.isOld || !picture.model;
  }

  #surroundings(): Surroundings {
    return {
      tables: this.#store.tables,
      decide: this.#decide,
      environment: this.environment(),
      now: this.#store.now(),
      failureOn: (node) => this.#failures().get(node),
    };
  }

  /**
   * Computes what is stale a few pods at a time, so that nothing else in this process waits for long; what comes in
   * meanwhile is computed too. Afterwards every answer is at hand. Whoever calls meanwhile shares the work.
   * @param pause lets others go on.
   * @param pieceMs how long is computed between two pauses.
   */
  prepare(pause = letOthers, pieceMs = longestPiece): Promise<void> {
    this.#preparing ??= this.#prepare(pause, pieceMs).finally(() => (this.#preparing = undefined));
    return this.#preparing;
  }

  /** The same for the nodes. */
  async prepareNodes(pause = letOthers): Promise<void> {
    let resumed = performance.now();
    for (const node of [...this.#store.tables.nodes.all()]) {
      this.#nodeState(node);
      if (performance.now() - resumed < longestPiece) continue;
      await pause();
      resumed = performance.now();
    }
  }

  #preparing: Promise<void> | undefined;

  async #prepare(pause: () => Promise<void>, pieceMs: number): Promise<void> {
    let resumed = performance.now();
    const rest = async () => {
      if (performance.now() - resumed < pieceMs) return;
      await pause();
      resumed = performance.now();
    };
    for (let isDone = false; !isDone;) {
      isDone = true;
      for (const name of this.namespaceNames()) {
        const picture = this.#picture(name);
        if (!this.#isOld(picture)) continue;
        isDone = false;
        for (const _ of picture.refresh(this.#surroundings())) if (performance.now() - resumed >= pieceMs) await rest();
        await rest();
      }
    }
  }

  nodes(): NodeState[] {
    if (!this.#nodesAreOld) return this.#nodeStates;
    this.#nodesAreOld = false;
    this.#nodeStates = [...this.#store.tables.nodes.all()]
      .sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))
      .map((node) => this.#nodeState(node));
    return this.#nodeStates;
  }

  /** A pod that changes on one node costs that node, not all of them. */
  #nodeState(node: Node): NodeState {
    const name = node.metadata?.name ?? '';
    const { pods, events } = this.#placement().get(name) ?? { pods: [], events: [] };
    // An ending pod is judged by the time.
    const isRestless = pods.some(({ metadata }) => metadata?.deletionTimestamp !== undefined);
    const minute = isRestless ? Math.floor(this.#store.now() / 60_000) : 0;
    this.#lookForAgents();
    const known = this.#nodes.get(name);
    if (known?.node === node && known.minute === minute && same(known.pods, pods) && same(known.events, events))
      return known.state;
    const daemonSets = this.#store.tables.daemonSets.all();
    const state = describeNode(node, { pods, daemonSets, events, now: this.#store.now() });
    this.#nodes.set(name, { node, pods, events, minute, state });
    return state;
  }

  /** Every node's state names the DaemonSets of its network: by their names and what they run, not by how they fare. */
  #lookForAgents(): void {
    if (!this.#agentsAreOld) return;
    this.#agentsAreOld = false;
    const agents = [...this.#store.tables.daemonSets.all()].flatMap(({ metadata, spec }) => [
      `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`,
      spec,
    ]);
    if (same(this.#agents, agents)) return;
    this.#agents = agents;
    this.#nodes.clear();
  }

  problems(): number {
    return this.namespaceNames().reduce((sum, name) => sum + this.namespace(name).problems, 0);
  }

  /** What the injector's decision depends on, as far as it could be read. The same object as long as it is the same. */
  environment(): InjectionEnvironment {
    if (!this.#environmentIsOld) return this.#environment;
    this.#environmentIsOld = false;
    const { tables } = this.#store;
    const webhooks =
      this.#store.part('mutatingWebhooks').phase === 'live' ? [...tables.mutatingWebhooks.all()] : undefined;
    const configMaps = this.#store.part('configMaps').phase === 'live' ? [...tables.configMaps.all()] : undefined;
    if (same(this.#environment.webhooks, webhooks) && same(this.#environment.configMaps, configMaps))
      return this.#environment;
    this.#environment = { ...(webhooks && { webhooks }), ...(configMaps && { configMaps }) };
    for (const picture of this.#pictures.values()) picture.isOld = true;
    return this.#environment;
  }

  #failures(): Map<string, { failure: CniFailure; pod: string }> {
    if (this.#nodeFailures) return this.#nodeFailures;
    this.#nodeFailures = new Map();
    // Without such an event there is none, and the pods need not be sorted by their nodes to see it.
    if (!some(this.#store.tables.events.all(), (event) => this.#isOfNetwork(event))) return this.#nodeFailures;
    for (const [node, { pods, events }] of this.#placement()) {
      const found =
        events.some((event) => this.#isOfNetwork(event)) && findNodeFailure(node, pods, indexEvents(events));
      if (found) this.#nodeFailures.set(node, found);
    }
    return this.#nodeFailures;
  }

  #isOfNetwork(event: KubernetesEvent): boolean {
    const known = this.#tellsOfNetwork.get(event);
    if (known !== undefined) return known;
    const tells = event.type !== 'Normal' && parseCniFailure(event.message ?? '') !== undefined;
    this.#tellsOfNetwork.set(event, tells);
    return tells;
  }

  /** Pods and warnings by the node that they are of, sorted out once for all nodes. */
  #placement(): Map<string, OnNode> {
    if (this.#placed) return this.#placed;
    const { tables } = this.#store;
    const placed = new Map<string, OnNode>();
    const on = (node: string): OnNode => {
      const known = placed.get(node);
      if (known) return known;
      const entry: OnNode = { pods: [], events: [] };
      placed.set(node, entry);
      return entry;
    };
    for (const pod of tables.pods.all()) if (pod.spec?.nodeName) on(pod.spec.nodeName).pods.push(pod);
    for (const event of tables.events.all()) {
      // What went well says nothing of a node's network, but that a pod got further: pulling comes after its network.
      if (event.type === 'Normal' && event.reason !== 'Pulling' && event.reason !== 'Pulled') continue;
      const about = event.involvedObject;
      const pod = about?.kind === 'Pod' ? tables.pods.get(about.namespace ?? '', about.name ?? '') : undefined;
      const node = pod?.spec?.nodeName ?? nodeOf(event);
      if (node !== undefined) on(node).events.push(event);
    }
    this.#placed = placed;
    return placed;
  }
}

interface OnNode {
  pods: Pod[];
  events: KubernetesEvent[];
}

function letOthers(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function some<T>(items: Iterable<T>, is: (item: T) => boolean): boolean {
  for (const item of items) if (is(item)) return true;
  return false;
}

function same<T>(a: readonly T[] | undefined, b: readonly T[] | undefined): boolean {
  if (!a || !b) return a === b;
  return a.length === b.length && a.every((item, at) => item === b[at]);
}
