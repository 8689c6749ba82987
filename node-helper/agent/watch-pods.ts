/**
 * The pods of this node, kept up to date: a list, then a watch that goes on from it, for as long as the agent lives. The
 * list is asked of the API server's cache (resourceVersion 0): on a large cluster an exact list of one node's pods makes
 * etcd read all pods there are, and every node's agent asks when the DaemonSet is rolled out. What such a list does not hold
 * yet is asked for by name when its sandbox is made.
 */
import type { IncomingMessage } from 'node:http';
import type { Pod } from '../../mesh/kubernetes.ts';
import { ApiFailure, type ApiServer } from './api-server.ts';
import { slimPod } from './slim-pod.ts';

export interface PodWatchOptions {
  api: ApiServer;
  node: string;
  /** The node's pods, all of them: after a list. */
  onList(pods: Pod[]): void;
  onPod(pod: Pod): void;
  onGone(pod: Pod): void;
  /** Whether the pods are known and followed now; else why not. Called when that changes. */
  onState(connected: boolean, why?: string): void;
  signal: AbortSignal;
  pace?: Partial<WatchPace>;
}

/** Milliseconds. */
export interface WatchPace {
  /** Until a list, or the begin of a watch, must have come. */
  answer: number;
  /** For how long a watch is asked for; the server ends it then. */
  watch: number;
  /** Without a byte for so long a watch counts as dead. A server that knows bookmarks sends one a minute. */
  silence: number;
  firstPause: number;
  longestPause: number;
}

const usualPace: WatchPace = {
  answer: 15_000,
  watch: 290_000,
  silence: 150_000,
  firstPause: 500,
  longestPause: 30_000,
};

/** More than any pod has; etcd takes 1.5 MiB. A line that goes on and on is no event. */
const longestEvent = 8 * 1024 * 1024;
const pageSize = 50;

/** Returns when the signal says so; never throws. */
export async function watchPods(options: PodWatchOptions): Promise<void> {
  const { signal, onState } = options;
  const pace = { ...usualPace, ...options.pace };
  let version: string | undefined;
  let fresh = false;
  let failures = 0;
  while (!signal.aborted) {
    const begun = performance.now();
    try {
      if (version === undefined) {
        version = await list(options, pace, fresh);
        fresh = false;
      }
      version = await follow(options, pace, version, () => onState(true));
      // A server that ends each watch at once is not asked again at once.
      failures = performance.now() - begun < pace.firstPause ? failures + 1 : 0;
      if (failures > 0) await pause(waitFor(failures, pace), signal);
    } catch (error) {
      if (signal.aborted) return;
      const failure = error instanceof ApiFailure ? error : new ApiFailure(String(error), 0);
      if (error instanceof WatchExpired) [version, fresh] = [undefined, true];
      else if (error instanceof WatchCut) version = error.version;
      if (!(error instanceof WatchCut)) onState(false, explain(failure));
      failures = performance.now() - begun > pace.longestPause ? 1 : failures + 1;
      await pause(Math.max(waitFor(failures, pace), failure.retryAfter ?? 0), signal);
    }
  }
}

/** The resource version from which the watch went on is no longer known: all is listed anew. */
class WatchExpired extends ApiFailure {}

/** It broke off, which happens all the time; the next one goes on behind the last event. */
class WatchCut extends ApiFailure {
  readonly version: string;
  constructor(message: string, version: string) {
    super(message, 0);
    this.version = version;
  }
}

/** Twice as long after each failure, and never the same on all nodes at once. */
function waitFor(failures: number, { firstPause, longestPause }: WatchPace): number {
  const longest = Math.min(longestPause, firstPause * 2 ** Math.min(failures - 1, 10));
  return longest * (0.5 + Math.random() / 2);
}

function explain({ status, message }: ApiFailure): string {
  if (status === 401) return `${message}. The token of the helper’s account is not taken: deploy the helper again.`;
  if (status === 403) return `${message}. The helper’s account may not list and watch pods: deploy the helper again.`;
  return message;
}

