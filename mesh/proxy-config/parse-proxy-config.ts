/**
 * What a proxy says about itself on its admin port (Envoy's 15000, ztunnel's 15000), read into what people ask about.
 * Everything may be absent or of another version: what is not understood is left out, never an error.
 */

export interface ListenerInfo {
  name: string;
  /** `0.0.0.0:15006` */
  address: string;
  direction: string;
  filterChains: number;
  /** Names of the route configurations that it uses. */
  routes: string[];
  version: string;
  updated: string;
  /** Why Envoy refused the last change; it goes on with the one before. */
  rejected?: string;
}

export interface RouteInfo {
  /** Of the route configuration: `9080`, `inbound|9080||`. */
  config: string;
  virtualHost: string;
  domains: string[];
  /** `/api/*` */
  match: string;
  /** A cluster, several with their weights, a redirect. */
  target: string;
  version: string;
  updated: string;
}

export interface ClusterInfo {
  name: string;
  direction: string;
  host: string;
  port: string;
  subset: string;
  /** `EDS`, `STRICT_DNS`, `ORIGINAL_DST`… */
  type: string;
  /** What the proxy sends: `mTLS`, `TLS`, `plaintext`, or either by what the endpoint can. */
  tls: string;
  state: 'active' | 'warming' | 'static';
  version: string;
  updated: string;
}

export interface EndpointInfo {
  cluster: string;
  address: string;
  health: string;
  weight: string;
  /** Taken out for a while, after errors. */
  outlier: boolean;
}

export interface SecretInfo {
  name: string;
  kind: 'certificate' | 'trusted CA' | 'other';
  state: 'active' | 'warming';
  version: string;
  updated: string;
}

export interface CertificateInfo {
  /** Of the workload, or of an authority. */
  role: 'workload' | 'ca';
  names: string[];
  serial: string;
  validFrom: string;
  expires: string;
}

/** Which of the five the control plane sent, and in which version. */
export interface ConfigVersion {
  kind: ConfigKind;
  version: string;
  updated: string;
}

export type ConfigKind = 'listeners' | 'routes' | 'clusters' | 'endpoints' | 'secrets';

export interface ProxyConfig {
  proxy: 'envoy' | 'ztunnel';
  listeners: ListenerInfo[];
  routes: RouteInfo[];
  clusters: ClusterInfo[];
  endpoints: EndpointInfo[];
  secrets: SecretInfo[];
  versions: ConfigVersion[];
  /** `sidecar~10.0.0.1~reviews-1.shop~shop.svc.cluster.local` */
  node: string;
}

type Json = Record<string, unknown>;

/** @param dump JSON of `/config_dump?include_eds`. */
export function parseConfigDump(dump: unknown): ProxyConfig {
  const config: ProxyConfig = {
    ...{ proxy: 'envoy', listeners: [], routes: [], clusters: [], endpoints: [], secrets: [], versions: [], node: '' },
  };
  const root = object(dump);
  if (!Array.isArray(root.configs) && (root.workloads !== undefined || root.services !== undefined))
    return parseZtunnel(root, config);
  for (const part of list(root.configs)) {
    const type = text(part['@type']).replace(/^.*\./, '');
    if (type === 'BootstrapConfigDump') config.node = text(object(object(part.bootstrap).node).id);
    if (type === 'ListenersConfigDump') readListeners(part, config);
    if (type === 'RoutesConfigDump') readRoutes(part, config);
    if (type === 'ClustersConfigDump') readClusters(part, config);
    if (type === 'EndpointsConfigDump') readEndpoints(part, config);
    if (type === 'SecretsConfigDump') readSecrets(part, config);
  }
  config.versions = newestVersions(config);
  return config;
}

function readListeners(part: Json, { listeners }: ProxyConfig): void {
  for (const { listener, last_updated } of list(part.static_listeners))
    listeners.push({ ...listenerOf(object(listener)), version: '', updated: text(last_updated) });
  for (const entry of list(part.dynamic_listeners)) {
    const state = object(entry.active_state ?? entry.warming_state);
    const error = object(entry.error_state);
    const info = listenerOf(object(state.listener ?? error.failed_configuration));
    const rejected = text(error.details);
    listeners.push({
      ...info,
      name: text(entry.name) || info.name,
      version: text(state.version_info),
      updated: text(state.last_updated) || text(error.last_update_attempt),
      ...(rejected !== '' && { rejected }),
    });
  }
}

function listenerOf(listener: Json): Omit<ListenerInfo, 'version' | 'updated'> {
  const chains = [
    ...list(listener.filter_chains),
    ...(listener.default_filter_chain ? [object(listener.default_filter_chain)] : []),
  ];
  const routes = chains.flatMap((chain) =>
    list(chain.filters).flatMap((filter) => {
      const settings = object(filter.typed_config);
      const name = text(object(settings.rds).route_config_name) || text(object(settings.route_config).name);
      return name === '' ? [] : [name];
    }),
  );
  return {
    name: text(listener.name),
    address: addressOf(listener.address),
    direction: text(listener.traffic_direction).toLowerCase(),
    filterChains: chains.length,
    routes: [...new Set(routes)],
  };
}

