import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { matchedRouteLists } from './covering-matches.ts';
import type { MatchedRoute } from './covering-matches.ts';

/** Envoy tries routes from the top and takes the first that matches: what stands below one that takes everything is dead. */
export const unreachableRoute = defineRule({
  id: 'virtual-service/unreachable-route',
  code: 'IST0130',
  severity: 'warning',
  docs: istioDocs('IST0130'),
  why: 'Routes are tried in order. One below a route without match, or whose matches all occur in earlier routes, is never reached.',
  reads: ['VirtualService'],
  scope: 'resource',
  *check({ VirtualService }) {
    for (const virtualService of VirtualService) {
      for (const { routes } of matchedRouteLists(virtualService)) yield* unreachable(routes);
    }
  },
});

function* unreachable(routes: MatchedRoute[]) {
  const seen = new Set<string>();
  let takesAll: MatchedRoute | undefined;
  for (const one of routes) {
    if (takesAll) {
      yield finding(
        one.route,
        l10n.t(
          'This route is never reached: {0} above it has no match and takes everything. Only the last route can do without.',
          takesAll.label,
        ),
        { related: [{ at: takesAll.route, message: l10n.t('Takes everything') }] },
      );
    } else if (one.matches.length > 0 && one.matches.every(({ text }) => seen.has(text))) {
      yield finding(
        one.route,
        l10n.t(
          'This route is never reached: routes above it match the same requests. Remove it, or match differently.',
        ),
      );
    }
    if (one.matches.length === 0) takesAll ??= one;
    for (const { text } of one.matches) seen.add(text);
  }
}
