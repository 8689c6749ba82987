/** The trees on a real API server with many pods, and with few rights. Its big sister is `node scripts/bench-live.mjs`. */
import { loadavg } from 'node:os';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster } from '../../extension/cluster/cluster.ts';
import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import { ApiServer } from './api-server.ts';
import { measureBlocking, openWindow, type LiveWindow } from './live-window.ts';
import { fillCluster, nameOf, namespaceOf, touchPod, type ManyPods } from './many-pods.ts';
import { startControlPlane, whyNoControlPlane, type ControlPlane } from './start-cluster.ts';
import { connect, say } from './support.ts';

const missing = await whyNoControlPlane();
if (missing) console.log(`test/cluster: skipped, because ${missing}`);

const size: ManyPods = { pods: 1_000, nodes: 50, namespaces: 10 };
let plane: ControlPlane | undefined;
let api: ApiServer;
const cleanUps: (() => unknown)[] = [];

describe.skipIf(missing)('a window on a thousand pods', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    plane = await startControlPlane(say);
    api = new ApiServer(plane);
    await fillCluster(api, size);
  }, 600_000);
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });
  afterAll(async () => {
    api?.dispose();
    await plane?.dispose();
  }, 60_000);

  async function open(kubeconfig = plane!.credentials.kubeconfigs.admin): Promise<LiveWindow> {
    const cluster: Cluster & { dispose(): void } = await connect(kubeconfig);
    const window = openWindow(cluster);
    cleanUps.push(() => {
      window.dispose();
      cluster.dispose();
    });
    window.store.start();
    await window.store.whenSettled();
    await expect.poll(() => window.lines.length, { timeout: 30_000 }).toBeGreaterThan(1);
    return window;
  }
  const load = () =>
    loadavg()
      .map((value) => value.toFixed(1))
      .join(' ');

  it('shows one change at once, and a burst of them in few drawings that hold nobody up', async () => {
    const window = await open();
    expect([...window.store.tables.pods.all()]).toHaveLength(size.pods);
    expect(window.lines[0]).toContain('100 of 100 in the mesh');
    let drawn = 0;
    window.onDraw = () => (drawn += 1);
    await new Promise((resolve) => setTimeout(resolve, 500));
    let heard = 0;
    const set = window.store.tables.pods.set.bind(window.store.tables.pods);
    window.store.tables.pods.set = (pod) => {
      heard ||= performance.now();
      set(pod);
    };
    drawn = 0;
    await touchPod(api, 0, size, false);
    await expect.poll(() => drawn, { interval: 1 }).toBe(1);
    const shown = performance.now() - heard;
    expect(window.lines[0]).toContain('1 problem');

    const indexes = Array.from({ length: 300 }, (_, index) => index + 1);
    drawn = 0;
    const { longestMs, cpuMs } = await measureBlocking(async () => {
      await Promise.all(indexes.map((index) => touchPod(api, index, size, false)));
      const last = () => indexes.every((index) => isBad(window, index));
      await expect.poll(last, { timeout: 20_000, interval: 50 }).toBe(true);
    });
    await expect.poll(() => window.model.problems(), { timeout: 5_000 }).toBe(301);
    say(
      `one change drawn after ${shown.toFixed(0)} ms; 300 changes: drawn ${drawn} times, longest block ${longestMs.toFixed(0)} ms, CPU ${cpuMs.toFixed(0)} ms with the writing; load ${load()}`,
    );
    // Generous: the machine may be at anything.
    expect(shown).toBeLessThan(1_000);
    expect(drawn).toBeLessThan(100);
  });

  function isBad({ store }: LiveWindow, index: number): boolean {
    const pod = store.tables.pods.get(namespaceOf(index, size), nameOf(index));
    return pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'False') ?? false;
  }

  it('shows the one namespace that somebody may read, and says so', async () => {
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
    await api.create(`${rbac}/roles`, {
      metadata: { name: 'reader' },
      rules: [{ apiGroups: ['', 'apps'], resources: ['*'], verbs: ['get', 'list', 'watch'] }],
    });
    await api.create(`${rbac}/rolebindings`, {
      metadata: { name: 'reader' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ kind: 'User', name: 'nobody@example.org', apiGroup: 'rbac.authorization.k8s.io' }],
    });
    await api
      .create('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } } as KubernetesObject)
      .catch(() => undefined);
    await api.create('/api/v1/namespaces/default/pods', {
      metadata: { name: 'mine' },
      spec: { automountServiceAccountToken: false, containers: [{ name: 'app', image: 'app' }] },
    });
    const window = await open(plane!.credentials.kubeconfigs.nobody);
    await expect.poll(() => window.lines.join('\n'), { timeout: 20_000 }).toContain('default 0 of 1 in the mesh');
    expect(window.lines[0]).toMatch(
      /^Only namespace default is shown no right to list .*pods, .*events.* in all namespaces$/,
    );
    expect(window.lines[1]).toMatch(/No right to list namespaces, .*mutatingwebhookconfigurations/);
    await api.send('DELETE', '/api/v1/namespaces/default/pods/mine?gracePeriodSeconds=0');
    await expect.poll(() => [...window.store.tables.pods.all()].length, { timeout: 10_000 }).toBe(0);
  });
});
