import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { dropField } from '../drop-field.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { isTlsLike } from '../values/ports.ts';
import { tlsServers } from '../server-tls/certificates.ts';

/** Only who asks in plain HTTP can be sent to HTTPS. */
export const redirectOnTlsPort = defineWarning('Gateway', {
  id: 'gateway/redirect-on-tls-port',
  why: 'httpsRedirect sends requests in plain HTTP to HTTPS; on a port with another protocol nothing is redirected, and Istio warns.',
  *check(resource) {
    for (const { tls, protocol } of tlsServers(resource)) {
      if (tls.at('httpsRedirect').boolean !== true || !isTlsLike(protocol)) continue;
      yield finding(
        tls.entry('httpsRedirect')!.key,
        l10n.t(
          'Nothing is redirected on a port with protocol {0}: "httpsRedirect" belongs to the server with protocol HTTP.',
          protocol,
        ),
        { fixes: tls.entries.length > 1 ? [dropField(tls, 'httpsRedirect')] : [] },
      );
    }
  },
});
