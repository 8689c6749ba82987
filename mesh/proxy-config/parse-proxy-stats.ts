/**
 * What a proxy's counters tell of its configuration, from `/stats?format=json` or from what Prometheus scrapes. Names:
 *
 *     cluster_manager.cds.update_rejected                      a counter of one of the kinds that the control plane sends
 *     http.outbound_0.0.0.0_9080;.rds.9080.update_rejected     of one route configuration; likewise of endpoints and secrets
 *     cluster_manager.cds.version_text                         a text: the version that it took last
 *
 * In Istio most counters are switched off to save memory: absent is not zero.
 */
import type { SyncKind } from './parse-proxy-config.ts';
import { list, number, object, text } from './read-json.ts';

/** Of one kind of configuration, over the life of the proxy. */
export interface KindCounters {
  accepted: number;
  rejected: number;
  /** The connection failed, or what came could not be read. */
  failed: number;
  /** Resources of which an update was refused, and when one was accepted last: `9080`, `outbound|80||a.b`; empty for the whole kind. */
  refused: { name: string; acceptedAt: number }[];
  /** When the last one was accepted, milliseconds since 1970; absent when nobody tells. */
  acceptedAt?: number;
}

export interface ProxyStats {
  kinds: Partial<Record<SyncKind, KindCounters>>;
  /** Absent when the proxy does not tell. */
  connected?: boolean;
  /** istiod's name, of the replica that serves it. */
  controlPlane: string;
  /** Connections and requests that went to no destination that the mesh knows, by cluster. */
  unknownTraffic: { cluster: string; count: number }[];
  warmingClusters: number;
  drainingListeners: number;
  warmingListeners: number;
  /** `LIVE`, `INITIALIZING`…; empty when not told. */
  state: string;
}

/** What is asked for: without it the answer of a large mesh has tens of megabytes. In RE2's and in std::regex's words. */
export const statsFilter =
  '^(cluster_manager[.]|listener_manager[.]|server[.](state|live)|control_plane[.]|cluster[.]xds-grpc[.])|BlackHoleCluster|PassthroughCluster|[.](update_success|update_rejected|update_failure|update_time)$';

/** @param stats JSON of `/stats?format=json`. */
export function parseStats(stats: unknown): ProxyStats {
  return collect(
    list(object(stats).stats).flatMap((one): Sample[] => {
      const name = text(one.name);
      return name === '' ? [] : [{ name, value: number(one.value) }];
    }),
  );
}

/** @param metrics what Envoy's `/stats/prometheus` or the agent's port 15020 answers. */
export function parsePrometheus(metrics: string): ProxyStats {
  const samples: Sample[] = [];
  for (const line of metrics.split('\n')) {
    const [, family, labels = '', value = ''] = /^envoy_(\w+?)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (family === undefined) {
      // Istio's own, which carry the destination among their labels.
      const [, own = '', told = '', counted = ''] =
        /^(istio_\w+)\{(.*(?:BlackHole|Passthrough)Cluster.*)\} (\S+)$/.exec(line) ?? [];
      if (own !== '') samples.push({ name: `${own}.${told}`, value: counted });
      continue;
    }
    const name = prometheusNames.reduce((known, [pattern, dotted]) => known.replace(pattern, dotted), family);
    const resource = /(?:^|,)(?:envoy_)?(?:cluster_name|rds_route_config|xds_resource_name)="([^"]*)"/.exec(
      labels,
    )?.[1];
    samples.push({
      name: resource === undefined ? name : name.replace(/^(cluster|http\.rds|sds)[._]/, `$1.${resource}.`),
      value,
    });
  }
  return collect(samples);
}

/** Prometheus has underscores where Envoy has dots. */
const prometheusNames: readonly (readonly [RegExp, string])[] = [
  [/^cluster_manager_cds_/, 'cluster_manager.cds.'],
  [/^cluster_manager_/, 'cluster_manager.'],
  [/^listener_manager_lds_/, 'listener_manager.lds.'],
  [/^listener_manager_/, 'listener_manager.'],
  [/^control_plane_/, 'control_plane.'],
  [/^server_/, 'server.'],
  // Where no rule of its tags knows the names inside, they stay in the middle: `http_0_0_0_9080_rds_9080_update_rejected`.
  [/^http_(?:\w*_)?rds_(\w+)_(?=update_)/, 'http.rds.$1.'],
  [/^http_rds_/, 'http.rds.'],
  [/^sds_/, 'sds.'],
];

