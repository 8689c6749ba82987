import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isTlsLike } from '../values/ports.ts';
import { certificateSources, endsTls, isGiven, tlsServers } from './certificates.ts';

/** Who ends TLS must show a certificate, and who asks clients for theirs needs the CA to check it. */
export const missingCertificate = defineRefusal(['Gateway', 'Sidecar'], {
  id: 'server-tls/missing-certificate',
  why: 'With mode SIMPLE, MUTUAL or OPTIONAL_MUTUAL a certificate is shown, and with the latter two that of the client is checked: Istio refuses them without credentialName, or files for all of it.',
  *check(resource) {
    if (resource.incomplete) return;
    for (const { tls, mode, protocol } of tlsServers(resource)) {
      if (!isTlsLike(protocol) || !endsTls(mode)) continue;
      for (const pair of tls.at('tlsCertificates').items)
        yield* missingIn(pair, pair, ['serverCertificate', 'privateKey']);
      const { credential } = certificateSources(tls);
      if (credential.length > 0) continue;
      const asksClient = mode !== 'SIMPLE' && !isGiven(tls, 'caCertCredentialName');
      const missing = ['serverCertificate', 'privateKey', ...(asksClient ? ['caCertificates'] : [])].filter(
        (field) => !isGiven(tls, field),
      );
      if (missing.length === 0) continue;
      const needed = missing.map((field) => `"${field}"`).join(', ');
      yield finding(
        tls.at('mode'),
        resource.kind === 'Sidecar'
          ? l10n.t('Mode {0} needs {1}: Istio refuses it without. Add paths of files in the proxy.', mode, needed)
          : l10n.t(
              'Mode {0} needs {1}: Istio refuses it without. Add "credentialName" with the name of a Secret, or these files.',
              mode,
              needed,
            ),
      );
    }
  },
});

function* missingIn(pair: Located, at: Located, fields: string[]) {
  if (pair.type !== 'map') return;
  const missing = fields.filter((field) => !isGiven(pair, field));
  if (missing.length > 0)
    yield finding(
      at,
      l10n.t(
        'This certificate lacks {0}: Istio refuses it. Name the file.',
        missing.map((field) => `"${field}"`).join(', '),
      ),
    );
}
