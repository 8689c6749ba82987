import { describe, expect, it } from 'vitest';
import type {
  ConfigMap,
  Labels,
  LabelSelector,
  MutatingWebhookConfiguration,
  Namespace,
  Workload,
} from '../kubernetes.ts';
import { describeMesh } from './describe-mesh.ts';
import type { MeshProblem } from './describe-mesh.ts';
import { listSettings } from './list-settings.ts';
import { saySelector } from './say-selector.ts';

function istiod(revision = 'default', { ready = 1, namespace = 'istio-system', replicas = 1 } = {}): Workload {
  return {
    kind: 'Deployment',
    metadata: {
      name: revision === 'default' ? 'istiod' : `istiod-${revision}`,
      namespace,
      labels: { app: 'istiod', 'istio.io/rev': revision },
    },
    spec: {
      replicas,
      template: { spec: { containers: [{ name: 'discovery', image: 'docker.io/istio/pilot:1.24.2-distroless' }] } },
    },
    status: { readyReplicas: ready },
  };
}

/** As the charts install them: what each takes, in short. */
const selectors: Record<string, (revision: string) => LabelSelector> = {
  rev: (revision) => ({
    matchExpressions: [
      { key: 'istio.io/rev', operator: 'In', values: [revision] },
      { key: 'istio-injection', operator: 'DoesNotExist' },
    ],
  }),
  label: () => ({ matchExpressions: [{ key: 'istio-injection', operator: 'In', values: ['enabled'] }] }),
};

function webhook(
  revision: string,
  takes: 'rev' | 'label',
  { tag, failurePolicy = 'Fail', url }: { tag?: string; failurePolicy?: string; url?: string } = {},
): MutatingWebhookConfiguration {
  return {
    metadata: {
      name: `injector-${tag ?? revision}-${takes}`,
      labels: { 'istio.io/rev': revision, ...(tag && { 'istio.io/tag': tag }) },
    },
    webhooks: [
      {
        name: `${takes}.sidecar-injector.istio.io`,
        failurePolicy,
        namespaceSelector: selectors[takes]!(tag ?? revision),
        rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
        clientConfig: url ? { url } : { service: { name: 'istiod', namespace: 'istio-system', path: '/inject' } },
      },
    ],
  };
}

const namespace = (name: string, labels: Labels = {}): Namespace => ({ metadata: { name, labels } });
const map = (name: string, root: string, at = 'istio-system'): ConfigMap => ({
  metadata: { name, namespace: at },
  data: { mesh: root },
});

function mesh(parts: Partial<Parameters<typeof describeMesh>[0]>) {
  return describeMesh({
    deployments: [istiod()],
    namespaces: [],
    webhooks: [webhook('default', 'rev'), webhook('default', 'label')],
    configMaps: [],
    parseSettings: (text) => (text === '' ? {} : { rootNamespace: text }),
    ...parts,
  });
}

const shorts = (entries: { problems: MeshProblem[] }[]) =>
  entries.flatMap(({ problems }) => problems.map(({ short }) => short));

