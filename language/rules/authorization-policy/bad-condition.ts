import * as l10n from '@vscode/l10n';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isIpAddress, isCidr } from '../values/hosts.ts';
import { ruleParts } from './sources.ts';

/** What a condition can ask for; names in brackets are a header's, a claim's or a filter's. */
const known = [
  'source.ip',
  'source.namespace',
  'source.principal',
  'source.serviceAccount',
  'source.trustDomain',
  'remote.ip',
  'request.auth.principal',
  'request.auth.audiences',
  'request.auth.presenter',
  'destination.ip',
  'destination.port',
  'connection.sni',
];
const named = /^(request\.headers\[.+\]|request\.auth\.claims(\[.+\])+|experimental\.envoy\.filters\..+)$/;
/** Gone since policies of other kinds went: the workload is chosen by the selector. */
const gone = /^destination\.(namespace|name|user|labels)\b/;

export const badCondition = defineRefusal('AuthorizationPolicy', {
  id: 'authorization-policy/bad-condition',
  why: 'A condition compares something that Istio knows (request.headers[…], request.auth.claims[…], source.*, remote.ip, destination.ip and port, connection.sni) with values; Istio refuses the rest.',
  *check({ spec }) {
    for (const condition of ruleParts(spec).flatMap(({ conditions }) => conditions)) {
      const key = condition.at('key');
      if (!key.string) continue;
      const values = [...condition.at('values').items, ...condition.at('notValues').items];
      if (gone.test(key.string))
        yield finding(
          key,
          l10n.t('A policy is chosen by its selector, so Istio refuses the key "{0}". Use "selector".', key.string),
        );
      else if (!known.includes(key.string) && !named.test(key.string) && isSurelyUnknown(key.string)) {
        const meant = findNearMiss(key.string, known);
        const hint = meant ? ` ${l10n.t('Did you mean "{0}"?', meant)}` : '';
        yield finding(key, l10n.t('Istio knows no key "{0}" and refuses it.', key.string) + hint);
      }
      if (values.length === 0 && condition.at('values').type !== 'string')
        yield finding(
          key,
          l10n.t(
            'This condition compares "{0}" with nothing: Istio refuses it. Add "values" or "notValues".',
            key.string,
          ),
        );
      for (const value of values) {
        if (!value.string) continue;
        if (/^(source|remote|destination)\.ip$/.test(key.string) && !isIpAddress(value.string) && !isCidr(value.string))
          yield finding(
            value,
            l10n.t('"{0}" is neither an IP address nor a CIDR such as 10.0.0.0/8: Istio refuses it.', value.string),
          );
        if (key.string === 'destination.port' && !(/^\d{1,5}$/.test(value.string) && Number(value.string) <= 65535))
          yield finding(value, l10n.t('"{0}" is no port: Istio takes numbers up to 65535.', value.string));
      }
    }
  },
});

/** Keys of `source` that newer Istios may add are given the benefit of the doubt. */
function isSurelyUnknown(key: string): boolean {
  return !key.startsWith('source.') || findNearMiss(key, known) !== undefined;
}
