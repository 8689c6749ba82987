import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** Without an address for the keys Istio asks the issuer for it; without an issuer either it has nobody to ask. */
export const noIssuer = defineRefusal('RequestAuthentication', {
  id: 'request-authentication/no-issuer',
  why: 'A rule says whose tokens it takes (issuer) or at least where their keys are (jwksUri); Istio refuses one that says neither.',
  *check({ spec, incomplete }) {
    if (incomplete) return;
    for (const rule of spec.at('jwtRules').items) {
      if (rule.type !== 'map' || ['issuer', 'jwksUri', 'jwks_uri'].some((field) => rule.at(field).isSet)) continue;
      yield finding(
        rule,
        l10n.t('Nobody knows whose tokens this rule takes: Istio refuses it. Add "issuer" or "jwksUri".'),
      );
    }
  },
});
