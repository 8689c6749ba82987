import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { readPodOf } from '../cluster/read-injection.ts';
import { scopeOf } from './pod-targets.ts';

const template = { metadata: { labels: { app: 'nightly' } }, spec: { containers: [{ name: 'app' }] } };
const objects: Record<string, object> = {
  nightly: { spec: { schedule: '0 3 * * *', jobTemplate: { spec: { template } } } },
  bare: { spec: { schedule: '0 3 * * *', jobTemplate: { spec: { template: { spec: template.spec } } } } },
};
const owned = (kind: string, name: string) => [{ kind, name, controller: true }];
const lists: Record<string, KubernetesObject[]> = {
  pods: [{ metadata: { name: 'web-1', namespace: 'shop', ownerReferences: owned('ReplicaSet', 'web-abc') } }],
  replicasets: [{ metadata: { name: 'web-abc', namespace: 'shop', ownerReferences: owned('Rollout', 'web') } }],
} as Record<string, KubernetesObject[]>;

const cluster = {
  context: { id: 'test', name: 'test', kind: 'kubeconfig' },
  get: (_type: unknown, name: string) => Promise.resolve(objects[name]),
  list: ({ plural }: { plural: string }) => Promise.resolve({ items: lists[plural] ?? [], resourceVersion: '1' }),
} as unknown as Cluster;
const at = (kind: string, name: string) => ({ kind, namespace: 'shop', name });

describe('what a person points at', () => {
  it('finds the pods of a CronJob by what its template says', async () => {
    expect(await scopeOf(cluster, at('CronJob', 'nightly'))).toEqual({
      namespace: 'shop',
      labelSelector: 'app=nightly',
    });
    const { pod } = await readPodOf(cluster, at('CronJob', 'nightly'));
    expect(pod.metadata).toMatchObject({ namespace: 'shop', labels: { app: 'nightly' } });
  });

  it('never says of something that the tree shows that it is not there', async () => {
    await expect(scopeOf(cluster, at('CronJob', 'bare'))).rejects.toThrow(/have no labels/);
    await expect(scopeOf(cluster, at('Rollout', 'web'))).rejects.toThrow(/is of a kind that Meshloom does not read/);
    expect((await readPodOf(cluster, at('Rollout', 'web'))).running?.metadata?.name).toBe('web-1');
    await expect(scopeOf(cluster, at('CronJob', 'gone'))).rejects.toThrow(/There is no CronJob gone/);
  });
});