function readRoutes(part: Json, { routes }: ProxyConfig): void {
  for (const entry of [...list(part.dynamic_route_configs), ...list(part.static_route_configs)]) {
    const config = object(entry.route_config);
    for (const host of list(config.virtual_hosts)) {
      for (const route of list(host.routes)) {
        routes.push({
          config: text(config.name),
          virtualHost: text(host.name),
          domains: texts(host.domains),
          match: matchOf(object(route.match)),
          target: targetOf(route),
          version: text(entry.version_info),
          updated: text(entry.last_updated),
        });
      }
    }
  }
}

function matchOf(match: Json): string {
  const path =
    text(match.path) ||
    (match.prefix !== undefined ? `${text(match.prefix)}*` : '') ||
    (match.path_separated_prefix !== undefined ? `${text(match.path_separated_prefix)}/*` : '') ||
    (match.safe_regex !== undefined ? `~ ${text(object(match.safe_regex).regex)}` : '');
  const headers = list(match.headers).map(({ name }) => text(name));
  return [path || '*', ...headers.map((name) => `[${name}]`)].join(' ');
}

function targetOf(route: Json): string {
  const action = object(route.route);
  const weighted = list(object(action.weighted_clusters).clusters);
  if (weighted.length > 0) return weighted.map(({ name, weight }) => `${text(name)} ${number(weight)}`).join(', ');
  if (action.cluster !== undefined) return text(action.cluster);
  if (action.cluster_header !== undefined) return `header ${text(action.cluster_header)}`;
  if (route.redirect !== undefined) return `redirect ${text(object(route.redirect).host_redirect)}`;
  if (route.direct_response !== undefined) return `response ${number(object(route.direct_response).status)}`;
  return '';
}

function readClusters(part: Json, { clusters }: ProxyConfig): void {
  const states = [
    ['active', part.dynamic_active_clusters],
    ['warming', part.dynamic_warming_clusters],
    ['static', part.static_clusters],
  ] as const;
  for (const [state, entries] of states) {
    for (const entry of list(entries)) {
      const cluster = object(entry.cluster);
      const name = text(cluster.name);
      clusters.push({
        ...splitClusterName(name),
        name,
        type: text(cluster.type) || text(object(cluster.cluster_type).name) || 'STATIC',
        tls: tlsOf(cluster),
        state,
        version: text(entry.version_info),
        updated: text(entry.last_updated),
      });
    }
  }
}

/** `outbound|9080|v1|reviews.shop.svc.cluster.local`, also with `_.` and underscores for SNI routing. */
export function splitClusterName(name: string): Pick<ClusterInfo, 'direction' | 'port' | 'subset' | 'host'> {
  const parts = /^(?:inbound|outbound)_\./.test(name)
    ? /^(\w+)_\.(\d*)_\.(.*?)_\.(.*)$/.exec(name)?.slice(1)
    : /^(?:inbound|outbound)(?:-vip)?\|/.test(name)
      ? name.split('|')
      : undefined;
  const [direction = '', port = '', subset = '', host = ''] = parts ?? [];
  return { direction, port, subset, host: parts ? host : name };
}

function tlsOf(cluster: Json): string {
  const of = (socket: Json): string => {
    const name = text(socket.name);
    if (name === '' || /raw_buffer/.test(name)) return 'plaintext';
    return JSON.stringify(socket.typed_config ?? '').includes('"istio') ||
      /ISTIO_META|spiffe/.test(JSON.stringify(socket))
      ? 'mTLS'
      : 'TLS';
  };
  const matches = list(cluster.transport_socket_matches).map((match) => of(object(match.transport_socket)));
  if (matches.length > 0) return [...new Set(matches)].join(' / ');
  return of(object(cluster.transport_socket));
}

function readEndpoints(part: Json, { endpoints }: ProxyConfig): void {
  for (const entry of [...list(part.dynamic_endpoint_configs), ...list(part.static_endpoint_configs)]) {
    const config = object(entry.endpoint_config);
    for (const locality of list(config.endpoints)) {
      for (const one of list(locality.lb_endpoints)) {
        endpoints.push({
          cluster: text(config.cluster_name),
          address: addressOf(object(one.endpoint).address),
          health: text(one.health_status) || 'UNKNOWN',
          weight: number(one.load_balancing_weight),
          outlier: false,
        });
      }
    }
  }
}

