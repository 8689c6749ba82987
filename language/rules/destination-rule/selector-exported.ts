import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** A workload selector names workloads of the own namespace; the proxies of other namespaces never match it. */
export const selectorExported = defineRefusal('DestinationRule', {
  id: 'destination-rule/selector-exported',
  why: 'A DestinationRule with a workloadSelector is for workloads of its own namespace, so Istio refuses to export it to others.',
  *check({ spec, metadata }) {
    if (!spec.at('workloadSelector').isSet) return;
    for (const entry of spec.at('exportTo').items) {
      // Without a namespace of its own in the text, only what can be no single namespace is surely a foreign one.
      const own = metadata.at('namespace').string;
      if (!entry.string || entry.string === '.' || (entry.string !== '*' && (!own || entry.string === own))) continue;
      yield finding(
        entry,
        l10n.t(
          'This DestinationRule is for selected workloads of its own namespace: Istio refuses to export it to "{0}". Use "." or remove exportTo.',
          entry.string,
        ),
      );
    }
  },
});
