/** What istiod makes of the demo shop's Services for the proxy of one of its pods. */
import type { KubernetesObject, Pod } from '../../mesh/kubernetes.ts';
import * as shape from './istio-shape.ts';
import type { Json } from './istio-shape.ts';

/** What istiod writes where nobody says when to try again. */
const retryOn = 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes';

type Objects = readonly { kind: string; metadata: { name?: string; namespace?: string } }[];

interface Service extends KubernetesObject {
  spec?: { clusterIP?: string; ports?: { name?: string; port?: number; targetPort?: number | string }[] };
}

interface EndpointSlice extends KubernetesObject {
  endpoints?: { addresses?: string[]; conditions?: { ready?: boolean } }[];
}

/** One port of one Service. */
interface Reached {
  host: string;
  name: string;
  namespace: string;
  ip: string;
  port: number;
  protocol: 'http' | 'tcp' | 'unknown';
  endpoints: { address: string; port: number; inMesh: boolean }[];
}

export class DemoShop {
  readonly #reached: Reached[];
  readonly #proxy: { name: string; namespace: string; ip: string; app: string };

  constructor(objects: Objects, proxy: { name: string; namespace: string; ip: string; app: string }) {
    this.#proxy = proxy;
    const of = <T>(kind: string) => objects.filter((one) => one.kind === kind) as unknown as T[];
    const meshed = new Set(
      of<Pod>('Pod')
        .filter(({ metadata }) => metadata?.labels?.['security.istio.io/tlsMode'] === 'istio')
        .map(({ status }) => status?.podIP),
    );
    const slices = of<EndpointSlice>('EndpointSlice');
    this.#reached = of<Service>('Service').flatMap(({ metadata, spec }) => {
      const { name = '', namespace = '' } = metadata ?? {};
      const own = slices.filter(
        (slice) =>
          slice.metadata?.namespace === namespace &&
          (slice.metadata?.labels?.['kubernetes.io/service-name'] ?? '') === name,
      );
      const ready = own.flatMap(({ endpoints = [] }) =>
        endpoints.filter(({ conditions }) => conditions?.ready !== false),
      );
      const addresses = ready.flatMap((endpoint) => endpoint.addresses ?? []);
      return (spec?.ports ?? []).map((port): Reached => ({
        ...{ name, namespace, host: `${name}.${namespace}.svc.cluster.local` },
        ip: spec?.clusterIP ?? '',
        port: port.port ?? 0,
        protocol: protocolOf(port.name ?? ''),
        endpoints: addresses.map((address) => ({
          ...{ address, port: Number(port.targetPort ?? port.port), inMesh: meshed.has(address) },
        })),
      }));
    });
  }

  /** Of every pod, once. */
  get addresses(): string[] {
    return [...new Set(this.pods.map(({ address }) => address))];
  }

  get pods(): Reached['endpoints'] {
    const all = this.#reached.filter(({ namespace }) => namespace === 'shop').flatMap(({ endpoints }) => endpoints);
    return [...new Map(all.map((one) => [`${one.address}:${one.port}`, one])).values()];
  }

  clusterIpOf(name: string): string {
    return this.#reached.find((one) => one.name === name)!.ip;
  }

  clusters(): Json[] {
    const inbound = {
      ...{ name: 'inbound|9080||', type: 'ORIGINAL_DST', connect_timeout: '10s', lb_policy: 'CLUSTER_PROVIDED' },
      upstream_bind_config: { source_address: { address: '127.0.0.6', port_value: 0 } },
    };
    return [...this.#reached.map((one) => clusterOf(one)), inbound, ...shape.passthroughClusters];
  }

  endpoints(): Json[] {
    return this.#reached.map((one) => ({
      cluster_name: nameOf(one),
      endpoints: [
        {
          locality: {},
          lb_endpoints: one.endpoints.map(({ address, port, inMesh }) => ({
            endpoint: { address: shape.socket(address, port) },
            load_balancing_weight: 1,
            ...(inMesh && {
              metadata: { filter_metadata: { 'envoy.transport_socket_match': { tlsMode: 'istio' } } },
            }),
          })),
        },
      ].filter(({ lb_endpoints }) => lb_endpoints.length > 0),
    }));
  }

  routes(): Json[] {
    const http = this.#reached.filter(({ protocol }) => protocol === 'http');
    const ports = [...new Set(http.map(({ port }) => port))];
    const unknown = this.#reached.filter(({ protocol }) => protocol === 'unknown');
    return [
      ...ports.map((port) =>
        this.#routesOf(
          String(port),
          http.filter((one) => one.port === port),
        ),
      ),
      ...unknown.map((one) => this.#routesOf(`${one.host}:${one.port}`, [one])),
    ];
  }

  #routesOf(name: string, reached: Reached[]): Json {
    const virtual_hosts = reached.map((one) => ({
      name: `${one.host}:${one.port}`,
      domains: this.#domainsOf(one),
      include_request_attempt_count: true,
      routes: [
        {
          ...{ name: 'default', match: { prefix: '/' } },
          route: {
            cluster: nameOf(one),
            timeout: '0s',
            retry_policy: { ...shape.retry, retry_on: retryOn, retriable_status_codes: [503] },
          },
          decorator: { operation: `${one.host}:${one.port}/*` },
        },
      ],
    }));
    const passthrough = { cluster: 'PassthroughCluster', timeout: '0s' };
    const allowAny = {
      ...{ name: 'allow_any', domains: ['*'] },
      routes: [{ name: 'allow_any', match: { prefix: '/' }, route: passthrough }],
    };
    return {
      name,
      validate_clusters: false,
      ignore_port_in_host_matching: true,
      virtual_hosts: [...virtual_hosts, ...(name.includes(':') ? [] : [allowAny])],
    };
  }

  #domainsOf({ host, name, namespace, ip, protocol }: Reached): string[] {
    if (protocol === 'unknown') return ['*'];
    const near = namespace === this.#proxy.namespace ? [name] : [];
    return [host, ...near, `${name}.${namespace}.svc`, `${name}.${namespace}`, ip];
  }

  listeners(): Json[] {
    const [outbound, inbound] = shape.listeners();
    const http = [...new Set(this.#reached.filter(({ protocol }) => protocol === 'http').map(({ port }) => port))];
    const own = this.#reached.filter(({ protocol }) => protocol !== 'http');
    return [
      // Unlike the others these two take connections.
      { ...outbound, bind_to_port: true },
      { ...inbound, bind_to_port: true },
      ...http.map((port) =>
        listener(`0.0.0.0_${port}`, '0.0.0.0', port, [byRoutes(String(port), port)], 'PassthroughCluster'),
      ),
      ...own.map((one) => {
        const name = `${one.ip}_${one.port}`;
        return one.protocol === 'tcp'
          ? { ...listener(name, one.ip, one.port, [{ filters: [shape.tcp(nameOf(one))] }]) }
          : listener(name, one.ip, one.port, [byRoutes(`${one.host}:${one.port}`, one.port)], nameOf(one));
      }),
    ];
  }

  bootstrap(plane: { rest: number; grpc: number }): Json {
    const { name, namespace, ip, app } = this.#proxy;
    const made = shape.bootstrap({
      admin: { address: '127.0.0.1', port: 15_000 },
      plane,
      listeners: [
        agentListener('0.0.0.0_15021', 15_021, '/healthz/ready', 'agent'),
        agentListener('0.0.0.0_15090', 15_090, '/stats/prometheus', 'prometheus_stats'),
      ],
      clusters: [
        {
          ...{ name: 'agent', type: 'STATIC', connect_timeout: '1s' },
          load_assignment: {
            cluster_name: 'agent',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: shape.socket('127.0.0.1', 15_020) } }] }],
          },
        },
      ],
    });
    const node = {
      id: `sidecar~${ip}~${name}.${namespace}~${namespace}.svc.cluster.local`,
      cluster: `${app}.${namespace}`,
      metadata: {
        ...{ ISTIO_VERSION: '1.29.0', INTERCEPTION_MODE: 'REDIRECT', MESH_ID: 'cluster.local' },
        PROXY_CONFIG: { discoveryAddress: 'istiod.istio-system.svc:15012' },
      },
    };
    return { ...made, node };
  }
}

