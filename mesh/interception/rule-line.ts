import type { Counters, IptablesRule, Match } from './ruleset.ts';

/** A rule before it has its line: what a parser collects, in the order in which the modules were given. */
export interface RuleParts {
  table: string;
  chain: string;
  /** `-s -d -i -o -p -f`, in any order. */
  basics: Match[];
  modules: ModuleMatch[];
  target?: string;
  goto?: boolean;
  targetOptions?: Match[];
}

export interface ModuleMatch {
  module: string;
  options: Match[];
}

/** The order in which `iptables-save` prints what belongs to the rule itself. */
const basicOrder = ['-s', '-d', '-i', '-o', '-p', '-f'];

/** A rule with the `-A …` line that `iptables-save` prints for it, or printed. */
export function buildRule(parts: RuleParts, counters?: Counters, text?: string): IptablesRule {
  const basics = sortBasics(parts.basics);
  const rule: IptablesRule = {
    table: parts.table,
    chain: parts.chain,
    text: text ?? ruleWords({ ...parts, basics }, quoteString).join(' '),
    matches: [...basics, ...parts.modules.flatMap(matchesOf)],
    goto: parts.goto ?? false,
    targetOptions: parts.targetOptions ?? [],
  };
  if (parts.target !== undefined) rule.target = parts.target;
  if (counters) rule.counters = counters;
  return rule;
}

/** A module's options with values unquoted: programs compare values, only the line needs quotes. */
function matchesOf({ module, options }: ModuleMatch): Match[] {
  return options.length
    ? options.map((option) => ({ ...option, module }))
    : [{ module, option: '', values: [], negated: false }];
}

/** The words of a rule's line in the order of `iptables-save`, without quotes. */
export function plainWords(parts: RuleParts): string[] {
  return ruleWords({ ...parts, basics: sortBasics(parts.basics) }, (value) => value);
}

function sortBasics(basics: Match[]): Match[] {
  return [...basics].sort((a, b) => basicOrder.indexOf(a.option) - basicOrder.indexOf(b.option));
}

function ruleWords(
  { chain, basics, modules, target, goto, targetOptions = [] }: RuleParts,
  quote: (value: string) => string,
): string[] {
  const words = ['-A', chain];
  const add = ({ option, values, negated }: Match) => {
    if (negated) words.push('!');
    if (option) words.push(option);
    const free = freeText.has(option);
    for (const value of values) words.push(free ? quote(value) : value);
  };
  basics.forEach(add);
  for (const { module, options } of modules) {
    // What could not be translated stands as it was written: it has no module name to put before it.
    if (module !== '') words.push('-m', module);
    options.forEach(add);
  }
  if (target !== undefined) words.push(goto ? '-g' : '-j', target);
  targetOptions.forEach(add);
  return words;
}

/** Options whose value is any text; all others are words that need no quotes. */
const freeText = new Set(['--comment', '--log-prefix', '--nflog-prefix', '--ulog-prefix', '--string', '--hex-string']);

/** A string as `iptables-save` prints it: bare if it is one word of letters, digits, `_` and `-`. */
function quoteString(value: string): string {
  return /^[\w-]+$/.test(value) ? value : `"${value.replace(/["\\']/g, '\\$&')}"`;
}
