/** What the CNI plugin's agent and delegating plugins add to the trees, over real HTTP from the demo cluster's API. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { PodRecord, ReadAgentResult } from '../../../contract/cni-plugin.ts';
import type { NodeHelperError, NodeHelperReply, ReadCniResult } from '../../../contract/node-helper.ts';
import { createClientNodeCluster } from '../../cluster/client-node-cluster.ts';
import { startApiServer } from '../../demo/api-server.ts';
import { readRecording } from '../../demo/recording.ts';
import { helperManifest } from '../../node-helper/manifest.ts';
import { CniChainTree } from './cni-chain-tree.ts';
import { decideForPod } from '../store/decide.ts';
import { MeshModel } from '../store/mesh-model.ts';
import { NodeAgents } from './node-agents.ts';
import { NodeChains } from './node-chains.ts';
import { renderTooltip, type TreeNode } from '../tree-node.ts';
import { TreeStore } from '../store/tree-store.ts';
import { WorkloadsTree } from '../workloads/workloads-tree.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const helper = { version: '0.1.0', hash: 'x' };
const answer = <T>(result: T) => ({ protocol: 1, helper, ok: true as const, result });

interface Told {
  agent?: ReadAgentResult | NodeHelperError | 'never';
  cni?: Partial<ReadCniResult>;
  withHelper?: boolean;
}

/** The shop with Istio's CNI plugin, and a helper on its node that answers as told. */
async function open({ agent, cni = {}, withHelper = true }: Told = {}) {
  const recording = await readRecording(join(import.meta.dirname, '../../demo/recordings/with-cni'));
  const server = await startApiServer({ recording });
  cleanUps.push(() => server.close());
  const cluster = createClientNodeCluster({
    context: { id: 'demo:with-cni', name: 'with-cni', kind: 'demo', namespace: 'shop' },
    cluster: { name: 'with-cni', server: server.url, skipTLSVerify: false },
    user: { name: 'demo', token: server.token, impersonateGroups: [] },
    environment: {},
  });
  cleanUps.push(() => cluster.dispose());
  if (withHelper) {
    const manifest = helperManifest({ image: 'node:24-slim', version: '0.1.0', program: Buffer.from('//') });
    for (const object of manifest) await cluster.apply(object);
  }
  const store = new TreeStore({ connect: () => Promise.resolve(cluster), coalesceMs: 20 });
  cleanUps.push(() => store.dispose());
  const model = new MeshModel(store, decideForPod);
  let asked = 0;
  const agents = new NodeAgents(store, () => {
    asked++;
    if (agent === 'never') return new Promise(() => undefined);
    const reply: NodeHelperReply<'read-agent'> =
      agent && 'code' in agent
        ? { protocol: 1, helper, ok: false, error: agent }
        : answer(agent ?? { running: false, records: [], notes: [] });
    return Promise.resolve({ reply });
  });
  const chains = new NodeChains(store, () =>
    Promise.resolve({
      reply: answer<ReadCniResult>({
        confDir: '/etc/cni/net.d',
        binDirs: ['/opt/cni/bin'],
        files: [],
        plugins: [],
        notes: [],
        ...cni,
      }),
    }),
  );
  store.onDidChange((change) => model.apply(change));
  store.start();
  await store.whenSettled();
  if (withHelper)
    await expect
      .poll(
        () => [...store.tables.pods.all()].filter(({ metadata }) => metadata?.namespace === 'meshloom-system').length,
      )
      .toBeGreaterThan(0);
  const pod = (prefix: string) =>
    [...store.tables.pods.in('shop')].find(({ metadata }) => metadata?.name?.startsWith(prefix))!;
  return {
    cluster,
    store,
    pod,
    asked: () => asked,
    workloads: new WorkloadsTree(store, model, agents),
    chain: new CniChainTree(store, model, chains, agents),
  };
}

async function print(nodes: TreeNode[], depth: number, indent = ''): Promise<string[]> {
  const lines: string[] = [];
  for (const node of nodes) {
    const { label, description } = node.item();
    lines.push(indent + [label, description].filter(Boolean).join(' — '));
    if (depth > 0) lines.push(...(await print(await node.children(), depth - 1, `${indent}  `)));
  }
  return lines;
}

const record = (more: Partial<PodRecord>): PodRecord => ({
  containerId: 'c1',
  namespace: 'shop',
  name: '',
  uid: '',
  outcome: 'declined',
  steps: [],
  problems: [],
  at: '2026-11-21T10:00:00Z',
  ...more,
});

