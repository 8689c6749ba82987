/** The trees as a person reads them, over real HTTP from the demo cluster's API. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createClientNodeCluster } from '../cluster/client-node-cluster.ts';
import { startApiServer } from '../demo/api-server.ts';
import { readRecording } from '../demo/recording.ts';
import type { RunningApiServer } from '../demo/api-server.ts';
import { readCni } from '../node-helper/client.ts';
import { helperManifest } from '../node-helper/manifest.ts';
import { CniChainTree } from './cni-chain/cni-chain-tree.ts';
import { decideForPod } from './store/decide.ts';
import { MeshModel } from './store/mesh-model.ts';
import { NodeChains } from './cni-chain/node-chains.ts';
import { contextValue } from './tree-node.ts';
import type { TreeNode } from './tree-node.ts';
import { TreeStore } from './store/tree-store.ts';
import type { StoreChange } from './store/tree-store.ts';
import { WorkloadsTree } from './workloads/workloads-tree.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function open(state: string, prepare: (server: RunningApiServer) => void = () => undefined) {
  const server = await startApiServer({
    recording: await readRecording(join(import.meta.dirname, '../demo/recordings', state)),
  });
  cleanUps.push(() => server.close());
  prepare(server);
  const cluster = createClientNodeCluster({
    context: { id: `demo:${state}`, name: state, kind: 'demo', namespace: 'shop' },
    cluster: { name: state, server: server.url, skipTLSVerify: false },
    user: { name: 'demo', token: server.token, impersonateGroups: [] },
    environment: {},
  });
  cleanUps.push(() => cluster.dispose());
  const store = new TreeStore({ connect: () => Promise.resolve(cluster), coalesceMs: 20 });
  cleanUps.push(() => store.dispose());
  const model = new MeshModel(store, decideForPod);
  const chains = new NodeChains(store, readCni);
  const trees = { workloads: new WorkloadsTree(store, model), chain: new CniChainTree(store, model, chains) };
  store.onDidChange((change) => model.apply(change));
  store.start();
  await store.whenSettled();
  await settle(store);
  return { server, cluster, store, model, ...trees };
}

/** Until the slower parts (the injector's settings come last) have answered. */
async function settle(store: TreeStore): Promise<void> {
  if (store.phase === 'failed') return;
  await expect.poll(() => store.part('configMaps').phase).not.toBe('waiting');
  await new Promise((resolve) => setTimeout(resolve, 50));
}

/** A tree in lines, as deep as asked for: `  label — description`. */
async function print(nodes: TreeNode[], depth: number, indent = ''): Promise<string[]> {
  const lines: string[] = [];
  for (const node of nodes) {
    const { label, description } = node.item();
    lines.push(indent + [label, description].filter(Boolean).join(' — '));
    if (depth > 0) lines.push(...(await print(await node.children(), depth - 1, `${indent}  `)));
  }
  return lines;
}

async function find(nodes: TreeNode[], ...labels: RegExp[]): Promise<TreeNode> {
  const [first, ...rest] = labels;
  const node = nodes.find((candidate) => first?.test(candidate.item().label));
  if (!node)
    throw new Error(`no ${String(first)} among ${nodes.map((candidate) => candidate.item().label).join(', ')}`);
  return rest.length > 0 ? find(await node.children(), ...rest) : node;
}

