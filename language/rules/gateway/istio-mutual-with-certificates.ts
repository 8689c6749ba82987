import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { dropField } from '../drop-field.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isTlsLike } from '../values/ports.ts';
import { certificateSources, tlsServers } from '../server-tls/certificates.ts';

/** With ISTIO_MUTUAL the gateway shows the certificate that Istio gave it. */
export const istioMutualWithCertificates = defineRefusal('Gateway', {
  id: 'gateway/istio-mutual-with-certificates',
  why: 'With mode ISTIO_MUTUAL the gateway shows the certificate that Istio gave it: Istio refuses others beside it.',
  *check(resource) {
    for (const { tls, mode, protocol } of tlsServers(resource)) {
      if (mode !== 'ISTIO_MUTUAL' || !isTlsLike(protocol)) continue;
      const { credential, files } = certificateSources(tls);
      for (const field of [...credential, ...files])
        yield finding(
          tls.entry(field)!.key,
          l10n.t(
            'Mode ISTIO_MUTUAL uses the certificates of the mesh: Istio refuses "{0}" beside it. Remove it, or use MUTUAL.',
            field,
          ),
          { fixes: [dropField(tls, field)] },
        );
    }
  },
});
