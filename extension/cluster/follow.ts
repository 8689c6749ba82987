import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import { ClusterFailure } from './cluster.ts';
import type { Cluster, FailureReason, ResourceType } from './cluster.ts';
import { isOutage, type Outage } from './outage.ts';

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
  /** The connection stands again, and nothing was missed: what was seen before is up to date. */
  onLive?(): void;
  /**
   * The list or the watch failed; what was seen before may be out of date. It is tried again unless `final`.
   * @param lastHeard when the server last gave a sign of life, in milliseconds since 1970; undefined: never yet.
   * @param isListed it may be listed and not watched: what was told is true as of `lastHeard`, and stays.
   */
  onFailure(failure: ClusterFailure, final: boolean, lastHeard?: number, isListed?: boolean): void;
}

/** Backoff between failures, in milliseconds. */
const firstDelay = 1_000;
const longestDelay = 30_000;
/** Who waits with others for a server that cannot be reached asks by himself as rarely as this. */
const aloneAfter = 120_000;
/** A watch that the server ends sooner than this was not one; listening again at once would be a storm. */
const shortestWatch = 1_000;
/** No answer takes longer than this, however slow the line. */
const longestTimeout = 60_000;
const usualTimeout = 15_000;
/** An API server that starts again refuses, for some seconds, what it grants: its roles and its issuers are not loaded yet. */
const startUpRefusals = 4;

/**
 * Follows one kind: list, watch from there, and from where that watch ended; list again when the server has forgotten the
 * version; wait longer and longer while it fails, and as long as the server asks. Resolves when `signal` aborts, or after
 * a failure that trying again cannot heal.
 * @param options.keep what is kept of each object.
 * @param options.outage where all that follow this cluster wait together while it cannot be reached.
 * @param options.firstTimeoutMs for the first answer; each further attempt is given twice as long.
 */
export async function follow<T extends KubernetesObject>(
  cluster: Pick<Cluster, 'list' | 'watch'>,
  type: ResourceType,
  options: {
    namespace?: string;
    /** Only these are listed and watched. */
    fieldSelector?: string;
    signal: AbortSignal;
    clock: Clock;
    follower: Follower<T>;
    keep?: (object: T) => T;
    firstTimeoutMs?: number;
    outage?: Outage;
  },
): Promise<void> {
  const { namespace, fieldSelector, signal, clock, follower, keep, firstTimeoutMs = usualTimeout, outage } = options;
  const scope = { ...(namespace !== undefined && { namespace }), ...(fieldSelector && { fieldSelector }) };
  let failures = 0;
  let refusals = 0;
  let brief = 0;
  /** The server took the watch that failed. */
  let reached: boolean;
  /** The list before it was answered. */
  let listed: boolean;
  /** Where to watch from; undefined: list first. */
  let version: string | undefined;
  let lastHeard: number | undefined;
  /** The server was found to answer, before this attempt. */
  let called = false;
  const hear = () => (lastHeard = clock.now());

  while (!signal.aborted) {
    reached = false;
    listed = false;
    try {
      // A server that gives its lists no version (`0` is none) cannot be gone on from there either.
      version ||= await listAll();
      if (signal.aborted) return;
      await watchFrom(version);
    } catch (error) {
      if (signal.aborted) return;
      const failure = asFailure(error);
      // A connection that breaks was alive until then; one over which nothing comes may have been dead for long.
      if (lastHeard !== undefined && failure.reason !== 'timeout' && failures === 0) hear();
      // Roles that grant `list` and forget `watch` are common.
      if (failure.reason === 'forbidden' && listed && !reached)
        return follower.onFailure(failure, true, lastHeard, true);
      if (isUselessVersion(failure.reason, version === undefined ? 0 : failures)) version = undefined;
      const isOver = lastHeard === undefined || failure.reason === 'cancelled' || ++refusals > startUpRefusals;
      const final = isFinal(failure.reason) && isOver;
      // A watch that breaks off, or whose version is forgotten, is daily business. Only when what follows fails too, or it
      // happens again and again, is it a failure like another.
      const daily = failure.reason === 'gone' || lastHeard !== undefined;
      if (!daily || failures > 0 || final) {
        if (failure.reason !== 'gone') follower.onFailure(failure, final, lastHeard);
        if (final) return;
        // Who is let in and then cut off has a bad line, not a server in trouble.
        const pauses = reached ? Math.min(failures, 2) : failures;
        await pause(failure, backoff(pauses, clock.random()));
      } else if (failure.retryAfterMs) await clock.wait(failure.retryAfterMs, signal);
      failures += 1;
    }
  }

  /** What fails although the server answers fails for a reason of its own. */
  async function pause(failure: ClusterFailure, ms: number): Promise<void> {
    if (outage && !called && isOutage(failure)) {
      // A server that is only slow would answer no probe in time; one that is there may fail at this alone.
      called = await outage.wait(failure.reason === 'unreachable' ? aloneAfter : ms, signal);
      return;
    }
    called = false;
    await clock.wait(Math.max(ms, failure.retryAfterMs ?? 0), signal);
  }

  async function listAll(): Promise<string> {
    const timeoutMs = Math.min(longestTimeout, firstTimeoutMs * 2 ** Math.min(failures, 10));
    const { items, resourceVersion } = await cluster.list<T>(type, {
      ...scope,
      signal,
      timeoutMs,
      ...(keep && { keep }),
    });
    if (signal.aborted) return resourceVersion;
    hear();
    listed = true;
    follower.onList(items.filter(isObject));
    return resourceVersion === '0' ? '' : resourceVersion;
  }

  async function watchFrom(from: string): Promise<void> {
    const started = clock.now();
    let [opened, heard] = [false, false];
    // The time may have been set back meanwhile.
    const lasted = () => Math.abs(clock.now() - started) >= shortestWatch;
    const stands = () => {
      called = false;
      failures = 0;
      refusals = 0;
    };
    try {
      await cluster.watch<T>(type, {
        ...scope,
        resourceVersion: from,
        signal,
        onOpen: () => {
          if (signal.aborted) return;
          opened = true;
          reached = true;
          hear();
          follower.onLive?.();
        },
        onEvent: (event) => {
          if (signal.aborted) return;
          heard = true;
          stands();
          hear();
          const now = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata?.resourceVersion;
          version = now || version || from;
          if (event.type !== 'BOOKMARK' && isObject(event.object))
            follower.onEvent(event.type, keep ? keep(event.object) : event.object);
        },
      });
      hear();
    } catch (error) {
      if (opened && lasted()) stands();
      throw error;
    }
    if (signal.aborted) return;
    if (lasted()) stands();
    brief = heard || lasted() ? 0 : brief + 1;
    if (brief > 0) await clock.wait(backoff(brief - 1, clock.random()), signal);
  }
}

/**
 * A version that the server has forgotten, never had (etcd was restored from a backup) or cannot go on from, however often
 * it is asked: then the list says where to go on.
 */
function isUselessVersion(reason: FailureReason, failures: number): boolean {
  // Of what may not be watched any more the list tells whether it may still be read.
  if (reason === 'gone' || reason === 'invalid' || reason === 'forbidden') return true;
  return failures >= 2 && (reason === 'server-error' || reason === 'unexpected');
}

/** What has no name is nothing that can be shown, nor found again. */
function isObject(object: KubernetesObject | null | undefined): boolean {
  return Boolean(object?.metadata?.name);
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
