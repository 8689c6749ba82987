import type { InterceptionFacts } from './interception-facts.ts';
import { findMatch, plainChain, plainTable, valueOf } from './interception-facts.ts';
import type { IptablesRule, Match } from './ruleset.ts';

/** A rule as the patterns see it: names of native nftables already turned into those of iptables. */
export interface Subject {
  rule: IptablesRule;
  table: string;
  chain: string;
  target: string;
  /** Sorted names of all its matches, `!` before the negated, without comments: `!-d -o --uid-owner`. */
  shape: string;
  facts: InterceptionFacts;
  /** Value of an option, negated or not; empty when there is none. */
  value: (option: string) => string;
  find: (option: string) => Match | undefined;
}

/**
 * One kind of rule and what it means. A pattern takes a rule only if the rule has exactly the matches of one of its
 * shapes: a rule with one condition more is another rule.
 */
export interface RulePattern {
  tables: string[];
  /** Names, or a prefix ending in `*`. */
  chains: string[];
  targets: string[];
  /** Absent: any matches. */
  shapes?: string[];
  /** What shape, chain and target do not say. */
  when?: (subject: Subject) => boolean;
  /** To whom this happens, and why. */
  says: (subject: Subject) => string;
  /** The annotation, mesh setting or default that put the rule there. */
  cause: (subject: Subject) => string;
}

/** A pattern ready to be looked up. */
export interface PreparedPattern extends RulePattern {
  readonly shapeSet: ReadonlySet<string> | undefined;
}

export function preparePattern(pattern: RulePattern): PreparedPattern {
  return {
    ...pattern,
    shapeSet: pattern.shapes && new Set(pattern.shapes.map((shape) => sortShape(shape.split(' ').filter(Boolean)))),
  };
}

export function matchesPattern(pattern: PreparedPattern, subject: Subject): boolean {
  return (
    fits(pattern.tables, subject.table) &&
    fits(pattern.chains, subject.chain) &&
    fits(pattern.targets, subject.target) &&
    (pattern.shapeSet === undefined || pattern.shapeSet.has(subject.shape)) &&
    (pattern.when?.(subject) ?? true)
  );
}

export function describeSubject(rule: IptablesRule, facts: InterceptionFacts): Subject {
  return {
    rule,
    table: plainTable(rule.table),
    chain: plainChain(rule.table, rule.chain),
    target: plainChain(rule.table, rule.target ?? ''),
    shape: sortShape(rule.matches.map(shapeOf).filter(Boolean)),
    facts,
    value: (option) => valueOf(rule, option) ?? findMatch(rule, option)?.values[0] ?? '',
    find: (option) => findMatch(rule, option),
  };
}

/** Modules that add nothing when they stand without options: `-p tcp -m tcp`, or a comment that nft -j does not show. */
const silentModules = new Set(['tcp', 'udp', 'udplite', 'sctp', 'dccp', 'icmp', 'icmp6', 'comment']);

/** `!--dport`, `-d`; a module alone counts by its name, and so does text that could not be read: nothing is passed over. */
function shapeOf({ module, option, negated, values }: Match): string {
  if (option === '--comment') return '';
  if (option !== '') return (negated ? '!' : '') + option;
  return module === undefined || module === ''
    ? `?${values.join(' ')}`
    : silentModules.has(module)
      ? ''
      : `-m=${module}`;
}

function fits(names: string[], name: string): boolean {
  return names.some((each) => (each.endsWith('*') ? name.startsWith(each.slice(0, -1)) : each === name));
}

function sortShape(options: string[]): string {
  return options.sort().join(' ');
}