describe('the mesh', () => {
  it('has a control plane with its revision, version, readiness and tags', () => {
    const { controlPlanes } = mesh({
      deployments: [istiod('1-24')],
      webhooks: [webhook('1-24', 'rev'), webhook('1-24', 'rev', { tag: 'prod' })],
    });
    expect(controlPlanes).toMatchObject([
      { revision: '1-24', version: '1.24.2', ready: 1, wanted: 1, tags: ['prod'], problems: [] },
    ]);
  });

  it('is fine as it is installed', () => {
    const state = mesh({ namespaces: [namespace('shop', { 'istio-injection': 'enabled' }), namespace('other')] });
    expect(shorts([...state.controlPlanes, ...state.webhooks, ...state.namespaces])).toEqual([]);
    expect(state.namespaces.map(({ name, choice }) => [name, choice])).toEqual([
      ['other', 'none'],
      ['shop', 'injected'],
    ]);
  });

  it.each([
    ['Fail', 'error', /refuses every new pod/],
    ['Ignore', 'warning', /start without a sidecar/],
  ])('says what failurePolicy %s does while istiod is down', (failurePolicy, severity, says) => {
    const { webhooks, controlPlanes } = mesh({
      deployments: [istiod('default', { ready: 0 })],
      webhooks: [webhook('default', 'rev', { failurePolicy })],
    });
    expect(webhooks[0]?.problems).toMatchObject([{ severity }]);
    expect(webhooks[0]?.problems[0]?.says).toMatch(says);
    expect(controlPlanes[0]?.problems[0]?.short).toBe('not ready');
  });

  it('names a webhook that was left behind', () => {
    const { webhooks } = mesh({ webhooks: [webhook('default', 'rev'), webhook('old', 'rev')] });
    expect(webhooks.map(({ problems }) => problems.length)).toEqual([0, 1]);
    expect(webhooks[1]?.problems[0]?.says).toMatch(/no control plane of revision old/);
  });

  it('misses no control plane where nobody looked for one', () => {
    const none = { deployments: [], webhooks: [webhook('default', 'rev')] };
    expect(shorts(mesh({ ...none, isRead: (namespace) => namespace === 'shop' }).webhooks)).toEqual([]);
    expect(shorts(mesh({ ...none, isRead: (namespace) => namespace === 'istio-system' }).webhooks)).toHaveLength(1);
  });

  it('expects nothing in this cluster of a control plane that is called by URL', () => {
    const { webhooks } = mesh({
      deployments: [],
      webhooks: [webhook('default', 'rev', { url: 'https://istiod.example.com:15017/inject' })],
    });
    expect(shorts(webhooks)).toEqual([]);
  });

  it('says when two revisions claim the default', () => {
    const { namespaces } = mesh({
      deployments: [istiod(), istiod('canary')],
      webhooks: [webhook('default', 'label'), webhook('canary', 'label', { tag: 'default' })],
      namespaces: [namespace('shop', { 'istio-injection': 'enabled' })],
    });
    expect(shorts(namespaces)).toEqual(['two revisions claim it']);
  });

  it('names the revisions there are for a namespace whose label no webhook serves', () => {
    const { namespaces } = mesh({
      webhooks: [webhook('default', 'rev'), webhook('default', 'rev', { tag: 'prod' })],
      namespaces: [namespace('shop', { 'istio.io/rev': 'prdo' })],
    });
    expect(namespaces).toMatchObject([{ choice: 'none', problems: [{ short: 'no webhook serves its label' }] }]);
    expect(namespaces[0]?.problems[0]?.next).toContain('default, prod');
  });

  it('says which of two labels counts', () => {
    const { namespaces } = mesh({
      namespaces: [namespace('shop', { 'istio-injection': 'enabled', 'istio.io/rev': 'x' })],
    });
    expect(shorts(namespaces)).toEqual(['istio-injection and istio.io/rev']);
  });

  it('says when root namespaces differ', () => {
    const one = mesh({ configMaps: [map('istio', 'config')] });
    expect(shorts(one.controlPlanes)).toEqual(['root namespace config']);
    const two = mesh({
      deployments: [istiod(), istiod('canary', { namespace: 'istio-canary' })],
      configMaps: [map('istio', ''), map('istio-canary', '', 'istio-canary')],
    });
    expect(shorts(two.controlPlanes)).toEqual(['root namespaces differ', 'root namespaces differ']);
  });

  it('goes by the labels alone where the webhooks may not be read, and complains of nothing', () => {
    const { webhooks: _, ...rest } = {
      deployments: [istiod()],
      namespaces: [namespace('shop', { 'istio.io/rev': 'x' })],
      webhooks: [],
      parseSettings: () => ({}),
    };
    expect(describeMesh(rest).namespaces).toMatchObject([{ choice: 'injected', problems: [] }]);
  });
});

describe('selectors and settings in words', () => {
  it('says a selector as one would read it', () => {
    expect(
      saySelector({
        matchLabels: { a: 'b' },
        matchExpressions: [
          { key: 'c', operator: 'In', values: ['d', 'e'] },
          { key: 'f', operator: 'NotIn', values: ['g'] },
          { key: 'h', operator: 'Exists' },
          { key: 'i', operator: 'DoesNotExist' },
        ],
      }),
    ).toBe('a=b, c one of d, e, f≠g, any label h, no label i');
  });

  it('tells a default from what was said', () => {
    const lines = listSettings({ outboundTrafficPolicy: 'REGISTRY_ONLY' }, 'istio-system');
    const find = (wanted: string) => lines.find(({ key }) => key === wanted);
    expect(find('outboundTrafficPolicy')).toMatchObject({ value: 'REGISTRY_ONLY', isDefault: false });
    expect(find('rootNamespace')).toMatchObject({ value: 'istio-system', isDefault: true });
  });
});
