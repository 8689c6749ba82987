import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

const lists = [
  ['from', 'source'],
  ['to', 'operation'],
] as const;

/** A rule that says "from somebody" or "to something" must say who and what: an empty entry would be true for everything. */
export const emptyPart = defineRefusal('AuthorizationPolicy', {
  id: 'authorization-policy/empty-part',
  why: 'An entry of "from" names a source that says something, and one of "to" an operation: Istio refuses empty ones, which would be true for every request.',
  *check({ spec, incomplete }) {
    if (incomplete) return;
    for (const rule of spec.at('rules').items) {
      for (const [list, part] of lists) {
        for (const item of rule.at(list).items) {
          const value = item.at(part);
          if (item.type !== 'map' || (value.isSet && value.type !== 'map')) continue;
          // An empty list says nothing; what is no list is another rule's.
          if (
            value.entries.some(
              (entry) => entry.value.isSet && !(entry.value.type === 'list' && entry.value.items.length === 0),
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
