import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { isAmbient, namespacesByName } from '../in-mesh.ts';
import { firstFew, PodIndex, printNames } from '../pods.ts';
import { findRivals } from '../workload-selectors.ts';

/** A proxy takes one Sidecar: istiod picks the oldest, so the other one is without effect where both select. */
export const conflictingSidecars = defineRule({
  id: 'sidecar/conflicting-selectors',
  code: 'IST0110',
  severity: 'error',
  docs: istioDocs('IST0110'),
  why: 'A pod that two Sidecars of its namespace select is configured by one of them only, and which one is not defined.',
  reads: ['Sidecar', 'AnyPod', 'Namespace'],
  subject: ['Sidecar'],
  *check({ Sidecar, AnyPod, Namespace }) {
    const namespaces = namespacesByName(Namespace);
    const hasSidecar = (pod: (typeof AnyPod)[number]) => !isAmbient(pod, namespaces.get(pod.namespace));
    for (const { one, rivals, pod } of findRivals(
      Sidecar,
      ['workloadSelector', 'labels'],
      new PodIndex(AnyPod),
      hasSidecar,
    )) {
      const others = rivals.map(({ resource }) => resource);
      yield finding(
        one.at,
        l10n.t(
          'The pods of {0} are also selected by {1}: a proxy takes one Sidecar only. Make the selectors exclude each other.',
          pod.name,
          printNames(others),
        ),
        { related: firstFew(rivals).map(({ at }) => ({ at, message: l10n.t('Selects them, too') })) },
      );
    }
  },
});
