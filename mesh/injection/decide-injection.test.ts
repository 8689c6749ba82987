import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type {
  ConfigMap,
  KubernetesObject,
  Labels,
  MutatingWebhookConfiguration,
  Namespace,
  Pod,
  Workload,
} from '../kubernetes.ts';
import { decideAmbient } from './decide-ambient.ts';
import { decideInjection, type InjectionInputs } from './decide-injection.ts';

const inject = 'sidecar.istio.io/inject';
const rev = 'istio.io/rev';

function decide(
  namespaceLabels: Labels | undefined,
  podLabels: Labels = {},
  more: Omit<Partial<InjectionInputs>, 'pod'> & { pod?: InjectionInputs['pod'] } = {},
) {
  const { pod, ...rest } = more;
  return decideInjection({
    ...(namespaceLabels && { namespace: { metadata: { name: 'shop', labels: namespaceLabels } } }),
    ...rest,
    pod: { ...pod, metadata: { name: 'cart', namespace: 'shop', ...pod?.metadata, labels: podLabels } },
  });
}

const verdict = (decision: ReturnType<typeof decideInjection>) =>
  `${decision.injected ? `injected by ${decision.revision}` : 'not injected'}, decided by ${decision.steps.at(-1)?.check}`;

describe('the API server and then the injector', () => {
  // Namespace labels | pod labels | verdict, for one control plane of revision default and one of revision canary.
  const table: [Labels, Labels, string][] = [
    [{ 'istio-injection': 'enabled' }, {}, 'injected by default, decided by policy'],
    [{ 'istio-injection': 'enabled' }, { [inject]: 'true' }, 'injected by default, decided by label'],
    [{ 'istio-injection': 'enabled' }, { [inject]: 'false' }, 'not injected, decided by label'],
    [{ 'istio-injection': 'enabled' }, { [inject]: 'no' }, 'injected by default, decided by policy'],
    [{ 'istio-injection': 'enabled' }, { [inject]: 'False' }, 'injected by default, decided by policy'],
    [{ 'istio-injection': 'enabled' }, { [inject]: '' }, 'injected by default, decided by policy'],
    [{ 'istio-injection': 'enabled', [rev]: 'canary' }, {}, 'injected by default, decided by policy'],
    [{ 'istio-injection': 'enabled' }, { [rev]: 'canary' }, 'injected by default, decided by policy'],
    [{ 'istio-injection': 'disabled' }, { [inject]: 'true' }, 'not injected, decided by namespace'],
    [{ 'istio-injection': 'true' }, { [inject]: 'true' }, 'not injected, decided by namespace'],
    [{ 'istio-injection': 'disabled', [rev]: 'default' }, {}, 'not injected, decided by namespace'],
    [{ [rev]: 'canary' }, {}, 'injected by canary, decided by policy'],
    [{ [rev]: 'canary' }, { [rev]: 'default' }, 'injected by canary, decided by policy'],
    [{ [rev]: 'canary' }, { [inject]: 'false' }, 'not injected, decided by label'],
    [{ [rev]: 'gone' }, {}, 'not injected, decided by revision'],
    [{}, {}, 'not injected, decided by namespace'],
    [{}, { [inject]: 'true' }, 'injected by default, decided by label'],
    [{}, { [inject]: 'True' }, 'not injected, decided by label'],
    [{}, { [rev]: 'canary' }, 'injected by canary, decided by policy'],
    [{}, { [rev]: 'canary', [inject]: 'true' }, 'injected by canary, decided by label'],
    [{}, { [rev]: 'canary', [inject]: 'false' }, 'not injected, decided by label'],
    [{}, { [rev]: 'gone', [inject]: 'true' }, 'not injected, decided by revision'],
  ];
  it.each(table)('namespace %j, pod %j: %s', (namespaceLabels, podLabels, expected) => {
    expect(verdict(decide(namespaceLabels, podLabels, { revisions: ['default', 'canary'] }))).toBe(expected);
  });

  it('reads the annotation only after the API server has let the pod through', () => {
    const annotated = (value: string) => ({ pod: { metadata: { annotations: { [inject]: value } } } });
    expect(verdict(decide({}, {}, annotated('true')))).toBe('not injected, decided by namespace');
    expect(decide({}, {}, annotated('true')).steps.at(-1)?.says).toContain('annotation');
    expect(verdict(decide({ 'istio-injection': 'enabled' }, {}, annotated('false')))).toBe(
      'not injected, decided by annotation',
    );
    expect(verdict(decide({ 'istio-injection': 'enabled' }, { [inject]: 'true' }, annotated('false')))).toBe(
      'injected by default, decided by label',
    );
    expect(verdict(decide({ 'istio-injection': 'enabled' }, { [inject]: '' }, annotated('false')))).toBe(
      'injected by default, decided by policy',
    );
  });

  it('says that a value other than true and false decides nothing', () => {
    const steps = decide({ 'istio-injection': 'enabled' }, { [inject]: 'yes' }).steps;
    expect(steps.find((step) => step.check === 'label')).toMatchObject({ verdict: 'continue', value: `${inject}=yes` });
    expect(steps.find((step) => step.check === 'label')?.says).toContain('"yes"');
  });

  it('never injects on the host network or in a system namespace, whatever the labels say', () => {
    expect(
      verdict(decide({ 'istio-injection': 'enabled' }, { [inject]: 'true' }, { pod: { spec: { hostNetwork: true } } })),
    ).toBe('not injected, decided by host-network');
    const system = decideInjection({
      pod: { metadata: { name: 'dns', namespace: 'kube-system', labels: { [inject]: 'true' } } },
      namespace: { metadata: { name: 'kube-system', labels: { 'istio-injection': 'enabled' } } },
    });
    expect(verdict(system)).toBe('not injected, decided by system-namespace');
  });

  it('follows the selectors, templates and policy that the injector was installed with', () => {
    const configured = (values: object): { configMaps: ConfigMap[] } => ({
      configMaps: [{ metadata: { name: 'istio-sidecar-injector' }, data: { values: JSON.stringify(values) } }],
    });
    const webhook = (values: object) => configured({ sidecarInjectorWebhook: values });
    const enabled = { 'istio-injection': 'enabled' };
    const job = [{ matchExpressions: [{ key: 'job-name', operator: 'Exists' }] }];
    expect(verdict(decide(enabled, { 'job-name': 'nightly' }, webhook({ neverInjectSelector: job })))).toBe(
      'not injected, decided by never-inject-selector',
    );
    expect(verdict(decide(enabled, { app: 'cart' }, webhook({ neverInjectSelector: job })))).toBe(
      'injected by default, decided by policy',
    );
    expect(verdict(decide(enabled, {}, webhook({ neverInjectSelector: [{}] })))).toBe(
      'injected by default, decided by policy',
    );
    expect(
      verdict(decide(enabled, { 'job-name': 'nightly', [inject]: 'true' }, webhook({ neverInjectSelector: job }))),
    ).toBe('injected by default, decided by label');
    const disabled = {
      global: { proxy: { autoInject: 'disabled' } },
      sidecarInjectorWebhook: { alwaysInjectSelector: job },
    };
    expect(verdict(decide(enabled, {}, configured(disabled)))).toBe('not injected, decided by policy');
    expect(verdict(decide(enabled, { 'job-name': 'nightly' }, configured(disabled)))).toBe(
      'injected by default, decided by always-inject-selector',
    );
    expect(verdict(decide({}, {}, webhook({ enableNamespacesByDefault: true })))).toBe(
      'injected by default, decided by policy',
    );
    expect(decide(enabled, {}, webhook({ defaultTemplates: ['sidecar', 'proxy-tuning'] })).templates).toEqual([
      'sidecar',
      'proxy-tuning',
    ]);
    expect(decide(enabled, {}, configured({ pilot: { cni: { enabled: true } } })).by).toBe('cni');
  });

  it("believes the injector's own configuration more than the values it was made of", () => {
    const configured = (config: string, annotations = {}) =>
      decide(
        { 'istio-injection': 'enabled' },
        { app: 'cart' },
        {
          configMaps: [{ metadata: { name: 'istio-sidecar-injector' }, data: { values: '{}', config } }],
          pod: { metadata: { annotations } },
          parseYaml: parse,
        },
      );
    expect(verdict(configured('policy: disabled'))).toBe('not injected, decided by policy');
    expect(verdict(configured('policy: disabled\nalwaysInjectSelector: [{ matchLabels: { app: cart } }]'))).toBe(
      'injected by default, decided by always-inject-selector',
    );
    const templates = 'templates: { sidecar: a, tuning: b }\naliases: { mine: [sidecar, tuning] }';
    const asking = (names: string) => configured(templates, { 'inject.istio.io/templates': names });
    expect(asking('mine').templates).toEqual(['sidecar', 'tuning']);
    expect(verdict(asking('sidecar, gateway'))).toBe('not injected, decided by template');
    expect(asking('sidecar, gateway').steps.at(-1)).toMatchObject({ value: 'gateway', verdict: 'reject' });
    expect(verdict(configured('[not', { 'inject.istio.io/templates': 'gateway' }))).toBe(
      'injected by default, decided by policy',
    );
  });

  it('asks the pod, then the mesh, how traffic is to reach the proxy', () => {
    const locked = { 'istio-injection': 'enabled', 'pod-security.kubernetes.io/enforce': 'baseline' };
    const values = { values: JSON.stringify({ pilot: { cni: { enabled: true } } }) };
    const by = (mesh: string, annotations: Record<string, string> = {}) => {
      const { injected, by: programs } = decide(
        locked,
        {},
        {
          configMaps: [
            { metadata: { name: 'istio-sidecar-injector' }, data: values },
            { metadata: { name: 'istio' }, data: { mesh } },
          ],
          pod: { metadata: { annotations } },
          parseYaml: parse,
        },
      );
      return injected ? programs : 'refused';
    };
    expect(by('{}')).toBe('cni');
    expect(by('defaultConfig: { interceptionMode: TPROXY }')).toBe('refused');
    expect(by('defaultConfig: { interceptionMode: NONE }')).toBe(null);
    const config = { 'proxy.istio.io/config': 'interceptionMode: REDIRECT' };
    expect(by('defaultConfig: { interceptionMode: TPROXY }', config)).toBe('cni');
    expect(by('{}', { ...config, 'sidecar.istio.io/interceptionMode': 'NONE' })).toBe(null);
  });

  it('redirects nothing for gateways and for interception mode NONE', () => {
    const annotated = (annotations: Record<string, string>) =>
      decide({ 'istio-injection': 'enabled' }, {}, { pod: { metadata: { annotations } } });
    expect(annotated({ 'inject.istio.io/templates': 'gateway' })).toMatchObject({
      injected: true,
      templates: ['gateway'],
      by: null,
    });
    expect(annotated({ 'sidecar.istio.io/interceptionMode': 'NONE' })).toMatchObject({
      injected: true,
      templates: ['sidecar'],
      by: null,
    });
    expect(annotated({ 'inject.istio.io/templates': 'sidecar, mine' })).toMatchObject({
      templates: ['sidecar', 'mine'],
      by: 'init',
    });
  });

  it('tells that a wrong annotation value or Pod Security refuses the pod', () => {
    const wrong = decide(
      { 'istio-injection': 'enabled' },
      {},
      { pod: { metadata: { annotations: { 'traffic.sidecar.istio.io/excludeOutboundPorts': '3306,mysql' } } } },
    );
    expect(wrong).toMatchObject({ injected: false, templates: [], by: null });
    expect(wrong.steps.at(-1)).toMatchObject({ check: 'annotation-value', verdict: 'reject' });
    const locked = { 'istio-injection': 'enabled', 'pod-security.kubernetes.io/enforce': 'baseline' };
    expect(decide(locked).steps.at(-1)).toMatchObject({ check: 'pod-security', value: 'baseline', verdict: 'reject' });
    expect(decide({ ...locked, 'pod-security.kubernetes.io/enforce': 'privileged' }).injected).toBe(true);
  });

  it('looks only at webhooks that inject new pods, and knows a deactivated one', () => {
    const configuration = (name: string, path: string, more: object = {}): MutatingWebhookConfiguration => ({
      metadata: { name, labels: { [rev]: name } },
      webhooks: [
        {
          name: 'w',
          rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
          clientConfig: { service: { name: 'istiod', namespace: 'istio-system', path } },
          ...more,
        },
      ],
    });
    const webhooks = (...configurations: MutatingWebhookConfiguration[]) =>
      decide({}, {}, { webhooks: configurations });
    expect(verdict(webhooks())).toBe('not injected, decided by webhook');
    expect(webhooks(configuration('a', '/mutate')).injected).toBe(false);
    expect(
      webhooks(
        configuration('a', '/inject', { rules: [{ operations: ['UPDATE'], apiGroups: [''], resources: ['pods'] }] }),
      ).injected,
    ).toBe(false);
    expect(
      webhooks(
        configuration('a', '/inject', {
          namespaceSelector: { matchLabels: { 'istio.io/deactivated': 'never-match' } },
        }),
      ).injected,
    ).toBe(false);
    expect(verdict(webhooks(configuration('b', '/inject/cluster/c1'), configuration('a', '/inject')))).toBe(
      'injected by a, decided by policy',
    );
    expect(
      webhooks(configuration('a', '', { clientConfig: { url: 'https://istiod.example.com:15017/inject/net/n1' } }))
        .injected,
    ).toBe(true);
  });
});

