import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';

/** Traffic to unknown hosts by way of one proxy: a route of a VirtualService can do it, and for known hosts. */
export const deprecatedEgressProxy = defineRule({
  id: 'sidecar/deprecated-egress-proxy',
  code: 'IST0002',
  severity: 'warning',
  docs: istioDocs('IST0002'),
  why: 'outboundTrafficPolicy.egressProxy of a Sidecar is deprecated.',
  reads: ['Sidecar'],
  scope: 'resource',
  *check({ Sidecar }) {
    for (const { spec } of Sidecar) {
      const proxy = spec.at('outboundTrafficPolicy', 'egressProxy');
      if (!proxy.isSet) continue;
      yield finding(
        proxy,
        l10n.t('egressProxy is deprecated. Route through an egress gateway with a VirtualService instead.'),
      );
    }
  },
});
