import * as l10n from '@vscode/l10n';
import { describeChain } from '../mesh/interception/describe-chain.ts';
import { explainRules } from '../mesh/interception/explain-rules.ts';
import type { ExplainedRule, ExplainedRuleset } from '../mesh/interception/explain-rules.ts';
import { parseRules } from '../mesh/interception/parse-rules.ts';
import { summarizeInterception } from '../mesh/interception/summarize-interception.ts';
import { oneOf, readFlags } from './flags.ts';
import { readRules } from './read-rules.ts';
import { UsageError } from './verb.ts';
import type { Terminal, Verb } from './verb.ts';

export const iptablesExplain: Verb = {
  name: ['iptables', 'explain'],
  get summary() {
    return l10n.t('say of every packet rule what it does to whom, and which annotation or setting put it there');
  },
  get help() {
    return l10n.t(`Usage: meshloom iptables explain [--format text|json] [FILE|-]

Reads packet rules from FILE, or from standard input, in any of these formats (recognised by itself):
  iptables-save, ip6tables-save (with or without -c), iptables-restore input
  iptables -S, iptables -L -n -v [-x] [--line-numbers]
  nft list ruleset, nft -j list ruleset

  --format text|json   text for people (default), json for programs
  -h, --help           this text

Exit: 0 explained (a rule that nobody knows is a warning), 2 it could not run.

Example: kubectl exec POD -c istio-proxy -- iptables-save -c | meshloom iptables explain`);
  },
  run: explain,
};

async function explain(terminal: Terminal): Promise<number> {
  const { values, positionals } = readFlags(terminal.args, { format: { type: 'string', default: 'text' } });
  const format = oneOf('--format', values.format, ['text', 'json'] as const);
  if (positionals.length > 1)
    throw new UsageError(l10n.t('One file at a time, not {0}: {1}.', positionals.length, positionals.join(', ')));
  const text = await readRules(positionals[0], terminal);
  if (text === undefined) return 2;
  const explained = explainRules(parseRules(text));
  if (format === 'json') terminal.out(`${JSON.stringify(asContract(explained), null, 2)}\n`);
  else {
    terminal.out(printExplained(explained, terminal.color));
    for (const warning of explained.warnings) terminal.err(l10n.t('warning: {0}', warning) + '\n');
  }
  return 0;
}

/** The shape that other programs parse: it only grows. */
function asContract({ mode, chains, rules, warnings }: ExplainedRuleset): object {
  return { mode, chains, rules, warnings };
}

function printExplained(explained: ExplainedRuleset, color: boolean): string {
  const paint = color
    ? (code: number, text: string) => `\u001b[${code}m${text}\u001b[0m`
    : (_: number, text: string) => text;
  const lines = [paint(1, summarizeInterception(explained)), ''];
  const byChain = groupByChain(explained.rules);
  for (const chain of explained.chains) {
    const { table, name, policy } = chain;
    const rules = byChain.get(keyOf(table, name, chain.family));
    // A table that a text shows twice has all its rules under its first heading.
    byChain.delete(keyOf(table, name, chain.family));
    if (!rules) continue;
    const says = describeChain(table, name);
    lines.push(
      paint(36, `${table} ${name}${policy === undefined ? '' : l10n.t(' (policy {0})', policy)}`) +
        (says === undefined ? '' : `  ${paint(2, says)}`),
    );
    for (const rule of rules) lines.push(...printRule(rule, paint));
    lines.push('');
  }
  return lines.join('\n');
}

function groupByChain(rules: ExplainedRule[]): Map<string, ExplainedRule[]> {
  const groups = new Map<string, ExplainedRule[]>();
  for (const rule of rules) {
    const key = keyOf(rule.table, rule.chain, rule.family);
    const group = groups.get(key);
    if (group) group.push(rule);
    else groups.set(key, [rule]);
  }
  return groups;
}

function keyOf(table: string, chain: string, family = ''): string {
  return `${family} ${table} ${chain}`;
}

function printRule(rule: ExplainedRule, paint: (code: number, text: string) => string): string[] {
  const counters = rule.counters
    ? paint(2, l10n.t('   {0} packets, {1} bytes', String(rule.counters.packets), String(rule.counters.bytes)))
    : '';
  return [
    `  ${paint(rule.known ? 32 : 33, rule.rule)}${counters}`,
    `      ${rule.explanation}`,
    `      ${paint(2, l10n.t('Cause: {0}', rule.cause))}`,
  ];
}
