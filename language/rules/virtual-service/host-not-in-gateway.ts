import * as l10n from '@vscode/l10n';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import { hostCovers } from '../../hosts.ts';
import { rememberPerResource } from '../../remember.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { isInternalGateway, qualifiedGateway } from '../gateways.ts';
import { groupBy } from '../group-by.ts';

interface GatewayHost {
  /** Whose VirtualServices it takes: a namespace, or `*`. */
  namespace: string;
  host: string;
}

const gatewayHosts = rememberPerResource(({ kind, spec, namespace }): GatewayHost[] =>
  kind === 'K8sGateway'
    ? spec.at('listeners').items.map((listener) => ({ namespace: '*', host: listener.at('hostname').string ?? '*' }))
    : spec
        .at('servers')
        .items.flatMap((server) =>
          server.at('hosts').items.flatMap(({ string }) => (string ? [splitHost(string, namespace)] : [])),
        ),
);

/** A gateway serves the hosts of its servers only; a VirtualService for other hosts adds nothing to it. */
export const hostNotInGateway = defineRule({
  id: 'virtual-service/host-not-in-gateway',
  code: 'IST0132',
  severity: 'warning',
  docs: istioDocs('IST0132'),
  why: "A gateway takes a VirtualService's routes for hosts that one of its servers has, too. Where none does, the VirtualService is without effect there. A misspelt gateway is judged by the one that is meant; one that is missing altogether only in strict mode.",
  reads: ['VirtualService', 'Gateway', 'K8sGateway'],
  *check({ VirtualService, Gateway, K8sGateway }, context) {
    const gateways = [...Gateway, ...K8sGateway];
    const byName = new Map(gateways.map((gateway) => [`${gateway.namespace}/${gateway.name}`, gateway]));
    const names = groupBy(byName.keys(), (name) => name.slice(0, name.indexOf('/') + 1));
    for (const { spec, namespace } of VirtualService) {
      for (const at of spec.at('gateways').items) {
        if (!at.string || at.string === 'mesh') continue;
        const wanted = qualifiedGateway(at.string, namespace);
        if (isInternalGateway(wanted)) continue;
        let gateway = byName.get(wanted);
        if (!gateway) {
          if (!context.knowsAll('Gateway', 'K8sGateway')) continue;
          const home = wanted.slice(0, wanted.indexOf('/') + 1);
          const neighbours = names.get(home) ?? [];
          gateway = byName.get(findNearMiss(wanted, neighbours) ?? '');
        }
        // A server that is still to get its hosts may get this one.
        if (gateway?.incomplete || (gateway && isHalfWritten(gateway))) continue;
        const hosts = spec.at('hosts').items.flatMap(({ string }) => string ?? []);
        const served = gateway ? gatewayHosts(gateway, context.clusterDomain) : [];
        if (hosts.length === 0 || hosts.some((host) => isServed(host, namespace, served))) continue;
        yield finding(at, describe(hosts, wanted, gateway, served), {
          related: gateway ? [{ at: gateway.metadata.at('name'), message: l10n.t('The gateway') }] : [],
        });
      }
    }
  },
});

function describe(hosts: string[], wanted: string, gateway: Resource | undefined, served: GatewayHost[]): string {
  if (!gateway)
    return l10n.t('Gateway {0} is not there, so none of the hosts {1} is served by it.', wanted, hosts.join(', '));
  return l10n.t(
    'Gateway {0} serves none of the hosts {1}: it has {2}. From outside they answer 404. Add one of them to its servers.',
    wanted,
    hosts.join(', '),
    served.map(({ namespace, host }) => `${namespace}/${host}`).join(', '),
  );
}

function isHalfWritten({ kind, spec }: Resource): boolean {
  const servers = spec.at('servers').items;
  return (
    kind === 'Gateway' && (servers.length === 0 || servers.some((server) => server.at('hosts').items.length === 0))
  );
}

function isServed(host: string, namespace: string, served: GatewayHost[]): boolean {
  return served.some(
    (one) =>
      (one.namespace === '*' || one.namespace === namespace) &&
      (hostCovers(one.host, host) || hostCovers(host, one.host)),
  );
}

/** `ns/host`, `./host`, `host` */
function splitHost(text: string, own: string): GatewayHost {
  const slash = text.indexOf('/');
  if (slash === -1) return { namespace: '*', host: text };
  const namespace = text.slice(0, slash);
  return { namespace: namespace === '.' ? own : namespace, host: text.slice(slash + 1) };
}
