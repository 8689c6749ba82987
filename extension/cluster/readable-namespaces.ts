/**
 * Where somebody may read who may not read the whole cluster. Namespaces that can be listed are asked about one by one
 * (`SelfSubjectAccessReview`: every user may ask that of himself, and it leaves no refusals in the audit log); on OpenShift
 * the projects say the same to those who may not list namespaces. Where nothing can be found out, the context's own.
 */
import { resourceTypes } from './cluster.ts';
import type { Cluster, ResourceType } from './cluster.ts';

/** The namespaces that are followed in place of the whole cluster. */
export interface Scope {
  namespaces: readonly string[];
  /** `chosen` by the user, `asked` of the API server, or the `context`'s own because nothing else is known. */
  from: 'chosen' | 'asked' | 'context';
  /** Namespaces that nobody asked about, because there are more than can be followed or the time was over. */
  unasked: number;
}

/**
 * A watch is a connection, and each namespace has one for each kind. Who may read more namespaces than this, but not the
 * cluster, chooses among them.
 */
export const mostNamespaces = 20;
/** Questions at a time, and how long all of them may take, in milliseconds: a thousand namespaces on a usual line. */
const atOnce = 8;
const patienceMs = 4_000;

const projects: ResourceType = {
  apiVersion: 'project.openshift.io/v1',
  kind: 'Project',
  plural: 'projects',
  namespaced: false,
};

export interface ReadableOptions {
  signal: AbortSignal;
  now?: () => number;
  /** The kind that is asked about; absent: pods. */
  type?: ResourceType;
  /** Absent: as many as can be followed. */
  most?: number;
}

/**
 * @param listed the names of all namespaces; empty: they may not be listed.
 * @returns never nothing to follow. Does not throw: who cannot be asked is as good as no answer.
 */
export async function findReadableNamespaces(
  cluster: Cluster,
  listed: readonly string[],
  { signal, now = () => performance.now(), type = resourceTypes.pods, most = mostNamespaces }: ReadableOptions,
): Promise<Scope> {
  const own = cluster.context.namespace ?? 'default';
  const names = listed.length > 0 ? listed : await listProjects(cluster, signal);
  const waiting = [...new Set([...(names.includes(own) ? [own] : []), ...[...names].sort()])];
  const readable: string[] = [];
  const until = now() + patienceMs;
  let isRefused = false;
  const work = async () => {
    while (readable.length < most && !isRefused && !signal.aborted && now() < until) {
      const name = waiting.shift();
      if (name === undefined) return;
      const timeoutMs = Math.max(1, until - now());
      await cluster.mayList(type, name, { signal, timeoutMs }).then(
        (may) => may && readable.push(name),
        () => (isRefused = true),
      );
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  if (readable.length === 0) return { namespaces: [own], from: 'context', unasked: waiting.length };
  // Those that were found first: the context's own is among them.
  const found = readable.slice(0, most).sort();
  return { namespaces: found, from: 'asked', unasked: waiting.length + readable.length - found.length };
}

/** Only those that the user belongs to are in it. */
export async function listProjects(cluster: Cluster, signal?: AbortSignal): Promise<string[]> {
  try {
    const { items } = await cluster.list(projects, { timeoutMs: patienceMs, ...(signal && { signal }) });
    return items.flatMap(({ metadata }) => metadata?.name ?? []);
  } catch {
    return [];
  }
}

/** The same cluster, whose lists wait for each other: a hundred at once would have an API server ask to come back later. */
export function listInTurns(cluster: Pick<Cluster, 'list' | 'watch'>, lists = 6): Pick<Cluster, 'list' | 'watch'> {
  const queue: (() => void)[] = [];
  let running = 0;
  const list = (async (...asked: Parameters<Cluster['list']>) => {
    if (running >= lists) await new Promise<void>((resolve) => queue.push(resolve));
    else running += 1;
    try {
      return await cluster.list(...asked);
    } finally {
      const next = queue.shift();
      if (next) next();
      else running -= 1;
    }
  }) as Cluster['list'];
  return { list, watch: cluster.watch.bind(cluster) };
}