function readSecrets(part: Json, { secrets }: ProxyConfig): void {
  const states = [
    ['active', part.dynamic_active_secrets],
    ['warming', part.dynamic_warming_secrets],
    ['active', part.static_secrets],
  ] as const;
  for (const [state, entries] of states) {
    for (const entry of list(entries)) {
      const secret = object(entry.secret);
      secrets.push({
        name: text(entry.name) || text(secret.name),
        kind:
          secret.tls_certificate !== undefined
            ? 'certificate'
            : secret.validation_context !== undefined
              ? 'trusted CA'
              : 'other',
        state,
        version: text(entry.version_info),
        updated: text(entry.last_updated),
      });
    }
  }
}

/** Endpoints as the proxy uses them, with what it found out itself. @param clusters JSON of `/clusters?format=json`. */
export function parseClusterStatuses(clusters: unknown): EndpointInfo[] {
  return list(object(clusters).cluster_statuses).flatMap((cluster) =>
    list(cluster.host_statuses).map((host) => {
      const health = object(host.health_status);
      const failed = Object.keys(health).filter((key) => key.startsWith('failed_') && health[key] === true);
      return {
        cluster: text(cluster.name),
        address: addressOf(host.address),
        health: [text(health.eds_health_status) || 'HEALTHY', ...failed].join(', '),
        weight: number(host.weight),
        outlier: failed.includes('failed_outlier_check'),
      };
    }),
  );
}

/** @param certs JSON of `/certs`. */
export function parseCertificates(certs: unknown): CertificateInfo[] {
  const read = (role: CertificateInfo['role'], entries: unknown) =>
    list(entries).map((one) => ({
      role,
      names: list(one.subject_alt_names).map((name) => text(name.uri) || text(name.dns) || text(name.ip_address)),
      serial: text(one.serial_number),
      validFrom: text(one.valid_from),
      expires: text(one.expiration_time),
    }));
  const all = list(object(certs).certificates).flatMap((pair) => [
    ...read('workload', pair.cert_chain),
    ...read('ca', pair.ca_cert),
  ]);
  // A certificate stands there once for each listener and cluster that uses it.
  const seen = new Set<string>();
  return all.filter(({ role, serial, expires }) => {
    const key = `${role} ${serial} ${expires}`;
    return seen.has(key) ? false : seen.add(key);
  });
}

/** ztunnel has workloads and services instead; they become endpoints and clusters. */
function parseZtunnel(root: Json, config: ProxyConfig): ProxyConfig {
  for (const service of values(root.services)) {
    const host = text(service.hostname);
    config.clusters.push({
      ...{ name: `${text(service.namespace)}/${host}`, direction: 'outbound', host, subset: '', type: 'ztunnel' },
      ...{ port: Object.keys(object(service.ports)).join(', '), tls: '', state: 'active', version: '', updated: '' },
    });
  }
  for (const workload of values(root.workloads)) {
    config.endpoints.push({
      cluster: `${text(workload.namespace)}/${text(workload.name)}`,
      address: texts(workload.workloadIps).join(', '),
      health: [text(workload.status), text(workload.protocol)].filter(Boolean).join(', '),
      ...{ weight: '', outlier: false },
    });
  }
  for (const one of values(root.certificates))
    config.secrets.push({
      ...{
        name: text(one.identity),
        kind: 'certificate',
        state: /avail/i.test(text(one.state)) ? 'active' : 'warming',
      },
      ...{ version: '', updated: text(object(list(one.certChain)[0]).expirationTime) },
    });
  return { ...config, proxy: 'ztunnel' };
}

/** The newest of each kind: what the control plane sent last. */
function newestVersions(config: ProxyConfig): ConfigVersion[] {
  const kinds = ['listeners', 'routes', 'clusters', 'secrets'] as const;
  return kinds.flatMap((kind) => {
    const newest = config[kind].reduce(
      (best: { version: string; updated: string } | undefined, one) =>
        one.version !== '' && (!best || one.updated > best.updated) ? one : best,
      undefined,
    );
    return newest ? [{ kind, version: newest.version, updated: newest.updated }] : [];
  });
}

function addressOf(address: unknown): string {
  const { socket_address: socket, pipe, envoy_internal_address: internal } = object(address);
  const { address: ip, port_value: port } = object(socket);
  if (socket !== undefined) return `${text(ip).includes(':') ? `[${text(ip)}]` : text(ip)}:${number(port)}`;
  if (pipe !== undefined) return text(object(pipe).path);
  return internal !== undefined ? `internal ${text(object(internal).server_listener_name)}` : '';
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.map((one) => object(one)) : [];
}

/** A list, or the values of a map: ztunnel has had both. */
function values(value: unknown): Json[] {
  return Array.isArray(value) ? list(value) : Object.values(object(value)).map((one) => object(one));
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map((one) => text(one)).filter((one) => one !== '') : [];
}

function number(value: unknown): string {
  return typeof value === 'number' || typeof value === 'string' ? String(value) : '';
}
