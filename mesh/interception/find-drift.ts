import * as l10n from '@vscode/l10n';
import { Effort, TooManyPieces } from './drift/decision-diagram.ts';
import { compareChains, intersect } from './drift/compare-chains.ts';
import type { Disagreement } from './drift/compare-chains.ts';
import { describeDisagreement, narrowness } from './drift/describe-disagreement.ts';
import { isMarkMatch, PacketSpace } from './drift/packet-space.ts';
import type { Box } from './drift/packet-space.ts';
import { findExample } from './drift/find-example.ts';
import { pairRules } from './drift/pair-rules.ts';
import type { LineDifference } from './drift/pair-rules.ts';
import { revealHidden } from './drift/reveal-hidden.ts';
import { chainsOf } from './drift/walk-rules.ts';
import type { Chain, Chains } from './drift/walk-rules.ts';
import type { ExpectedRules } from './expected-rules.ts';
import type { IptablesRule, Ruleset } from './ruleset.ts';
import type { Packet } from './trace-packet.ts';

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
  /** One packet of it, for a trace; absent where no ordinary packet of TCP or UDP is among it. */
  example?: Packet;
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
  if (expected.nativeTwin) return findDrift(expected.nativeTwin, actual, peer);
  const family = expected.ruleset.family === '6' ? '6' : '4';
  const cannotTell = whyIncomparable(expected, actual, family);
  if (cannotTell !== undefined) return { status: 'unknown', differences: [], whyUnknown: cannotTell };
  const wanted = chainsOf(expected.ruleset, family);
  const sides = { expected: wanted, actual: revealHidden(wanted, chainsOf(actual, family), actual) };
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
  if (expected.mode !== 'none' && expected.whyNone !== undefined) return expected.whyNone;
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
  expected: Chains;
  actual: Chains;
}

function compare(expected: ExpectedRules, sides: Sides, tables: Set<string>, peer?: string): DriftDifference[] {
  const space = new PacketSpace(rulesOf(sides.expected, sides.actual));
  const all = compareChains(sides.expected, sides.actual, space, new Effort(), tables);
  if (all.length === 0) return [];
  const lines = pairRules(sides.expected, sides.actual, tables);
  const causes = new Map(expected.rules.map(({ table, text, cause }) => [`${table} ${text}`, cause]));
  const toDifference = (line: LineDifference, effect: string, from?: Disagreement) =>
    asDifference(line, effect, causes, from && findExample(from, space, expected.ruleset.family === '6' ? '6' : '4'));
  if (isUntouched(expected, sides)) {
    const effect = l10n.t("No rule of Istio is there: none of this pod's traffic goes through its proxy.");
    return lines.filter(({ kind }) => kind === 'missing').map((line) => toDifference(line, effect));
  }
  const widest = (disagreements: Disagreement[]) =>
    disagreements.reduce((best, each) => (narrowness(each, space) < narrowness(best, space) ? each : best));
  const effort = new Effort(mostBlame);
  const differences = lines.flatMap((line) => {
    const own = consequencesWithin(line, sides, all, space, effort);
    return own.length > 0 ? [toDifference(line, describeDisagreement(widest(own), space, peer), widest(own))] : [];
  });
  if (differences.length > 0) return differences;
  // No line alone makes the difference, all of them together do.
  return lines.map((line) => toDifference(line, describeDisagreement(widest(all), space, peer), widest(all)));
}

function* rulesOf(...sets: Chains[]): Generator<IptablesRule> {
  for (const set of sets) for (const chains of set.values()) for (const { rules } of chains.values()) yield* rules;
}

/** Whether Istio's chains are expected, and not one of them is there. */
function isUntouched(expected: ExpectedRules, { actual }: Sides): boolean {
  const names = [...actual.values()].flatMap((chains) => [...chains.keys()]);
  return expected.rules.length > 0 && !names.some((name) => name.startsWith('ISTIO_'));
}

function asDifference(
  line: LineDifference,
  effect: string,
  causes: Map<string, string>,
  example: Packet | undefined,
): DriftDifference {
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
  if (example) difference.example = example;
  return difference;
}

// ---- which line is to blame -----------------------------------------------------------------------------------------

/** Looking for who is to blame takes a tenth of a second at most. */
const mostBlame = 100_000;

/** Of very many lines the last ones are held to account for whatever befalls packets that they name. */
function consequencesWithin(
  line: LineDifference,
  sides: Sides,
  all: Disagreement[],
  space: PacketSpace,
  effort: Effort,
): Disagreement[] {
  try {
    return consequences(line, sides, all, space, effort);
  } catch (error) {
    if (!(error instanceof TooManyPieces)) throw error;
    return disagreementsAt(line, sides, all).flatMap((each) => packetsOf(line, each, space));
  }
}

/** The disagreements whose packets come past a line's chain at all. */
function disagreementsAt({ table, chain }: LineDifference, { expected, actual }: Sides, all: Disagreement[]) {
  const hooks = [expected, actual].map((chains) => hooksBefore(chains.get(table), chain));
  return all.filter((each) => each.table === table && hooks.some((names) => names.has(each.hook)));
}

/** A chain itself and those from which jumps lead to it. */
function hooksBefore(chains: ReadonlyMap<string, Chain> | undefined, chain: string): Set<string> {
  const found = new Set([chain]);
  for (const wanted of found)
    for (const [name, { rules }] of chains ?? [])
      if (!found.has(name) && rules.some(({ target }) => target === wanted)) found.add(name);
  return found;
}

/** The parts of a disagreement that one line's own conditions name. */
function packetsOf({ expected, actual }: LineDifference, disagreement: Disagreement, space: PacketSpace) {
  if (!expected && !actual) return [disagreement];
  return [expected, actual].flatMap((line) => {
    let box: Box | undefined = line && disagreement.box;
    for (const match of line?.rule.matches ?? []) {
      // The mark that a rule meets may have been set on the way.
      const condition = isMarkMatch(match) ? undefined : space.condition(match);
      if (condition && box) box = intersect(box, new Map([[condition.dimension, condition.mask]]));
    }
    return box ? [{ ...disagreement, box }] : [];
  });
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
  const here = disagreementsAt(line, sides, all);
  // What a line does not name it does not change.
  if (!here.some((each) => packetsOf(line, each, space).length > 0)) return [];
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
  return here.flatMap((each) =>
    changes.flatMap((change) => {
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
