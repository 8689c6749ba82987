import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { matchedRouteLists, PrefixMatches } from './covering-matches.ts';
import type { MatchedRoute } from './covering-matches.ts';

/** The first match takes the request; saying the same again, or a part of it, changes nothing. */
export const ineffectiveMatch = defineRule({
  id: 'virtual-service/ineffective-match',
  code: 'IST0131',
  severity: 'info',
  docs: istioDocs('IST0131'),
  why: 'A match that repeats an earlier one, or whose URI prefix lies within that of an earlier one with the same other conditions, never decides anything.',
  reads: ['VirtualService'],
  scope: 'resource',
  *check({ VirtualService }) {
    for (const virtualService of VirtualService) {
      for (const { isHttp, routes } of matchedRouteLists(virtualService)) yield* ineffective(routes, isHttp);
    }
  },
});

function* ineffective(routes: MatchedRoute[], isHttp: boolean) {
  const seen = new Map<string, { at: MatchedRoute['route']; label: string }>();
  const prefixes = new PrefixMatches<{ at: MatchedRoute['route']; label: string }>();
  for (const { label, matches } of routes) {
    for (const { at, text } of matches) {
      const earlier = seen.get(text) ?? prefixes.findCovering(at);
      if (earlier) {
        yield finding(
          at,
          l10n.t('This match never decides anything: one of {0} already takes these requests.', earlier.label),
          { related: [{ at: earlier.at, message: l10n.t('Takes them before') }] },
        );
        continue;
      }
      seen.set(text, { at, label });
      if (isHttp) prefixes.add(at, { at, label });
    }
  }
}
