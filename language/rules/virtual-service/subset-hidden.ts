import * as l10n from '@vscode/l10n';
import { defineRule, finding } from '../../rule.ts';
import type { RuleContext } from '../../rule.ts';
import type { Resource } from '../../resource.ts';
import { destinationRulesFor, findsRule, hasSubset } from '../destination-rules.ts';
import { findGatewayProxies, GatewayIndex, qualifiedGateway } from '../gateways.ts';
import { PodIndex, printNames } from '../pods.ts';
import { sharedRegistry } from '../shared-registry.ts';
import { appliesToMesh } from './applies-to.ts';
import { destinations } from './destinations.ts';

/** The subset is defined, but the proxy that routes to it does not find the definition: 503, as if there were none. */
export const subsetHidden = defineRule({
  id: 'virtual-service/subset-hidden',
  code: 'ML0204',
  severity: 'error',
  docs: 'https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration',
  why: "A proxy looks for DestinationRules in its own namespace, in that of the service and in the mesh's root namespace, and takes what exportTo lets it see. A subset that is defined elsewhere does not exist for it: a gateway in another namespace answers 503, although the VirtualService and the DestinationRule stand side by side.",
  reads: ['VirtualService', 'DestinationRule', 'Service', 'ServiceEntry', 'Gateway', 'AnyPod'],
  subject: ['VirtualService'],
  *check({ VirtualService, DestinationRule, Service, ServiceEntry, Gateway, AnyPod }, context) {
    const registry = sharedRegistry(Service, ServiceEntry, context);
    const gateways = new GatewayIndex(Gateway, [], context);
    const pods = new PodIndex(AnyPod);
    for (const { virtualService, destination, host, fullHost } of destinations(VirtualService, context)) {
      const subset = destination.at('subset');
      if (!subset.string) continue;
      const rules = destinationRulesFor(DestinationRule, fullHost, context).filter((rule) =>
        hasSubset(rule, subset.string!),
      );
      if (rules.length === 0) continue;
      const home = registry.find(fullHost, virtualService.namespace)?.resource.namespace ?? homeOf(fullHost, context);
      // Of a host outside of the cluster nobody at hand defines, the namespace of its ServiceEntry is unknown.
      if (home === undefined) continue;
      const blind = clientsOf(virtualService, gateways, pods, context).find(
        (client) => !rules.some((rule) => findsRule(rule, client, home, context)),
      );
      if (blind === undefined) continue;
      yield finding(
        subset,
        l10n.t(
          'Proxies in namespace {0} do not find subset "{1}" of {2}: {3} defines it, but they look in {0}, {4} and {5}, and for what is exported to {0}. Requests fail with 503. Move it to {4}, or export it.',
          blind,
          subset.string,
          host.string!,
          printNames(rules),
          home,
          context.rootNamespace,
        ),
        { related: rules.map(({ metadata }) => ({ at: metadata.at('name'), message: l10n.t('Defines the subset') })) },
      );
    }
  },
});

/** Where the proxies are that follow a VirtualService, as far as that is certain. */
function clientsOf(
  { spec, namespace }: Resource,
  gateways: GatewayIndex,
  pods: PodIndex,
  context: RuleContext,
): string[] {
  const ofGateways = spec.at('gateways').items.flatMap(({ string }) => {
    const gateway = string && string !== 'mesh' ? gateways.get(qualifiedGateway(string, namespace)) : undefined;
    return (gateway && findGatewayProxies(gateway, pods, context)?.namespaces) ?? [];
  });
  // Whose requests a VirtualService without hosts gets, the one that delegates to it decides.
  const isDelegate = spec.at('hosts').items.length === 0;
  return [...(appliesToMesh(spec) && !isDelegate ? [namespace] : []), ...ofGateways];
}

/** The namespace that a Kubernetes host names: `reviews.shop.svc.cluster.local`. */
function homeOf(host: string, { clusterDomain }: RuleContext): string | undefined {
  return host.endsWith(`.svc.${clusterDomain}`) ? host.split('.')[1] : undefined;
}
