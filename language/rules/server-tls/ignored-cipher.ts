import * as l10n from '@vscode/l10n';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import { rename } from '../../edits.ts';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { tlsServers } from './certificates.ts';
import { cipherNames, isKnownCipher } from './ciphers.ts';

/** Istio leaves out cipher suites that it does not know, and repetitions. */
export const ignoredCipher = defineWarning(['Gateway', 'Sidecar'], {
  id: 'server-tls/ignored-cipher',
  why: 'Cipher suites have the names that BoringSSL (OpenSSL) gives them: Istio leaves out others and those that are there twice, and warns.',
  *check(resource) {
    for (const { tls } of tlsServers(resource)) {
      const seen = new Set<string>();
      for (const cipher of tls.at('cipherSuites').items) {
        const name = cipher.string;
        if (name === undefined) continue;
        if (seen.has(name) && isKnownCipher(name))
          yield finding(cipher, l10n.t('"{0}" is here twice: Istio leaves out the second. Remove one.', name));
        seen.add(name);
        if (isKnownCipher(name)) continue;
        const meant = findNearMiss(name, cipherNames);
        const hint = meant ? ` ${l10n.t('Did you mean "{0}"?', meant)}` : '';
        yield finding(
          cipher,
          l10n.t(
            'Istio knows no cipher suite "{0}" and leaves it out. Use a name of OpenSSL, such as ECDHE-RSA-AES256-GCM-SHA384.',
            name,
          ) + hint,
          {
            fixes: meant
              ? [{ title: l10n.t('Change to {0}', meant), preferred: true, edits: () => rename(cipher, meant) }]
              : [],
          },
        );
      }
    }
  },
});
