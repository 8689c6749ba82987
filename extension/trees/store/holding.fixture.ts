import type { KubernetesObject } from '../../../mesh/kubernetes.ts';
import type { Cluster, ResourceType } from '../../cluster/cluster.ts';

/** A cluster that holds these objects, and everything else empty. */
export function holding(objects: Record<string, KubernetesObject[]>): Cluster {
  return {
    context: { id: 'x', name: 'x', kind: 'kubeconfig' },
    list: (type: ResourceType, options: { keep?: (object: KubernetesObject) => KubernetesObject }) =>
      Promise.resolve({
        items: (objects[type.plural] ?? []).map((object) => (options.keep ? options.keep(object) : object)),
        resourceVersion: '1',
      }),
    watch: (_type: ResourceType, { onOpen, signal }: { onOpen?: () => void; signal: AbortSignal }) => {
      onOpen?.();
      return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    },
  } as unknown as Cluster;
}
