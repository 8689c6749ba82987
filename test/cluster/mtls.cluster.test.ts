/** What mutual TLS depends on, read from a real API server: without Istio's kinds, with them, their real ages, and few rights. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClientNodeCluster } from '../../extension/cluster/client-node-cluster.ts';
import { buildWorld } from '../../extension/explain/build-world.ts';
import { readSecurityObjects } from '../../extension/explain/security-objects.ts';
import type { SecurityObjects } from '../../extension/explain/security-objects.ts';
import { explainMtls } from '../../mesh/security/explain-mtls.ts';
import type { MtlsExplanation } from '../../mesh/security/explain-mtls.ts';
import { ApiServer } from './api-server.ts';
import { collectionPath, istioCrds } from './istio-crds.ts';
import { startControlPlane, whyNoControlPlane, type ControlPlane } from './start-cluster.ts';
import { eventually, say } from './support.ts';

const missing = await whyNoControlPlane();
if (missing) console.log(`test/cluster: mtls skipped, because ${missing}`);

let plane: ControlPlane;
let api: ApiServer;

async function read(token: string): Promise<SecurityObjects> {
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
    return await readSecurityObjects(cluster);
  } finally {
    cluster.dispose();
  }
}

function explain(objects: SecurityObjects): MtlsExplanation | undefined {
  return explainMtls({ kind: 'Deployment', namespace: 'default', name: 'reviews' }, buildWorld(objects));
}

/** API servers date objects by whole seconds. */
const nextSecond = () => new Promise((resolve) => setTimeout(resolve, 1_100));

describe.skipIf(missing)('mutual TLS from a real API server', { timeout: 120_000 }, () => {
  const policies = '/apis/security.istio.io/v1/namespaces/default/peerauthentications';
  const policy = (name: string, mode: string) => ({
    ...{ apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication', metadata: { name } },
    spec: { mtls: { mode } },
  });

  beforeAll(async () => {
    plane = await startControlPlane(say);
    api = new ApiServer(plane);
    const labels = { app: 'reviews', 'sidecar.istio.io/inject': 'true' };
    await api.create('/apis/apps/v1/namespaces/default/deployments', {
      ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'reviews' } },
      spec: {
        selector: { matchLabels: { app: 'reviews' } },
        template: {
          metadata: { labels },
          spec: { containers: [{ name: 'app', image: 'reviews', ports: [{ containerPort: 8080 }] }] },
        },
      },
    });
  }, 15 * 60_000);

  afterAll(async () => {
    api?.dispose();
    await plane?.dispose();
  }, 60_000);

  test('a cluster without Istio has no policies, and nothing is missing', async () => {
    const objects = await read(plane.token);
    expect(objects.peerAuthentications).toEqual([]);
    expect(objects.missing).toEqual([]);
    // No webhook is there to inject it.
    expect(explain(objects)?.servers[0]?.takes).toBe('NONE');
  });

  test('of two policies for a namespace the older one counts, whatever they are called', async () => {
    const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    await Promise.all(istioCrds().map((crd) => api.create(crds, crd)));
    await eventually('the CRDs served', async () =>
      (await api.send('GET', collectionPath('security.istio.io/v1', 'PeerAuthentication'))).status === 200
        ? true
        : undefined,
    );
    await api.create(policies, policy('z', 'STRICT'));
    await nextSecond();
    await api.create(policies, policy('a', 'DISABLE'));
    const { webhooks: _, ...objects } = await read(plane.token);
    // As if the webhooks could not be read: a default installation counts.
    const server = explain(objects)?.servers[0];
    expect(server?.takes).toBe('STRICT');
    expect(server?.steps.find(({ check }) => check === 'overruled')?.says).toMatch(/default\/a is ignored/);
  });

  test('who may read one namespace only is told what is missing, and gets an answer', async () => {
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
    await api.create('/api/v1/namespaces/default/serviceaccounts', {
      ...{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'reader' } },
    });
    await api.create(`${rbac}/roles`, {
      ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'reader' } },
      rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list', 'watch'] }],
    });
    await api.create(`${rbac}/rolebindings`, {
      ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'reader' } },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace: 'default' }],
    });
    const request = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} });
    const { text } = await api.send('POST', '/api/v1/namespaces/default/serviceaccounts/reader/token', request);
    const { status } = JSON.parse(text) as { status: { token: string } };
    const objects = await eventually('the role granted', async () => {
      const found = await read(status.token);
      return found.peerAuthentications.length > 0 ? found : undefined;
    });
    expect(objects.missing).toEqual(
      expect.arrayContaining([
        'namespaces',
        'mutatingwebhookconfigurations',
        'pods of other namespaces than default',
        'peerauthentications of other namespaces than default',
      ]),
    );
    expect(explain(objects)?.servers[0]?.takes).toBe('STRICT');
  });
});
