import { matchesLabels } from '../../mesh/selectors.ts';
import type { PodSource, Resource } from '../resource.ts';
import type { RuleContext } from '../rule.ts';
import type { PodIndex } from './pods.ts';

/** `gw`, `ns/gw`, and the old dotted `gw.ns` and `gw.ns.svc.cluster.local` as `namespace/name`. */
export function qualifiedGateway(gateway: string, namespace: string): string {
  if (gateway.includes('/')) return gateway.startsWith('./') ? `${namespace}${gateway.slice(1)}` : gateway;
  const [name, dotted] = gateway.split('.');
  return `${dotted ?? namespace}/${name}`;
}

/** What a default installation runs in the root namespace; Istio's analysis of files takes it as given, too. */
const defaultIngress = {
  labels: { app: 'istio-ingressgateway', istio: 'ingressgateway' },
  ports: [80, 443, 15443, 31400],
};

/** The proxies a Gateway speaks to. */
export interface GatewayProxies {
  pods: readonly PodSource[];
  /** No pod of the files, but the ingress gateway of a default installation, which listens on these ports. */
  assumedPorts: readonly number[] | undefined;
  /** Where they run: Secrets are looked for here. */
  namespaces: readonly string[];
}

/** Pods in all namespaces whose labels the selector has; undefined when there are none, not even by default. */
export function findGatewayProxies(
  { spec }: Resource,
  pods: PodIndex,
  { rootNamespace }: RuleContext,
): GatewayProxies | undefined {
  const selector = spec.at('selector').strings;
  const selected = pods.matching(selector);
  if (selected.length > 0)
    return {
      pods: selected,
      assumedPorts: undefined,
      namespaces: [...new Set(selected.map(({ namespace }) => namespace))],
    };
  if (!matchesLabels(selector, defaultIngress.labels)) return undefined;
  return { pods: [], assumedPorts: defaultIngress.ports, namespaces: [rootNamespace] };
}
