import { isInMesh, describePod } from '../../mesh/pods/describe-pod.ts';
import type { PodDecision, PodMeshState } from '../../mesh/pods/describe-pod.ts';
import { describeNode, findNodeFailure } from '../../mesh/pods/describe-node.ts';
import type { NodeState } from '../../mesh/pods/describe-node.ts';
import { describeWorkload } from '../../mesh/pods/describe-workload.ts';
import type { WorkloadMeshState } from '../../mesh/pods/describe-workload.ts';
import { eventsAbout, indexEvents, nodeOf } from '../../mesh/pods/events.ts';
import { groupPods } from '../../mesh/pods/group-pods.ts';
import type { PodGroup } from '../../mesh/pods/group-pods.ts';
import type {
  ConfigMap,
  KubernetesEvent,
  MutatingWebhookConfiguration,
  Namespace,
  Node,
  Pod,
} from '../../mesh/kubernetes.ts';
import { parseCniFailure } from '../../mesh/pods/parse-cni-failure.ts';
import type { CniFailure } from '../../mesh/pods/parse-cni-failure.ts';
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
 * The store's objects as the mesh sees them, computed when asked for and only anew where something changed: an event in
 * one namespace costs that namespace, and there only the pods that it touches.
 */
export class MeshModel {
  readonly #store: TreeStore;
  readonly #decide: Decide;
  readonly #namespaces = new Map<string, NamespaceModel>();
  /** Per node: what was found, and what it was found from. */
  readonly #nodes = new Map<string, OnNode & { node: Node; minute: number; state: NodeState }>();
  #nodeStates: NodeState[] = [];
  #nodesAreOld = true;
  /** Per pod object: what was found, and what it was found from. */
  #states = new WeakMap<Pod, { state: PodMeshState; key: string; environment: object }>();
  #environment: InjectionEnvironment | undefined;
  #placed: Map<string, OnNode> | undefined;
  #nodeFailures: Map<string, { failure: CniFailure; pod: string }> | undefined;
  /** Whether any event tells of a network that could not be set up or taken down; undefined: not looked at yet. */
  #tellsOfNetworks: boolean | undefined;

  constructor(store: TreeStore, decide: Decide) {
    this.#store = store;
    this.#decide = decide;
  }

