import * as l10n from '@vscode/l10n';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import { hostCovers } from '../../hosts.ts';
import { rememberPerResource } from '../../remember.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { GatewayIndex, isInternalGateway, qualifiedGateway } from '../gateways.ts';

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
  subject: ['VirtualService'],
  *check({ VirtualService, Gateway, K8sGateway }, context) {
    const gateways = new GatewayIndex(Gateway, K8sGateway, context);
    for (const { spec, namespace } of VirtualService) {
      const hosts = spec.at('hosts').items.flatMap(({ string }) => string ?? []);
      if (hosts.length === 0) continue;
      for (const at of spec.at('gateways').items) {
        if (!at.string || at.string === 'mesh') continue;
        const wanted = qualifiedGateway(at.string, namespace);
        if (isInternalGateway(wanted)) continue;
        const isThere = gateways.has(wanted);
        if (!isThere && !context.knowsAll('Gateway', 'K8sGateway')) continue;
        const meant = isThere ? wanted : findMeant(wanted, gateways);
        // A server that is still to get its hosts may get this one.
        const served = meant === undefined ? [] : gateways.tell(meant, servedHosts);
        if (!served || hosts.some((host) => isServed(host, namespace, served))) continue;
        const gateway = meant === undefined ? undefined : gateways.get(meant);
        yield finding(at, describe(hosts, wanted, gateway, served), {
          related: gateway ? [{ at: gateway.metadata.at('name'), message: l10n.t('The gateway') }] : [],
        });
      }
    }
  },
});

/** Plain data: whoever asks is asked again only when they change. Undefined while they are still to be written. */
function servedHosts(gateways: readonly Resource[]): GatewayHost[] | undefined {
  const gateway = gateways.at(-1);
  return !gateway || gateway.incomplete || isHalfWritten(gateway) ? undefined : gatewayHosts(gateway, '');
}

function findMeant(wanted: string, gateways: GatewayIndex): string | undefined {
  return findNearMiss(wanted, gateways.namesIn(wanted.slice(0, wanted.indexOf('/'))));
}

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
