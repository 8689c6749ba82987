/** What is kept through changes is what would be computed from nothing, whatever changed in which order. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { KubernetesEvent, KubernetesObject, Namespace, Node, Pod, Workload } from '../../../mesh/kubernetes.ts';
import { decideForPod } from './decide.ts';
import { MeshModel } from './mesh-model.ts';
import { ResourceTable } from './resource-table.ts';
import { sharePartsOf } from './share-parts.ts';
import type { Part, Tables, TreeStore } from './tree-store.ts';

const parts: Part[] = [
  ...(['namespaces', 'nodes', 'pods', 'events', 'deployments', 'replicaSets', 'statefulSets', 'daemonSets'] as const),
  ...(['jobs', 'cronJobs', 'mutatingWebhooks', 'configMaps'] as const),
];
const now = Date.parse('2026-01-01T01:00:00Z');
const emptyTables = () =>
  Object.fromEntries(parts.map((part) => [part, new ResourceTable<KubernetesObject>()])) as unknown as Tables;
const storeOf = (tables: Tables) =>
  ({ tables, phase: 'ready', part: () => ({ phase: 'live' }), now: () => now }) as unknown as TreeStore;

// ---- objects, few enough that they meet ----------------------------------------------------------------------------

let version = 0;
const of = (...values: string[]) => fc.constantFrom(...values);
const namespaces = of('a', 'b');
const meta = (name: string, namespace?: string) => ({
  name,
  ...(namespace !== undefined && { namespace }),
  uid: `${namespace ?? ''}/${name}`,
  resourceVersion: String(++version),
});
const ownedBy = (owner: string) => {
  const [kind = '', name = ''] = owner.split('/');
  return owner === '' ? {} : { ownerReferences: [{ kind, name, uid: owner, controller: true }] };
};
const pods = fc
  .record({
    namespace: namespaces,
    name: of('p1', 'p2', 'p3', 'p4'),
    owner: of('', 'ReplicaSet/web-1', 'ReplicaSet/web-2', 'ReplicaSet/gone-1', 'Job/once', 'StatefulSet/db', 'Node/n1'),
    node: of('n1', 'n2'),
    phase: of('Running', 'Pending', 'Failed', 'Succeeded'),
    ready: fc.boolean(),
    ending: fc.boolean(),
    sidecar: fc.boolean(),
    optOut: fc.boolean(),
  })
  .map(({ namespace, name, owner, node, phase, ready, ending, sidecar, optOut }): Pod => ({
    kind: 'Pod',
    metadata: {
      ...meta(name, namespace),
      ...ownedBy(owner),
      labels: { 'pod-template-hash': '1', ...(optOut && { 'sidecar.istio.io/inject': 'false' }) },
      ...(sidecar && { annotations: { 'sidecar.istio.io/status': '{"revision":"default"}' } }),
      ...(ending && { deletionTimestamp: '2026-01-01T00:30:00Z' }),
    },
    spec: { nodeName: node, containers: [{ name: 'app' }, ...(sidecar ? [{ name: 'istio-proxy' }] : [])] },
    status: { phase, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  }));
const workload = (kind: string, name: string, namespace: string, owner: string, replicas: number): Workload => ({
  kind,
  metadata: { ...meta(name, namespace), ...ownedBy(owner) },
  spec: { replicas, template: { spec: { containers: [{ name: kind === 'DaemonSet' ? 'calico-node' : 'app' }] } } },
  status: { replicas, ...(kind === 'Job' && replicas === 0 && { conditions: [{ type: 'Complete', status: 'True' }] }) },
});
const owned = (part: Part, kind: string, names: string[], owners: string[]) =>
  fc
    .tuple(of(...names), namespaces, of(...owners), fc.nat(1))
    .map(([name, namespace, owner, replicas]) => ({ part, object: workload(kind, name, namespace, owner, replicas) }));
const cniFailure =
  'failed to destroy network for sandbox "e5": plugin type="galaxy-sdn" name="galaxy" failed (delete): incompatible CNI versions; config is "0.3.1", plugin supports ["0.1.0"]';
const events = fc
  .record({
    namespace: namespaces,
    name: of('e1', 'e2', 'e3', 'e4'),
    about: of('Pod/p1', 'Pod/p2', 'Pod/p3', 'ReplicaSet/web-1', 'Deployment/web', 'Job/once'),
    reason: of('FailedCreatePodSandBox', 'FailedKillPod', 'Unhealthy', 'FailedCreate', 'BackOff', 'Pulled'),
    isOfNetwork: fc.boolean(),
    minute: fc.nat(2),
  })
  .map(({ namespace, name, about, reason, isOfNetwork, minute }): KubernetesEvent => {
    const [kind = '', of = ''] = about.split('/');
    return {
      kind: 'Event',
      metadata: meta(name, namespace),
      involvedObject: { kind, name: of, namespace },
      reason,
      type: reason === 'Pulled' ? 'Normal' : 'Warning',
      message: isOfNetwork ? cniFailure : 'why',
      lastTimestamp: `2026-01-01T00:0${minute}:00Z`,
    };
  });
const labels = fc.constantFrom<Record<string, string>>(
  {},
  { 'istio-injection': 'enabled' },
  { 'istio-injection': 'disabled' },
);
const objects: fc.Arbitrary<{ part: Part; object: KubernetesObject }> = fc.oneof(
  { weight: 6, arbitrary: pods.map((object) => ({ part: 'pods' as const, object })) },
  { weight: 3, arbitrary: events.map((object) => ({ part: 'events' as const, object })) },
  owned('replicaSets', 'ReplicaSet', ['web-1', 'web-2'], ['', 'Deployment/web', 'Rollout/web']),
  owned('deployments', 'Deployment', ['web', 'gone'], ['']),
  owned('statefulSets', 'StatefulSet', ['db'], ['']),
  owned('daemonSets', 'DaemonSet', ['calico-node'], ['']),
  owned('jobs', 'Job', ['once'], ['', 'CronJob/nightly']),
  owned('cronJobs', 'CronJob', ['nightly'], ['']),
  fc.tuple(namespaces, labels).map(([name, own]) => {
    const object: Namespace = { kind: 'Namespace', metadata: { ...meta(name), labels: own } };
    return { part: 'namespaces' as const, object };
  }),
  of('n1', 'n2').map((name) => ({ part: 'nodes' as const, object: { kind: 'Node', metadata: meta(name) } as Node })),
  fc.boolean().map((isThere) => ({
    part: 'mutatingWebhooks' as const,
    object: {
      kind: 'MutatingWebhookConfiguration',
      metadata: { ...meta('istio-sidecar-injector'), labels: { app: 'sidecar-injector', 'istio.io/rev': 'default' } },
      webhooks: isThere
        ? [
            {
              name: 'namespace.sidecar-injector.istio.io',
              clientConfig: { service: { name: 'istiod', namespace: 'istio-system', path: '/inject' } },
              rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
              namespaceSelector: { matchLabels: { 'istio-injection': 'enabled' } },
            },
          ]
        : [],
    } as KubernetesObject,
  })),
);
const change = fc.oneof(
  { weight: 8, arbitrary: objects.map((each) => ({ ...each, verb: 'set' as const })) },
  { weight: 3, arbitrary: objects.map((each) => ({ ...each, verb: 'delete' as const })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(of(...parts), fc.nat(7))
      .map(([part, keep]) => ({ part: part as Part, keep, verb: 'relist' as const })),
  },
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

// ---- a window that lives through it, and one that is opened afterwards ---------------------------------------------------

class Window {
  readonly tables = emptyTables();
  readonly model = new MeshModel(storeOf(this.tables), decideForPod);

  /** As the store takes what it is told. */
  apply(each: Change): void {
    const table = this.tables[each.part] as ResourceTable<KubernetesObject>;
    const shared = <T extends KubernetesObject>(came: T): T =>
      sharePartsOf(table.get(came.metadata?.namespace ?? '', came.metadata?.name ?? ''), came);
    let touched: Iterable<string> = [];
    if (each.verb === 'relist') {
      // Others, in another order.
      const left = [...table.all()].filter((_, at) => at % 8 <= each.keep).reverse();
      touched = table.replaceAll(left.map((object) => shared(structuredClone(object))));
    } else {
      const object = structuredClone(each.object);
      if (each.verb === 'delete') table.delete(object);
      if (each.verb === 'delete' || table.set(shared(object))) touched = [object.metadata?.namespace ?? ''];
    }
    this.model.apply({ parts: new Set([each.part]), namespaces: new Set(touched), state: false });
  }
}

