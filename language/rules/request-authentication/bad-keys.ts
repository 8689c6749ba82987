import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** Where the keys come from that tokens are checked with. */
export const badKeys = defineRefusal('RequestAuthentication', {
  id: 'request-authentication/bad-keys',
  why: 'The keys of a token are written down (jwks, JSON) or fetched (jwksUri over http or https), never both; without either, Istio needs the issuer to find them. It refuses the rest.',
  *check({ spec }) {
    for (const rule of spec.at('jwtRules').items) {
      if (rule.type !== 'map') continue;
      const { issuer, keys, uri } = {
        issuer: rule.at('issuer'),
        keys: rule.at('jwks'),
        uri: rule.at('jwksUri').isSet ? rule.at('jwksUri') : rule.at('jwks_uri'),
      };
      if (!issuer.isSet && !keys.isSet && !uri.isSet)
        yield finding(
          rule,
          l10n.t('Nobody knows whose tokens this rule takes: Istio refuses it. Add "issuer" or "jwksUri".'),
        );
      if (keys.string && uri.string)
        yield finding(keys.key ?? keys, l10n.t('"jwks" excludes "jwksUri": Istio refuses both together. Keep one.'));
      if (uri.string && !/^https?:\/\/[^/?#]+/i.test(uri.string))
        yield finding(
          uri,
          l10n.t('"{0}" is no address to fetch keys from: Istio takes http:// and https://.', uri.string),
        );
      if (keys.string && !isJsonObject(keys.string))
        yield finding(keys, l10n.t('This is no set of keys: "jwks" is a JSON object with "keys". Istio refuses it.'));
    }
  },
});

function isJsonObject(text: string): boolean {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
  } catch {
    return false;
  }
}
