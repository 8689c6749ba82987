import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** Shares of the requests: from 0 to 100, and for faults not finer than Envoy's millionths. */
export const badPercentage = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-percentage',
  why: 'A percentage is 0 to 100; the percentage of a fault is 0, or 0.0001 to 100, since Envoy counts in millionths. Istio refuses the rest.',
  *check({ spec }) {
    for (const http of spec.at('http').items) {
      const faults = [
        http.at('fault', 'abort', 'percentage', 'value'),
        http.at('fault', 'delay', 'percentage', 'value'),
      ];
      const others = [
        http.at('fault', 'delay', 'percent'),
        http.at('mirrorPercentage', 'value'),
        http.at('mirrorPercent'),
        http.at('mirror_percent'),
        ...http.at('mirrors').items.map((mirror) => mirror.at('percentage', 'value')),
      ];
      for (const value of [...faults, ...others]) {
        const number = value.number ?? 0;
        if (number < 0 || number > 100)
          yield finding(value, l10n.t('{0} is no percentage: Istio takes 0 to 100.', value.text));
        else if (faults.includes(value) && number > 0 && number < 0.0001)
          yield finding(
            value,
            l10n.t('{0} is too small for a fault: the least percentage above 0 is 0.0001.', value.text),
          );
      }
    }
  },
});
