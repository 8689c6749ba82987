/** Every pod of the three recorded clusters, with what it truly was: the recordings are of a real Istio's doing. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decideInjection } from '../injection/decide-injection.ts';
import type {
  ConfigMap,
  KubernetesEvent,
  KubernetesObject,
  MutatingWebhookConfiguration,
  Namespace,
  Node,
  Pod,
  Workload,
} from '../kubernetes.ts';
import { describeNode, findNodeFailure } from './describe-node.ts';
import { decidingStep, describePod } from './describe-pod.ts';
import { describeWorkload } from './describe-workload.ts';
import { indexEvents } from './events.ts';
import { groupPods } from './group-pods.ts';

function read(state: string) {
  const url = new URL(`../../extension/demo/recordings/${state}/resources.json`, import.meta.url);
  const { items } = JSON.parse(readFileSync(url, 'utf8')) as { items: KubernetesObject[] };
  const of = <T extends KubernetesObject>(kind: string) => items.filter((item) => item.kind === kind) as T[];
  const pods = of<Pod>('Pod');
  const events = of<KubernetesEvent>('Event');
  const namespaces = of<Namespace>('Namespace');
  const nodeFailure = findNodeFailure('n1', pods, indexEvents(events));
  const stateOf = (pod: Pod) => {
    const namespace = namespaces.find(({ metadata }) => metadata?.name === pod.metadata?.namespace);
    const decision = decideInjection({
      pod,
      namespace: namespace!,
      webhooks: of<MutatingWebhookConfiguration>('MutatingWebhookConfiguration'),
      configMaps: of<ConfigMap>('ConfigMap'),
    });
    return describePod(pod, { events, decision, ...(nodeFailure && { nodeFailure }) });
  };
  const groups = groupPods({
    pods,
    replicaSets: of<Workload>('ReplicaSet'),
    workloads: [...of<Workload>('Deployment'), ...of<Workload>('DaemonSet')],
  });
  return {
    pods,
    events,
    namespaces,
    groups,
    stateOf,
    node: of<Node>('Node')[0]!,
    daemonSets: of<Workload>('DaemonSet'),
  };
}

/** name without its random end → role, intercepted by and how, the step that decided, trouble */
type Row = [pod: string, role: string, intercepted: string, decided: string, trouble?: string];

const notLabelled: Row[] = [
  ['default/cli', 'none', 'none', 'namespace skip'],
  ['default/web', 'none', 'none', 'namespace skip'],
];
const istiod: Row = ['istio-system/istiod', 'none', 'none', 'label skip'];
const optedOut: Row[] = [
  ['plain/worker', 'none', 'none', 'namespace skip'],
  ['shop/batch', 'none', 'none', 'label skip'],
  ['shop/hostnet', 'none', 'none', 'host-network skip'],
  ['shop/legacy', 'none', 'none', 'annotation skip'],
];
const injected = (by: string): Row[] => [
  ['plain/optin', 'native-sidecar', `${by} REDIRECT`, 'label inject'],
  ['shop/details', 'native-sidecar', `${by} REDIRECT`, 'policy inject'],
  ['shop/dns', 'native-sidecar', `${by} REDIRECT`, 'policy inject'],
  ['shop/productpage', 'native-sidecar', `${by} REDIRECT`, 'policy inject'],
  ['shop/productpage', 'native-sidecar', `${by} REDIRECT`, 'policy inject'],
  ['shop/ratings', 'native-sidecar', `${by} TPROXY`, 'policy inject'],
  ['shop/reviews', 'native-sidecar', `${by} REDIRECT`, 'policy inject'],
  ['shop/reviews', 'native-sidecar', `${by} REDIRECT`, 'policy inject'],
];
const withCni: Row[] = [
  ...injected('cni'),
  ['locked/api', 'native-sidecar', 'cni REDIRECT', 'policy inject'],
  ['shop/hostnet', 'none', 'none', 'host-network skip', 'scheduling warning: no node fits'],
];

const truth: Record<string, Row[]> = {
  'before-cni': [...notLabelled, istiod, ...optedOut, ...injected('init')],
  'with-cni': [
    ...notLabelled,
    istiod,
    ...optedOut,
    ...withCni,
    ['istio-system/istio-cni-node', 'none', 'none', 'label skip'],
  ],
  broken: [
    ['default/cli', 'none', 'none', 'namespace skip'],
    ['default/web', 'none', 'none', 'namespace skip', 'cni error: hangs in Terminating: CNI version'],
    istiod,
    ...optedOut,
    ...withCni,
    ['istio-system/istio-cni-node', 'none', 'none', 'label skip', 'cni error: hangs in Terminating: CNI version'],
    ['shop/batch', 'none', 'none', 'label skip', 'cni error: hangs: CNI version'],
  ],
};

