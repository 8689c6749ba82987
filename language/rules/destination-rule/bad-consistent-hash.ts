import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { dropField } from '../drop-field.ts';
import { trafficPolicies } from './policies.ts';

/** Envoy's own limit on the table of Maglev; Istio stays below it. */
const limit = 5000011;

/** Tables that Envoy cannot build. */
export const badConsistentHash = defineRefusal('DestinationRule', {
  id: 'destination-rule/bad-consistent-hash',
  why: 'The table of Maglev has a prime size below 5000011, a cookie has a name and its attributes different ones, and minimumRingSize excludes an algorithm: Istio refuses the rest.',
  *check({ spec }) {
    for (const { policy } of trafficPolicies(spec)) {
      const hash = policy.at('loadBalancer', 'consistentHash');
      yield* checkTable(hash.at('maglev'));
      const ring = hash.entry('minimumRingSize');
      if (ring?.value.number && (hash.at('maglev').isSet || hash.at('ringHash').isSet))
        yield finding(
          ring.key,
          l10n.t(
            '"minimumRingSize" excludes "maglev" and "ringHash": Istio refuses both together. Write it into "ringHash".',
          ),
          { fixes: [dropField(hash, 'minimumRingSize')] },
        );
      yield* checkCookie(hash.at('httpCookie'));
    }
  },
});

function* checkTable(maglev: Located): Iterable<Finding> {
  if (maglev.type !== 'map') return;
  const size = maglev.at('tableSize');
  if (!size.isSet || size.number === 0)
    yield finding(size.isSet ? size : maglev, l10n.t('"maglev" needs a "tableSize": a prime such as 65537.'));
  else if (size.number !== undefined && (size.number >= limit || !isPrime(size.number)))
    yield finding(
      size,
      l10n.t(
        '{0} cannot be the size of a Maglev table: Istio takes primes below {1}, such as 65537.',
        size.text,
        limit,
      ),
    );
}

function* checkCookie(cookie: Located): Iterable<Finding> {
  if (cookie.at('name').string === '')
    yield finding(cookie.at('name'), l10n.t('The cookie needs a name: Istio refuses an empty one.'));
  const seen = new Set<string>();
  for (const name of cookie.at('attributes').items.map((attribute) => attribute.at('name'))) {
    if (name.string === undefined) continue;
    if (name.string === '')
      yield finding(name, l10n.t('An attribute of a cookie needs a name: Istio refuses an empty one.'));
    else if (seen.has(name.string))
      yield finding(name, l10n.t('Attribute "{0}" is here twice: Istio refuses it. Remove one.', name.string));
    seen.add(name.string);
  }
}

function isPrime(number: number): boolean {
  if (number < 2) return false;
  for (let factor = 2; factor * factor <= number; factor++) if (number % factor === 0) return false;
  return true;
}
