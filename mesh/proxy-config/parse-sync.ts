/** What the control plane believes its proxies have: istiod's `/debug/syncz`, in the shape of any version. */

export type SyncState = 'synced' | 'stale' | 'not sent' | 'error';

export interface ProxySync {
  /** `listeners` … → its state. */
  states: Partial<Record<string, SyncState>>;
  istioVersion: string;
}

const oldFields = ['cluster', 'listener', 'route', 'endpoint'] as const;
const typeNames: Record<string, string> = {
  Cluster: 'clusters',
  Listener: 'listeners',
  RouteConfiguration: 'routes',
  ClusterLoadAssignment: 'endpoints',
  Secret: 'secrets',
};

/** @param syncz JSON. @param proxy `reviews-1.shop`. @returns undefined: that control plane does not serve the proxy. */
export function findSync(syncz: unknown, proxy: string): ProxySync | undefined {
  const entries = Array.isArray(syncz) ? (syncz as unknown[]) : [];
  for (const entry of entries) {
    if (typeof entry !== 'object' || entry === null) continue;
    const one = entry as Record<string, unknown>;
    if (one.proxy === proxy) return { states: oldStates(one), istioVersion: text(one.istio_version) };
    const node = one.node as { id?: unknown; metadata?: { ISTIO_VERSION?: unknown } } | undefined;
    const [, , id] = text(node?.id).split('~');
    if (id === proxy || text(node?.id) === proxy)
      return { states: newStates(one), istioVersion: text(node?.metadata?.ISTIO_VERSION) };
  }
  return undefined;
}

/** `cluster_sent`, `cluster_acked`: nonces; the same one is in sync. */
function oldStates(one: Record<string, unknown>): ProxySync['states'] {
  return Object.fromEntries(
    oldFields.map((field): [string, SyncState] => {
      const [sent, acked] = [text(one[`${field}_sent`]), text(one[`${field}_acked`])];
      return [`${field}s`, sent === '' ? 'not sent' : sent === acked ? 'synced' : 'stale'];
    }),
  );
}

function newStates(one: Record<string, unknown>): ProxySync['states'] {
  const configs = (one.generic_xds_configs ?? one.genericXdsConfigs) as unknown;
  const entries = (Array.isArray(configs) ? configs : []) as Record<string, unknown>[];
  return Object.fromEntries(
    entries.flatMap((entry): [string, SyncState][] => {
      const name = typeNames[text(entry.type_url ?? entry.typeUrl).replace(/^.*\./, '')];
      return name === undefined ? [] : [[name, stateOf(text(entry.config_status ?? entry.configStatus))]];
    }),
  );
}

function stateOf(status: string): SyncState {
  if (status === 'SYNCED') return 'synced';
  if (status === 'NOT_SENT') return 'not sent';
  return status === 'ERROR' ? 'error' : 'stale';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