  /** Forgets what a change makes stale. To be called before anything is asked after it. */
  apply(change: StoreChange): void {
    this.#changes += 1;
    const has = (...parts: (keyof TreeStore['tables'])[]) => parts.some((part) => change.parts.has(part));
    if (has('mutatingWebhooks', 'configMaps') || (change.state && this.#store.phase !== 'ready')) {
      this.#environment = undefined;
      this.#namespaces.clear();
    }
    for (const namespace of change.namespaces) this.#namespaces.delete(namespace);
    if (has('namespaces')) this.#namespaces.clear();
    if (has('events')) this.#tellsOfNetworks = undefined;
    if (has('pods', 'events')) {
      const before = describeFailures(this.#nodeFailures);
      this.#nodeFailures = undefined;
      this.#placed = undefined;
      // A hang elsewhere on the node explains pods that are ending here.
      if (before !== describeFailures(this.#failures())) this.#namespaces.clear();
    }
    if (change.state || has('pods', 'events', 'nodes', 'daemonSets')) this.#nodesAreOld = true;
    if (has('daemonSets') || change.state) this.#nodes.clear();
  }

  /** The names of the namespaces that a person would look for: with workloads, or with a wish to be in the mesh. */
  namespaceNames(): string[] {
    const { tables } = this.#store;
    const names = new Set([
      ...tables.pods.namespaces(),
      ...tables.deployments.namespaces(),
      ...tables.statefulSets.namespaces(),
      ...tables.daemonSets.namespaces(),
      ...tables.cronJobs.namespaces(),
      ...tables.jobs.namespaces(),
    ]);
    for (const { metadata } of tables.namespaces.all()) {
      const labels = metadata?.labels ?? {};
      if ('istio-injection' in labels || 'istio.io/rev' in labels || 'istio.io/dataplane-mode' in labels)
        names.add(metadata?.name ?? '');
    }
    return [...names].sort();
  }

  namespace(name: string): NamespaceModel {
    const known = this.#namespaces.get(name);
    if (known) return known;
    const steps = this.#computeNamespace(name);
    for (;;) {
      const { done, value } = steps.next();
      if (!done) continue;
      this.#namespaces.set(name, value);
      return value;
    }
  }

  /**
   * Computes what is stale a few pods at a time, so that nothing else in this process waits for long; what comes in
   * meanwhile is computed too. Afterwards every answer is at hand. Whoever calls meanwhile shares the work.
   * @param pause lets others go on.
   */
  prepare(pause = letOthers): Promise<void> {
    this.#preparing ??= this.#prepare(pause).finally(() => (this.#preparing = undefined));
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

  async #prepare(pause: () => Promise<void>): Promise<void> {
    let resumed = performance.now();
    for (;;) {
      const name = this.namespaceNames().find((candidate) => !this.#namespaces.has(candidate));
      if (name === undefined) return;
      const changes = this.#changes;
      const steps = this.#computeNamespace(name);
      for (;;) {
        const { done, value } = steps.next();
        if (done) {
          this.#namespaces.set(name, value);
          break;
        }
        if (performance.now() - resumed < longestPiece) continue;
        await pause();
        resumed = performance.now();
        // What was found of the single pods stays; the rest begins anew.
        if (changes !== this.#changes) break;
      }
    }
  }

  /** Counts what was told; who computes across a pause sees that something was. */
  #changes = 0;

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
    // An ending pod is judged by the time, and so is what is over.
    const minute = Math.floor(this.#store.now() / 60_000);
    const known = this.#nodes.get(name);
    if (known?.node === node && known.minute === minute && same(known.pods, pods) && same(known.events, events))
      return known.state;
    const daemonSets = this.#store.tables.daemonSets.all();
    const state = describeNode(node, { pods, daemonSets, events, now: this.#store.now() });
    this.#nodes.set(name, { node, pods, events, minute, state });
    return state;
  }

  problems(): number {
    return this.namespaceNames().reduce((sum, name) => sum + this.namespace(name).problems, 0);
  }

  /** What the injector's decision depends on, as far as it could be read. */
  environment(): InjectionEnvironment {
    const { tables } = this.#store;
    this.#environment ??= {
      ...(this.#store.part('mutatingWebhooks').phase === 'live' && { webhooks: [...tables.mutatingWebhooks.all()] }),
      ...(this.#store.part('configMaps').phase === 'live' && { configMaps: [...tables.configMaps.all()] }),
    };
    return this.#environment;
  }

  /** A step per pod. */
  *#computeNamespace(name: string): Generator<undefined, NamespaceModel> {
    const { tables } = this.#store;
    const events = [...tables.events.in(name)];
    const eventsOf = indexEvents(events);
    const namespace = tables.namespaces.get('', name);
    const groups = groupPods({
      pods: tables.pods.in(name),
      replicaSets: tables.replicaSets.in(name),
      jobs: tables.jobs.in(name),
      workloads: [
        ...tables.deployments.in(name),
        ...tables.statefulSets.in(name),
        ...tables.daemonSets.in(name),
        ...tables.cronJobs.in(name),
      ],
    });
    const workloads: WorkloadModel[] = [];
    for (const group of groups) {
      const pods: WorkloadModel['pods'] = [];
      for (const pod of group.pods) {
        pods.push({ pod, state: this.#stateOf(pod, namespace, eventsOf('Pod', name, pod.metadata?.name ?? '')) });
        yield;
      }
      const owners = [group.workload, ...group.replicaSets, ...(group.jobs ?? [])].flatMap((owner) =>
        owner ? eventsOf(owner.kind ?? '', name, owner.metadata?.name ?? '') : [],
      );
      const state = describeWorkload(
        group,
        pods.map((entry) => entry.state),
        { events: owners, ...(namespace && { namespace }) },
      );
      workloads.push({ group, state, pods });
    }
    const all = workloads.flatMap((workload) => workload.pods);
    return {
      name,
      ...(namespace && { namespace }),
      workloads,
      pods: all.length,
      inMesh: all.filter(({ state }) => isInMesh(state)).length,
      problems:
        all.filter(({ state }) => state.trouble && state.trouble.severity !== 'info').length +
        workloads.filter(({ state }) => state.refusal).length,
      differing: all.filter(({ state }) => state.differs !== undefined).length,
    };
  }

  #stateOf(pod: Pod, namespace: Namespace | undefined, events: readonly KubernetesEvent[]): PodMeshState {
    const environment = this.environment();
    const own = events.length === 0 ? none : eventsAbout(pod, events);
    const nodeFailure = pod.metadata?.deletionTimestamp ? this.#failures().get(pod.spec?.nodeName ?? '') : undefined;
    const isQuiet = own.length === 0 && !nodeFailure && !pod.metadata?.deletionTimestamp;
    // Most pods at most times: ten thousand of them are asked at each drawing.
    const key = isQuiet
      ? `${namespace?.metadata?.resourceVersion}`
      : [
          namespace?.metadata?.resourceVersion,
          ...own.map(({ metadata }) => `${metadata?.name ?? ''}@${metadata?.resourceVersion ?? ''}`),
          nodeFailure?.pod,
          // An ending pod is judged by the time, too.
          pod.metadata?.deletionTimestamp && Math.floor(this.#store.now() / 60_000),
        ].join('|');
    const known = this.#states.get(pod);
    if (known?.key === key && known.environment === environment) return known.state;
    const decision = this.#decide(pod, namespace, environment);
    const state = describePod(pod, {
      events: own,
      now: this.#store.now(),
      ...(decision && { decision }),
      ...(namespace?.metadata?.labels && { namespaceLabels: namespace.metadata.labels }),
      ...(nodeFailure && { nodeFailure }),
    });
    this.#states.set(pod, { state, key, environment });
    return state;
  }

  #failures(): Map<string, { failure: CniFailure; pod: string }> {
    // Without such an event there is none, and the pods need not be sorted by their nodes to see it.
    this.#tellsOfNetworks ??= some(
      this.#store.tables.events.all(),
      ({ type, message }) => type !== 'Normal' && parseCniFailure(message ?? '') !== undefined,
    );
    if (!this.#tellsOfNetworks) return new Map();
    this.#nodeFailures ??= new Map(
      [...this.#placement()].flatMap(([node, { pods, events }]) => {
        const found = events.length > 0 && findNodeFailure(node, pods, indexEvents(events));
        return found ? [[node, found] as const] : [];
      }),
    );
    return this.#nodeFailures;
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

const none: readonly KubernetesEvent[] = [];

function letOthers(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function some<T>(items: Iterable<T>, is: (item: T) => boolean): boolean {
  for (const item of items) if (is(item)) return true;
  return false;
}

function same<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, at) => item === b[at]);
}

function describeFailures(failures: Map<string, { failure: CniFailure; pod: string }> | undefined): string {
  return [...(failures ?? [])].map(([node, { pod, failure }]) => `${node} ${pod} ${failure.kind}`).join('\n');
}
