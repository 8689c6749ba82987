/**
 * What an Envoy says about itself on its admin port, read into what people ask about. Everything may be absent or of
 * another version (names of its old API included): what is not understood is left out, never an error.
 */
import { matchOfChain, matchOfRoute } from './describe-match.ts';
import { parseZtunnel, type ZtunnelConfig } from './parse-ztunnel.ts';
import { list, number, object, text, texts, typeName, type Json } from './read-json.ts';

/** When the control plane sent it, and under which name; both empty for what the bootstrap holds. */
interface Versioned {
  version: string;
  /** ISO 8601 */
  updated: string;
}

/** A cluster that is named as a destination, with its share: 75 of `whole`. */
export interface Target {
  cluster: string;
  weight?: number;
}

export interface FilterChainInfo {
  name: string;
  /** `port 8080, TLS, ALPN istio`; empty: any connection. */
  match: string;
  /** What a client has to speak. */
  tls: 'mTLS' | 'TLS' | 'plaintext';
  /** Name of the route configuration that an HTTP chain asks. */
  route?: string;
  /** Its routes are sent on their own (RDS), not inside the listener. */
  asksForRoutes: boolean;
  /** Where a TCP chain leads. */
  targets: Target[];
  /** Names of all filters, the HTTP ones inside the connection manager included. */
  filters: string[];
}

export interface ListenerInfo extends Versioned {
  name: string;
  /** `0.0.0.0:15006`; several with commas. */
  address: string;
  direction: string;
  /** `draining`: it is gone, and only finishes the connections that it has. */
  state: 'active' | 'warming' | 'draining' | 'static' | 'refused';
  chains: FilterChainInfo[];
  /** False: another listener hands connections over to it. */
  bound: boolean;
  /** It takes packets for any address, as TPROXY asks for. */
  transparent: boolean;
  /** Why Envoy refused the last change; it goes on with the one before. */
  rejected?: string;
}

export interface RouteInfo extends Versioned {
  /** Of the route configuration: `9080`, `inbound|9080||`. */
  config: string;
  virtualHost: string;
  domains: string[];
  name: string;
  /** `/api/*, header end-user = jason` */
  match: string;
  /** A cluster, several with their weights, a redirect: in Envoy's words. */
  target: string;
  targets: Target[];
  /** What happens on the way: `timeout 3s`, `2 retries (5xx)`, `mirror to …`. */
  extras: string[];
  /** `VirtualService shop/reviews`; empty when Istio does not say. */
  source: string;
}

export interface ClusterInfo extends Versioned {
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
  /** `ROUND_ROBIN` is empty: it is what everybody has. */
  loadBalancing: string;
  /** Endpoints that fail are taken out for a while. */
  ejects: boolean;
  /** `DestinationRule shop/reviews` */
  source: string;
}

export interface EndpointInfo {
  cluster: string;
  address: string;
  /** `HEALTHY`, `DRAINING`; with what Envoy found itself: `HEALTHY, failed_outlier_check`. */
  health: string;
  weight: string;
  /** Taken out for a while, after errors. */
  outlier: boolean;
  /** `region/zone/subzone` */
  locality: string;
  /** Used only when those of a smaller number do not suffice. */
  priority: number;
  /** Connections and requests so far, where the proxy counts them. */
  traffic?: { connections: number; failedConnections: number; requests: number; errors: number };
}

export interface SecretInfo extends Versioned {
  name: string;
  kind: 'certificate' | 'trusted CA' | 'other';
  state: 'active' | 'warming' | 'static';
  /** The certificates as the dump has them, PEM or PEM in base64; both empty when it holds none. Never a key. */
  pem: string;
  base64: string;
  /** A file that the proxy reads instead. */
  file: string;
}

export interface CertificateInfo {
  /** Of the workload, or of an authority. */
  role: 'workload' | 'ca';
  names: string[];
  serial: string;
  validFrom: string;
  expires: string;
  /** Of the secret that it is from; empty: `/certs` does not tell. */
  secret: string;
}

