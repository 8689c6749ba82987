import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { trafficPolicies } from './policies.ts';

/** Verification that is switched off cannot verify. */
export const skipVerifyAndVerification = defineRefusal('DestinationRule', {
  id: 'destination-rule/skip-verify-and-verification',
  why: 'insecureSkipVerify switches the verification of the server off, so Istio refuses a CA and names to verify beside it.',
  *check({ spec }) {
    for (const { policy } of trafficPolicies(spec)) {
      const tls = policy.at('tls');
      if (tls.at('insecureSkipVerify').boolean !== true) continue;
      for (const field of ['caCertificates', 'subjectAltNames']) {
        if (tls.at(field).string || tls.at(field).items.length > 0)
          yield finding(
            tls.entry(field)!.key,
            l10n.t(
              '"{0}" verifies what insecureSkipVerify leaves unverified: Istio refuses both together. Remove one.',
              field,
            ),
          );
      }
    }
  },
});