describe('a pod in Workloads', () => {
  it('says below it and in its tooltip what Meshloom’s plugin did with it, and why', async () => {
    const agent: ReadAgentResult = { running: true, records: [], notes: [] };
    const { workloads, pod, asked } = await open({ agent });
    const { name, uid } = pod('reviews').metadata!;
    agent.records = [
      record({
        name: name!,
        uid: uid!,
        steps: [
          { check: 'cni-excluded-namespace', value: 'shop', verdict: 'skip', says: 'Namespace shop is left alone.' },
        ],
      }),
    ];
    const node = workloads.pathTo('shop', name!)!.at(-1)!;
    expect(asked()).toBe(0);
    const lines = await print(await node.children(), 0);
    expect(lines).toContain('left alone by Meshloom — Namespace shop is left alone.');
    await node.prepareTooltip?.();
    expect(renderTooltip(node.tooltip())).toContain('Namespace shop is left alone');
    for (const other of ['details', 'ratings', 'productpage'])
      await workloads.pathTo('shop', pod(other).metadata!.name!)!.at(-1)!.children();
    expect(asked()).toBe(1);
  });

  it('asks nobody where no helper runs, and waits for nothing', async () => {
    const { workloads, pod, asked } = await open({ withHelper: false });
    const node = workloads.pathTo('shop', pod('reviews').metadata!.name!)!.at(-1)!;
    expect(node.children()).toBeInstanceOf(Array);
    expect(asked()).toBe(0);
  });

  it('is shown without a record when the node does not answer', { timeout: 10_000 }, async () => {
    const { workloads, pod } = await open({ agent: 'never' });
    const node = workloads.pathTo('shop', pod('reviews').metadata!.name!)!.at(-1)!;
    expect((await print(await node.children(), 0)).join()).toContain('istio-proxy');
  });

  it('can be found from its names, with all that it stands under', async () => {
    const { workloads, pod } = await open({ withHelper: false });
    const name = pod('reviews').metadata!.name!;
    const path = workloads.pathTo('shop', name)!;
    expect(path.map(({ id }) => id)).toEqual([
      'namespace:shop',
      'workload:shop/Deployment/reviews',
      `pod:shop/${name}`,
    ]);
    expect(workloads.parentOf(path[2]!)?.id).toBe(path[1]!.id);
    expect(workloads.parentOf(path[1]!)?.id).toBe(path[0]!.id);
    expect(workloads.parentOf(path[0]!)).toBeUndefined();
    expect(workloads.pathTo('shop', 'gone')).toBeUndefined();
    expect(workloads.pathTo('nowhere', name)).toBeUndefined();
  });
});

