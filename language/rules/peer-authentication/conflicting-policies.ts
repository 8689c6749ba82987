import * as l10n from '@vscode/l10n';
import { matchesLabels } from '../../../mesh/selectors.ts';
import { lookUp } from '../../lookup.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding } from '../../rule.ts';
import { isForAll } from '../peer-authentications.ts';
import { firstFew, labelsOf, PodIndex, printNames, selectorLabels } from '../pods.ts';
import { isOther } from '../other.ts';

const byNamespace = ({ namespace, incomplete }: Resource) => (incomplete ? [] : [namespace]);

/** A workload follows one PeerAuthentication of its level: the oldest. */
export const conflictingPolicies = defineRule({
  id: 'peer-authentication/conflicting-policies',
  code: 'ML0206',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/concepts/security/#peer-authentication',
  why: 'A namespace (or the mesh) can have one PeerAuthentication without selector, and a workload follows one with a selector: of several the oldest is used and the others are ignored. Which one that is does not show in the files.',
  reads: ['PeerAuthentication', 'AnyPod'],
  subject: ['PeerAuthentication'],
  *check({ PeerAuthentication, AnyPod }, context) {
    const neighbours = lookUp(PeerAuthentication, byNamespace, context);
    const pods = new PodIndex(AnyPod);
    for (const one of PeerAuthentication) {
      if (one.incomplete) continue;
      const near = neighbours.get(one.namespace).filter((other) => isOther(one, other));
      if (near.length === 0) continue;
      const selector = one.spec.at('selector', 'matchLabels');
      const others = isForAll(one) ? near.filter(isForAll) : near.filter((other) => shareWorkload(one, other, pods));
      if (others.length === 0) continue;
      yield finding(
        isForAll(one) ? one.metadata.at('name') : selector,
        isForAll(one)
          ? l10n.t(
              'Namespace {0} has another PeerAuthentication without selector, {1}: the oldest is used, the others are ignored. Keep one.',
              one.namespace,
              printNames(others),
            )
          : l10n.t(
              '{0} selects the same workloads: they follow the oldest PeerAuthentication, the others are ignored. Put them into one, or make the selectors exclude each other.',
              printNames(others),
            ),
        {
          related: firstFew(others).map(({ metadata }) => ({
            at: metadata.at('name'),
            message: l10n.t('The other one'),
          })),
        },
      );
    }
  },
});

function shareWorkload(one: Resource, other: Resource, pods: PodIndex): boolean {
  const [a, b] = [one, other].map(({ spec }) => selectorLabels(spec.at('selector', 'matchLabels')));
  if (!a || !b) return false;
  if (matchesLabels(a, b) && matchesLabels(b, a)) return true;
  return pods.matching(a, one.namespace).some((pod) => matchesLabels(b, labelsOf(pod)));
}
