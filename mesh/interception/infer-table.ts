/** What one block of `iptables -S` or `-L` shows of a table that it does not name. */
export interface TableEvidence {
  /** Built-in chains, in order. */
  builtIns: string[];
  /** All chains. */
  chains: string[];
  /** What `-j` names in its rules. */
  targets: string[];
}

const builtInChains = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']);

export function isBuiltIn(chain: string): boolean {
  return builtInChains.has(chain);
}

/**
 * Whether a built-in chain begins the next table of a concatenated listing. Within a table they always come in this order
 * (older versions print POSTROUTING before OUTPUT in nat), and all of them before the user-defined ones.
 */
export function startsNextTable(seen: readonly string[], chain: string): boolean {
  if (!isBuiltIn(chain)) return false;
  if (seen.some((other) => other === chain || !isBuiltIn(other))) return true;
  if (chain === 'PREROUTING') return seen.length > 0;
  if (chain === 'INPUT') return seen.some((other) => other !== 'PREROUTING');
  return chain === 'FORWARD' && seen.some((other) => other === 'OUTPUT' || other === 'POSTROUTING');
}

/** The table a block belongs to, and whether that is certain. */
export function inferTable({ builtIns, chains, targets }: TableEvidence): { table: string; certain: boolean } {
  const has = (chain: string) => builtIns.includes(chain);
  if (has('PREROUTING') && has('FORWARD')) return { table: 'mangle', certain: true };
  if (has('POSTROUTING') && has('PREROUTING')) return { table: 'nat', certain: true };
  if (has('PREROUTING') && has('OUTPUT')) return { table: 'raw', certain: true };
  if (has('INPUT') && has('FORWARD')) return { table: 'filter', certain: true };
  if (targets.some((target) => /^(REDIRECT|DNAT|SNAT|MASQUERADE|NETMAP)$/.test(target)))
    return { table: 'nat', certain: true };
  if (targets.some((target) => target === 'TPROXY')) return { table: 'mangle', certain: true };
  if (targets.some((target) => target === 'CT' || target === 'NOTRACK')) return { table: 'raw', certain: true };
  const names = [...chains, ...targets];
  if (names.some((name) => /^(ISTIO_(DIVERT|TPROXY|DROP)$)/.test(name))) return { table: 'mangle', certain: false };
  if (names.some((name) => /^(ISTIO_|KUBE-(SVC|SEP|MARK|POSTROUTING)|CNI-)/.test(name)))
    return { table: 'nat', certain: false };
  if (targets.some((target) => /^(MARK|CONNMARK|TCPMSS|DSCP|TOS|TTL|HL)$/.test(target)))
    return { table: 'mangle', certain: false };
  if (has('PREROUTING') || has('POSTROUTING')) return { table: 'nat', certain: false };
  return { table: 'filter', certain: names.length === 0 };
}
