import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Pod } from '../../mesh/kubernetes.ts';
import { createClientNodeCluster } from '../cluster/client-node-cluster.ts';
import { resourceTypes } from '../cluster/cluster.ts';
import { obtainRules } from '../node-helper/obtain-rules.ts';
import { startDemoCluster, type DemoCluster } from './demo-cluster.ts';
import { recordingsDir } from './testing.ts';

let demo: DemoCluster;
let cluster: ReturnType<typeof createClientNodeCluster>;

beforeEach(async () => {
  demo = await startDemoCluster('broken', recordingsDir);
  const context = { id: 'demo:broken', name: 'demo', kind: 'demo', server: demo.url } as const;
  cluster = createClientNodeCluster({
    context,
    cluster: { name: 'demo', server: demo.url, skipTLSVerify: false },
    user: { name: 'demo', token: demo.token, impersonateGroups: [] },
  });
});
afterEach(async () => {
  cluster.dispose();
  await demo.close();
});

const readPod = async (prefix: string) => {
  const { items } = await cluster.list<Pod>(resourceTypes.pods, { namespace: 'shop' });
  return items.find(({ metadata }) => metadata?.name?.startsWith(prefix))!;
};

describe('a debug container in the demo cluster', () => {
  it('is added only with consent, prints the recorded rules, and is asked again while it runs', async () => {
    const pod = await readPod('reviews-6cb6f49678-j9m77');
    const before = await obtainRules(cluster, pod);
    expect(before).toMatchObject({ ok: true, way: 'computed' });
    expect((await readPod('reviews-6cb6f49678-j9m77')).spec?.ephemeralContainers).toBeUndefined();
    const read = await obtainRules(cluster, pod, { addContainer: before.offer! });
    expect(read).toMatchObject({ ok: true, way: 'ephemeral', whyNot: [{ way: 'helper' }] });
    expect(read.ok && read.result.readings.map(({ text }) => text).join()).toContain('--dport 9080 -j ACCEPT');
    const again = await obtainRules(cluster, await readPod('reviews-6cb6f49678-j9m77'));
    expect(again).toMatchObject({ ok: true, way: 'ephemeral' });
    expect(again.ok && again.result.readings.map(({ text }) => text).join()).toContain('--dport 9080 -j ACCEPT');
  });

  it('comes in by its own door alone, and cannot be made to change the rest of the pod', async () => {
    const pod = await readPod('details-');
    const name = pod.metadata!.name!;
    const container = { name: 'look', image: 'busybox:1' };
    await cluster.patch(
      resourceTypes.pods,
      name,
      { metadata: { labels: { changed: 'yes' } }, spec: { ephemeralContainers: [container] } },
      { namespace: 'shop', subresource: 'ephemeralcontainers' },
    );
    const after = await readPod('details-');
    expect(after.spec?.ephemeralContainers).toEqual([container]);
    expect(after.metadata?.labels).toEqual(pod.metadata?.labels);
    expect(after.spec?.containers).toEqual(pod.spec?.containers);
  });
});
