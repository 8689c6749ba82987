import { describe, expect, it } from 'vitest';
import { describeProxyConfig, mostRows } from './describe-proxy-config.ts';
import { describeTraffic } from './describe-traffic.ts';
import { findProblems } from './find-proxy-problems.ts';
import { parseCertificates, parseClusterStatuses, parseConfigDump, splitClusterName } from './parse-proxy-config.ts';
import { pagesOf } from './pages.ts';
import { parsePrometheus, parseStats } from './parse-proxy-stats.ts';
import { parseLoggers, parseServer, parseUnready } from './parse-server.ts';
import { findRefusals, findSync } from './parse-sync.ts';
import type { ProxyReport } from './report.ts';

const type = (name: string) => `type.googleapis.com/envoy.admin.v3.${name}`;
const socket = (address: string, port: number) => ({ socket_address: { address, port_value: port } });

/** As Envoy 1.3x prints it, with Istio's names. */
const dump = {
  configs: [
    {
      '@type': type('BootstrapConfigDump'),
      bootstrap: { node: { id: 'sidecar~10.0.0.7~reviews-1.shop~shop.svc.cluster.local' } },
    },
    {
      '@type': type('ClustersConfigDump'),
      static_clusters: [{ cluster: { name: 'xds-grpc', type: 'STATIC' }, last_updated: '2026-11-21T08:00:00Z' }],
      dynamic_active_clusters: [
        {
          version_info: '2026-11-21T09:00:00Z/7',
          last_updated: '2026-11-21T09:00:01.5Z',
          cluster: {
            name: 'outbound|9080|v1|ratings.shop.svc.cluster.local',
            type: 'EDS',
            transport_socket_matches: [
              {
                name: 'tlsMode-istio',
                transport_socket: {
                  name: 'envoy.transport_sockets.tls',
                  typed_config: { common_tls_context: { alpn_protocols: ['istio-peer-exchange', 'istio'] } },
                },
              },
              { name: 'tlsMode-disabled', transport_socket: { name: 'envoy.transport_sockets.raw_buffer' } },
            ],
          },
        },
      ],
      dynamic_warming_clusters: [{ cluster: { name: 'outbound|80||late.shop.svc.cluster.local', type: 'EDS' } }],
    },
    {
      '@type': type('ListenersConfigDump'),
      dynamic_listeners: [
        {
          name: 'virtualInbound',
          active_state: {
            version_info: '2026-11-21T09:00:00Z/7',
            last_updated: '2026-11-21T09:00:02Z',
            listener: {
              name: 'virtualInbound',
              address: socket('0.0.0.0', 15006),
              traffic_direction: 'INBOUND',
              filter_chains: [{ filters: [{ typed_config: { route_config: { name: 'inbound|9080||' } } }] }],
            },
          },
          error_state: { details: 'duplicate address' },
        },
      ],
    },
    {
      '@type': type('RoutesConfigDump'),
      dynamic_route_configs: [
        {
          version_info: '2026-11-21T09:00:00Z/7',
          route_config: {
            name: '9080',
            virtual_hosts: [
              {
                name: 'ratings:9080',
                domains: ['ratings', 'ratings.shop', 'ratings.shop.svc', '10.1.1.1'],
                routes: [
                  {
                    match: { prefix: '/v2' },
                    route: {
                      weighted_clusters: {
                        clusters: [
                          { name: 'a', weight: 90 },
                          { name: 'b', weight: 10 },
                        ],
                      },
                    },
                  },
                  {
                    match: { prefix: '/', headers: [{ name: 'end-user' }] },
                    route: { cluster: 'outbound|9080|v1|ratings.shop.svc.cluster.local' },
                  },
                  { match: { safe_regex: { regex: '/x|y' } }, redirect: { host_redirect: 'other' } },
                ],
              },
            ],
          },
        },
      ],
    },
    {
      '@type': type('EndpointsConfigDump'),
      dynamic_endpoint_configs: [
        {
          endpoint_config: {
            cluster_name: 'outbound|9080|v1|ratings.shop.svc.cluster.local',
            endpoints: [
              {
                lb_endpoints: [
                  {
                    endpoint: { address: socket('fd00::1', 9080) },
                    health_status: 'HEALTHY',
                    load_balancing_weight: 1,
                  },
                ],
              },
            ],
          },
        },
      ],
    },
    {
      '@type': type('SecretsConfigDump'),
      dynamic_active_secrets: [
        { name: 'default', secret: { tls_certificate: {} }, last_updated: '2026-11-21T08:00:00Z' },
      ],
      dynamic_warming_secrets: [{ name: 'kubernetes://edge', secret: {} }],
    },
  ],
};

