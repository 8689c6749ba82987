import { expect, it } from 'vitest';
import { describePod } from '../../../mesh/pods/describe-pod.ts';
import type { Pod } from '../../../mesh/kubernetes.ts';
import type { PeerAuthentication } from '../../../mesh/security/security-objects.ts';
import type { MeshModel } from '../store/mesh-model.ts';
import { mtlsNote } from './mtls-note.ts';
import type { PolicyPhase, PolicyWatch } from './policy-watch.ts';
import { PodNode } from '../workloads/workload-nodes.ts';

const policy = (name: string, namespace: string, spec: PeerAuthentication['spec']): PeerAuthentication => ({
  metadata: { name, namespace },
  ...(spec && { spec }),
});
const pod = (container: string): Pod => ({
  metadata: { name: 'reviews-1', namespace: 'shop', labels: { app: 'reviews' } },
  spec: { containers: [{ name: container }] },
});

function note(
  policies: PeerAuthentication[],
  {
    container = 'istio-proxy',
    phase = 'live' as PolicyPhase,
    mesh = '',
    own = '',
    revision = '',
    only = undefined as string[] | undefined,
  } = {},
) {
  const node = new PodNode(pod(container), {
    ...describePod(pod(container)),
    ...(revision && { revision }),
  });
  const configMaps = [
    { metadata: { name: 'istio' }, data: { mesh } },
    ...(own ? [{ metadata: { name: `istio-${revision}` }, data: { mesh: own } }] : []),
  ];
  const model = { environment: () => ({ configMaps }) };
  const watch = { phase, all: () => policies, knows: (name: string) => only?.includes(name) ?? true };
  return mtlsNote(node, model as unknown as MeshModel, watch as unknown as PolicyWatch).map(({ text }) => text);
}

const own = policy('own', 'shop', {
  selector: { matchLabels: { app: 'reviews' } },
  mtls: { mode: 'STRICT' },
  portLevelMtls: { '8080': { mode: 'DISABLE' } },
});

it('says the mode, who said it, and the ports that have another', () => {
  expect(note([own])).toEqual(['Mutual TLS: STRICT (shop/own), 8080: DISABLE']);
  expect(note([])).toEqual(['Mutual TLS: PERMISSIVE (default)']);
});

it('takes the root namespace from the mesh’s configuration', () => {
  const wide = policy('wide', 'config', { mtls: { mode: 'STRICT' } });
  expect(note([wide])).toEqual(['Mutual TLS: PERMISSIVE (default)']);
  expect(note([wide], { mesh: 'trustDomain: x\nrootNamespace: config\n' })).toEqual([
    'Mutual TLS: STRICT (config/wide)',
  ]);
});

it('says nothing of a pod without a proxy, or while the policies are not known', () => {
  expect(note([own], { container: 'app' })).toEqual([]);
  expect(note([own], { phase: 'waiting' })).toEqual([]);
  expect(note([own], { phase: 'absent' })).toEqual([]);
});

it('says that it is not known where the policies may not be read', () => {
  expect(note([], { phase: 'refused' })[0]).toMatch(/not known/);
});

it('says what is sure where only some namespaces are read', () => {
  const inShop = policy('default', 'shop', { mtls: { mode: 'STRICT' } });
  expect(note([inShop], { only: ['shop'] })).toEqual(['Mutual TLS: STRICT (shop/default)']);
  expect(note([], { only: ['shop', 'istio-system'] })).toEqual(['Mutual TLS: PERMISSIVE (default)']);
  expect(note([], { only: ['shop'] })[0]).toMatch(/not known, .* istio-system/);
  expect(note([policy('default', 'shop', {})], { only: ['shop'] })[0]).toMatch(/not known, .* istio-system/);
  const ofMesh = policy('default', 'istio-system', { mtls: { mode: 'STRICT' } });
  expect(note([ofMesh], { only: ['istio-system'] })[0]).toMatch(/not known, .* shop/);
});

it('asks the root namespace of the pod’s own revision', () => {
  const wide = policy('wide', 'config', { mtls: { mode: 'STRICT' } });
  expect(note([wide], { mesh: 'rootNamespace: config\n', revision: 'canary' })).toEqual([
    'Mutual TLS: STRICT (config/wide)',
  ]);
  expect(note([wide], { mesh: 'rootNamespace: config\n', revision: 'canary', own: 'rootNamespace: other\n' })).toEqual([
    'Mutual TLS: PERMISSIVE (default)',
  ]);
});
