import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { trafficPolicies } from './policies.ts';

/** Counters of connections and requests; 0 and absent mean no limit of yours. */
const counters = [
  ['tcp', 'maxConnections'],
  ['http', 'http1MaxPendingRequests'],
  ['http', 'http2MaxRequests'],
  ['http', 'maxRequestsPerConnection'],
  ['http', 'maxRetries'],
  ['http', 'maxConcurrentStreams'],
] as const;

export const negativeCount = defineRefusal('DestinationRule', {
  id: 'destination-rule/negative-count',
  why: 'The limits of a connectionPool count connections and requests; Istio refuses negative ones.',
  *check({ spec }) {
    for (const { policy } of trafficPolicies(spec)) {
      for (const path of counters) {
        const value = policy.at('connectionPool', ...path);
        if ((value.number ?? 0) >= 0) continue;
        yield finding(value, l10n.t('"{0}" cannot be negative: Istio refuses {1}.', path[1], value.text));
      }
    }
  },
});
