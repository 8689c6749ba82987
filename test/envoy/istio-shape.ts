/** Configurations of the shape that istiod gives to a sidecar: what its proxies hold, with small numbers of everything. */

export type Json = Record<string, unknown>;

const type = (name: string) => `type.googleapis.com/${name}`;
const network = (name: string, message: string, more: Json = {}) => ({
  name: `envoy.filters.network.${name}`,
  typed_config: { '@type': type(`envoy.extensions.filters.network.${name}.v3.${message}`), ...more },
});
const httpFilter = (name: string, message: string, more: Json = {}) => ({
  name: `envoy.filters.http.${name}`,
  typed_config: { '@type': type(`envoy.extensions.filters.http.${name}.v3.${message}`), ...more },
});
export const socket = (address: string, port: number) => ({ socket_address: { address, port_value: port } });
export const made = (kind: string, name: string) => ({
  metadata: {
    filter_metadata: { istio: { config: `/apis/networking.istio.io/v1/namespaces/shop/${kind}/${name}` } },
  },
});

/** Where a kind of configuration is asked for. */
export function rest(kind: string): Json {
  const source = {
    ...{ api_type: 'REST', transport_api_version: 'V3', cluster_names: ['rest-xds'] },
    ...{ refresh_delay: '0.2s', request_timeout: '2s' },
  };
  // An answer that never comes is waited for, as over a stream.
  const config: Json = { resource_api_version: 'V3', api_config_source: source };
  return kind === 'cds' || kind === 'lds' ? config : { ...config, initial_fetch_timeout: '0s' };
}

export interface BootstrapOptions {
  admin: { address: string; port: number };
  plane?: { rest: number; grpc: number };
  listeners?: Json[];
  clusters?: Json[];
}

/** As istio-proxy's: its node, its admin port, the two ways to its control plane. */
export function bootstrap({ admin, plane, listeners = [], clusters = [] }: BootstrapOptions): Json {
  const local = (name: string, port: number, more: Json = {}) => ({
    ...{ name, type: 'STATIC', connect_timeout: '1s', ...more },
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socket('127.0.0.1', port) } }] }],
    },
  });
  const http2 = {
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': type('envoy.extensions.upstreams.http.v3.HttpProtocolOptions'),
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  };
  return {
    node: {
      id: 'sidecar~10.0.0.7~reviews-1.shop~shop.svc.cluster.local',
      cluster: 'reviews.shop',
      metadata: {
        ...{ ISTIO_VERSION: '1.29.0', INTERCEPTION_MODE: 'REDIRECT', MESH_ID: 'cluster.local', NETWORK: 'north' },
        PROXY_CONFIG: { discoveryAddress: 'istiod.istio-system.svc:15012' },
      },
    },
    admin: { address: socket(admin.address, admin.port) },
    static_resources: {
      listeners,
      clusters: [
        ...(plane ? [local('rest-xds', plane.rest), local('xds-grpc', plane.grpc, http2)] : []),
        local('prometheus_stats', admin.port || 15_000),
        ...clusters,
      ],
    },
    ...(plane && {
      dynamic_resources: {
        ads_config: {
          ...{ api_type: 'GRPC', transport_api_version: 'V3', set_node_on_first_message_only: true },
          grpc_services: [{ envoy_grpc: { cluster_name: 'xds-grpc' } }],
        },
        cds_config: rest('cds'),
        lds_config: rest('lds'),
      },
    }),
  };
}

const sds = (name: string) => ({ name, sds_config: rest('sds') });

const mutualTls = (sni: string) => ({
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': type('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'),
    sni,
    common_tls_context: {
      alpn_protocols: ['istio-peer-exchange', 'istio'],
      tls_certificate_sds_secret_configs: [sds('default')],
      combined_validation_context: {
        default_validation_context: {},
        validation_context_sds_secret_config: sds('ROOTCA'),
      },
    },
  },
});
const plain = {
  name: 'envoy.transport_sockets.raw_buffer',
  typed_config: { '@type': type('envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer') },
};

/** A cluster whose endpoints are asked for over the ADS stream, where nobody sends them. */
export function lateCluster(): Json {
  const name = clusterName('', 'late.shop.svc.cluster.local', 80);
  const eds_config = { resource_api_version: 'V3', initial_fetch_timeout: '0s', ads: {} };
  return edsCluster(name, { eds_cluster_config: { eds_config, service_name: name } });
}

