/** The trees on a real API server with many pods, and with few rights. Its big sister is `node scripts/bench-live.mjs`. */
import { loadavg } from 'node:os';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster } from '../../extension/cluster/cluster.ts';
import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import { LiveLayer } from '../../extension/live-layer/live-layer.ts';
import { PolicyWatch } from '../../extension/trees/control-plane/policy-watch.ts';
import { ApiServer } from './api-server.ts';
import { collectionPath, istioCrds } from './istio-crds.ts';
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

  async function open(
    kubeconfig = plane!.credentials.kubeconfigs.admin,
    namespaces: string[] = [],
  ): Promise<LiveWindow> {
    const cluster: Cluster & { dispose(): void } = await connect(kubeconfig);
    const window = openWindow(cluster, { namespaces });
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
      return set(pod);
    };
    drawn = 0;
    await touchPod(api, 0, size, false);
    await expect.poll(() => drawn, { interval: 1 }).toBe(1);
    const shown = performance.now() - heard;
    expect(window.lines[0]).toContain('1 problem');

    const indexes = Array.from({ length: 300 }, (_, index) => index + 1);
    drawn = 0;
    const { longestCpuMs, cpuMs } = await measureBlocking(async () => {
      await Promise.all(indexes.map((index) => touchPod(api, index, size, false)));
      const last = () => indexes.every((index) => isBad(window, index));
      await expect.poll(last, { timeout: 20_000, interval: 50 }).toBe(true);
    });
    await expect.poll(() => window.model.problems(), { timeout: 5_000 }).toBe(301);
    say(
      `one change drawn after ${shown.toFixed(0)} ms; 300 changes: drawn ${drawn} times, longest block ${longestCpuMs.toFixed(0)} ms of its own computing, CPU ${cpuMs.toFixed(0)} ms with the writing; load ${load()}`,
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

  it('shows the namespaces in which somebody has a role, found out or chosen, and what one of them keeps back', async () => {
    const roles = '/apis/rbac.authorization.k8s.io/v1';
    const group = 'rbac.authorization.k8s.io';
    const subjects = [{ kind: 'User', name: 'nobody@example.org', apiGroup: group }];
    const [first = '', second = '', third = ''] = [0, 1, 2].map((index) => namespaceOf(index, size));
    for (const namespace of [first, second]) {
      const isWhole = namespace === first;
      await api.create(`${roles}/namespaces/${namespace}/roles`, {
        metadata: { name: 'reader' },
        rules: [
          { apiGroups: [''], resources: isWhole ? ['*'] : ['pods', 'namespaces'], verbs: ['get', 'list', 'watch'] },
          { apiGroups: ['apps', 'batch'], resources: ['*'], verbs: ['get', 'list', 'watch'] },
        ],
      } as KubernetesObject);
      await api.create(`${roles}/namespaces/${namespace}/rolebindings`, {
        metadata: { name: 'reader' },
        roleRef: { apiGroup: group, kind: 'Role', name: 'reader' },
        subjects,
      } as KubernetesObject);
    }
    const shown = (window: LiveWindow) => [...new Set(window.store.tables.pods.namespaces())].sort();

    // Namespaces may not be listed: he names them; their labels are read one by one, as the role allows.
    const chosen = await open(plane!.credentials.kubeconfigs.nobody, [first, second, third]);
    await expect.poll(() => shown(chosen), { timeout: 20_000 }).toEqual([first, second].sort());
    expect([...chosen.store.tables.pods.in(first)]).toHaveLength(size.pods / size.namespaces);
    await expect.poll(() => chosen.store.tables.namespaces.get('', first)?.metadata?.name).toBe(first);
    await expect
      .poll(() => chosen.lines.filter((line) => line.startsWith('No right')).join('\n'), { timeout: 20_000 })
      .toContain(`No right to list events in ${second}`);
    expect(chosen.lines.join('\n')).toMatch(new RegExp(`No right to list .*pods.* in ${third}`));

    // They may be listed: where his roles are is found out.
    await api.create(`${roles}/clusterroles`, {
      metadata: { name: 'namespaces' },
      rules: [{ apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'list', 'watch'] }],
    } as KubernetesObject);
    await api.create(`${roles}/clusterrolebindings`, {
      metadata: { name: 'namespaces' },
      roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'namespaces' },
      subjects,
    } as KubernetesObject);
    const begin = performance.now();
    const found = await open(plane!.credentials.kubeconfigs.nobody);
    await expect.poll(() => shown(found), { timeout: 20_000 }).toEqual([first, second].sort());
    say(
      `rights in ${size.namespaces} namespaces found out and read in ${(performance.now() - begin).toFixed(0)} ms; load ${load()}`,
    );
    expect(found.store.scope).toMatchObject({ from: 'asked', unasked: 0 });
    expect(found.store.scope?.namespaces).toEqual(expect.arrayContaining([first, second]));
    expect(found.store.scope?.namespaces).not.toContain(third);
    // It lives, in each of them.
    await touchPod(api, 0, size, false);
    await expect.poll(() => isBad(found, 0), { timeout: 10_000 }).toBe(true);
  });

  it('notices Istio when it is installed while somebody looks, and asks nothing until then', async () => {
    const window = await open();
    const policies = new PolicyWatch(window.store, () => undefined);
    const told: string[] = [];
    const receiver = {
      snapshot: (all: unknown) => told.push(JSON.stringify(all)),
      change: (some: unknown) => told.push(JSON.stringify(some)),
    };
    const layer = new LiveLayer({ store: window.store, receiver, useOf: () => 'analysis' as const });
    cleanUps.push(
      () => policies.dispose(),
      () => layer.dispose(),
    );
    policies.start();
    layer.start();
    await expect.poll(() => policies.phase, { timeout: 20_000 }).toBe('absent');
    await expect.poll(() => told.length, { timeout: 20_000 }).toBeGreaterThan(0);
    const wanted = /^(PeerAuthentication|VirtualService|Gateway)$/;
    for (const crd of istioCrds()) {
      if (wanted.test((crd as { spec: { names: { kind: string } } }).spec.names.kind))
        await api.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd);
    }
    await expect.poll(() => policies.phase, { timeout: 20_000 }).toBe('live');
    await api.create(collectionPath('security.istio.io/v1', 'PeerAuthentication', 'team-0'), {
      ...{ apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication', metadata: { name: 'strict' } },
      spec: { mtls: { mode: 'STRICT' } },
    });
    await api.create(collectionPath('networking.istio.io/v1', 'VirtualService', 'team-0'), {
      ...{ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'late-route' } },
      spec: { hosts: ['web'], http: [{ route: [{ destination: { host: 'web' } }] }] },
    });
    await expect.poll(() => policies.all().length, { timeout: 10_000 }).toBe(1);
    await expect.poll(() => told.some((text) => text.includes('late-route')), { timeout: 20_000 }).toBe(true);
  });
});
