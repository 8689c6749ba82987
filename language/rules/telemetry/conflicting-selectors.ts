import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { firstFew, PodIndex, printNames } from '../pods.ts';
import { findRivals } from '../workload-selectors.ts';

/** Of several Telemetries for one workload only the oldest is used. */
export const conflictingTelemetries = defineRule({
  id: 'telemetry/conflicting-selectors',
  code: 'IST0159',
  severity: 'error',
  docs: istioDocs('IST0159'),
  why: 'A workload that two Telemetries of its namespace select follows one of them only; the other is without effect there.',
  reads: ['Telemetry', 'AnyPod'],
  subject: ['Telemetry'],
  *check({ Telemetry, AnyPod }) {
    for (const { one, rivals, pod } of findRivals(Telemetry, ['selector', 'matchLabels'], new PodIndex(AnyPod))) {
      const others = rivals.map(({ resource }) => resource);
      yield finding(
        one.at,
        l10n.t(
          'The pods of {0} are also selected by {1}: a workload follows one Telemetry only. Merge them, or make the selectors exclude each other.',
          pod.name,
          printNames(others),
        ),
        { related: firstFew(rivals).map(({ at }) => ({ at, message: l10n.t('Selects them, too') })) },
      );
    }
  },
});
