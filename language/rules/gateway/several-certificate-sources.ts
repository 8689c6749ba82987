import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isTlsLike } from '../values/ports.ts';
import { certificateSources, tlsServers } from '../server-tls/certificates.ts';

/** Two answers to where the certificate comes from. */
export const severalCertificateSources = defineRefusal('Gateway', {
  id: 'gateway/several-certificate-sources',
  why: 'A server takes its certificate from one place: credentialName, credentialNames, tlsCertificates or files; Istio refuses two of them.',
  *check(resource) {
    for (const { tls, mode, protocol } of tlsServers(resource)) {
      if (!isTlsLike(protocol) || !['SIMPLE', 'MUTUAL', 'OPTIONAL_MUTUAL'].includes(mode)) continue;
      const { credential, files } = certificateSources(tls);
      // A CA in a file is no second source of the server's own certificate.
      const file = files.find((field) => field !== 'caCertificates');
      const sources = [...credential, ...(file ? [file] : [])];
      for (const source of sources.slice(1))
        yield finding(
          tls.entry(source)!.key,
          l10n.t('"{0}" excludes "{1}": Istio takes the certificate from one place. Keep one.', sources[0]!, source),
        );
    }
  },
});
