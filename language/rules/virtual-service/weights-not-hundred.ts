import * as l10n from '@vscode/l10n';
import { defineRule, finding } from '../../rule.ts';
import { routeLists } from './destinations.ts';

/**
 * Istio takes weights as shares of their sum: 80 and 30 are 72.7 % and 27.3 %. That is allowed, so it is no error; but who
 * writes 80 and 30 has percentages in mind. Small shares such as 1 : 3 are meant as they stand and left in peace.
 */
export const weightsNotHundred = defineRule({
  id: 'virtual-service/weights-not-hundred',
  code: 'ML0010',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRouteDestination',
  why: 'Weights are shares of their sum, not percentages. When they look like percentages but do not add up to 100, the traffic is split in another way than it reads.',
  reads: ['VirtualService'],
  scope: 'resource',
  *check({ VirtualService }) {
    for (const routes of VirtualService.flatMap((virtualService) => [...routeLists(virtualService)])) {
      const weights = routes.items.map((route) => route.at('weight'));
      const numbers = weights.map((weight) => weight.number ?? 0);
      const sum = numbers.reduce((total, weight) => total + weight, 0);
      if (numbers.length < 2 || numbers.some((weight) => weight < 0) || sum < 50 || sum % 100 === 0) continue;
      const shares = numbers.map((weight) => `${Math.round((weight * 1000) / sum) / 10} %`).join(', ');
      const last = weights.findLast((weight) => weight.isSet)!;
      yield finding(
        last,
        l10n.t('These weights add up to {0}, not 100. Istio splits the traffic by their shares: {1}.', sum, shares),
      );
    }
  },
});
