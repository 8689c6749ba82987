import { expect, test } from 'vitest';
import type { KubernetesEvent, Node, Workload } from '../../mesh/kubernetes.ts';
import { ClusterFailure, type Cluster } from '../cluster/cluster.ts';
import { whyNoHelperPod } from './why-no-helper-pod.ts';

interface There {
  node?: Node | 'forbidden';
  daemonSet?: Workload;
  events?: KubernetesEvent[];
}

function clusterWith({ node, daemonSet, events = [] }: There): Cluster {
  return {
    context: { id: 'c', name: 'kind-mesh', kind: 'kubeconfig' },
    get: ({ kind }: { kind: string }) =>
      node === 'forbidden' && kind === 'Node'
        ? Promise.reject(new ClusterFailure('forbidden', 'no', ''))
        : Promise.resolve(kind === 'Node' ? node : daemonSet),
    list: () => Promise.resolve({ items: events, resourceVersion: '1' }),
  } as unknown as Cluster;
}

const tolerant: Workload = { spec: { template: { spec: { tolerations: [{ operator: 'Exists' }] } as object } } };
const picky: Workload = { spec: { template: { spec: {} } } };
const ready = { conditions: [{ type: 'Ready', status: 'True' }] };
const why = async (there: There) => (await whyNoHelperPod(clusterWith(there), 'n1'))?.why;

test('nothing deployed is no fault of the node', async () => {
  expect(await why({ node: { status: ready } })).toBeUndefined();
  expect(await why({ node: 'forbidden' })).toBeUndefined();
});

test.each<[string, There, RegExp]>([
  ['Windows', { node: { metadata: { labels: { 'kubernetes.io/os': 'windows' } } } }, /runs Windows/],
  ['a virtual node', { node: { metadata: { labels: { type: 'virtual-kubelet' } } } }, /virtual one/],
  [
    'a node that is not ready',
    { node: { status: { conditions: [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown' }] } } },
    /not ready: NodeStatusUnknown/,
  ],
  [
    'a taint that somebody else’s copy of the helper does not tolerate',
    {
      node: { spec: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] }, status: ready },
      daemonSet: picky,
    },
    /taint gpu=yes:NoSchedule/,
  ],
  [
    'a refusal',
    {
      node: { status: ready },
      daemonSet: tolerant,
      events: [
        {
          reason: 'FailedCreate',
          message: 'denied by policy',
          involvedObject: { kind: 'DaemonSet', name: 'meshloom-node-helper' },
        },
      ],
    },
    /refuses the node helper’s pod for node “n1”: denied by policy/,
  ],
  [
    'a taint that it tolerates',
    { node: { spec: { taints: [{ key: 'gpu', effect: 'NoSchedule' }] }, status: ready }, daemonSet: tolerant },
    /has no pod of it \(yet\)/,
  ],
])('says why: %s', async (_, there, said) => {
  expect(await why(there)).toMatch(said);
});
