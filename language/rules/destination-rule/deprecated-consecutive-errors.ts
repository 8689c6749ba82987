import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { trafficPolicies } from './policies.ts';

/** An old counter with two newer ones in its place. */
export const deprecatedConsecutiveErrors = defineWarning('DestinationRule', {
  id: 'destination-rule/deprecated-consecutive-errors',
  why: 'consecutiveErrors is deprecated: consecutive5xxErrors or consecutiveGatewayErrors say which errors count.',
  *check({ spec }) {
    for (const { policy } of trafficPolicies(spec)) {
      const entry = policy.at('outlierDetection').entry('consecutiveErrors');
      if (!entry?.value.number) continue;
      yield finding(
        entry.key,
        l10n.t('"consecutiveErrors" is deprecated. Use "consecutive5xxErrors" or "consecutiveGatewayErrors".'),
      );
    }
  },
});