interface Sample {
  name: string;
  value: string;
}

const states = ['LIVE', 'DRAINING', 'PRE_INITIALIZING', 'INITIALIZING'];

function collect(samples: readonly Sample[]): ProxyStats {
  const stats: ProxyStats = {
    ...{ kinds: {}, controlPlane: '', unknownTraffic: [], state: '' },
    ...{ warmingClusters: 0, drainingListeners: 0, warmingListeners: 0 },
  };
  const unknown = new Map<string, number>();
  const times = new Map(
    samples.flatMap(({ name, value }) => (name.endsWith('.update_time') ? [[name, Number(value) || 0] as const] : [])),
  );
  // Clusters that look their endpoints up in the DNS count that by the same names, but are sent nothing and have no time.
  for (const { name, value } of samples) {
    const count = Number(value) || 0;
    const acceptedAt = times.get(name.replace(/\w+$/, 'update_time'));
    if (acceptedAt !== undefined) noteUpdate(stats, name, count, acceptedAt);
    switch (name) {
      case 'control_plane.connected_state':
        stats.connected = count > 0;
        break;
      case 'cluster.xds-grpc.upstream_cx_active':
        stats.connected ??= count > 0;
        break;
      case 'control_plane.identifier':
        stats.controlPlane = identifierOf(value);
        break;
      case 'cluster_manager.warming_clusters':
        stats.warmingClusters = count;
        break;
      case 'listener_manager.total_listeners_draining':
        stats.drainingListeners = count;
        break;
      case 'listener_manager.total_listeners_warming':
        stats.warmingListeners = count;
        break;
      case 'server.state':
        stats.state = states[count] ?? '';
    }
    const cluster = unknownClusterOf(name);
    if (cluster !== undefined && count > 0) unknown.set(cluster, (unknown.get(cluster) ?? 0) + count);
  }
  stats.unknownTraffic = [...unknown].sort().map(([cluster, count]) => ({ cluster, count }));
  return stats;
}

const updates: readonly (readonly [RegExp, SyncKind])[] = [
  [/^listener_manager\.lds\.()(\w+)$/, 'listeners'],
  [/^cluster_manager\.cds\.()(\w+)$/, 'clusters'],
  [/(?:^|\.)rds\.(?:(.+)\.)?(\w+)$/, 'routes'],
  [/(?:^|\.)sds\.(?:(.+)\.)?(\w+)$/, 'secrets'],
  [/(?:^|\.)extension_config_discovery\.(?:(.+)\.)?(\w+)$/, 'extensions'],
  // Last: names of clusters have any form.
  [/^cluster\.(?:(.+)\.)?(\w+)$/, 'endpoints'],
];

function noteUpdate({ kinds }: ProxyStats, name: string, count: number, acceptedAt: number): void {
  for (const [pattern, kind] of updates) {
    const [, resource = '', word = ''] = pattern.exec(name) ?? [];
    if (word === '') continue;
    if (!word.startsWith('update_')) return;
    const counters = (kinds[kind] ??= { accepted: 0, rejected: 0, failed: 0, refused: [] });
    if (word === 'update_success') counters.accepted += count;
    if (word === 'update_failure') counters.failed += count;
    if (word === 'update_time' && count > 0) counters.acceptedAt = Math.max(counters.acceptedAt ?? 0, count);
    if (word === 'update_rejected') {
      counters.rejected += count;
      if (count > 0) counters.refused.push({ name: resource, acceptedAt });
    }
    return;
  }
}

/** istiod calls itself `{"Component":"istiod","ID":"istiod-7f5c-abc","Info":{…}}`. */
function identifierOf(value: string): string {
  return /"ID":"([^"]+)"/.exec(value)?.[1] ?? value;
}

/** Envoy's own counters, or Istio's, which carry the destination among their labels. */
function unknownClusterOf(name: string): string | undefined {
  const own =
    /^cluster\.(BlackHoleCluster|(?:Inbound)?PassthroughCluster(?:Ipv[46])?)[.;]*\.upstream_(?:cx_total|cx_none_healthy)$/.exec(
      name,
    )?.[1];
  if (own !== undefined) return own;
  if (!/istio_(?:requests_total|tcp_connections_opened_total)/.test(name)) return undefined;
  return /destination_service(?:_name)?\W*(BlackHoleCluster|(?:Inbound)?PassthroughCluster)/.exec(name)?.[1];
}
