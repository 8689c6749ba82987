import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import { ClusterFailure } from './cluster.ts';
import type { Cluster, FailureReason, ResourceType } from './cluster.ts';

/** Time, as the following needs it; tests have their own. */
export interface Clock {
  now(): number;
  /** Resolves after that time, or at once when the signal aborts. Never rejects. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** 0 ≤ x < 1 */
  random(): number;
}

export interface Follower<T extends KubernetesObject> {
  /** A whole list: what is not in it is gone. */
  onList(objects: T[]): void;
  onEvent(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void;
  /** The list or the watch failed; what was seen before may be out of date. It is tried again unless `final`. */
  onFailure(failure: ClusterFailure, final: boolean): void;
}

/** Backoff between failures, in milliseconds. */
const firstDelay = 1_000;
const longestDelay = 30_000;
/** A watch that the server ends sooner than this was not one; listening again at once would be a storm. */
const shortestWatch = 1_000;

/**
 * Follows one kind: list, watch from there, list again when the server has forgotten the version, wait longer and longer
 * while it fails. Resolves when `signal` aborts, or after a failure that trying again cannot heal.
 */
export async function follow<T extends KubernetesObject>(
  cluster: Cluster,
  type: ResourceType,
  options: { namespace?: string; signal: AbortSignal; clock: Clock; follower: Follower<T> },
): Promise<void> {
  const { namespace, signal, clock, follower } = options;
  const scope = namespace === undefined ? {} : { namespace };
  let failures = 0;
  while (!signal.aborted) {
    let listed = false;
    try {
      const { items, resourceVersion } = await cluster.list<T>(type, { ...scope, signal });
      if (signal.aborted) return;
      follower.onList(items);
      listed = true;
      await watchFrom(resourceVersion);
    } catch (error) {
      if (signal.aborted) return;
      const failure = asFailure(error);
      // A watch that breaks off, or whose version is forgotten, is daily business: list again at once. Only when that
      // fails, or it happens again and again, is it a failure like another.
      const daily = failure.reason === 'gone' || (listed && !isFinal(failure.reason));
      if (!daily || failures > 0) {
        if (failure.reason !== 'gone') follower.onFailure(failure, isFinal(failure.reason));
        if (isFinal(failure.reason)) return;
        await clock.wait(backoff(failures, clock.random()), signal);
      }
      failures += 1;
    }
  }

  async function watchFrom(version: string): Promise<void> {
    let resourceVersion = version;
    let brief = 0;
    while (!signal.aborted) {
      const started = clock.now();
      let heard = false;
      await cluster.watch<T>(type, {
        ...scope,
        resourceVersion,
        signal,
        onEvent: (event) => {
          if (signal.aborted) return;
          heard = true;
          failures = 0;
          if (event.type === 'BOOKMARK') {
            resourceVersion = event.resourceVersion;
            return;
          }
          resourceVersion = event.object.metadata?.resourceVersion ?? resourceVersion;
          follower.onEvent(event.type, event.object);
        },
      });
      if (clock.now() - started >= shortestWatch) failures = 0;
      brief = heard || clock.now() - started >= shortestWatch ? 0 : brief + 1;
      if (brief > 0) await clock.wait(backoff(brief - 1, clock.random()), signal);
    }
  }
}

/** 1 s, 2 s, 4 s … 30 s, each shortened by up to a half, so that many clients do not come back in step. */
export function backoff(failures: number, random: number): number {
  return Math.min(longestDelay, firstDelay * 2 ** Math.min(failures, 10)) * (1 - random / 2);
}

/** Asking again does not help until somebody changes something; asking for a login again and again makes it worse. */
export function isFinal(reason: FailureReason): boolean {
  return ['unauthorized', 'forbidden', 'not-found', 'kubeconfig', 'invalid', 'cancelled'].includes(reason);
}

export function asFailure(error: unknown): ClusterFailure {
  if (error instanceof ClusterFailure) return error;
  return new ClusterFailure('unexpected', error instanceof Error ? error.message : String(error), '', { cause: error });
}

export const systemClock: Clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done, { once: true });
    }),
};
