import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { parseDuration } from '../values/durations.ts';
import { whyBadRegex } from './string-matches.ts';

/** Origins that are none, headers without a name, and an age that Access-Control-Max-Age cannot say. */
export const badCorsPolicy = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-cors-policy',
  why: 'An origin is compared with a text that is not empty, headers have names, and maxAge counts whole seconds; Istio refuses the rest.',
  *check({ spec }) {
    for (const cors of spec.at('http').items.map((http) => http.at('corsPolicy'))) {
      for (const origin of cors.at('allowOrigins').items) yield* checkOrigin(origin);
      for (const name of [...cors.at('allowHeaders').items, ...cors.at('exposeHeaders').items])
        if (name.string === '') yield finding(name, l10n.t('A header needs a name: Istio refuses an empty one.'));
      const maxAge = cors.at('maxAge');
      const age = maxAge.string === undefined ? undefined : parseDuration(maxAge.string);
      if (age !== undefined && age > 0 && age % 1000 !== 0)
        yield finding(maxAge, l10n.t('Browsers are told the age in whole seconds: Istio refuses {0}.', maxAge.string!));
    }
  },
});

function* checkOrigin(origin: Located): Iterable<Finding> {
  if (origin.type !== 'map') return;
  const texts = ['exact', 'prefix', 'regex'].map((field) => origin.at(field));
  const given = texts.filter(({ isSet }) => isSet);
  if (!given.some(({ string }) => string !== ''))
    yield finding(
      given[0] ?? origin,
      l10n.t('This origin is compared with nothing: Istio refuses it. Add "exact", "prefix" or "regex".'),
    );
  const regex = origin.at('regex');
  const reason = regex.string ? whyBadRegex(regex.string) : undefined;
  if (reason) yield finding(regex, l10n.t('Istio refuses this regex: {0}.', reason));
}