const report = (more: Partial<ProxyReport> = {}): ProxyReport => ({
  subject: 'Pod shop/reviews-1',
  cluster: 'kind-mesh',
  config: parseConfigDump(dump),
  certificates: [],
  sync: { unknown: 'no rights' },
  missing: [],
  now: '2026-11-21T10:00:00Z',
  ...more,
});

describe('a config dump', () => {
  it('is read into listeners, routes, clusters, endpoints and secrets', () => {
    const { listeners, routes, clusters, endpoints, secrets, versions, bootstrap } = parseConfigDump(dump);
    expect(bootstrap.node).toContain('reviews-1.shop');
    expect(listeners).toMatchObject([
      {
        address: '0.0.0.0:15006',
        direction: 'inbound',
        chains: [{ route: 'inbound|9080||' }],
        rejected: 'duplicate address',
      },
    ]);
    expect(routes.map(({ match, target }) => [match, target])).toEqual([
      ['/v2*', 'a 90, b 10'],
      ['/*, header end-user', 'outbound|9080|v1|ratings.shop.svc.cluster.local'],
      ['~ /x|y', 'redirect other'],
    ]);
    expect(clusters.map(({ host, port, subset, tls, state }) => [host, port, subset, tls, state])).toEqual([
      ['ratings.shop.svc.cluster.local', '9080', 'v1', 'mTLS / plaintext', 'active'],
      ['late.shop.svc.cluster.local', '80', '', 'plaintext', 'warming'],
      ['xds-grpc', '', '', 'plaintext', 'static'],
    ]);
    expect(endpoints).toMatchObject([{ address: '[fd00::1]:9080', health: 'HEALTHY', weight: '1' }]);
    expect(secrets.map(({ name, state }) => [name, state])).toEqual([
      ['default', 'active'],
      ['kubernetes://edge', 'warming'],
    ]);
    expect(versions.map(({ kind, version }) => [kind, version])).toContainEqual(['clusters', '2026-11-21T09:00:00Z/7']);
  });

  it.each([
    null,
    5,
    [],
    {},
    { configs: 7 },
    {
      configs: [
        null,
        { '@type': 5 },
        { '@type': type('ListenersConfigDump'), dynamic_listeners: [null, { active_state: 3 }] },
      ],
    },
  ])('that is nonsense (%j) is no error', (nonsense) => expect(() => parseConfigDump(nonsense)).not.toThrow());

  it('names clusters by Istio’s parts', () => {
    expect(splitClusterName('outbound_.80_._.a.b.svc')).toEqual({
      direction: 'outbound',
      port: '80',
      subset: '',
      host: 'a.b.svc',
    });
    expect(splitClusterName('BlackHoleCluster').host).toBe('BlackHoleCluster');
  });
});

