import { defineRule, istioDocs } from '../../rule.ts';
import { PodIndex } from '../pods.ts';
import { findSelectingNobody, selecting } from '../workload-selectors.ts';

/** It only applies to pods of its own namespace. Lenient readers believe in absence where other pods of it are at hand. */
export const telemetrySelectorNotFound = defineRule({
  id: 'telemetry/selector-not-found',
  code: 'IST0101',
  severity: 'error',
  docs: istioDocs('IST0101'),
  why: 'A Telemetry whose selector matches no pod of its namespace applies to nothing. In lenient mode it is a warning, and only where other pods of that namespace are at hand.',
  reads: ['Telemetry', 'AnyPod'],
  subject: ['Telemetry'],
  *check({ Telemetry, AnyPod }, context) {
    if (Telemetry.length === 0) return;
    yield* findSelectingNobody(selecting(Telemetry, ['selector', 'matchLabels']), new PodIndex(AnyPod), context);
  },
});