describe('ambient', () => {
  const enrolled = (pod: InjectionInputs['pod'], labels?: Labels) =>
    decideAmbient({ pod, namespace: { metadata: { name: 'shop', ...(labels && { labels }) } } }).enrolled;
  const mode = 'istio.io/dataplane-mode';
  it('enrols by the pod, then by the namespace, but neither the host network nor a sidecar', () => {
    expect(enrolled({ metadata: { labels: { [mode]: 'ambient' } } })).toBe(true);
    expect(enrolled({}, { [mode]: 'ambient' })).toBe(true);
    expect(enrolled({ metadata: { labels: { [mode]: 'none' } } }, { [mode]: 'ambient' })).toBe(false);
    expect(enrolled({ spec: { hostNetwork: true } }, { [mode]: 'ambient' })).toBe(false);
    expect(enrolled({ metadata: { annotations: { 'sidecar.istio.io/status': '{}' } } }, { [mode]: 'ambient' })).toBe(
      false,
    );
    expect(enrolled({})).toBe(false);
  });
});

const recordings = new URL('../../extension/demo/recordings/', import.meta.url);

describe('on the recordings of a real mesh', () => {
  const states = existsSync(recordings)
    ? readdirSync(recordings, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name)
    : [];
  it('finds all of them', () => {
    expect(states).toEqual(expect.arrayContaining(['before-cni', 'broken', 'with-cni']));
  });

  describe.each(states)('%s', (state) => {
    const { items } = JSON.parse(readFileSync(new URL(`${state}/resources.json`, recordings), 'utf8')) as {
      items: KubernetesObject[];
    };
    const all = <T extends KubernetesObject>(kind: string) => items.filter((item): item is T => item.kind === kind);
    const common = {
      webhooks: all<MutatingWebhookConfiguration>('MutatingWebhookConfiguration'),
      configMaps: all<ConfigMap>('ConfigMap'),
    };
    const namespaceOf = (object: KubernetesObject) =>
      all<Namespace>('Namespace').find((namespace) => namespace.metadata?.name === object.metadata?.namespace)!;

    it.each(all<Pod>('Pod').map((pod) => [`${pod.metadata?.namespace}/${pod.metadata?.name}`, pod] as const))(
      'gives the verdict of the real injector for %s',
      (_, pod) => {
        const was = pod.metadata?.annotations?.['sidecar.istio.io/status'];
        const { injected, by, steps } = decideInjection({ pod, namespace: namespaceOf(pod), ...common });
        expect({ injected, by }, steps.map((step) => step.says).join('\n')).toEqual({
          injected: was !== undefined,
          by: was === undefined ? null : was.includes('istio-init') ? 'init' : 'cni',
        });
      },
    );

    it('gives the same verdict for the templates the pods were made from', () => {
      for (const workload of all<Workload>('Deployment')) {
        const template = workload.spec?.template ?? {};
        const pods = all<Pod>('Pod').filter(
          (pod) =>
            pod.metadata?.namespace === workload.metadata?.namespace &&
            pod.metadata?.name?.startsWith(`${workload.metadata?.name}-`),
        );
        const decision = decideInjection({
          pod: { ...template, metadata: { ...template.metadata, namespace: workload.metadata!.namespace! } },
          namespace: namespaceOf(workload),
          ...common,
        });
        for (const pod of pods)
          expect([workload.metadata?.name, decision.injected]).toEqual([
            workload.metadata?.name,
            pod.metadata?.annotations?.['sidecar.istio.io/status'] !== undefined,
          ]);
        if (pods.length === 0)
          expect(decision.steps.at(-1)).toMatchObject({ check: 'pod-security', verdict: 'reject' });
      }
    });
  });
});

