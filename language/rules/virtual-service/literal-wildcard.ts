import * as l10n from '@vscode/l10n';
import { rename } from '../../edits.ts';
import { defineRule, finding } from '../../rule.ts';
import { stringMatches } from './string-matches.ts';

/** `prefix: /api/*` reads as "everything below /api" and matches nothing but paths with an asterisk in them. */
export const literalWildcard = defineRule({
  id: 'virtual-service/literal-wildcard',
  code: 'ML0216',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/reference/config/networking/virtual-service/#StringMatch',
  why: 'exact and prefix compare letter by letter, * included: prefix "/api/*" takes no request for /api/users. A prefix needs no *, and a pattern is what regex is for.',
  reads: ['VirtualService'],
  scope: 'resource',
  *check({ VirtualService }) {
    for (const { spec } of VirtualService) {
      for (const { field, match } of stringMatches(spec)) {
        if (field !== 'uri' && field !== 'authority') continue;
        for (const how of ['exact', 'prefix']) {
          const value = match.at(how);
          const text = value.string;
          // `OPTIONS *` asks for no path but for the server.
          if (!text?.includes('*') || text === '*') continue;
          const meant = how === 'prefix' ? /^(\/[^*]*?)\.?\*+$/.exec(text)?.[1] : undefined;
          yield finding(
            value,
            l10n.t(
              '"{0}" compares letter by letter, and "*" is an asterisk to it: "{1}" takes nothing else. Use prefix without "*", or regex.',
              how,
              text,
            ),
            meant
              ? {
                  fixes: [
                    {
                      title: l10n.t('Change to prefix {0}', meant),
                      preferred: true,
                      edits: () => rename(value, meant),
                    },
                  ],
                }
              : {},
          );
        }
      }
    }
  },
});
