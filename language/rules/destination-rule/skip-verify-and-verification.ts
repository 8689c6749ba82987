import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { dropField } from '../drop-field.ts';
import { trafficPolicies } from './policies.ts';

/**
 * What verifies the server, by mode. With SIMPLE a credential is nothing but a CA; with MUTUAL it may be the client's
 * certificate alone. Other modes do not read insecureSkipVerify.
 */
const verifying: Record<string, readonly string[]> = {
  SIMPLE: ['caCertificates', 'credentialName', 'subjectAltNames'],
  MUTUAL: ['caCertificates', 'subjectAltNames'],
};

/** Verification that is switched off cannot verify. */
export const skipVerifyAndVerification = defineRefusal('DestinationRule', {
  id: 'destination-rule/skip-verify-and-verification',
  why: 'insecureSkipVerify switches the verification of the server off, so Istio refuses a CA and names to verify beside it.',
  *check({ spec }) {
    for (const { policy } of trafficPolicies(spec)) {
      const tls = policy.at('tls');
      if (tls.at('insecureSkipVerify').boolean !== true) continue;
      for (const field of verifying[tls.at('mode').string ?? ''] ?? []) {
        if (tls.at(field).string || tls.at(field).items.length > 0)
          yield finding(
            tls.entry(field)!.key,
            l10n.t(
              '"{0}" verifies what insecureSkipVerify leaves unverified: Istio refuses both together. Remove one.',
              field,
            ),
            { fixes: [dropField(tls, field)] },
          );
      }
    }
  },
});