describe('the Workloads tree', () => {
  it('shows before-cni: injected by istio-init, opted out and by what, and refused by Pod Security', async () => {
    const { workloads } = await open('before-cni');
    expect(await print(await workloads.roots(), 2)).toMatchInlineSnapshot(`
      [
        "default — 0 of 2 in the mesh",
        "  cli — not injected: namespace not labelled",
        "    c — running",
        "  web — not injected: namespace not labelled",
        "    web — running",
        "istio-system — 0 of 1 in the mesh",
        "  istiod — not injected: opted out by label",
        "    istiod-7b84d69d9b-brtj5 — not injected: opted out by label",
        "locked — 1 problem · injection enabled",
        "  api — refused by Pod Security (baseline) · no pods",
        "    refused by Pod Security (baseline) — Deployment api has no pods: namespace locked enforces Pod Security “baseline” (pod-security.kubernetes.io/enforce: baseline), and istio-init asks for NET_ADMIN and NET_RAW to program the redirect rules.",
        "plain — 1 of 2 in the mesh",
        "  optin — 1 of 1 in the mesh",
        "    optin-6844fc988d-d57qt — injected by istio-init · version 1",
        "  worker — not injected: namespace not labelled",
        "    worker-5b8d8d6bd5-mq6vc — not injected: namespace not labelled",
        "shop — 7 of 10 in the mesh · injection enabled",
        "  batch — not injected: opted out by label",
        "    batch-78b55cdf5c-qrqfv — not injected: opted out by label",
        "  details — 1 of 1 in the mesh",
        "    details-5bd9bfd-5zgvj — injected by istio-init · version 1",
        "  dns — 1 of 1 in the mesh",
        "    dns-fffbf57bf-vzs2j — injected by istio-init · version 1",
        "  hostnet — not injected: host network",
        "    hostnet-66db7db57f-zq4rw — not injected: host network",
        "  legacy — not injected: opted out by annotation",
        "    legacy-6c656d7648-zz8ml — not injected: opted out by annotation",
        "  productpage — 2 of 2 in the mesh",
        "    productpage-75bc9f9bfd-fwjsl — injected by istio-init · version 1",
        "    productpage-75bc9f9bfd-vwmd7 — injected by istio-init · version 1",
        "  ratings — 1 of 1 in the mesh",
        "    ratings-544597646d-jhbbx — injected by istio-init · TPROXY · version 1",
        "  reviews — 2 of 2 in the mesh",
        "    reviews-57b9fb8fff-7pnkh — injected by istio-init · version 1",
        "    reviews-57b9fb8fff-z4dl7 — injected by istio-init · version 1",
      ]
    `);
    expect(workloads.problems()).toBe(1);
  });

  it('shows with-cni: the same shop, programmed by the plugin', async () => {
    const { workloads } = await open('with-cni');
    const shop = await find(await workloads.roots(), /^shop$/);
    expect(await print(await shop.children(), 1)).toMatchInlineSnapshot(`
      [
        "batch — not injected: opted out by label",
        "  batch-56d7445b88-phprc — not injected: opted out by label",
        "details — 1 of 1 in the mesh",
        "  details-579c866fdc-xgwdw — injected by CNI · version 1",
        "dns — 1 of 1 in the mesh",
        "  dns-5f566c5fb6-42wwk — injected by CNI · version 1",
        "hostnet — no node fits · not injected: host network",
        "  hostnet-657b8f678b-vgg7t — no node fits · not injected: host network",
        "  hostnet-66db7db57f-zq4rw — not injected: host network",
        "legacy — not injected: opted out by annotation",
        "  legacy-66d75789d7-xg5nb — not injected: opted out by annotation",
        "productpage — 2 of 2 in the mesh",
        "  productpage-6fc8589769-llc7t — injected by CNI · version 1",
        "  productpage-6fc8589769-nxkfb — injected by CNI · version 1",
        "ratings — 1 of 1 in the mesh",
        "  ratings-7bcb87fbbc-lh2bb — injected by CNI · TPROXY · version 1",
        "reviews — 2 of 2 in the mesh",
        "  reviews-6cb6f49678-9fmxc — injected by CNI · version 1",
        "  reviews-6cb6f49678-j9m77 — injected by CNI · version 1",
      ]
    `);
  });

  it('shows broken: which pods hang, and on what', async () => {
    const { workloads } = await open('broken');
    const lines = await print(await workloads.roots(), 2);
    expect(lines.filter((line) => line.includes('hangs'))).toMatchInlineSnapshot(`
      [
        "  web — hangs in Terminating: CNI version · not injected: namespace not labelled",
        "    hangs in Terminating: CNI version — The pod is ending and has no event of its own yet, but node n1 cannot take down any pod’s network; shop/batch-5fdc6666cd-6kbwm shows why. The CNI configuration asks for version 0.3.1, but the plugin galaxy-sdn speaks only 0.1.0, 0.2.0.",
        "  istio-cni-node — hangs in Terminating: CNI version · not injected: opted out by label",
        "    istio-cni-node-ktqtv — hangs in Terminating: CNI version · not injected: opted out by label",
        "  batch — hangs: CNI version · not injected: opted out by label",
        "    batch-5fdc6666cd-6kbwm — hangs: CNI version · not injected: opted out by label",
      ]
    `);
  });

  it('shows a pod’s problem and containers below it, and its whole story in the tooltip', async () => {
    const { workloads } = await open('broken');
    const batch = await find(await workloads.roots(), /^shop$/, /^batch$/, /^batch-5fdc/);
    expect(await print(await batch.children(), 0)).toMatchInlineSnapshot(`
      [
        "hangs: CNI version — The pod hangs in ContainerCreating: node n1 cannot set up its network. The CNI configuration asks for version 0.3.1, but the plugin galaxy-sdn speaks only 0.1.0, 0.2.0.",
        "app — ContainerCreating",
      ]
    `);
    const text = batch
      .tooltip()
      .map((line) => line.text)
      .join('\n');
    expect(text).toContain('incompatible CNI versions');
    expect(text).toContain('carries the label sidecar.istio.io/inject=false');
    expect(contextValue(batch.flags)).toBe(';pod;problem;');
  });

  it('gives every node an id of its own', async () => {
    const { workloads, chain } = await open('broken');
    for (const tree of [workloads, chain]) {
      const ids: string[] = [];
      const walk = async (nodes: TreeNode[]): Promise<void> => {
        for (const node of nodes) {
          ids.push(node.id);
          await walk(await node.children());
        }
      };
      await walk(await tree.roots());
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  it('refreshes the one namespace in which a pod went, under the very node that it handed out', async () => {
    const { workloads, cluster, store } = await open('with-cni');
    const shop = await find(await workloads.roots(), /^shop$/);
    const changes: StoreChange[] = [];
    store.onDidChange((change) => changes.push(change));
    await cluster.delete(
      { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true },
      'details-579c866fdc-xgwdw',
      { namespace: 'shop' },
    );
    await expect.poll(() => changes.length).toBeGreaterThan(0);
    const stale = changes.map((change) => workloads.stale(change));
    expect(stale.every((nodes) => nodes?.every((node) => node === shop))).toBe(true);
  });
});

describe('a cluster that does not give what is asked', () => {
  it('is one line with the reason and a Retry, no exception', async () => {
    const { workloads, chain, store } = await open('broken', (server) => server.setFaults({ status: 401 }));
    expect(store.phase).toBe('failed');
    for (const roots of [await workloads.roots(), await chain.roots()]) {
      expect(roots).toHaveLength(1);
      expect(contextValue(roots[0]!.flags)).toContain(';retry;');
      expect(roots[0]!.item()).toMatchObject({ label: 'Login refused by broken', command: { id: 'meshloom.refresh' } });
    }
  });

  it('shows what the user may see, and says what is left out', async () => {
    const { workloads } = await open('before-cni', (server) =>
      server.setFaults({ for: '^/api/v1/(nodes|events|namespaces/shop/events)|mutatingwebhook', status: 403 }),
    );
    const lines = await print(await workloads.roots(), 0);
    expect(lines[0]).toContain('No right to list');
    expect(lines[0]).toContain('events');
    expect(lines.some((line) => line.startsWith('shop'))).toBe(true);
  });
});

describe('the CNI Chain tree', () => {
  it('tells without a helper what the API tells, says so, and offers to deploy one', async () => {
    const { chain } = await open('broken');
    const roots = await chain.roots();
    expect(await print(roots, 1)).toMatchInlineSnapshot(`
      [
        "n1 — CNI version · 3 pods hang · containerd 1.6.20",
        "  The CNI configuration asks for version 0.3.1, but the plugin galaxy-sdn speaks only 0.1.0, 0.2.0. — 41 times",
        "  Istio CNI — istio-system/istio-cni-node · 1 · hangs in Terminating: CNI version",
        "  default/web — hangs in Terminating: CNI version",
        "  istio-system/istio-cni-node-ktqtv — hangs in Terminating: CNI version",
        "  shop/batch-5fdc6666cd-6kbwm — hangs: CNI version",
        "  This is what the API tells. Deploy Node Helper… — to read the node’s files and plugins",
      ]
    `);
    const children = await roots[0]!.children();
    expect(contextValue(children.at(-1)!.flags)).toContain(';no-helper;');
    expect(children.at(-1)!.item().command?.id).toBe('meshloom.deployNodeHelper');
  });

  it('has nothing to complain of where nothing is wrong', async () => {
    const { chain } = await open('with-cni');
    expect(await print(await chain.roots(), 1)).toMatchInlineSnapshot(`
      [
        "n1 — containerd 1.6.20",
        "  Istio CNI — istio-system/istio-cni-node · 1 · ready",
        "  This is what the API tells. Deploy Node Helper… — to read the node’s files and plugins",
      ]
    `);
    expect(chain.problems()).toBe(0);
  });

  it('reads the chain as soon as a helper runs: problems on top, the file in force, its plugins with their versions, and the pods', async () => {
    const { chain, cluster, store } = await open('broken');
    const [node] = await chain.roots();
    await node!.children();
    const stale: (TreeNode[] | undefined)[] = [];
    store.onDidChange((change) => stale.push(chain.stale(change)));
    const manifest = helperManifest({
      image: 'node:24-slim',
      version: '0.1.0',
      program: Buffer.from('// the recording answers'),
    });
    for (const object of manifest) await cluster.apply(object);
    await expect.poll(() => stale.some((nodes) => nodes?.includes(node!)), { timeout: 10_000 }).toBe(true);
    await expect.poll(async () => (await print([node!], 2)).join('\n'), { timeout: 10_000 }).toContain('in force');
    expect(await print([node!], 2)).toMatchInlineSnapshot(`
      [
        "n1 — CNI version · 3 pods hang · containerd 1.6.20",
        "  The list asks a plugin for a version that it does not speak — galaxy-sdn · ML2001",
        "  00-galaxy.conflist — in force · network k8s-pod-network · CNI 0.3.1",
        "    1. galaxy-sdn — asked for 0.3.1 · speaks 0.1.0, 0.2.0 · calls other plugins",
        "  default/web — hangs in Terminating: CNI version",
        "  istio-system/istio-cni-node-ktqtv — hangs in Terminating: CNI version",
        "  shop/batch-5fdc6666cd-6kbwm — hangs: CNI version",
      ]
    `);
    expect(chain.problems()).toBeGreaterThan(0);
  });
});
