import * as l10n from '@vscode/l10n';
import { removeEntry, replaceValue } from '../../edits.ts';
import type { QuickFix } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';

/** It only knows whole percents; `percentage` took its place. */
export const deprecatedDelayPercent = defineRule({
  id: 'virtual-service/deprecated-delay-percent',
  code: 'IST0002',
  severity: 'warning',
  docs: istioDocs('IST0002'),
  why: 'fault.delay.percent is deprecated: percentage.value says the same, also in fractions.',
  reads: ['VirtualService'],
  scope: 'resource',
  *check({ VirtualService }) {
    for (const http of VirtualService.flatMap(({ spec }) => spec.at('http').items)) {
      const percent = http.at('fault', 'delay', 'percent');
      if (!((percent.number ?? 0) > 0)) continue;
      yield finding(
        percent.key ?? percent,
        l10n.t('delay.percent is deprecated. Write percentage: value: {0}', percent.text),
        { fixes: [modernize(http.at('fault', 'delay'), percent)] },
      );
    }
  },
});

/** `percentage` beside it already decides. */
function modernize(delay: Located, percent: Located): QuickFix {
  if (delay.at('percentage').exists)
    return { title: l10n.t('Remove "{0}"', 'percent'), preferred: true, edits: () => removeEntry(delay, 'percent') };
  const better = `{ value: ${percent.text} }`;
  return {
    title: l10n.t('Write it as "percentage"'),
    preferred: true,
    edits: () => [...replaceValue(percent.key!, 'percentage'), ...replaceValue(percent, better)],
  };
}