function nameOf({ port, host }: Reached): string {
  return shape.clusterName('', host, port);
}

/** The DestinationRule of ratings: plaintext, and who fails five times is taken out. */
function clusterOf(one: Reached): Json {
  if (one.host !== 'ratings.shop.svc.cluster.local')
    return shape.edsCluster(nameOf(one), { metadata: metadataOf(one) });
  const { metadata: rule } = shape.made('destination-rule', 'ratings');
  return shape.edsCluster(nameOf(one), {
    transport_socket_matches: undefined,
    outlier_detection: { consecutive_5xx: 5, base_ejection_time: '30s', max_ejection_percent: 100 },
    metadata: {
      filter_metadata: { istio: { ...rule.filter_metadata.istio, ...metadataOf(one).filter_metadata.istio } },
    },
  });
}

function metadataOf({ host, name, namespace }: Reached) {
  return { filter_metadata: { istio: { services: [{ host, name, namespace }] } } };
}

function listener(name: string, address: string, port: number, filter_chains: Json[], otherwise?: string): Json {
  return {
    ...{ name, address: shape.socket(address, port), bind_to_port: false, traffic_direction: 'OUTBOUND' },
    ...(otherwise !== undefined && {
      default_filter_chain: { name: 'PassthroughFilterChain', filters: [shape.tcp(otherwise)] },
      listener_filters: [shape.inspector, shape.httpInspector],
    }),
    filter_chains,
  };
}

function byRoutes(routes: string, port: number): Json {
  return {
    filter_chain_match: { transport_protocol: 'raw_buffer', application_protocols: ['http/1.1', 'h2c'] },
    filters: [
      shape.manager(`outbound_0.0.0.0_${port}`, {
        rds: { config_source: shape.rest('rds'), route_config_name: routes },
      }),
    ],
  };
}

function agentListener(name: string, port: number, prefix: string, cluster: string): Json {
  const virtual_hosts = [{ name: 'backend', domains: ['*'], routes: [{ match: { prefix }, route: { cluster } }] }];
  return {
    ...{ name, address: shape.socket('0.0.0.0', port) },
    filter_chains: [{ filters: [shape.manager('agent', { route_config: { virtual_hosts } })] }],
  };
}

/** A name of a port says what is spoken there; one that says nothing is listened to. */
function protocolOf(name: string): Reached['protocol'] {
  const [first = ''] = name.split('-');
  if (['http', 'http2', 'grpc'].includes(first)) return 'http';
  return ['tcp', 'tls', 'https'].includes(first) ? 'tcp' : 'unknown';
}
