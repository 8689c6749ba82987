import { afterEach, expect, test } from 'vitest';
import type { SnapshotLine } from '../../contract/cluster-snapshot.ts';
import type { Fault } from '../demo/faults.ts';
import { startTestServer } from '../demo/testing.ts';
import { createClientNodeCluster } from './client-node-cluster.ts';
import { collectSnapshot } from './collect-snapshot.ts';
import { ClusterFailure } from './cluster.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

type KindLine = Extract<SnapshotLine, { type: 'kind' }>;
type Server = Awaited<ReturnType<typeof startTestServer>>;

async function start(faults: Fault[] = []): Promise<Server> {
  const server = await startTestServer('broken', { faults });
  cleanUps.push(() => server.close());
  return server;
}

async function collect(
  { url, token }: { url: string; token: string },
  options: { signal?: AbortSignal; secrets?: boolean; namespaces?: string[] } = {},
): Promise<SnapshotLine[]> {
  const cluster = createClientNodeCluster({
    context: { id: 'kubeconfig:demo', name: 'demo', kind: 'kubeconfig', server: url, namespace: 'shop' },
    cluster: { name: 'demo', server: url, skipTLSVerify: false },
    user: { name: 'demo', token, impersonateGroups: [] },
    environment: {},
  });
  cleanUps.push(() => cluster.dispose());
  const lines: SnapshotLine[] = [];
  const { signal = new AbortController().signal, secrets = true, namespaces = [] } = options;
  for await (const line of collectSnapshot(cluster, { signal, secrets, namespaces })) lines.push(line);
  return lines;
}

const stateOf = (lines: SnapshotLine[], kind: string) =>
  lines.find((line): line is KindLine => line.type === 'kind' && line.kind === kind);

function objects(lines: SnapshotLine[], kind: string) {
  return lines
    .flatMap((line) => (line.type === 'objects' ? line.objects : []))
    .filter((object) => object['kind'] === kind) as {
    apiVersion: string;
    metadata: { name: string; namespace?: string; annotations?: object };
    data?: Record<string, string>;
  }[];
}

test('everything that rules read is there, with its kind, and the kinds are told complete', async () => {
  const server = await start();
  const virtualService = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'front', namespace: 'shop' },
    spec: { hosts: ['front'] },
  };
  await server.call(
    'PATCH',
    '/apis/networking.istio.io/v1/namespaces/shop/virtualservices/front?fieldManager=test',
    virtualService,
    'application/apply-patch+yaml',
  );
  const lines = await collect(server);
  expect(lines[0]).toEqual({ type: 'begin', protocol: 1, context: 'demo', server: server.url });
  expect(lines.at(-1)).toEqual({ type: 'end' });
  expect(objects(lines, 'VirtualService')).toMatchObject([virtualService]);
  expect(objects(lines, 'Pod').length).toBe(19);
  expect(objects(lines, 'Service').every(({ apiVersion }) => apiVersion === 'v1')).toBe(true);
  expect(objects(lines, 'ConfigMap').map(({ metadata }) => metadata.name)).toContain('istio');
  for (const kind of ['/Namespace', '/Pod', '/Secret', 'apps/Deployment', 'networking.istio.io/VirtualService'])
    expect(stateOf(lines, kind)?.state, kind).toBe('complete');
  expect(JSON.stringify(lines)).not.toMatch(/managedFields|last-applied-configuration/);
});

test('an older version is asked when the newest is not served, and a kind that is not served at all is absent', async () => {
  const server = await start([
    { for: '^/apis/networking.istio.io/v1/sidecars', status: 404 },
    { for: '/authorizationpolicies', status: 404 },
  ]);
  const lines = await collect(server);
  expect(stateOf(lines, 'networking.istio.io/Sidecar')?.state).toBe('complete');
  expect(stateOf(lines, 'security.istio.io/AuthorizationPolicy')?.state).toBe('absent');
});

test('a kind that may not be read in all namespaces is read in one, and told refused', async () => {
  const server = await start([{ for: '^/api/v1/(services|secrets|namespaces)\\?', status: 403 }]);
  const lines = await collect(server);
  expect(stateOf(lines, '/Service')).toMatchObject({ state: 'refused', says: expect.stringContaining('services') });
  expect(stateOf(lines, '/Namespace')?.state).toBe('refused');
  expect(new Set(objects(lines, 'Service').map(({ metadata }) => metadata.namespace))).toEqual(new Set(['shop']));
  expect(stateOf(lines, '/Pod')?.state).toBe('complete');
});

