/** The demo's one recorded proxy, read as any other: through a forwarded port. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { describeProxyConfig } from '../../mesh/proxy-config/describe-proxy-config.ts';
import { describeTraffic } from '../../mesh/proxy-config/describe-traffic.ts';
import { findProblems } from '../../mesh/proxy-config/find-proxy-problems.ts';
import { pagesOf } from '../../mesh/proxy-config/pages.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import { readAdmin } from '../actions/read-admin.ts';
import { readProxy } from '../actions/read-proxy.ts';
import { createClientNodeCluster } from '../cluster/client-node-cluster.ts';
import { resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { startTestServer, type TestServer } from './testing.ts';

const hour = 60 * 60 * 1000;

let server: TestServer;
let cluster: Cluster & { dispose(): void };
let pods: Pod[];

beforeAll(async () => {
  server = await startTestServer('broken');
  cluster = createClientNodeCluster({
    context: { id: 'demo:broken', name: 'demo', kind: 'demo' },
    cluster: { name: 'demo', server: server.url, skipTLSVerify: false },
    user: { name: 'demo', token: server.token, impersonateGroups: [] },
  });
  ({ items: pods } = await cluster.list<Pod>(resourceTypes.pods, { namespace: 'shop' }));
});

afterAll(async () => {
  cluster.dispose();
  await server.close();
});

const podOf = (prefix: string) => pods.find(({ metadata }) => metadata?.name?.startsWith(prefix))!;
const recorded = { namespace: 'shop', name: 'productpage-6fc8589769-llc7t', port: 15_000 };

const outbound = (host: string, port = 9080) => `outbound|${port}||${host}.svc.cluster.local`;

describe('the recorded proxy', () => {
  const read = (now = new Date().toISOString()) => readProxy(cluster, podOf(recorded.name), now);

  it('shows what the faults of the shop do to its neighbours', async () => {
    const report = await read();
    expect(report.missing).toEqual([]);
    expect(findProblems(report)).toEqual([
      `No endpoint is healthy (1): ${outbound('ratings.shop')}`,
      `No endpoint at all, requests get 503 (1): ${outbound('web.default', 80)}`,
      `Endpoint 10.88.0.39:9080 of ${outbound('ratings.shop')} is taken out after errors.`,
    ]);
    expect(report.sync).toMatchObject({ states: { clusters: 'synced', listeners: 'synced', routes: 'synced' } });
    const sends = Object.fromEntries(report.config.clusters.map(({ name, tls }) => [name, tls]));
    expect(sends).toMatchObject({
      [outbound('ratings.shop')]: 'plaintext',
      [outbound('reviews.shop')]: 'mTLS / plaintext',
    });
    expect(describeTraffic(report)).toEqual(
      expect.arrayContaining([
        'In, port 15021 /healthz/ready*, plaintext: agent (1 endpoint)',
        'Out, ports 80, 9080, 15010, 15014, 19080, any other host, and what is not HTTP: wherever it was going, without routes (PassthroughCluster)',
        'In, port 15090 /stats/prometheus*, plaintext: prometheus_stats (1 endpoint)',
        // Nothing tells the protocol of its port: what is not HTTP is let through, too.
        'Out (HTTP), 10.96.120.188:9080: details.shop.svc.cluster.local:9080 (1 endpoint); retries 2',
        'Out (TCP), 10.96.120.188:9080, all else: details.shop.svc.cluster.local:9080 (1 endpoint)',
      ]),
    );
  });

  it('says on every page that it is a recording', async () => {
    const report = await read();
    for (const page of pagesOf('envoy')) expect(describeProxyConfig(report, page)).toContain('> From a recording');
    expect(describeProxyConfig(report, 'clusters', 'ratings')).toContain('1 of 24 contain “ratings”.');
  });

  it('has a certificate that was renewed in time, whenever it is looked at', async () => {
    const now = Date.parse('2031-05-06T07:08:09Z');
    vi.useFakeTimers({ now, toFake: ['Date'] });
    try {
      const report = await read(new Date(now).toISOString());
      const { validFrom = '', expires = '' } = report.certificates.find(({ secret }) => secret === 'default') ?? {};
      expect(Date.parse(expires) - Date.parse(validFrom)).toBe(24 * hour);
      expect(now - Date.parse(validFrom)).toBeLessThan(12 * hour + 60_000);
      expect(report.certificates).toHaveLength(2);
      expect(report.server?.uptime).toBeGreaterThan((now - Date.parse('2026-11-21T01:00:00Z')) / 1000);
      expect(findProblems(report).join()).not.toMatch(/certificate/);
    } finally {
      vi.useRealTimers();
    }
  });

  it('takes no order, and does not make answers up', async () => {
    const ask = (path: string, method: 'GET' | 'POST') => readAdmin(cluster, recorded, path, { method });
    await expect(ask('/logging?level=debug', 'POST')).rejects.toThrow(/405.*nothing in it can be changed/);
    await expect(ask('/quitquitquit', 'POST')).rejects.toThrow(/404.*not recorded/);
    await expect(ask('/ready', 'GET')).resolves.toBe('LIVE\n');
  });

  it('is named where another one is asked for', async () => {
    const reading = readProxy(cluster, podOf('details-'), new Date().toISOString());
    await expect(reading).rejects.toThrow(
      /port 15000.*this pod's proxy was not recorded; that of shop\/productpage-6fc8589769-llc7t was/,
    );
  });

  it('is not made up for a pod without any', async () => {
    const reading = readProxy(cluster, podOf('legacy-'), new Date().toISOString());
    await expect(reading).rejects.toThrow(/has no proxy of its own/);
  });
});
