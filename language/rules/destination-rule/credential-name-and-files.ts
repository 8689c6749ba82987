import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { dropField } from '../drop-field.ts';
import { trafficPolicies } from './policies.ts';

/** Certificates come from a Secret or from files, not from both. */
export const credentialNameAndFiles = defineRefusal('DestinationRule', {
  id: 'destination-rule/credential-name-and-files',
  why: 'With credentialName all certificates come from a Secret, so Istio refuses files beside it.',
  *check({ spec }) {
    for (const { policy } of trafficPolicies(spec)) {
      const tls = policy.at('tls');
      const name = tls.at('credentialName').string;
      if (!name || !['SIMPLE', 'MUTUAL'].includes(tls.at('mode').string ?? '')) continue;
      for (const field of ['clientCertificate', 'privateKey', 'caCertificates', 'caCrl']) {
        if (tls.at(field).string)
          yield finding(
            tls.entry(field)!.key,
            l10n.t(
              '"{0}" is refused beside credentialName "{1}": the certificates come from that Secret. Remove one of the two.',
              field,
              name,
            ),
            { fixes: [dropField(tls, field)] },
          );
      }
    }
  },
});
