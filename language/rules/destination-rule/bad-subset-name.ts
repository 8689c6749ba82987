import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isDnsLabel } from '../values/hosts.ts';

/** The name becomes a part of the name of an Envoy cluster. */
export const badSubsetName = defineRefusal('DestinationRule', {
  id: 'destination-rule/bad-subset-name',
  why: 'The name of a subset becomes a part of the name of an Envoy cluster, so it is a DNS label; Istio refuses dots, underscores and an empty name.',
  *check({ spec }) {
    for (const name of spec.at('subsets').items.map((subset) => subset.at('name'))) {
      if (name.string === undefined || isDnsLabel(name.string)) continue;
      yield finding(
        name,
        l10n.t(
          '"{0}" cannot be a subset: letters, digits and "-" may be in its name, at most 63. Istio refuses it.',
          name.string,
        ),
      );
    }
  },
});
