/** The cases in which views of clusters usually say too little, too much or something else. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubernetesObject, Pod } from '../../../mesh/kubernetes.ts';
import { decideForPod } from '../store/decide.ts';
import { holding } from '../store/holding.fixture.ts';
import { MeshModel } from '../store/mesh-model.ts';
import { renderTooltip, type TreeNode } from '../tree-node.ts';
import { TreeStore } from '../store/tree-store.ts';
import { WorkloadsTree } from './workloads-tree.ts';

interface Parts {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  owner?: [kind: string, name: string];
  spec?: object;
  status?: object;
  deletionTimestamp?: string;
}

const app = { name: 'app', image: 'app:1' };
const proxy = (version = '1.32.0', ...args: string[]) => ({
  name: 'istio-proxy',
  image: `docker.io/istio/proxyv2:${version}-distroless`,
  args: ['proxy', ...(args.length > 0 ? args : ['sidecar'])],
});
const ready = { phase: 'Running', podIP: '10.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] };

function pod(namespace: string, name: string, parts: Parts = {}): Pod {
  const { owner, spec, status, ...metadata } = parts;
  return {
    metadata: {
      ...{ name, namespace, uid: `${namespace}/${name}`, resourceVersion: '1' },
      ...metadata,
      ...(owner && { ownerReferences: [{ kind: owner[0], name: owner[1], controller: true }] }),
    },
    spec: { nodeName: 'n1', containers: [app], ...spec },
    status: status ?? ready,
  } as Pod;
}

const injected = (revision: string, version?: string, more: Parts = {}): Parts => ({
  ...more,
  annotations: { 'sidecar.istio.io/status': JSON.stringify({ revision }), ...more.annotations },
  spec: { containers: [app, proxy(version)], initContainers: [{ name: 'istio-validation' }], ...more.spec },
});
const replica = (name: string): Pick<Parts, 'owner'> => ({ owner: ['ReplicaSet', name] });
const namespace = (name: string, labels: Record<string, string> = {}, phase = 'Active') => ({
  metadata: { name, labels: { 'kubernetes.io/metadata.name': name, ...labels }, resourceVersion: '1' },
  status: { phase },
});
const replicaSet = (
  space: string,
  name: string,
  owner: [kind: string, name: string],
  spec: object = { replicas: 1 },
  status: object = { replicas: 1 },
) => ({
  metadata: {
    ...{ name, namespace: space, uid: name },
    ownerReferences: [{ kind: owner[0], name: owner[1], controller: true }],
  },
  spec,
  status,
});
const webhook = (revision: string, tag?: string) => ({
  metadata: {
    name: `istio-sidecar-injector-${tag ?? revision}`,
    labels: { 'istio.io/rev': revision, ...(tag && { 'istio.io/tag': tag }) },
  },
  webhooks: [
    {
      name: 'rev.namespace.sidecar-injector.istio.io',
      clientConfig: { service: { name: 'istiod', namespace: 'istio-system', path: '/inject' } },
      rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
      namespaceSelector: { matchExpressions: [{ key: 'istio.io/rev', operator: 'In', values: [tag ?? revision] }] },
      objectSelector: { matchExpressions: [{ key: 'sidecar.istio.io/inject', operator: 'NotIn', values: ['false'] }] },
    },
  ],
});
const injector = (revision: string, tag: string) => ({
  metadata: {
    ...{ name: `istio-sidecar-injector-${revision}`, namespace: 'istio-system' },
    labels: { 'istio.io/rev': revision },
  },
  data: { values: JSON.stringify({ revision, global: { tag }, pilot: { cni: { enabled: true } } }) },
});

const evicted = { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' };
const done = { phase: 'Succeeded' };

const objects: Record<string, KubernetesObject[]> = {
  namespaces: [
    namespace('new', { 'istio.io/rev': 'prod' }),
    namespace('amb', { 'istio.io/dataplane-mode': 'ambient' }),
    namespace('leaving', { 'istio.io/rev': 'prod' }, 'Terminating'),
    namespace('odd', { 'istio.io/rev': 'prod' }),
    namespace('ops'),
  ],
  mutatingwebhookconfigurations: [webhook('1-31'), webhook('1-32'), webhook('1-32', 'prod')],
  configmaps: [injector('1-31', '1.31.4'), injector('1-32', '1.32.0')],
  deployments: [
    { metadata: { name: 'web', namespace: 'new' }, spec: { replicas: 3 } } as KubernetesObject,
    { metadata: { name: 'gone', namespace: 'leaving' }, spec: { replicas: 1 } } as KubernetesObject,
  ],
  replicasets: [
    replicaSet('new', 'web-1', ['Deployment', 'web']),
    ...Array.from({ length: 300 }, (_, at) =>
      replicaSet('new', `web-old-${at}`, ['Deployment', 'web'], { replicas: 0 }, { replicas: 0 }),
    ),
    replicaSet('odd', 'canary-55', ['Rollout', 'canary']),
    replicaSet('leaving', 'gone-1', ['Deployment', 'gone'], { replicas: 1 }, { replicas: 0 }),
  ],
  events: [
    {
      metadata: { name: 'e', namespace: 'leaving' },
      involvedObject: { kind: 'ReplicaSet', namespace: 'leaving', name: 'gone-1', uid: 'gone-1' },
      reason: 'FailedCreate',
      message:
        'Error creating: pods "gone-1-x" is forbidden: unable to create new content in namespace leaving because it is being terminated',
      type: 'Warning',
    } as KubernetesObject,
  ],
  pods: [
    pod('new', 'web-1-current', { ...replica('web-1'), ...injected('1-32') }),
    pod('new', 'web-1-other-revision', { ...replica('web-1'), ...injected('1-31', '1.31.4') }),
    pod('new', 'web-1-older-proxy', { ...replica('web-1'), ...injected('1-32', '1.31.9') }),
    ...Array.from({ length: 5 }, (_, at) =>
      pod('new', `web-1-evicted-${at}`, { ...replica('web-1'), status: evicted }),
    ),
    pod('amb', 'in', { annotations: { 'ambient.istio.io/redirection': 'enabled' } }),
    pod('amb', 'not-taken'),
    pod('amb', 'retrying', { annotations: { 'ambient.istio.io/redirection': 'pending' } }),
    pod('amb', 'out', { labels: { 'istio.io/dataplane-mode': 'none' } }),
    pod('amb', 'host', { spec: { hostNetwork: true } }),
    pod('amb', 'starting', { status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] } }),
    pod('amb', 'waypoint', {
      labels: { 'istio.io/dataplane-mode': 'none' },
      spec: { containers: [proxy('1.32.0', 'waypoint')] },
    }),
    pod('amb', 'ztunnel', { spec: { containers: [proxy('1.32.0', 'ztunnel')] } }),
    pod('ops', 'let-go', { annotations: { 'ambient.istio.io/redirection': 'enabled' } }),
    pod('odd', 'static-n1', { annotations: { 'kubernetes.io/config.mirror': 'x' }, owner: ['Node', 'n1'] }),
    pod('odd', 'windows', { spec: { nodeSelector: { 'kubernetes.io/os': 'windows' } } }),
    pod('odd', 'ending', { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    pod('odd', 'gated', {
      status: {
        phase: 'Pending',
        conditions: [
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'SchedulingGated',
            message: 'Scheduling is blocked due to non-empty scheduling gates',
          },
        ],
      },
    }),
    pod('odd', 'native', {
      annotations: { 'sidecar.istio.io/status': '{"revision":"1-32"}' },
      spec: { initContainers: [{ name: 'istio-validation' }, { ...proxy(), restartPolicy: 'Always' }] },
    }),
    pod('odd', 'edge', { ...injected('1-31', '1.31.4'), spec: { containers: [proxy('1.31.4', 'router')] } }),
    pod('odd', 'canary-55-a', { ...replica('canary-55'), ...injected('1-32') }),
    pod('odd', 'blue-66-a', {
      ...replica('blue-66'),
      labels: { 'rollouts-pod-template-hash': '66' },
      ...injected('1-32'),
    }),
    pod('odd', 'dc-3-a', {
      owner: ['ReplicationController', 'dc-3'],
      ...injected('1-32', undefined, { annotations: { 'openshift.io/deployment-config.name': 'dc' } }),
    }),
    pod('odd', 'bare-failed', { status: evicted }),
    ...Array.from({ length: 6 }, (_, at) => pod('ops', `job-${at}`, { status: done })),
  ],
};

let store: TreeStore;
let tree: WorkloadsTree;

beforeAll(async () => {
  store = new TreeStore({ connect: () => Promise.resolve(holding(objects)), coalesceMs: 0 });
  const model = new MeshModel(store, decideForPod);
  tree = new WorkloadsTree(store, model);
  store.onDidChange((change) => model.apply(change));
  store.start();
  await store.whenSettled();
});
afterAll(() => store.dispose());

async function find(name: string): Promise<TreeNode> {
  return (await tree.roots()).find((node) => node.item().label === name)!;
}

async function lines(name: string, depth = 2): Promise<string[]> {
  const print = async (node: TreeNode, indent: string): Promise<string[]> => {
    const { label, description = '', icon } = node.item();
    const below = indent.length / 2 < depth ? await node.children() : [];
    const children = await Promise.all(below.map((child) => print(child, `${indent}  `)));
    return [`${indent}${label} — ${description} [${icon}]`, ...children.flat()];
  };
  return print(await find(name), '');
}

async function tooltip(space: string, name: string): Promise<string> {
  return renderTooltip(tree.pathTo(space, name)!.at(-1)!.tooltip());
}

describe('hard cases', () => {
  it('a canary upgrade: what differs is told apart; evicted pods are folded away, 300 old ReplicaSets are not there', async () => {
    expect(await lines('new')).toEqual([
      'new — 3 of 3 in the mesh · 2 would differ after a restart · revision prod [symbol-namespace]',
      '  web — 3 of 3 in the mesh · 2 would differ after a restart [debug-restart]',
      '    web-1-current — injected by CNI · 1.32.0 [pass-filled]',
      '    web-1-older-proxy — injected by CNI · 1.31.9 · differs [debug-restart]',
      '    web-1-other-revision — injected by CNI · 1.31.4 · differs [debug-restart]',
      '    Ended pods — 5 Evicted [archive]',
    ]);
    expect(await tooltip('new', 'web-1-older-proxy')).toContain(
      '1\\.31\\.9; created now, it would get version 1\\.32\\.0',
    );
    expect(await tooltip('new', 'web-1-other-revision')).toContain('belongs to revision 1\\-31');
    const path = tree.pathTo('new', 'web-1-evicted-3')!;
    expect(path.map((node) => node.item().label)).toEqual(['new', 'web', 'Ended pods', 'web-1-evicted-3']);
    expect(tree.parentOf(path[2]!)?.item().label).toBe('web');
  });

  it('ambient: taken in, not, being tried again, opted out, on the host’s network, not yet, and who serves it', async () => {
    expect(await lines('amb', 1)).toEqual([
      'amb — 2 of 8 in the mesh · 2 would differ after a restart · ambient [symbol-namespace]',
      '  host — not injected: host network [circle-outline]',
      '  in — ambient [pass-filled]',
      '  not-taken — ambient: not taken in [debug-restart]',
      '  out — not in ambient: opted out by label [circle-outline]',
      '  retrying — ambient: not taken in [debug-restart]',
      '  starting — starting · ambient, once it has its network [circle-outline]',
      '  waypoint — waypoint · 1.32.0 [pass-filled]',
      '  ztunnel — ztunnel of its node · 1.32.0 [circle-outline]',
    ]);
    expect(await tooltip('amb', 'retrying')).toContain('has not finished');
  });

  it('a namespace that is being deleted', async () => {
    expect(await lines('leaving')).toEqual([
      'leaving — 1 problem · is being deleted · revision prod [warning]',
      '  gone — its namespace is being deleted · no pods [warning]',
      '    its namespace is being deleted — Deployment gone gets no new pods: namespace leaving is being deleted. [warning]',
    ]);
  });

  it('static, Windows, ending, gated and native pods; Rollouts, DeploymentConfigs; a gateway of an older revision', async () => {
    expect(await lines('odd', 1)).toEqual([
      'odd — 2 problems · 5 of 9 in the mesh · 3 would differ after a restart · revision prod [error]',
      '  dc — 1 of 1 in the mesh [layers]',
      '  blue — 1 of 1 in the mesh [layers]',
      '  canary — 1 of 1 in the mesh [layers]',
      '  bare-failed — Evicted [error]',
      '  edge — gateway · 1.31.4 · differs [debug-restart]',
      '  ending — hangs in Terminating · not in the mesh [warning]',
      '  gated — held back by a scheduling gate · not injected: restart to inject [debug-restart]',
      '  native — injected by CNI · 1.32.0 [pass-filled]',
      '  static-n1 — not injected: static pod [circle-outline]',
      '  windows — not injected: Windows [debug-restart]',
    ]);
    expect(await tooltip('odd', 'windows')).toContain('no proxy for Windows');
  });

  it('pods that are done, and one that ambient has not let go', async () => {
    expect(await lines('ops', 1)).toEqual([
      'ops — 1 of 1 in the mesh · 1 would differ after a restart [symbol-namespace]',
      '  let-go — ambient · differs [debug-restart]',
      '  Ended pods — 6 done [archive]',
    ]);
  });

  it('every line is spoken with all that it shows', async () => {
    const walk = async (nodes: TreeNode[]): Promise<void> => {
      for (const node of nodes) {
        const { label, description = '', spoken } = node.item();
        const isTrouble = node.flags.join() === 'problem';
        if (!isTrouble) expect(spoken).toContain(label);
        if (!isTrouble) expect(spoken).toContain(description);
        if (label === 'odd') expect(spoken).toMatch(/\. Error: \S/);
        await walk(await node.children());
      }
    };
    await walk(await tree.roots());
  });
});
