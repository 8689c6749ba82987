import * as l10n from '@vscode/l10n';
import { replaceValue } from '../../edits.ts';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { trafficPolicies } from './policies.ts';

/** The size belongs to one of two algorithms by now. */
export const deprecatedRingSize = defineWarning('DestinationRule', {
  id: 'destination-rule/deprecated-ring-size',
  why: 'consistentHash.minimumRingSize is deprecated: the size of the ring stands in ringHash, since Maglev has none.',
  *check({ spec }) {
    for (const { policy } of trafficPolicies(spec)) {
      const hash = policy.at('loadBalancer', 'consistentHash');
      const { key, value: size } = hash.entry('minimumRingSize') ?? {};
      if (!key || !size?.number) continue;
      const hasAlgorithm = hash.at('ringHash').exists || hash.at('maglev').exists;
      const better = `{ minimumRingSize: ${size.text} }`;
      yield finding(key, l10n.t('"minimumRingSize" is deprecated. Write it into "ringHash".'), {
        fixes: hasAlgorithm
          ? []
          : [
              {
                title: l10n.t('Write it into "ringHash"'),
                preferred: true,
                edits: () => [...replaceValue(key, 'ringHash'), ...replaceValue(size, better)],
              },
            ],
      });
    }
  },
});