describe.each(Object.entries(truth))('the recording %s', (recording, expected) => {
  it('knows of each pod how it stands in the mesh, who intercepts it, what decided, and what it hangs on', () => {
    const { pods, stateOf } = read(recording);
    const found = pods.map((pod): Row => {
      const { role, interception, why, trouble } = stateOf(pod);
      const step = decidingStep(why);
      const name = `${pod.metadata?.namespace}/${pod.metadata?.name?.replace(/(-[0-9a-f]{6,10})?-[0-9a-z]{5}$/, '')}`;
      const row: Row = [
        name,
        role,
        [interception.by, interception.mode].filter(Boolean).join(' '),
        `${step?.check} ${step?.verdict}`,
      ];
      const [named, roled, by, decided] = row;
      return trouble ? [named, roled, by, decided, `${trouble.kind} ${trouble.severity}: ${trouble.short}`] : row;
    });
    expect(sorted(found)).toEqual(sorted(expected));
  });

  it('finds no pod that would be otherwise if it were created again, because all of them were', () => {
    const { pods, stateOf } = read(recording);
    const differing = pods
      .filter((pod) => stateOf(pod).differs !== undefined)
      .map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`);
    expect(differing).toEqual([]);
  });

  it('reads revision and proxy version of the injected pods', () => {
    const { pods, stateOf } = read(recording);
    for (const { role, revision, proxy } of pods.map(stateOf)) {
      if (role === 'none') expect(revision).toBeUndefined();
      else
        expect({ revision, ...proxy }).toMatchObject({ revision: 'default', container: 'istio-proxy', version: '1' });
    }
  });
});

describe('workloads', () => {
  it('names what Pod Security refuses, at which level, and that CNI mode is the way out', () => {
    const { groups, events, namespaces, stateOf } = read('before-cni');
    const api = groups.find(({ name }) => name === 'api')!;
    const { refusal, pods, wanted } = describeWorkload(api, api.pods.map(stateOf), {
      events,
      namespace: namespaces.find(({ metadata }) => metadata?.name === 'locked')!,
    });
    expect({ pods, wanted }).toEqual({ pods: 0, wanted: 1 });
    expect(refusal?.kind).toBe('pod-security');
    expect(refusal?.says).toBe(
      'Deployment api has no pods: namespace locked enforces Pod Security “baseline” (pod-security.kubernetes.io/enforce: baseline), and istio-init asks for NET_ADMIN and NET_RAW to program the redirect rules.',
    );
    expect(refusal?.next).toContain('CNI plugin');
  });

  it.each(['with-cni', 'broken'])(
    'leaves locked/api in peace in %s: the refusal’s events are still there, but it is over',
    (state) => {
      const { groups, events, stateOf } = read(state);
      const api = groups.find(({ name }) => name === 'api')!;
      expect(describeWorkload(api, api.pods.map(stateOf), { events })).toEqual({
        pods: 1,
        ended: 0,
        inMesh: 1,
        healthy: 1,
        differing: 0,
        wanted: 1,
      });
    },
  );

  it('tells of the refusal from the ReplicaSet’s condition when the events have expired', () => {
    const { groups } = read('before-cni');
    const api = groups.find(({ name }) => name === 'api')!;
    expect(describeWorkload(api, [], { events: [] }).refusal?.kind).toBe('pod-security');
  });

  it('puts the worst of its pods on the workload', () => {
    const { groups, events, stateOf } = read('broken');
    const batch = groups.find(({ name }) => name === 'batch')!;
    expect(describeWorkload(batch, batch.pods.map(stateOf), { events })).toMatchObject({
      pods: 2,
      healthy: 1,
      worst: { kind: 'cni', short: 'hangs: CNI version' },
    });
  });
});

describe('the node', () => {
  it('of the broken recording names the plugin, the version asked for, those it speaks, and all three pods that hang', () => {
    const { node, pods, events, daemonSets } = read('broken');
    const state = describeNode(node, { pods, events, daemonSets });
    expect(state.runtime).toEqual({ name: 'containerd', version: '1.6.20' });
    expect(state.failures).toHaveLength(1);
    expect(state.failures[0]?.failure).toMatchObject({
      kind: 'version',
      plugin: 'galaxy-sdn',
      asked: '0.3.1',
      supported: ['0.1.0', '0.2.0'],
    });
    expect(state.hanging.map(({ namespace, name }) => `${namespace}/${name}`).sort()).toEqual([
      'default/web',
      'istio-system/istio-cni-node-ktqtv',
      'shop/batch-5fdc6666cd-6kbwm',
    ]);
    expect(state.agents).toMatchObject([{ product: 'Istio CNI', name: 'istio-cni-node', pod: { ready: false } }]);
  });

  it('of the broken recording keeps what is over apart from what fails now', () => {
    const { node, pods, events, daemonSets } = read('broken');
    const { past } = describeNode(node, { pods, events, daemonSets });
    expect(past.map(({ failure }) => failure.kind)).toContain('missing-name');
  });

  it.each(['before-cni', 'with-cni'])(
    'of %s has nothing to complain of, though old sandbox failures are among its events',
    (state) => {
      const { node, pods, events, daemonSets } = read(state);
      const { failures, past, hanging, ready } = describeNode(node, { pods, events, daemonSets });
      expect({ failures, past, hanging, ready }).toEqual({ failures: [], past: [], hanging: [], ready: true });
    },
  );
});

function sorted(rows: Row[]): string[] {
  return rows.map((row) => row.join(' | ')).sort();
}