/** An EDS cluster that sends mTLS to whoever can, as of auto mTLS. */
export function edsCluster(name: string, more: Json = {}): Json {
  return {
    ...{ name, type: 'EDS', connect_timeout: '10s', lb_policy: 'LEAST_REQUEST' },
    eds_cluster_config: { eds_config: rest('eds'), service_name: name },
    transport_socket_matches: [
      { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transport_socket: mutualTls(name.replaceAll('|', '_.')) },
      { name: 'tlsMode-disabled', match: {}, transport_socket: plain },
    ],
    ...more,
  };
}

export const reviews = 'reviews.shop.svc.cluster.local';
export const clusterName = (subset: string, host = reviews, port = 9080) => `outbound|${port}|${subset}|${host}`;

export const passthroughClusters: Json[] = [
  { name: 'BlackHoleCluster', type: 'STATIC', connect_timeout: '10s' },
  ...['PassthroughCluster', 'InboundPassthroughCluster'].map((name) => ({
    ...{ name, type: 'ORIGINAL_DST', connect_timeout: '10s', lb_policy: 'CLUSTER_PROVIDED' },
    // What Istio binds its own connections to the application to, so that the rules know them.
    ...(name === 'InboundPassthroughCluster' && {
      upstream_bind_config: { source_address: { address: '127.0.0.6', port_value: 0 } },
    }),
  })),
];

export function clusters(): Json[] {
  const inbound = {
    ...{ name: 'inbound|9080||', type: 'ORIGINAL_DST', connect_timeout: '10s', lb_policy: 'CLUSTER_PROVIDED' },
    upstream_bind_config: { source_address: { address: '127.0.0.6', port_value: 0 } },
  };
  const external = {
    ...{ name: clusterName('', 'api.example.com', 443), type: 'STRICT_DNS', connect_timeout: '10s' },
    load_assignment: {
      cluster_name: clusterName('', 'api.example.com', 443),
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socket('127.0.0.1', 9) } }] }],
    },
    transport_socket: {
      name: 'envoy.transport_sockets.tls',
      typed_config: {
        '@type': type('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'),
        sni: 'api.example.com',
        common_tls_context: {},
      },
    },
    ...made('destination-rule', 'api'),
  };
  const ejecting = { outlier_detection: { consecutive_5xx: 5, max_ejection_percent: 100 } };
  return [
    edsCluster(clusterName(''), { ...ejecting, ...made('destination-rule', 'reviews') }),
    edsCluster(clusterName('v1'), { ...ejecting, ...made('destination-rule', 'reviews') }),
    edsCluster(clusterName('v2'), made('destination-rule', 'reviews')),
    edsCluster(clusterName('', 'mysql.shop.svc.cluster.local', 3306), { transport_socket_matches: undefined }),
    ...[external, inbound, ...passthroughClusters],
  ];
}

export function endpoints(): Json[] {
  const at = (address: string, port: number, more: Json = {}) => ({
    endpoint: { address: socket(address, port) },
    ...more,
  });
  const mesh = { metadata: { filter_metadata: { 'envoy.transport_socket_match': { tlsMode: 'istio' } } } };
  const group = (zone: string, lb_endpoints: Json[], priority = 0) => ({
    ...{ locality: { region: 'north', zone }, lb_endpoints, priority, load_balancing_weight: 1 },
  });
  return [
    { cluster_name: clusterName(''), endpoints: [group('a', [at('10.0.0.11', 9080, mesh)])] },
    {
      cluster_name: clusterName('v1'),
      endpoints: [
        group('a', [
          at('10.0.0.11', 9080, { health_status: 'HEALTHY', load_balancing_weight: 3, ...mesh }),
          at('10.0.0.12', 9080, { health_status: 'UNHEALTHY', ...mesh }),
          at('10.0.0.13', 9080, { health_status: 'DRAINING' }),
        ]),
        group('b', [at('fd00::11', 9080, { health_status: 'DEGRADED', ...mesh })], 1),
      ],
    },
    {
      cluster_name: clusterName('v2'),
      endpoints: [group('a', [at('10.0.0.14', 9080, { health_status: 'UNHEALTHY' })])],
    },
    { cluster_name: clusterName('', 'mysql.shop.svc.cluster.local', 3306), endpoints: [] },
  ];
}

