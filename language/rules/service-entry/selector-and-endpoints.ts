import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** Where the service runs is either found by labels or written down. */
export const selectorAndEndpoints = defineRefusal('ServiceEntry', {
  id: 'service-entry/selector-and-endpoints',
  why: 'The endpoints of a ServiceEntry are found by workloadSelector or written down; Istio refuses both together.',
  *check({ spec }) {
    const selector = spec.entry('workloadSelector');
    if (!selector?.value.isSet || !spec.at('endpoints').isSet) return;
    yield finding(
      selector.key,
      l10n.t('"workloadSelector" excludes "endpoints": Istio refuses both together. Keep one.'),
    );
  },
});
