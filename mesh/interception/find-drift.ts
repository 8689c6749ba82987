import * as l10n from '@vscode/l10n';
import { compareChains, intersect } from './drift/compare-chains.ts';
import type { Disagreement } from './drift/compare-chains.ts';
import { describeDisagreement, narrowness } from './drift/describe-disagreement.ts';
import { PacketSpace } from './drift/packet-space.ts';
import { pairRules } from './drift/pair-rules.ts';
import type { LineDifference } from './drift/pair-rules.ts';
import { chainsOf, TooManyPieces } from './drift/walk-rules.ts';
import type { Chain, Chains, Effort } from './drift/walk-rules.ts';
import type { ExpectedRules } from './expected-rules.ts';
import type { IptablesRule, Ruleset } from './ruleset.ts';

export interface DriftDifference {
  kind: 'missing' | 'extra' | 'changed' | 'order';
  table: string;
  /** `-A …` lines; `:OUTPUT DROP` for a policy. */
  expected?: string;
  actual?: string;
  /** What puts the expected rule there. */
  cause?: string;
  /** Which traffic is treated differently. */
  effect: string;
}

export interface Drift {
  /** *same*: both rule sets treat every packet alike, whatever their lines look like. */
  status: 'same' | 'drift' | 'unknown';
  differences: DriftDifference[];
  /** Why it could not be told. */
  whyUnknown?: string;
}

/**
 * Compares the rules that a pod has with those that Istio would program for it. Every packet is followed through both, in
 * every hook of every table, so that *same* is no matter of text: the order of two RETURN rules for different ports, or the
 * layout of another Istio version, is no drift as long as no packet meets another fate.
 * @param peer name of the pod whose real rules stand on the expected side, when two pods are compared.
 */
export function findDrift(expected: ExpectedRules, actual: Ruleset, peer?: string): Drift {
  const family = expected.ruleset.family === '6' ? '6' : '4';
  const cannotTell = whyIncomparable(expected, actual, family);
  if (cannotTell !== undefined) return { status: 'unknown', differences: [], whyUnknown: cannotTell };
  const sides = { expected: chainsOf(expected.ruleset, family), actual: chainsOf(actual, family) };
  const shown = shownTables(sides.expected, sides.actual, actual);
  try {
    const differences = compare(expected, sides, shown.tables, peer);
    if (differences.length > 0) return { status: 'drift', differences };
  } catch (error) {
    if (!(error instanceof TooManyPieces)) throw error;
    const whyUnknown = l10n.t('The rules overlap in too many ways to be compared packet by packet.');
    return { status: 'unknown', differences: [], whyUnknown };
  }
  const whyUnknown =
    shown.missing.length > 0
      ? l10n.t(
          'The text does not show table {0}, in which rules are expected. Give the output of iptables-save.',
          shown.missing.join(', '),
        )
      : actual.warnings[0];
  return whyUnknown === undefined
    ? { status: 'same', differences: [] }
    : { status: 'unknown', differences: [], whyUnknown };
}

function whyIncomparable(expected: ExpectedRules, actual: Ruleset, family: '4' | '6'): string | undefined {
  if (expected.mode === 'ambient') return expected.whyNone;
  if (actual.family !== 'unknown' && actual.family !== family && actual.chains.some(({ rules }) => rules.length > 0))
    return l10n.t('The expected rules are for IPv{0}, the real ones for IPv{1}.', family, actual.family);
  return actual.chains.length === 0 && actual.warnings.length > 0 ? actual.warnings[0] : undefined;
}

/** `iptables-save` shows every table there is; a listing only those that were asked for. */
function shownTables(
  expected: Chains,
  actual: Chains,
  { format }: Ruleset,
): { tables: Set<string>; missing: string[] } {
  const tables = new Set([...expected.keys(), ...actual.keys()]);
  if (format !== 'iptables-S' && format !== 'iptables-L') return { tables, missing: [] };
  const missing = [...expected].filter(([name, chains]) => !actual.has(name) && hasRules(chains)).map(([name]) => name);
  for (const name of missing) tables.delete(name);
  return { tables, missing };
}

function hasRules(chains: ReadonlyMap<string, Chain>): boolean {
  return [...chains.values()].some(({ rules }) => rules.length > 0);
}

interface Sides {
  expected: Map<string, Map<string, Chain>>;
  actual: Map<string, Map<string, Chain>>;
}

