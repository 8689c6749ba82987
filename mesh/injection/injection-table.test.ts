import { describe, expect, it } from 'vitest';
import type { ConfigMap, Labels, MutatingWebhookConfiguration } from '../kubernetes.ts';
import { decideInjection } from './decide-injection.ts';

/**
 * Every combination of what weighs in the decision, against the two tables that describe Istio's charts and its
 * injector, written down here a second time and as literally as possible: this test shares nothing with the decision.
 */
interface Case {
  /** Namespace label istio-injection. */
  inj: string | undefined;
  /** Namespace label istio.io/rev. */
  nrev: string | undefined;
  /** Pod label sidecar.istio.io/inject. */
  lbl: string | undefined;
  /** Pod label istio.io/rev. */
  prev: string | undefined;
  /** Pod annotation sidecar.istio.io/inject. */
  annotation: string | undefined;
  hostNetwork: boolean;
  namespace: string;
  byDefault: boolean;
  policy: string;
  never: boolean;
  always: boolean;
}

/** Which revision's webhook takes the pod. `answers`: revisions and tags, each with the revision behind it. */
function gateA(c: Case, answers: Record<string, string>): string | undefined {
  const passes = c.lbl !== 'false';
  if (c.inj === 'enabled') return passes ? answers['default'] : undefined;
  if (c.inj !== undefined) return undefined;
  if (c.nrev !== undefined) return passes ? answers[c.nrev] : undefined;
  if (passes && c.prev !== undefined) return answers[c.prev];
  if (c.lbl === 'true' && c.prev === undefined) return answers['default'];
  if (!system.includes(c.namespace) && c.lbl === undefined && c.prev === undefined)
    return c.byDefault ? answers['default'] : undefined;
  return undefined;
}

function gateB(c: Case): boolean {
  if (c.hostNetwork) return false;
  if (system.includes(c.namespace)) return false;
  const value = c.lbl ?? c.annotation;
  if (value === 'true') return true;
  if (value === 'false') return false;
  if (c.never) return false;
  if (c.always) return true;
  return c.policy === 'enabled';
}

const system = ['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage'];

function* everyCase(): Generator<Case> {
  for (const inj of [undefined, 'enabled', 'disabled', 'enable'])
    for (const nrev of [undefined, 'default', 'canary', 'prod', 'gone'])
      for (const lbl of [undefined, 'true', 'false', 'False', ''])
        for (const prev of [undefined, 'default', 'canary', 'prod', 'gone'])
          for (const annotation of [undefined, 'true', 'false', 'True'])
            for (const hostNetwork of [false, true])
              for (const namespace of ['shop', 'kube-system'])
                for (const byDefault of [false, true])
                  for (const policy of ['enabled', 'disabled'])
                    for (const [never, always] of [
                      [false, false],
                      [true, false],
                      [false, true],
                      [true, true],
                    ] as const)
                      yield {
                        inj, nrev, lbl, prev, annotation, hostNetwork, namespace, byDefault, policy, never, always,
                      }; // prettier-ignore
}

/** All the answers that differ from the tables, as text; none if they agree. */
function differences(
  answers: Record<string, string>,
  environment: (c: Case) => { webhooks?: MutatingWebhookConfiguration[]; revisions?: string[] },
): { cases: number; injected: number; differing: string[] } {
  const differing: string[] = [];
  let [cases, injected] = [0, 0];
  for (const c of everyCase()) {
    const asked = gateA(c, answers);
    const wanted = asked !== undefined && gateB(c);
    const decision = decideInjection({
      pod: {
        metadata: {
          name: 'cart',
          namespace: c.namespace,
          labels: labels({ [inject]: c.lbl, [rev]: c.prev, app: 'cart' }),
          annotations: labels({ [inject]: c.annotation }),
        },
        spec: { hostNetwork: c.hostNetwork },
      },
      namespace: {
        metadata: { name: c.namespace, labels: labels({ 'istio-injection': c.inj, [rev]: c.nrev }) },
      },
      configMaps: Object.values(answers).map((revision) => injector(revision, c)),
      ...environment(c),
    });
    cases++;
    if (wanted) injected++;
    const last = decision.steps.at(-1)?.verdict;
    if (
      decision.injected !== wanted ||
      decision.revision !== asked ||
      last !== (wanted ? 'inject' : 'skip') ||
      decision.steps.slice(0, -1).some((step) => step.verdict !== 'continue')
    )
      differing.push(`${JSON.stringify(c)}: wanted ${wanted} by ${asked}, got ${JSON.stringify(decision)}`);
  }
  return { cases, injected, differing: differing.slice(0, 5) };
}

const inject = 'sidecar.istio.io/inject';
const rev = 'istio.io/rev';

