import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { dropField } from '../drop-field.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isGiven, tlsServers } from '../server-tls/certificates.ts';
import { isKnownProtocol, isTlsLike } from '../values/ports.ts';

/** What a Gateway can and a sidecar cannot. */
const ofGateways = ['credentialName', 'credentialNames', 'tlsCertificates', 'subjectAltNames'];

/** A sidecar ends TLS with certificates from files only. */
export const badIngressTls = defineRefusal('Sidecar', {
  id: 'sidecar/bad-ingress-tls',
  why: 'A sidecar ends TLS on ports with protocol HTTPS or TLS, with certificates from files: Istio refuses secrets, subjectAltNames, httpsRedirect, and the modes ISTIO_MUTUAL and AUTO_PASSTHROUGH in an ingress.',
  *check(resource) {
    for (const { server, tls, mode, protocol } of tlsServers(resource)) {
      for (const field of [...ofGateways, 'httpsRedirect']) {
        if (!isGiven(tls, field) && tls.at(field).boolean !== true) continue;
        yield finding(
          tls.entry(field)!.key,
          l10n.t('A sidecar does not know "{0}": Istio refuses it in an ingress. Remove it.', field),
          { fixes: [dropField(tls, field)] },
        );
      }
      if (mode === 'ISTIO_MUTUAL' || mode === 'AUTO_PASSTHROUGH')
        yield finding(
          tls.at('mode'),
          l10n.t('Istio refuses mode {0} in the ingress of a Sidecar: it is for gateways. Use SIMPLE or MUTUAL.', mode),
        );
      if (isTlsLike(protocol) || (protocol !== '' && !isKnownProtocol(protocol))) continue;
      if (protocol === '' && resource.incomplete) continue;
      yield finding(
        server.entry('tls')!.key,
        protocol === ''
          ? l10n.t('"tls" needs a port with protocol HTTPS or TLS: Istio refuses it on one without protocol.')
          : l10n.t(
              'A port with protocol {0} has no "tls": Istio refuses it. Use protocol TLS, or remove it.',
              protocol,
            ),
      );
    }
  },
});
