import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { dropField } from '../drop-field.ts';

/** An empty selector selects everything, which is seldom what one who wrote it had in mind. */
export const selectorWithoutLabels = defineWarning('DestinationRule', {
  id: 'destination-rule/selector-without-labels',
  why: 'A workloadSelector without labels selects every workload of the namespace. Istio takes it and warns.',
  *check({ spec }) {
    const entry = spec.entry('workloadSelector');
    if (entry?.value.type !== 'map' || entry.value.at('matchLabels').entries.length > 0) return;
    yield finding(
      entry.key,
      l10n.t(
        '"{0}" has no labels, so it selects every workload. Add labels, or remove it to say so plainly.',
        'workloadSelector',
      ),
      { fixes: [dropField(spec, 'workloadSelector')] },
    );
  },
});
