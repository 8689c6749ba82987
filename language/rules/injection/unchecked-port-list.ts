import * as l10n from '@vscode/l10n';
import { checkAnnotationValue, findCatalogueEntry } from '../../../mesh/injection/annotation-catalogue.ts';
import { defineRule, finding } from '../../rule.ts';
import { stringAt } from './annotated.ts';
import { annotationDocs } from './docs.ts';
import { partOfValue } from './part-of-value.ts';

const name = 'traffic.sidecar.istio.io/includeOutboundPorts';

/** The one port list that the injector does not look at; it goes unread to whoever programs the rules, and fails there. */
export const uncheckedPortList = defineRule({
  id: 'injection/unchecked-port-list',
  code: 'ML0109',
  severity: 'warning',
  docs: annotationDocs,
  why: 'The injector does not check traffic.sidecar.istio.io/includeOutboundPorts. A value that is no list of ports is accepted, and the pod then cannot start: its packet rules cannot be programmed.',
  reads: ['AnyPod'],
  scope: 'resource',
  *check({ AnyPod }) {
    // The same format as includeInboundPorts, which is checked.
    const format = findCatalogueEntry('traffic.sidecar.istio.io/includeInboundPorts', 'annotation')!;
    for (const { metadata } of AnyPod) {
      const value = stringAt(metadata, 'annotations', name);
      const problem = value && checkAnnotationValue(format, value.string!);
      if (!problem) continue;
      const at = problem.at ? partOfValue(value, problem.at.start, problem.at.end) : value;
      yield finding(
        at,
        l10n.t(
          '{0} The injector does not check {1}: the pod is created, and then cannot start, because its packet rules cannot be programmed.',
          problem.message,
          name,
        ),
      );
    }
  },
});
