import { isBuiltIn } from './infer-table.ts';
import type { Counters, IptablesChain, IptablesRule, IptablesSection, Ruleset } from './ruleset.ts';

/**
 * A rule set as `iptables-save` prints it. What `iptables-save` itself printed comes back byte for byte, its comment
 * lines between the tables included; a comment in the middle of a table, which only people write, does not.
 * @param options.counters absent: as they were read; false: none (chains show `[0:0]`); true: `[0:0]` where none is known.
 */
export function printRules(ruleset: Ruleset, options: { counters?: boolean } = {}): string {
  const lines: string[] = ruleset.ipset?.before ? [...ruleset.ipset.lines] : [];
  let start = 0;
  for (const { table, comments, chainCount } of ruleset.sections ?? sectionsOf(ruleset)) {
    const chains = ruleset.sections
      ? ruleset.chains.slice(start, start + chainCount)
      : ruleset.chains.filter((chain) => chain.table === table);
    start += chainCount;
    lines.push(...comments, `*${table}`);
    const declared = new Set<string>();
    for (const chain of chains) {
      // Texts without table names may show a chain twice; it is declared once.
      if (!declared.has(chain.name)) lines.push(printChain(chain, options.counters));
      declared.add(chain.name);
    }
    for (const rule of inWrittenOrder(chains)) lines.push(printRule(rule, options.counters));
    lines.push('COMMIT');
  }
  lines.push(...(ruleset.trailingComments ?? []));
  if (ruleset.ipset && !ruleset.ipset.before) lines.push(...ruleset.ipset.lines);
  return lines.length ? `${lines.join('\n')}\n` : '';
}

function printChain({ name, policy, counters }: IptablesChain, wanted: boolean | undefined): string {
  return `:${name} ${policy ?? (isBuiltIn(name) ? 'ACCEPT' : '-')} ${printCounters(wanted === false ? undefined : counters)}`;
}

function printRule({ text, counters }: IptablesRule, wanted: boolean | undefined): string {
  return wanted === false || (wanted === undefined && !counters) ? text : `${printCounters(counters)} ${text}`;
}

function printCounters({ packets, bytes }: Counters = { packets: 0, bytes: 0 }): string {
  return `[${packets}:${bytes}]`;
}

/** Rules of all chains in the order of the text when every one of them has a line, else chain by chain. */
function inWrittenOrder(chains: IptablesChain[]): IptablesRule[] {
  const rules = chains.flatMap((chain) => chain.rules);
  return rules.every(({ line }) => line !== undefined) ? rules.sort((a, b) => a.line! - b.line!) : rules;
}

function sectionsOf({ chains }: Ruleset): IptablesSection[] {
  return [...new Set(chains.map(({ table }) => table))].map((table) => ({ table, comments: [], chainCount: 0 }));
}
