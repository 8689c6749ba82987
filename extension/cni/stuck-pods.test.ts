import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { KubernetesEvent, Node, Pod } from '../../mesh/kubernetes.ts';
import { readRecording } from '../demo/recording.ts';
import { describeLeft, findStuckPods, sortStuckPods, type StuckPod } from './stuck-pods.ts';

const recording = await readRecording(join(import.meta.dirname, '../demo/recordings/broken'));
const of = <T>(kind: string) => recording.objects.filter((object) => object.kind === kind) as unknown as T[];

it('finds the pods that hang in ContainerCreating and in Terminating, and recreates only what a controller makes again', () => {
  const stuck = findStuckPods({ nodes: of<Node>('Node'), pods: of<Pod>('Pod'), events: of<KubernetesEvent>('Event') });
  const names = (pods: StuckPod[]) => pods.map(({ name }) => name.replace(/-[0-9a-f]+-\w{5}$|-\w{5}$/, ''));
  const { recreatable, ending, left } = sortStuckPods(stuck);
  expect(names(recreatable)).toEqual(['batch']);
  expect(names(ending).sort()).toEqual(['istio-cni-node', 'web']);
  expect(left).toEqual([]);
});

it('leaves bare and static pods alone, and says why', () => {
  const stuck = (name: string, metadata: Pod['metadata']): StuckPod => ({
    ...{ node: 'n1', namespace: 'shop', name, uid: name, short: '', says: '' },
    object: { metadata: { name, ...metadata } },
  });
  const owner = (kind: string) => ({ ownerReferences: [{ kind, name: 'o', controller: true }] });
  const sorted = sortStuckPods([
    stuck('bare', {}),
    stuck('static', { annotations: { 'kubernetes.io/config.mirror': 'h' }, ...owner('Node') }),
    stuck('job', owner('Job')),
    stuck('ending', { deletionTimestamp: '2026-01-01T00:00:00Z', ...owner('ReplicaSet') }),
  ]);
  expect(sorted.recreatable.map(({ name, owner: by }) => `${name} ${by}`)).toEqual(['job Job o']);
  expect(sorted.left.map(({ name }) => name)).toEqual(['bare', 'static']);
  expect(describeLeft(sorted)).toMatch(/shop\/ending.*shop\/bare \(nobody.*shop\/static \(a static/);
});
