import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { WiringEdit } from '../../mesh/cni/standalone-wiring.ts';
import type { ConfigMap, KubernetesObject } from '../../mesh/kubernetes.ts';
import { createClientNodeCluster } from '../cluster/client-node-cluster.ts';
import { resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { startApiServer } from '../demo/api-server.ts';
import { readRecording } from '../demo/recording.ts';
import { applyWiring, collectUnwiring, removeWiring, wiringChanges } from './wiring.ts';

async function demo(): Promise<Cluster> {
  const recording = await readRecording(join(import.meta.dirname, '../demo/recordings/with-cni'));
  const server = await startApiServer({ recording });
  const cluster = createClientNodeCluster({
    context: { id: 'demo:with-cni', name: 'demo', kind: 'demo' },
    cluster: { name: 'demo', server: server.url, skipTLSVerify: false },
    user: { name: 'demo', token: server.token, impersonateGroups: [] },
    environment: {},
  });
  onTestFinished(async () => {
    cluster.dispose();
    await server.close();
  });
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'meshloom-system' } });
  const metadata = { name: 'galaxy-etc', namespace: 'kube-system' };
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata,
    data: { 'galaxy.json': 'old' },
  } as KubernetesObject);
  return cluster;
}

const galaxy: WiringEdit = {
  resource: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'galaxy-etc' },
  key: 'galaxy.json',
  before: 'old',
  after: 'new',
  says: 'why',
};
const resource = {
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  namespace: 'shop',
  name: 'meshloom',
};
const attachment: WiringEdit = {
  resource,
  before: null,
  after: JSON.stringify({
    apiVersion: resource.apiVersion,
    kind: resource.kind,
    metadata: { name: 'meshloom', namespace: 'shop' },
    spec: { config: '{"type":"meshloom-cni"}' },
  }),
  says: 'why',
};
const galaxyText = async (cluster: Cluster) =>
  (await cluster.get<ConfigMap>(resourceTypes.configMaps, 'galaxy-etc', { namespace: 'kube-system' }))?.data?.[
    'galaxy.json'
  ];
const kind = { ...resource, plural: 'network-attachment-definitions', namespaced: true };

it('writes what was shown, remembers it, and takes it back', async () => {
  const cluster = await demo();
  expect(wiringChanges([galaxy, attachment]).map(({ path }) => path)).toEqual([
    '/ConfigMap/kube-system/galaxy-etc/galaxy.json',
    '/NetworkAttachmentDefinition/shop/meshloom.json',
  ]);
  await applyWiring(cluster, [attachment, galaxy]);
  expect(await galaxyText(cluster)).toBe('new');
  expect(await cluster.get(kind, 'meshloom', { namespace: 'shop' })).toMatchObject({
    spec: { config: '{"type":"meshloom-cni"}' },
  });
  const back = await collectUnwiring(cluster);
  expect(back.edits.map(({ after }) => after)).toEqual(['old', null]);
  await removeWiring(cluster, back.edits);
  expect(await galaxyText(cluster)).toBe('old');
  expect(await cluster.get(kind, 'meshloom', { namespace: 'shop' })).toBeUndefined();
  expect((await collectUnwiring(cluster)).edits).toEqual([]);
});

it('leaves alone what has changed since it was shown, says so, and knows what came before', async () => {
  const cluster = await demo();
  await cluster.patch(
    resourceTypes.configMaps,
    'galaxy-etc',
    { data: { 'galaxy.json': 'theirs' } },
    { namespace: 'kube-system' },
  );
  const error = await applyWiring(cluster, [attachment, galaxy]).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    reason: 'conflict',
    next: expect.stringMatching(/Changed before that: .*shop\/meshloom/) as string,
  });
  expect(await galaxyText(cluster)).toBe('theirs');
  // Half of it was made: what was made can still be taken back.
  expect((await collectUnwiring(cluster)).edits.map(({ resource: { name } }) => name)).toEqual(['meshloom']);
});

it('deletes a pod by its identity, not by its name alone', async () => {
  const cluster = await demo();
  const options = { namespace: 'default' };
  await expect(cluster.delete(resourceTypes.pods, 'cli', { ...options, uid: 'another' })).rejects.toMatchObject({
    reason: 'conflict',
  });
  const pod = await cluster.get(resourceTypes.pods, 'cli', options);
  expect(await cluster.delete(resourceTypes.pods, 'cli', { ...options, uid: pod!.metadata!.uid! })).toBe(true);
});
