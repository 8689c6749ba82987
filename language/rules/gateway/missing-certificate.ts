import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isTlsLike } from '../values/ports.ts';
import { certificateSources, tlsServers } from './certificates.ts';

/** Who ends TLS must show a certificate, and who asks clients for theirs needs the CA to check it. */
export const missingCertificate = defineRefusal('Gateway', {
  id: 'gateway/missing-certificate',
  why: 'With mode SIMPLE, MUTUAL or OPTIONAL_MUTUAL the gateway shows a certificate, and with the latter two checks that of the client: Istio refuses them without credentialName, or files for all of it.',
  *check({ spec }) {
    for (const { tls, mode, protocol } of tlsServers(spec)) {
      if (!isTlsLike(protocol) || !['SIMPLE', 'MUTUAL', 'OPTIONAL_MUTUAL'].includes(mode)) continue;
      if (certificateSources(tls).credential.length > 0) continue;
      const needed = [
        'serverCertificate',
        'privateKey',
        ...(mode === 'SIMPLE' || tls.at('caCertCredentialName').string ? [] : ['caCertificates']),
      ];
      const missing = needed.filter((field) => !tls.at(field).string);
      if (missing.length === 0) continue;
      yield finding(
        tls.at('mode'),
        l10n.t(
          'Mode {0} needs {1}: Istio refuses it without. Add "credentialName" with the name of a Secret, or these files.',
          mode,
          missing.map((field) => `"${field}"`).join(', '),
        ),
      );
    }
  },
});
