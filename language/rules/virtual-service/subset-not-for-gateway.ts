import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { destinations } from './destinations.ts';
import type { Destination } from './destinations.ts';

/** Traffic takes one VirtualService, that of the host it was sent to: a second one for the destination is not asked. */
export const subsetNotForGateway = defineRule({
  id: 'virtual-service/subset-not-for-gateway',
  code: 'IST0140',
  severity: 'warning',
  docs: istioDocs('IST0140'),
  why: 'A gateway that routes to a host without subset sends to all of its pods: subsets that another VirtualService sets for that host only hold for calls from within the mesh.',
  reads: ['VirtualService'],
  *check({ VirtualService }, context) {
    const all = destinations(VirtualService, context).filter(({ isMirror }) => !isMirror);
    const withSubset = new Map<string, Destination[]>();
    for (const one of all) {
      if (!one.destination.at('subset').string) continue;
      const known = withSubset.get(one.fullHost);
      if (known) known.push(one);
      else withSubset.set(one.fullHost, [one]);
    }
    for (const { virtualService, destination, host, fullHost } of all) {
      const rivals = withSubset.get(fullHost);
      if (!rivals || destination.at('subset').string || virtualService.spec.at('gateways').items.length === 0) continue;
      const other = rivals.find((one) => one.virtualService !== virtualService);
      if (!other) continue;
      yield finding(
        host,
        l10n.t(
          'Requests from the gateway go to all pods of {0}: the subsets in VirtualService {1} only hold within the mesh. Name a subset here, too.',
          host.string!,
          `${other.virtualService.namespace}/${other.virtualService.name}`,
        ),
        { related: [{ at: other.destination.at('subset'), message: l10n.t('The subset that is not used') }] },
      );
    }
  },
});
