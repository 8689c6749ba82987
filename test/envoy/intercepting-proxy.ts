/** The two listeners through which a sidecar gets its traffic, as istiod writes them, each with a line in a log for each connection. */
import { execFileSync } from 'node:child_process';
import { addresses } from '../netns/connection-lab.ts';
import { originalDst, socket } from './istio-shape.ts';

type Json = Record<string, unknown>;
const type = (name: string) => `type.googleapis.com/${name}`;

/** A service whose only endpoint is the pod itself. */
export const passthrough = {
  '4': { service: '192.0.2.99', own: `${addresses['4'].pod}:8080` },
  '6': { service: '2001:db8:9::99', own: `[${addresses['6'].pod}]:8080` },
} as const;

export function bootstrap(mode: 'REDIRECT' | 'TPROXY', log: string): Json {
  return {
    node: { id: 'sidecar~10.77.0.2~app-1.shop~shop.svc.cluster.local', cluster: 'app.shop' },
    admin: { address: socket('127.0.0.1', 15_000) },
    static_resources: { listeners: [outbound(log), inbound(mode, log)], clusters: clusters(mode) },
  };
}

/** Ports on which somebody listens in a network namespace, each as often as there are sockets. */
export function listening(netns: string): number[] {
  const lines = execFileSync('ip', ['netns', 'exec', netns, 'ss', '-Hltn'], { encoding: 'utf8' }).split('\n');
  return lines.map((line) => Number(/:(\d+)\s/.exec(line)?.[1]));
}

const everywhere = (port: number) => ({
  address: socket('0.0.0.0', port),
  additional_addresses: [{ address: socket('::', port) }],
});

const tcp = (listener: string, cluster: string, log: string) => ({
  name: 'envoy.filters.network.tcp_proxy',
  typed_config: {
    '@type': type('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy'),
    stat_prefix: cluster,
    cluster,
    access_log: [
      {
        name: 'envoy.access_loggers.file',
        typed_config: {
          '@type': type('envoy.extensions.access_loggers.file.v3.FileAccessLog'),
          path: log,
          log_format: {
            json_format: {
              listener,
              original: '%DOWNSTREAM_LOCAL_ADDRESS%',
              from: '%UPSTREAM_LOCAL_ADDRESS%',
              client: '%DOWNSTREAM_REMOTE_ADDRESS%',
            },
          },
        },
      },
    ],
  },
});

const range = (address: string, length: number) => ({
  prefix_ranges: [{ address_prefix: address, prefix_len: length }],
});

function outbound(log: string): Json {
  return {
    ...{ name: 'virtualOutbound', ...everywhere(15_001), traffic_direction: 'OUTBOUND', use_original_dst: true },
    filter_chains: [
      {
        name: 'loop',
        filter_chain_match: { destination_port: 15_001 },
        filters: [tcp('outbound', 'BlackHoleCluster', log)],
      },
      {
        name: 'own-4',
        filter_chain_match: range(passthrough['4'].service, 32),
        filters: [tcp('outbound', 'own-4', log)],
      },
      {
        name: 'own-6',
        filter_chain_match: range(passthrough['6'].service, 128),
        filters: [tcp('outbound', 'own-6', log)],
      },
      { name: 'rest', filters: [tcp('outbound', 'PassthroughCluster', log)] },
    ],
  };
}

function inbound(mode: 'REDIRECT' | 'TPROXY', log: string): Json {
  // With TPROXY the application sees its client's address: Envoy calls it from there, and marks the packets as its own.
  const originalSrc = {
    name: 'envoy.filters.listener.original_src',
    typed_config: { '@type': type('envoy.extensions.filters.listener.original_src.v3.OriginalSrc'), mark: 1337 },
  };
  return {
    ...{ name: 'virtualInbound', ...everywhere(15_006), traffic_direction: 'INBOUND' },
    ...(mode === 'TPROXY' && { transparent: true }),
    listener_filters: mode === 'TPROXY' ? [originalDst, originalSrc] : [originalDst],
    filter_chains: [
      {
        name: 'loop',
        filter_chain_match: { destination_port: 15_006 },
        filters: [tcp('inbound', 'BlackHoleCluster', log)],
      },
      {
        name: 'rest-4',
        filter_chain_match: range('0.0.0.0', 0),
        filters: [tcp('inbound', 'InboundPassthroughClusterIpv4', log)],
      },
      {
        name: 'rest-6',
        filter_chain_match: range('::', 0),
        filters: [tcp('inbound', 'InboundPassthroughClusterIpv6', log)],
      },
    ],
  };
}

function clusters(mode: 'REDIRECT' | 'TPROXY'): Json[] {
  const original = (name: string, source?: string) => ({
    ...{ name, type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED', connect_timeout: '2s' },
    ...(source !== undefined &&
      mode === 'REDIRECT' && { upstream_bind_config: { source_address: { address: source, port_value: 0 } } }),
  });
  const own = (family: '4' | '6') => ({
    ...{ name: `own-${family}`, type: 'STATIC', connect_timeout: '2s' },
    load_assignment: {
      cluster_name: `own-${family}`,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(addresses[family].pod, 8080) } }] }],
    },
  });
  return [
    { name: 'BlackHoleCluster', type: 'STATIC', connect_timeout: '2s' },
    original('PassthroughCluster'),
    original('InboundPassthroughClusterIpv4', addresses['4'].inbound),
    original('InboundPassthroughClusterIpv6', addresses['6'].inbound),
    ...[own('4'), own('6')],
  ];
}
