import type { ClusterChange, ClusterSnapshot, PlainObject } from '../../contract/cluster-layer.ts';
import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import { analysisTypes, inVersion, kindName } from '../cluster/analysis-types.ts';
import type { AnalysisType } from '../cluster/analysis-types.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { resourceTypes } from '../cluster/cluster.ts';
import { readDefinitions } from '../cluster/collect-snapshot.ts';
import { follow, systemClock } from '../cluster/follow.ts';
import type { Clock } from '../cluster/follow.ts';
import { whenDefined } from '../cluster/when-defined.ts';
import { trimObject } from '../cluster/trim-object.ts';
import type { Part, StoreChange, TreeStore } from '../trees/store/tree-store.ts';
import { takeChanges } from '../../mesh/pods/pod-groups.ts';
import type { ResourceTable } from '../trees/store/resource-table.ts';
import { LayerObjects } from './layer-objects.ts';

/** Where the layer goes. */
export interface LayerReceiver {
  /** Everything, in place of what was told before; `undefined`: no cluster any more. */
  snapshot(snapshot: ClusterSnapshot | undefined): void;
  change(change: ClusterChange): void;
}

export type LayerUse = 'analysis' | 'names' | 'nothing';

export interface LiveLayerOptions {
  store: TreeStore;
  receiver: LayerReceiver;
  /** What this cluster is good for: files are judged by it, or only its names are offered, or nothing. */
  useOf: (cluster: Cluster) => LayerUse;
  clock?: Clock;
  log?: (line: string) => void;
  onDidChange?: () => void;
}

/** What the layer is, for the status bar. */
export interface LayerState {
  cluster: string;
  use: LayerUse;
  objects: number;
  /** When it was last known to be up to date, all of it, in milliseconds since 1970; undefined: it is followed now. */
  asOf?: number;
  /** Kinds that were not read to their end. */
  gaps: string[];
}

/** The trees follow these already; the rest is followed here, for as long as they are. */
const fromStore = {
  namespaces: '/Namespace',
  nodes: '/Node',
  pods: '/Pod',
  deployments: 'apps/Deployment',
  statefulSets: 'apps/StatefulSet',
  daemonSets: 'apps/DaemonSet',
  mutatingWebhooks: 'admissionregistration.k8s.io/MutatingWebhookConfiguration',
  configMaps: '/ConfigMap',
} satisfies Partial<Record<Part, string>>;
type StorePart = keyof typeof fromStore;
const storeParts = Object.keys(fromStore) as StorePart[];
const followedHere = analysisTypes.filter((type) => !(Object.values(fromStore) as string[]).includes(kindName(type)));

/** Changes within this time go together, in milliseconds. */
const coalesceMs = 300;
/** The first picture waits this long for kinds that are slow to answer. */
const patienceMs = 3_000;
/** Who may not read a kind everywhere may read it somewhere; each of these is followed by itself, for every kind. */
const mostNamespaces = 3;
/** Until the trees have found out where that is. */
const scopeMs = 1_000;
/** What nobody has followed for longer may have changed: that something is missing is no longer said. */
const trustMs = 10 * 60_000;

interface KindState {
  /** `partial`: some namespaces only. */
  state: 'waiting' | 'live' | 'absent' | 'refused' | 'lost' | 'partial';
  lastSeen?: number;
}

/**
 * What the connected cluster holds, told to the language server while the trees look at it, and kept afterwards with the
 * time at which it was true. It connects to nobody: it begins when the trees' store has a cluster that answers.
 */
export class LiveLayer {
  readonly #store: TreeStore;
  readonly #receiver: LayerReceiver;
  readonly #options: LiveLayerOptions;
  readonly #clock: Clock;
  readonly #objects = new LayerObjects();
  readonly #states = new Map<string, KindState>();
  readonly #unsubscribe: { dispose(): void };
  readonly #life = new AbortController();
  #cluster: Cluster | undefined;
  #use: LayerUse = 'nothing';
  #shownAsOf: number | undefined;
  #running: AbortController | undefined;
  /** What was last told complete, as one text; undefined: nothing was told. */
  #told: string | undefined;
  #isFlushing = false;
  #startedAt = 0;

