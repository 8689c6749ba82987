import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { ruleParts } from './sources.ts';

/** An external authorizer is asked before the identity of the peer is checked. */
const fields = ['namespaces', 'serviceAccounts', 'trustDomains', 'principals', 'requestPrincipals'];
const refused = fields.flatMap((field) => [field, `not${field[0]!.toUpperCase()}${field.slice(1)}`]);
const keys = /^(source\.(namespace|principal|serviceAccount|trustDomain)$|request\.auth\.)/;

export const customWithIdentity = defineRefusal('AuthorizationPolicy', {
  id: 'authorization-policy/custom-with-identity',
  why: 'Whether to ask the external authorizer is decided before identities are known: Istio refuses namespaces, service accounts, principals and the like with action CUSTOM.',
  *check({ spec }) {
    if (spec.at('action').string !== 'CUSTOM') return;
    for (const { sources, conditions } of ruleParts(spec)) {
      const named = sources
        .flatMap(({ entries }) => entries)
        .filter(({ key, value }) => refused.includes(String(key.value)) && value.items.length > 0);
      const matched = conditions
        .map((condition) => condition.at('key'))
        .filter(({ string }) => string && keys.test(string));
      for (const place of [...named.map(({ key }) => key), ...matched])
        yield finding(
          place,
          l10n.t(
            'Action CUSTOM cannot depend on "{0}": Istio refuses it. Choose the requests by operation or address, and let the provider judge.',
            String(place.value),
          ),
        );
    }
  },
});
