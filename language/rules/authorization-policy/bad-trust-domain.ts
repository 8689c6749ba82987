import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { ruleParts } from './sources.ts';

/** A trust domain is the part of an identity before its first slash: `cluster.local` of `cluster.local/ns/shop/sa/cart`. */
export const badTrustDomain = defineRefusal('AuthorizationPolicy', {
  id: 'authorization-policy/bad-trust-domain',
  why: 'trustDomains holds names such as cluster.local, with at most one "*", at the start or the end; a "/" begins the rest of an identity, which belongs to principals. Istio refuses the rest.',
  *check({ spec }) {
    for (const source of ruleParts(spec).flatMap(({ sources }) => sources)) {
      for (const domain of [...source.at('trustDomains').items, ...source.at('notTrustDomains').items]) {
        const text = domain.string ?? '';
        if (text.includes('/'))
          yield finding(
            domain,
            l10n.t('"{0}" is no trust domain, as there is a "/" in it: Istio refuses it. Use "principals".', text),
          );
        else if (/.\*./.test(text) || text.replace('*', '').includes('*'))
          yield finding(
            domain,
            l10n.t('"{0}" is no trust domain: one "*" may stand at its start or its end. Istio refuses it.', text),
          );
      }
    }
  },
});
