/**
 * kube-proxy's rules in one shape for both of its modes: conditions that a packet can be held against, and what is done.
 *
 *     -A KUBE-SVC-X -m statistic --mode random --probability 0.5 -j KUBE-SEP-A       (iptables)
 *     numgen random mod 2 vmap { 0 : goto endpoint-A, 1 : goto endpoint-B }          (nftables)
 */
import type { AddressRange } from '../interception/address-range.ts';
import type { Counters } from '../interception/ruleset.ts';

export type ProxyMode = 'iptables' | 'nftables';

export interface KubeRule {
  table: string;
  chain: string;
  /** As `iptables-save` or `nft list` prints it, without counters. */
  text: string;
  counters?: Counters;
  comment?: string;
  conditions: Condition[];
  /** In order; of nftables a rule may have several. */
  actions: Action[];
}

export type Condition = { negated: boolean } & (
  | { kind: 'protocol'; names: string[] }
  | { kind: 'port'; ports: [first: number, last: number][] }
  | { kind: 'source'; ranges: AddressRange[] }
  | { kind: 'destination'; ranges: AddressRange[] }
  /** A named set of nftables: `ip daddr @cluster-ips`. */
  | { kind: 'source-set'; set: string }
  | { kind: 'destination-set'; set: string }
  /** The address is one of the node's own. */
  | { kind: 'source-local' }
  | { kind: 'destination-local' }
  /** `eth+`, as iptables writes a prefix. */
  | { kind: 'interface'; name: string }
  | { kind: 'state'; states: string[] }
  | { kind: 'mark'; value: number; mask: number }
  | { kind: 'chance'; probability: number }
  /** The client was sent here before, less than so many seconds ago. */
  | { kind: 'affinity'; list: string; seconds?: number }
  | { kind: 'unknown'; text: string }
);

export type Verdict = { kind: 'jump' | 'goto'; chain: string } | { kind: 'return' | 'accept' | 'drop' | 'reject' };

export type Action =
  | Verdict
  | { kind: 'dnat'; address: string; port: number }
  | { kind: 'masquerade' }
  | { kind: 'mark'; set: number; clear: number }
  /** Keeps the client's address for the affinity of its next connections. */
  | { kind: 'remember'; list: string }
  /** One of `size` numbers by chance, looked up. */
  | { kind: 'random'; size: number; verdicts: Map<number, Verdict> }
  /** A verdict map by some of the packet's fields. */
  | { kind: 'lookup'; map: string; key: LookupField[] };

export type LookupField = 'source' | 'destination' | 'protocol' | 'port';

export interface KubeChain {
  table: string;
  name: string;
  /** Where the kernel calls it; absent for a chain that only other chains call. */
  hook?: string;
  type?: string;
  priority?: number;
  rules: KubeRule[];
}

/** Keys of a verdict map: `10.96.0.1 . tcp . 443`; its comment names the service where no chain does. */
export interface MapElement {
  key: string;
  verdict: Verdict;
  comment?: string;
}

export interface NamedSet {
  elements: string[];
  /** Seconds after which an element is forgotten. */
  timeout?: number;
}

export interface KubeRuleset {
  mode: ProxyMode;
  family: '4' | '6';
  /** By {@link chainKey}. */
  chains: Map<string, KubeChain>;
  sets: Map<string, NamedSet>;
  maps: Map<string, MapElement[]>;
  warnings: string[];
}

export function chainKey(table: string, name: string): string {
  return `${table} ${name}`;
}

export function findChain(rules: KubeRuleset, table: string, name: string): KubeChain | undefined {
  return rules.chains.get(chainKey(table, name));
}