/** Which of these the control plane sent, and in which version. */
export interface ConfigVersion extends Versioned {
  kind: SyncKind;
}

export const configKinds = ['listeners', 'routes', 'clusters', 'endpoints', 'secrets'] as const;
export type ConfigKind = (typeof configKinds)[number];
/** WasmPlugins and other filters that are sent apart from their listeners are `extensions`. */
export const syncKinds = [...configKinds, 'extensions'] as const;
export type SyncKind = (typeof syncKinds)[number];

/** What the proxy was started with. */
export interface BootstrapInfo {
  /** `sidecar~10.0.0.1~reviews-1.shop~shop.svc.cluster.local` */
  node: string;
  /** `reviews.shop` */
  cluster: string;
  istioVersion: string;
  /** Where it gets its configuration: `istiod-canary.istio-system.svc:15012`. */
  discovery: string;
  interception: string;
  admin: string;
  network: string;
  meshId: string;
}

export interface ProxyConfig {
  proxy: 'envoy' | 'ztunnel';
  listeners: ListenerInfo[];
  routes: RouteInfo[];
  clusters: ClusterInfo[];
  endpoints: EndpointInfo[];
  secrets: SecretInfo[];
  /** Names of filters that came on their own (ECDS). */
  extensions: string[];
  versions: ConfigVersion[];
  bootstrap: BootstrapInfo;
  ztunnel?: ZtunnelConfig;
}

/** @param dump JSON of `/config_dump?include_eds`, or its parts in one `configs`. */
export function parseConfigDump(dump: unknown): ProxyConfig {
  const config = emptyConfig();
  const root = object(dump);
  if (!Array.isArray(root.configs) && (root.workloads !== undefined || root.services !== undefined))
    return { ...config, proxy: 'ztunnel', ztunnel: parseZtunnel(root) };
  for (const part of list(root.configs)) {
    readers[typeName(part['@type'])]?.(part, config);
  }
  return config;
}

export function emptyConfig(): ProxyConfig {
  const bootstrap = { node: '', cluster: '', istioVersion: '', discovery: '', interception: '', admin: '' };
  return {
    ...{ proxy: 'envoy', listeners: [], routes: [], clusters: [], endpoints: [], secrets: [], extensions: [] },
    ...{ versions: [], bootstrap: { ...bootstrap, network: '', meshId: '' } },
  };
}

const readers: Partial<Record<string, (part: Json, config: ProxyConfig) => void>> = {
  BootstrapConfigDump: readBootstrap,
  ListenersConfigDump: readListeners,
  RoutesConfigDump: readRoutes,
  ClustersConfigDump: readClusters,
  EndpointsConfigDump: readEndpoints,
  SecretsConfigDump: readSecrets,
  EcdsConfigDump: readExtensions,
};

function readBootstrap(part: Json, config: ProxyConfig): void {
  const bootstrap = object(part.bootstrap);
  const { id, cluster, metadata } = object(bootstrap.node);
  const meta = object(metadata);
  const { discoveryAddress } = object(meta.PROXY_CONFIG);
  config.bootstrap = {
    ...{ node: text(id), cluster: text(cluster), istioVersion: text(meta.ISTIO_VERSION) },
    ...{ discovery: text(discoveryAddress), interception: text(meta.INTERCEPTION_MODE) },
    ...{ admin: addressOf(object(bootstrap.admin).address), network: text(meta.NETWORK), meshId: text(meta.MESH_ID) },
  };
}

