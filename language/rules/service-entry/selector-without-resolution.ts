import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';

/** With resolution NONE nobody asks for the workloads that the selector finds. */
export const selectorWithoutResolution = defineWarning('ServiceEntry', {
  id: 'service-entry/selector-without-resolution',
  why: 'With resolution NONE (the default) traffic goes where the client sent it, so the workloads of workloadSelector are not used. Istio warns.',
  *check({ spec, incomplete }) {
    const selector = spec.entry('workloadSelector');
    const resolution = spec.at('resolution');
    if (!selector?.value.isSet || (resolution.isSet ? resolution.string !== 'NONE' : incomplete)) return;
    yield finding(
      selector.key,
      l10n.t(
        'With resolution NONE (the default) the workloads that "workloadSelector" finds are not used. Set "resolution" to STATIC.',
      ),
    );
  },
});
