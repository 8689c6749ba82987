import type { PeerAuthentication } from '../../mesh/security/security-objects.ts';
import { analysisTypes, inVersion } from '../cluster/analysis-types.ts';
import type { Cluster, ClusterFailure } from '../cluster/cluster.ts';
import { follow, systemClock } from '../cluster/follow.ts';
import type { Clock } from '../cluster/follow.ts';
import { whenDefined } from '../cluster/when-defined.ts';
import type { TreeStore } from './tree-store.ts';

/** `absent`: the cluster does not know PeerAuthentications. `refused`: the user may not read them. */
export type PolicyPhase = 'waiting' | 'live' | 'lost' | 'absent' | 'refused';

/** The cluster's PeerAuthentications, followed while the trees are. They are few, and nothing else of Istio is asked here. */
export class PolicyWatch {
  readonly #store: TreeStore;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  readonly #policies = new Map<string, PeerAuthentication>();
  readonly #unsubscribe: { dispose(): void };
  #phase: PolicyPhase = 'waiting';
  #failure: ClusterFailure | undefined;
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

  async #followVersion(cluster: Cluster, type: ReturnType<typeof inVersion>, signal: AbortSignal): Promise<void> {
    await follow<PeerAuthentication>(cluster, type, {
      signal,
      clock: this.#clock,
      follower: {
        onList: (policies) => {
          this.#policies.clear();
          for (const policy of policies) this.#policies.set(keyOf(policy), policy);
          this.#enter('live');
        },
        onEvent: (event, policy) => {
          if (event === 'DELETED') this.#policies.delete(keyOf(policy));
          else this.#policies.set(keyOf(policy), policy);
          this.#enter('live');
        },
        onLive: () => {
          if (this.#phase === 'lost') this.#enter('live');
        },
        onFailure: (failure, final, _lastHeard, isListed = false) => {
          if (final && !isListed) this.#policies.clear();
          this.#enter(final && !isListed ? 'refused' : 'lost', failure);
        },
      },
    });
  }

  #enter(phase: PolicyPhase, failure?: ClusterFailure): void {
    this.#phase = phase;
    this.#failure = failure;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
    this.#onChange();
  }
}

function keyOf({ metadata }: PeerAuthentication): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
}
