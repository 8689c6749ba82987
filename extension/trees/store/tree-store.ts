import type {
  ConfigMap,
  KubernetesEvent,
  KubernetesObject,
  MutatingWebhookConfiguration,
  Namespace,
  Node,
  Pod,
  Workload,
} from '../../../mesh/kubernetes.ts';
import { resourceTypes } from '../../cluster/cluster.ts';
import type { Cluster, ClusterFailure, ResourceType } from '../../cluster/cluster.ts';
import { controlPlaneNamespaces } from '../../cluster/control-plane-namespaces.ts';
import { asFailure, follow, isFinal, systemClock } from '../../cluster/follow.ts';
import type { Clock } from '../../cluster/follow.ts';
import { isOutage, Outage } from '../../cluster/outage.ts';
import type { LoginWait } from '../../cluster/login-wait.ts';
import { findReadableNamespaces, listInTurns, mostNamespaces } from '../../cluster/readable-namespaces.ts';
import type { Scope } from '../../cluster/readable-namespaces.ts';
import { combineStates } from './combine-states.ts';
import { ResourceTable } from './resource-table.ts';
import { sharePartsOf, Siblings } from './share-parts.ts';
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
  /** Followed in these namespaces and not in the whole cluster. */
  onlyNamespaces?: readonly string[];
  /** Those of them in which it may not be read. */
  refusedIn?: readonly string[];
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

export const noChange: StoreChange = { parts: new Set(), namespaces: new Set(), state: false };

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
  /** The namespaces that the user chose; none: the whole cluster, or what of it may be read. Asked at each start. */
  namespaces?: () => readonly string[];
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

/**
 * Of a cluster's events most tell that all went well, and no view shows those. What a pod got further with than a failure is
 * told by its pulling of images.
 */
const worthHearing = [
  'Scheduled',
  'Created',
  'Started',
  'Killing',
  'SuccessfulCreate',
  'SuccessfulDelete',
  'SuccessfulRescale',
  'ScalingReplicaSet',
  'Completed',
  'SawCompletedJob',
  'LeaderElection',
]
  .map((reason) => `reason!=${reason}`)
  .join(',');

/** So many times as long as usual may lie between two tellings while changes stream in: half a second, that is. */
const rarest = 2.5;

/** What comes together is told together; for more than that nobody waits who sees a single change. In milliseconds. */
const leadMs = 10;

