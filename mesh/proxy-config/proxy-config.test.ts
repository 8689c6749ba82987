import { describe, expect, it } from 'vitest';
import { describeProxyConfig, mostRows } from './describe-proxy-config.ts';
import { findProblems } from './find-proxy-problems.ts';
import { parseCertificates, parseClusterStatuses, parseConfigDump, splitClusterName } from './parse-proxy-config.ts';
import { findSync } from './parse-sync.ts';
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

  it('of ztunnel is read, too', () => {
    const config = parseConfigDump({
      services: { a: { namespace: 'shop', hostname: 'reviews.shop.svc', ports: { 9080: 9080 } } },
      workloads: [
        { namespace: 'shop', name: 'reviews-1', workloadIps: ['10.0.0.1'], status: 'Healthy', protocol: 'HBONE' },
      ],
      certificates: [
        { identity: 'spiffe://x', state: 'Available', certChain: [{ expirationTime: '2026-11-22T00:00:00Z' }] },
      ],
    });
    expect(config).toMatchObject({
      proxy: 'ztunnel',
      ztunnel: {
        workloads: [{ name: 'shop/reviews-1', status: 'Healthy', protocol: 'HBONE' }],
        services: [{ host: 'reviews.shop.svc', ports: ['9080 → 9080'] }],
        certificates: [{ state: 'Available' }],
      },
    });
  });

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
