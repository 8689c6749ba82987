import { isBuiltIn } from '../infer-table.ts';
import type { IptablesRule, Match } from '../ruleset.ts';
import { isNoCondition } from './packet-space.ts';
import type { Chain, Chains } from './walk-rules.ts';

/** One line that differs, before anybody asked whether it matters. Positions are those in the chain, from 0. */
export interface LineDifference {
  kind: 'missing' | 'extra' | 'changed' | 'order';
  table: string;
  chain: string;
  expected?: { rule: IptablesRule; at: number };
  actual?: { rule: IptablesRule; at: number };
  /** A built-in chain's policy instead of a rule. */
  policies?: { expected: string; actual: string };
}

/** What differs line by line, chain by chain. */
export function pairRules(expected: Chains, actual: Chains, tables: ReadonlySet<string>): LineDifference[] {
  const differences: LineDifference[] = [];
  for (const table of tables) {
    const mine = expected.get(table);
    const theirs = actual.get(table);
    for (const chain of new Set([...(mine?.keys() ?? []), ...(theirs?.keys() ?? [])]))
      differences.push(...pairChain(table, chain, mine?.get(chain), theirs?.get(chain)));
  }
  return differences;
}

function pairChain(table: string, chain: string, mine?: Chain, theirs?: Chain): LineDifference[] {
  const found: LineDifference[] = [];
  const policies = { expected: mine?.policy ?? 'ACCEPT', actual: theirs?.policy ?? 'ACCEPT' };
  if (isBuiltIn(chain) && policies.expected !== policies.actual)
    found.push({ kind: 'changed', table, chain, policies });
  const common = longestCommon((mine?.rules ?? []).map(sameness), (theirs?.rules ?? []).map(sameness));
  const left = indexed(mine).filter(({ at }) => !common.left.has(at));
  const right = indexed(theirs).filter(({ at }) => !common.right.has(at));
  const take = (wanted: (rule: IptablesRule) => boolean) => {
    const at = right.findIndex(({ rule }) => wanted(rule));
    return at < 0 ? undefined : right.splice(at, 1)[0];
  };
  const moved = left.map((own) => ({ own, other: take((rule) => sameness(rule) === sameness(own.rule)) }));
  for (const { own, other } of moved) {
    if (other) {
      found.push({ kind: 'order', table, chain, expected: own, actual: other });
      continue;
    }
    const similar = take((rule) => likeness(rule) === likeness(own.rule));
    if (similar) found.push({ kind: 'changed', table, chain, expected: own, actual: similar });
    else found.push({ kind: 'missing', table, chain, expected: own });
  }
  for (const other of right) found.push({ kind: 'extra', table, chain, actual: other });
  return found;
}

function indexed(chain: Chain | undefined): { rule: IptablesRule; at: number }[] {
  return (chain?.rules ?? []).map((rule, at) => ({ rule, at }));
}

/** Equal for two lines that say the same, in whatever order their conditions stand. */
export function sameness({ matches, target, goto, targetOptions }: IptablesRule): string {
  const words = matches
    .filter((match) => !isNoCondition(match))
    .map((match) => `${match.negated ? '!' : ''}${nameOf(match)} ${match.values.join(' ')}`);
  const options = targetOptions.map(({ option, values, negated }) => [negated ? '!' : '', option, ...values].join(' '));
  return [...words.sort(), goto ? '-g' : '-j', target, ...options.sort()].join('|');
}

/** `--mark` is a question of two modules, and a module alone is known by its name. */
function nameOf({ option, module = '' }: Match): string {
  return option === '' || option === '--mark' ? `${module} ${option}` : option;
}

/** Equal for two lines that differ in their values alone. */
function likeness({ matches, target }: IptablesRule): string {
  const words = matches.map(
    ({ option, negated, values }) => `${negated ? '!' : ''}${option}${option === '-p' ? values[0] : ''}`,
  );
  return [...words.sort(), target].join('|');
}

/** Positions of a longest common subsequence; of very long chains only what is equal at both ends. */
function longestCommon(a: string[], b: string[]): { left: Set<number>; right: Set<number> } {
  const left = new Set<number>();
  const right = new Set<number>();
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) {
    left.add(start);
    right.add(start++);
  }
  let endA = a.length;
  let endB = b.length;
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    left.add(--endA);
    right.add(--endB);
  }
  const [rows, columns] = [endA - start, endB - start];
  if (rows * columns === 0 || rows * columns > 4_000_000) return { left, right };
  const lengths = Array.from({ length: rows + 1 }, () => new Uint32Array(columns + 1));
  for (let i = rows - 1; i >= 0; i--)
    for (let j = columns - 1; j >= 0; j--)
      lengths[i]![j] =
        a[start + i] === b[start + j]
          ? lengths[i + 1]![j + 1]! + 1
          : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
  for (let i = 0, j = 0; i < rows && j < columns;) {
    if (a[start + i] === b[start + j]) {
      left.add(start + i++);
      right.add(start + j++);
    } else if (lengths[i + 1]![j]! >= lengths[i]![j + 1]!) i++;
    else j++;
  }
  return { left, right };
}
