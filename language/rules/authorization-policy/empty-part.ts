import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** A rule that says "from somebody" or "to something" must say who and what: an empty list would be true for everything. */
export const emptyPart = defineRefusal('AuthorizationPolicy', {
  id: 'authorization-policy/empty-part',
  why: 'from and to are lists of sources and operations that say something: Istio refuses empty ones, which would be true for every request.',
  *check({ spec }) {
    for (const rule of spec.at('rules').items) {
      for (const [list, part] of [
        ['from', 'source'],
        ['to', 'operation'],
      ] as const) {
        const entries = rule.at(list);
        if (entries.type === 'list' && entries.items.length === 0)
          yield finding(
            entries,
            l10n.t('"{0}" is empty: Istio refuses it. Add a "{1}", or remove it to mean every request.', list, part),
          );
        for (const item of entries.items) {
          const value = item.at(part);
          if (item.type !== 'map' || (value.isSet && value.type !== 'map')) continue;
          if (
            value.entries.some(
              (entry) => entry.value.isSet && (entry.value.type !== 'list' || entry.value.items.length > 0),
            )
          )
            continue;
          yield finding(
            value.exists ? value : item,
            l10n.t(
              'This "{0}" says nothing: Istio refuses it. Add a condition, or remove "{1}" to mean every request.',
              part,
              list,
            ),
          );
        }
      }
    }
  },
});
