import * as l10n from '@vscode/l10n';
import type { LocatedEntry } from '../../located.ts';
import { matchesLabels } from '../../../mesh/selectors.ts';
import { lookUp } from '../../lookup.ts';
import { rememberPerResource } from '../../remember.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import type { RuleContext } from '../../rule.ts';
import { findGatewayProxies, GatewayIndex, qualifiedGateway } from '../gateways.ts';
import { labelsOf, PodIndex } from '../pods.ts';

const claimMatches = rememberPerResource(({ spec }): LocatedEntry[] =>
  spec
    .at('http')
    .items.flatMap((http) => http.at('match').items)
    .flatMap((match) => [...match.at('headers').entries, ...match.at('withoutHeaders').entries])
    .filter(({ key }) => /^@request\.auth\.claims[.[]/.test(String(key.value))),
);

/** Claims are read from a token that a RequestAuthentication validated; without one there are none. */
export const claimsWithoutAuthentication = defineRule({
  id: 'virtual-service/claims-without-authentication',
  code: 'IST0149',
  severity: 'error',
  docs: istioDocs('IST0149'),
  why: "A route that matches on a token's claims never matches at a gateway whose proxies have no RequestAuthentication. In lenient mode it is a warning, and only where RequestAuthentications of the gateway's namespace or the root namespace are at hand.",
  reads: ['VirtualService', 'Gateway', 'AnyPod', 'RequestAuthentication'],
  subject: ['VirtualService'],
  *check({ VirtualService, Gateway, AnyPod, RequestAuthentication }, context) {
    const gateways = new GatewayIndex(Gateway, [], context);
    const pods = new PodIndex(AnyPod);
    for (const virtualService of VirtualService) {
      const [claim] = claimMatches(virtualService, context.clusterDomain);
      if (!claim) continue;
      for (const { string } of virtualService.spec.at('gateways').items) {
        const name = string && string !== 'mesh' ? qualifiedGateway(string, virtualService.namespace) : '';
        const gateway = gateways.get(name);
        if (!gateway) continue;
        const open = proxiesOf(gateway, pods, context).find((proxy) =>
          lacksAuthentication(proxy, RequestAuthentication, context),
        );
        if (!open) continue;
        yield finding(
          claim.key,
          l10n.t(
            'No RequestAuthentication selects {0}, a proxy of gateway {1}: without a validated token there are no claims, and this route never matches. Add one to namespace {2}.',
            open.name,
            name,
            open.namespace,
          ),
          context.knowsAll('AnyPod', 'RequestAuthentication') ? {} : { severity: 'warning' },
        );
        break;
      }
    }
  },
});

const byNamespace = ({ namespace }: Resource) => [namespace];

interface Proxy {
  name: string;
  namespace: string;
  labels: Readonly<Record<string, string>>;
}

/** Those at hand, else the ingress gateway of a default installation, where it is certain that there are no others. */
function proxiesOf(gateway: Resource, pods: PodIndex, context: RuleContext): Proxy[] {
  const proxies = findGatewayProxies(gateway, pods, context);
  if (proxies?.assumedLabels)
    return context.knowsAll('AnyPod', 'RequestAuthentication')
      ? [{ name: 'istio-ingressgateway', namespace: context.rootNamespace, labels: proxies.assumedLabels }]
      : [];
  return (proxies?.pods ?? []).map((pod) => ({ name: pod.name, namespace: pod.namespace, labels: labelsOf(pod) }));
}

function lacksAuthentication(proxy: Proxy, authentications: readonly Resource[], context: RuleContext): boolean {
  const byHome = lookUp(authentications, byNamespace, context);
  const near = [...new Set([proxy.namespace, context.rootNamespace])].flatMap((namespace) => byHome.get(namespace));
  if (!context.knowsAll('RequestAuthentication') && (near.length === 0 || context.mayBeHidden('RequestAuthentication')))
    return false;
  return !near.some(({ spec }) => matchesLabels(spec.at('selector', 'matchLabels').strings, proxy.labels));
}
