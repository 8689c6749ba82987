/** Nothing that a cluster says executes, hangs or floods: objects by chance, and those that somebody made on purpose. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import { decideForPod } from './store/decide.ts';
import { holding } from './store/holding.fixture.ts';
import { literalLines, literalText } from './literal-text.ts';
import { MeshModel } from './store/mesh-model.ts';
import { describeFilter, isFiltering, readFilter, type TreeFilter } from './workloads/tree-filter.ts';
import { renderTooltip, type TreeNode } from './tree-node.ts';
import { TreeStore } from './store/tree-store.ts';
import { WorkloadsTree } from './workloads/workloads-tree.ts';

const evil = [
  '[click](command:workbench.action.quit)',
  '<img src=x onerror=alert(1)>',
  '![](https://evil.example/a.png)',
  '$(trash) `x` **b**',
  '\u202egnp.exe\u2066\u200b\u0000\u001b[31m',
  '```\n[a](command:b)\n```',
  'a\r\n# heading\r\n- item',
  '<a href="command:x">',
];

function isBroken(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}

async function draw(objects: Record<string, KubernetesObject[]>, filter: TreeFilter = {}) {
  const store = new TreeStore({ connect: () => Promise.resolve(holding(objects)), coalesceMs: 0 });
  const model = new MeshModel(store, decideForPod);
  const tree = new WorkloadsTree(store, model, undefined, { current: filter });
  store.onDidChange((change) => model.apply(change));
  const lines: string[] = [];
  const walk = async (nodes: TreeNode[]): Promise<void> => {
    for (const node of nodes) {
      const { label, description = '', spoken } = node.item();
      lines.push([label, description, spoken].map((text) => literalText(text)).join(' | '));
      lines.push(renderTooltip(node.tooltip()));
      await walk(await node.children());
    }
  };
  try {
    store.start();
    await store.whenSettled();
    await walk(await tree.roots());
  } finally {
    store.dispose();
  }
  return lines;
}

describe('text of a cluster’s making', () => {
  it('has no control character, no line end and no mark that turns the writing, and is never long', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 3_000 }), (text) => {
        const shown = literalText(text);

        expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/);
        expect(shown.length).toBeLessThanOrEqual(301);
        // No half of a pair that was whole before.
        if (!isBroken(text)) expect(isBroken(shown)).toBe(false);
      }),
    );
  });

  it('that anybody may read stays as it is', () => {
    for (const text of ['web-1', '网格 · größer', 'a b', '👩 ok']) expect(literalText(text)).toBe(text);
    expect(literalLines('a\n  b\r\nc')).toBe('a\n  b\nc');
  });

  it('opens no link, image, element or icon in a tooltip', () => {
    const hostile = fc
      .array(fc.constantFrom(...evil, ...'[]()<>!`$:\\*_#&~|\n'), { maxLength: 12 })
      .map((all) => all.join(''));
    fc.assert(
      fc.property(hostile, fc.constantFrom('heading', 'text', 'item', 'quote'), (text, as) => {
        const markdown = renderTooltip([{ as, text }]);
        if (as === 'quote') {
          const [open, ...rest] = markdown.split('\n');
          const fence = /^`+/.exec(open!)![0];
          expect(rest.at(-1)).toBe(fence);
          expect(rest.slice(0, -1).some((line) => line.trimStart().startsWith(fence))).toBe(false);
          return;
        }
        const unescaped = markdown.replace(/\\[^\n]/g, '');
        expect(unescaped).not.toMatch(/[[\]()<`!$]/);
      }),
    );
  });
});

describe('the Workloads tree', () => {
  it('shows names, annotations and messages that were made to do something, and does nothing', async () => {
    const pods = evil.map((text, at) => ({
      metadata: {
        name: text,
        namespace: `n${at}`,
        uid: String(at),
        annotations: { 'sidecar.istio.io/status': text, [text]: text },
        labels: { [text]: text },
      },
      spec: { containers: [{ name: text, image: text }], nodeName: text },
      status: {
        phase: text,
        message: text,
        reason: text,
        containerStatuses: [{ name: text, state: { waiting: { reason: text, message: text } } }],
      },
    }));
    const lines = await draw({ pods: pods as KubernetesObject[] });

    for (const line of lines) expect(line).not.toMatch(/[\u0000-\u0008\u001b\u202a-\u202e\u2066-\u2069]/);
  });

  it('stands an annotation and a message of 5 MB', async () => {
    const huge = 'x'.repeat(5_000_000);
    const begin = performance.now();
    const lines = await draw({
      pods: [
        {
          metadata: {
            name: 'a',
            namespace: 'n',
            uid: '1',
            annotations: { 'sidecar.istio.io/status': huge, 'traffic.sidecar.istio.io/includeInboundPorts': huge },
          },
          spec: { containers: [{ name: 'c', image: huge }] },
          status: { phase: 'Failed', message: huge },
        } as KubernetesObject,
      ],
      events: [
        {
          metadata: { name: 'e', namespace: 'n' },
          involvedObject: { kind: 'Pod', namespace: 'n', name: 'a' },
          reason: 'FailedCreatePodSandBox',
          type: 'Warning',
          message: huge,
        } as KubernetesObject,
      ],
    });
    expect(performance.now() - begin).toBeLessThan(5_000);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(50_000);
  });

  it('stands objects that lack any part of themselves', async () => {
    const text = fc.constantFrom('', 'a', 'Always', 'istio-proxy', 'ReplicaSet', ...evil);
    const status = fc.record(
      {
        name: text,
        state: fc.record(
          { waiting: fc.record({ reason: text, message: text }, { requiredKeys: [] }) },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: ['name'] },
    );
    const metadata = fc.record(
      {
        name: text,
        namespace: text,
        uid: text,
        labels: fc.dictionary(text, text),
        annotations: fc.dictionary(text, text),
        deletionTimestamp: text,
        ownerReferences: fc.array(fc.record({ kind: text, name: text, controller: fc.boolean() })),
      },
      { requiredKeys: [] },
    );
    const container = fc.record({ name: text, image: text, restartPolicy: text }, { requiredKeys: ['name'] });
    const anything = fc.record(
      {
        metadata,
        spec: fc.record(
          {
            containers: fc.array(container),
            initContainers: fc.array(container),
            replicas: fc.integer(),
            nodeName: text,
            hostNetwork: fc.boolean(),
          },
          { requiredKeys: [] },
        ),
        status: fc.record(
          {
            phase: text,
            conditions: fc.array(fc.record({ type: text, status: text })),
            containerStatuses: fc.array(status),
            replicas: fc.integer(),
          },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: [] },
    );
    const kinds = [
      'pods',
      'namespaces',
      'deployments',
      'replicasets',
      'statefulsets',
      'daemonsets',
      'jobs',
      'cronjobs',
      'events',
      'nodes',
      'mutatingwebhookconfigurations',
    ];
    const world = fc.record(Object.fromEntries(kinds.map((kind) => [kind, fc.array(anything, { maxLength: 3 })])));
    await fc.assert(
      fc.asyncProperty(world, async (objects) => {
        await draw(objects as Record<string, KubernetesObject[]>);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the filter', () => {
  const pod = (name: string, app: string, namespace: string, isBad = false) => ({
    metadata: { name, namespace, uid: name, ownerReferences: [{ kind: 'StatefulSet', name: app, controller: true }] },
    spec: { containers: [{ name: 'c' }] },
    status: {
      phase: 'Running',
      ...(isBad && { containerStatuses: [{ name: 'c', state: { waiting: { reason: 'CrashLoopBackOff' } } }] }),
    },
  });
  const objects = {
    pods: [
      pod('web-0', 'web', 'shop'),
      pod('web-1', 'web', 'shop', true),
      pod('db-0', 'db', 'shop'),
      pod('cli-0', 'cli', 'tools'),
    ] as KubernetesObject[],
  };
  const names = async (filter: TreeFilter) =>
    (await draw(objects, filter))
      .flatMap((line) => (/^(\S+) \|/.exec(line) ?? []).slice(1))
      .filter((name) => name !== 'c');

  it('leaves what has the name, with its whole workload or the pod alone', async () => {
    expect(await names({ name: 'WEB' })).toEqual(['shop', 'web', 'web-0', 'web-1']);
    expect(await names({ name: 'web-0' })).toEqual(['shop', 'web', 'web-0']);
  });

  it('leaves namespaces, and what has problems', async () => {
    expect(await names({ namespaces: ['tools'] })).toEqual(['tools', 'cli', 'cli-0']);
    expect(await names({ onlyProblems: true })).toEqual(['shop', 'web', 'web-1']);
  });

  it('says that nothing is left, and offers to clear it', async () => {
    expect((await draw(objects, { name: 'nowhere' }))[0]).toContain('Nothing matches the filter');
  });

  it('is read from whatever a workspace remembers', () => {
    fc.assert(fc.property(fc.anything(), (value) => void describeFilter(readFilter(value))));
    const filter = { name: 'a', namespaces: ['b'], onlyProblems: true };
    expect(readFilter(filter)).toEqual(filter);
    expect(isFiltering(readFilter({ name: ' ', namespaces: [], onlyProblems: false }))).toBe(false);
    expect(describeFilter(filter)).toBe('“a” · b · only problems');
  });
});
