import type { ClusterFailure } from './cluster.ts';
import { backoff, type Clock } from './follow.ts';

/** Between two probes, in milliseconds: somebody looks at the view and waits. */
const longestPause = 5_000;
const shortestPause = 1_000;

/** Whether it tells of a server that cannot be reached, and not of what was asked. */
export function isOutage({ reason, status, retryAfterMs }: ClusterFailure): boolean {
  if (retryAfterMs !== undefined) return false;
  // A load balancer that has no API server behind it.
  return reason === 'unreachable' || reason === 'timeout' || status === 502 || status === 503;
}

/**
 * All that follow one cluster and have lost it wait here together: one small request asks every few seconds whether the
 * server answers again, instead of each asking for its own, ever rarer.
 */
export class Outage {
  readonly #answers: () => Promise<boolean>;
  readonly #clock: Clock;
  readonly #waiting = new Set<AbortController>();
  #probing: AbortController | undefined;
  #pause: AbortController | undefined;

  /** @param answers whether the server does now; it must come back within seconds. */
  constructor(answers: () => Promise<boolean>, clock: Clock) {
    this.#answers = answers;
    this.#clock = clock;
  }

  /**
   * Resolves when the server answers, `longestMs` have passed, or `signal` aborts.
   * @returns whether the server has answered.
   */
  async wait(longestMs: number, signal: AbortSignal): Promise<boolean> {
    const answered = new AbortController();
    this.#waiting.add(answered);
    if (!this.#probing) void this.#probe((this.#probing = new AbortController()).signal);
    await this.#clock.wait(longestMs, AbortSignal.any([signal, answered.signal]));
    this.#waiting.delete(answered);
    if (this.#waiting.size === 0) this.#end();
    return answered.signal.aborted;
  }

  /** Probes at once, where somebody waits: a person has come back, and with him maybe the network. */
  hurry(): void {
    this.#pause?.abort();
  }

  #end(): void {
    this.#probing?.abort();
    this.#probing = undefined;
  }

  async #probe(signal: AbortSignal): Promise<void> {
    let tookMs = 0;
    for (let probes = 0; ; probes++) {
      this.#pause = new AbortController();
      const pauseMs = Math.min(backoff(probes, this.#clock.random()), longestPause) - tookMs;
      await this.#clock.wait(Math.max(pauseMs, shortestPause / 2), AbortSignal.any([signal, this.#pause.signal]));
      if (signal.aborted) return;
      const begin = this.#clock.now();
      const isBack = await this.#answers();
      if (signal.aborted) return;
      tookMs = Math.max(0, this.#clock.now() - begin);
      if (!isBack) continue;
      this.#end();
      for (const answered of this.#waiting) answered.abort();
      return;
    }
  }
}
