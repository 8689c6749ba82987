import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** Every HTTP rule sends a request one way: to destinations, elsewhere (redirect), back (directResponse), or to another VirtualService. */
export const notOneWayOut = defineRefusal('VirtualService', {
  id: 'virtual-service/not-one-way-out',
  why: 'An HTTP rule has exactly one of route, redirect, directResponse and delegate; a redirect or a direct response never reaches what fault and rewrite would act on. Istio refuses contradictions.',
  *check({ spec }) {
    for (const http of spec.at('http').items) {
      if (http.type !== 'map') continue;
      const ways = ['route', 'redirect', 'directResponse', 'delegate'].filter((field) => isGiven(http.at(field)));
      if (ways.length === 0) {
        yield finding(
          http.at('route').exists ? http.at('route') : http,
          l10n.t('This rule leads nowhere, so Istio refuses it. Add "route", "redirect" or "directResponse".'),
        );
        continue;
      }
      const [way = '', second] = [...ways].sort((a, b) => order.indexOf(a) - order.indexOf(b));
      const excluded = second && !(way === 'delegate' && second === 'directResponse') ? [second] : [];
      if (way === 'redirect' || way === 'directResponse')
        excluded.push(...['fault', 'rewrite'].filter((field) => http.at(field).isSet));
      for (const field of excluded) {
        yield finding(
          http.entry(field)!.key,
          l10n.t(
            '"{0}" excludes "{1}" in one rule: Istio refuses both together. Keep one, or make two rules.',
            way,
            field,
          ),
        );
      }
    }
  },
});

/** What says most about a rule's purpose comes first: it excludes the others. */
const order = ['delegate', 'redirect', 'directResponse', 'route'];

function isGiven(value: Located): boolean {
  return value.isSet && (value.type !== 'list' || value.items.length > 0);
}
