import * as l10n from '@vscode/l10n';
import { rename } from '../../edits.ts';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { GatewayIndex, isInternalGateway, qualifiedGateway } from '../gateways.ts';

/**
 * The routes of a VirtualService reach only the proxies of the gateways it names (and the sidecars when it names `mesh` or
 * none). A gateway that is not there gets none of them: from outside, the host answers 404.
 */
export const gatewayNotFound = defineRule({
  id: 'virtual-service/gateway-not-found',
  code: 'IST0101',
  severity: 'error',
  docs: istioDocs('IST0101'),
  why: 'A VirtualService that names a gateway that does not exist is programmed nowhere for it: from outside, its hosts answer 404.',
  reads: ['VirtualService', 'Gateway', 'K8sGateway'],
  subject: ['VirtualService'],
  *check({ VirtualService, Gateway, K8sGateway }, context) {
    const gateways = new GatewayIndex(Gateway, K8sGateway, context);
    for (const virtualService of VirtualService) {
      for (const gateway of virtualService.spec.at('gateways').items) {
        if (!gateway.string || gateway.string === 'mesh') continue;
        const wanted = qualifiedGateway(gateway.string, virtualService.namespace);
        // Made by the control plane for a Gateway of the Gateway API; no file ever holds it.
        if (isInternalGateway(wanted) || gateways.has(wanted)) continue;
        const namespace = wanted.slice(0, wanted.indexOf('/'));
        const isForeign = namespace !== virtualService.namespace && !gateways.isIn(namespace);
        if (
          !context.knowsAll('Gateway', 'K8sGateway') &&
          (isForeign || context.mayBeHidden('Gateway') || context.mayBeHidden('K8sGateway'))
        )
          continue;
        // A gateway of the own namespace is offered by its bare name.
        const known = gateways.names();
        const names = known.map((name) =>
          name.startsWith(`${virtualService.namespace}/`) ? name.slice(name.indexOf('/') + 1) : name,
        );
        const meant = findNearMiss(gateway.string, [...names, 'mesh']) ?? findNearMiss(wanted, known);
        const hint = meant ? l10n.t('Did you mean "{0}"?', meant) : l10n.t('Define it, or name one that exists.');
        yield finding(
          gateway,
          `${l10n.t('There is no Gateway "{0}" in namespace {1}: nothing is routed through it.', wanted.slice(namespace.length + 1), namespace)} ${hint}`,
          {
            refType: 'gateway',
            fixes: (meant ? [meant] : names.slice(0, 5)).map((name) => ({
              title: l10n.t('Change to gateway "{0}"', name),
              preferred: name === meant,
              edits: () => rename(gateway, name),
            })),
          },
        );
      }
    }
  },
});
