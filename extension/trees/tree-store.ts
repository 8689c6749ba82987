import type {
  ConfigMap,
  KubernetesEvent,
  KubernetesObject,
  MutatingWebhookConfiguration,
  Namespace,
  Node,
  Pod,
  Workload,
} from '../../mesh/kubernetes.ts';
import { resourceTypes } from '../cluster/cluster.ts';
import type { Cluster, ClusterFailure, ResourceType } from '../cluster/cluster.ts';
import { controlPlaneNamespaces } from '../cluster/control-plane-namespaces.ts';
import { asFailure, follow, isFinal, systemClock } from '../cluster/follow.ts';
import type { Clock } from '../cluster/follow.ts';
import { ResourceTable } from './resource-table.ts';
import { slim } from './slim.ts';

/** What is followed, and the objects each part holds. */
export interface Tables {
  namespaces: ResourceTable<Namespace>;
  nodes: ResourceTable<Node>;
  pods: ResourceTable<Pod>;
  events: ResourceTable<KubernetesEvent>;
  deployments: ResourceTable<Workload>;
  replicaSets: ResourceTable<Workload>;
  statefulSets: ResourceTable<Workload>;
  daemonSets: ResourceTable<Workload>;
  jobs: ResourceTable<Workload>;
  cronJobs: ResourceTable<Workload>;
  mutatingWebhooks: ResourceTable<MutatingWebhookConfiguration>;
  /** Those of the control planes' namespaces only. */
  configMaps: ResourceTable<ConfigMap>;
}

export type Part = keyof Tables;

export interface PartState {
  /**
   * `waiting`: not answered yet. `lost`: out of date, tried again. `refused`: not tried again until the user asks; what was
   * seen before is shown with its age when only the login was refused, and not at all when a right was.
   */
  phase: 'waiting' | 'live' | 'lost' | 'refused';
  failure?: ClusterFailure;
  /** When it was last known to be up to date, in milliseconds since 1970. */
  lastSeen?: number;
  /** Only this namespace could be read: the right to the whole cluster is missing. */
  onlyNamespace?: string;
}

export interface Stale {
  /** When it was last known to be up to date, in milliseconds since 1970. */
  since: number;
  failure: ClusterFailure;
  /** Otherwise the user has to do something first. */
  isTriedAgain: boolean;
}

/** What changed since the last time: enough to refresh no more than that. */
export interface StoreChange {
  parts: Set<Part>;
  /** The namespaces whose objects changed. */
  namespaces: Set<string>;
  /** The connection's state changed, or other data than before are shown. */
  state: boolean;
}

/** Two changes as one. */
export function mergeChanges(a: StoreChange, b: StoreChange): StoreChange {
  return {
    parts: new Set([...a.parts, ...b.parts]),
    namespaces: new Set([...a.namespaces, ...b.namespaces]),
    state: a.state || b.state,
  };
}

export interface StoreOptions {
  /** Asked when the store starts, never before. */
  connect: () => Promise<Cluster>;
  clock?: Clock;
  /** Changes within this time, in milliseconds, are told together. */
  coalesceMs?: number;
  log?: (line: string) => void;
}

/** `idle`: nobody looks. `loading`: nothing to show yet. `failed`: nothing to show, and why. */
export type StorePhase = 'idle' | 'loading' | 'ready' | 'failed';

const everythingElse: Part[] = [
  'pods',
  'replicaSets',
  'deployments',
  'statefulSets',
  'daemonSets',
  'jobs',
  'cronJobs',
  'events',
  'nodes',
  'mutatingWebhooks',
];

/** What comes together is told together; for more than that nobody waits who sees a single change. In milliseconds. */
const leadMs = 10;

/** How long the first picture waits for the slower parts once the pods are there, in milliseconds. */
const patience = 1_500;
/** For the first answer of a cluster, in milliseconds: who looks at an empty view is told soon what it waits for. */
const firstAnswerMs = 4_500;

