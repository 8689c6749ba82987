import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubernetesObject, Pod } from '../mesh/kubernetes.ts';
import type { ExplainedPod, ExplainedStep } from './explain-pod.ts';
import { run } from './run.ts';
import { verbs } from './verbs.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'meshloom-inject-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function call(args: string[], input?: string, color = false) {
  let out = '';
  let err = '';
  const terminal = {
    args: ['inject', 'explain', ...args],
    cwd: folder,
    stdin: () => (input === undefined ? Promise.reject(new Error('not to be read')) : Promise.resolve(input)),
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    color,
  };
  const code = await run(verbs, terminal, () => '1.0.0');
  return { code, out, err };
}

async function explain(input: string, ...args: string[]): Promise<ExplainedPod[]> {
  const { code, out, err } = await call(['--format', 'json', ...args], input);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as ExplainedPod[];
}

const namespace = (name: string, labels: object) =>
  `---\napiVersion: v1\nkind: Namespace\nmetadata: ${JSON.stringify({ name, labels })}\n`;
const enabled = namespace('shop', { 'istio-injection': 'enabled' });
const pod = (metadata: object = {}, spec: object = {}) =>
  `---\n${JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'cart', namespace: 'shop', ...metadata }, spec })}\n`;
const inject = 'sidecar.istio.io/inject';
const last = (explained: ExplainedPod | undefined) => explained?.steps.at(-1);

/** The text at which a step points. */
function textAt(text: string, { range }: Pick<ExplainedStep, 'range'>): string | undefined {
  if (!range) return undefined;
  expect(range.start.line).toBe(range.end.line);
  return text.split('\n')[range.start.line]!.slice(range.start.character, range.end.character);
}

