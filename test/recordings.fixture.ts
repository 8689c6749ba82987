/** For tests: a demo cluster with helpers, recorded and replayed over real HTTP; and what a person sees of it. */
import { join } from 'node:path';
import { parse } from 'yaml';
import type { PlainObject } from '../contract/cluster-layer.ts';
import { Workspace } from '../language/workspace.ts';
import type { ConfigMap, MutatingWebhookConfiguration, Namespace, Pod } from '../mesh/kubernetes.ts';
import { decideInjection } from '../mesh/injection/decide-injection.ts';
import { createClientNodeCluster } from '../extension/cluster/client-node-cluster.ts';
import { resourceTypes, type Cluster } from '../extension/cluster/cluster.ts';
import { startApiServer, type RunningApiServer } from '../extension/demo/api-server.ts';
import { addFaults } from '../extension/demo/add-faults.ts';
import { readRecording, type Recording } from '../extension/demo/recording.ts';
import { eventually, helperManifests, recordingsDir } from '../extension/demo/testing.ts';
import { readCni } from '../extension/node-helper/client.ts';
import { CniChainTree } from '../extension/trees/cni-chain/cni-chain-tree.ts';
import { decideForPod } from '../extension/trees/store/decide.ts';
import { MeshModel } from '../extension/trees/store/mesh-model.ts';
import { NodeChains } from '../extension/trees/cni-chain/node-chains.ts';
import type { TreeNode } from '../extension/trees/tree-node.ts';
import { TreeStore } from '../extension/trees/store/tree-store.ts';
import { WorkloadsTree } from '../extension/trees/workloads/workloads-tree.ts';

export type OpenCluster = Cluster & { dispose(): void };

/** One state of the shop, faults included. */
export async function readState(state: string): Promise<Recording> {
  const directory = join(recordingsDir, state);
  return await addFaults(await readRecording(directory), directory);
}

export async function serve(recording: Recording): Promise<{ server: RunningApiServer; cluster: OpenCluster }> {
  const server = await startApiServer({ recording });
  const cluster = createClientNodeCluster({
    context: { id: 'demo:test', name: 'shop-cluster', kind: 'demo', namespace: 'shop' },
    cluster: { name: 'test', server: server.url, skipTLSVerify: false },
    user: { name: 'demo', token: server.token, impersonateGroups: [] },
    environment: {},
  });
  return { server, cluster };
}

/** Deploys the node helper and waits until it answers. */
export async function deployHelper(cluster: Cluster): Promise<void> {
  for (const object of helperManifests()) await cluster.apply(object, { force: true });
  await eventually(
    () => cluster.list<Pod>(resourceTypes.pods, { namespace: 'meshloom-system' }),
    ({ items }) =>
      items.length > 0 && items.every(({ status }) => status?.containerStatuses?.every(({ ready }) => ready)),
  );
}

/** The two trees, as lines. */
export async function printTrees(cluster: Cluster): Promise<string[]> {
  const store = new TreeStore({ connect: () => Promise.resolve(cluster), coalesceMs: 20 });
  try {
    const model = new MeshModel(store, decideForPod);
    const chains = new NodeChains(store, readCni);
    const trees = [new WorkloadsTree(store, model), new CniChainTree(store, model, chains)];
    store.onDidChange((change) => model.apply(change));
    store.start();
    await store.whenSettled();
    await eventually(
      () => Promise.resolve(store.part('configMaps').phase),
      (phase) => phase !== 'waiting',
    );
    await new Promise((resolve) => setTimeout(resolve, 80));
    const lines: string[] = [];
    for (const tree of trees) lines.push(...(await print(await tree.roots(), 6)));
    return lines;
  } finally {
    store.dispose();
  }
}

async function print(nodes: readonly TreeNode[], depth: number, indent = ''): Promise<string[]> {
  const lines: string[] = [];
  for (const node of nodes) {
    const { label, description = '', tone } = node.item();
    lines.push(`${indent}${label} — ${description} (${tone})`);
    if (depth > 1) lines.push(...(await print(await node.children(), depth - 1, `${indent}  `)));
  }
  return lines;
}

/** What analysis says of these objects, a line each: `code level kind/namespace/name message`. */
export function printFindings(resources: readonly PlainObject[]): string[] {
  const workspace = new Workspace();
  workspace.setCluster({ name: 'c', resources: [...resources], complete: [] });
  return workspace
    .findings()
    .map(({ code, severity, message, uri }) => `${code} ${severity} ${uri.replace(/^cluster:[^/]*\//, '')} ${message}`)
    .sort();
}

/** The injection verdict about every pod, with all its steps. */
export function printVerdicts(resources: readonly PlainObject[]): string[] {
  const of = <T>(kind: string) => resources.filter((each) => each['kind'] === kind) as T[];
  const namespaces = of<Namespace>('Namespace');
  return of<Pod>('Pod')
    .map((pod) => {
      const namespace = namespaces.find(({ metadata }) => metadata?.name === pod.metadata?.namespace);
      const { injected, steps, revision } = decideInjection({
        pod,
        ...(namespace && { namespace }),
        webhooks: of<MutatingWebhookConfiguration>('MutatingWebhookConfiguration'),
        configMaps: of<ConfigMap>('ConfigMap'),
        parseYaml: (text) => parse(text) as unknown,
      });
      const why = steps.map(({ verdict, says }) => `${verdict} ${says}`).join(' | ');
      return `${pod.metadata?.namespace ?? ''}/${pod.metadata?.name ?? ''} ${String(injected)} ${revision ?? ''} ${why}`;
    })
    .sort();
}
