import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { ruleParts } from './sources.ts';

/** A service account is named exactly, and says by itself which namespace it is of. */
export const badServiceAccount = defineRefusal('AuthorizationPolicy', {
  id: 'authorization-policy/bad-service-account',
  why: 'A service account is "name" or "namespace/name" without wildcards, and not beside principals or namespaces, which would say the same another way; Istio refuses the rest.',
  *check({ spec }) {
    for (const source of ruleParts(spec).flatMap(({ sources }) => sources)) {
      const fields = ['serviceAccounts', 'notServiceAccounts'].filter((field) => source.at(field).isSet);
      for (const account of fields.flatMap((field) => source.at(field).items)) {
        if (!account.string || /^[^/*]+(\/[^/*]+)?$/.test(account.string)) continue;
        yield finding(
          account,
          l10n.t('"{0}" is no service account: Istio takes "name" and "namespace/name", without "*".', account.string),
        );
      }
      if (fields.length === 0) continue;
      for (const field of ['principals', 'notPrincipals', 'namespaces', 'notNamespaces']) {
        if (source.at(field).isSet)
          yield finding(
            source.entry(field)!.key,
            l10n.t('"{0}" excludes "{1}" in one source: Istio refuses both together. Keep one.', fields[0]!, field),
          );
      }
    }
  },
});