export const retry = {
  ...{ retry_on: 'connect-failure,refused-stream,unavailable,503', num_retries: 2 },
  retry_host_predicate: [
    {
      name: 'envoy.retry_host_predicates.previous_hosts',
      typed_config: { '@type': type('envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate') },
    },
  ],
};
const fault = {
  'envoy.filters.http.fault': {
    '@type': type('envoy.extensions.filters.http.fault.v3.HTTPFault'),
    delay: { fixed_delay: '5s', percentage: { numerator: 100_000, denominator: 'MILLION' } },
    abort: { http_status: 503, percentage: { numerator: 50 } },
  },
};

export function routes(): Json[] {
  const to = (cluster: string, more: Json = {}) => ({ cluster, timeout: '0s', retry_policy: retry, ...more });
  const subsets = {
    clusters: [
      { name: clusterName('v1'), weight: 75 },
      { name: clusterName('v2'), weight: 25 },
    ],
  };
  const { cluster: _, ...weighted } = to('', { weighted_clusters: subsets, timeout: '3s' });
  return [
    {
      name: '9080',
      validate_clusters: false,
      virtual_hosts: [
        {
          name: `${reviews}:9080`,
          domains: [reviews, `${reviews}.`, 'reviews', 'reviews.shop.svc', 'reviews.shop', '10.96.0.5'],
          routes: [
            {
              ...{ name: 'jason', ...made('virtual-service', 'reviews') },
              match: {
                prefix: '/api',
                case_sensitive: true,
                headers: [
                  { name: 'end-user', string_match: { exact: 'jason' } },
                  { name: ':method', string_match: { safe_regex: { regex: 'GET|HEAD' } } },
                  { name: 'x-old', present_match: true, invert_match: true },
                ],
                query_parameters: [{ name: 'page', string_match: { prefix: '1' } }],
              },
              route: to(clusterName('v2'), {
                request_mirror_policies: [
                  { cluster: clusterName(''), runtime_fraction: { default_value: { numerator: 10 } } },
                ],
              }),
              typed_per_filter_config: fault,
            },
            {
              match: { path_separated_prefix: '/old' },
              redirect: { host_redirect: 'new.example.com', https_redirect: true, response_code: 'FOUND' },
            },
            { match: { path: '/health' }, direct_response: { status: 200 } },
            { match: { safe_regex: { regex: '/v[0-9]+' } }, route: to(clusterName('v9'), { prefix_rewrite: '/' }) },
            { match: { prefix: '/' }, route: weighted, ...made('virtual-service', 'reviews') },
          ],
        },
        {
          ...{ name: 'allow_any', domains: ['*'] },
          routes: [
            { name: 'allow_any', match: { prefix: '/' }, route: { cluster: 'PassthroughCluster', timeout: '0s' } },
          ],
        },
      ],
    },
  ];
}

export const manager = (statPrefix: string, more: Json) =>
  network('http_connection_manager', 'HttpConnectionManager', {
    stat_prefix: statPrefix,
    ...more,
    http_filters: [httpFilter('cors', 'Cors'), httpFilter('fault', 'HTTPFault'), httpFilter('router', 'Router')],
  });
export const tcp = (cluster: string) => network('tcp_proxy', 'TcpProxy', { stat_prefix: cluster, cluster });
export const inspector = {
  name: 'envoy.filters.listener.tls_inspector',
  typed_config: { '@type': type('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector') },
};
export const httpInspector = {
  name: 'envoy.filters.listener.http_inspector',
  typed_config: { '@type': type('envoy.extensions.filters.listener.http_inspector.v3.HttpInspector') },
};
export const originalDst = {
  name: 'envoy.filters.listener.original_dst',
  typed_config: { '@type': type('envoy.extensions.filters.listener.original_dst.v3.OriginalDst') },
};
export const requireMutualTls = {
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': type('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext'),
    require_client_certificate: true,
    common_tls_context: {
      tls_certificate_sds_secret_configs: [sds('default')],
      combined_validation_context: {
        default_validation_context: {},
        validation_context_sds_secret_config: sds('ROOTCA'),
      },
    },
  },
};
const inboundRoutes = {
  route_config: {
    name: 'inbound|9080||',
    validate_clusters: false,
    virtual_hosts: [
      {
        ...{ name: 'inbound|http|9080', domains: ['*'] },
        routes: [{ name: 'default', match: { prefix: '/' }, route: { cluster: 'inbound|9080||', timeout: '0s' } }],
      },
    ],
  },
};

