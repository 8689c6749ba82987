import { isBuiltIn } from './infer-table.ts';
import type { IptablesRule, Match, Ruleset } from './ruleset.ts';
import { learnKubeNamesOf } from '../service-path/kube-names-of.ts';
import type { KubeNames } from '../service-path/kube-names.ts';
import { lookup } from './lookup.ts';

export type InterceptionMode = 'sidecar-redirect' | 'sidecar-tproxy' | 'ambient' | 'ambient-host' | 'none' | 'unknown';

/**
 * What a rule set says about itself: the proxy's ports and owner are settings of the pod, so they are learned from the
 * rules and never assumed. Undefined or empty: the rules at hand do not show it.
 */
export interface InterceptionFacts {
  mode: InterceptionMode;
  /** TCP port on which the proxy takes what comes in (15006 by default) and what goes out (15001). */
  inboundPort?: string;
  outboundPort?: string;
  /** Where other proxies' HBONE tunnels come in (15008). */
  tunnelPort?: string;
  /** Port of the DNS proxy (15053). */
  dnsPort?: string;
  proxyUids: ReadonlySet<string>;
  proxyGids: ReadonlySet<string>;
  /** Mark that TPROXY puts on packets for the proxy, and the one on the proxy's calls to its own pod. */
  tproxyMark?: string;
  selfMark?: string;
  /** Source address of kubelet's probes after the node's rewriting (ambient). */
  probeAddress?: string;
  /** Outbound ranges are a list: what is in none of them is left alone. */
  listedRanges: boolean;
  /** Interfaces whose traffic is taken as outbound. */
  reroutedInterfaces: ReadonlySet<string>;
  /** User-defined chains that no chain of the kernel leads to, as `table chain`. */
  unreachable: ReadonlySet<string>;
  /** Chains of Istio to none of which anything leads: somebody took the jumps away and left the rest. */
  leftovers: readonly string[];
  /** Services of kube-proxy's chains, and the share that each of its rules takes. */
  kubeNames?: KubeNames;
}

/** Table without what native nftables puts around it: `istio-proxy-nat` → `nat`. */
export function plainTable(table: string): string {
  return /^istio-(?:proxy|ambient)-(\w+)$/.exec(table)?.[1] ?? table;
}

const nativeChains: Record<string, string> = { 'istio-prerouting': 'ISTIO_PRERT', 'istio-postrouting': 'ISTIO_POSTRT' };

/** Chain as iptables calls it: `istio-in-redirect` of a native table → `ISTIO_IN_REDIRECT`, `prerouting` → `PREROUTING`. */
export function plainChain(table: string, chain: string): string {
  if (table === plainTable(table)) return chain;
  return lookup(nativeChains, chain) ?? chain.toUpperCase().replace(/-/g, '_');
}

/** Value of an option that is not negated. */
export function valueOf(rule: IptablesRule, option: string): string | undefined {
  return findMatch(rule, option, false)?.values[0];
}

export function findMatch(
  { matches, targetOptions }: IptablesRule,
  option: string,
  negated?: boolean,
): Match | undefined {
  const wanted = (match: Match) => match.option === option && (negated === undefined || match.negated === negated);
  return matches.find(wanted) ?? targetOptions.find(wanted);
}