  constructor(options: LiveLayerOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#receiver = options.receiver;
    this.#clock = options.clock ?? systemClock;
    this.#unsubscribe = options.store.onDidChange((change) => this.#storeChanged(change));
  }

  /** Undefined while nothing lies under the files. */
  get state(): LayerState | undefined {
    if (!this.#cluster || this.#told === undefined) return undefined;
    const gaps = this.#kinds().filter((kind) => !this.#isComplete(kind));
    const asOf = this.#asOf();
    return {
      cluster: this.#cluster.context.name,
      use: this.#use,
      objects: this.#objects.size,
      gaps,
      ...(asOf !== undefined && { asOf }),
    };
  }

  /** Since when some of it may be out of date: nobody looks any more, or a connection was lost. */
  #asOf(): number | undefined {
    const ofStore = this.#running
      ? [this.#store.stale()?.since]
      : storeParts.map((part) => this.#store.part(part).lastSeen);
    const own = [...this.#states.values()].flatMap(({ state, lastSeen }) =>
      this.#running && state !== 'lost' && state !== 'partial' ? [] : [lastSeen],
    );
    const seen = [...ofStore, ...own].filter((time) => time !== undefined);
    if (seen.length > 0) return Math.min(...seen);
    return this.#running ? undefined : this.#clock.now();
  }

  /** The trees are looked at. */
  start(): void {
    if (this.#running) return;
    this.#running = new AbortController();
    this.#startedAt = this.#clock.now();
    this.#begin();
  }

  /** Nobody looks any more: what is known stays, and is trusted for a while. */
  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
    const now = this.#clock.now();
    for (const [kind, state] of this.#states)
      if (state.state === 'live') this.#states.set(kind, { ...state, lastSeen: now });
    this.#options.onDidChange?.();
    // To withdraw, then, what may no longer be said.
    void this.#clock.wait(trustMs + 1_000, this.#life.signal).then(() => this.#flushSoon());
  }

  /** Another cluster, or none: nothing of this one may stay. */
  reset(): void {
    this.#forget();
    if (!this.#running) return;
    this.#running.abort();
    this.#running = new AbortController();
    this.#startedAt = this.#clock.now();
    this.#begin();
  }

  /** Everything is asked again, also what was refused; what is known stays until it is replaced. */
  refresh(): void {
    if (!this.#running) return;
    this.stop();
    this.start();
  }

  /** For a language server that has just started: everything from the beginning. */
  tellAgain(): void {
    if (this.#told === undefined) return;
    this.#told = '';
    this.#flush();
  }

  dispose(): void {
    this.#life.abort();
    this.#running?.abort();
    this.#unsubscribe.dispose();
  }

  #forget(): void {
    this.#cluster = undefined;
    this.#objects.clear();
    this.#taken.clear();
    this.#states.clear();
    if (this.#told !== undefined) this.#receiver.snapshot(undefined);
    this.#told = undefined;
    this.#options.onDidChange?.();
  }

  /** Once the store has a cluster that answers. */
  #begin(): void {
    const { cluster, phase } = this.#store;
    const running = this.#running;
    if (!running || !cluster || phase !== 'ready') return;
    this.#use = this.#options.useOf(cluster);
    if (this.#use === 'nothing') return this.#told === undefined ? undefined : this.#forget();
    if (this.#cluster && this.#cluster.context.id !== cluster.context.id) this.#forget();
    const isNew = this.#cluster === undefined || !this.#following.has(running);
    this.#cluster = cluster;
    if (!isNew) return;
    this.#following.add(running);
    for (const part of storeParts) this.#takePart(part);
    for (const type of followedHere) void this.#follow(cluster, type, running.signal);
    void readDefinitions(cluster, { signal: running.signal })
      .then((definitions) => {
        if (!running.signal.aborted) this.#objects.replace('CustomResourceDefinition', definitions);
        this.#flushSoon();
      })
      .catch((error: unknown) => this.#log(`definitions: ${String(error)}`));
    void this.#clock.wait(patienceMs, running.signal).then(() => this.#flushSoon());
  }

  readonly #following = new WeakSet<AbortController>();

  async #follow(cluster: Cluster, type: AnalysisType, signal: AbortSignal): Promise<void> {
    const kind = kindName(type);
    if (!this.#states.has(kind)) this.#states.set(kind, { state: 'waiting' });
    for (let round = 0; !signal.aborted; round++) {
      for (const version of type.versions) {
        const last = await this.#followVersion(cluster, type, version, { signal });
        if (signal.aborted) return;
        if (last === 'forbidden' && type.namespaced) return this.#followWithin(cluster, type, version, signal);
        if (last !== 'not-found' || !type.isCustom) return;
      }
      this.#objects.replace(kind, []);
      this.#enter(kind, { state: 'absent' });
      if (!(await this.#isInstalled(cluster, type, round, signal))) return;
    }
  }

  /** A group's kinds are installed together: one of them is waited for, and a kind that is still absent then by itself. */
  #isInstalled(cluster: Cluster, type: AnalysisType, round: number, signal: AbortSignal): Promise<boolean> {
    const awaited = (round === 0 && followedHere.find(({ group }) => group === type.group)) || type;
    const { plural, group, versions } = awaited;
    const name = `${plural}.${group}`;
    const known = this.#awaited.get(signal) ?? new Map<string, Promise<boolean>>();
    this.#awaited.set(signal, known);
    // A kind by itself is waited for anew each time.
    const waiting =
      (round === 0 && known.get(name)) || whenDefined(cluster, name, { versions, round, signal, clock: this.#clock });
    if (round === 0) known.set(name, waiting);
    return waiting;
  }

  readonly #awaited = new WeakMap<AbortSignal, Map<string, Promise<boolean>>>();

  /** In the namespaces that the trees read; nothing of the kind is ever said to be missing then. */
  async #followWithin(cluster: Cluster, type: AnalysisType, version: string, signal: AbortSignal): Promise<void> {
    await this.#clock.wait(scopeMs, signal);
    const readable = this.#store.part('pods').onlyNamespaces ?? this.#store.scope?.namespaces;
    const namespaces = readable ?? [cluster.context.namespace ?? 'default'];
    await Promise.all(
      namespaces
        .slice(0, mostNamespaces)
        .map((namespace) => this.#followVersion(cluster, type, version, { signal, namespace })),
    );
  }

  /** @returns why it ended. */
  async #followVersion(
    cluster: Cluster,
    type: AnalysisType,
    version: string,
    { signal, namespace }: { signal: AbortSignal; namespace?: string },
  ): Promise<string | undefined> {
    const followed = namespace === undefined ? 'live' : 'partial';
    const scope = namespace === undefined ? {} : { namespace };
    const kind = kindName(type);
    const versioned = inVersion(type, version);
    const trim = (object: KubernetesObject) =>
      trimObject(object as unknown as PlainObject, versioned.apiVersion, versioned.kind);
    let why: string | undefined;
    await follow(cluster, versioned, {
      signal,
      ...scope,
      clock: this.#clock,
      outage: this.#store.outage,
      follower: {
        onList: (objects) => {
          this.#objects.replace(kind, objects.map(trim), namespace);
          this.#enter(kind, { state: followed });
        },
        onEvent: (event, object) => {
          if (event === 'DELETED') this.#objects.remove(kind, trim(object));
          else this.#objects.put(kind, trim(object));
          this.#enter(kind, { state: followed });
        },
        onLive: () => {
          const { state, lastSeen } = this.#states.get(kind) ?? {};
          if (state === 'lost' || lastSeen !== undefined) this.#enter(kind, { state: followed });
        },
        onFailure: (failure, isOver, _lastHeard, isListed = false) => {
          // What may be listed and not watched is as good as lost: it is trusted for a while.
          const final = isOver && !isListed;
          why = failure.reason;
          if (final && why === 'not-found' && type.isCustom) return;
          this.#log(`${kind}: ${failure.message}`);
          const { lastSeen } = this.#states.get(kind) ?? {};
          if (final) this.#objects.replace(kind, [], namespace);
          if (final && namespace !== undefined) return;
          const state = final ? 'refused' : followed === 'partial' ? followed : 'lost';
          this.#enter(kind, { state, ...(!final && { lastSeen: lastSeen ?? this.#clock.now() }) });
        },
      },
    });
    return why;
  }

  #enter(kind: string, state: KindState): void {
    this.#states.set(kind, state);
    this.#flushSoon();
  }

  #storeChanged({ parts, namespaces }: StoreChange): void {
    if (this.#running && !this.#following.has(this.#running)) this.#begin();
    if (!this.#cluster) return;
    for (const part of parts) if (part in fromStore) this.#takePart(part as StorePart, namespaces);
    this.#flushSoon();
  }

  /** @param namespaces those in which something changed; absent: all. */
  #takePart(part: StorePart, namespaces?: ReadonlySet<string>): void {
    const kind = fromStore[part];
    const table: ResourceTable<KubernetesObject> = this.#store.tables[part];
    const taken = this.#taken.get(part) ?? new Map<string, Map<string, KubernetesObject>>();
    this.#taken.set(part, taken);
    for (const namespace of namespaces ?? new Set([...taken.keys(), ...table.namespaces()])) {
      const held = taken.get(namespace) ?? new Map<string, KubernetesObject>();
      taken.set(namespace, held);
      for (const { before, after } of takeChanges(held, table.named(namespace))) {
        if (after) this.#objects.put(kind, thin(after, part));
        else if (before) this.#objects.remove(kind, thin(before, part));
      }
    }
  }

  /** What was taken over of the store, as it holds it: ten thousand objects are not looked through for one that changed. */
  readonly #taken = new Map<StorePart, Map<string, Map<string, KubernetesObject>>>();

  #flushSoon(): void {
    if (this.#isFlushing || !this.#cluster || this.#life.signal.aborted) return;
    this.#isFlushing = true;
    void this.#clock.wait(coalesceMs, this.#life.signal).then(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    const cluster = this.#cluster;
    if (!cluster) return;
    const isFirst = this.#told === undefined;
    if (isFirst && this.#isAnyWaiting() && this.#clock.now() - this.#startedAt < patienceMs) return;
    const complete = this.#kinds().filter((kind) => this.#isComplete(kind));
    const told = `complete: ${complete.join()}`;
    const change = this.#objects.takeChange();
    if (told !== this.#told) {
      const resources = this.#objects.all();
      this.#log(`${resources.length} objects of ${cluster.context.name} lie under the files`);
      const namesOnly = this.#use === 'names' && { namesOnly: true };
      this.#receiver.snapshot({ name: cluster.context.name, resources, complete, ...namesOnly });
    } else if (change) this.#receiver.change(change);
    else if (this.#shownAsOf === this.#asOf()) return;
    this.#told = told;
    this.#shownAsOf = this.#asOf();
    this.#options.onDidChange?.();
  }

  #kinds(): string[] {
    return [
      ...storeParts.filter((part) => part !== 'configMaps').map((part) => fromStore[part]),
      ...this.#states.keys(),
    ];
  }

  #isAnyWaiting(): boolean {
    return [...this.#states.values()].some(({ state }) => state === 'waiting');
  }

  #isComplete(kind: string): boolean {
    const part = storeParts.find((candidate) => fromStore[candidate] === kind);
    const { state, lastSeen } = part ? this.#stateOfPart(part) : (this.#states.get(kind) ?? { state: 'waiting' });
    if (state === 'absent') return true;
    if (state === 'live' && this.#running) return true;
    if (state !== 'live' && state !== 'lost') return false;
    return lastSeen !== undefined && this.#clock.now() - lastSeen < trustMs;
  }

  #stateOfPart(part: StorePart): KindState {
    const { phase, lastSeen, onlyNamespaces } = this.#store.part(part);
    const state = onlyNamespaces === undefined ? phase : 'refused';
    return { state, ...(lastSeen !== undefined && { lastSeen }) };
  }

  #log(line: string): void {
    this.#options.log?.(`analysis: ${line}`);
  }
}

/**
 * An object of the store as analysis gets it: named, and without what no rule reads and what changes all the time. A pod that
 * becomes ready, or a node that says that it lives, is then not told at all.
 */
function thin(
  object: KubernetesObject & { status?: { phase?: string; conditions?: unknown } },
  part: StorePart,
): PlainObject {
  const { apiVersion, kind } = resourceTypes[part];
  const { status, ...rest } = object;
  const { phase, conditions } = status ?? {};
  const named = { ...rest, apiVersion, kind };
  if (part === 'nodes' || !status) return named;
  return {
    ...named,
    status: {
      ...(phase !== undefined && { phase }),
      ...(part !== 'pods' && conditions !== undefined && { conditions }),
    },
  };
}