describe('a node in CNI Chain', () => {
  const conflist = (...plugins: object[]) => ({
    files: [
      {
        name: '10-x.conflist',
        content: JSON.stringify({ cniVersion: '0.4.0', name: 'podnet', plugins }),
      },
    ],
    plugins: ['bridge', 'host-local', 'meshloom-cni', 'multus'].map((type) => ({
      type,
      path: `/opt/cni/bin/${type}`,
      supportedVersions: ['0.3.1', '0.4.0'],
    })),
  });

  it('shows the agent, how many pods it programmed, and each of them', async () => {
    const { chain } = await open({
      cni: conflist({ type: 'bridge', ipam: { type: 'host-local' } }, { type: 'meshloom-cni' }),
      agent: {
        running: true,
        status: {
          pid: 1,
          since: '2026-11-21T09:00:00Z',
          aliveAt: '2026-11-21T10:00:00Z',
          version: '0.1.0',
          settings: { excludeNamespaces: [], onMiss: 'repair', backend: 'auto' },
          api: { connected: false, why: 'refused' },
        },
        records: [
          record({ name: 'reviews', containerId: 'c1', outcome: 'programmed' }),
          record({ name: 'web', containerId: 'c2', outcome: 'missed', problems: ['the agent was away'] }),
        ],
        notes: [],
      },
    });
    const [node] = await chain.roots();
    const lines = await print(await node!.children(), 2);
    expect(lines).toContain(
      'Meshloom’s agent — runs without the API server · 1 programmed by Meshloom · 1 missed: started without its rules',
    );
    const at = lines.findIndex((line) => line.startsWith('Meshloom’s agent'));
    expect(lines[at + 1]).toBe(
      '  shop/web — missed: started without its rules · It started without its rules: the agent was away',
    );
    expect(lines.join('\n')).toContain('    host-local — hands out the addresses · speaks 0.3.1, 0.4.0');
  });

  it('misses the agent where our plugin is chained, and is silent about it where it is not', async () => {
    const chained = await open({ cni: conflist({ type: 'bridge' }, { type: 'meshloom-cni' }) });
    expect((await print(await (await chained.chain.roots())[0]!.children(), 0)).join('\n')).toContain(
      'Meshloom’s agent — does not run',
    );
    const plain = await open({ cni: conflist({ type: 'bridge' }) });
    expect((await print(await (await plain.chain.roots())[0]!.children(), 0)).join('\n')).not.toContain('Meshloom');
  });

  it('says so when the helper is too old to be asked', async () => {
    const { chain } = await open({
      cni: conflist({ type: 'bridge' }, { type: 'meshloom-cni' }),
      agent: { code: 'unknown-verb', message: 'This helper does not know “read-agent”.' },
    });
    const lines = await print(await (await chain.roots())[0]!.children(), 0);
    expect(lines.join('\n')).toContain(
      'The agent of Meshloom’s CNI plugin could not be asked — The node helper there is older',
    );
  });

  it('shows its files although the agent does not answer', { timeout: 10_000 }, async () => {
    const { chain } = await open({ cni: conflist({ type: 'bridge' }), agent: 'never' });
    const lines = await print(await (await chain.roots())[0]!.children(), 0);
    expect(lines.join('\n')).toContain('10-x.conflist — in force');
  });

  it('shows what a delegating plugin calls, each with its versions', async () => {
    const delegate = { cniVersion: '0.4.0', name: 'inner', type: 'bridge' };
    const { chain } = await open({ cni: conflist({ type: 'multus', delegates: [delegate] }) });
    const [node] = await chain.roots();
    const file = (await node!.children()).find(({ flags }) => flags.includes('chain-file'))!;
    const lines = await print(await file.children(), 3);
    expect(lines[0]).toContain('1. multus');
    expect(lines.slice(1).join('\n')).toContain('bridge');
    expect(lines.slice(1).join('\n')).toContain('speaks 0.3.1, 0.4.0');
  });

  it('marks in a plugin’s tooltip the version that is asked for among all there are', async () => {
    const { chain } = await open({ cni: conflist({ type: 'bridge' }) });
    const [node] = await chain.roots();
    const file = (await node!.children()).find(({ flags }) => flags.includes('chain-file'))!;
    const [plugin] = await file.children();
    const texts = plugin!.tooltip().map(({ text }) => text);
    expect(texts).toContain('✓ 0.4.0 ← asked for');
    expect(texts).toContain('✗ 1.1.0');
    expect(texts).toContain('connects the pod');
  });

  it('tells where the runtime looks and where addresses come from', async () => {
    const { chain } = await open({
      cni: {
        ...conflist({ type: 'bridge' }),
        runtimeCni: {
          program: 'containerd',
          source: 'status',
          confDir: '/etc/cni/net.d',
          binDirs: ['/opt/cni/bin'],
          lastLoad: 'no network config found',
        },
        network: { subnets: [{ subnet: '10.88.0.0/24', source: 'x' }], mtu: { value: 1450, source: 'y' } },
      },
    });
    const lines = await print(await (await chain.roots())[0]!.children(), 0);
    expect(lines).toContain('/etc/cni/net.d — containerd says so itself · last loading failed');
    expect(lines).toContain('Pod network — 10.88.0.0/24 · 1450');
  });

  it('shows a pod that istio-validation holds, leads to it in Workloads, and says what to do', async () => {
    const { chain, cluster, pod, store } = await open({ withHelper: false });
    const { name, namespace } = pod('reviews').metadata!;
    const state = { terminated: { exitCode: 126 } };
    await cluster.patch(
      { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true },
      name!,
      {
        status: {
          phase: 'Pending',
          initContainerStatuses: [
            {
              name: 'istio-validation',
              restartCount: 4,
              ready: false,
              state: { waiting: { reason: 'CrashLoopBackOff' } },
              lastState: state,
            },
          ],
        },
      },
      { namespace: namespace!, subresource: 'status' },
    );
    await expect
      .poll(() => pod('reviews').status?.initContainerStatuses?.[0]?.lastState?.terminated?.exitCode)
      .toBe(126);
    await new Promise((resolve) => setTimeout(resolve, 60));
    const [node] = await chain.roots();
    expect(node!.item().description).toContain('1 pod without its rules');
    const held = (await node!.children()).find(({ flags }) => flags.includes('pod'))!;
    expect(held.item()).toMatchObject({
      label: `shop/${name}`,
      description: 'not redirected: istio-validation failed',
      command: { id: 'meshloom.revealPod' },
    });
    const text = renderTooltip(held.tooltip());
    expect(text).toContain('126');
    expect(text).toContain('delete the pod so that it starts anew');
    expect(store.phase).toBe('ready');
  });
});
