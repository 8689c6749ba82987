import * as l10n from '@vscode/l10n';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import { rename } from '../../edits.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';

/** A namespace nobody is in allows nobody and denies nobody. */
export const namespaceNotFound = defineRule({
  id: 'authorization-policy/namespace-not-found',
  code: 'IST0101',
  severity: 'error',
  docs: istioDocs('IST0101'),
  why: 'A source namespace that does not exist matches no request. Namespaces match in any case, with one * at the start or end. Reported in strict mode and with a cluster, as the namespace may be defined elsewhere.',
  reads: ['AuthorizationPolicy', 'Namespace', 'AnyPod', 'Service'],
  *check({ AuthorizationPolicy, Namespace, AnyPod, Service }, context) {
    if (AuthorizationPolicy.length === 0 || !context.knowsAll('Namespace')) return;
    const known = new Set([
      ...Namespace.map(({ name }) => name),
      ...[...AnyPod, ...Service, ...AuthorizationPolicy].map(({ namespace }) => namespace),
      ...['default', 'kube-system', context.rootNamespace],
    ]);
    const sources = AuthorizationPolicy.flatMap(({ spec }) => spec.at('rules').items)
      .flatMap((rule) => rule.at('from').items)
      .map((from) => from.at('source'));
    for (const source of sources) {
      for (const value of [...source.at('namespaces').items, ...source.at('notNamespaces').items]) {
        const wanted = value.string;
        if (!wanted || [...known].some((name) => matchesName(wanted.toLowerCase(), name.toLowerCase()))) continue;
        const meant = findNearMiss(wanted, known);
        const message = l10n.t('There is no namespace "{0}": this matches no request.', wanted);
        yield finding(value, meant ? `${message} ${l10n.t('Did you mean "{0}"?', meant)}` : message, {
          refType: 'namespace',
          fixes: meant
            ? [
                {
                  title: l10n.t('Change to namespace "{0}"', meant),
                  preferred: true,
                  edits: () => rename(value, meant),
                },
              ]
            : [],
        });
      }
    }
  },
});

function matchesName(pattern: string, name: string): boolean {
  if (pattern.startsWith('*')) return name.endsWith(pattern.slice(1));
  if (pattern.endsWith('*')) return name.startsWith(pattern.slice(0, -1));
  return pattern === name;
}
