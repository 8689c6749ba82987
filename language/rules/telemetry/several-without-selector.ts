import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { firstFew } from '../pods.ts';
import { findSeveralWithoutSelector } from '../workload-selectors.ts';

/** As with Sidecars: one without selector is the default of its namespace. */
export const severalDefaultTelemetries = defineRule({
  id: 'telemetry/several-without-selector',
  code: 'IST0160',
  severity: 'error',
  docs: istioDocs('IST0160'),
  why: 'A Telemetry without selector is the default of its namespace. Of several, only the oldest is used.',
  reads: ['Telemetry'],
  subject: ['Telemetry'],
  *check({ Telemetry }) {
    for (const { one, others, names } of findSeveralWithoutSelector(Telemetry, 'selector')) {
      yield finding(
        one.metadata.at('name'),
        l10n.t(
          'Namespace {0} has another Telemetry without selector, {1}: only one of them can be its default. Merge them, or give each a selector.',
          one.namespace,
          names,
        ),
        {
          related: firstFew(others).map(({ metadata }) => ({
            at: metadata.at('name'),
            message: l10n.t('The other one'),
          })),
        },
      );
    }
  },
});
