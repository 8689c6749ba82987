/** How a reading becomes what the interception view shows. Beside the contract because the editor and the gallery page both make states. */
import * as l10n from '@vscode/l10n';
import type { RulesReading } from './node-helper.ts';
import type { ChainView, ReadingView, RuleRow } from './interception-view.ts';
import { describeChain } from '../mesh/interception/describe-chain.ts';
import { explainRules, type ExplainedRule } from '../mesh/interception/explain-rules.ts';
import { parseRules } from '../mesh/interception/parse-rules.ts';
import { summarizeInterception } from '../mesh/interception/summarize-interception.ts';
import type { IptablesChain, IptablesRule } from '../mesh/interception/ruleset.ts';

/** What describing needs of a {@link RulesReading}. */
export type ReadingText = Pick<RulesReading, 'family' | 'backend' | 'text'> & { command?: string };

/** Parses and explains one reading. Never throws: what was not understood stands in `warnings`, the text whole in `raw`. */
export function describeReading({ family, backend, text, command }: ReadingText): ReadingView {
  const ruleset = parseRules(text);
  const explained = explainRules(ruleset);
  const tableOf = tableNames(ruleset.chains);
  const callers = listCallers(ruleset.chains, tableOf);
  // A verdict map of nft leads to chains that no rule names.
  const unnamed = /\bvmap\b/.test(text) ? undefined : [];
  let at = 0;
  const chains = ruleset.chains.map((chain): ChainView => {
    // Explained in the order of the chains, each rule once.
    const rules = explained.rules.slice(at, (at += chain.rules.length));
    const says = describeChain(chain.table, chain.name);
    const usedBy = callers.get(`${tableOf(chain)}/${chain.name}`) ?? unnamed;
    return {
      table: tableOf(chain),
      chain: chain.name,
      ...(chain.policy && { policy: chain.policy }),
      says: says ?? '',
      ...(usedBy && { usedBy }),
      rules: rules.map((rule, position) => ruleRow(rule, chain.rules[position])),
    };
  });
  const unknown = explained.rules.filter(({ known }) => !known).length;
  return {
    id: `${family}-${backend}`,
    label: labelReading({ family, backend }),
    mode: explained.mode,
    summary: summarizeInterception(explained),
    chains,
    raw: text,
    ...(command && { command }),
    warnings: [...ruleset.warnings, ...(unknown > 0 ? [describeUnknown(unknown)] : [])],
  };
}

/**
 * What the interception of the pod amounts to. The first reading with rules of a mesh speaks for the pod; where IPv6 was
 * read too and has none, that is said, because an application that prefers IPv6 then walks past the proxy.
 */
export function summarizeReadings(readings: ReadingView[]): string {
  const speaking = readings.find(takesTraffic) ?? readings.find((reading) => !isEmptyReading(reading)) ?? readings[0];
  const summary = speaking?.summary ?? '';
  if (!speaking || !takesTraffic(speaking) || !/^4-/.test(speaking.id)) return summary;
  const others = readings.filter(({ id }) => !/^4-/.test(id));
  return others.length > 0 && !others.some(takesTraffic) ? l10n.t('{0} IPv6 is left alone.', summary) : summary;
}

/** Backends in which rules of a mesh stand, when it is more than one of a family: the kernel runs both, one after the other. */
export function findDoubledBackends(readings: ReadingView[]): string[] {
  const doubled = (['4', '6'] as const).map((family) =>
    readings.filter((reading) => reading.id.startsWith(`${family}-`) && takesTraffic(reading)),
  );
  return doubled.find((found) => found.length > 1)?.map(({ label }) => label) ?? [];
}

/** True when no chain of it holds a rule. */
export function isEmptyReading({ chains }: Pick<ReadingView, 'chains'>): boolean {
  return chains.every(({ rules }) => rules.length === 0);
}

function takesTraffic({ mode }: ReadingView): boolean {
  return mode !== 'none' && mode !== 'unknown';
}

function ruleRow(
  { rule, counters, explanation, cause, known }: ExplainedRule,
  parsed: IptablesRule | undefined,
): RuleRow {
  return {
    rule,
    ...(counters && { packets: counters.packets, bytes: counters.bytes }),
    explanation,
    cause,
    known,
    ...(parsed?.target && { target: parsed.target }),
  };
}

function describeUnknown(count: number): string {
  return count === 1
    ? l10n.t(
        '1 rule is not of Istio, kube-proxy or a CNI plugin as far as is known. It is marked “Unknown rule” below.',
      )
    : l10n.t(
        '{0} rules are not of Istio, kube-proxy or a CNI plugin as far as is known. They are marked “Unknown rule” below.',
        count,
      );
}

/** `IPv4 · nft`: iptables through nf_tables. `nftables`: what was written with nft itself. */
function labelReading({ family, backend }: Pick<RulesReading, 'family' | 'backend'>): string {
  return `IPv${family} · ${backend === 'native-nft' ? 'nftables' : backend}`;
}

/** One text of native nftables may hold `nat` for IPv4 and again for IPv6: then the family is part of the table's name. */
function tableNames(chains: IptablesChain[]): (chain: IptablesChain) => string {
  const families = new Set(chains.map(({ family }) => family));
  if (families.size < 2) return ({ table }) => table;
  return ({ table, family }) =>
    family === undefined ? table : `${table} · ${family === 'inet' ? 'inet' : `IPv${family}`}`;
}

/** For each `table/CHAIN` the chains of its table that lead there, each once. */
function listCallers(chains: IptablesChain[], tableOf: (chain: IptablesChain) => string): Map<string, string[]> {
  const callers = new Map<string, string[]>();
  for (const chain of chains) {
    for (const target of new Set(chain.rules.map((rule) => rule.target ?? ''))) {
      const key = `${tableOf(chain)}/${target}`;
      callers.set(key, [...(callers.get(key) ?? []), chain.name]);
    }
  }
  return callers;
}
