import * as l10n from '@vscode/l10n';
import type { Labels } from '../../../mesh/kubernetes.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { injectorsOf, revisionsIn, selects } from './injectors.ts';
import type { Injector } from './injectors.ts';

/** Of two injectors that select one pod both inject: the second finds a pod that has its proxy already. */
export const overlappingInjectors = defineRule({
  id: 'webhook/overlapping-injectors',
  code: 'IST0139',
  severity: 'error',
  docs: istioDocs('IST0139'),
  why: 'The API server asks every webhook whose selectors fit. Two injectors for one combination of the namespace labels istio-injection and istio.io/rev and the pod labels sidecar.istio.io/inject and istio.io/rev inject twice.',
  reads: ['MutatingWebhookConfiguration'],
  *check({ MutatingWebhookConfiguration }) {
    const injectors = injectorsOf(MutatingWebhookConfiguration);
    if (injectors.length < 2) return;
    const revisions = [...new Set(MutatingWebhookConfiguration.flatMap(revisionsIn))];
    for (const [one, { others, example }] of findOverlaps(injectors, revisions)) {
      const name = one.at.at('name');
      yield finding(
        name,
        l10n.t(
          'This webhook and {0} both take pods of some namespaces (for example {1}): their proxies would be injected twice. Make the selectors exclude each other, or remove the configuration of the old installation.',
          [...others].map((other) => `${other.configuration.name}/${other.name}`).join(', '),
          example,
        ),
        {
          related: [...others].slice(0, 5).map(({ at }) => ({ at: at.at('name'), message: l10n.t('Takes them, too') })),
        },
      );
    }
  },
});

function findOverlaps(
  injectors: Injector[],
  revisions: string[],
): Map<Injector, { others: Set<Injector>; example: string }> {
  const found = new Map<Injector, { others: Set<Injector>; example: string }>();
  for (const namespace of combinations('istio-injection', ['enabled', 'disabled'], revisions)) {
    for (const pod of combinations('sidecar.istio.io/inject', ['true', 'false'], revisions)) {
      const asked = injectors.filter((injector) => selects(injector, namespace, pod));
      for (const one of asked) {
        if (!asked.some((other) => other !== one && !isCopy(one, other))) continue;
        const entry = found.get(one) ?? { others: new Set(), example: describe(namespace, pod) };
        for (const other of asked) if (other !== one && !isCopy(one, other)) entry.others.add(other);
        found.set(one, entry);
      }
    }
  }
  return found;
}

/** The same webhook in another copy of its configuration, e.g. the overlay of another environment. */
function isCopy(one: Injector, other: Injector): boolean {
  return one.configuration !== other.configuration && one.configuration.name === other.configuration.name;
}

/** Every way to label with a switch and a revision, each absent or with one of its values. */
function combinations(label: string, values: string[], revisions: string[]): Labels[] {
  return [undefined, ...values].flatMap((value) =>
    [undefined, ...revisions].map((revision) => ({
      ...(value !== undefined && { [label]: value }),
      ...(revision !== undefined && { 'istio.io/rev': revision }),
    })),
  );
}

function describe(namespace: Labels, pod: Labels): string {
  const print = (labels: Labels) =>
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',') || '-';
  return l10n.t('namespace labels {0}, pod labels {1}', print(namespace), print(pod));
}