/** The newest of a kind is what the control plane sent last; the dump's own version is that of the last set. */
function noteVersion(config: ProxyConfig, kind: SyncKind, entries: readonly Versioned[], ofSet = ''): void {
  const sent = entries.filter(({ version }) => version !== '' && version !== 'uninitialized');
  const newest = sent.reduce<Versioned | undefined>(
    (best, one) => (best && best.updated >= one.updated ? best : one),
    undefined,
  );
  if (newest || ofSet !== '')
    config.versions.push({ kind, version: ofSet || (newest?.version ?? ''), updated: newest?.updated ?? '' });
}

function versionOf(entry: Json): Versioned {
  return { version: text(entry.version_info), updated: text(entry.last_updated) };
}

function readListeners(part: Json, config: ProxyConfig): void {
  const { listeners } = config;
  for (const entry of list(part.static_listeners))
    listeners.push({ ...listenerOf(object(entry.listener)), ...versionOf(entry), state: 'static' });
  for (const entry of list(part.dynamic_listeners)) {
    const error = object(entry.error_state);
    const rejected = withoutMarks(text(error.details));
    const states = (['active', 'warming', 'draining'] as const).flatMap((state) => {
      const found = object(entry[`${state}_state`]);
      return found.listener === undefined && found.last_updated === undefined ? [] : [{ state, found }];
    });
    const why = rejected === '' ? {} : { rejected };
    for (const [at, { state, found }] of states.entries()) {
      const info = listenerOf(object(found.listener));
      const name = text(entry.name) || info.name;
      listeners.push({ ...info, name, ...versionOf(found), state, ...(at === 0 ? why : {}) });
    }
    if (states.length > 0) continue;
    const info = listenerOf(object(error.failed_configuration));
    const name = text(entry.name) || info.name;
    // A refused set is told once more, each of its faults without a name in front.
    const known = listeners.find((one) => one.name === name);
    if (known) known.rejected ??= rejected;
    else {
      const attempt = { version: text(error.version_info), updated: text(error.last_update_attempt) };
      listeners.push({ ...info, name, ...attempt, state: 'refused', ...why });
    }
  }
  noteVersion(
    config,
    'listeners',
    listeners.filter(({ state }) => state !== 'refused'),
    text(part.version_info),
  );
}