function compare(expected: ExpectedRules, sides: Sides, tables: Set<string>, peer?: string): DriftDifference[] {
  const space = new PacketSpace(rulesOf(sides.expected, sides.actual));
  const effort: Effort = { steps: 0 };
  const all = compareChains(sides.expected, sides.actual, space, effort, tables);
  if (all.length === 0) return [];
  const lines = pairRules(sides.expected, sides.actual, tables);
  const causes = new Map(expected.rules.map(({ table, text, cause }) => [`${table} ${text}`, cause]));
  const toDifference = (line: LineDifference, effect: string) => asDifference(line, effect, causes);
  if (isUntouched(expected, sides)) {
    const effect = l10n.t("No rule of Istio is there: none of this pod's traffic goes through its proxy.");
    return lines.filter(({ kind }) => kind === 'missing').map((line) => toDifference(line, effect));
  }
  const widest = (disagreements: Disagreement[]) =>
    disagreements.reduce((best, each) => (narrowness(each, space) < narrowness(best, space) ? each : best));
  const differences = lines.flatMap((line) => {
    const own = consequencesWithin(line, sides, all, space);
    return own.length > 0 ? [toDifference(line, describeDisagreement(widest(own), space, peer))] : [];
  });
  if (differences.length > 0) return differences;
  // No line alone makes the difference, all of them together do.
  return lines.map((line) => toDifference(line, describeDisagreement(widest(all), space, peer)));
}

function* rulesOf(...sets: Chains[]): Generator<IptablesRule> {
  for (const set of sets) for (const chains of set.values()) for (const { rules } of chains.values()) yield* rules;
}

/** Whether Istio's chains are expected, and not one of them is there. */
function isUntouched(expected: ExpectedRules, { actual }: Sides): boolean {
  const names = [...actual.values()].flatMap((chains) => [...chains.keys()]);
  return expected.rules.length > 0 && !names.some((name) => name.startsWith('ISTIO_'));
}

function asDifference(line: LineDifference, effect: string, causes: Map<string, string>): DriftDifference {
  const { kind, table, chain, policies } = line;
  const difference: DriftDifference = { kind, table, effect };
  if (policies) {
    difference.expected = `:${chain} ${policies.expected}`;
    difference.actual = `:${chain} ${policies.actual}`;
  }
  if (line.expected) {
    difference.expected = line.expected.rule.text;
    const cause = causes.get(`${table} ${line.expected.rule.text}`);
    if (cause !== undefined) difference.cause = cause;
  }
  if (line.actual) difference.actual = line.actual.rule.text;
  return difference;
}

// ---- which line is to blame -----------------------------------------------------------------------------------------

/** Where one line alone takes too long to follow, it is held to account for all of its table. */
function consequencesWithin(
  line: LineDifference,
  sides: Sides,
  all: Disagreement[],
  space: PacketSpace,
): Disagreement[] {
  try {
    return consequences(line, sides, all, space, { steps: 0 });
  } catch (error) {
    if (!(error instanceof TooManyPieces)) throw error;
    return all.filter(({ table }) => table === line.table);
  }
}

/**
 * The disagreements to which one line contributes: packets that are treated differently once this line alone is put
 * right, and that the two rule sets as a whole treat differently too.
 */
function consequences(
  line: LineDifference,
  sides: Sides,
  all: Disagreement[],
  space: PacketSpace,
  effort: Effort,
): Disagreement[] {
  const here = all.filter(({ table }) => table === line.table);
  if (here.length === 0) return [];
  const changes: Disagreement[] = [];
  const tables = [line.table];
  if (line.policies) return here.filter(({ hook }) => hook === line.chain);
  if (line.expected) {
    const without = withoutRule(sides.expected, line, line.expected.at);
    changes.push(...compareChains(sides.expected, without, space, effort, tables));
  }
  if (line.actual) {
    const without = withoutRule(sides.actual, line, line.actual.at);
    changes.push(...compareChains(without, sides.actual, space, effort, tables));
  }
  // A few hundred pieces are enough to find a wide one.
  return here.slice(0, 500).flatMap((each) =>
    changes.slice(0, 500).flatMap((change) => {
      const box = change.hook === each.hook ? intersect(change.box, each.box) : undefined;
      return box ? [{ ...each, box }] : [];
    }),
  );
}

function withoutRule(chains: Chains, { table, chain }: LineDifference, at: number): Chains {
  const names = chains.get(table) ?? new Map<string, Chain>();
  const changed = names.get(chain);
  if (!changed) return chains;
  const less = { ...changed, rules: changed.rules.filter((_, index) => index !== at) };
  return new Map(chains).set(table, new Map(names).set(chain, less));
}