test('who may list namespaces is asked where he may read, and is read to in all of these', async () => {
  const server = await start([{ for: '^/api/v1/(services|namespaces/(plain|locked)/services)\\?', status: 403 }]);
  const lines = await collect(server);
  const state = stateOf(lines, '/Service')!;
  expect(state).toMatchObject({ state: 'refused', says: expect.stringContaining('services') });
  expect(state.namespaces).toEqual(expect.arrayContaining(['istio-system', 'shop']));
  expect(state.namespaces).not.toContain('plain');
  expect(new Set(objects(lines, 'Service').map(({ metadata }) => metadata.namespace))).toContain('istio-system');
  expect(stateOf(lines, '/Pod')).toEqual({ type: 'kind', kind: '/Pod', state: 'complete', says: '' });
});

test('chosen namespaces are all that is read of what lies in namespaces, and not told complete', async () => {
  const server = await start([{ for: '^/api/v1/pods\\?', status: 500 }]);
  const lines = await collect(server, { namespaces: ['shop', 'plain'] });
  expect(stateOf(lines, '/Pod')).toMatchObject({ state: 'part', says: '', namespaces: ['shop', 'plain'] });
  expect(new Set(objects(lines, 'Pod').map(({ metadata }) => metadata.namespace))).toEqual(new Set(['shop', 'plain']));
  expect(stateOf(lines, '/Namespace')?.state).toBe('complete');
  expect(stateOf(lines, '/Node')?.state).toBe('complete');
  expect(objects(lines, 'ConfigMap').map(({ metadata }) => metadata.name)).toContain('istio');
  await expect(collect(server, { namespaces: ['shpo'] })).rejects.toMatchObject({ reason: 'not-found' });
});

test('of chosen namespaces that may not be listed, each is read by itself; what is refused in one is there in the other', async () => {
  const server = await start([{ for: '^/api/v1/(namespaces|namespaces/plain/services)\\?', status: 403 }]);
  const lines = await collect(server, { namespaces: ['shop', 'plain'] });
  expect(stateOf(lines, '/Service')).toMatchObject({ state: 'refused', namespaces: ['shop'] });
  expect(stateOf(lines, '/Namespace')?.state).toBe('refused');
  expect(objects(lines, 'Namespace').map(({ metadata }) => metadata.name)).toEqual(['plain', 'shop']);
});

test('a kind that fails does not take the others with it', async () => {
  const server = await start([{ for: '/gateways', status: 500 }]);
  const lines = await collect(server);
  expect(stateOf(lines, 'networking.istio.io/Gateway')?.state).toBe('failed');
  expect(stateOf(lines, 'apps/Deployment')?.state).toBe('complete');
});

test('no key and no token leaves the process, whatever put it there', async () => {
  const server = await start();
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: {
      name: 'edge',
      namespace: 'shop',
      annotations: {
        'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"tls.key":"c2VjcmV0"}}',
        own: 'c2VjcmV0',
      },
    },
    data: { 'tls.crt': 'Y2VydA==', 'tls.key': 'c2VjcmV0', token: 'c2VjcmV0' },
    stringData: { password: 'c2VjcmV0' },
  };
  const path = '/api/v1/namespaces/shop/secrets/edge?fieldManager=test';
  expect((await server.call('PATCH', path, secret, 'application/apply-patch+yaml')).status).toBeLessThan(300);
  const lines = await collect(server);
  expect(objects(lines, 'Secret')).toMatchObject([
    {
      metadata: { name: 'edge', namespace: 'shop' },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': 'Y2VydA==', 'tls.key': '' },
    },
  ]);
  expect(JSON.stringify(lines)).not.toContain('c2VjcmV0');
  const without = await collect(server, { secrets: false });
  expect(objects(without, 'Secret')).toEqual([]);
  expect(stateOf(without, '/Secret')).toBeUndefined();
});

test.each([401, 500])('when the first answer is %s, nothing else is asked', async (status) => {
  const server = await start([{ status }]);
  await expect(collect(server)).rejects.toBeInstanceOf(ClusterFailure);
});

test('a cluster that hangs is left when the user cancels', async () => {
  const server = await start([{ for: '/pods', hang: true }]);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 300);
  await expect(collect(server, { signal: stop.signal })).rejects.toMatchObject({ reason: 'cancelled' });
});
