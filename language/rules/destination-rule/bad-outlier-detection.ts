import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { trafficPolicies } from './policies.ts';

/** Shares beyond a hundred, and counting of failures that are not told apart. */
export const badOutlierDetection = defineRefusal('DestinationRule', {
  id: 'destination-rule/bad-outlier-detection',
  why: 'Percentages are 0 to 100, and failures of local origin are counted apart only with splitExternalLocalOriginErrors: Istio refuses the rest.',
  *check({ spec }) {
    for (const { policy } of trafficPolicies(spec)) {
      const outlier = policy.at('outlierDetection');
      for (const value of [outlier.at('maxEjectionPercent'), outlier.at('minHealthPercent')]) {
        const number = value.number ?? 0;
        if (number < 0 || number > 100)
          yield finding(value, l10n.t('{0} is no percentage: Istio takes 0 to 100.', value.text));
      }
      const local = outlier.at('consecutiveLocalOriginFailures');
      if ((local.number ?? 0) > 0 && outlier.at('splitExternalLocalOriginErrors').boolean !== true)
        yield finding(
          local,
          l10n.t(
            'Failures of local origin are not counted apart here, so Istio refuses "consecutiveLocalOriginFailures". Set "splitExternalLocalOriginErrors" to true.',
          ),
        );
    }
  },
});
