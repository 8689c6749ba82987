import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { dropField } from '../drop-field.ts';
import { trafficPolicies } from './policies.ts';

/** The client's protocol cannot be kept and upgraded at once. */
export const upgradeWithClientProtocol = defineRefusal('DestinationRule', {
  id: 'destination-rule/upgrade-with-client-protocol',
  why: 'useClientProtocol keeps the protocol that the client speaks, h2UpgradePolicy UPGRADE changes it to HTTP/2: Istio refuses both together.',
  *check({ spec }) {
    for (const { policy } of trafficPolicies(spec)) {
      const http = policy.at('connectionPool', 'http');
      if (http.at('h2UpgradePolicy').string !== 'UPGRADE' || http.at('useClientProtocol').boolean !== true) continue;
      yield finding(
        http.entry('useClientProtocol')!.key,
        l10n.t('"useClientProtocol" contradicts h2UpgradePolicy UPGRADE: Istio refuses both together. Remove one.'),
        { fixes: [dropField(http, 'useClientProtocol'), dropField(http, 'h2UpgradePolicy')] },
      );
    }
  },
});