/** @returns the version behind which a watch goes on. */
async function list({ api, node, onList, signal }: PodWatchOptions, pace: WatchPace, fresh: boolean): Promise<string> {
  const pods: Pod[] = [];
  let token = '';
  for (;;) {
    const query = new URLSearchParams({
      fieldSelector: `spec.nodeName=${node}`,
      limit: String(pageSize),
      ...(token ? { continue: token } : !fresh && { resourceVersion: '0' }),
    });
    const page = (await api
      .ask({ path: `/api/v1/pods?${query}`, patience: pace.answer, signal })
      .catch((error: unknown) => {
        // Gone between two pages: from the start, and not from a cache that may be as old again.
        throw error instanceof ApiFailure && error.status === 410 ? new WatchExpired(error.message, 410) : error;
      })) as { metadata?: { resourceVersion?: string; continue?: string }; items?: unknown[] };
    if (!Array.isArray(page.items) || typeof page.metadata?.resourceVersion !== 'string')
      throw new ApiFailure(`The API server ${api.name} did not answer with a list of pods.`, 0);
    pods.push(...page.items.flatMap((item) => slimPod(item) ?? []));
    token = page.metadata.continue ?? '';
    if (token === '') {
      onList(pods);
      return page.metadata.resourceVersion;
    }
  }
}

/** Until the server ends it, or a fault does. @returns the version of the last event. */
async function follow(
  { api, node, onPod, onGone, signal }: PodWatchOptions,
  pace: WatchPace,
  from: string,
  onBegun: () => void,
): Promise<string> {
  const query = new URLSearchParams({
    fieldSelector: `spec.nodeName=${node}`,
    watch: '1',
    allowWatchBookmarks: 'true',
    resourceVersion: from,
    timeoutSeconds: String(Math.ceil((pace.watch * (0.9 + Math.random() / 5)) / 1000)),
  });
  const response = await api
    .open({ path: `/api/v1/pods?${query}`, patience: pace.answer, signal })
    .catch((error: unknown) => {
      if (!(error instanceof ApiFailure)) throw error;
      throw error.status === 410 ? new WatchExpired(error.message, 410) : error;
    });
  onBegun();
  let version = from;
  const take = (line: string) => {
    if (line.trim() === '') return;
    const event = parseEvent(line);
    if (!event) throw new WatchCut('The watch on pods sent what is no event.', version);
    const { type, object } = event;
    if (type === 'ERROR') {
      const { code, message } = object as { code?: number; message?: string };
      if (code === 410) throw new WatchExpired(`The watch on pods is too far behind: ${message ?? ''}`, 410);
      throw new ApiFailure(`The watch on pods was ended: ${message ?? 'no reason given'}`, code ?? 0);
    }
    version = (object as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion ?? version;
    const pod = type === 'BOOKMARK' ? undefined : slimPod(object);
    if (!pod) return;
    if (type === 'DELETED') onGone(pod);
    else onPod(pod);
  };
  const ended = await readLines(response, pace.silence, take);
  if (!ended) throw new WatchCut('The watch on pods broke off.', version);
  return version;
}

function parseEvent(line: string): { type: string; object: object } | undefined {
  try {
    const event = JSON.parse(line) as { type?: unknown; object?: unknown } | null;
    if (typeof event?.type !== 'string' || typeof event.object !== 'object' || event.object === null) return undefined;
    return { type: event.type, object: event.object };
  } catch {
    return undefined;
  }
}

/** @returns whether the server ended it properly. What `take` throws is thrown here, and the connection is let go. */
function readLines(response: IncomingMessage, silence: number, take: (line: string) => void): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let pieces: Buffer[] = [];
    let size = 0;
    // A peer that is gone without a word is found by the kernel; one that only keeps quiet, by this.
    response.socket?.setKeepAlive(true, 10_000);
    const quiet = setTimeout(() => response.destroy(), silence);
    response.on('data', (chunk: Buffer) => {
      quiet.refresh();
      try {
        let start = 0;
        for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
          const rest = chunk.subarray(start, end);
          const line = pieces.length === 0 ? rest : Buffer.concat([...pieces, rest]);
          [pieces, size, start] = [[], 0, end + 1];
          take(line.toString('utf8'));
        }
        if (start < chunk.length) {
          pieces.push(chunk.subarray(start));
          size += chunk.length - start;
        }
        if (size > longestEvent) response.destroy();
      } catch (error) {
        response.destroy();
        reject(error as Error);
      }
    });
    response.on('close', () => {
      clearTimeout(quiet);
      resolve(response.complete);
    });
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