/** Reads the facts in one pass over the rules. */
export function learnFacts(ruleset: Ruleset): InterceptionFacts {
  const ports: { inbound?: string; outbound?: string; dns?: string; tunnel?: string } = {};
  const owners = { uid: new Owners(), gid: new Owners() };
  const marks: { tproxy?: string; self?: string; probe?: string } = {};
  const rerouted = new Set<string>();
  let listedRanges = false;
  for (const { table, name, rules } of ruleset.chains) {
    const chain = plainChain(table, name);
    for (const rule of rules) {
      const target = plainChain(table, rule.target ?? '');
      const to = valueOf(rule, '--to-ports');
      const port = valueOf(rule, '--dport');
      if (rule.target === 'REDIRECT' && to !== undefined) {
        if (port === '53') ports.dns ??= to;
        else if (chain === 'ISTIO_IN_REDIRECT') ports.inbound ??= to;
        else if (chain === 'ISTIO_REDIRECT' || chain === 'ISTIO_OUTPUT') ports.outbound ??= to;
        else if (chain === 'ISTIO_PRERT' && valueOf(rule, '-i') === undefined) ports.inbound ??= to;
      }
      if (target === 'ISTIO_IN_REDIRECT' && chain === 'ISTIO_OUTPUT')
        ports.tunnel ??= (findMatch(rule, '--dport', true) ?? findMatch(rule, '--dports', true))?.values[0]
          ?.split(',')
          .at(-1);
      if (rule.target === 'TPROXY') {
        const port = valueOf(rule, '--on-port');
        if (port !== undefined) ports.inbound = port;
        marks.tproxy ??= valueOf(rule, '--tproxy-mark')?.split('/')[0];
      }
      // Native rules may set the mark before TPROXY in the same rule, which makes it a line of its own.
      if (rule.target === 'MARK' && (chain === 'ISTIO_TPROXY' || chain === 'ISTIO_DIVERT'))
        marks.tproxy ??= valueOf(rule, '--set-xmark')?.split('/')[0];
      if (rule.target === 'MARK' && chain === 'OUTPUT' && valueOf(rule, '-o') === 'lo')
        marks.self ??= valueOf(rule, '--set-xmark')?.split('/')[0];
      if (rule.target === 'ACCEPT' && chain === 'ISTIO_PRERT') marks.probe ??= valueOf(rule, '-s')?.split('/')[0];
      if (rule.target === 'SNAT' && chain === 'ISTIO_POSTRT') marks.probe ??= valueOf(rule, '--to-source');
      if (target === 'ISTIO_REDIRECT' && chain === 'ISTIO_OUTPUT' && valueOf(rule, '-d') !== undefined)
        listedRanges = true;
      const nic = valueOf(rule, '-i');
      if (
        nic !== undefined &&
        (chain === 'PREROUTING' || chain === 'ISTIO_PRERT') &&
        (target === 'ISTIO_REDIRECT' || rule.target === 'REDIRECT')
      )
        rerouted.add(nic);
      if (chain === 'ISTIO_OUTPUT' || chain === 'OUTPUT' || chain === 'ISTIO_OUTPUT_DNS') {
        owners.uid.see(rule, '--uid-owner', target);
        owners.gid.see(rule, '--gid-owner', target);
      }
    }
  }
  const unreachable = findUnreachable(ruleset);
  const leftovers = findLeftovers(ruleset, unreachable);
  const facts: InterceptionFacts = {
    mode: leftovers.length > 0 ? 'none' : decideMode(ruleset),
    leftovers,
    proxyUids: owners.uid.ids(),
    proxyGids: owners.gid.ids(),
    listedRanges,
    reroutedInterfaces: rerouted,
    unreachable,
  };
  const kubeNames = learnKubeNamesOf(ruleset);
  if (kubeNames) facts.kubeNames = kubeNames;
  if (ports.inbound !== undefined) facts.inboundPort = ports.inbound;
  if (ports.outbound !== undefined) facts.outboundPort = ports.outbound;
  if (ports.tunnel !== undefined) facts.tunnelPort = ports.tunnel;
  if (ports.dns !== undefined) facts.dnsPort = ports.dns;
  if (marks.tproxy !== undefined) facts.tproxyMark = marks.tproxy;
  if (marks.self !== undefined) facts.selfMark = marks.self;
  if (marks.probe !== undefined) facts.probeAddress = marks.probe;
  return facts;
}

/**
 * Who the proxy is. Only the proxy has a rule over lo (`-o lo … --uid-owner N`); a plain `--gid-owner N -j RETURN` may
 * also be an excluded owner group, so it counts only where nothing better is there.
 */
class Owners {
  readonly #sure = new Set<string>();
  readonly #perhaps = new Set<string>();

