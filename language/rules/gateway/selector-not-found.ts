import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { findGatewayProxies } from '../gateways.ts';
import { PodIndex, printLabels } from '../pods.ts';

/** Its proxies usually are another team's, in another namespace: only who has all files can say that there are none. */
export const gatewaySelectorNotFound = defineRule({
  id: 'gateway/selector-not-found',
  code: 'IST0101',
  severity: 'error',
  docs: istioDocs('IST0101'),
  why: 'A Gateway whose selector matches no pod configures no proxy. Reported in strict mode and with a cluster; the ingress gateway of a default installation (istio: ingressgateway) counts as there.',
  reads: ['Gateway', 'AnyPod'],
  subject: ['Gateway'],
  *check({ Gateway, AnyPod }, context) {
    if (!context.knowsAll('AnyPod')) return;
    const pods = new PodIndex(AnyPod);
    for (const gateway of Gateway) {
      const selector = gateway.spec.at('selector');
      if (selector.entries.length === 0 || findGatewayProxies(gateway, pods, context)) continue;
      yield finding(
        selector,
        l10n.t(
          'No pod has the labels {0}: Gateway {1} configures no proxy, and nobody gets in. Compare them with the labels of the gateway pods.',
          printLabels(selector.strings),
          gateway.name,
        ),
        { refType: 'selector' },
      );
    }
  },
});
