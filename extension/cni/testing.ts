/** For tests: a cluster of several nodes whose helpers answer what the test says. */
import {
  parseNodeHelperRequest,
  type NodeHelperRequest,
  type NodeHelperVerb,
  type ResultOf,
} from '../../contract/node-helper.ts';
import type { CniActionResult } from '../../contract/cni-plugin.ts';
import type { KubernetesObject, Node, Pod } from '../../mesh/kubernetes.ts';
import { ClusterFailure, resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { helperContainer, helperSelector, managedBy } from '../node-helper/manifest.ts';

export interface FakeNode {
  ready?: boolean;
  /** No helper runs there. */
  silent?: boolean;
  labels?: Record<string, string>;
  /** What the helper answers; what is thrown is what the API server does. */
  answer?: (
    request: NodeHelperRequest,
  ) => ResultOf[NodeHelperVerb] | { code: 'unknown-verb' | 'internal'; message: string };
}

export interface FakeCluster extends Cluster {
  /** `n1 cni install`, in order. */
  asked: string[];
  nodes: Record<string, FakeNode>;
  deleted: { name: string; namespace?: string; uid?: string }[];
  /** What lists of other kinds than nodes and helper pods hold, by plural. */
  objects: Record<string, KubernetesObject[]>;
}

export function fakeCluster(nodes: Record<string, FakeNode>): FakeCluster {
  const asked: string[] = [];
  const deleted: FakeCluster['deleted'] = [];
  const objects: FakeCluster['objects'] = {};
  const nodeObject = (name: string): Node => ({
    metadata: { name, labels: { 'kubernetes.io/os': 'linux', ...nodes[name]?.labels } },
    status: {
      conditions: [
        { type: 'Ready', status: nodes[name]?.ready === false ? 'False' : 'True', reason: 'KubeletNotReady' },
      ],
    } as NonNullable<Node['status']>,
  });
  const helperPods = () =>
    Object.entries(nodes)
      .filter(([, { silent }]) => !silent)
      .map(([name]): Pod => ({
        metadata: { name: `helper-${name}`, namespace: 'meshloom-system', labels: { ...helperSelector, ...managedBy } },
        spec: { nodeName: name },
        status: {
          phase: 'Running',
          containerStatuses: [{ name: helperContainer, state: { running: {} } }],
        } as NonNullable<Pod['status']>,
      }));
  const cluster = {
    context: { id: 'kubeconfig:test', name: 'test', kind: 'kubeconfig' },
    asked,
    deleted,
    nodes,
    objects,
    list: (type: { plural: string }, options: { namespace?: string } = {}) => {
      if (type.plural === resourceTypes.nodes.plural)
        return Promise.resolve({ items: Object.keys(nodes).map(nodeObject), resourceVersion: '1' });
      if (type.plural === resourceTypes.pods.plural && options.namespace === 'meshloom-system')
        return Promise.resolve({ items: helperPods(), resourceVersion: '1' });
      return Promise.resolve({ items: objects[type.plural] ?? [], resourceVersion: '1' });
    },
    get: (type: { plural: string }, name: string) =>
      Promise.resolve(type.plural === resourceTypes.nodes.plural && nodes[name] ? nodeObject(name) : undefined),
    exec: ({ name }: { name: string }, _: string[], { stdin }: { stdin: string }) => {
      const node = name.replace('helper-', '');
      const request = parseNodeHelperRequest(stdin) as NodeHelperRequest;
      asked.push([node, request.verb, ...(request.verb === 'cni' ? [request.action] : [])].join(' '));
      const result = nodes[node]!.answer?.(request) ?? usualAnswer(request);
      const reply = 'code' in result ? { ok: false, error: result } : { ok: true, result };
      const stdout = JSON.stringify({ protocol: 1, helper: { version: '1', hash: 'h' }, ...reply });
      return Promise.resolve({ stdout, stderr: '', exitCode: 0 });
    },
    delete: (_: unknown, name: string, options: { namespace?: string; uid?: string } = {}) => {
      deleted.push({ name, ...options });
      return Promise.resolve(true);
    },
  };
  return cluster as unknown as FakeCluster;
}

/** A node with one list in which everything works and our plugin is chained already. */
function usualAnswer(request: NodeHelperRequest): ResultOf[NodeHelperVerb] {
  if (request.verb === 'cni')
    return { ...insertion(), plannedFor: request.action === 'plan' ? (request.planFor ?? 'install') : request.action };
  if (request.verb === 'read-agent') return { running: true, records: [], notes: [] };
  if (request.verb === 'read-cni') {
    const content = insertion().plan.writes[0]!.content;
    const speaks = ['0.4.0'];
    return {
      confDir: '/etc/cni/net.d',
      binDirs: ['/opt/cni/bin'],
      files: [{ name: '10-net.conflist', content }],
      plugins: ['bridge', 'meshloom-cni'].map((type) => ({
        type,
        path: `/opt/cni/bin/${type}`,
        supportedVersions: speaks,
      })),
      notes: [],
    };
  }
  throw new ClusterFailure('unexpected', `nobody expected ${request.verb}`, '');
}

const list = (...types: string[]) =>
  JSON.stringify({ cniVersion: '0.4.0', name: 'net', plugins: types.map((type) => ({ type })) });

/** A plan that adds our plugin to a list. */
export function insertion(more: Partial<CniActionResult> = {}): CniActionResult {
  return {
    exit: 0,
    confDir: '/etc/cni/net.d',
    binDir: '/opt/cni/bin',
    before: { '10-net.conflist': list('bridge') },
    plan: {
      action: 'insert',
      effective: '10-net.conflist',
      result: '10-net.conflist',
      cniVersion: '0.4.0',
      files: [],
      plugins: [],
      writes: [{ name: '10-net.conflist', content: list('bridge', 'meshloom-cni') }],
      removes: [],
      problems: [],
      binaryKept: false,
    },
    ...more,
  };
}

/** A plan that is turned down. */
export function refusal(message: string): CniActionResult {
  const { plan, ...rest } = insertion();
  const problems = [{ severity: 'error' as const, code: 'ML2001', message }];
  return { ...rest, exit: 2, plan: { ...plan, action: 'refuse', writes: [], removes: [], problems } };
}