  see(rule: IptablesRule, option: string, target: string): void {
    const owner = findMatch(rule, option);
    const [id] = owner?.values ?? [];
    if (!owner || id === undefined) return;
    const overLoopback = valueOf(rule, '-o') === 'lo';
    if (overLoopback && (owner.negated ? target === 'RETURN' : target === 'ISTIO_IN_REDIRECT' || target === 'MARK'))
      this.#sure.add(id);
    else if (!owner.negated && target === 'CT') this.#sure.add(id);
    else if (!owner.negated && target === 'RETURN') this.#perhaps.add(id);
  }

  ids(): Set<string> {
    return this.#sure.size ? this.#sure : this.#perhaps;
  }
}

function decideMode(ruleset: Ruleset): InterceptionMode {
  const names = new Set<string>();
  let ambientMark = false;
  let tproxy = false;
  let redirect = false;
  for (const { table, name, rules } of ruleset.chains) {
    const chain = plainChain(table, name);
    if (/^ISTIO_/.test(chain)) names.add(chain);
    for (const rule of rules) {
      const target = plainChain(table, rule.target ?? '');
      if (/^ISTIO_/.test(target)) names.add(target);
      if (/^ISTIO_/.test(chain)) {
        tproxy ||= rule.target === 'TPROXY';
        redirect ||= rule.target === 'REDIRECT';
        ambientMark ||= rule.matches.some(
          ({ option, values }) => option === '--mark' && values[0]?.endsWith('/0xfff') === true,
        );
      }
    }
  }
  if (names.has('ISTIO_POSTRT')) return 'ambient-host';
  if (names.has('ISTIO_PRERT') || (ambientMark && !names.has('ISTIO_REDIRECT'))) return 'ambient';
  if (tproxy || names.has('ISTIO_TPROXY')) return 'sidecar-tproxy';
  if (redirect || names.has('ISTIO_REDIRECT') || names.has('ISTIO_IN_REDIRECT')) return 'sidecar-redirect';
  if (names.size > 0) return 'unknown';
  return ruleset.chains.length === 0 && ruleset.warnings.length > 0 ? 'unknown' : 'none';
}

/** All of Istio's chains, if not one of them is reached and none of its rules stands in a built-in chain. */
function findLeftovers({ chains }: Ruleset, unreachable: ReadonlySet<string>): string[] {
  const own = chains.filter(({ table, name }) => /^ISTIO_/.test(plainChain(table, name)));
  const isReached = own.some(({ table, name }) => !unreachable.has(`${table} ${name}`));
  return isReached ? [] : own.filter(({ rules }) => rules.length > 0).map(({ name }) => name);
}

/** Chains that nothing leads to. Only where at least two built-in chains are declared: a part of a table proves nothing. */
function findUnreachable({ chains }: Ruleset): Set<string> {
  const byName = new Map(chains.map((chain) => [`${chain.table} ${chain.name}`, chain]));
  const isRoot = ({ table, name, policy }: (typeof chains)[number]) =>
    isBuiltIn(plainChain(table, name)) || policy !== undefined;
  const declared = chains.filter(({ policy }) => policy !== undefined).map(({ table }) => table);
  // Where verdict maps lead is not among the rules.
  const mapped = new Set(
    chains.filter(({ rules }) => rules.some(({ text }) => / vmap [@{]/.test(text))).map(({ table }) => table),
  );
  const rooted = new Set(declared.filter((table, at) => declared.indexOf(table) !== at && !mapped.has(table)));
  const seen = new Set<string>();
  const waiting = chains.filter(isRoot).map(({ table, name }) => `${table} ${name}`);
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (seen.has(key)) continue;
    seen.add(key);
    const chain = byName.get(key);
    for (const { target } of chain?.rules ?? [])
      if (chain && target !== undefined) waiting.push(`${chain.table} ${target}`);
  }
  return new Set(
    chains
      .filter(({ table, name }) => rooted.has(table) && !seen.has(`${table} ${name}`))
      .map(({ table, name }) => `${table} ${name}`),
  );
}
