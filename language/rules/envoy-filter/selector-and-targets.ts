import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** Either the workloads of a selector, or those that serve a target. */
export const selectorAndTargets = defineRefusal('EnvoyFilter', {
  id: 'envoy-filter/selector-and-targets',
  why: 'An EnvoyFilter is for the workloads of workloadSelector or for what targetRefs name; Istio refuses both together.',
  *check({ spec }) {
    const targets = spec.entry('targetRefs');
    if (!targets?.value.isSet || !spec.at('workloadSelector').isSet) return;
    yield finding(
      targets.key,
      l10n.t('"targetRefs" excludes "workloadSelector": Istio refuses both together. Keep one.'),
    );
  },
});
