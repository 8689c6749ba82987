import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { findUnverified } from './tls-verification.ts';

/** TLS without a CA keeps listeners out, but not somebody who answers in the server's place. */
export const unverifiedCertificate = defineRule({
  id: 'destination-rule/unverified-certificate',
  code: 'IST0128',
  severity: 'warning',
  docs: istioDocs('IST0128'),
  why: "TLS of mode SIMPLE or MUTUAL without caCertificates leaves open against which CA the server's certificate is verified. A credentialName only counts together with a workloadSelector.",
  reads: ['DestinationRule'],
  scope: 'resource',
  *check({ DestinationRule }) {
    for (const { spec } of DestinationRule) {
      const mode = findUnverified(spec.at('trafficPolicy', 'tls'), spec);
      if (!mode) continue;
      yield finding(
        mode,
        l10n.t(
          'TLS to {0} is {1} without caCertificates: nothing says which CA must have signed its certificate. Set caCertificates.',
          spec.at('host').string ?? '',
          mode.string!,
        ),
      );
    }
  },
});
