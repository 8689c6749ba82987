import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { isAmbient, isAmbientNamespace, namespacesByName } from '../in-mesh.ts';
import { PodIndex } from '../pods.ts';

/** Ambient pods have no proxy of their own that a Sidecar could configure. */
export const ineffectiveSidecar = defineRule({
  id: 'sidecar/ineffective-in-ambient',
  code: 'IST0167',
  severity: 'warning',
  docs: istioDocs('IST0167'),
  why: 'A Sidecar configures the proxies beside the pods. Pods of the ambient mesh have none, so it is without effect there.',
  reads: ['Sidecar', 'AnyPod', 'Namespace'],
  subject: ['Sidecar'],
  *check({ Sidecar, AnyPod, Namespace }) {
    if (Sidecar.length === 0) return;
    const namespaces = namespacesByName(Namespace);
    const pods = new PodIndex(AnyPod);
    for (const { spec, metadata, namespace, name, incomplete } of Sidecar) {
      if (incomplete) continue;
      const home = namespaces.get(namespace);
      const labels = spec.at('workloadSelector', 'labels');
      if (!spec.at('workloadSelector').isSet) {
        if (!isAmbientNamespace(home)) continue;
        yield finding(
          metadata.at('name'),
          l10n.t(
            'Namespace {0} is in the ambient mesh, where pods have no sidecar: {1} configures nothing. Use a waypoint.',
            namespace,
            name,
          ),
        );
      } else if (labels.entries.length > 0) {
        const ambient = pods.matching(labels.strings, namespace).find((pod) => isAmbient(pod, home));
        if (!ambient) continue;
        yield finding(
          labels,
          l10n.t(
            '{0} is in the ambient mesh and has no sidecar: {1} configures nothing there. Use a waypoint.',
            ambient.name,
            name,
          ),
        );
      }
    }
  },
});
