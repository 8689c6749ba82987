import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isKnownProtocol, isHttpLike, isTlsLike } from '../values/ports.ts';
import { certificateSources, tlsServers } from './certificates.ts';

/** Settings for TLS on a port that speaks none, or a port for TLS without them. */
export const tlsUnlikeProtocol = defineRefusal('Gateway', {
  id: 'gateway/tls-unlike-protocol',
  why: 'A port with protocol HTTPS or TLS needs tls, one with HTTP has no certificates, and others have no tls at all; Istio refuses the rest.',
  *check({ spec }) {
    for (const server of spec.at('servers').items) {
      const protocol = server.at('port', 'protocol');
      if (protocol.string && isTlsLike(protocol.string) && !server.at('tls').isSet)
        yield finding(
          protocol,
          l10n.t(
            'Protocol {0} needs "tls" in this server: Istio refuses it without. Add it with a mode.',
            protocol.string,
          ),
        );
    }
    for (const { server, tls, protocol } of tlsServers(spec)) {
      const key = server.entry('tls')!.key;
      if (!isKnownProtocol(protocol) || isTlsLike(protocol)) continue;
      const { credential, files } = certificateSources(tls);
      if (!isHttpLike(protocol))
        yield finding(
          key,
          l10n.t('A port with protocol {0} has no "tls": Istio refuses it. Use protocol TLS, or remove it.', protocol),
        );
      else if (credential.length + files.length > 0)
        yield finding(
          tls.entry([...credential, ...files][0]!)!.key,
          l10n.t(
            'A port with protocol {0} shows no certificate: Istio refuses it here. Use protocol HTTPS, or remove it.',
            protocol,
          ),
        );
    }
  },
});
