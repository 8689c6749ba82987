/** Consoles behind Services of an API server, over the real client: real HTTP servers stand in their pods. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubernetesObject, Pod } from '../../mesh/kubernetes.ts';
import { isReady } from '../actions/pod-targets.ts';
import { PortForward } from '../actions/port-forward.ts';
import { createClientNodeCluster } from '../cluster/client-node-cluster.ts';
import { ClusterFailure, resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { startTestServer, type TestServer } from '../demo/testing.ts';
import { pageOf } from './console-pages.ts';
import { subjectOf } from './console-subject.ts';
import { listConsoles, readConsole } from './read-console.ts';

let server: TestServer;
let cluster: Cluster & { dispose(): void };
const listening: Server[] = [];
const ports = new Map<string, number>();

/** Grafana's search and pages, under its root. */
async function listen(key: string, answer: (path: string) => string | undefined): Promise<void> {
  const http = createServer((request, response) => {
    const text = answer(request.url ?? '');
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(text ?? '');
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  listening.push(http);
  ports.set(key, (http.address() as AddressInfo).port);
}

const object = (kind: string, place: string, rest: object, apiVersion = 'v1') => {
  const [namespace, name] = place.split('/');
  return { apiVersion, kind, metadata: { namespace, name, labels: { app: name } }, ...rest } as KubernetesObject;
};

async function install(
  name: string,
  namespace: string,
  port: object,
  container: object,
  more: KubernetesObject[] = [],
) {
  const place = `${namespace}/${name}`;
  await cluster.apply(object('Service', place, { spec: { selector: { app: name }, ports: [port] } }));
  await cluster.apply(object('Pod', place, { spec: { containers: [{ name: 'app', image: 'x', ...container }] } }));
  for (const each of more) await cluster.apply(each);
  await expect
    .poll(async () => isReady((await cluster.get<Pod>(resourceTypes.pods, name, { namespace })) ?? {}), {
      timeout: 8000,
    })
    .toBe(true);
}

beforeAll(async () => {
  server = await startTestServer('with-cni', { listeners: ({ name }, port) => ports.get(`${name}:${port}`) });
  cluster = createClientNodeCluster({
    context: { id: 'demo:x', name: 'demo', kind: 'demo', namespace: 'shop' },
    cluster: { name: 'demo', server: server.url, skipTLSVerify: false },
    user: { name: 'demo', token: server.token, impersonateGroups: [] },
  });
});

afterAll(async () => {
  cluster.dispose();
  for (const http of listening) http.close();
  await server.close();
});

const find = async (kind: 'kiali' | 'grafana' | 'jaeger' | 'prometheus') => {
  const [service] = await listConsoles(cluster, kind, []);
  return service && (await readConsole(cluster, service));
};

describe('consoles of a cluster', () => {
  it('are not there where none is installed', async () => {
    for (const kind of ['kiali', 'grafana', 'jaeger', 'prometheus'] as const) expect(await find(kind)).toBeUndefined();
  });

  it('are read from their configuration: root, TLS, version, address from outside', async () => {
    const config = 'server:\n  port: 20001\n  web_root: /mesh/kiali/\n  web_fqdn: kiali.example.com\n';
    await install(
      'kiali',
      'istio-system',
      { name: 'http', port: 20_001, targetPort: 20_001 },
      { image: 'quay.io/kiali/kiali:v1.89.3' },
      [object('ConfigMap', 'istio-system/kiali', { data: { 'config.yaml': config } })],
    );
    expect(await find('kiali')).toMatchObject({
      root: '/mesh/kiali',
      scheme: 'http',
      externalUrl: 'https://kiali.example.com/mesh/kiali',
      facts: { version: '1.89.3' },
    });
    await cluster.apply(
      object('ConfigMap', 'istio-system/kiali', {
        data: { 'config.yaml': 'identity: { cert_file: /c, private_key_file: /k }\n' },
      }),
      { force: true },
    );
    const secured = await find('kiali');
    expect(secured).toMatchObject({ root: '', scheme: 'https' });
    expect(secured).not.toHaveProperty('externalUrl');
  });

  it('tell by their probes and arguments where their pages begin', async () => {
    await cluster.delete(resourceTypes.configMaps, 'kiali', { namespace: 'istio-system' });
    await cluster.delete(resourceTypes.pods, 'kiali', { namespace: 'istio-system' });
    await expect
      .poll(() => cluster.get(resourceTypes.pods, 'kiali', { namespace: 'istio-system' }), { timeout: 8000 })
      .toBeUndefined();
    await install(
      'kiali',
      'istio-system',
      { name: 'http', port: 20_001 },
      {
        readinessProbe: { httpGet: { path: '/k/healthz', port: 'api-port', scheme: 'HTTPS' } },
      },
    );
    expect(await find('kiali')).toMatchObject({ root: '/k', scheme: 'https' });
    await install(
      'prometheus',
      'istio-system',
      { name: 'http', port: 9090 },
      {
        args: ['--config.file=/x', '--web.external-url=http://prometheus.istio-system:9090/prom'],
      },
    );
    const prometheus = await find('prometheus');
    expect(prometheus).toMatchObject({ root: '/prom' });
    expect(prometheus).not.toHaveProperty('externalUrl');
  });

  it('answer through a forwarded port on the page about a pod’s workload, also after the pod has changed', async () => {
    const dashboards = [{ uid: 'w1', title: 'Istio Workload Dashboard', type: 'dash-db' }];
    const answer = (path: string) =>
      path.startsWith('/g/api/search?')
        ? JSON.stringify(dashboards)
        : path.startsWith('/g/d/w1?')
          ? `"${path}"`
          : undefined;
    await listen('grafana:3000', answer);
    const env = [
      { name: 'GF_SERVER_ROOT_URL', value: '%(protocol)s://%(domain)s/g/' },
      { name: 'GF_SERVER_SERVE_FROM_SUB_PATH', value: 'true' },
    ];
    const container = { env, ports: [{ name: 'grafana', containerPort: 3000 }] };
    await install('grafana', 'istio-system', { name: 'service', port: 80, targetPort: 'grafana' }, container);
    const grafana = (await find('grafana'))!;
    expect(grafana).toMatchObject({ root: '/g', targetPort: 'grafana', facts: { dashboards: [{ uid: 'w1' }] } });

    const { items } = await cluster.list<Pod>(resourceTypes.pods, { namespace: 'shop' });
    const pod = items.find(({ metadata }) => metadata?.name?.startsWith('reviews-'))!;
    const subject = await subjectOf(cluster, { kind: 'Pod', namespace: 'shop', name: pod.metadata!.name! });
    expect(subject).toMatchObject({ workload: expect.stringMatching(/^reviews/), app: 'reviews' });
    const page = `${grafana.root}${pageOf('grafana', subject, grafana.facts)}`;

    const failures: ClusterFailure[] = [];
    const forward = await PortForward.start(
      cluster,
      {
        label: 'grafana',
        port: grafana.targetPort,
        scope: { namespace: 'istio-system', labelSelector: 'app=grafana' },
      },
      0,
      { onState: () => undefined, onFailure: (failure) => failures.push(failure) },
    );
    const get = async () => (await fetch(`http://127.0.0.1:${forward.localPort}${page}`)).text();
    expect(JSON.parse(await get())).toBe(`/g/d/w1?var-namespace=shop&var-workload=${subject.workload}`);
    ports.set('grafana-2:3000', ports.get('grafana:3000')!);
    const next = object('Pod', 'istio-system/grafana-2', {
      spec: { containers: [{ name: 'app', image: 'x', ...container }] },
    });
    await cluster.delete(resourceTypes.pods, 'grafana', { namespace: 'istio-system' });
    await cluster.apply({ ...next, metadata: { ...next.metadata, labels: { app: 'grafana' } } });
    await expect.poll(() => forward.state, { timeout: 8000 }).toEqual({ phase: 'ready', pod: 'grafana-2' });
    expect(await get()).toContain('/g/d/w1');
    expect(failures).toEqual([]);
    forward.stop();
  }, 30_000);

  it('are looked for in the usual namespaces where one may not look everywhere', async () => {
    server.setFaults({ for: /^\/api\/v1\/services/, status: 403 });
    const found = await listConsoles(cluster, 'grafana', ['nowhere', 'istio-system']);
    expect(found.map(({ name }) => name)).toEqual(['grafana']);
    server.setFaults({ for: /services/, status: 403 });
    await expect(listConsoles(cluster, 'grafana', ['istio-system'])).rejects.toThrow(ClusterFailure);
    server.setFaults();
  });
});

describe('what a page is about', () => {
  it('is the pod’s own name where its owner may not be read, and nothing for nothing', async () => {
    expect(await subjectOf(cluster, undefined)).toEqual({});
    expect(await subjectOf(cluster, { kind: 'Pod', namespace: 'shop', name: 'gone' })).toMatchObject({
      workload: 'gone',
    });
    expect(await subjectOf(cluster, { kind: 'Namespace', name: 'shop' })).toEqual({
      kind: 'Namespace',
      namespace: 'shop',
      name: 'shop',
    });
  });
});
