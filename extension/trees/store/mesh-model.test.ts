import { afterEach, expect, it } from 'vitest';
import type { KubernetesObject, Node, Pod } from '../../../mesh/kubernetes.ts';
import type { Cluster, WatchEvent } from '../../cluster/cluster.ts';
import { decideForPod } from './decide.ts';
import { MeshModel } from './mesh-model.ts';
import { TreeStore } from './tree-store.ts';

let store: TreeStore | undefined;
afterEach(() => store?.dispose());

const node = (name: string): Node => ({ kind: 'Node', metadata: { name, uid: name, resourceVersion: '1' } });
const pod = (name: string, nodeName: string, phase: string): Pod => ({
  kind: 'Pod',
  metadata: { name, uid: name, namespace: 'shop', resourceVersion: phase },
  spec: { nodeName, containers: [{ name: 'app' }] },
  status: { phase },
});

/** A cluster that holds these, and a way to change one of its pods. */
function cluster(objects: Record<string, KubernetesObject[]>) {
  let tell: (event: WatchEvent<Pod>) => void = () => undefined;
  const fake = {
    context: { id: 'x', name: 'x', kind: 'kubeconfig' },
    list: ({ plural }: { plural: string }) => Promise.resolve({ items: objects[plural] ?? [], resourceVersion: '1' }),
    watch: ({ plural }: { plural: string }, options: { signal: AbortSignal; onEvent: typeof tell }) => {
      if (plural === 'pods') tell = options.onEvent;
      return new Promise<void>((resolve) => options.signal.addEventListener('abort', () => resolve()));
    },
  } as unknown as Cluster;
  return { fake, change: (object: Pod) => tell({ type: 'MODIFIED', object }) };
}

it('looks again only at the node on which a pod has changed', async () => {
  const { fake, change } = cluster({
    nodes: [node('n1'), node('n2')],
    pods: [pod('a', 'n1', 'Running'), pod('b', 'n2', 'Running')],
  });
  const own = new TreeStore({ connect: () => Promise.resolve(fake), coalesceMs: 1 });
  store = own;
  const model = new MeshModel(own, decideForPod);
  let changes = 0;
  own.onDidChange((each) => {
    model.apply(each);
    changes++;
  });
  own.start();
  await own.whenSettled();
  await expect.poll(() => own.part('configMaps').phase).not.toBe('waiting');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const [first, second] = model.nodes();
  const before = changes;
  change(pod('b', 'n2', 'Pending'));
  await expect.poll(() => changes).toBeGreaterThan(before);
  const [firstAgain, secondAgain] = model.nodes();
  expect(firstAgain).toBe(first);
  expect(secondAgain).not.toBe(second);
});
