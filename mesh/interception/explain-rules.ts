import * as l10n from '@vscode/l10n';
import { learnFacts } from './interception-facts.ts';
import type { InterceptionFacts, InterceptionMode } from './interception-facts.ts';
import { rulePatterns } from './patterns/index.ts';
import { sayPlainly } from './plain-words.ts';
import { describeSubject, matchesPattern } from './rule-pattern.ts';
import type { PreparedPattern, Subject } from './rule-pattern.ts';
import type { Counters, Family, IptablesRule, Ruleset } from './ruleset.ts';

export interface ExplainedRule {
  table: string;
  chain: string;
  /** The `-A …` line of `iptables-save`, without its counters. */
  rule: string;
  counters?: Counters;
  /** Only where one text shows the tables of several families. */
  family?: Family;
  /** What happens to whom, and why. */
  explanation: string;
  /** The annotation, mesh setting or default that put the rule there. */
  cause: string;
  /** False: explained from its matches alone. */
  known: boolean;
}

export interface ExplainedChain {
  table: string;
  name: string;
  policy?: string;
  family?: Family;
}

export interface ExplainedRuleset {
  mode: InterceptionMode;
  chains: ExplainedChain[];
  /** In the order of the chains, each rule once. */
  rules: ExplainedRule[];
  warnings: string[];
  facts: InterceptionFacts;
}

/** Every rule of a rule set in a sentence, with its cause. A rule that nobody knows is a warning, never an error. */
export function explainRules(ruleset: Ruleset): ExplainedRuleset {
  const facts = learnFacts(ruleset);
  const several = ruleset.family === 'unknown';
  const warnings = [...ruleset.warnings];
  if (facts.leftovers.length > 0)
    warnings.push(
      l10n.t(
        'Chains of Istio are left over ({0}), but no rule leads to them: nothing is taken to a proxy.',
        [...new Set(facts.leftovers)].join(', '),
      ),
    );
  const rules: ExplainedRule[] = [];
  const chains: ExplainedChain[] = [];
  let unknown = 0;
  for (const { table, name, policy, family, rules: own } of ruleset.chains) {
    const chain: ExplainedChain = { table, name };
    if (policy !== undefined) chain.policy = policy;
    if (several && family) chain.family = family;
    chains.push(chain);
    for (const rule of own) {
      const explained = explainRule(rule, facts);
      if (several && rule.family) explained.family = rule.family;
      rules.push(explained);
      if (explained.known) continue;
      unknown++;
      if (unknown <= maximalWarnings)
        warnings.push(
          l10n.t(
            'Not a rule of Istio, kube-proxy or a CNI plugin as far as is known: {0} (table {1})',
            rule.text,
            table,
          ),
        );
    }
  }
  if (unknown > maximalWarnings) warnings.push(l10n.t('{0} more rules are not known.', unknown - maximalWarnings));
  return { mode: facts.mode, chains, rules, warnings, facts };
}

const maximalWarnings = 1000;

function explainRule(rule: IptablesRule, facts: InterceptionFacts): ExplainedRule {
  const subject = describeSubject(rule, facts);
  const pattern = candidates(subject).find((each) => matchesPattern(each, subject));
  const explained: ExplainedRule = {
    table: rule.table,
    chain: rule.chain,
    rule: rule.text,
    explanation: pattern ? pattern.says(subject) + noteUnreachable(rule, facts) : sayPlainly(rule),
    cause: pattern ? pattern.cause(subject) : l10n.t('unknown'),
    known: pattern !== undefined,
  };
  if (rule.counters) explained.counters = rule.counters;
  return explained;
}

/** Patterns by table: a node's thousands of rules do not try those of other tables. */
const byTable = new Map<string, PreparedPattern[]>();

function candidates({ table }: Subject): PreparedPattern[] {
  const found = byTable.get(table) ?? rulePatterns.filter(({ tables }) => tables.includes(table));
  if (found.length) byTable.set(table, found);
  return found;
}

/** In TPROXY mode Istio still writes a nat ISTIO_INBOUND to which nothing leads: its 15008 is *not* excluded. */
function noteUnreachable({ table, chain }: IptablesRule, { unreachable }: InterceptionFacts): string {
  return unreachable.has(`${table} ${chain}`)
    ? l10n.t(' But no rule leads to chain {0}: this has no effect.', chain)
    : '';
}
