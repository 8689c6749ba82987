import { isBuiltIn } from '../infer-table.ts';
import { sameness } from './pair-rules.ts';
import type { Box, PacketSpace } from './packet-space.ts';
import { outcomeKey, walkRules } from './walk-rules.ts';
import type { Chain, Chains, Effort, Outcome } from './walk-rules.ts';

/** Packets that two rule sets treat differently at one hook. */
export interface Disagreement {
  table: string;
  hook: string;
  box: Box;
  expected: Outcome;
  actual: Outcome;
}

/** Where two rule sets treat packets differently; empty: nowhere. */
export function compareChains(
  expected: Chains,
  actual: Chains,
  space: PacketSpace,
  effort: Effort,
  tables: Iterable<string> = new Set([...expected.keys(), ...actual.keys()]),
): Disagreement[] {
  const found: Disagreement[] = [];
  for (const table of tables) {
    if (isSameTable(expected.get(table), actual.get(table))) continue;
    const names = [...(expected.get(table)?.keys() ?? []), ...(actual.get(table)?.keys() ?? [])];
    for (const hook of new Set(names.filter(isBuiltIn))) {
      for (const left of walkRules(expected, table, hook, new Map(), space, effort)) {
        const key = outcomeKey(left.outcome);
        for (const right of walkRules(actual, table, hook, left.box, space, effort)) {
          if (outcomeKey(right.outcome) === key) continue;
          found.push({ table, hook, box: right.box, expected: left.outcome, actual: right.outcome });
        }
      }
    }
  }
  return found;
}

/** Line by line the same: nothing has to be followed. */
function isSameTable(a: ReadonlyMap<string, Chain> = new Map(), b: ReadonlyMap<string, Chain> = new Map()): boolean {
  return [...new Set([...a.keys(), ...b.keys()])].every((name) => {
    const [mine, theirs] = [a.get(name), b.get(name)];
    const rules = mine?.rules ?? [];
    const others = theirs?.rules ?? [];
    return (
      (mine?.policy ?? 'ACCEPT') === (theirs?.policy ?? 'ACCEPT') &&
      rules.length === others.length &&
      rules.every((rule, at) => sameness(rule) === sameness(others[at]!))
    );
  });
}

/** The packets in both boxes; undefined: none. */
export function intersect(a: Box, b: Box): Box | undefined {
  const both = new Map(a);
  for (const [name, mask] of b) {
    const own = both.get(name);
    const common = own === undefined ? mask : own & mask;
    if (!common) return undefined;
    both.set(name, common);
  }
  return both;
}
