import * as l10n from '@vscode/l10n';
import { replaceValue } from '../../edits.ts';
import type { Located } from '../../located.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { routeLists } from './destinations.ts';

/**
 * Istio's webhook refuses a negative weight, and weights that are all zero when there are several destinations: nobody
 * would get the traffic. A weight that is not written counts as 0. A single destination gets everything, whatever its weight.
 */
export const weightsThatCannotWork = defineRule({
  id: 'virtual-service/weights-that-cannot-work',
  code: 'IST0106',
  severity: 'error',
  docs: istioDocs('IST0106'),
  why: 'Istio refuses negative weights, and several destinations whose weights are all 0 (an absent weight is 0): nobody would get the traffic.',
  reads: ['VirtualService'],
  scope: 'resource',
  *check({ VirtualService }) {
    for (const routes of VirtualService.flatMap((virtualService) => [...routeLists(virtualService)])) {
      const weights = routes.items.map((route) => route.at('weight'));
      const negative = weights.filter((weight) => (weight.number ?? 0) < 0);
      for (const weight of negative) {
        yield finding(
          weight,
          l10n.t(
            'A weight cannot be negative: Istio refuses {0}. Use 0 for a destination that gets no traffic.',
            weight.text,
          ),
          {
            fixes: [{ title: l10n.t('Change to 0'), edits: () => replaceValue(weight, '0') }],
          },
        );
      }
      if (routes.items.length < 2 || negative.length > 0 || weights.some((weight) => !isZero(weight))) continue;
      yield finding(
        weights.find((weight) => weight.exists) ?? routes,
        l10n.t(
          'The weights of these {0} destinations are all 0, so nobody would get the traffic: Istio refuses this. Give each its share.',
          weights.length,
        ),
      );
    }
  },
});

/** What is neither a number nor absent is the schema's business, and may be anything once it is repaired. */
function isZero(weight: Located): boolean {
  return !weight.isSet || weight.number === 0;
}
