import type { KubernetesEvent, KubernetesObject } from '../kubernetes.ts';

/** An event as a reason: what was said, how often, and when last. */
export interface EventReason {
  reason: string;
  message: string;
  count: number;
  /** RFC 3339; absent when the event carries no time at all. */
  last?: string;
}

/**
 * The events about exactly this object, newest first. An event about an earlier object of the same name is not among
 * them: the pod `web` of yesterday may have failed where today's runs.
 */
export function eventsAbout(object: KubernetesObject, events: Iterable<KubernetesEvent>): KubernetesEvent[] {
  const { uid, name, namespace } = object.metadata ?? {};
  const found: KubernetesEvent[] = [];
  for (const event of events) {
    const about = event.involvedObject;
    if (!about || about.name !== name) continue;
    if (about.kind && object.kind && about.kind !== object.kind) continue;
    if ((about.namespace ?? '') !== (namespace ?? '')) continue;
    if (about.uid && uid && about.uid !== uid) continue;
    found.push(event);
  }
  // Of one second: in an order that does not hang on which was read first.
  return found.length < 2 ? found : found.sort((a, b) => timeOf(b) - timeOf(a) || (nameOf(a) < nameOf(b) ? -1 : 1));
}

function nameOf({ metadata }: KubernetesEvent): string {
  return metadata?.name ?? '';
}

/**
 * The same for many objects: events sorted by what they are about, once.
 * @returns a look-up whose answer may still hold events about an earlier object of the same name; {@link eventsAbout} sorts them out.
 */
export function indexEvents(
  events: Iterable<KubernetesEvent>,
): (kind: string, namespace: string, name: string) => KubernetesEvent[] {
  const index = new Map<string, KubernetesEvent[]>();
  for (const event of events) {
    const about = event.involvedObject;
    if (!about) continue;
    const key = `${about.kind ?? ''}/${about.namespace ?? ''}/${about.name ?? ''}`;
    const list = index.get(key);
    if (list) list.push(event);
    else index.set(key, [event]);
  }
  return (kind, namespace, name) => index.get(`${kind}/${namespace}/${name}`) ?? [];
}

/** When it was last seen, in milliseconds since 1970; 0 when it does not tell. */
export function timeOf(event: KubernetesEvent): number {
  const time = Date.parse(lastSeen(event) ?? '');
  return Number.isNaN(time) ? 0 : time;
}

export function asReason(event: KubernetesEvent): EventReason {
  const last = lastSeen(event);
  return {
    reason: event.reason ?? '',
    message: event.message ?? '',
    count: event.series?.count ?? event.count ?? 1,
    ...(last && { last }),
  };
}

/** The node whose kubelet told it. */
export function nodeOf(event: KubernetesEvent): string | undefined {
  return event.source?.host ?? (event.source?.component === 'kubelet' ? event.reportingInstance : undefined);
}

function lastSeen(event: KubernetesEvent): string | undefined {
  // The old events API fills lastTimestamp, the new one series or eventTime.
  return (
    event.series?.lastObservedTime ??
    event.lastTimestamp ??
    event.eventTime ??
    event.firstTimestamp ??
    event.metadata?.creationTimestamp ??
    undefined
  );
}
