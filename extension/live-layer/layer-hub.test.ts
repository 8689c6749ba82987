import { expect, it } from 'vitest';
import {
  clusterChangeNotification,
  clusterNotification,
  clusterPieceNotification,
} from '../../contract/cluster-layer.ts';
import type { ClusterPiece, ClusterSnapshot, PlainObject } from '../../contract/cluster-layer.ts';
import { LayerHub } from './layer-hub.ts';

const objects = (count: number): PlainObject[] =>
  Array.from({ length: count }, (_, at) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: `pod-${at}` } }));
const snapshot = (name: string, count: number): ClusterSnapshot => ({
  name,
  resources: objects(count),
  complete: ['/Pod'],
});

/** What a server puts together of what it was told. */
function listen(hub: LayerHub) {
  const heard: { method: string; size: number }[] = [];
  let pieces: PlainObject[] = [];
  const snapshots: (ClusterSnapshot | null)[] = [];
  hub.attach((method, value) => {
    const { resources = [] } = (value ?? {}) as { resources?: PlainObject[] };
    heard.push({ method, size: resources.length });
    if (method === clusterPieceNotification)
      pieces = [...((value as ClusterPiece).isFirst ? [] : pieces), ...resources];
    if (method !== clusterNotification) return;
    snapshots.push(
      (value as ClusterSnapshot | null) && { ...(value as ClusterSnapshot), resources: [...pieces, ...resources] },
    );
    pieces = [];
  });
  return { heard, snapshots };
}

it('tells a large cluster in pieces, and what changes meanwhile after it', async () => {
  const hub = new LayerHub();
  const { heard, snapshots } = listen(hub);
  hub.snapshot(snapshot('big', 1_001));
  hub.change({ changed: objects(1), removed: [] });
  expect(heard).toHaveLength(1);
  await expect.poll(() => heard.at(-1)?.method).toBe(clusterChangeNotification);
  expect(snapshots).toEqual([snapshot('big', 1_001)]);
  expect(Math.max(...heard.map(({ size }) => size))).toBe(250);
});

it('tells a small one in one message, at once', async () => {
  const hub = new LayerHub();
  const { heard, snapshots } = listen(hub);
  hub.snapshot(snapshot('small', 250));
  expect(heard).toHaveLength(1);
  await new Promise((resolve) => setTimeout(resolve, 5));
  hub.snapshot(undefined);
  expect(snapshots).toEqual([snapshot('small', 250), null]);
});

it('leaves a snapshot that another one takes the place of', async () => {
  const hub = new LayerHub();
  const { snapshots } = listen(hub);
  hub.snapshot(snapshot('one', 2_000));
  await new Promise((resolve) => setImmediate(resolve));
  hub.snapshot(snapshot('other', 600));
  await expect.poll(() => snapshots.length).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(snapshots).toEqual([snapshot('other', 600)]);
});
