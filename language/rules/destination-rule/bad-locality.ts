import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { dropField } from '../drop-field.ts';
import { trafficPolicies } from './policies.ts';

/** Labels that say where a pod is: `failover` already decides by them. */
const topology = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone', 'topology.istio.io/subzone'];

/** Either the traffic is distributed by shares, or it fails over: both together contradict each other. */
export const badLocality = defineRefusal('DestinationRule', {
  id: 'destination-rule/bad-locality',
  why: 'Localities get shares of 1 to 100 that add up to 100, or regions fail over to other regions, never both, and beside such regions no topology label is a priority: Istio refuses the rest.',
  *check({ spec }) {
    for (const balancer of [...trafficPolicies(spec)].map(({ policy }) => policy.at('loadBalancer'))) {
      const locality = balancer.at('localityLbSetting');
      const zone = balancer.entry('zoneAwareLbSetting');
      if (locality.isSet && zone?.value.isSet)
        yield finding(
          zone.key,
          l10n.t('"zoneAwareLbSetting" excludes "localityLbSetting": Istio refuses both together. Keep one.'),
          { fixes: [dropField(balancer, 'zoneAwareLbSetting'), dropField(balancer, 'localityLbSetting')] },
        );
      yield* checkDistribution(locality);
      for (const setting of [locality, balancer.at('zoneAwareLbSetting')]) yield* checkFailover(setting);
    }
  },
});

function* checkDistribution(locality: Located): Iterable<Finding> {
  const failover = locality.entry('failover');
  if (failover && failover.value.items.length > 0 && locality.at('distribute').items.length > 0)
    yield finding(failover.key, l10n.t('"failover" excludes "distribute": Istio refuses both together. Keep one.'), {
      fixes: [dropField(locality, 'failover'), dropField(locality, 'distribute')],
    });
  for (const share of locality.at('distribute').items) yield* checkShares(share);
}

function* checkShares(share: Located): Iterable<Finding> {
  const weights = share.at('to').entries.map(({ value }) => value);
  if (share.type !== 'map' || weights.some(({ number }) => number === undefined)) return;
  if (weights.length === 0)
    yield finding(
      share,
      l10n.t('This distribution goes nowhere: Istio refuses it. Add localities with their shares to "to".'),
    );
  const bad = weights.filter(({ number }) => number! < 1 || number! > 100);
  for (const weight of bad)
    yield finding(weight, l10n.t('The share of a locality is 1 to 100: Istio refuses {0}.', weight.text));
  const sum = weights.reduce((total, { number }) => total + number!, 0);
  if (weights.length > 0 && bad.length === 0 && sum !== 100)
    yield finding(weights.at(-1)!, l10n.t('These shares add up to {0}: Istio takes exactly 100.', sum));
}

function* checkFailover(setting: Located): Iterable<Finding> {
  const failover = setting.at('failover').items;
  for (const rule of failover) yield* checkRegions(rule);
  const priorities = failover.length > 0 ? setting.at('failoverPriority').items : [];
  for (const label of priorities.filter(({ string }) => topology.includes(string ?? '')))
    yield finding(
      label,
      l10n.t(
        '"{0}" excludes "failover", which decides by the region already: Istio refuses both together. Remove one.',
        label.string!,
      ),
    );
}

function* checkRegions(rule: Located): Iterable<Finding> {
  if (rule.type !== 'map') return;
  const [from, to] = [rule.at('from'), rule.at('to')];
  for (const region of [from, to]) {
    if (region.string && /[/*]/.test(region.string))
      yield finding(
        region,
        l10n.t(
          '"{0}" is no region: failover goes from region to region, without zones ("/") and wildcards. Istio refuses it.',
          region.string,
        ),
      );
  }
  if (from.string && from.string === to.string)
    yield finding(to, l10n.t('Region "{0}" cannot fail over to itself: Istio refuses it.', from.string));
  else if (!from.string && !to.string)
    yield finding(rule, l10n.t('This failover names no region: Istio refuses it. Add "from" and "to".'));
}
