import * as l10n from '@vscode/l10n';
import { removeEntry } from '../../edits.ts';
import { finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** The older field holds what the newer one calls `duration`. */
export const warmupGivenTwice = defineRefusal('DestinationRule', {
  id: 'structure/warmup-given-twice',
  why: 'warmup took the place of warmupDurationSecs: the API server refuses a load balancer with both.',
  *check({ spec }) {
    for (const policy of trafficPolicies(spec)) {
      const loadBalancer = policy.at('loadBalancer');
      const older = loadBalancer.entry('warmupDurationSecs');
      if (!older?.value.isSet || !loadBalancer.at('warmup').isSet) continue;
      yield finding(
        older.key,
        l10n.t('"warmupDurationSecs" excludes "warmup", which took its place: the API server refuses both. Remove it.'),
        {
          fixes: [
            {
              title: l10n.t('Remove "{0}"', 'warmupDurationSecs'),
              preferred: true,
              edits: () => removeEntry(loadBalancer, 'warmupDurationSecs'),
            },
          ],
        },
      );
    }
  },
});

function trafficPolicies(spec: Located): Located[] {
  const policies = [spec, ...spec.at('subsets').items].map((holder) => holder.at('trafficPolicy'));
  return policies.flatMap((policy) => [policy, ...policy.at('portLevelSettings').items]);
}
