import * as l10n from '@vscode/l10n';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import { rename } from '../../edits.ts';
import { lookUp } from '../../lookup.ts';
import type { PodSource, Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';

const ownName = ({ name }: Resource) => [name.toLowerCase()];
const home = ({ namespace }: Resource) => [namespace.toLowerCase()];
const homeOfPod = ({ namespace }: PodSource) => [namespace.toLowerCase()];
const isThere = (found: readonly unknown[]) => found.length > 0;

/** A namespace nobody is in allows nobody and denies nobody. */
export const namespaceNotFound = defineRule({
  id: 'authorization-policy/namespace-not-found',
  code: 'IST0101',
  severity: 'error',
  docs: istioDocs('IST0101'),
  why: 'A source namespace that does not exist matches no request. Namespaces match in any case, with one * at the start or end. Reported in strict mode and with a cluster, as the namespace may be defined elsewhere.',
  reads: ['AuthorizationPolicy', 'Namespace', 'AnyPod', 'Service'],
  subject: ['AuthorizationPolicy'],
  *check({ AuthorizationPolicy, Namespace, AnyPod, Service }, context) {
    if (!context.knowsAll('Namespace')) return;
    const always = ['default', 'kube-system', context.rootNamespace];
    const isKnown = (name: string) =>
      always.includes(name) ||
      lookUp(Namespace, ownName, context).tell(name, isThere) ||
      lookUp(AnyPod, homeOfPod, context).tell(name, isThere) ||
      [Service, AuthorizationPolicy].some((list) => lookUp(list, home, context).tell(name, isThere));
    // Names the others only when the exact one is not there: whoever walks through all is asked again after each change.
    const allNames = () =>
      new Set([
        ...Namespace.map(({ name }) => name),
        ...[...AnyPod, ...Service, ...AuthorizationPolicy].map(({ namespace }) => namespace),
        ...always,
      ]);
    const sources = AuthorizationPolicy.flatMap(({ spec }) => spec.at('rules').items)
      .flatMap((rule) => rule.at('from').items)
      .map((from) => from.at('source'));
    for (const source of sources) {
      for (const value of [...source.at('namespaces').items, ...source.at('notNamespaces').items]) {
        const wanted = value.string;
        if (!wanted || isKnown(wanted.toLowerCase())) continue;
        const known = allNames();
        if ([...known].some((name) => matchesName(wanted.toLowerCase(), name.toLowerCase()))) continue;
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
