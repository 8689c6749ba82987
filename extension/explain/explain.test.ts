import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeMtls, summarizeMtls } from '../../mesh/security/describe-mtls.ts';
import { explainMtls } from '../../mesh/security/explain-mtls.ts';
import type { MtlsExplanation } from '../../mesh/security/explain-mtls.ts';
import { createClientNodeCluster } from '../cluster/client-node-cluster.ts';
import { startDemoCluster } from '../demo/demo-cluster.ts';
import { buildWorld, layOver, sortWritten } from './build-world.ts';
import { readSecurityObjects } from './security-objects.ts';
import type { SecurityObjects } from './security-objects.ts';

const root = join(import.meta.dirname, '..', '..');

describe('mutual TLS of the demo cluster, over its API', () => {
  let objects: SecurityObjects;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const demo = await startDemoCluster('broken', join(root, 'extension', 'demo', 'recordings'), undefined);
    const client = await createClientNodeCluster({
      context: { id: 'demo:broken', name: 'demo', kind: 'demo', server: demo.url },
      cluster: { name: 'demo', server: demo.url, skipTLSVerify: false },
      user: { name: 'demo', token: demo.token, impersonateGroups: [] },
    });
    close = async () => {
      client.dispose();
      await demo.close();
    };
    objects = await readSecurityObjects(client);
  });
  afterAll(() => close());

  const explain = (kind: string, name: string, all = objects): MtlsExplanation => {
    const explanation = explainMtls({ kind, namespace: 'shop', name }, buildWorld(all));
    if (!explanation) throw new Error(`nothing is known of ${kind} ${name}`);
    return explanation;
  };

  it('finds the fault: ratings demands mutual TLS, and its DestinationRule sends plain text', () => {
    for (const [kind, name] of [
      ['Deployment', 'ratings'],
      ['Service', 'ratings'],
      ['PeerAuthentication', 'ratings'],
      ['DestinationRule', 'ratings'],
    ] as const) {
      const explanation = explain(kind, name);
      expect(explanation.servers.map(({ takes }) => takes)).toEqual(['STRICT']);
      expect(explanation.services[0]?.clients[0]?.calls[0]).toMatchObject({
        port: 9080,
        tls: { sends: 'plain', rule: 'shop/ratings' },
        agreement: { outcome: 'fails' },
      });
      expect(summarizeMtls(explanation)).toMatch(/STRICT.*cannot get through/);
    }
  });

  it('finds a port that mutual TLS is sent to and nothing takes: dns leaves 9080 out', () => {
    const { services } = explain('Deployment', 'dns');
    expect(services[0]?.clients[0]?.calls[0]).toMatchObject({ takes: 'BYPASSED', agreement: { outcome: 'fails' } });
  });

  it('names who would be cut off by STRICT, with its reason', () => {
    const [server] = explain('Deployment', 'reviews').servers;
    const who = server?.breakers.map((breaker) => breaker.who);
    expect(who).toEqual(expect.arrayContaining(['Deployment shop/legacy', 'Deployment shop/batch']));
  });

  it('says of a pod without a proxy that no policy counts', () => {
    const explanation = explain('Deployment', 'legacy');
    expect(explanation.servers[0]).toMatchObject({ takes: 'NONE' });
    expect(describeMtls({ explanation, origin: 'Cluster demo' })).toContain('no PeerAuthentication counts');
  });

  it('takes what a file says for what the cluster has', () => {
    const files = sortWritten([
      {
        apiVersion: 'networking.istio.io/v1',
        kind: 'DestinationRule',
        metadata: { name: 'ratings', namespace: 'shop' },
        spec: { host: 'ratings', trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } },
      },
    ]);
    const explanation = explain('Service', 'ratings', layOver(files, objects));
    expect(explanation.services[0]?.clients[0]?.calls[0]?.agreement.outcome).toBe('mutual');
  });

  it('asks the injector of a workload that is only written', () => {
    const files = sortWritten([
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'new', namespace: 'shop' },
        spec: { template: { metadata: { labels: { app: 'new' } }, spec: { containers: [{ name: 'app' }] } } },
      },
    ]);
    expect(explain('Deployment', 'new', layOver(files, objects)).servers[0]).toMatchObject({ takes: 'PERMISSIVE' });
  });
});

it('knows the root namespace of each revision', () => {
  const pod = (name: string, revision: string) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      labels: { app: name, 'security.istio.io/tlsMode': 'istio' },
      annotations: { 'sidecar.istio.io/status': JSON.stringify({ revision }) },
    },
    spec: { containers: [{ name: 'istio-proxy', args: ['proxy', 'sidecar'] }] },
    status: { phase: 'Running' },
  });
  const mesh = (name: string, rootNamespace: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'istio-system' },
    data: { mesh: `rootNamespace: ${rootNamespace}\n` },
  });
  const built = buildWorld(
    sortWritten([pod('old', 'default'), pod('new', 'canary'), mesh('istio', 'one'), mesh('istio-canary', 'two')]),
  );
  expect(built.rootNamespace).toBe('one');
  expect(built.pods.map(({ owner, rootNamespace }) => [owner.name, rootNamespace])).toEqual([
    ['new', 'two'],
    ['old', 'one'],
  ]);
});

it('gives a policy of a file the age that it has in the cluster: by that Istio chooses', () => {
  const policy = (name: string, created?: string) => ({
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name, namespace: 'shop', ...(created && { creationTimestamp: created }) },
  });
  const files = sortWritten([policy('old'), policy('new')]);
  const cluster = sortWritten([policy('old', '2026-01-01T00:00:00Z'), policy('other', '2026-02-01T00:00:00Z')]);
  expect(
    layOver(files, cluster).peerAuthentications.map(({ metadata }) => [metadata?.name, metadata?.creationTimestamp]),
  ).toEqual([
    ['old', '2026-01-01T00:00:00Z'],
    ['new', undefined],
    ['other', '2026-02-01T00:00:00Z'],
  ]);
});