/**
 * The cluster, live, for as long as somebody looks. Contacts nobody before {@link TreeStore.start}.
 *
 * The namespaces are asked for first, alone: a cluster that does not answer is asked once, not ten times, and a login
 * that has to happen happens once. Each part then lives and fails on its own; what is refused to a user is missing from
 * the picture with its reason, and the rest stands.
 */
export class TreeStore {
  readonly tables: Tables = {
    namespaces: new ResourceTable(),
    nodes: new ResourceTable(),
    pods: new ResourceTable(),
    events: new ResourceTable(),
    deployments: new ResourceTable(),
    replicaSets: new ResourceTable(),
    statefulSets: new ResourceTable(),
    daemonSets: new ResourceTable(),
    jobs: new ResourceTable(),
    cronJobs: new ResourceTable(),
    mutatingWebhooks: new ResourceTable(),
    configMaps: new ResourceTable(),
  };
  readonly #connect: StoreOptions['connect'];
  readonly #clock: Clock;
  readonly #coalesceMs: number;
  readonly #log: (line: string) => void;
  readonly #listeners = new Set<(change: StoreChange) => void>();
  #parts = new Map<Part, PartState>();
  #phase: StorePhase = 'idle';
  #failure: ClusterFailure | undefined;
  #cluster: Cluster | undefined;
  #running: AbortController | undefined;
  #pending: StoreChange | undefined;
  #toldAt = -Infinity;
  /** Somebody looks; a failure that the user must heal ends the following, not the looking. */
  #wanted = false;
  #waiting: (() => void)[] = [];

  constructor(options: StoreOptions) {
    this.#connect = options.connect;
    this.#clock = options.clock ?? systemClock;
    this.#coalesceMs = options.coalesceMs ?? 200;
    this.#log = options.log ?? (() => undefined);
  }

  get phase(): StorePhase {
    return this.#phase;
  }

  /** Why there is nothing to show. */
  get failure(): ClusterFailure | undefined {
    return this.#failure;
  }

  /** The cluster that answers; undefined before it was reached. */
  get cluster(): Cluster | undefined {
    return this.#cluster;
  }

  now(): number {
    return this.#clock.now();
  }

  part(part: Part): PartState {
    return this.#parts.get(part) ?? { phase: 'waiting' };
  }

  /** The parts that may not be read, or only in one namespace, and those that failed before they ever answered. */
  degraded(): { part: Part; state: PartState }[] {
    return [...this.#parts].flatMap(([part, state]) =>
      (state.phase === 'refused' && state.lastSeen === undefined) ||
      state.onlyNamespace !== undefined ||
      (state.phase === 'lost' && state.lastSeen === undefined)
        ? [{ part, state }]
        : [],
    );
  }

  /** Since when what is shown is out of date, and why; undefined when it is live. */
  stale(): Stale | undefined {
    let stale: Stale | undefined;
    for (const { phase, lastSeen, failure } of this.#parts.values()) {
      if (phase === 'live' || lastSeen === undefined || !failure) continue;
      if (!stale || lastSeen < stale.since) stale = { since: lastSeen, failure, isTriedAgain: phase === 'lost' };
    }
    return stale;
  }

  onDidChange(listener: (change: StoreChange) => void): { dispose(): void } {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }

