/** Who may ask: kube-proxy's rules tell pods, the node itself and others apart, and each kind is sent its own way. */
import type { AddressRange } from '../interception/address-range.ts';
import { parseRange } from '../interception/address-range.ts';
import { chainKind } from './chain-kind.ts';
import type { Frontend } from './find-frontends.ts';
import type { KubeRule, KubeRuleset } from './kube-rules.ts';
import { findChain } from './kube-rules.ts';
import type { FirstPacket } from './walk-chains.ts';
import { contains } from './walk-chains.ts';

export type ClientKind = 'pod' | 'node' | 'allowed' | 'outside';

export interface Client {
  kind: ClientKind;
  packet: Pick<FirstPacket, 'source' | 'sourceLocal' | 'interface'>;
  /** `allowed`: the ranges that let it in. */
  ranges: AddressRange[];
}

/** How kube-proxy tells pods from others: by ranges of addresses, by interface, or not at all. */
export interface PodNetworks {
  ranges: AddressRange[];
  interfaces: string[];
}

const outsiders = {
  '4': ['203.0.113.77', '198.51.100.77', '192.0.2.77', '9.9.9.77', '171.16.1.77', '45.1.2.77', '100.64.7.77'],
  '6': ['2001:db8:77::77', '2600:77::77', '2a00:77::77', 'fd77:77::77'],
};
const nodeAddresses = { '4': '198.51.100.1', '6': '2001:db8:1::1' };

/** From the rules that treat clients from outside the pod network apart. */
export function findPodNetworks(rules: KubeRuleset): PodNetworks {
  const ranges = new Map<string, AddressRange>();
  const interfaces = new Set<string>();
  for (const { name, rules: own } of rules.chains.values()) {
    const kind = chainKind(name);
    for (const rule of own) {
      const leads = rule.actions.map((action) => ('chain' in action ? chainKind(action.chain) : ''));
      const tellsPods =
        ((kind === 'service' || kind === 'local' || kind === 'services') && leads.includes('mark')) ||
        (kind === 'external' && leads.includes('service'));
      if (!tellsPods) continue;
      for (const condition of rule.conditions) {
        if (condition.kind === 'source')
          for (const range of condition.ranges) ranges.set(`${range.first}-${range.last}`, range);
        if (condition.kind === 'interface') interfaces.add(condition.name);
      }
    }
  }
  return { ranges: [...ranges.values()], interfaces: [...interfaces] };
}

/** One client of each kind that the rules on this frontend's way tell apart. */
export function chooseClients(
  rules: KubeRuleset,
  frontend: Frontend,
  pods: PodNetworks,
  node: bigint | undefined,
): Client[] {
  const { family } = rules;
  const allowed = findSourceRanges(rules, frontend);
  const endpoints = endpointAddresses(rules);
  const [podRange] = pods.ranges;
  const [nic] = pods.interfaces;
  const anyone = outsiders[family]
    .map((written) => parseRange(written)!.first)
    .find((address) => !contains(allowed, address) && !contains(pods.ranges, address));
  const podAddress = podRange ? freeAddress(podRange, endpoints) : anyone;
  const clients: Client[] = [];
  if (podAddress !== undefined)
    clients.push({
      kind: 'pod',
      packet: {
        source: podAddress,
        sourceLocal: false,
        ...(nic !== undefined && { interface: nic.replace(/\+$/, '0') }),
      },
      ranges: [],
    });
  clients.push({
    kind: 'node',
    packet: { source: node ?? parseRange(nodeAddresses[family])!.first, sourceLocal: true },
    ranges: [],
  });
  const guest = allowed
    .map((range) => freeAddress(range, endpoints))
    .find((address) => address !== undefined && address !== node && !contains(pods.ranges, address));
  if (allowed.length > 0 && guest !== undefined)
    clients.push({ kind: 'allowed', packet: { source: guest, sourceLocal: false }, ranges: allowed });
  if (anyone !== undefined)
    clients.push({ kind: 'outside', packet: { source: anyone, sourceLocal: false }, ranges: allowed });
  return clients;
}

/** The last address of a range that is no endpoint's; in a range of one, that one. */
function freeAddress(range: AddressRange, taken: ReadonlySet<bigint>): bigint | undefined {
  if (range.first === range.last) return range.first;
  for (let address = range.last - 1n; address >= range.first && address > range.last - 4096n; address--)
    if (!taken.has(address)) return address;
  return undefined;
}

const addressesOf = new WeakMap<KubeRuleset, Set<bigint>>();

function endpointAddresses(rules: KubeRuleset): ReadonlySet<bigint> {
  const known = addressesOf.get(rules);
  if (known) return known;
  const found = new Set<bigint>();
  for (const { rules: own } of rules.chains.values())
    for (const { actions } of own)
      for (const action of actions) {
        const address = action.kind === 'dnat' ? parseRange(action.address)?.first : undefined;
        if (address !== undefined) found.add(address);
      }
  addressesOf.set(rules, found);
  return found;
}

/** loadBalancerSourceRanges, from the chain that guards this frontend. */
export function findSourceRanges(rules: KubeRuleset, { address, port, service }: Frontend): AddressRange[] {
  const chains =
    rules.mode === 'nftables'
      ? (rules.maps.get('firewall-ips') ?? [])
          .filter(({ key }) => key === `${address} . ${service.protocol} . ${port}`)
          .map(({ verdict }) => ('chain' in verdict ? verdict.chain : ''))
      : (findChain(rules, 'nat', 'KUBE-SERVICES')?.rules ?? [])
          .filter((rule) => leadsFrom(rule, address, port, service.protocol))
          .flatMap(({ actions }) => actions.map((action) => ('chain' in action ? action.chain : '')))
          .filter((chain) => chainKind(chain) === 'firewall');
  const own = parseRange(address)?.first;
  return chains
    .flatMap((chain) => findChain(rules, rules.mode === 'nftables' ? 'kube-proxy' : 'nat', chain)?.rules ?? [])
    .flatMap(({ conditions }) => conditions.flatMap((each) => (each.kind === 'source' ? each.ranges : [])))
    .filter(({ first, last }) => first !== last || first !== own);
}

function leadsFrom({ conditions }: KubeRule, address: string, port: number, protocol: string): boolean {
  const to = parseRange(address)?.first;
  return conditions.every((condition) => {
    if (condition.kind === 'destination')
      return to !== undefined && contains(condition.ranges, to) && !condition.negated;
    if (condition.kind === 'port') return condition.ports.some(([first, last]) => port >= first && port <= last);
    if (condition.kind === 'protocol') return condition.names.includes(protocol);
    return true;
  });
}
