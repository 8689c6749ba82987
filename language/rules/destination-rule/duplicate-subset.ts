import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import type { Located } from '../../located.ts';

/** Two subsets of one name would be one Envoy cluster with two definitions: Istio refuses the whole DestinationRule. */
export const duplicateSubset = defineRule({
  id: 'destination-rule/duplicate-subset',
  code: 'IST0106',
  severity: 'error',
  docs: istioDocs('IST0106'),
  why: 'Every subset of a DestinationRule becomes an Envoy cluster named after it, so Istio refuses two of one name.',
  reads: ['DestinationRule'],
  scope: 'resource',
  *check({ DestinationRule }) {
    for (const { spec } of DestinationRule) {
      const seen = new Map<string, Located>();
      for (const subset of spec.at('subsets').items) {
        const name = subset.at('name');
        if (!name.string) continue;
        const first = seen.get(name.string);
        if (!first) seen.set(name.string, name);
        else {
          yield finding(
            name,
            l10n.t(
              'Subset "{0}" is defined twice: Istio refuses the whole DestinationRule. Give each subset its own name.',
              name.string,
            ),
            {
              related: [{ at: first, message: l10n.t('First defined here') }],
            },
          );
        }
      }
    }
  },
});