/** Protobuf marks texts that are not to be parsed, in its own way. */
export function withoutMarks(details: string): string {
  return details
    .replace(/goo\.gle\/debug\w+/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

function listenerOf(listener: Json): Omit<ListenerInfo, 'version' | 'updated' | 'state'> {
  // With a matcher in front the chains are chosen by their names.
  const byName = listener.filter_chain_matcher !== undefined;
  const chains = list(listener.filter_chains).map((chain) =>
    chainOf(chain, matchOfChain(object(chain.filter_chain_match)) || (byName ? text(chain.name) : '')),
  );
  if (listener.default_filter_chain !== undefined) chains.push(chainOf(object(listener.default_filter_chain), '*'));
  const addresses = [listener, ...list(listener.additional_addresses)].map(({ address }) => addressOf(address));
  const bind = listener.bind_to_port ?? object(listener.deprecated_v1).bind_to_port;
  return {
    name: text(listener.name),
    address: listener.internal_listener === undefined ? addresses.filter(Boolean).join(', ') : 'internal',
    direction: text(listener.traffic_direction).toLowerCase(),
    chains,
    bound: bind !== false,
    transparent: listener.transparent === true,
  };
}

function chainOf(chain: Json, match: string): FilterChainInfo {
  const info: FilterChainInfo = {
    name: text(chain.name),
    match,
    tls: downstreamTls(chain),
    targets: [],
    filters: [],
    asksForRoutes: false,
  };
  for (const filter of list(chain.filters)) {
    const settings = settingsOf(filter);
    info.filters.push(text(filter.name));
    info.filters.push(...list(settings.http_filters).map(({ name }) => text(name)));
    const route = text(object(settings.rds).route_config_name) || nameOfRoutes(object(settings.route_config));
    if (route !== '' || settings.route_config !== undefined) info.route = route;
    if (settings.rds !== undefined) info.asksForRoutes = true;
    if (settings.http_filters === undefined) info.targets.push(...targetsOf(settings));
  }
  return info;
}

/** Before 1.14 the settings of a filter were an untyped `config`; a TypedStruct has them one level down. */
function settingsOf(filter: Json): Json {
  const settings = object(filter.typed_config ?? filter.config);
  return typeName(settings['@type']) === 'TypedStruct' ? object(settings.value) : settings;
}

function targetsOf(action: Json): Target[] {
  const weighted = list(object(action.weighted_clusters).clusters);
  if (weighted.length > 0)
    return weighted.map(({ name, weight }) => ({ cluster: text(name), weight: Number(number(weight)) || 0 }));
  return text(action.cluster) === '' ? [] : [{ cluster: text(action.cluster) }];
}

function downstreamTls(chain: Json): FilterChainInfo['tls'] {
  const socket = object(chain.transport_socket);
  const context = settingsOf(socket);
  if (socket.name === undefined || isPlain(socket)) return chain.tls_context === undefined ? 'plaintext' : 'TLS';
  return context.require_client_certificate === true ? 'mTLS' : 'TLS';
}

function isPlain(socket: Json): boolean {
  return /raw_buffer|RawBuffer/.test(`${text(socket.name)} ${typeName(settingsOf(socket)['@type'])}`);
}

function readRoutes(part: Json, config: ProxyConfig): void {
  const entries = [...list(part.dynamic_route_configs), ...list(part.static_route_configs)];
  const seen = new Set<string>();
  for (const entry of entries) {
    const routes = object(entry.route_config);
    const name = nameOfRoutes(routes);
    // Those inside listeners stand there once for each filter chain that has them, all the same.
    const inline = entry.version_info === undefined ? JSON.stringify(routes) : undefined;
    if (inline !== undefined && seen.has(inline)) continue;
    if (inline !== undefined) seen.add(inline);
    for (const host of list(routes.virtual_hosts))
      for (const route of list(host.routes)) config.routes.push(routeOf(name, host, route, versionOf(entry)));
  }
  noteVersion(config, 'routes', entries.map(versionOf));
}

/** Conditions that every route of Istio has are not told each time. */
function retriedOn(conditions: string): string {
  const isUsual = /^connect-failure,refused-stream,unavailable,cancelled(,retriable-status-codes|,503)?$/.test(
    conditions,
  );
  return isUsual ? '' : ` (${conditions})`;
}

/** Those inside a listener may have no name, as of Istio's own ports 15021 and 15090: then what they match is their name. */
function nameOfRoutes({ name, virtual_hosts: hosts }: Json): string {
  const matches = () =>
    list(hosts).flatMap((host) => list(host.routes).map(({ match }) => matchOfRoute(object(match))));
  return text(name) || matches().slice(0, 3).join(', ');
}

function routeOf(config: string, host: Json, route: Json, versioned: Versioned): RouteInfo {
  const action = object(route.route);
  return {
    ...versioned,
    config,
    virtualHost: text(host.name),
    domains: texts(host.domains),
    name: text(route.name),
    match: matchOfRoute(object(route.match)),
    target: targetOf(route),
    targets: targetsOf(action),
    extras: extrasOf(route, action),
    source: sourceOf(route),
  };
}

function targetOf(route: Json): string {
  const action = object(route.route);
  const targets = targetsOf(action);
  if (targets.length > 0)
    return targets.map(({ cluster, weight }) => (weight === undefined ? cluster : `${cluster} ${weight}`)).join(', ');
  if (action.cluster_header !== undefined) return `header ${text(action.cluster_header)}`;
  if (route.redirect !== undefined) return `redirect ${redirectOf(object(route.redirect))}`;
  if (route.direct_response !== undefined) return `response ${number(object(route.direct_response).status)}`;
  return route.non_forwarding_action === undefined ? '' : 'not forwarded';
}

function redirectOf(redirect: Json): string {
  const scheme = redirect.https_redirect === true ? 'https' : text(redirect.scheme_redirect);
  const port = number(redirect.port_redirect);
  const host = text(redirect.host_redirect) || (scheme || port ? '*' : '');
  const path =
    text(redirect.path_redirect) || (redirect.prefix_rewrite === undefined ? '' : `${text(redirect.prefix_rewrite)}*`);
  const code = text(redirect.response_code).replaceAll('_', ' ').toLowerCase();
  const url = `${scheme && `${scheme}://`}${host}${port && `:${port}`}${path}`;
  return code === '' ? url : `${url} (${code})`;
}

/** Not translated: these are the words of Envoy's own fields. */
function extrasOf(route: Json, action: Json): string[] {
  const extras: string[] = [];
  const { timeout, retry_policy, prefix_rewrite, regex_rewrite, host_rewrite_literal, auto_host_rewrite } = action;
  // Istio writes 0s for "no timeout", which is its default.
  if (text(timeout) !== '' && text(timeout) !== '0s') extras.push(`timeout ${text(timeout)}`);
  const retries = object(retry_policy);
  if (retry_policy !== undefined)
    extras.push(`retries ${number(retries.num_retries) || '1'}${retriedOn(text(retries.retry_on))}`);
  if (prefix_rewrite !== undefined) extras.push(`rewrite to ${text(prefix_rewrite)}`);
  if (regex_rewrite !== undefined) extras.push(`rewrite to ${text(object(regex_rewrite).substitution)}`);
  if (host_rewrite_literal !== undefined) extras.push(`host ${text(host_rewrite_literal)}`);
  if (auto_host_rewrite === true) extras.push('host of the endpoint');
  for (const mirror of list(action.request_mirror_policies)) {
    const share = percent(object(object(mirror.runtime_fraction).default_value));
    extras.push(`mirror to ${text(mirror.cluster)}${share === '' ? '' : ` (${share})`}`);
  }
  const fault = object(object(route.typed_per_filter_config)['envoy.filters.http.fault']);
  const { delay, abort } = fault;
  if (delay !== undefined)
    extras.push(`fault: delay ${text(object(delay).fixed_delay)} ${percent(object(object(delay).percentage))}`.trim());
  if (abort !== undefined) {
    const what = number(object(abort).http_status) || `gRPC ${number(object(abort).grpc_status)}`;
    extras.push(`fault: abort ${what} ${percent(object(object(abort).percentage))}`.trim());
  }
  return extras;
}

/** Of Envoy's FractionalPercent. */
function percent(fraction: Json): string {
  if (fraction.numerator === undefined && fraction.denominator === undefined) return '';
  const whole =
    { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 }[text(fraction.denominator) || 'HUNDRED'] ?? 100;
  return `${((Number(number(fraction.numerator)) || 0) * 100) / whole} %`;
}

/** Istio notes what made it: `/apis/networking.istio.io/v1alpha3/namespaces/shop/virtual-service/reviews`. */
function sourceOf(made: Json): string {
  const path = text(object(object(object(made.metadata).filter_metadata).istio).config);
  const [, namespace = '', kind = '', name = ''] = /namespaces\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  if (name === '') return '';
  return `${kind.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())} ${namespace}/${name}`;
}

function readClusters(part: Json, config: ProxyConfig): void {
  const states = [
    ['active', part.dynamic_active_clusters],
    ['warming', part.dynamic_warming_clusters],
    ['static', part.static_clusters],
  ] as const;
  for (const [state, entries] of states)
    for (const entry of list(entries)) config.clusters.push(clusterOf(entry, state));
  const sent = config.clusters.filter(({ state }) => state !== 'static');
  noteVersion(config, 'clusters', sent, text(part.version_info));
}

function clusterOf(entry: Json, state: ClusterInfo['state']): ClusterInfo {
  const cluster = object(entry.cluster);
  const name = text(cluster.name);
  const policy = text(cluster.lb_policy);
  return {
    ...splitClusterName(name),
    ...versionOf(entry),
    name,
    type: text(cluster.type) || text(object(cluster.cluster_type).name) || 'STATIC',
    tls: tlsOf(cluster),
    state,
    loadBalancing: policy === 'ROUND_ROBIN' ? '' : policy,
    ejects: cluster.outlier_detection !== undefined,
    source: sourceOf(cluster),
  };
}

/** `outbound|9080|v1|reviews.shop.svc.cluster.local`, also with `_.` and underscores for SNI routing. */
export function splitClusterName(name: string): Pick<ClusterInfo, 'direction' | 'port' | 'subset' | 'host'> {
  const parts = /^(?:inbound|outbound)_\./.test(name)
    ? /^(\w+)_\.(\d*)_\.(.*?)_\.(.*)$/.exec(name)?.slice(1)
    : /^(?:inbound|outbound)(?:-vip)?\|/.test(name)
      ? name.split('|')
      : undefined;
  const [direction = '', port = '', subset = '', host = ''] = parts ?? [];
  // A waypoint's have the protocol in that place, the subset after it: `inbound-vip|9080|http/v1|reviews.shop…`.
  const own = direction.endsWith('-vip') ? subset.replace(/^(?:http|tcp)\/?/, '') : subset;
  return { direction, port, subset: own, host: parts ? host : name };
}

function tlsOf(cluster: Json): string {
  const matches = list(cluster.transport_socket_matches).map((match) => upstreamTls(object(match.transport_socket)));
  if (matches.length > 0) return [...new Set(matches)].join(' / ');
  if (cluster.tls_context !== undefined) return 'TLS';
  return upstreamTls(object(cluster.transport_socket));
}

function upstreamTls(socket: Json): string {
  const settings = settingsOf(socket);
  if ((socket.name === undefined && socket.typed_config === undefined) || isPlain(socket)) return 'plaintext';
  // Wrapped around another one: for internal listeners (HBONE), the PROXY protocol and the like.
  if (/internal_upstream/.test(text(socket.name))) return 'HBONE';
  if (settings.transport_socket !== undefined) return upstreamTls(object(settings.transport_socket));
  const context = object(settings.common_tls_context);
  const shows = ['tls_certificates', 'tls_certificate_sds_secret_configs', 'tls_certificate_provider_instance'];
  return shows.some((field) => context[field] !== undefined) || /"istio|spiffe/.test(JSON.stringify(settings))
    ? 'mTLS'
    : 'TLS';
}

function readEndpoints(part: Json, config: ProxyConfig): void {
  const sent = list(part.dynamic_endpoint_configs);
  for (const entry of [...sent, ...list(part.static_endpoint_configs)]) {
    const { cluster_name: cluster, endpoints } = object(entry.endpoint_config);
    for (const group of list(endpoints)) {
      for (const one of list(group.lb_endpoints)) {
        config.endpoints.push({
          cluster: text(cluster),
          address: addressOf(object(one.endpoint).address),
          health: text(one.health_status) || 'HEALTHY',
          weight: number(one.load_balancing_weight),
          outlier: false,
          locality: localityOf(group.locality),
          priority: Number(number(group.priority)) || 0,
        });
      }
    }
  }
  noteVersion(config, 'endpoints', sent.map(versionOf));
}

function readSecrets(part: Json, config: ProxyConfig): void {
  const states = [
    ['active', part.dynamic_active_secrets],
    ['warming', part.dynamic_warming_secrets],
    ['static', part.static_secrets],
  ] as const;
  for (const [state, entries] of states) for (const entry of list(entries)) config.secrets.push(secretOf(entry, state));
  noteVersion(
    config,
    'secrets',
    config.secrets.filter(({ state }) => state !== 'static'),
  );
}

function secretOf(entry: Json, state: SecretInfo['state']): SecretInfo {
  const secret = object(entry.secret);
  const { tls_certificate: pair, validation_context: authority } = secret;
  const source = object(object(pair).certificate_chain ?? object(authority).trusted_ca);
  return {
    ...versionOf(entry),
    name: text(entry.name) || text(secret.name),
    kind: pair !== undefined ? 'certificate' : authority !== undefined ? 'trusted CA' : 'other',
    state,
    pem: text(source.inline_string),
    base64: text(source.inline_bytes),
    file: text(source.filename),
  };
}

function readExtensions(part: Json, config: ProxyConfig): void {
  const entries = list(part.ecds_filters);
  config.extensions.push(...entries.map((entry) => text(object(entry.ecds_filter).name)));
  noteVersion(config, 'extensions', entries.map(versionOf));
}

/** Endpoints as the proxy uses them, with what it found out itself. @param clusters JSON of `/clusters?format=json`. */
export function parseClusterStatuses(clusters: unknown): EndpointInfo[] {
  return list(object(clusters).cluster_statuses).flatMap((cluster) =>
    list(cluster.host_statuses).map((host) => endpointOf(text(cluster.name), host)),
  );
}

function endpointOf(cluster: string, host: Json): EndpointInfo {
  const health = object(host.health_status);
  const found = Object.keys(health).filter((key) => key !== 'eds_health_status' && health[key] === true);
  const stats = list(host.stats);
  // A counter that is zero is printed without a value.
  const count = (name: string) => Number(number(stats.find((one) => one.name === name)?.value)) || 0;
  return {
    cluster,
    address: addressOf(host.address),
    health: [text(health.eds_health_status) || 'HEALTHY', ...found].join(', '),
    weight: number(host.weight),
    outlier: found.includes('failed_outlier_check'),
    locality: localityOf(host.locality),
    priority: Number(number(host.priority)) || 0,
    traffic: {
      ...{ connections: count('cx_total'), failedConnections: count('cx_connect_fail') },
      ...{ requests: count('rq_total'), errors: count('rq_error') },
    },
  };
}

/** Whether Envoy sends requests there while there is a choice. A draining, failed or ejected one gets none. */
export function takesRequests({ health }: Pick<EndpointInfo, 'health'>): boolean {
  const [said = '', ...found] = health.split(', ');
  const bad = ['UNHEALTHY', 'DRAINING', 'TIMEOUT'];
  return !bad.includes(said) && !found.some((one) => one.startsWith('failed_') && !/degraded/.test(one));
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
      secret: '',
    }));
  const all = list(object(certs).certificates).flatMap((pair) => [
    ...read('workload', pair.cert_chain),
    ...read('ca', pair.ca_cert),
  ]);
  return onceEach(all);
}

/** A certificate stands there once for each listener and cluster that uses it. */
export function onceEach(certificates: readonly CertificateInfo[]): CertificateInfo[] {
  const seen = new Set<string>();
  return certificates.filter(({ role, serial, expires, secret }) => {
    const key = `${role} ${serial.toLowerCase()} ${Date.parse(expires)} ${secret}`;
    return seen.has(key) ? false : seen.add(key);
  });
}

function localityOf(value: unknown): string {
  const { region, zone, sub_zone: subZone } = object(value);
  return [text(region), text(zone), text(subZone)].join('/').replace(/\/+$/, '');
}

export function addressOf(address: unknown): string {
  const { socket_address: socket, pipe, envoy_internal_address: internal } = object(address);
  const { address: ip, port_value: port } = object(socket);
  // Port 0 is left out.
  if (socket !== undefined) return `${text(ip).includes(':') ? `[${text(ip)}]` : text(ip)}:${number(port) || '0'}`;
  if (pipe !== undefined) return text(object(pipe).path);
  return internal !== undefined ? `internal ${text(object(internal).server_listener_name)}` : '';
}