  /** Resolves when there is something to show, be it a failure. */
  whenSettled(): Promise<void> {
    if (this.#phase === 'ready' || this.#phase === 'failed') return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Starts to follow; does nothing while it runs. What was seen before stays in the picture until it is replaced. */
  start(): void {
    this.#wanted = true;
    if (this.#running || (this.#failure && isFinal(this.#failure.reason))) return;
    const running = new AbortController();
    this.#running = running;
    if (this.#phase !== 'ready') this.#enter('loading');
    this.#run(running.signal).catch((error: unknown) => {
      if (!running.signal.aborted) this.#fail(asFailure(error));
    });
  }

  /** Ends every watch. The data stay. */
  stop(): void {
    this.#wanted = false;
    this.#halt();
  }

  /** Asks everything again, also what was refused. Does nothing but forget failures while nobody looks. */
  refresh(): void {
    this.#halt();
    this.#failure = undefined;
    if (this.#phase === 'failed') this.#phase = 'idle';
    if (this.#wanted) this.start();
  }

  /** Another cluster: nothing of this one may stay in the picture. */
  reset(): void {
    this.#halt();
    for (const [part, table] of Object.entries(this.tables)) {
      this.#tell({ part: part as Part, namespaces: table.replaceAll([]) });
    }
    this.#parts = new Map();
    this.#failure = undefined;
    this.#cluster = undefined;
    this.#phase = 'idle';
    this.#tell({ state: true });
    if (this.#wanted) this.start();
  }

  dispose(): void {
    this.stop();
    this.#listeners.clear();
  }

  #halt(): void {
    this.#running?.abort();
    this.#running = undefined;
    if (this.#phase === 'loading') this.#phase = 'idle';
    const now = this.#clock.now();
    for (const [part, state] of this.#parts)
      if (state.phase === 'live') this.#parts.set(part, { ...state, lastSeen: now });
  }

  async #run(signal: AbortSignal): Promise<void> {
    const cluster = await this.#connect();
    if (signal.aborted) return;
    this.#cluster = cluster;
    let rest: Promise<unknown> | undefined;
    const startRest = () => {
      rest ??= Promise.all(everythingElse.map((part) => this.#followPart(cluster, part, signal))).catch(
        (error: unknown) => this.#log(`trees: ${String(error)}`),
      );
    };
    await this.#followPart(cluster, 'namespaces', signal, (state) => {
      if (state.phase === 'live' || (state.phase === 'refused' && state.failure?.reason === 'forbidden')) startRest();
      else if (state.failure && this.#phase !== 'ready') this.#fail(state.failure);
    });
    await rest;
  }

  async #followPart(
    cluster: Cluster,
    part: Part,
    signal: AbortSignal,
    onState?: (state: PartState) => void,
  ): Promise<void> {
    if (await this.#followIn(cluster, part, undefined, signal, onState)) return;
    // Refused for the whole cluster. Many users may read their own namespace all the same.
    const type: ResourceType = resourceTypes[part];
    const namespace = cluster.context.namespace ?? 'default';
    if (!type.namespaced || signal.aborted || this.part(part).failure?.reason !== 'forbidden') return;
    await this.#followIn(cluster, part, namespace, signal, onState);
  }

  /** @returns false when it was refused before anything was seen. */
  async #followIn(
    cluster: Cluster,
    part: Part,
    namespace: string | undefined,
    signal: AbortSignal,
    onState?: (state: PartState) => void,
  ): Promise<boolean> {
    const type: ResourceType = resourceTypes[part];
    const table = this.tables[part] as ResourceTable<KubernetesObject>;
    const within = part === 'configMaps' ? namespace : undefined;
    const only = namespace === undefined || part === 'configMaps' ? {} : { onlyNamespace: namespace };
    const enter = (state: PartState) => {
      const before = this.#parts.get(part);
      this.#parts.set(part, state);
      onState?.(state);
      if (before?.phase !== state.phase || before.failure?.message !== state.failure?.message)
        this.#tell({ state: true });
      this.#settle();
    };
    let seen = false;
    await follow<KubernetesObject>(cluster, type, {
      ...(namespace !== undefined && { namespace }),
      signal,
      clock: this.#clock,
      keep: (object) => prepare(object, type),
      ...(part === 'namespaces' && { firstTimeoutMs: firstAnswerMs }),
      follower: {
        onList: (objects) => {
          seen = true;
          this.#tell({ part, namespaces: table.replaceAll(objects, within) });
          enter({ phase: 'live', ...only });
          if (part === 'mutatingWebhooks') this.#followConfigMaps(cluster, signal);
        },
        onLive: () => {
          if (this.#parts.get(part)?.phase === 'lost') enter({ phase: 'live', ...only });
        },
        onEvent: (event, object) => {
          if (event === 'DELETED') table.delete(object);
          else table.set(object);
          this.#tell({ part, namespaces: [object.metadata?.namespace ?? ''] });
          if (this.#parts.get(part)?.phase !== 'live') enter({ phase: 'live', ...only });
        },
        onFailure: (failure, final, lastHeard) => {
          this.#log(`${type.plural}: ${failure.message}`);
          const before = this.#parts.get(part);
          const lastSeen = before?.lastSeen ?? (before?.phase === 'live' ? lastHeard : undefined);
          const isTakenAway = final && failure.reason !== 'unauthorized';
          if (isTakenAway) this.#tell({ part, namespaces: table.replaceAll([], within) });
          enter({
            phase: final ? 'refused' : 'lost',
            failure,
            ...only,
            ...(lastSeen !== undefined && !isTakenAway && { lastSeen }),
          });
          if (part === 'mutatingWebhooks') this.#followConfigMaps(cluster, signal);
        },
      },
    });
    return seen || signal.aborted;
  }

  /** The injector's settings lie where the webhooks' service is; asked once that is known. */
  #followConfigMaps(cluster: Cluster, signal: AbortSignal): void {
    if (this.#parts.has('configMaps')) return;
    this.#parts.set('configMaps', { phase: 'waiting' });
    signal.addEventListener('abort', () => this.#parts.delete('configMaps'), { once: true });
    for (const namespace of controlPlaneNamespaces(this.tables.mutatingWebhooks.all())) {
      this.#followIn(cluster, 'configMaps', namespace, signal).catch((error: unknown) =>
        this.#log(`configmaps: ${String(error)}`),
      );
    }
  }

  /** Leaves `loading` when every part has answered, or soon after the pods have. */
  #settle(): void {
    if (this.#phase === 'ready') return;
    const answered = (part: Part) => this.part(part).phase !== 'waiting';
    if (everythingElse.every(answered)) return this.#enter('ready');
    const signal = this.#running?.signal;
    if (!answered('pods') || !signal) return;
    void this.#clock.wait(patience, signal).then(() => {
      if (!signal.aborted && this.#phase === 'loading') this.#enter('ready');
    });
  }

  #fail(failure: ClusterFailure): void {
    this.#failure = failure;
    this.#enter('failed');
    // It was told to the tree; the next attempt is the user's, or the namespaces' own after a while.
    if (this.#parts.size === 0) this.#running = undefined;
  }

  #enter(phase: StorePhase): void {
    if (phase !== 'failed') this.#failure = undefined;
    this.#phase = phase;
    if (phase === 'ready' || phase === 'failed') for (const resolve of this.#waiting.splice(0)) resolve();
    this.#tell({ state: true });
  }

  #tell({
    part,
    namespaces = [],
    state = false,
  }: {
    part?: Part;
    namespaces?: Iterable<string>;
    state?: boolean;
  }): void {
    const first = !this.#pending;
    this.#pending ??= { parts: new Set(), namespaces: new Set(), state: false };
    if (part) this.#pending.parts.add(part);
    for (const namespace of namespaces) this.#pending.namespaces.add(namespace);
    this.#pending.state ||= state;
    if (!first) return;
    // The first change is told at once, those that follow it together.
    const since = Math.abs(this.#clock.now() - this.#toldAt);
    const wait = Math.max(Math.min(leadMs, this.#coalesceMs), this.#coalesceMs - since);
    void this.#clock.wait(wait, neverAborted).then(() => {
      this.#toldAt = this.#clock.now();
      const change = this.#pending;
      this.#pending = undefined;
      if (change) for (const listener of this.#listeners) listener(change);
    });
  }
}

const neverAborted = new AbortController().signal;

/** Objects in a list do not name their kind; ours do, because events and owners do. */
function prepare(object: KubernetesObject, { kind, apiVersion }: ResourceType): KubernetesObject {
  return slim({ kind, apiVersion, ...object });
}
