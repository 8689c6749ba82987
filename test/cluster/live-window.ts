/** One window of the editor on a cluster, without the editor: the store, what is computed of it, and what is drawn. */
import type { Cluster } from '../../extension/cluster/cluster.ts';
import { LayerHub } from '../../extension/live-layer/layer-hub.ts';
import { LiveLayer } from '../../extension/live-layer/live-layer.ts';
import { decideForPod } from '../../extension/trees/store/decide.ts';
import { createDrawing } from '../../extension/trees/drawing.ts';
import { MeshModel } from '../../extension/trees/store/mesh-model.ts';
import type { TreeNode } from '../../extension/trees/tree-node.ts';
import { TreeStore, type StoreChange } from '../../extension/trees/store/tree-store.ts';
import { NamespaceNode } from '../../extension/trees/workloads/workload-nodes.ts';
import { WorkloadsTree } from '../../extension/trees/workloads/workloads-tree.ts';

export interface LiveWindow {
  readonly store: TreeStore;
  readonly model: MeshModel;
  /** What is drawn: the namespaces, and the workloads and pods of the first of them. */
  readonly lines: string[];
  /** How many lines were made until now. */
  items: number;
  /** Told after each drawing. */
  onDraw: () => void;
  dispose(): void;
}

export interface WindowOptions {
  /** So many namespaces are unfolded, and all workloads in them. */
  unfolded?: number;
  /** What is told to the language server, if it is told; it is made a text of, as it goes to another process. */
  onLayer?: (bytes: number) => void;
  /** Those that the user chose. */
  namespaces?: string[];
}

export function openWindow(
  cluster: Cluster,
  { unfolded = 1, onLayer, namespaces = [] }: WindowOptions = {},
): LiveWindow {
  const store = new TreeStore({ connect: () => Promise.resolve(cluster), namespaces: () => namespaces });
  const model = new MeshModel(store, decideForPod);
  const tree = new WorkloadsTree(store, model);
  const layer = onLayer && followLayer(store, onLayer);
  const dispose = () => {
    layer?.dispose();
    store.dispose();
  };
  const window: LiveWindow = { store, model, lines: [], items: 0, onDraw: () => undefined, dispose };
  const line = (node: TreeNode): string => {
    window.items += 1;
    const { label, description } = node.item();
    return `${label} ${description ?? ''}`;
  };
  let roots: TreeNode[] = [];
  const shown = new Map<TreeNode, { line: string; below: string[] }>();
  const drawNode = async (node: TreeNode) => {
    const below: string[] = [];
    shown.set(node, { line: line(node), below });
    if (!(node instanceof NamespaceNode) || unfoldedOf(roots, unfolded).indexOf(node) < 0) return;
    for (const workload of await node.children()) {
      below.push(line(workload));
      for (const pod of await workload.children()) below.push(line(pod));
    }
  };
  // As the editor does: the whole tree, or the nodes that are told with what is unfolded below them.
  const refresh = async (nodes?: TreeNode[]) => {
    if (!nodes) {
      roots = await tree.roots();
      shown.clear();
    }
    for (const node of nodes ?? roots) await drawNode(node);
    window.lines.splice(0, Infinity, ...roots.flatMap((node) => shown.get(node)?.line ?? []));
    for (const node of roots) window.lines.push(...(shown.get(node)?.below ?? []));
    tree.problems();
    window.onDraw();
  };
  const drawing = createDrawing(
    () => model.prepare(),
    async (change) => {
      const stale = tree.stale(change);
      if (store.phase === 'ready' && (roots.length === 0 || stale?.length !== 0))
        await refresh(roots.length === 0 ? undefined : stale);
    },
  );
  store.onDidChange((change: StoreChange) => {
    model.apply(change);
    void drawing(change);
  });
  return window;
}

function unfoldedOf(roots: readonly TreeNode[], count: number): TreeNode[] {
  return roots.filter((node) => node instanceof NamespaceNode).slice(0, count);
}

function followLayer(store: TreeStore, onLayer: (bytes: number) => void): LiveLayer {
  const hub = new LayerHub();
  hub.attach((_, value) => onLayer((JSON.stringify(value) ?? '').length));
  const layer = new LiveLayer({ store, receiver: hub, useOf: () => 'analysis' as const });
  layer.start();
  return layer;
}

export interface Blocking {
  /** By the clock: also while other programs had the processor. */
  longestMs: number;
  /** Of this thread's own computing, between two looks: what it would have been on an idle machine. */
  longestCpuMs: number;
  /** Of the process, user and system, all threads: also those that compile and collect beside the one that keys wait for. */
  cpuMs: number;
  /** Of that one alone. */
  threadCpuMs: number;
  tookMs: number;
}

/** A look costs some microseconds; more often than this they would be what is measured. In milliseconds. */
const lookEvery = 5;

/** How long the event loop stood still at most while `work` ran. A block lies between two looks, and is seen whole. */
export async function measureBlocking(work: () => Promise<unknown>): Promise<Blocking> {
  const cpuOfThread = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let [longestMs, longestCpuMs] = [0, 0];
  let [lookedAt, cpuThen] = [performance.now(), cpuOfThread()];
  const look = () => {
    const [now, cpuNow] = [performance.now(), cpuOfThread()];
    longestMs = Math.max(longestMs, now - lookedAt - lookEvery);
    longestCpuMs = Math.max(longestCpuMs, cpuNow - cpuThen);
    [lookedAt, cpuThen] = [now, cpuNow];
  };
  const [cpu, cpuBefore] = [process.cpuUsage(), cpuThen];
  const begin = performance.now();
  const timer = setInterval(look, lookEvery);
  await work();
  clearInterval(timer);
  look();
  const { user, system } = process.cpuUsage(cpu);
  const threadCpuMs = cpuThen - cpuBefore;
  return { longestMs, longestCpuMs, cpuMs: (user + system) / 1000, threadCpuMs, tookMs: performance.now() - begin };
}
