import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** A Sidecar without anything would be the default written twice. */
export const saysNothing = defineRefusal('Sidecar', {
  id: 'sidecar/says-nothing',
  why: 'A Sidecar sets ingress, egress, the policy for other outbound traffic or a connection pool: Istio refuses one that sets nothing.',
  *check({ spec, root, incomplete }) {
    if (incomplete || (spec.isSet && spec.type !== 'map')) return;
    const says = spec.entries.some(
      ({ key, value }) =>
        key.value !== 'workloadSelector' && value.isSet && (value.type !== 'list' || value.items.length > 0),
    );
    if (!says)
      yield finding(
        spec.exists ? spec : root.at('kind'),
        l10n.t('This Sidecar sets nothing: Istio refuses it. Add "egress", "ingress" or "outboundTrafficPolicy".'),
      );
  },
});
