import * as l10n from '@vscode/l10n';
import { rename } from '../../edits.ts';
import { finding } from '../../finding.ts';
import type { QuickFix } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { dropField } from '../drop-field.ts';
import { trafficPolicies } from './policies.ts';

/** An old counter with two newer ones in its place. */
export const deprecatedConsecutiveErrors = defineWarning('DestinationRule', {
  id: 'destination-rule/deprecated-consecutive-errors',
  why: 'consecutiveErrors is deprecated: consecutive5xxErrors or consecutiveGatewayErrors say which errors count.',
  *check({ spec }) {
    for (const { policy } of trafficPolicies(spec)) {
      const outlier = policy.at('outlierDetection');
      const entry = outlier.entry('consecutiveErrors');
      if (!entry?.value.number) continue;
      yield finding(
        entry.key,
        l10n.t('"consecutiveErrors" is deprecated. Use "consecutive5xxErrors" or "consecutiveGatewayErrors".'),
        { fixes: successors(outlier, entry.key) },
      );
    }
  },
});

/** The newer counters that are free; when one of them counts already, the old one can go. */
function successors(outlier: Located, key: Located): QuickFix[] {
  const names = ['consecutive5xxErrors', 'consecutiveGatewayErrors'];
  const free = names.filter((name) => !outlier.at(name).exists);
  if (free.length < names.length) return [dropField(outlier, 'consecutiveErrors')];
  return free.map((name, index) => ({
    title: l10n.t('Rename to "{0}"', name),
    preferred: index === 0,
    edits: () => rename(key, name),
  }));
}
