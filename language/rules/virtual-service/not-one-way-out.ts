import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { dropField } from '../drop-field.ts';

/** Every HTTP rule sends a request one way: to destinations, elsewhere (redirect), back (directResponse), or to another VirtualService. */
export const notOneWayOut = defineRefusal('VirtualService', {
  id: 'virtual-service/not-one-way-out',
  why: 'An HTTP rule has exactly one of route, redirect, directResponse and delegate; a redirect or a direct response never reaches what fault and rewrite would act on. Istio refuses contradictions.',
  *check({ spec }) {
    for (const http of spec.at('http').items) {
      if (http.type !== 'map') continue;
      const way = ways.find((field) => isGiven(http.at(field)));
      if (way) yield* checkExcluded(http, way);
      else
        yield finding(
          http.at('route').exists ? http.at('route') : http,
          l10n.t('This rule leads nowhere, so Istio refuses it. Add "route", "redirect" or "directResponse".'),
        );
    }
  },
});

/** What says most about a rule's purpose comes first: it excludes the others. */
const ways = ['delegate', 'redirect', 'directResponse', 'route'] as const;

/** Istio lets a rule that delegates answer directly, too: the delegate's rule takes its place. */
const excludedBy: Record<(typeof ways)[number], readonly string[]> = {
  delegate: ['redirect', 'route'],
  redirect: ['directResponse', 'route', 'fault', 'rewrite'],
  directResponse: ['route', 'fault', 'rewrite'],
  route: [],
};

function* checkExcluded(http: Located, way: (typeof ways)[number]): Iterable<Finding> {
  for (const field of excludedBy[way]) {
    if (!isGiven(http.at(field))) continue;
    yield finding(
      http.entry(field)!.key,
      l10n.t('"{0}" excludes "{1}" in one rule: Istio refuses both together. Keep one, or make two rules.', way, field),
      { fixes: [dropField(http, field)] },
    );
  }
}

function isGiven(value: Located): boolean {
  return value.isSet && (value.type !== 'list' || value.items.length > 0);
}