function labels(all: Record<string, string | undefined>): Labels {
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function injector(revision: string, c: Case): ConfigMap {
  const matching = [{ matchLabels: { app: 'cart' } }];
  const other = [{ matchExpressions: [{ key: 'job-name', operator: 'Exists' }] }, {}];
  const values = {
    revision: revision === 'default' ? '' : revision,
    global: { proxy: { autoInject: c.policy } },
    sidecarInjectorWebhook: {
      enableNamespacesByDefault: c.byDefault,
      neverInjectSelector: c.never ? matching : other,
      alwaysInjectSelector: c.always ? matching : other,
    },
  };
  const suffix = revision === 'default' ? '' : `-${revision}`;
  return {
    metadata: { name: `istio-sidecar-injector${suffix}`, labels: { [rev]: revision } },
    data: { values: JSON.stringify(values) },
  };
}

// ---- webhooks as Istio's charts render them -------------------------------------------------------------------------

/**
 * What the chart prints for a revision, or for a tag of one: the same webhooks under another name. What answers to
 * `default` also takes pods by the labels that name no revision.
 */
function rendered(revision: string, byDefault: boolean, tag?: string): MutatingWebhookConfiguration {
  const name = tag ?? revision;
  const notRefused = { key: inject, operator: 'NotIn', values: ['false'] };
  const absent = (key: string) => ({ key, operator: 'DoesNotExist' });
  const webhook = (prefix: string, namespace: object[], object: object[]) => ({
    name: `${prefix}.sidecar-injector.istio.io`,
    clientConfig: { service: { name: `istiod-${revision}`, namespace: 'istio-system', path: '/inject', port: 443 } },
    sideEffects: 'None',
    rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
    failurePolicy: 'Fail',
    reinvocationPolicy: 'Never',
    namespaceSelector: { matchExpressions: namespace },
    objectSelector: { matchExpressions: object },
  });
  const answersTo = { key: rev, operator: 'In', values: [name] };
  const webhooks = [
    webhook('rev.namespace', [answersTo, absent('istio-injection')], [notRefused]),
    webhook('rev.object', [absent(rev), absent('istio-injection')], [notRefused, answersTo]),
  ];
  if (name === 'default') {
    webhooks.push(
      webhook('namespace', [{ key: 'istio-injection', operator: 'In', values: ['enabled'] }], [notRefused]),
      webhook(
        'object',
        [absent('istio-injection'), absent(rev)],
        [{ key: inject, operator: 'In', values: ['true'] }, absent(rev)],
      ),
    );
    if (byDefault)
      webhooks.push(
        webhook(
          'auto',
          [
            absent('istio-injection'),
            absent(rev),
            { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: system },
          ],
          [absent(inject), absent(rev)],
        ),
      );
  }
  return {
    metadata: {
      name: tag === undefined ? `istio-sidecar-injector-${revision}` : `istio-revision-tag-${tag}-istio-system`,
      labels: { [rev]: revision, app: 'sidecar-injector', ...(tag !== undefined && { 'istio.io/tag': tag }) },
    },
    webhooks: webhooks as NonNullable<MutatingWebhookConfiguration['webhooks']>,
  };
}

const stranger: MutatingWebhookConfiguration = {
  metadata: { name: 'a-stranger' },
  webhooks: [{ name: 'mutate.example.com', clientConfig: { service: { name: 'x', namespace: 'y', path: '/mutate' } } }],
};

describe(
  'the decision agrees with the tables of the API server and the injector, in every combination',
  { timeout: 60_000 },
  () => {
    const agrees = { cases: 128_000, differing: [] };

    it('for control planes that are only named', () => {
      const found = differences({ default: 'default', canary: 'canary' }, () => ({ revisions: ['default', 'canary'] }));
      expect(found).toMatchObject(agrees);
      expect(found.injected).toBeGreaterThan(1000);
    });

    it('for the webhooks of a default installation, a revision and a tag of it', () => {
      expect(
        differences({ default: 'default', canary: 'canary', prod: 'canary' }, (c) => ({
          webhooks: [
            stranger,
            rendered('canary', c.byDefault, 'prod'),
            rendered('default', c.byDefault),
            rendered('canary', c.byDefault),
          ],
        })),
      ).toMatchObject(agrees);
    });

    it('for revisions only, one of which carries the tag default', () => {
      expect(
        differences({ default: 'canary', canary: 'canary', prod: 'prod' }, (c) => ({
          webhooks: [
            rendered('canary', c.byDefault),
            rendered('prod', c.byDefault),
            rendered('canary', c.byDefault, 'default'),
          ],
        })),
      ).toMatchObject(agrees);
    });

    it('for a revision that nobody made the default', () => {
      expect(differences({ canary: 'canary' }, (c) => ({ webhooks: [rendered('canary', c.byDefault)] }))).toMatchObject(
        agrees,
      );
    });
  },
);
