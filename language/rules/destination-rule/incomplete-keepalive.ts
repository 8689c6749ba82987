import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { trafficPolicies } from './policies.ts';

/** Envoy asks in intervals and waits for a time: it has no defaults for either. */
export const incompleteKeepalive = defineRefusal('DestinationRule', {
  id: 'destination-rule/incomplete-keepalive',
  why: 'http2KeepAlive sends PING frames in an interval and waits for the answer until a timeout: Istio refuses one without the other.',
  *check({ spec }) {
    for (const { policy } of trafficPolicies(spec)) {
      const entry = policy.at('connectionPool', 'http').entry('http2KeepAlive');
      if (entry?.value.type !== 'map') continue;
      const missing = ['interval', 'timeout'].filter((field) => !entry.value.at(field).isSet);
      if (missing.length > 0)
        yield finding(
          entry.key,
          l10n.t(
            '"http2KeepAlive" needs {0}: Istio refuses it without. Add a duration such as 30s.',
            missing.map((field) => `"${field}"`).join(', '),
          ),
        );
    }
  },
});
