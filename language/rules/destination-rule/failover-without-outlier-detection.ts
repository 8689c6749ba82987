import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { trafficPolicies } from './policies.ts';

/** Traffic fails over when hosts are ejected, and only outlier detection ejects. */
export const failoverWithoutOutlierDetection = defineWarning('DestinationRule', {
  id: 'destination-rule/failover-without-outlier-detection',
  why: 'Traffic fails over when hosts are found unhealthy, and only outlierDetection finds them so: without it, failover never happens. Istio looks for it in the same traffic policy.',
  *check({ spec }) {
    for (const { policy } of trafficPolicies(spec)) {
      if (policy.at('outlierDetection').isSet) continue;
      for (const setting of ['localityLbSetting', 'zoneAwareLbSetting']) {
        const locality = policy.at('loadBalancer', setting);
        const failover = ['failover', 'failoverPriority'].find((field) => locality.at(field).items.length > 0);
        if (!failover) continue;
        yield finding(
          locality.entry(failover)!.key,
          l10n.t(
            'This failover never happens: without "outlierDetection" no host is found unhealthy. Add it to the traffic policy.',
          ),
        );
      }
    }
  },
});
