import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isKnownProtocol, isHttpLike, isTlsLike } from '../values/ports.ts';
import { certificateSources, passesTls, tlsServers } from '../server-tls/certificates.ts';

/** Settings for TLS on a port that speaks none, or a port for TLS without them. */
export const tlsUnlikeProtocol = defineRefusal('Gateway', {
  id: 'gateway/tls-unlike-protocol',
  why: 'A port with protocol HTTPS or TLS needs tls, one with HTTP takes httpsRedirect only, and others have no tls at all; Istio refuses the rest.',
  *check(resource) {
    for (const server of resource.spec.at('servers').items) {
      const protocol = server.at('port', 'protocol');
      if (!resource.incomplete && protocol.string && isTlsLike(protocol.string) && !server.at('tls').isSet)
        yield finding(
          protocol,
          l10n.t(
            'Protocol {0} needs "tls" in this server: Istio refuses it without. Add it with a mode.',
            protocol.string,
          ),
        );
    }
    for (const { server, tls, mode, protocol } of tlsServers(resource)) {
      const key = server.entry('tls')!.key;
      if (!isKnownProtocol(protocol) || isTlsLike(protocol)) continue;
      const [file] = certificateSources(tls).files;
      if (!isHttpLike(protocol))
        yield finding(
          key,
          l10n.t('A port with protocol {0} has no "tls": Istio refuses it. Use protocol TLS, or remove it.', protocol),
        );
      else if (!passesTls(mode) || file)
        yield finding(
          passesTls(mode) ? tls.entry(file!)!.key : tls.at('mode'),
          l10n.t(
            'A port with protocol {0} ends no TLS: all that Istio takes here is "httpsRedirect". Use protocol HTTPS, or remove {1}.',
            protocol,
            `"${passesTls(mode) ? file! : 'mode'}"`,
          ),
        );
    }
  },
});
