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
      for (const field of ['serviceAccounts', 'notServiceAccounts']) {
        for (const account of source.at(field).items) {
          if (!account.string || /^[^/*]+(\/[^/*]+)?$/.test(account.string)) continue;
          yield finding(
            account,
            l10n.t(
              '"{0}" is no service account: Istio takes "name" and "namespace/name", without "*".',
              account.string,
            ),
          );
        }
      }
      if (source.at('serviceAccounts').items.length === 0) continue;
      for (const field of ['principals', 'namespaces']) {
        if (source.at(field).items.length > 0)
          yield finding(
            source.entry(field)!.key,
            l10n.t(
              '"{0}" excludes "{1}" in one source: Istio refuses both together. Keep one.',
              'serviceAccounts',
              field,
            ),
          );
      }
    }
  },
});
