import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { trafficPolicies } from './policies.ts';

/** A new endpoint's share grows with time; with no aggression it would never grow. */
export const badWarmup = defineRefusal('DestinationRule', {
  id: 'destination-rule/bad-warmup',
  why: 'The share of a new endpoint grows by the power of 1/aggression, so Istio takes only an aggression above 0.',
  *check({ spec }) {
    for (const { policy } of trafficPolicies(spec)) {
      const aggression = policy.at('loadBalancer', 'warmup', 'aggression');
      if (aggression.number === 0)
        yield finding(
          aggression,
          l10n.t('An aggression of 0 never warms up: Istio takes values above 0. 1 grows evenly, more grows faster.'),
        );
    }
  },
});
