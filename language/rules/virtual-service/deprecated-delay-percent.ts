import * as l10n from '@vscode/l10n';
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
      );
    }
  },
});
