import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isTlsLike } from '../values/ports.ts';
import { endsTls, tlsServers } from './certificates.ts';

/** A list of revoked certificates goes with a CA in a file. */
export const crlWithoutFiles = defineRefusal(['Gateway', 'Sidecar'], {
  id: 'server-tls/crl-without-files',
  why: 'caCrl names certificates of clients that are revoked: Istio refuses it with mode SIMPLE, which asks for none, and beside credentialName, whose Secret holds the list.',
  *check(resource) {
    for (const { tls, mode, protocol } of tlsServers(resource)) {
      if (!isTlsLike(protocol) || !tls.at('caCrl').string) continue;
      const key = tls.entry('caCrl')!.key;
      if (mode === 'SIMPLE')
        yield finding(
          key,
          l10n.t('Mode SIMPLE asks for no certificate of the client: Istio refuses "caCrl". Use MUTUAL, or remove it.'),
        );
      else if (endsTls(mode) && tls.at('credentialName').string)
        yield finding(
          key,
          l10n.t(
            '"caCrl" is refused beside credentialName "{0}": its Secret holds the list. Remove one.',
            tls.at('credentialName').string!,
          ),
        );
    }
  },
});
