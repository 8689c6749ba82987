import * as l10n from '@vscode/l10n';
import { fullHost } from '../../hosts.ts';
import type { Located } from '../../located.ts';
import { lookUp } from '../../lookup.ts';
import { rememberPerResource } from '../../remember.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { exportScopes, scopesOverlap } from '../export-scopes.ts';
import type { Scopes } from '../export-scopes.ts';
import { firstFew, printNames } from '../pods.ts';
import { isOther } from '../other.ts';

interface MeshHost {
  virtualService: Resource;
  at: Located;
  host: string;
  scopes: Scopes;
}

const meshHosts = rememberPerResource((virtualService, clusterDomain): MeshHost[] => {
  const { spec, namespace } = virtualService;
  const gateways = spec.at('gateways').items;
  if (gateways.length > 0 && !gateways.some(({ string }) => string === 'mesh')) return [];
  const scopes = exportScopes(virtualService);
  return spec
    .at('hosts')
    .items.flatMap((at): MeshHost[] =>
      at.string ? [{ virtualService, at, host: fullHost(at.string, namespace, clusterDomain), scopes }] : [],
    );
});

const hostNames = (virtualService: Resource, clusterDomain: string) =>
  meshHosts(virtualService, clusterDomain).map(({ host }) => host);

/** Sidecars get one VirtualService per host, the oldest: the routes of the others are not merged but lost. */
export const conflictingMeshHosts = defineRule({
  id: 'virtual-service/conflicting-mesh-hosts',
  code: 'IST0109',
  severity: 'error',
  docs: istioDocs('IST0109'),
  why: 'For traffic inside of the mesh one VirtualService counts per host. Of two that a sidecar sees, the routes of one are lost, and which one is not defined.',
  reads: ['VirtualService'],
  subject: ['VirtualService'],
  *check({ VirtualService }, { clusterDomain }) {
    const sameHost = lookUp(VirtualService, hostNames, { clusterDomain });
    for (const virtualService of VirtualService) {
      for (const one of meshHosts(virtualService, clusterDomain)) {
        const others = sameHost
          .get(one.host)
          .flatMap((other) => (isOther(virtualService, other) ? meshHosts(other, clusterDomain) : []))
          .filter((other) => other.host === one.host && scopesOverlap(other.scopes, one.scopes));
        if (others.length === 0) continue;
        yield finding(
          one.at,
          l10n.t(
            '{0} also defines routes for {1} in the mesh: sidecars take one VirtualService per host, the routes of the other are lost. Merge them, or narrow exportTo.',
            printNames(others.map(({ virtualService }) => virtualService)),
            one.host,
          ),
          { related: firstFew(others).map(({ at }) => ({ at, message: l10n.t('The same host') })) },
        );
      }
    }
  },
});
