/** The mesh's tree as a person reads it, over real HTTP from the demo cluster's API. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createClientNodeCluster } from '../../cluster/client-node-cluster.ts';
import { addFaults } from '../../demo/add-faults.ts';
import { startApiServer } from '../../demo/api-server.ts';
import type { RunningApiServer } from '../../demo/api-server.ts';
import { readRecording } from '../../demo/recording.ts';
import { decideForPod } from '../store/decide.ts';
import { MeshModel } from '../store/mesh-model.ts';
import { MeshTree } from './mesh-tree.ts';
import { PolicyWatch } from './policy-watch.ts';
import type { TreeNode } from '../tree-node.ts';
import { TreeStore } from '../store/tree-store.ts';
import type { StoreChange } from '../store/tree-store.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function open(prepare: (server: RunningApiServer) => void = () => undefined, namespaces: string[] = []) {
  const directory = join(import.meta.dirname, '../../demo/recordings/broken');
  const server = await startApiServer({ recording: await addFaults(await readRecording(directory), directory) });
  cleanUps.push(() => server.close());
  prepare(server);
  const cluster = createClientNodeCluster({
    context: { id: 'demo:broken', name: 'broken', kind: 'demo', namespace: 'shop' },
    cluster: { name: 'broken', server: server.url, skipTLSVerify: false },
    user: { name: 'demo', token: server.token, impersonateGroups: [] },
    environment: {},
  });
  cleanUps.push(() => cluster.dispose());
  const store = new TreeStore({
    connect: () => Promise.resolve(cluster),
    coalesceMs: 20,
    namespaces: () => namespaces,
  });
  cleanUps.push(() => store.dispose());
  const model = new MeshModel(store, decideForPod);
  let changes = 0;
  const policies = new PolicyWatch(store, () => changes++);
  cleanUps.push(() => policies.dispose());
  const tree = new MeshTree(store, model, policies);
  const told: StoreChange[] = [];
  store.onDidChange((change) => {
    model.apply(change);
    told.push(change);
  });
  store.start();
  policies.start();
  await store.whenSettled();
  await expect.poll(() => store.part('configMaps').phase).not.toBe('waiting');
  await expect.poll(() => policies.phase).not.toBe('waiting');
  await new Promise((resolve) => setTimeout(resolve, 50));
  return { server, store, cluster, tree, policies, told, changes: () => changes };
}

async function print(nodes: readonly TreeNode[], indent = ''): Promise<string[]> {
  const lines: string[] = [];
  for (const node of nodes) {
    const { label, description = '' } = node.item();
    lines.push(`${indent}${label} — ${description}`);
    lines.push(...(await print(await node.children(), `${indent}  `)));
  }
  return lines;
}

describe('the mesh’s tree', () => {
  it('shows the control plane, what it was told, its webhooks, the namespaces and the policies', async () => {
    const { tree } = await open();
    const text = (await print(await tree.roots())).join('\n');
    expect(text).toMatch(/istiod — .*revision default · version 1 · .*istio-system/);
    expect(text).toMatch(/outboundTrafficPolicy — ALLOW_ANY \(default\)/);
    expect(text).toMatch(/trustDomain — cluster\.local$/m);
    expect(text).toMatch(/cni — on/);
    expect(text).toMatch(/namespace — revision default · takes locked, shop/);
    expect(text).toMatch(/Namespaces — istio-injection=enabled/);
    expect(text).toMatch(/shop — injected, revision default · \d+ of \d+ in the mesh/);
    expect(text).toMatch(/plain — not asked for · 1 of 2 in the mesh/);
    expect(text).toMatch(/PeerAuthentications — 1, the mesh: PERMISSIVE \(default\)/);
    expect(text).toMatch(/shop\/ratings — STRICT · app=ratings/);
  });

  it('hands commands the policy that a node stands for', async () => {
    const { tree } = await open();
    const groups = await tree.roots();
    const policies = await groups.find(({ id }) => id === 'mesh:policies')?.children();
    expect(policies?.[0]).toMatchObject({
      kind: 'PeerAuthentication',
      namespace: 'shop',
      name: 'ratings',
      flags: ['policy'],
    });
  });

  it('keeps ids unique and the same, and speaks for every icon', async () => {
    const { tree } = await open();
    const walk = async (nodes: readonly TreeNode[]): Promise<TreeNode[]> =>
      (await Promise.all(nodes.map(async (node) => [node, ...(await walk(await node.children()))]))).flat();
    const [first, second] = [await walk(await tree.roots()), await walk(await tree.roots())];
    const ids = first.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(second.map(({ id }) => id)).toEqual(ids);
    for (const node of first) {
      expect(node.item().spoken).not.toBe('');
      expect(node.tooltip().length).toBeGreaterThan(0);
    }
  });

  it('says why what may not be read is missing, and shows the rest', async () => {
    const { tree, policies } = await open((server) =>
      server.setFaults([{ for: /mutatingwebhook|configmaps|peerauthentications/, status: 403 }]),
    );
    expect(policies.phase).toBe('refused');
    const text = (await print(await tree.roots())).join('\n');
    expect(text).toMatch(/No right to list .*mutatingwebhookconfigurations/);
    expect(text).toMatch(/Its configuration could not be read/);
    expect(text).toMatch(/PeerAuthentications could not be read — Retry/);
    expect(text).toMatch(/shop — injected/);
    expect(tree.problems()).toBe(0);
  });

  it('shows the policies of the chosen namespaces as a part, and follows them there', async () => {
    const { tree, policies, cluster } = await open(
      (server) => server.setFaults([{ for: /v1\/peerauthentications|namespaces\/plain\/peerauth/, status: 403 }]),
      ['plain', 'shop'],
    );
    expect(policies.phase).toBe('live');
    expect(policies.only).toEqual(['shop']);
    const text = (await print(await tree.roots())).join('\n');
    expect(text).toMatch(/PeerAuthentications — 1, only namespace shop is read/);
    expect(text).toMatch(/shop\/ratings — STRICT · app=ratings/);
    expect(text).not.toMatch(/the mesh: PERMISSIVE/);
    await cluster.apply({
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'more', namespace: 'shop' },
    } as never);
    await expect.poll(() => policies.all().length).toBe(2);
  });

  it('shows the policies of where they may be read to those who may not read all', async () => {
    const { tree, policies } = await open((server) =>
      server.setFaults([{ for: /^\/apis\/security.istio.io\/v1(beta1)?\/peerauthentications/, status: 403 }]),
    );
    expect(policies.only).toEqual(['shop']);
    expect((await print(await tree.roots())).join('\n')).toMatch(/PeerAuthentications — 1, only namespace shop is/);
  });

  it.each([
    ['all', []],
    ['some namespaces', [{ for: /^\/apis\/security.istio.io\/v1(beta1)?\/peerauthentications/, status: 403 }]],
  ])('keeps the policies in sight while it asks again: who may read %s', async (_, faults) => {
    const { server, tree, policies } = await open((server) => server.setFaults(faults));
    const shown = async () => (await print(await tree.roots())).filter((line) => line.includes('PeerAuthentications'));
    const before = await shown();
    server.setFaults([...faults, { for: /peerauthentications/, hang: true }]);
    policies.refresh();
    for (let look = 0; look < 10; look++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(policies.all()).toHaveLength(1);
      expect(await shown()).toEqual(before);
    }
    server.setFaults(faults);
  });

  it('misses no control plane where Deployments may not be read', async () => {
    const { tree } = await open((server) => server.setFaults([{ for: /deployments/, status: 403 }]));
    const text = (await print(await tree.roots())).join('\n');
    expect(text).toMatch(/The control plane cannot be seen from here/);
    expect(text).not.toMatch(/not installed|nobody answers/);
    expect(tree.problems()).toBe(0);
  });

  it('says when the cluster does not know PeerAuthentications', async () => {
    const { tree } = await open((server) => server.setFaults([{ for: /peerauthentications/, status: 404 }]));
    expect((await print(await tree.roots())).join('\n')).toMatch(
      /No PeerAuthentications — this cluster does not know them/,
    );
  });

  it('follows policies while somebody looks', async () => {
    const { tree, policies, cluster, changes } = await open();
    const before = changes();
    await cluster.apply({
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'default', namespace: 'istio-system' },
      spec: { mtls: { mode: 'STRICT' } },
    } as never);
    await expect.poll(() => policies.all().length).toBe(2);
    expect(changes()).toBeGreaterThan(before);
    expect((await print(await tree.roots())).join('\n')).toMatch(/PeerAuthentications — 2, the mesh: STRICT/);
    policies.stop();
  });

  it('is not drawn again for a change that it does not show', async () => {
    const { tree, store } = await open();
    await tree.roots();
    const change = (...parts: StoreChange['parts'] extends Set<infer P> ? P[] : never) => ({
      parts: new Set(parts),
      namespaces: new Set(['shop']),
      state: false,
    });
    expect(tree.stale(change('pods', 'events'))).toEqual([]);
    expect(tree.stale(change('mutatingWebhooks'))).toBeUndefined();
    expect(store.phase).toBe('ready');
  });
});
