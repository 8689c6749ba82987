import type { PeerAuthentication } from '../../../mesh/security/security-objects.ts';
import { analysisTypes, inVersion } from '../../cluster/analysis-types.ts';
import type { Cluster, ClusterFailure, ResourceType } from '../../cluster/cluster.ts';
import { follow, systemClock } from '../../cluster/follow.ts';
import type { Clock } from '../../cluster/follow.ts';
import { whenDefined } from '../../cluster/when-defined.ts';
import { combineStates } from '../store/combine-states.ts';
import type { PartState, TreeStore } from '../store/tree-store.ts';

/** `absent`: the cluster does not know PeerAuthentications. `refused`: the user may not read them. */
export type PolicyPhase = 'waiting' | 'live' | 'lost' | 'absent' | 'refused';

/** How one listing of them stands. */
type State = Pick<PartState, 'phase' | 'failure' | 'lastSeen'>;

/**
 * The cluster's PeerAuthentications, followed while the trees are, in the namespaces that are chosen or may be read where it is
 * not the whole cluster. They are few, and nothing else of Istio is asked here.
 */
export class PolicyWatch {
  readonly #store: TreeStore;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  readonly #policies = new Map<string, PeerAuthentication>();
  readonly #unsubscribe: { dispose(): void };
  #phase: PolicyPhase = 'waiting';
  #failure: ClusterFailure | undefined;
  #only: readonly string[] | undefined;
  #wanted = false;
  #running: AbortController | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(store: TreeStore, onChange: () => void, clock: Clock = systemClock) {
    this.#store = store;
    this.#clock = clock;
    this.#onChange = onChange;
    this.#unsubscribe = store.onDidChange(() => this.#begin());
  }

  get phase(): PolicyPhase {
    return this.#phase;
  }

  /** Why they are not live. */
  get failure(): ClusterFailure | undefined {
    return this.#failure;
  }

  /** The namespaces whose policies are known, when it is not all of them. */
  get only(): readonly string[] | undefined {
    return this.#only;
  }

  /** Whether that namespace's policies are among those that are known. */
  knows(namespace: string): boolean {
    return this.#only?.includes(namespace) ?? true;
  }

  /** Resolves once it is known whether and what they are, or after that time. */
  whenSettled(patienceMs: number): Promise<void> {
    if (this.#phase !== 'waiting') return Promise.resolve();
    const over = new AbortController();
    const settled = new Promise<void>((resolve) => this.#waiting.add(resolve));
    return Promise.race([settled, this.#clock.wait(patienceMs, over.signal)]).finally(() => over.abort());
  }

  all(): PeerAuthentication[] {
    return [...this.#policies.values()];
  }

  /** Somebody looks. It begins when the store has a cluster that answers. */
  start(): void {
    this.#wanted = true;
    this.#begin();
  }

  /** Nobody looks any more; what is known stays. */
  stop(): void {
    this.#wanted = false;
    this.#running?.abort();
    this.#running = undefined;
  }

  /** Asks again; what is known stays until it is replaced. */
  refresh(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.#begin();
  }

  /** Another cluster: nothing of this one may stay. */
  reset(): void {
    const { size } = this.#policies;
    this.#running?.abort();
    this.#running = undefined;
    this.#policies.clear();
    this.#phase = 'waiting';
    this.#failure = undefined;
    this.#only = undefined;
    if (size > 0) this.#onChange();
    this.#begin();
  }

  dispose(): void {
    this.stop();
    this.#unsubscribe.dispose();
  }

  #begin(): void {
    const { cluster, phase } = this.#store;
    if (!this.#wanted || this.#running || !cluster || phase !== 'ready') return;
    const running = new AbortController();
    this.#running = running;
    void this.#follow(cluster, running.signal);
  }

  /** In the first version that the cluster serves; where it serves none, from when it does. */
  async #follow(cluster: Cluster, signal: AbortSignal): Promise<void> {
    const type = analysisTypes.find(({ kind }) => kind === 'PeerAuthentication')!;
    const { versions, plural, group } = type;
    for (let round = 0; !signal.aborted; round++) {
      for (const version of versions) {
        await this.#followVersion(cluster, inVersion(type, version), signal);
        if (signal.aborted || this.#failure?.reason !== 'not-found') return;
      }
      this.#enter('absent');
      const waiting = { versions, round, signal, clock: this.#clock };
      if (!(await whenDefined(cluster, `${plural}.${group}`, waiting))) return;
    }
  }

  async #followVersion(cluster: Cluster, type: ResourceType, signal: AbortSignal): Promise<void> {
    if (this.#store.chosen.length === 0) {
      const ended = await this.#followIn(cluster, type, undefined, signal, (state) => {
        // Perhaps there are namespaces in which it is granted.
        if (!isRefusal(state)) this.#enterState(state, undefined);
      });
      if (signal.aborted || !ended || !isRefusal(ended)) return;
    }
    const namespaces = await this.#store.namespacesFor(cluster);
    if (!signal.aborted) await this.#followEach(cluster, type, namespaces, signal);
  }

  /** In each namespace by itself: what is refused in one is there in the others. */
  async #followEach(
    cluster: Cluster,
    type: ResourceType,
    namespaces: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    for (const [key, { metadata }] of this.#policies)
      if (!namespaces.includes(metadata?.namespace ?? '')) this.#policies.delete(key);
    const states = new Map<string, PartState>(namespaces.map((name) => [name, { phase: 'waiting' }]));
    const follow = (namespace: string) =>
      this.#followIn(cluster, type, namespace, signal, (state) => {
        states.set(namespace, state);
        const all = combineStates(states);
        const refused = new Set(all?.refusedIn);
        if (all)
          this.#enterState(
            all,
            namespaces.filter((name) => !refused.has(name)),
          );
      });
    await Promise.all(namespaces.map(follow));
  }

  /** @returns how it ended; undefined: it was stopped. */
  async #followIn(
    cluster: Cluster,
    type: ResourceType,
    namespace: string | undefined,
    signal: AbortSignal,
    enter: (state: State) => void,
  ): Promise<State | undefined> {
    let ended: State | undefined;
    let isLost = false;
    const forget = () => {
      for (const [key, { metadata }] of this.#policies)
        if (namespace === undefined || metadata?.namespace === namespace) this.#policies.delete(key);
    };
    const live = () => {
      isLost = false;
      enter({ phase: 'live' });
    };
    await follow<PeerAuthentication>(cluster, type, {
      ...(namespace !== undefined && { namespace }),
      signal,
      clock: this.#clock,
      outage: this.#store.outage,
      follower: {
        onList: (policies) => {
          forget();
          for (const policy of policies) this.#policies.set(keyOf(policy), policy);
          live();
        },
        onEvent: (event, policy) => {
          if (event === 'DELETED') this.#policies.delete(keyOf(policy));
          else this.#policies.set(keyOf(policy), policy);
          live();
        },
        onLive: () => {
          if (isLost) live();
        },
        onFailure: (failure, final, _lastHeard, isListed = false) => {
          isLost = true;
          const isGone = final && !isListed;
          const state: State = { phase: isGone ? 'refused' : 'lost', failure };
          // Who may not read all asks in single namespaces next: until then what was seen there stands.
          if (isGone && (namespace !== undefined || !isRefusal(state))) forget();
          if (final) ended = state;
          enter(state);
        },
      },
    });
    return ended;
  }

  #enterState({ phase, failure }: State, only: readonly string[] | undefined): void {
    this.#only = only;
    this.#enter(phase, failure);
  }

  #enter(phase: PolicyPhase, failure?: ClusterFailure): void {
    this.#phase = phase;
    this.#failure = failure;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
    this.#onChange();
  }
}

/** Of the right, not of the kind: elsewhere it may be had. */
function isRefusal({ phase, failure }: State): boolean {
  return phase === 'refused' && failure?.reason === 'forbidden';
}

function keyOf({ metadata }: PeerAuthentication): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
}
