import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { readJwks } from '../values/jwks.ts';
import { parseRequestUri, parseUrl } from '../values/urls.ts';

/** Where the keys come from that tokens are checked with. */
export const badKeys = defineRefusal('RequestAuthentication', {
  id: 'request-authentication/bad-keys',
  why: 'The keys of a token are written down (jwks, a JSON Web Key Set) or fetched (jwksUri over http or https), never both. Istio refuses what it cannot read or fetch.',
  *check({ spec }) {
    for (const rule of spec.at('jwtRules').items) {
      const given = ['jwks', 'jwksUri', 'jwks_uri'].flatMap((name) => {
        const entry = rule.entry(name);
        return entry?.value.isSet ? [entry] : [];
      });
      // Whether a field is there is what counts, even when it is empty.
      for (const { key } of given.slice(1))
        yield finding(
          key,
          l10n.t(
            '"{0}" excludes "{1}": Istio refuses both together. Keep one.',
            String(key.value),
            String(given[0]!.key.value),
          ),
        );
      for (const { key, value } of given) {
        const fault = key.value === 'jwks' ? checkKeys(value) : checkUri(value);
        if (fault) yield fault;
      }
    }
  },
});

function checkKeys(keys: Located): Finding | undefined {
  const fault = keys.string ? readJwks(keys.string).fault : undefined;
  return fault ? finding(keys, l10n.t('This is no set of keys: {0}. Istio refuses it.', fault)) : undefined;
}

function checkUri(uri: Located): Finding | undefined {
  if (!uri.string) return undefined;
  const url = parseRequestUri(uri.string) && parseUrl(uri.string);
  if (url && (url.scheme === 'http' || url.scheme === 'https')) return undefined;
  return finding(uri, l10n.t('"{0}" is no address to fetch keys from: Istio takes http:// and https://.', uri.string));
}