export function listeners(): Json[] {
  const toPort = (port: number, more: Json) => ({ destination_port: port, ...more });
  return [
    {
      ...{
        name: 'virtualOutbound',
        address: socket('0.0.0.0', 15_001),
        bind_to_port: false,
        traffic_direction: 'OUTBOUND',
      },
      use_original_dst: true,
      filter_chains: [
        {
          name: 'virtualOutbound-blackhole',
          filter_chain_match: { destination_port: 15_001 },
          filters: [tcp('BlackHoleCluster')],
        },
        { name: 'virtualOutbound-catchall-tcp', filters: [tcp('PassthroughCluster')] },
      ],
    },
    {
      ...{
        name: 'virtualInbound',
        address: socket('0.0.0.0', 15_006),
        bind_to_port: false,
        traffic_direction: 'INBOUND',
      },
      listener_filters: [originalDst, inspector],
      filter_chains: [
        {
          name: 'virtualInbound-blackhole',
          filter_chain_match: { destination_port: 15_006 },
          filters: [tcp('BlackHoleCluster')],
        },
        {
          name: '0.0.0.0_9080',
          filter_chain_match: toPort(9080, {
            transport_protocol: 'tls',
            application_protocols: ['istio', 'istio-http/1.1'],
          }),
          filters: [manager('inbound_0.0.0.0_9080', inboundRoutes)],
          transport_socket: requireMutualTls,
        },
        {
          name: '0.0.0.0_9080',
          filter_chain_match: toPort(9080, { transport_protocol: 'raw_buffer' }),
          filters: [manager('inbound_0.0.0.0_9080', inboundRoutes)],
        },
        {
          name: 'virtualInbound-catchall',
          filter_chain_match: { prefix_ranges: [{ address_prefix: '0.0.0.0', prefix_len: 0 }] },
          filters: [tcp('InboundPassthroughCluster')],
        },
      ],
    },
    {
      ...{ name: '0.0.0.0_9080', address: socket('0.0.0.0', 9080), bind_to_port: false, traffic_direction: 'OUTBOUND' },
      default_filter_chain: { name: 'PassthroughFilterChain', filters: [tcp('PassthroughCluster')] },
      filter_chains: [
        {
          filter_chain_match: { transport_protocol: 'raw_buffer', application_protocols: ['http/1.1', 'h2c'] },
          filters: [
            manager('outbound_0.0.0.0_9080', { rds: { config_source: rest('rds'), route_config_name: '9080' } }),
          ],
        },
      ],
    },
    {
      ...{
        name: '10.96.0.6_3306',
        address: socket('10.96.0.6', 3306),
        bind_to_port: false,
        traffic_direction: 'OUTBOUND',
      },
      filter_chains: [{ filters: [tcp(clusterName('', 'mysql.shop.svc.cluster.local', 3306))] }],
    },
  ];
}

/** One that asks for routes that never come. */
export function waitingListener(): Json {
  return {
    ...{ name: '0.0.0.0_7070', address: socket('0.0.0.0', 7070), bind_to_port: false, traffic_direction: 'OUTBOUND' },
    filter_chains: [
      {
        filters: [manager('outbound_0.0.0.0_7070', { rds: { config_source: rest('rds'), route_config_name: '7070' } })],
      },
    ],
  };
}

/** Listeners that take connections: requests to a cluster, and connections that nobody takes. */
export function openListeners(ports: { http: number; nowhere: number; kept: number }, cluster: string): Json[] {
  const at = (name: string, port: number, filter: Json) => ({
    ...{ name, address: socket('127.0.0.1', port), traffic_direction: 'OUTBOUND' },
    filter_chains: [{ filters: [filter] }],
  });
  const routes = [{ match: { prefix: '/' }, route: { cluster } }];
  const virtual_hosts = [{ name: 'all', domains: ['*'], routes }];
  return [
    at('http', ports.http, manager('open', { route_config: { name: 'open', virtual_hosts } })),
    at('nowhere', ports.nowhere, tcp('BlackHoleCluster')),
    at('kept', ports.kept, tcp('rest-xds')),
  ];
}

/** @param pairs name → PEM texts. */
export function secrets(pairs: Record<string, { certificate: string; key?: string }>): Json[] {
  const bytes = (pem: string) => ({ inline_bytes: Buffer.from(pem).toString('base64') });
  return Object.entries(pairs).map(([name, { certificate, key }]) =>
    key === undefined
      ? { name, validation_context: { trusted_ca: bytes(certificate) } }
      : { name, tls_certificate: { certificate_chain: bytes(certificate), private_key: bytes(key) } },
  );
}
