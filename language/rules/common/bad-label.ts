import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isLabelValue, isLabelName } from '../values/labels.ts';

/** Labels that no pod can have, because Kubernetes takes no such label: they would select nobody. */
export const badLabel = defineRefusal(
  ['VirtualService', 'DestinationRule', 'ServiceEntry', 'WorkloadEntry', 'WorkloadGroup'],
  {
    id: 'common/bad-label',
    why: 'Kubernetes takes no label of this form, so no pod can have it, and Istio refuses it.',
    *check({ spec }) {
      for (const { key, value } of labelMaps(spec).flatMap(({ entries }) => entries)) {
        const name = String(key.value ?? '');
        if (!isLabelName(name))
          yield finding(key, l10n.t('"{0}" is no name of a label: no pod can have it, and Istio refuses it.', name));
        else if (value.string !== undefined && !isLabelValue(value.string))
          yield finding(
            value,
            l10n.t(
              '"{0}" is no value of a label: up to 63 letters, digits, "-", "_" and "." may be in it. Istio refuses it.',
              value.string,
            ),
          );
      }
    },
  },
);

function labelMaps(spec: Located): Located[] {
  const matches = ['http', 'tls', 'tcp'].flatMap((protocol) =>
    spec.at(protocol).items.flatMap((rule) => rule.at('match').items.map((match) => match.at('sourceLabels'))),
  );
  const ofWorkload = [spec.at('labels'), spec.at('metadata', 'labels')];
  return [
    ...matches,
    ...ofWorkload,
    ...[...spec.at('subsets').items, ...spec.at('endpoints').items].map((item) => item.at('labels')),
  ];
}