/** All that the trees ask. */
function pictureOf(model: MeshModel): unknown {
  const names = model.namespaceNames();
  const nodes = model.nodes();
  // Versions of objects that say nothing new are not told.
  return JSON.parse(
    JSON.stringify(
      [names, names.map((name) => model.namespace(name)), nodes, model.problems()],
      (key, value: unknown) => (key === 'resourceVersion' ? undefined : value),
    ),
  );
}

function cold(tables: Tables): MeshModel {
  const copy = emptyTables();
  for (const part of parts) {
    const objectsOf = [...(tables[part] as ResourceTable<KubernetesObject>).all()];
    (copy[part] as ResourceTable<KubernetesObject>).replaceAll(structuredClone(objectsOf).reverse());
  }
  return new MeshModel(storeOf(copy), decideForPod);
}

it('is what would be computed from nothing after every few changes', () => {
  fc.assert(
    fc.property(fc.array(fc.array(change, { minLength: 1, maxLength: 6 }), { maxLength: 12 }), (steps) => {
      const window = new Window();
      for (const step of steps) {
        for (const each of step) window.apply(each);
        expect(pictureOf(window.model)).toEqual(pictureOf(cold(window.tables)));
      }
    }),
    { numRuns: 150 },
  );
});

it('is so, too, where things change while it is computed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 10, maxLength: 60 }), async (changes) => {
      const window = new Window();
      const rest = [...changes];
      for (const each of rest.splice(0, rest.length / 2)) window.apply(each);
      // A pause after every pod, and a change in every pause; sometimes somebody cannot wait.
      const steps = window.model.prepare(() => {
        const next = rest.shift();
        if (next) window.apply(next);
        if (rest.length % 3 === 0) window.model.namespace('a');
        return Promise.resolve();
      }, -1);
      await steps;
      for (const each of rest) window.apply(each);
      expect(pictureOf(window.model)).toEqual(pictureOf(cold(window.tables)));
    }),
    { numRuns: 100 },
  );
});

it('leaves what did not change the very same object', () => {
  const window = new Window();
  const set = (part: Part, object: KubernetesObject) => window.apply({ part, object, verb: 'set' });
  const pod = (name: string, namespace: string, status: string): Pod => ({
    kind: 'Pod',
    metadata: { ...meta(name, namespace), ...ownedBy(`StatefulSet/${name}`) },
    status: { conditions: [{ type: 'Ready', status }] },
  });
  for (const [name, namespace] of [
    ['one', 'a'],
    ['two', 'a'],
    ['three', 'b'],
  ] as const)
    set('pods', pod(name, namespace, 'True'));
  const [a, b] = [window.model.namespace('a'), window.model.namespace('b')];
  set('pods', pod('one', 'a', 'False'));
  const after = window.model.namespace('a');
  expect(after).not.toBe(a);
  expect(after.workloads[0]).not.toBe(a.workloads[0]);
  expect(after.workloads[1]).toBe(a.workloads[1]);
  expect(window.model.namespace('b')).toBe(b);
  // It came again, and says nothing new.
  set('pods', pod('one', 'a', 'False'));
  expect(window.model.namespace('a')).toBe(after);
});
