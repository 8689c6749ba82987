import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { tlsServers } from './certificates.ts';

/** Versions that none of Envoy's own cipher suites go with. */
const old: Record<string, string> = { TLSV1_0: '1.0', TLSV1_1: '1.1' };

/** TLS before 1.2 needs cipher suites that Envoy no longer offers by itself. */
export const oldTlsVersion = defineWarning(['Gateway', 'Sidecar'], {
  id: 'server-tls/old-version',
  why: 'Clients with TLS 1.0 or 1.1 find no cipher suite in common with Envoy’s defaults: where minProtocolVersion admits them, Istio warns unless cipherSuites names some that they know.',
  *check(resource) {
    for (const { tls } of tlsServers(resource)) {
      const least = tls.at('minProtocolVersion');
      const version = old[least.string ?? ''];
      if (!version || tls.at('cipherSuites').items.length > 0) continue;
      yield finding(
        least,
        l10n.t(
          'TLS {0} needs older cipher suites than Envoy offers by default. Name some in "cipherSuites", or start at TLSV1_2.',
          version,
        ),
      );
    }
  },
});
