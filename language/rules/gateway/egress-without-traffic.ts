import * as l10n from '@vscode/l10n';
import { hostCovers } from '../../hosts.ts';
import { lookUp } from '../../lookup.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding } from '../../rule.ts';
import { appliesToMesh } from '../virtual-service/applies-to.ts';
import { destinations } from '../virtual-service/destinations.ts';
import { isEgressGateway } from '../virtual-service/egress-gateways.ts';

/** VirtualServices that send traffic of the mesh to an egress gateway. */
const toEgress = (virtualService: Resource, clusterDomain: string) =>
  appliesToMesh(virtualService.spec) &&
  destinations([virtualService], { clusterDomain }).some(({ fullHost }) => isEgressGateway(fullHost))
    ? ['']
    : [];

/** Nothing goes through an egress gateway by itself: sidecars call the outside host directly. */
export const egressWithoutTraffic = defineRule({
  id: 'gateway/egress-without-traffic',
  code: 'ML0212',
  severity: 'info',
  docs: 'https://istio.io/latest/docs/tasks/traffic-management/egress/egress-gateway/',
  why: 'A server of an egress Gateway is used only when a VirtualService of the mesh sends requests for its host to the gateway. Without one, sidecars call the host directly, past the gateway.',
  reads: ['Gateway', 'VirtualService'],
  subject: ['Gateway'],
  *check({ Gateway, VirtualService }, context) {
    if (context.mayBeHidden('VirtualService')) return;
    for (const gateway of Gateway) {
      const selector = Object.values(gateway.spec.at('selector').strings);
      if (!selector.some((value) => /egress/.test(value))) continue;
      const sent = lookUp(VirtualService, toEgress, context)
        .get('')
        .flatMap(({ spec }) => spec.at('hosts').items.flatMap(({ string }) => string ?? []));
      for (const host of gateway.spec.at('servers').items.flatMap((server) => server.at('hosts').items)) {
        const name = host.string?.split('/').at(-1) ?? '*';
        if (name === '*' || sent.some((one) => hostCovers(one, name) || hostCovers(name, one))) continue;
        yield finding(
          host,
          l10n.t(
            'No VirtualService of the mesh sends requests for {0} to the egress gateway: sidecars call it directly, past {1}. Route it there in a VirtualService for the mesh.',
            name,
            gateway.name,
          ),
        );
      }
    }
  },
});