/** How long the first picture waits for the slower parts once the pods are there, in milliseconds. */
const patience = 1_500;
/** For the first answer of a cluster, in milliseconds: who looks at an empty view is told soon what it waits for. */
const firstAnswerMs = 4_500;
/** For the answer to a probe of a cluster that could not be reached, in milliseconds. */
const probeMs = 3_000;

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
  readonly #chosen: () => readonly string[];
  readonly #clock: Clock;
  readonly #coalesceMs: number;
  readonly #log: (line: string) => void;
  readonly #listeners = new Set<(change: StoreChange) => void>();
  /** Where all that follow this cluster wait while it cannot be reached. */
  readonly outage: Outage;
  #parts = new Map<Part, PartState>();
  #phase: StorePhase = 'idle';
  #failure: ClusterFailure | undefined;
  #cluster: Cluster | undefined;
  #running: AbortController | undefined;
  #pending: StoreChange | undefined;
  #toldAt = -Infinity;
  #paceMs = 0;
  /** Somebody looks; a failure that the user must heal ends the following, not the looking. */
  #wanted = false;
  #waiting: (() => void)[] = [];
  /** Found out once for all parts, and kept until somebody asks everything anew. */
  #scoping: Promise<Scope> | undefined;
  #scope: Scope | undefined;
  #login: LoginWait | undefined;
  /** Those of the whole cluster. */
  #podsAreReadable: Promise<boolean> = Promise.resolve(true);
  #podsAnswered: (may: boolean) => void = () => undefined;

  constructor(options: StoreOptions) {
    this.#connect = options.connect;
    this.#chosen = options.namespaces ?? (() => []);
    this.#clock = options.clock ?? systemClock;
    this.#coalesceMs = options.coalesceMs ?? 200;
    this.#log = options.log ?? (() => undefined);
    this.outage = new Outage(() => this.#answers(), this.#clock);
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

  /** The namespaces in which is followed what may not be read, or is not wanted, in the whole cluster. */
  get scope(): Scope | undefined {
    return this.#scope;
  }

  /** The namespaces that the user chose in place of the cluster; none: all that may be read. */
  get chosen(): readonly string[] {
    return this.#chosen();
  }

  /** Where that is read, as the user chose or may, which is chosen or may not be read in the whole cluster. */
  async namespacesFor(cluster: Cluster): Promise<readonly string[]> {
    return await this.#namespacesFor(cluster, this.#running?.signal ?? AbortSignal.abort());
  }

  /** The login that nothing can be shown before; undefined: none, or one that is quick. */
  get login(): LoginWait | undefined {
    return this.#phase === 'loading' ? this.#login : undefined;
  }

  /** A login takes its time, or (undefined) is over. */
  noteLogin(wait: LoginWait | undefined): void {
    this.#login = wait;
    if (wait && this.#phase === 'loading') for (const resolve of this.#waiting.splice(0)) resolve();
    this.#tell({ state: true });
  }

  now(): number {
    return this.#clock.now();
  }

  part(part: Part): PartState {
    return this.#parts.get(part) ?? { phase: 'waiting' };
  }

  /** The parts that may not be read, or not everywhere, and those that failed before they ever answered. */
  degraded(): { part: Part; state: PartState }[] {
    // In an order that does not hang on who answered first.
    const order = Object.keys(this.tables);
    const parts = [...this.#parts].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
    return parts.flatMap(([part, state]) =>
      (state.phase === 'refused' && state.lastSeen === undefined) ||
      (state.onlyNamespaces !== undefined && this.#scope?.from !== 'chosen') ||
      state.refusedIn !== undefined ||
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

  /** Resolves when there is something to show, be it a failure or a login that somebody has to end. */
  whenSettled(): Promise<void> {
    if (this.#phase === 'ready' || this.#phase === 'failed' || this.login) return Promise.resolve();
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
    this.#forgetScope();
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
    this.#forgetScope();
    this.#login = undefined;
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

  /** Any answer is one: also that it is refused. */
  async #answers(): Promise<boolean> {
    try {
      await this.#cluster?.get(resourceTypes.namespaces, 'default', { timeoutMs: probeMs });
      return true;
    } catch (error) {
      return !isOutage(asFailure(error));
    }
  }

  #halt(): void {
    this.#running?.abort();
    this.#running = undefined;
    if (this.#phase === 'loading') this.#phase = 'idle';
    const now = this.#clock.now();
    for (const [part, state] of this.#parts)
      if (state.phase === 'live') this.#parts.set(part, { ...state, lastSeen: now });
  }

  #forgetScope(): void {
    this.#scoping = undefined;
    this.#scope = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const cluster = await this.#connect();
    if (signal.aborted) return;
    this.#cluster = cluster;
    this.#podsAreReadable = new Promise((resolve) => (this.#podsAnswered = resolve));
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
    const { namespaced } = resourceTypes[part];
    const isChosen = namespaced && this.#chosen().length > 0;
    if (!isChosen) {
      let held: PartState | undefined;
      const enter = (state: PartState) => {
        // Before it is known what may be read instead, there is nothing to say.
        held = namespaced && state.phase === 'refused' && state.failure?.reason === 'forbidden' ? state : undefined;
        if (!held) this.#enterPart(part, state, onState);
        if (part === 'pods' && state.phase === 'live') this.#podsAnswered(true);
      };
      const ended = await this.#followIn(cluster, part, undefined, signal, enter);
      if (part === 'pods') this.#podsAnswered(ended !== 'forbidden');
      if (held && ended !== 'forbidden') this.#enterPart(part, held, onState);
      if (!namespaced || ended !== 'forbidden' || signal.aborted) return;
    }
    const namespaces = await this.#namespacesFor(cluster, signal);
    if (!signal.aborted) await this.#followEach(cluster, part, namespaces, signal);
  }

  /** Whoever may read all pods lacks the right to another kind, and most likely everywhere. */
  async #namespacesFor(cluster: Cluster, signal: AbortSignal): Promise<readonly string[]> {
    if (this.#chosen().length === 0 && (await this.#podsAreReadable)) return [cluster.context.namespace ?? 'default'];
    return (await this.#findScope(cluster, signal)).namespaces;
  }

  /** Many users may read some namespaces and not the cluster; some want no more of it. Whoever asks meanwhile shares it. */
  #findScope(cluster: Cluster, signal: AbortSignal): Promise<Scope> {
    this.#scoping ??= this.#askScope(cluster, signal);
    return this.#scoping;
  }

  async #askScope(cluster: Cluster, signal: AbortSignal): Promise<Scope> {
    const chosen = this.#chosen();
    const listed = Array.from(this.tables.namespaces.all(), ({ metadata }) => metadata?.name ?? '');
    const scope: Scope =
      chosen.length > 0
        ? { namespaces: chosen.slice(0, mostNamespaces), from: 'chosen', unasked: 0 }
        : await findReadableNamespaces(cluster, listed, { signal });
    // What was found out while nobody looked any more is not the whole truth.
    if (signal.aborted) this.#scoping = undefined;
    else this.#scope = scope;
    void this.#readNamespaces(cluster, scope.namespaces, signal);
    return scope;
  }

  /** Who may not list the namespaces may often read his own, whose labels decide about injection. */
  async #readNamespaces(cluster: Cluster, names: readonly string[], signal: AbortSignal): Promise<void> {
    if (this.part('namespaces').failure?.reason !== 'forbidden') return;
    for (const name of names) {
      const found = await cluster.get<Namespace>(resourceTypes.namespaces, name, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      if (!found) continue;
      this.tables.namespaces.set(prepare(found, resourceTypes.namespaces));
      this.#tell({ part: 'namespaces', namespaces: [''] });
    }
  }

  /** In each namespace by itself: what is refused in one is there in the others. */
  async #followEach(
    cluster: Cluster,
    part: Part,
    namespaces: readonly string[],
    signal: AbortSignal,
    isWhole = false,
  ): Promise<void> {
    const table = this.tables[part];
    for (const name of table.namespaces())
      if (!namespaces.includes(name)) this.#tell({ part, namespaces: table.replaceAll([], name) });
    const { lastSeen } = this.part(part);
    const begin: PartState = { phase: 'waiting', ...(lastSeen !== undefined && { lastSeen }) };
    const states = new Map<string, PartState>(namespaces.map((name) => [name, begin]));
    const enter = (name: string, state: PartState) => {
      states.set(name, state);
      const all = combineStates(states);
      if (all) this.#enterPart(part, isWhole ? all : { ...all, onlyNamespaces: namespaces });
    };
    const follow = (name: string) =>
      this.#followIn(
        this.#inTurns(cluster),
        part,
        name,
        signal,
        (state) => enter(name, state),
        () => states.get(name),
      );
    await Promise.all(namespaces.map(follow));
  }

  /** All that is followed by namespace waits for each other. */
  #inTurns(cluster: Cluster): Pick<Cluster, 'list' | 'watch'> {
    const known = this.#turns.get(cluster);
    if (known) return known;
    const turns = listInTurns(cluster);
    this.#turns.set(cluster, turns);
    return turns;
  }

  readonly #turns = new WeakMap<Cluster, Pick<Cluster, 'list' | 'watch'>>();

  #enterPart(part: Part, state: PartState, onState?: (state: PartState) => void): void {
    const before = this.#parts.get(part);
    this.#parts.set(part, state);
    onState?.(state);
    const isOther =
      before?.phase !== state.phase ||
      before.failure?.message !== state.failure?.message ||
      before.refusedIn?.join() !== state.refusedIn?.join();
    if (isOther) this.#tell({ state: true });
    this.#settle();
  }

  /** @returns `forbidden` when that was all that was ever said. */
  async #followIn(
    cluster: Pick<Cluster, 'list' | 'watch'>,
    part: Part,
    namespace: string | undefined,
    signal: AbortSignal,
    enter: (state: PartState) => void,
    known: () => PartState | undefined = () => this.#parts.get(part),
  ): Promise<'forbidden' | undefined> {
    const type: ResourceType = resourceTypes[part];
    const table = this.tables[part] as ResourceTable<KubernetesObject>;
    let seen = false;
    let ended: 'forbidden' | undefined;
    const siblings = new Siblings();
    await follow<KubernetesObject>(cluster, type, {
      ...(namespace !== undefined && { namespace }),
      ...(part === 'events' && { fieldSelector: worthHearing }),
      signal,
      clock: this.#clock,
      outage: this.outage,
      keep: (object) => {
        const { namespace: within = '', name = '' } = object.metadata ?? {};
        const held = table.get(within, name);
        const kept = prepare(object, type);
        return held ? sharePartsOf(held, kept) : siblings.share(kept);
      },
      ...(part === 'namespaces' && { firstTimeoutMs: firstAnswerMs }),
      follower: {
        onList: (objects) => {
          seen = true;
          this.#tell({ part, namespaces: table.replaceAll(objects, namespace) });
          enter({ phase: 'live' });
          this.#onWebhooks(part, signal);
        },
        onLive: () => {
          if (known()?.phase === 'lost') enter({ phase: 'live' });
        },
        onEvent: (event, object) => {
          let isNews = true;
          if (event === 'DELETED') table.delete(object);
          else isNews = table.set(object);
          if (isNews) this.#tell({ part, namespaces: [object.metadata?.namespace ?? ''] });
          if (known()?.phase !== 'live') enter({ phase: 'live' });
        },
        onFailure: (failure, final, lastHeard, isListed = false) => {
          this.#log(`${type.plural}: ${failure.message}`);
          const before = known();
          const lastSeen = before?.lastSeen ?? (before?.phase === 'live' ? lastHeard : undefined);
          const isTakenAway = final && !isListed && !['unauthorized', 'cancelled'].includes(failure.reason);
          if (isTakenAway) this.#tell({ part, namespaces: table.replaceAll([], namespace) });
          if (final && failure.reason === 'forbidden' && !seen) ended = 'forbidden';
          enter({
            phase: final ? 'refused' : 'lost',
            failure,
            ...(lastSeen !== undefined && !isTakenAway && { lastSeen }),
          });
          this.#onWebhooks(part, signal);
        },
      },
    });
    return ended;
  }

  /** The injector's settings lie where the webhooks' service is; asked once that is known. */
  #onWebhooks(part: Part, signal: AbortSignal): void {
    const cluster = this.#cluster;
    if (part !== 'mutatingWebhooks' || !cluster || this.#parts.has('configMaps')) return;
    this.#parts.set('configMaps', { phase: 'waiting' });
    signal.addEventListener('abort', () => this.#parts.delete('configMaps'), { once: true });
    const namespaces = controlPlaneNamespaces(this.tables.mutatingWebhooks.all());
    this.#followEach(cluster, 'configMaps', namespaces, signal, true).catch((error: unknown) =>
      this.#log(`configmaps: ${String(error)}`),
    );
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
    // The first change is told at once, those that follow it together, and while they stream, the longer the rarer.
    const since = Math.abs(this.#clock.now() - this.#toldAt);
    const isStreaming = since < 2 * this.#paceMs;
    this.#paceMs = isStreaming ? Math.min(this.#paceMs * 1.5, rarest * this.#coalesceMs) : this.#coalesceMs;
    const wait = Math.max(Math.min(leadMs, this.#coalesceMs), this.#paceMs - since);
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
