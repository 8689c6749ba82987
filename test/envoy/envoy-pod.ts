/** A pod whose ports are those of processes on this machine: what reads a proxy reads a real Envoy through it. */
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Pod } from '../../mesh/kubernetes.ts';
import { ClusterFailure, type Cluster } from '../../extension/cluster/cluster.ts';

export const istiod: Pod = {
  metadata: { namespace: 'istio-system', name: 'istiod-7f5c-abc', labels: { app: 'istiod' } },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
};

/** @param adminPort as `proxyAdminPort` has moved it. */
export function sidecarPod(adminPort: number): Pod {
  const env = [
    { name: 'CA_ADDR', value: 'istiod.istio-system.svc:15012' },
    { name: 'PROXY_CONFIG', value: JSON.stringify({ proxyAdminPort: adminPort }) },
  ];
  return {
    metadata: { namespace: 'shop', name: 'reviews-1' },
    spec: {
      nodeName: 'worker',
      containers: [{ name: 'app' }, { name: 'istio-proxy', args: ['proxy', 'sidecar'], env }],
    },
    status: { phase: 'Running' },
  };
}

export interface LocalCluster {
  /** `reviews-1:15004` → port on loopback. Others are closed. */
  ports: Record<string, number>;
  pods?: Pod[];
  log?: () => string;
  /** What a command in a container answers; absent: it cannot be run. */
  exec?: (command: string[]) => Promise<{ stdout: string; exitCode: number }>;
  /** Said instead of forwarding any port. */
  refusal?: ClusterFailure;
}

/** Only what reading a proxy needs. */
export function localCluster({ ports, pods = [], log = () => '', exec, refusal }: LocalCluster): Cluster {
  const closed = (port: number) =>
    new ClusterFailure('unreachable', `nothing answers on port ${port} in the pod: connection refused`, 'Check.');
  const cluster = {
    context: { id: 'test', name: 'local', kind: 'kubeconfig' },
    list: (_: unknown, { namespace, labelSelector }: { namespace?: string; labelSelector?: string }) => {
      const [, app] = (labelSelector ?? '').split('=');
      const items = pods.filter(
        ({ metadata }) =>
          metadata?.labels?.app === app && (namespace === undefined || metadata?.namespace === namespace),
      );
      return Promise.resolve({ items, resourceVersion: '1' });
    },
    streamLog: async (_: unknown, { onText }: { onText: (text: string) => void }) => onText(log()),
    exec: (_: unknown, command: string[]) => exec?.(command) ?? Promise.reject(new Error('no exec')),
    openPort: ({ name }: { name: string }, port: number): Promise<Duplex> => {
      if (refusal) return Promise.reject(refusal);
      const local = ports[`${name}:${port}`];
      if (local === undefined) return Promise.reject(closed(port));
      return new Promise((resolve, reject) => {
        const socket = connect({ host: '127.0.0.1', port: local, allowHalfOpen: true });
        socket.once('connect', () => resolve(socket)).once('error', () => reject(closed(port)));
      });
    },
  };
  return cluster as unknown as Cluster;
}
