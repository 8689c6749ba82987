/** The addresses under which a node's rules know Services: the doors through which traffic comes to kube-proxy. */
import { parseRange, printAddress } from '../interception/address-range.ts';
import type { Condition, KubeRule, KubeRuleset } from './kube-rules.ts';

export type FrontendKind = 'cluster-ip' | 'external-ip' | 'load-balancer' | 'node-port';

/** `default/web:http`, TCP. The port's name is empty where the Service's only port has none. */
export interface ServicePortName {
  namespace: string;
  name: string;
  port: string;
  protocol: string;
}

export interface Frontend {
  service: ServicePortName;
  kind: FrontendKind;
  /** Empty for a node port: it is every address of the node that kube-proxy was told to take. */
  address: string;
  port: number;
}

/** All of them, each once, in the order of the rules. */
export function findFrontends(rules: KubeRuleset): Frontend[] {
  const found = rules.mode === 'nftables' ? fromMaps(rules) : fromChains(rules);
  const unique = new Map<string, Frontend>();
  for (const frontend of found) {
    const key = `${frontend.address} ${frontend.service.protocol} ${frontend.port}`;
    const known = unique.get(key);
    // A rule that names the kind is better than one that refuses traffic to it.
    if (!known || (known.kind === 'external-ip' && frontend.kind === 'load-balancer')) unique.set(key, frontend);
  }
  return [...unique.values()];
}

const placeOfKind: Record<string, FrontendKind> = {
  'cluster IP': 'cluster-ip',
  'external IP': 'external-ip',
  'loadbalancer IP': 'load-balancer',
};

function fromChains({ chains }: KubeRuleset): Frontend[] {
  return [
    'nat KUBE-SERVICES',
    'nat KUBE-NODEPORTS',
    'filter KUBE-SERVICES',
    'filter KUBE-EXTERNAL-SERVICES',
    'filter KUBE-PROXY-FIREWALL',
  ].flatMap((key) => (chains.get(key)?.rules ?? []).flatMap((rule) => frontendOfRule(rule) ?? []));
}

function frontendOfRule(rule: KubeRule): Frontend | undefined {
  const find = <K extends Condition['kind']>(kind: K) =>
    rule.conditions.find((each) => each.kind === kind && !each.negated) as Extract<Condition, { kind: K }> | undefined;
  const protocol = find('protocol')?.names[0];
  const port = find('port')?.ports[0]?.[0];
  const service = serviceOfComment(rule.comment ?? '');
  if (protocol === undefined || port === undefined || !service) return undefined;
  const range = find('destination')?.ranges[0];
  // `-d 127.0.0.0/8` in KUBE-NODEPORTS only counts node ports asked for over loopback.
  const single = range?.first === range?.last ? range : undefined;
  const isNodePort = rule.chain === 'KUBE-NODEPORTS' || (find('destination-local') !== undefined && !single);
  if (isNodePort) return { service: { ...service, protocol }, kind: 'node-port', address: '', port };
  if (!single) return undefined;
  const words = Object.keys(placeOfKind).find((each) => rule.comment?.endsWith(each));
  const target = rule.actions.map((action) => ('chain' in action ? action.chain : '')).join('');
  const kind = words
    ? placeOfKind[words]!
    : rule.chain === 'KUBE-PROXY-FIREWALL' || target.startsWith('KUBE-FW-')
      ? 'load-balancer'
      : rule.chain === 'KUBE-EXTERNAL-SERVICES' || target.startsWith('KUBE-EXT-')
        ? 'external-ip'
        : 'cluster-ip';
  return { service: { ...service, protocol }, kind, address: printAddress(single.family, single.first), port };
}

/** `default/web:http cluster IP`, `default/web has no endpoints` */
export function serviceOfComment(comment: string): Omit<ServicePortName, 'protocol'> | undefined {
  const [, namespace, name, port = ''] =
    /(?:^|\s)([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)\/([a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)(?::([-a-z0-9]+))?(?=\s|$)/.exec(
      comment,
    ) ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name, port };
}

/** `service-SUSTUHLJ-default/web/tcp/http`, `endpoint-DA6B7XRL-default/web/tcp/http__10.88.0.2/8080` */
export function serviceOfChain(chain: string): ServicePortName | undefined {
  const [, namespace, name, protocol, port] =
    /^(?:service|local|external|firewall|endpoint|affinity)-[A-Z0-9]{8}-([^/]+)\/([^/]+)\/([^/]+)\/([^/_]*)/.exec(
      chain,
    ) ?? [];
  return namespace === undefined || name === undefined || protocol === undefined
    ? undefined
    : { namespace, name, protocol, port: port ?? '' };
}

function fromMaps({ maps, sets }: KubeRuleset): Frontend[] {
  const clusterIps = new Set(sets.get('cluster-ips')?.elements);
  const guarded = new Set(maps.get('firewall-ips')?.map(({ key }) => key));
  const found: Frontend[] = [];
  for (const map of [
    'service-ips',
    'service-nodeports',
    'no-endpoint-services',
    'no-endpoint-nodeports',
    'firewall-ips',
  ]) {
    for (const { key, verdict, comment } of maps.get(map) ?? []) {
      const words = key.split(' . ');
      const port = Number(words.at(-1));
      const protocol = words.at(-2) ?? '';
      const address = words.length === 3 ? (words[0] ?? '') : '';
      const named = serviceOfComment(comment ?? '');
      const service =
        ('chain' in verdict ? serviceOfChain(verdict.chain) : undefined) ?? (named && { ...named, protocol });
      if (!service || Number.isNaN(port)) continue;
      const kind =
        address === ''
          ? 'node-port'
          : clusterIps.has(address)
            ? 'cluster-ip'
            : guarded.has(key)
              ? 'load-balancer'
              : 'external-ip';
      found.push({ service, kind, address: plainAddress(address), port });
    }
  }
  return found;
}

function plainAddress(address: string): string {
  const range = address === '' ? undefined : parseRange(address);
  return range ? printAddress(range.family, range.first) : address;
}
