import { describe, expect, it } from 'vitest';
import type { Cluster, ResourceType } from './cluster.ts';
import { findReadableNamespaces, listInTurns, mostNamespaces } from './readable-namespaces.ts';

const names = (count: number) => Array.from({ length: count }, (_, index) => `n${String(index).padStart(4, '0')}`);
const { signal } = new AbortController();

/** @param may tells where pods may be listed. @param projects undefined: no OpenShift. */
function clusterWhere(may: (namespace: string) => boolean | Promise<boolean>, projects?: string[]) {
  let [asked, atOnce, most] = [0, 0, 0];
  const cluster = {
    context: { id: 'x', name: 'x', kind: 'kubeconfig', namespace: 'own' },
    async mayList(_type: ResourceType, namespace: string) {
      asked += 1;
      most = Math.max(most, (atOnce += 1));
      await Promise.resolve();
      atOnce -= 1;
      return await may(namespace);
    },
    list: () =>
      projects
        ? Promise.resolve({ items: projects.map((name) => ({ metadata: { name } })), resourceVersion: '1' })
        : Promise.reject(new Error('no such kind')),
  } as unknown as Cluster;
  return { cluster, counts: () => ({ asked, most }) };
}

describe('where somebody may read who may not read everything', () => {
  it('is asked of the API server, a few questions at a time', async () => {
    const { cluster, counts } = clusterWhere((name) => ['n0003', 'n0150', 'own'].includes(name));
    expect(await findReadableNamespaces(cluster, [...names(200), 'own'], { signal })).toEqual({
      namespaces: ['n0003', 'n0150', 'own'],
      from: 'asked',
      unasked: 0,
    });
    expect(counts().asked).toBe(201);
    expect(counts().most).toBeLessThanOrEqual(8);
  });

  it('is not asked further when as much is found as can be followed, nor when the time is over', async () => {
    const all = clusterWhere(() => true);
    const found = await findReadableNamespaces(all.cluster, [...names(5_000), 'own'], { signal });
    expect(found.namespaces).toHaveLength(mostNamespaces);
    expect(found.namespaces).toContain('own');
    expect(found.unasked).toBe(5_001 - mostNamespaces);
    expect(all.counts().asked).toBeLessThan(40);
    let time = 0;
    const slow = clusterWhere((name) => name === 'n0002');
    const late = await findReadableNamespaces(slow.cluster, names(5_000), { signal, now: () => (time += 50) });
    expect(late.namespaces).toEqual(['n0002']);
    expect(late.unasked).toBeGreaterThan(4_000);
  });

  it('are the projects of OpenShift for those who may not list namespaces', async () => {
    const { cluster } = clusterWhere((name) => name !== 'b', ['a', 'b', 'c']);
    expect((await findReadableNamespaces(cluster, [], { signal })).namespaces).toEqual(['a', 'c']);
  });

  it.each([
    ['nothing may be listed', clusterWhere(() => true), []],
    ['nowhere is anything readable', clusterWhere(() => false), names(30)],
    ['one may not even ask', clusterWhere(() => Promise.reject(new Error('403'))), names(3_000)],
  ])('is the context’s own namespace when %s', async (_when, { cluster, counts }, listed) => {
    const { namespaces, from } = await findReadableNamespaces(cluster, listed, { signal });
    expect({ namespaces, from }).toEqual({ namespaces: ['own'], from: 'context' });
    expect(counts().asked).toBeLessThan(40);
  });

  it('is read with a few lists at a time, whatever becomes of each', async () => {
    let [atOnce, most] = [0, 0];
    const list = async () => {
      most = Math.max(most, (atOnce += 1));
      await new Promise((resolve) => setTimeout(resolve, 2));
      atOnce -= 1;
      if (Math.random() < 0.5) throw new Error('refused');
      return { items: [], resourceVersion: '1' };
    };
    const turns = listInTurns({ list, watch: () => Promise.resolve() } as never, 3);
    const all = Array.from({ length: 30 }, () => turns.list({} as ResourceType).catch(() => undefined));
    expect(await Promise.all(all)).toHaveLength(30);
    expect(most).toBe(3);
  });
});
