import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { trafficPolicies } from './policies.ts';

/** Traffic fails over when hosts are ejected, and only outlier detection ejects. */
export const failoverWithoutOutlierDetection = defineWarning('DestinationRule', {
  id: 'destination-rule/failover-without-outlier-detection',
  why: 'Traffic fails over when hosts are found unhealthy, and only outlierDetection finds them so: without it, failover never happens.',
  *check({ spec }) {
    for (const { policy, above } of trafficPolicies(spec)) {
      const failover = policy.at('loadBalancer', 'localityLbSetting').entry('failover');
      if (!failover || failover.value.items.length === 0) continue;
      if (policy.at('outlierDetection').isSet || above?.at('outlierDetection').isSet) continue;
      yield finding(
        failover.key,
        l10n.t(
          'This failover never happens: without "outlierDetection" no host is found unhealthy. Add it to the traffic policy.',
        ),
      );
    }
  },
});