describe('the explanation of a pod', () => {
  const manifests = `apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    istio-injection: enabled # all of it
    pod-security.kubernetes.io/enforce: privileged
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: reviews, namespace: shop }
spec:
  template:
    metadata:
      labels:
        app: reviews
        sidecar.istio.io/inject: "yes"
    spec:
      containers: [{ name: app }]
`;

  it('has the shape that other programs read', async () => {
    expect(await explain(manifests)).toEqual([
      {
        resource: { kind: 'Deployment', namespace: 'shop', name: 'reviews' },
        file: '-',
        range: { start: { line: 10, character: 18 }, end: { line: 10, character: 25 } },
        injected: true,
        revision: 'default',
        templates: ['sidecar'],
        by: 'init',
        steps: [
          {
            check: 'namespace',
            value: 'istio-injection=enabled',
            verdict: 'continue',
            says: expect.any(String),
            file: '-',
            range: { start: { line: 5, character: 21 }, end: { line: 5, character: 28 } },
          },
          { check: 'webhook', value: expect.any(String), verdict: 'continue', says: expect.any(String) },
          { check: 'host-network', value: null, verdict: 'continue', says: expect.any(String) },
          {
            check: 'label',
            value: `${inject}=yes`,
            verdict: 'continue',
            says: expect.stringContaining('"yes"'),
            file: '-',
            range: { start: { line: 16, character: 33 }, end: { line: 16, character: 38 } },
          },
          { check: 'policy', value: 'enabled', verdict: 'inject', says: expect.any(String) },
        ],
      },
    ]);
  });

  const values = (json: object) =>
    `---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: istio-sidecar-injector, namespace: istio-system }\ndata:\n  values: |\n${JSON.stringify(
      json,
      null,
      2,
    ).replace(/^/gm, '    ')}\n`;
  const configured = (data: string) =>
    `---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: istio-sidecar-injector }\ndata:\n  ${data}\n`;
  const quoted = (json: object) =>
    `---\n${JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'istio-sidecar-injector' }, data: { values: JSON.stringify(json) } })}\n`;
  const webhooks = `---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: { name: injector, labels: { istio.io/rev: canary } }
webhooks:
  - name: all.sidecar-injector.istio.io
    rules: [{ operations: [CREATE], apiGroups: [""], apiVersions: [v1], resources: [pods] }]
    clientConfig: { service: { name: istiod, namespace: istio-system, path: /inject } }
    namespaceSelector: { matchLabels: { mesh: "on" } }
`;
  const labelled = (labels: object, spec?: object) => enabled + pod({ labels }, spec);

  it.each<[what: string, text: string, check: string, at: string | undefined]>([
    ["a namespace's label", namespace('shop', { 'istio-injection': 'off' }) + pod(), 'namespace', '"off"'],
    ["a namespace's revision", namespace('shop', { 'istio.io/rev': 'gone' }) + pod(), 'revision', '"gone"'],
    ["a pod's revision", namespace('shop', {}) + pod({ labels: { 'istio.io/rev': 'gone' } }), 'revision', '"gone"'],
    ['a label', labelled({ [inject]: 'true' }), 'label', '"true"'],
    ['a label that refuses', labelled({ [inject]: 'false' }), 'label', '"false"'],
    ['an annotation', enabled + pod({ annotations: { [inject]: 'false' } }), 'annotation', '"false"'],
    ['the host network', labelled({}, { hostNetwork: true }), 'host-network', 'true'],
    ['a system namespace', pod({ namespace: 'kube-public', labels: { [inject]: 'true' } }), 'system-namespace', '"kube-public"'],
    ['a wrong value', enabled + pod({ annotations: { 'status.sidecar.istio.io/port': 'x' } }), 'annotation-value', '"x"'],
    ['Pod Security', namespace('shop', { 'istio-injection': 'enabled', 'pod-security.kubernetes.io/enforce': 'baseline' }) + pod(), 'pod-security', '"baseline"'],
    ['the default policy', enabled + pod(), 'policy', undefined],
    ['no label anywhere', namespace('shop', {}) + pod(), 'namespace', undefined],
    ['a policy in a block of JSON', values({ global: { proxy: { autoInject: 'disabled' } } }) + enabled + pod(), 'policy', 'disabled'],
    ['a policy in quoted JSON', quoted({ global: { proxy: { autoInject: 'disabled' } } }) + enabled + pod(), 'policy', 'disabled'],
    ['a selector of the injector', values({ sidecarInjectorWebhook: { neverInjectSelector: [{ matchLabels: { app: 'x' } }] } }) + labelled({ app: 'x' }), 'never-inject-selector', 'neverInjectSelector'],
    ["a policy in the injector's own configuration", configured('config: |\n    # edited\n    policy: disabled') + enabled + pod(), 'policy', 'disabled'],
    ["a selector in the injector's own configuration", configured('config: "policy: enabled\\nneverInjectSelector: [{ matchLabels: { app: x } }]"') + labelled({ app: 'x' }), 'never-inject-selector', 'neverInjectSelector'],
    ['a template that the injector does not have', configured('config: "templates: { sidecar: x }"') + enabled + pod({ annotations: { 'inject.istio.io/templates': 'sidecar,mine' } }), 'template', '"sidecar,mine"'],
    ['a label without quotes', enabled + '---\napiVersion: v1\nkind: Pod\nmetadata: { name: cart, namespace: shop, labels: { sidecar.istio.io/inject: true } }\n', 'label', 'true'],
  ])('points at %s', async (_, text, check, at) => {
    const [explained] = await explain(text);
    const decided = last(explained);
    expect({ check: decided?.check, at: decided && textAt(text, decided) }).toEqual({ check, at });
  }); // prettier-ignore

  it('takes the webhooks that the files hold, and points at them', async () => {
    const text = webhooks + namespace('shop', { mesh: 'on' }) + pod();
    const [explained] = await explain(text);
    expect(explained).toMatchObject({ injected: true, revision: 'canary' });
    expect(
      textAt(
        text,
        explained!.steps.find(({ check }) => check === 'webhook')!,
      ),
    ).toBe('all.sidecar-injector.istio.io');
    // A flag says which of them are there, and which others.
    expect((await explain(text, '--revision', 'canary'))[0]).toMatchObject({ injected: true });
    expect((await explain(text, '--revision', 'other'))[0]).toMatchObject({ injected: false });
    expect((await explain(webhooks + enabled + pod(), '--revision', 'default'))[0]).toMatchObject({
      injected: true,
      revision: 'default',
    });
  });

  it('asks the conditions of a webhook, and points at them', async () => {
    const condition = `    matchConditions: [{ name: no-jobs, expression: "object.metadata.labels['app'] != 'x'" }]\n`;
    const text = webhooks + condition + namespace('shop', { mesh: 'on' }) + pod({ labels: { app: 'x' } });
    const [explained] = await explain(text);
    expect(explained).toMatchObject({ injected: false, by: null });
    expect(last(explained)).toMatchObject({ check: 'match-conditions', value: 'no-jobs', verdict: 'skip' });
    expect(textAt(text, last(explained)!)).toContain("object.metadata.labels['app']");
    expect((await explain(text.replace('app: x', 'app: y').replace('"app":"x"', '"app":"y"')))[0]?.injected).toBe(true);
  });

  it('passes over webhooks that do not inject', async () => {
    const stranger = webhooks.replace('path: /inject', 'path: /mutate');
    expect((await explain(stranger + enabled + pod()))[0]).toMatchObject({ injected: true, revision: 'default' });
  });

  it('asks the control planes that flags name', async () => {
    const text = namespace('shop', { 'istio.io/rev': 'canary' }) + pod();
    expect((await explain(text))[0]).toMatchObject({ injected: false, revision: null });
    expect((await explain(text, '--revision', 'default', '--revision=canary'))[0]).toMatchObject({
      injected: true,
      revision: 'canary',
    });
  });

  it('tells who redirects: the mesh configuration and the pod have a say', async () => {
    const by = async (text: string, ...args: string[]) => (await explain(text, ...args))[0]?.by;
    writeFileSync(join(folder, 'mesh.yaml'), 'defaultConfig: { interceptionMode: NONE }\n');
    writeFileSync(
      join(folder, 'wrapped.yaml'),
      'kind: ConfigMap\nmetadata: { name: istio }\ndata: { mesh: "defaultConfig: { interceptionMode: NONE }" }\n',
    );
    const none = '---\napiVersion: v1\n' + readFileSync(join(folder, 'wrapped.yaml'), 'utf8');
    expect(await by(enabled + pod())).toBe('init');
    expect(await by(enabled + pod(), '--mesh-config', 'mesh.yaml')).toBe(null);
    expect(await by(enabled + pod(), '--mesh-config', 'wrapped.yaml')).toBe(null);
    expect(await by(enabled + pod() + none)).toBe(null);
    const redirect = { annotations: { 'proxy.istio.io/config': 'interceptionMode: REDIRECT' } };
    expect(await by(enabled + pod(redirect) + none)).toBe('init');
    const annotated = { annotations: { 'sidecar.istio.io/interceptionMode': 'TPROXY' } };
    expect(await by(enabled + pod(annotated), '--mesh-config', 'mesh.yaml')).toBe('init');
  });

  it("asks Istio's CNI plugin where the injector counts on it", async () => {
    const cni = values({ pilot: { cni: { enabled: true } } });
    expect((await explain(cni + enabled + pod()))[0]).toMatchObject({ by: 'cni', cni: { programs: true } });
    const [optedOut] = await explain(cni + labelled({ [inject]: '0' }));
    expect(optedOut).toMatchObject({ injected: true, by: 'cni', cni: { programs: false } });
    const none = { annotations: { 'sidecar.istio.io/interceptionMode': 'NONE' } };
    expect((await explain(cni + enabled + pod(none)))[0]).toMatchObject({
      injected: true,
      by: null,
      cni: { programs: false, steps: [{ verdict: 'reject', check: 'annotation-value' }] },
    });
    expect((await explain(enabled + pod()))[0]).not.toHaveProperty('cni');
  });

  it("reads an injector's whole ConfigMap as kubectl prints it, as JSON", async () => {
    const config = 'policy: disabled\ntemplates:\n  sidecar: |\n    name: {{ .Name }}\n';
    const configMap = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'istio-sidecar-injector' },
      data: { config },
    };
    const shop = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'shop', labels: { 'istio-injection': 'enabled' } },
    };
    const cart = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'cart', namespace: 'shop' } };
    const [explained] = await explain(
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [cart, shop, configMap] }),
    );
    expect(explained).toMatchObject({
      injected: false,
      steps: expect.arrayContaining([expect.objectContaining({ check: 'policy', value: 'disabled' })]),
    });
  });

  it('reads null as the API server does: the empty string, which is not "enabled"', async () => {
    const text = `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    istio-injection:\n    istio.io/rev: default\n${pod()}`;
    expect((await explain(text))[0]).toMatchObject({ injected: false });
  });

  it('looks at every kind that makes pods, in files, Lists and JSON alike, once each', async () => {
    const template = { metadata: { labels: { [inject]: 'true' } }, spec: { containers: [] } };
    const workload = (apiVersion: string, kind: string, spec: object = { template }, metadata: object = {}) => ({
      apiVersion, kind, metadata: { name: kind.toLowerCase(), namespace: 'shop', ...metadata }, spec,
    }); // prettier-ignore
    const owner = (kind: string) => ({ ownerReferences: [{ apiVersion: 'apps/v1', kind, name: kind.toLowerCase() }] });
    const items = [
      workload('apps/v1', 'Deployment'),
      workload('apps/v1', 'StatefulSet'),
      workload('apps/v1', 'DaemonSet'),
      workload('apps/v1', 'ReplicaSet', { template }, { ...owner('Deployment'), name: 'made' }),
      workload('apps/v1', 'ReplicaSet'),
      workload('batch/v1', 'Job'),
      workload('batch/v1', 'CronJob', { jobTemplate: { spec: { template } } }),
      { ...workload('v1', 'Pod'), ...template, metadata: { ...template.metadata, name: 'pod', namespace: 'shop' } },
      workload('v1', 'Service', {}),
    ];
    const found = await explain(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, null, 1));
    expect(found.map(({ resource, injected }) => `${resource.kind} ${resource.name} ${injected}`)).toEqual(
      ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob', 'Pod'].map(
        (kind) => `${kind} ${kind.toLowerCase()} true`,
      ),
    );
  });

  it.each([
    ['lists where maps belong', { labels: ['x'], annotations: [] }, { containers: {}, initContainers: 'x' }],
    ['numbers and texts where maps belong', { labels: 7 }, { containers: [1, null, 'x'], hostNetwork: 'true' }],
    ['names of what every object has', { labels: { __proto__x: 'a', constructor: 'b' } }, { hostNetwork: null }],
  ])('stays upright with %s', async (_, metadata, spec) => {
    expect(await explain(enabled + pod(metadata, spec))).toHaveLength(1);
  });
});

