import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { readJwks } from '../values/jwks.ts';

/** Who verifies needs the public half only; with the other one anybody who can read the resource makes tokens. */
export const privateKey = defineWarning('RequestAuthentication', {
  id: 'request-authentication/private-key',
  why: 'Tokens are verified with public keys. A private key in jwks lets everyone who can read the resource make valid tokens; Istio takes it and warns.',
  *check({ spec }) {
    for (const keys of spec.at('jwtRules').items.map((rule) => rule.at('jwks'))) {
      const read = keys.string ? readJwks(keys.string) : undefined;
      if (read && !read.fault && read.hasPrivateKey)
        yield finding(
          keys,
          l10n.t(
            'There is a private key in this: everyone who can read it can make valid tokens. Keep the public half ("d" and the primes left out), and replace the key.',
          ),
        );
    }
  },
});
