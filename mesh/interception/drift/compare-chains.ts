import { isBuiltIn } from '../infer-table.ts';
import { sameness } from './pair-rules.ts';
import { Fates } from './decision-diagram.ts';
import type { Effort, Outcome } from './decision-diagram.ts';
import type { Box, PacketSpace } from './packet-space.ts';
import { decideHook } from './walk-rules.ts';
import type { Chain, Chains } from './walk-rules.ts';

/** Packets that two rule sets treat differently at one hook. */
export interface Disagreement {
  table: string;
  hook: string;
  box: Box;
  expected: Outcome;
  actual: Outcome;
}

/** A few hundred pieces are enough to find a telling one. */
const mostPieces = 500;

/** Where two rule sets treat packets differently; empty: nowhere. */
export function compareChains(
  expected: Chains,
  actual: Chains,
  space: PacketSpace,
  effort: Effort,
  tables: Iterable<string> = new Set([...expected.keys(), ...actual.keys()]),
): Disagreement[] {
  const fates = new Fates(space, effort);
  const found: Disagreement[] = [];
  for (const table of tables) {
    if (isSameTable(expected.get(table), actual.get(table))) continue;
    const names = [...(expected.get(table)?.keys() ?? []), ...(actual.get(table)?.keys() ?? [])];
    for (const hook of new Set(names.filter(isBuiltIn))) {
      const [mine, theirs] = [expected, actual].map((chains) =>
        decideHook(chains, table, hook, { space, fates, effort }),
      );
      if (!mine || !theirs) continue;
      const among = packetsAt(table, hook, space);
      for (const { box, ...outcomes } of fates.differences(mine, theirs, among, mostPieces))
        found.push({ table, hook, box: withoutMatterOfCourse(box, among), ...outcomes });
    }
  }
  return found;
}

/** That nat sees only new connections goes without saying. */
function withoutMatterOfCourse(box: Box, among: Box): Box {
  return new Map([...box].filter(([name, mask]) => among.get(name) !== mask));
}

/**
 * The packets that a hook can see at all: what comes in has no outgoing interface and no sender, what goes out came in
 * nowhere, and nat is asked only about the first packet of a connection.
 */
function packetsAt(table: string, hook: string, space: PacketSpace): Box {
  const unnamed = [
    ...(hook === 'PREROUTING' || hook === 'INPUT' ? ['out'] : []),
    ...(hook === 'OUTPUT' || hook === 'POSTROUTING' ? ['in'] : ['user', 'group']),
  ];
  const box = new Map<string, bigint>();
  for (const name of unnamed) {
    const dimension = space.dimension(name);
    if (dimension) box.set(name, dimension.unnamed);
  }
  const states = table === 'nat' ? space.dimension('state') : undefined;
  if (states) box.set('state', states.maskOf({ option: '--ctstate', values: ['NEW,RELATED'], negated: false }));
  return box;
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