describe('on the recordings of a real mesh', () => {
  it.each(['before-cni', 'with-cni', 'broken'])('gives the verdicts of the real injector: %s', async (state) => {
    const file = join(import.meta.dirname, '../extension/demo/recordings', state, 'resources.json');
    const { items } = JSON.parse(readFileSync(file, 'utf8')) as { items: KubernetesObject[] };
    const { code, out } = await call(['--format', 'json', file]);
    expect(code).toBe(0);
    const explained = JSON.parse(out) as ExplainedPod[];
    const pods = items.filter((item): item is Pod => item.kind === 'Pod');
    expect(explained.filter(({ resource }) => resource.kind === 'Pod')).toHaveLength(pods.length);
    for (const { resource, injected, by, cni } of explained) {
      const was = pods.find(
        ({ metadata }) =>
          metadata?.namespace === resource.namespace &&
          (metadata.name === resource.name ||
            (resource.kind !== 'Pod' && metadata.name?.startsWith(`${resource.name}-`))),
      )?.metadata?.annotations?.['sidecar.istio.io/status'];
      expect([resource.name, injected]).toEqual([resource.name, was !== undefined]);
      if (was === undefined) continue;
      expect([resource.name, by]).toEqual([resource.name, was.includes('istio-init') ? 'init' : 'cni']);
      if (by === 'cni') expect(cni?.programs).toBe(true);
    }
  });
});