describe('conditions of webhooks', () => {
  const conditioned = (expression: string, more: object = {}) => ({
    metadata: { name: 'injector', labels: { 'istio.io/rev': 'default' } },
    webhooks: [
      {
        name: 'all',
        clientConfig: { service: { name: 'istiod', namespace: 'istio-system', path: '/inject' } },
        rules: [{ operations: ['CREATE'], apiGroups: [''], resources: ['pods'] }],
        matchConditions: [{ name: 'not-mine', expression }],
        ...more,
      },
    ],
  });
  const decide = (expression: string, more?: object) =>
    decideInjection({
      pod: { metadata: { name: 'cart', namespace: 'shop', labels: { app: 'cart' } } },
      webhooks: [conditioned(expression, more)],
    });

  it.each<[expression: string, injected: boolean, verdict: string, policy?: string]>([
    ["!('skip' in object.metadata.labels)", true, 'continue'],
    ["'skip' in object.metadata.labels", false, 'skip'],
    ["object.metadata.annotations['x'] == 'y'", false, 'reject'],
    ["object.metadata.annotations['x'] == 'y'", false, 'skip', 'Ignore'],
    ["request.userInfo.username != 'jane'", true, 'continue'],
  ])('%s', (expression, injected, verdict, failurePolicy) => {
    const decision = decide(expression, failurePolicy === undefined ? {} : { failurePolicy });
    expect(decision.injected).toBe(injected);
    const step = decision.steps.find(({ check }) => check === 'match-conditions');
    expect(step?.verdict).toBe(verdict);
    expect(step?.says).toContain('not-mine');
    if (!injected) expect(decision.steps.at(-1)).toBe(step);
  });

  it('go on to the next webhook when one is not called', () => {
    const second = { ...conditioned('true'), metadata: { name: 'second', labels: { 'istio.io/rev': 'canary' } } };
    const decision = decideInjection({
      pod: { metadata: { name: 'cart', namespace: 'shop', labels: { app: 'cart' } } },
      webhooks: [conditioned('false'), second],
    });
    expect(decision).toMatchObject({ injected: true, revision: 'canary' });
  });
});