describe('the page', () => {
  it('puts what is wrong first', () => {
    const certificates = parseCertificates({
      certificates: [1, 2].map(() => ({
        cert_chain: [
          {
            serial_number: 'ab',
            subject_alt_names: [{ uri: 'spiffe://cluster.local/ns/shop/sa/reviews' }],
            expiration_time: '2026-11-21T10:30:00Z',
          },
        ],
        ca_cert: [{ serial_number: 'cd', expiration_time: '2026-11-19T09:00:00Z' }],
      })),
    });
    expect(certificates).toHaveLength(2);
    const sync = findSync(
      [{ proxy: 'reviews-1.shop', cluster_sent: 'a', cluster_acked: 'b', listener_sent: 'a', listener_acked: 'a' }],
      'reviews-1.shop',
    )!;
    expect(findProblems(report({ certificates, sync }))).toEqual([
      'Listener virtualInbound: the last change was refused (duplicate address).',
      'The certificate of spiffe://cluster.local/ns/shop/sa/reviews expires in 30 minutes.',
      'The certificate of an authority expired 2 days ago.',
      'istiod sent Clusters that the proxy has not acknowledged.',
      'Route /v2* of ratings:9080 leads to cluster a, which is not there: such requests get 503.',
      'Route /v2* of ratings:9080 leads to cluster b, which is not there: such requests get 503.',
      'Cluster outbound|80||late.shop.svc.cluster.local waits for its endpoints or certificates.',
      'Secret kubernetes://edge has not come: traffic that needs it is refused.',
      'No endpoint at all, requests get 503 (1): xds-grpc',
    ]);
    expect(describeProxyConfig(report({ certificates, sync }), 'overview')).toContain('⚠ sent, not acknowledged');
  });

  it('filters by words and says how many there are', () => {
    const page = describeProxyConfig(report(), 'routes', 'END-user ratings');
    expect(page).toContain('1 of 3 contain “END-user ratings”');
    expect(page).not.toContain('redirect');
  });

  it('stays readable with a hundred thousand endpoints, and literal with hostile names', () => {
    const hosts = Array.from({ length: 100_000 }, (_, index) => ({ address: socket(`10.0.0.${index}`, 80) }));
    const endpoints = parseClusterStatuses({
      cluster_statuses: [{ name: '[x](command:evil) | <img>', host_statuses: hosts }],
    });
    const page = describeProxyConfig(report({ endpoints }), 'endpoints');
    expect(page.split('\n').length).toBeLessThan(mostRows + 20);
    expect(page).toContain('100000 in all. The first 400 are shown');
    expect(page).not.toMatch(/[^\\]\]\(|<img/);
  });
});

describe('sentences', () => {
  const chain = (name: string, cluster: string) => ({
    name,
    filters: [{ name: 'envoy.filters.network.tcp_proxy', typed_config: { '@type': 'x.TcpProxy', cluster } }],
  });
  const read = (node: string, listener: object, routes: object[] = []) =>
    report({
      config: parseConfigDump({
        configs: [
          { '@type': type('BootstrapConfigDump'), bootstrap: { node: { id: node } } },
          { '@type': type('ListenersConfigDump'), dynamic_listeners: [{ active_state: { listener } }] },
          {
            '@type': type('RoutesConfigDump'),
            dynamic_route_configs: [
              { version_info: '1', route_config: { name: 'https.443.web.gw.shop', virtual_hosts: routes } },
            ],
          },
          {
            '@type': type('ClustersConfigDump'),
            dynamic_active_clusters: ['outbound|80||a.shop.svc', 'inbound-vip|9080|http/v1|reviews.shop.svc'].map(
              (name) => ({ cluster: { name, type: 'EDS' } }),
            ),
          },
        ],
      }),
      endpoints: [
        {
          cluster: 'outbound|80||a.shop.svc',
          address: '10.0.0.1:80',
          health: 'HEALTHY, failed_outlier_check',
          weight: '1',
          outlier: true,
          locality: '',
          priority: 0,
        },
      ],
    });

  it('of a gateway are about what comes from outside', () => {
    const tls = { name: 'envoy.transport_sockets.tls', typed_config: { require_client_certificate: true } };
    const manager = { typed_config: { rds: { route_config_name: 'https.443.web.gw.shop' }, http_filters: [] } };
    const listener = {
      ...{ name: '0.0.0.0_8443', address: socket('0.0.0.0', 8443), traffic_direction: 'OUTBOUND' },
      filter_chains: [
        { filter_chain_match: { server_names: ['shop.example'] }, filters: [manager], transport_socket: tls },
      ],
    };
    const routes = [
      {
        name: 'v',
        domains: ['shop.example', 'shop.example:*'],
        routes: [{ match: { prefix: '/' }, route: { cluster: 'outbound|80||a.shop.svc' } }],
      },
    ];
    expect(describeTraffic(read('router~10.0.0.9~gw.shop~shop.svc', listener, routes))).toEqual([
      'Port 8443, mTLS, host shop.example: a.shop.svc:80 (⚠ none of 1 endpoints healthy)',
    ]);
  });

  it('of a waypoint name its chains and subsets', () => {
    const listener = {
      ...{ name: 'main_internal', internal_listener: {}, traffic_direction: 'INBOUND', filter_chain_matcher: {} },
      filter_chains: [
        chain('inbound-vip|9080||reviews.shop.svc-tcp', 'inbound-vip|9080|http/v1|reviews.shop.svc'),
        chain('direct-tcp', 'encap'),
      ],
    };
    expect(describeTraffic(read('waypoint~10.0.0.9~w.shop~shop.svc', listener))).toEqual([
      'In (TCP), internal, inbound-vip|9080||reviews.shop.svc-tcp, plaintext: reviews.shop.svc:9080 subset v1 (⚠ no endpoint)',
      'In (TCP), internal, direct-tcp, plaintext: ⚠ encap, which is not there',
    ]);
  });
});

