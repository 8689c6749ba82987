import * as l10n from '@vscode/l10n';
import { canonical } from '../canonical.ts';
import { destinationRulesFor, ruledHost } from '../destination-rules.ts';
import { exportScopes, scopesOverlap } from '../export-scopes.ts';
import { printNames } from '../pods.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding } from '../../rule.ts';
import type { RuleContext } from '../../rule.ts';
import { isOther } from '../other.ts';

/** istiod merges the DestinationRules of a namespace for one host: subsets add up, everything else comes from the oldest. */
export const droppedSettings = defineRule({
  id: 'destination-rule/dropped-settings',
  code: 'ML0203',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services',
  why: 'Several DestinationRules of a namespace for one host are merged: of several traffic policies for the host the oldest one is kept, and of subsets with one name the oldest, without a word. Settings that are the same in both are left in peace.',
  reads: ['DestinationRule'],
  subject: ['DestinationRule'],
  *check({ DestinationRule }, context) {
    for (const one of DestinationRule) {
      const others = rivalsOf(one, DestinationRule, context);
      if (others.length === 0) continue;
      const policy = one.spec.at('trafficPolicy');
      const otherPolicies = others.filter(
        ({ spec }) =>
          spec.at('trafficPolicy').type === 'map' && canonical(spec.at('trafficPolicy')) !== canonical(policy),
      );
      if (policy.type === 'map' && otherPolicies.length > 0) {
        yield finding(
          policy,
          l10n.t(
            '{0} has a traffic policy for {1}, too: Istio keeps that of the oldest DestinationRule and drops the other. Put both into one.',
            printNames(otherPolicies),
            one.spec.at('host').string!,
          ),
          {
            related: otherPolicies.map(({ spec }) => ({
              at: spec.at('trafficPolicy'),
              message: l10n.t('The other policy'),
            })),
          },
        );
      }
      for (const subset of one.spec.at('subsets').items) {
        const name = subset.at('name');
        const same = others.find(({ spec }) =>
          spec
            .at('subsets')
            .items.some((other) => other.at('name').string === name.string && canonical(other) !== canonical(subset)),
        );
        if (!name.string || !same) continue;
        yield finding(
          name,
          l10n.t(
            '{0} defines subset "{1}" of {2} in another way: Istio keeps that of the oldest DestinationRule and drops the other. Rename one, or put both into one DestinationRule.',
            `${same.namespace}/${same.name}`,
            name.string,
            one.spec.at('host').string!,
          ),
          { related: [{ at: same.spec.at('subsets'), message: l10n.t('The other subset') }] },
        );
      }
    }
  },
});

/** The others with which Istio merges a DestinationRule: of its namespace, for the same host and the same clients. */
function rivalsOf(one: Resource, all: readonly Resource[], context: RuleContext): Resource[] {
  const host = ruledHost(one, context.clusterDomain);
  if (host === '') return [];
  const clients = canonical(one.spec.at('workloadSelector'));
  return destinationRulesFor(all, host, context).filter(
    (other) =>
      isOther(one, other) &&
      other.namespace === one.namespace &&
      ruledHost(other, context.clusterDomain) === host &&
      canonical(other.spec.at('workloadSelector')) === clients &&
      scopesOverlap(exportScopes(one), exportScopes(other)),
  );
}
