import { fullHost, hostCovers } from '../hosts.ts';
import { lookUp } from '../lookup.ts';
import { rememberPerResource } from '../remember.ts';
import type { Resource } from '../resource.ts';
import type { RuleContext } from '../rule.ts';
import { exportScopes, isSeenBy } from './export-scopes.ts';

const wildcard = '*';

/** The host of a DestinationRule in full; empty while it has none. */
export const ruledHost = rememberPerResource(({ spec, namespace }, clusterDomain) => {
  const host = spec.at('host').string;
  return host ? fullHost(host, namespace, clusterDomain) : '';
});
const hostKeys = (rule: Resource, clusterDomain: string) => {
  const host = ruledHost(rule, clusterDomain);
  return host === '' ? [] : [host.startsWith('*') ? wildcard : host];
};

/** The DestinationRules that speak for a host, those for a wildcard that takes it included. */
export function destinationRulesFor(rules: readonly Resource[], host: string, context: RuleContext): Resource[] {
  const byHost = lookUp(rules, hostKeys, context);
  return [...byHost.get(host), ...byHost.get(wildcard)].filter((rule) =>
    hostCovers(ruledHost(rule, context.clusterDomain), host),
  );
}

/**
 * Whether a proxy of the client's namespace finds a DestinationRule for a service. Istio looks in three places only:
 * the client's namespace, the service's, the mesh's root; and takes what is exported to the client.
 */
export function findsRule(
  rule: Resource,
  client: string,
  serviceNamespace: string | undefined,
  { rootNamespace, meshConfig }: RuleContext,
): boolean {
  if (![client, serviceNamespace, rootNamespace].includes(rule.namespace)) return false;
  return isSeenBy(exportScopes(rule, meshConfig?.defaultExports?.destinationRule), client);
}

export function hasSubset({ spec, incomplete }: Resource, subset: string): boolean {
  return incomplete || spec.at('subsets').items.some((one) => one.at('name').string === subset);
}