describe('what istiod says', () => {
  it('is found in the newer shape, too', () => {
    const entry = {
      node: { id: 'sidecar~10.0.0.7~reviews-1.shop~shop.svc.cluster.local', metadata: { ISTIO_VERSION: '1.29.0' } },
      generic_xds_configs: [
        { type_url: 'type.googleapis.com/envoy.config.cluster.v3.Cluster', config_status: 'SYNCED' },
        { type_url: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration', config_status: 'ERROR' },
      ],
    };
    expect(findSync([null, entry], 'reviews-1.shop')).toEqual({
      states: { clusters: 'synced', routes: 'error' },
      istioVersion: '1.29.0',
    });
    expect(findSync([entry], 'other.shop')).toBeUndefined();
    expect(findSync({ error: 'x' }, 'x')).toBeUndefined();
  });
});

describe('what the proxy refused', () => {
  const type = 'type.googleapis.com/envoy.config';
  const line = (time: string, said: string) =>
    `2026-11-21T${time}Z\twarning\tenvoy config external/envoy/source/x.cc:138\t${said}\tthread=22\n`;

  it('is found in its log, the last of each kind, over several lines', () => {
    const log = [
      line('10:00:00.1', `gRPC config for ${type}.cluster.v3.Cluster rejected: the first`),
      line(
        '10:00:01.1',
        `delta config for ${type}.listener.v3.Listener rejected: Error adding/updating listener(s) a: x\nb: y`,
      ),
      '2026-11-21T10:00:02Z\tinfo\tads\tnothing rejected here\n',
      line('10:00:03.1', `gRPC config for ${type}.cluster.v3.Cluster rejected: the last`),
    ].join('');
    expect(findRefusals(log)).toEqual([
      { kind: 'clusters', why: 'the last', at: '2026-11-21T10:00:03.1Z' },
      { kind: 'listeners', why: 'Error adding/updating listener(s) a: x b: y', at: '2026-11-21T10:00:01.1Z' },
    ]);
  });

  it('is found in a log of JSON', () => {
    const entry = {
      level: 'warn',
      time: '2026-11-21T10:00:00Z',
      msg: `gRPC config for ${type}.route.v3.RouteConfiguration rejected: twice x`,
    };
    expect(findRefusals(`{"a":1}\n${JSON.stringify(entry)}\n{"half`)).toEqual([
      { kind: 'routes', why: 'twice x', at: entry.time },
    ]);
  });

  it('counts only where the control plane sends something, and until a later one is taken', () => {
    const stats = parseStats({
      stats: [
        { name: 'cluster_manager.cds.update_rejected', value: 2 },
        { name: 'cluster_manager.cds.update_time', value: Date.parse('2026-11-21T09:00:00Z') },
        { name: 'cluster.outbound|80||a.example.update_rejected', value: 3 },
        { name: 'cluster_manager.warming_clusters', value: 0 },
        { name: 'cluster.xds-grpc.upstream_cx_active', value: 0 },
        { name: 'cluster.PassthroughCluster;.upstream_cx_total', value: 7 },
        { name: 'istiocustom.istio_requests_total;.;destination_service_name=BlackHoleCluster;.;x', value: 4 },
      ],
    });
    expect(stats).toMatchObject({ connected: false, kinds: { clusters: { rejected: 2 } } });
    expect(stats.kinds.endpoints).toBeUndefined();
    const refusals = [{ kind: 'clusters' as const, why: 'no EDS', at: '2026-11-21T09:30:00Z' }];
    expect(findProblems(report({ stats, refusals })).join('\n')).toMatch(
      /no connection to its control plane[^]*no EDS[^]*4 connections or requests were refused[^]*7 connections or requests went out/,
    );
    const before = [{ ...refusals[0]!, at: '2026-11-21T08:30:00Z' }];
    expect(findProblems(report({ stats, refusals: before })).join()).not.toContain('no EDS');
    expect(findProblems(report({ stats })).join()).toContain('Clusters: the proxy refused 2 of what');
  });
});

describe('listeners', () => {
  it('that drain, that are internal, and those of the old API are read', () => {
    const listener = (name: string, more: object) => ({ name, address: socket('0.0.0.0', 80), ...more });
    const config = parseConfigDump({
      configs: [
        {
          '@type': 'type.googleapis.com/envoy.admin.v2alpha.ListenersConfigDump',
          dynamic_listeners: [
            { name: 'gone', draining_state: { listener: listener('gone', {}), last_updated: 'x' } },
            {
              name: 'main_internal',
              active_state: { listener: { name: 'main_internal', internal_listener: {} }, version_info: '3' },
            },
          ],
          static_listeners: [
            {
              listener: listener('old', {
                deprecated_v1: { bind_to_port: false },
                filter_chains: [
                  { tls_context: {}, filters: [{ name: 'envoy.tcp_proxy', config: { cluster: 'outbound|80||a.b' } }] },
                ],
              }),
            },
          ],
        },
      ],
    });
    expect(config.listeners).toMatchObject([
      { name: 'old', bound: false, chains: [{ tls: 'TLS', targets: [{ cluster: 'outbound|80||a.b' }] }] },
      { name: 'gone', state: 'draining' },
      { name: 'main_internal', address: 'internal', version: '3' },
    ]);
  });
});

describe('ztunnel', () => {
  const certificate = (expirationTime: string) => ({
    serialNumber: '7',
    validFrom: '2026-11-21T00:00:00Z',
    expirationTime,
  });
  const ztunnel = {
    version: { istioVersion: '1.29.0' },
    services: [
      {
        ...{
          namespace: 'shop',
          name: 'reviews',
          hostname: 'reviews.shop.svc.cluster.local',
          vips: ['north/10.96.0.5'],
        },
        ports: { 9080: 8080 },
        endpoints: { a: { workloadUid: 'Kubernetes//Pod/shop/reviews-1', status: 'Unhealthy' } },
        waypoint: { destination: 'north/10.96.0.9', hboneMtlsPort: 15008 },
      },
    ],
    workloads: [
      {
        ...{ uid: 'Kubernetes//Pod/shop/reviews-1', namespace: 'shop', name: 'reviews-1', workloadIps: ['10.0.0.1'] },
        ...{ protocol: 'HBONE', status: 'Unhealthy', serviceAccount: 'reviews', trustDomain: 'cluster.local' },
        ...{ node: 'worker', authorizationPolicies: ['shop/allow-front'] },
      },
    ],
    policies: [{ namespace: 'shop', name: 'allow-front', action: 'Allow', scope: 'WorkloadSelector', rules: [[]] }],
    certificates: [
      {
        identity: 'spiffe://cluster.local/ns/shop/sa/reviews',
        state: 'Available',
        certChain: [certificate('2026-11-22T00:00:00Z')],
      },
      { identity: 'spiffe://cluster.local/ns/shop/sa/other', state: { Unavailable: 'no CA' }, certChain: [] },
    ],
    workloadState: {
      u: {
        state: 'Up',
        info: { namespace: 'shop', name: 'reviews-1' },
        connections: { inbound: [{}, {}], outbound: [] },
      },
    },
  };

  it('is shown by workloads, services, policies and certificates', () => {
    const told = report({ config: parseConfigDump(ztunnel), onBehalfOf: 'shop/reviews-1', sync: { unknown: '' } });
    expect(findProblems(told)).toEqual([
      'The certificate of spiffe://cluster.local/ns/shop/sa/other is not there: Unavailable: no CA.',
      'Not healthy, and gets no connections (1): shop/reviews-1',
      'No endpoint is healthy (1): reviews.shop.svc.cluster.local',
    ]);
    const overview = describeProxyConfig(told, 'overview');
    expect(overview).toContain('shop/reviews-1 has no proxy of its own: this ztunnel, on its node, is its proxy.');
    expect(overview).toMatch(
      /HBONE: tunnels with mutual TLS[^]*expires in 14 hours[^]*reviews\.shop\.svc\.cluster\.local/,
    );
    expect(overview).toContain('| shop/reviews-1 | 2 | 0 |');
    expect(describeProxyConfig(told, 'services')).toContain('10.96.0.5 | 9080 → 8080 | 0/1 | 10.96.0.9');
    for (const page of pagesOf('ztunnel')) expect(describeProxyConfig(told, page)).not.toMatch(/undefined|\[object/);
    const stranger = describeProxyConfig({ ...told, onBehalfOf: 'shop/stranger' }, 'overview');
    expect(stranger).toContain('does not know shop/stranger');
  });

  it('of an older release has maps in place of lists', () => {
    const { workloads, services } = parseConfigDump({
      workloads: { '10.0.0.1': ztunnel.workloads[0] },
      services: { a: { ...ztunnel.services[0], endpoints: [] } },
    }).ztunnel!;
    expect([workloads.length, services[0]?.endpoints]).toEqual([1, 0]);
  });
});

describe('metrics', () => {
  it('of Istio’s agent tell the same', () => {
    const stats = parsePrometheus(
      [
        '# TYPE envoy_cluster_manager_cds_update_rejected counter',
        'envoy_cluster_manager_cds_update_rejected{} 2',
        'envoy_cluster_manager_cds_update_time{} 1795269487197',
        'envoy_http_rds_update_rejected{http_conn_manager_prefix="outbound_0.0.0.0_80",rds_route_config="80"} 1',
        'envoy_http_rds_update_time{http_conn_manager_prefix="outbound_0.0.0.0_80",rds_route_config="80"} 1795269487197',
        'envoy_cluster_upstream_cx_active{cluster_name="xds-grpc"} 0',
        'envoy_server_state{} 3',
        'istio_requests_total{reporter="source",destination_service_name="BlackHoleCluster",response_code="502"} 5',
        'istio_requests_total{reporter="source",destination_service_name="reviews"} 50',
        'go_goroutines 7',
      ].join('\n'),
    );
    expect(stats).toMatchObject({
      ...{ connected: false, state: 'INITIALIZING', unknownTraffic: [{ cluster: 'BlackHoleCluster', count: 5 }] },
      kinds: { clusters: { rejected: 2 }, routes: { refused: [{ name: '80' }] } },
    });
  });
});

describe('the smaller answers', () => {
  it('are read, of Envoy and of ztunnel', () => {
    expect(
      parseServer({ version: 'abc/1.40.0/Clean/RELEASE/BoringSSL', state: 'LIVE', uptime_current_epoch: '90s' }),
    ).toEqual({
      ...{ version: '1.40.0', state: 'LIVE', uptime: 90 },
    });
    expect(parseLoggers('active loggers:\n  admin: warning\n  rbac: debug\n')).toEqual({
      admin: 'warning',
      rbac: 'debug',
    });
    expect(parseLoggers('current log level is info\n')).toEqual({ ztunnel: 'info' });
    const dump = { unready_targets_dumps: [{ name: 'init manager Server', target_names: ['LDS'] }, { name: 'x' }] };
    expect(parseUnready(dump)).toEqual(['Server: LDS']);
    const server = { version: '1', state: 'INITIALIZING' };
    expect(findProblems(report({ server, waitsFor: parseUnready(dump) }))[0]).toContain('it waits for Server: LDS');
  });
});
