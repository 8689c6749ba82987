/** One window of the editor on a cluster, without the editor: the store, what is computed of it, and what is drawn. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Cluster } from '../../extension/cluster/cluster.ts';
import { decideForPod } from '../../extension/trees/decide.ts';
import { createDrawing } from '../../extension/trees/drawing.ts';
import { MeshModel } from '../../extension/trees/mesh-model.ts';
import type { TreeNode } from '../../extension/trees/tree-node.ts';
import { TreeStore, type StoreChange } from '../../extension/trees/tree-store.ts';
import { WorkloadsTree } from '../../extension/trees/workloads-tree.ts';

export interface LiveWindow {
  readonly store: TreeStore;
  readonly model: MeshModel;
  /** What is drawn: the namespaces, and the workloads and pods of the first of them. */
  readonly lines: string[];
  /** Told after each drawing. */
  onDraw: () => void;
  dispose(): void;
}

export function openWindow(cluster: Cluster): LiveWindow {
  const store = new TreeStore({ connect: () => Promise.resolve(cluster) });
  const model = new MeshModel(store, decideForPod);
  const tree = new WorkloadsTree(store, model);
  const window: LiveWindow = { store, model, lines: [], onDraw: () => undefined, dispose: () => store.dispose() };
  const drawing = createDrawing(
    () => model.prepare(),
    async (change) => {
      tree.stale(change);
      if (store.phase === 'ready') await draw();
    },
  );
  const draw = async () => {
    const roots = await tree.roots();
    const lines = roots.map(line);
    const [first] = roots;
    for (const workload of first ? await first.children() : []) {
      lines.push(line(workload));
      for (const pod of await workload.children()) lines.push(line(pod));
    }
    window.lines.splice(0, Infinity, ...lines);
    tree.problems();
    window.onDraw();
  };
  store.onDidChange((change: StoreChange) => {
    model.apply(change);
    void drawing(change);
  });
  return window;
}

function line(node: TreeNode): string {
  const { label, description } = node.item();
  return `${label} ${description ?? ''}`;
}

export interface Blocking {
  longestMs: number;
  /** Of the process, user and system. */
  cpuMs: number;
  tookMs: number;
}

/** How long the event loop stood still at most while `work` ran. */
export async function measureBlocking(work: () => Promise<unknown>): Promise<Blocking> {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  const cpu = process.cpuUsage();
  const begin = performance.now();
  histogram.enable();
  await work();
  histogram.disable();
  const { user, system } = process.cpuUsage(cpu);
  return { longestMs: histogram.max / 1e6, cpuMs: (user + system) / 1000, tookMs: performance.now() - begin };
}
