/** All that could be learnt of one proxy, before anybody puts it into words. */
import { takesRequests } from './parse-proxy-config.ts';
import type { CertificateInfo, EndpointInfo, ProxyConfig } from './parse-proxy-config.ts';
import type { ProxyStats } from './parse-proxy-stats.ts';
import type { ProxySync, Refusal } from './parse-sync.ts';

export interface ServerInfo {
  version: string;
  /** `LIVE`, `PRE_INITIALIZING`, `INITIALIZING`, `DRAINING` */
  state: string;
  /** Seconds since it began. */
  uptime?: number;
}

export interface ProxyReport {
  /** `Pod shop/reviews-1` */
  subject: string;
  cluster: string;
  config: ProxyConfig;
  /** Why there is no dump; what else is here comes from the agent's ports. */
  noDump?: string;
  /** What `/clusters` says; the endpoints of the dump without it. */
  endpoints?: EndpointInfo[];
  certificates: CertificateInfo[];
  server?: ServerInfo;
  stats?: ProxyStats;
  /** Logger → level, as set now. */
  loggers?: Readonly<Record<string, string>>;
  /** What keeps it from being live: `server: LDS`. */
  waitsFor?: string[];
  refusals?: Refusal[];
  /** istiod's view; a reason when it could not be asked. */
  sync: ProxySync | { unknown: string };
  /** A pod without a proxy of its own: `shop/reviews-1`, of which this ztunnel is the proxy. */
  onBehalfOf?: string;
  /** Nothing runs there: the answers were recorded. */
  isRecorded?: boolean;
  /** What could not be read, in words. */
  missing: string[];
  /** ISO 8601. */
  now: string;
}

export function endpointsOf({ endpoints, config }: Pick<ProxyReport, 'endpoints' | 'config'>): EndpointInfo[] {
  return endpoints ?? config.endpoints;
}

/** How many endpoints a cluster has, and how many of them get requests. */
export interface EndpointCount {
  all: number;
  good: number;
}

export function countEndpoints(report: ProxyReport): Map<string, EndpointCount> {
  const counts = new Map<string, EndpointCount>();
  for (const endpoint of endpointsOf(report)) {
    const count = counts.get(endpoint.cluster) ?? { all: 0, good: 0 };
    count.all++;
    if (takesRequests(endpoint)) count.good++;
    counts.set(endpoint.cluster, count);
  }
  return counts;
}

/** Clusters without endpoints of their own: they send to where the connection was going, or nowhere on purpose. */
export function needsEndpoints({ name, type }: { name: string; type: string }): boolean {
  return ['EDS', 'STATIC', 'STRICT_DNS', 'LOGICAL_DNS'].includes(type) && name !== 'BlackHoleCluster';
}