describe('the text for people', () => {
  it('shows the outcome, and below it each step with its place, coloured on a terminal only', async () => {
    const plain = await call([], enabled + pod({ labels: { [inject]: 'false' } }));
    expect(plain.out).toBe(
      [
        '✗ Pod shop/cart: not injected  -:6:52',
        '  · namespace  Namespace shop is labelled istio-injection=enabled.  -:4:54',
        '  ✗ label      cart carries the label sidecar.istio.io/inject=false: no webhook takes it.  -:6:114',
        '',
      ].join('\n'),
    );
    const colored = await call([], enabled + pod(), true);
    expect(colored.out).toContain('\u001b[32m✓\u001b[0m');
    expect(colored.out).toContain('injected by revision default, template sidecar; istio-init programs');
  });
});

describe('the call', () => {
  it('reads files, directories and standard input, and picks a pod by name', async () => {
    writeFileSync(join(folder, 'a.yaml'), enabled + pod());
    writeFileSync(join(folder, 'b.yaml'), pod({ name: 'other' }));
    const names = async (...args: string[]) =>
      (JSON.parse((await call(['--format=json', ...args])).out) as ExplainedPod[]).map(({ resource }) => resource.name);
    expect(await names('a.yaml', 'b.yaml')).toEqual(['cart', 'other']);
    expect(await names('*.yaml', '--pod', 'other')).toEqual(['other']);
    expect(await names('.', '--pod', 'shop/cart')).toEqual(['cart']);
    expect((await call([], pod())).code).toBe(0);
  });

  it('says when there is nothing to explain', async () => {
    expect(await call(['--format', 'json'], enabled)).toMatchObject({
      code: 0,
      out: '[]\n',
      err: expect.stringContaining('no pod'),
    });
  });

  it('fails with 2 when something cannot be read, and explains the rest all the same', async () => {
    const missing = await call(['a.yaml', 'nowhere.yaml']);
    expect(missing).toMatchObject({ code: 2, err: expect.stringContaining('nowhere.yaml') });
    expect(missing.out).toContain('shop/cart');
    const broken = await call([], `${enabled}${pod()}---\nkind: Pod\nmetadata: [x\n`);
    expect(broken).toMatchObject({ code: 2, err: expect.stringContaining('-:9:'), out: expect.stringContaining('✓') });
    expect(await call(['--pod', 'crt'], pod())).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('cart'),
    });
    expect(await call(['--mesh-config', 'none.yaml'], pod())).toMatchObject({ code: 2, out: '' });
    expect(await call(['--formt', 'json'], pod())).toMatchObject({ code: 2, err: expect.stringContaining('--format') });
  });
});
