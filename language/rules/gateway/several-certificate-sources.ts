import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { dropField } from '../drop-field.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isTlsLike } from '../values/ports.ts';
import { endsTls, isGiven, tlsServers } from '../server-tls/certificates.ts';

/** Two answers to where the certificate comes from. */
export const severalCertificateSources = defineRefusal(['Gateway', 'Sidecar'], {
  id: 'gateway/several-certificate-sources',
  why: 'A server takes its certificate from one place: credentialName, credentialNames, tlsCertificates or files; Istio refuses two of them.',
  *check(resource) {
    for (const { tls, mode, protocol } of tlsServers(resource)) {
      // These three exclude each other whatever the mode is, even empty.
      const named = ['credentialName', 'credentialNames', 'tlsCertificates'].filter((field) => tls.at(field).isSet);
      // A CA in a file is no second source of the server's own certificate, and half a pair is none beside a Secret.
      const pair = ['serverCertificate', 'privateKey'].filter((field) => isGiven(tls, field));
      const file = pair.length === 2 || isGiven(tls, 'tlsCertificates') ? pair[0] : undefined;
      const usesFile = file !== undefined && isTlsLike(protocol) && endsTls(mode);
      const given = named.filter((field) => isGiven(tls, field));
      const sources = named.length > 1 || !usesFile ? named : [...given, file];
      for (const source of sources.slice(1))
        yield finding(
          tls.entry(source)!.key,
          l10n.t('"{0}" excludes "{1}": Istio takes the certificate from one place. Keep one.', sources[0]!, source),
          {
            fixes: source === file ? [] : [dropField(tls, source)],
          },
        );
    }
  },
});
