import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { findUnverified } from './tls-verification.ts';

/** The same as for the whole destination, where a port has settings of its own. */
export const unverifiedCertificateOfPort = defineRule({
  id: 'destination-rule/unverified-certificate-of-port',
  code: 'IST0129',
  severity: 'warning',
  docs: istioDocs('IST0129'),
  why: "TLS of mode SIMPLE or MUTUAL for a port, without caCertificates, leaves open against which CA the server's certificate is verified.",
  reads: ['DestinationRule'],
  scope: 'resource',
  *check({ DestinationRule }) {
    for (const { spec } of DestinationRule) {
      for (const setting of spec.at('trafficPolicy', 'portLevelSettings').items) {
        const mode = findUnverified(setting.at('tls'), spec);
        if (!mode) continue;
        yield finding(
          mode,
          l10n.t(
            'TLS to port {0} of {1} is {2} without caCertificates: nothing says which CA must have signed its certificate. Set caCertificates.',
            setting.at('port', 'number').text,
            spec.at('host').string ?? '',
            mode.string!,
          ),
        );
      }
    }
  },
});
