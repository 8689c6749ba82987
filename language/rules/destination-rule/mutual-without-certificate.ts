import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { trafficPolicies } from './policies.ts';

/** With mode MUTUAL the proxy shows a certificate of yours; ISTIO_MUTUAL shows the workload's own. */
export const mutualWithoutCertificate = defineRefusal('DestinationRule', {
  id: 'destination-rule/mutual-without-certificate',
  why: 'With tls mode MUTUAL the proxy shows a client certificate: Istio refuses it without clientCertificate and privateKey, or a credentialName. ISTIO_MUTUAL uses the certificates of Istio itself.',
  *check({ spec }) {
    for (const { policy } of trafficPolicies(spec)) {
      const tls = policy.at('tls');
      if (tls.at('mode').string !== 'MUTUAL' || tls.at('credentialName').string) continue;
      const missing = ['clientCertificate', 'privateKey'].filter((field) => !tls.at(field).string);
      if (missing.length > 0)
        yield finding(
          tls.at('mode'),
          l10n.t(
            'Mode MUTUAL needs {0}: Istio refuses it without. Add it or "credentialName", or use ISTIO_MUTUAL for the certificates of the mesh.',
            missing.map((field) => `"${field}"`).join(', '),
          ),
        );
    }
  },
});
