/** A large cluster in an API server alone: nodes that are none, and pods on them that nobody runs. */
import type { ApiServer } from './api-server.ts';

export interface ManyPods {
  pods: number;
  nodes: number;
  namespaces: number;
  /** Of a Deployment. */
  replicas?: number;
  /** Creating requests at a time. */
  atOnce?: number;
}

interface Kept {
  metadata: { name: string; namespace: string; uid: string };
}

export const namespaceOf = (index: number, { namespaces }: ManyPods) => `team-${index % namespaces}`;
export const nameOf = (index: number) => `web-${String(index).padStart(5, '0')}`;

/** Fills the server. A pod is written twice (its status is a request of its own), a Deployment and its ReplicaSet once. */
export async function fillCluster(api: ApiServer, size: ManyPods): Promise<void> {
  const { replicas = 10 } = size;
  const count = (total: number) => Array.from({ length: total }, (_, index) => index);
  await inParallel(count(size.nodes), size, (index) =>
    api.create('/api/v1/nodes', { metadata: { name: `node-${index}`, labels: { pool: 'made-up' } } }),
  );
  await inParallel(count(size.namespaces), size, async (index) => {
    const name = `team-${index}`;
    await api.create('/api/v1/namespaces', { metadata: { name, labels: { 'istio-injection': 'enabled' } } });
    await api.create(`/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } });
  });
  const perNamespace = Math.ceil(size.pods / size.namespaces / replicas);
  await inParallel(count(size.namespaces * perNamespace), size, (index) =>
    createDeployment(api, `team-${index % size.namespaces}`, `web-${Math.floor(index / size.namespaces)}`, replicas),
  );
  await inParallel(count(size.pods), size, (index) => createPod(api, index, size));
}

/** What a rollout does to a pod: its status changes. */
export async function touchPod(api: ApiServer, index: number, size: ManyPods, ready: boolean): Promise<void> {
  const path = `/api/v1/namespaces/${namespaceOf(index, size)}/pods/${nameOf(index)}/status`;
  const body = JSON.stringify({ status: podStatus(ready) });
  const { status, message } = await api.send('PATCH', path, body, 'application/strategic-merge-patch+json');
  if (status >= 300) throw new Error(message);
}

async function createDeployment(api: ApiServer, namespace: string, name: string, replicas: number): Promise<void> {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: podSpec() };
  const spec = { replicas, selector: { matchLabels: labels }, template };
  const group = `/apis/apps/v1/namespaces/${namespace}`;
  const answer = await api.send('POST', `${group}/deployments`, JSON.stringify({ metadata: { name }, spec }));
  if (answer.status >= 300) throw new Error(answer.message);
  const { metadata } = JSON.parse(answer.text) as Kept;
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name, uid: metadata.uid, controller: true };
  await api.create(`${group}/replicasets`, {
    metadata: { name: `${name}-7d4b9c`, labels, ownerReferences: [owner] },
    spec,
  });
}

async function createPod(api: ApiServer, index: number, size: ManyPods): Promise<void> {
  const { replicas = 10, namespaces, nodes } = size;
  const namespace = namespaceOf(index, size);
  const app = `web-${Math.floor(index / namespaces / replicas)}`;
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    name: `${app}-7d4b9c`,
    uid: `uid-${app}`,
    controller: true,
  };
  const path = `/api/v1/namespaces/${namespace}/pods`;
  await api.create(path, {
    metadata: {
      name: nameOf(index),
      labels: { app, 'pod-template-hash': '7d4b9c', 'security.istio.io/tlsMode': 'istio' },
      annotations: {
        'sidecar.istio.io/status': '{"initContainers":null,"containers":["istio-proxy"],"revision":"default"}',
      },
      ownerReferences: [owner],
    },
    spec: { ...podSpec(), nodeName: `node-${index % nodes}` },
  });
  await touchPod(api, index, size, true);
}

/** Of the size that an injected pod has. */
function podSpec(): object {
  const env = Array.from({ length: 20 }, (_, at) => ({ name: `ISTIO_META_${at}`, value: `{"a":"${'x'.repeat(60)}"}` }));
  const probe = { httpGet: { path: '/healthz/ready', port: 15021 }, periodSeconds: 15, failureThreshold: 4 };
  return {
    automountServiceAccountToken: false,
    initContainers: [
      {
        name: 'istio-init',
        image: 'docker.io/istio/proxyv2:1.27.0',
        args: ['istio-iptables', '-p', '15001', '-z', '15006', '-u', '1337', '-m', 'REDIRECT', '-i', '*', '-b', '*'],
        securityContext: { capabilities: { add: ['NET_ADMIN', 'NET_RAW'] } },
      },
    ],
    containers: [
      {
        name: 'istio-proxy',
        image: 'docker.io/istio/proxyv2:1.27.0',
        args: ['proxy', 'sidecar'],
        env,
        readinessProbe: probe,
      },
      { name: 'app', image: 'registry.example/app:1', ports: [{ containerPort: 8080 }], readinessProbe: probe },
    ],
    volumes: ['workload-socket', 'credential-socket', 'istio-envoy', 'istio-data'].map((name) => ({
      name,
      emptyDir: {},
    })),
  };
}

function podStatus(ready: boolean): object {
  const status = (name: string) => ({
    ...{ name, image: name, imageID: name, ready, restartCount: 0, started: ready },
    state: ready ? { running: { startedAt: '2026-01-01T00:00:00Z' } } : { waiting: { reason: 'CrashLoopBackOff' } },
  });
  return {
    phase: 'Running',
    podIP: '10.0.0.1',
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    initContainerStatuses: [
      {
        ...status('istio-init'),
        ready: true,
        state: { terminated: { exitCode: 0, reason: 'Completed', containerID: 'a' } },
      },
    ],
    containerStatuses: [status('istio-proxy'), status('app')],
  };
}

async function inParallel<T>(
  items: T[],
  { atOnce = 16 }: ManyPods,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of left) await work(item);
    }),
  );
}
