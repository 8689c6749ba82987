import * as l10n from '@vscode/l10n';
import { defineRule, finding } from '../../rule.ts';
import { exportScopes, isSeenBy } from '../export-scopes.ts';
import { findGatewayProxies, GatewayIndex, qualifiedGateway } from '../gateways.ts';
import { PodIndex } from '../pods.ts';

/** Whom a VirtualService is exported to is where the gateway's pods run, not where the Gateway resource lies. */
export const hiddenFromGateway = defineRule({
  id: 'virtual-service/hidden-from-gateway',
  code: 'ML0214',
  severity: 'error',
  docs: 'https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService',
  why: 'A gateway takes the VirtualServices that are exported to the namespace its pods run in. With exportTo of the own namespace alone it answers 404, even when the Gateway resource lies in that namespace.',
  reads: ['VirtualService', 'Gateway', 'AnyPod'],
  subject: ['VirtualService'],
  *check({ VirtualService, Gateway, AnyPod }, context) {
    const gateways = new GatewayIndex(Gateway, [], context);
    const pods = new PodIndex(AnyPod);
    for (const virtualService of VirtualService) {
      const { spec, namespace } = virtualService;
      const exportTo = spec.at('exportTo');
      if (exportTo.items.length === 0) continue;
      const scopes = exportScopes(virtualService);
      for (const { string } of spec.at('gateways').items) {
        const name = string && string !== 'mesh' ? qualifiedGateway(string, namespace) : '';
        const gateway = gateways.get(name);
        const proxies = gateway && findGatewayProxies(gateway, pods, context);
        if (!proxies || proxies.namespaces.some((home) => isSeenBy(scopes, home))) continue;
        // That it runs in the root namespace is an assumption then: any other namespace in exportTo may be its home.
        const isGuess = proxies.pods.length === 0;
        if (isGuess && [...scopes].some((scope) => scope !== namespace)) continue;
        yield finding(
          exportTo,
          l10n.t(
            'The proxies of gateway {0} run in namespace {1}, which does not see this VirtualService: they answer 404. Add {1} to exportTo.',
            name,
            proxies.namespaces.join(', '),
          ),
          {
            related: [{ at: gateway.metadata.at('name'), message: l10n.t('The gateway') }],
            ...(isGuess && { severity: 'warning' }),
          },
        );
        break;
      }
    }
  },
});
