/** What analysis is told of a cluster, read from a real API server: pages, rights, kinds that it does not serve, Secrets. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PlainObject } from '../../contract/cluster-layer.ts';
import type { SnapshotLine } from '../../contract/cluster-snapshot.ts';
import { createClientNodeCluster } from '../../extension/cluster/client-node-cluster.ts';
import { collectSnapshot } from '../../extension/cluster/collect-snapshot.ts';
import { ApiServer } from './api-server.ts';
import { collectionPath, istioCrds } from './istio-crds.ts';
import { startControlPlane, whyNoControlPlane, type ControlPlane } from './start-cluster.ts';
import { eventually, say } from './support.ts';

const missing = await whyNoControlPlane();
if (missing) console.log(`test/cluster: snapshot skipped, because ${missing}`);

/** More than a page of the client holds. */
const many = 1_100;
const virtualServices = collectionPath('networking.istio.io/v1', 'VirtualService');

let plane: ControlPlane;
let api: ApiServer;

async function collect(token: string): Promise<SnapshotLine[]> {
  const cluster = createClientNodeCluster({
    context: { id: 'kubeconfig:test', name: 'test', kind: 'kubeconfig', namespace: 'default' },
    cluster: {
      ...{ name: 'test', server: plane.url, skipTLSVerify: false },
      caData: Buffer.from(plane.ca).toString('base64'),
    },
    user: { name: 'somebody', token, impersonateGroups: [] },
    environment: {},
  });
  try {
    const lines: SnapshotLine[] = [];
    const { signal } = new AbortController();
    for await (const line of collectSnapshot(cluster, { signal, secrets: true })) lines.push(line);
    return lines;
  } finally {
    cluster.dispose();
  }
}

const statesOf = (lines: SnapshotLine[]) =>
  Object.fromEntries(lines.flatMap((line) => (line.type === 'kind' ? [[line.kind, line.state]] : [])));
const objectsOf = (lines: SnapshotLine[], kind: string): PlainObject[] =>
  lines.flatMap((line) => (line.type === 'objects' ? line.objects : [])).filter((object) => object['kind'] === kind);

describe.skipIf(missing)('a snapshot of a real API server', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    plane = await startControlPlane(say);
    api = new ApiServer(plane);
    const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    await Promise.all(istioCrds().map((crd) => api.create(crds, crd)));
    await eventually('the CRDs served', async () =>
      (await api.send('GET', virtualServices)).status === 200 ? true : undefined,
    );
    const names = Array.from({ length: many }, (_, index) => `route-${index}`);
    await Promise.all(
      names.map((name) =>
        api.create(virtualServices, {
          apiVersion: 'networking.istio.io/v1',
          kind: 'VirtualService',
          metadata: { name },
          spec: { hosts: [`${name}.example.com`] },
        }),
      ),
    );
    await api.create('/api/v1/namespaces/default/secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata: { name: 'edge' },
      data: { 'tls.crt': 'Y2VydA==', 'tls.key': 'c2VjcmV0' },
    });
    await api.create('/api/v1/namespaces/default/serviceaccounts', {
      ...{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'nobody' } },
    });
  }, 15 * 60_000);

  afterAll(async () => {
    api?.dispose();
    await plane?.dispose();
  }, 60_000);

  test('everything is there, page by page, with what the cluster serves and what it does not', async () => {
    const lines = await collect(plane.token);
    expect(objectsOf(lines, 'VirtualService').length).toBe(many);
    expect(statesOf(lines)).toMatchObject({
      '/Namespace': 'complete',
      '/Pod': 'complete',
      'networking.istio.io/VirtualService': 'complete',
      'extensions.istio.io/TrafficExtension': 'complete',
      'gateway.networking.k8s.io/Gateway': 'absent',
    });
    expect(objectsOf(lines, 'CustomResourceDefinition').length).toBe(istioCrds().length);
    expect(objectsOf(lines, 'Secret')).toMatchObject([{ data: { 'tls.crt': 'Y2VydA==', 'tls.key': '' } }]);
    expect(JSON.stringify(lines)).not.toMatch(/managedFields|c2VjcmV0/);
  });

  test('who has no rights is refused kind by kind, and nothing is said to be complete but what is not served', async () => {
    const request = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} });
    const { text } = await api.send('POST', '/api/v1/namespaces/default/serviceaccounts/nobody/token', request);
    const { status } = JSON.parse(text) as { status: { token: string } };
    const lines = await collect(status.token);
    expect(new Set(Object.values(statesOf(lines)))).toEqual(new Set(['refused']));
    expect(objectsOf(lines, 'VirtualService')).toEqual([]);
    expect(lines.at(-1)).toEqual({ type: 'end' });
  });

  test('a login that is not accepted ends it at once', async () => {
    await expect(collect('not-a-token')).rejects.toMatchObject({ reason: 'unauthorized', status: 401 });
  });
});
