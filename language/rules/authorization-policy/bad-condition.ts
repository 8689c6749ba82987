import * as l10n from '@vscode/l10n';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import { rename } from '../../edits.ts';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isIpOrCidr } from '../values/hosts.ts';
import { isPortText } from '../values/ports.ts';
import { ruleParts } from './sources.ts';

/** What a condition can ask for by its name alone. */
const plain = [
  ...['source.ip', 'source.namespace', 'source.principal', 'source.serviceAccount', 'source.trustDomain', 'remote.ip'],
  ...['request.auth.principal', 'request.auth.audiences', 'request.auth.presenter'],
  ...['destination.ip', 'destination.port', 'connection.sni'],
];
/** A header, a claim, a value of a filter: with its name in brackets. */
const bracketed = ['request.headers', 'request.auth.claims', 'experimental.envoy.filters.'];
/** Of the first kind of policies: the workload is chosen by the selector now. */
const gone = /^destination\.(namespace$|name$|user$|labels)/;

export const badCondition = defineRefusal('AuthorizationPolicy', {
  id: 'authorization-policy/bad-condition',
  why: 'A condition compares something that Istio knows (request.headers[…], request.auth.claims[…], source.*, remote.ip, destination.ip and port, connection.sni) with values; Istio refuses the rest.',
  *check({ spec, incomplete }) {
    for (const condition of ruleParts(spec).flatMap(({ conditions }) => conditions)) {
      const key = condition.at('key');
      if (key.string === undefined) continue;
      const fault = checkKey(key, key.string);
      if (fault) yield fault;
      const [values, notValues] = [condition.at('values'), condition.at('notValues')];
      const isBare = [values, notValues].every(
        (list) => !list.isSet || (list.type === 'list' && list.items.length === 0),
      );
      if (isBare && !incomplete && key.string !== '')
        yield finding(
          key,
          l10n.t(
            'This condition compares "{0}" with nothing: Istio refuses it. Add "values" or "notValues".',
            key.string,
          ),
        );
      for (const value of [...values.items, ...notValues.items]) {
        const reason = value.string ? whyBadValue(key.string, value.string) : undefined;
        if (reason) yield finding(value, reason);
      }
    }
  },
});

function checkKey(key: Located, name: string): Finding | undefined {
  if (name === '') return finding(key, l10n.t('A condition needs a key: Istio refuses an empty one.'));
  if (plain.includes(name)) return undefined;
  if (gone.test(name))
    return finding(
      key,
      l10n.t('A policy is chosen by its selector, so Istio refuses the key "{0}". Use "selector".', name),
    );
  const family = bracketed.find((start) => name.startsWith(start));
  if (family) {
    // `a[b]`: something before the bracket, something in it, and nothing behind.
    if (/^[^[]+\[[^]+\]$/.test(name)) return undefined;
    return finding(
      key,
      l10n.t(
        '"{0}" needs a name in brackets, as in {1}: Istio refuses it.',
        name,
        `${family.replace(/\.$/, '.x')}[name]`,
      ),
    );
  }
  const meant = findNearMiss(name.replace(/\[.*/, ''), [...plain, ...bracketed.slice(0, 2)]);
  const full = meant && (bracketed.includes(meant) ? meant + (/\[.+\]$/.exec(name)?.[0] ?? '') : meant);
  const isCertain = full !== undefined && (full.endsWith(']') || plain.includes(full));
  return finding(
    key,
    l10n.t('Istio knows no key "{0}" and refuses it.', name) + (full ? ` ${l10n.t('Did you mean "{0}"?', full)}` : ''),
    {
      fixes: isCertain
        ? [{ title: l10n.t('Change to "{0}"', full), preferred: true, edits: () => rename(key, full) }]
        : [],
    },
  );
}

function whyBadValue(key: string, value: string): string | undefined {
  if (/^(source|remote|destination)\.ip$/.test(key) && !isIpOrCidr(value))
    return l10n.t('"{0}" is neither an IP address nor a CIDR such as 10.0.0.0/8: Istio refuses it.', value);
  if (key === 'destination.port' && !isPortText(value))
    return l10n.t('"{0}" is no port: Istio takes numbers up to 65535.', value);
  return undefined;
}
