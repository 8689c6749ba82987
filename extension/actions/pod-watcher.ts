import type { Pod } from '../../mesh/kubernetes.ts';
import type { ClusterFailure } from '../cluster/cluster.ts';
import { resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { follow, systemClock, type Clock } from '../cluster/follow.ts';

/** Which pods: one by its name, or all that a selector finds. */
export interface PodScope {
  namespace: string;
  name?: string;
  labelSelector?: string;
}

/** Who may read a pod but not list or watch is asked this often, in milliseconds, while something waits for a change. */
const pollMs = 3000;

/** The pods that an action is about, as they come and go. One watch of just those; it ends with the signal. */
export class PodWatcher {
  readonly #pods = new Map<string, Pod>();
  readonly #waiters = new Set<() => void>();
  readonly #listeners = new Set<() => void>();
  readonly #signal: AbortSignal;
  readonly #clock: Clock;
  readonly #cluster: Cluster;
  readonly #scope: PodScope;
  /** Asking again was of no use, so nobody asks: a login that ended, for one. */
  #gaveUp = false;
  /** Resolves with the first answer. @throws ClusterFailure when the pods cannot be read at all. */
  readonly ready: Promise<void>;

  constructor(cluster: Cluster, scope: PodScope, signal: AbortSignal, clock: Clock = systemClock) {
    this.#signal = signal;
    this.#clock = clock;
    this.#cluster = cluster;
    this.#scope = scope;
    this.ready = new Promise((resolve, reject) => {
      const failed = (failure: ClusterFailure, final: boolean) => {
        if (failure.reason === 'forbidden' && scope.name !== undefined)
          void this.#poll(cluster, scope as PodScope & { name: string }).then(resolve, reject);
        else if (final) {
          this.#gaveUp = true;
          reject(failure);
        }
      };
      void this.#follow(cluster, scope, resolve, failed);
    });
    this.ready.catch(() => undefined);
  }

  get pods(): readonly Pod[] {
    return [...this.#pods.values()];
  }

  find(name: string): Pod | undefined {
    return this.#pods.get(name);
  }

  /** Goes on after it gave up: a person has done something, and may have logged in meanwhile. */
  revive(): void {
    if (!this.#gaveUp || this.#signal.aborted) return;
    this.#gaveUp = false;
    const failed = (_: ClusterFailure, final: boolean) => {
      if (final) this.#gaveUp = true;
    };
    void this.#follow(this.#cluster, this.#scope, () => undefined, failed);
  }

  onDidChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Resolves at the next change, after that time, or when the watcher ends. */
  async changed(ms = 60_000): Promise<void> {
    const over = new AbortController();
    const any = AbortSignal.any([over.signal, this.#signal]);
    const change = new Promise<void>((resolve) => {
      this.#waiters.add(resolve);
      any.addEventListener('abort', () => this.#waiters.delete(resolve), { once: true });
    });
    await Promise.race([change, this.#clock.wait(ms, any)]);
    over.abort();
  }

  async #follow(
    cluster: Cluster,
    { namespace, name, labelSelector }: PodScope,
    onReady: () => void,
    onFailure: (failure: ClusterFailure, final: boolean) => void,
  ): Promise<void> {
    const selectors = {
      ...(labelSelector !== undefined && { labelSelector }),
      ...(name !== undefined && { fieldSelector: `metadata.name=${name}` }),
    };
    const narrowed: Pick<Cluster, 'list' | 'watch'> = {
      list: (type, options) => cluster.list(type, { ...options, ...selectors }),
      watch: (type, options) => cluster.watch(type, { ...options, ...selectors }),
    };
    await follow<Pod>(narrowed as Cluster, resourceTypes.pods, {
      namespace,
      signal: this.#signal,
      clock: this.#clock,
      follower: {
        onList: (pods) => {
          this.#pods.clear();
          for (const pod of pods) this.#keep(pod);
          this.#tell();
          onReady();
        },
        onEvent: (type, pod) => {
          if (type === 'DELETED') this.#pods.delete(pod.metadata?.name ?? '');
          else this.#keep(pod);
          this.#tell();
        },
        onFailure,
      },
    });
  }

  /** @throws ClusterFailure of the first look. */
  async #poll(cluster: Cluster, { namespace, name }: { namespace: string; name: string }): Promise<void> {
    const look = async () => {
      const pod = await cluster.get<Pod>(resourceTypes.pods, name, { namespace, signal: this.#signal });
      const before = this.#pods.get(name)?.metadata?.resourceVersion;
      if (pod) this.#keep(pod);
      else this.#pods.delete(name);
      if (before !== pod?.metadata?.resourceVersion) this.#tell();
    };
    await look();
    void (async () => {
      while (!this.#signal.aborted) {
        await this.#clock.wait(pollMs, this.#signal);
        const isAwaited = this.#waiters.size > 0 || this.#listeners.size > 0;
        if (isAwaited && !this.#signal.aborted) await look().catch(() => undefined);
      }
    })();
  }

  #keep(pod: Pod): void {
    if (pod.metadata?.name) this.#pods.set(pod.metadata.name, pod);
  }

  #tell(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const resolve of waiters) resolve();
    for (const listener of this.#listeners) listener();
  }
}
