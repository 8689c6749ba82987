import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';

/** Envoy's tracer is one: it cannot follow several configurations, nor report to several backends. */
export const severalTracings = defineWarning('Telemetry', {
  id: 'telemetry/several-tracings',
  why: 'A proxy traces with one configuration to one provider. Istio takes more and warns: only one of them has an effect.',
  *check({ spec }) {
    const tracings = spec.at('tracing').items;
    for (const tracing of tracings.slice(1))
      yield finding(
        tracing,
        l10n.t('A proxy traces by one entry of "tracing"; Istio does not support several. Put the settings into one.'),
      );
    for (const provider of tracings.flatMap((tracing) => tracing.at('providers').items.slice(1)))
      yield finding(
        provider,
        l10n.t('A proxy reports its spans to one provider; Istio does not support several. Keep one.'),
      );
  },
});
