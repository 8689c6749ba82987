import * as l10n from '@vscode/l10n';
import { replaceValue } from '../../edits.ts';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { trafficPolicies } from './policies.ts';

/** `configmap://shop/ca`: what holds the CA is read in the namespace of the DestinationRule only. */
const configMap = /^(configmap:\/\/)([^/]*)\/(.+)$/;

export const credentialOfOtherNamespace = defineRefusal('DestinationRule', {
  id: 'destination-rule/credential-of-other-namespace',
  why: 'A CA in a ConfigMap (configmap://namespace/name) is read in the namespace of the DestinationRule; Istio refuses to reach into others.',
  *check({ spec, metadata }) {
    const own = metadata.at('namespace').string;
    if (!own) return;
    for (const { policy } of trafficPolicies(spec)) {
      const credential = policy.at('tls', 'credentialName');
      const [, scheme = '', namespace, name = ''] = configMap.exec(credential.string ?? '') ?? [];
      if (!namespace || namespace === own) continue;
      const better = JSON.stringify(`${scheme}${own}/${name}`);
      yield finding(
        credential,
        l10n.t(
          'The ConfigMap is in namespace "{0}", but this DestinationRule is in "{1}": Istio refuses to read it there. Keep a copy in "{1}".',
          namespace,
          own,
        ),
        {
          fixes: [{ title: l10n.t('Change to namespace "{0}"', own), edits: () => replaceValue(credential, better) }],
        },
      );
    }
  },
});
