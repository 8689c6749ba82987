import * as l10n from '@vscode/l10n';
import type { Located } from '../../located.ts';
import { lookUp } from '../../lookup.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import type { RuleContext } from '../../rule.ts';
import { destinations } from './destinations.ts';
import type { Destination } from './destinations.ts';
import { isOther } from '../other.ts';

function subsetRoutes(virtualService: Resource, context: Pick<RuleContext, 'clusterDomain'>): Destination[] {
  return destinations([virtualService], context).filter(
    ({ isMirror, destination }) => !isMirror && destination.at('subset').string,
  );
}

const hostsWithSubset = (virtualService: Resource, clusterDomain: string) =>
  subsetRoutes(virtualService, { clusterDomain }).map(({ fullHost }) => fullHost);

/** Traffic takes one VirtualService, that of the host it was sent to: a second one for the destination is not asked. */
export const subsetNotForGateway = defineRule({
  id: 'virtual-service/subset-not-for-gateway',
  code: 'IST0140',
  severity: 'warning',
  docs: istioDocs('IST0140'),
  why: 'A gateway that routes to a host without subset sends to all of its pods: subsets that another VirtualService sets for that host only hold for calls from within the mesh.',
  reads: ['VirtualService'],
  subject: ['VirtualService'],
  *check({ VirtualService }, context) {
    const withSubset = lookUp(VirtualService, hostsWithSubset, context);
    for (const { virtualService, destination, host, fullHost, isMirror } of destinations(VirtualService, context)) {
      if (isMirror || destination.at('subset').string || virtualService.spec.at('gateways').items.length === 0)
        continue;
      if (!isOfHttp(virtualService, destination)) continue;
      const rival = withSubset.get(fullHost).find((one) => isOther(virtualService, one));
      const other = rival && subsetRoutes(rival, context).find((one) => one.fullHost === fullHost);
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

/** Istio looks at the http routes of the gateway only. */
function isOfHttp({ spec }: Resource, destination: Located): boolean {
  return spec
    .at('http')
    .items.some((http) => http.at('route').items.some((route) => route.at('destination') === destination));
}
