import * as l10n from '@vscode/l10n';
import { removeEntry } from '../../edits.ts';
import { defineRule, finding } from '../../rule.ts';

/** What arrives at Istio of `from: []` is nothing at all, so the rule is true for every source: more than it looks like. */
export const emptyList = defineRule({
  id: 'authorization-policy/empty-list',
  code: 'ML0130',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/reference/config/security/authorization-policy/#Rule',
  why: 'Istio reads an empty "from", "to" or "when" as if it were not written: the rule is then true for every source, every operation, or always.',
  reads: ['AuthorizationPolicy'],
  scope: 'resource',
  *check({ AuthorizationPolicy }) {
    for (const rule of AuthorizationPolicy.flatMap(({ spec }) => spec.at('rules').items)) {
      for (const field of ['from', 'to', 'when']) {
        const entry = rule.entry(field);
        if (entry?.value.type !== 'list' || entry.value.items.length > 0) continue;
        yield finding(
          entry.key,
          l10n.t(
            'Istio reads an empty "{0}" as if it were not there: the rule does not depend on it. Fill it, or remove it to say so plainly.',
            field,
          ),
          { fixes: [{ title: l10n.t('Remove "{0}"', field), edits: () => removeEntry(rule, field) }] },
        );
      }
    }
  },
});
