/** What the control plane believes its proxies have: istiod's `/debug/syncz`, in the shape of any version. */
import { syncKinds, withoutMarks, type SyncKind } from './parse-proxy-config.ts';
import { list, object, text, typeName, type Json } from './read-json.ts';

export type SyncState = 'synced' | 'stale' | 'not sent' | 'error';

export interface ProxySync {
  states: Partial<Record<SyncKind, SyncState>>;
  istioVersion: string;
}

/** Fields of the older shape begin with these: `cluster_sent`, `cluster_acked`. */
const oldFields: readonly (readonly [string, SyncKind])[] = [
  ['cluster', 'clusters'],
  ['listener', 'listeners'],
  ['route', 'routes'],
  ['endpoint', 'endpoints'],
  ['extensionconfig', 'extensions'],
];
const typeNames: Partial<Record<string, SyncKind>> = {
  Cluster: 'clusters',
  Listener: 'listeners',
  RouteConfiguration: 'routes',
  ClusterLoadAssignment: 'endpoints',
  Secret: 'secrets',
  TypedExtensionConfig: 'extensions',
};

/**
 * @param syncz JSON: a list, or what the proxy's agent hands on as `{ "resources": [ … ] }`.
 * @param proxy `reviews-1.shop`.
 * @returns undefined: that control plane does not serve the proxy.
 */
export function findSync(syncz: unknown, proxy: string): ProxySync | undefined {
  const entries = Array.isArray(syncz) ? list(syncz) : list(object(syncz).resources);
  for (const one of entries) {
    if (one.proxy === proxy) return { states: oldStates(one), istioVersion: text(one.istio_version) };
    const { id: whole, metadata } = object(one.node);
    const id = text(whole).split('~')[2];
    if (id === proxy || text(whole) === proxy)
      return { states: newStates(one), istioVersion: text(object(metadata).ISTIO_VERSION) };
  }
  return undefined;
}

/** Nonces: the same one is in sync. */
function oldStates(one: Json): ProxySync['states'] {
  return Object.fromEntries(
    oldFields.flatMap(([field, kind]): [SyncKind, SyncState][] => {
      const [sent, acked] = [text(one[`${field}_sent`]), text(one[`${field}_acked`])];
      // Extensions are few people's, and older releases do not tell of them.
      if (sent === '' && kind === 'extensions') return [];
      return [[kind, sent === '' ? 'not sent' : sent === acked ? 'synced' : 'stale']];
    }),
  );
}

function newStates(one: Json): ProxySync['states'] {
  return Object.fromEntries(
    list(one.generic_xds_configs ?? one.genericXdsConfigs).flatMap((entry): [SyncKind, SyncState][] => {
      const kind = typeNames[typeName(entry.type_url ?? entry.typeUrl)];
      return kind === undefined ? [] : [[kind, stateOf(text(entry.config_status ?? entry.configStatus))]];
    }),
  );
}

function stateOf(status: string): SyncState {
  if (status === 'SYNCED') return 'synced';
  if (status === 'NOT_SENT') return 'not sent';
  return status === 'ERROR' ? 'error' : 'stale';
}

/** A change that the proxy refused, as its log tells: the dump keeps the reason of listeners alone. */
export interface Refusal {
  kind: SyncKind;
  why: string;
  /** ISO 8601; empty when the line does not tell. */
  at: string;
}

/**
 * @param log of the proxy's container, any part of it. Lines of interest are of the form
 * `2026-11-21T10:00:00.1Z warning envoy config …:138 gRPC config for type.googleapis.com/envoy.config.cluster.v3.Cluster rejected: why`.
 * @returns the last of each kind.
 */
export function findRefusals(log: string): Refusal[] {
  const last = new Map<SyncKind, Refusal>();
  // A reason may go on over several lines, up to the next one with a time.
  for (const entry of log.split(/\n(?=\d{4}-\d\d-\d\d[T ]|\[\d{4}-|\{)/)) {
    const line = plainLine(entry);
    const [, type = '', why = ''] = /config for (?:\S*[/:])?([\w.]+) rejected: ([^]*)$/.exec(line) ?? [];
    // Over HTTP the path is named instead of the type: `/v3/discovery:clusters`.
    const kind = typeNames[typeName(type)] ?? syncKinds.find((one) => one === type);
    if (kind === undefined) continue;
    const [, date = '', time = ''] = /(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)/.exec(line) ?? [];
    // Istio's own log adds the thread.
    const said = withoutMarks(why.replace(/\s+thread=\d+\s*$/, ''));
    last.set(kind, { kind, why: said, at: date === '' ? '' : `${date}T${time}Z` });
  }
  return [...last.values()];
}

/** A log in JSON has time and text in fields of their own. */
function plainLine(line: string): string {
  if (!line.startsWith('{') || !line.includes(' rejected: ')) return line;
  try {
    const { time, msg } = object(JSON.parse(line));
    return `${text(time)} ${text(msg)}`;
  } catch {
    return line;
  }
}
