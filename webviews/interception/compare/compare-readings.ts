import * as l10n from '@vscode/l10n';
import type { ReadingDrift, ReadingView } from '../../../contract/interception-view.ts';
import { findDrift, type DriftDifference } from '../../../mesh/interception/find-drift.ts';
import { indexRows, parseReading } from '../index-rows.ts';

/**
 * Following every packet takes as long as there are rules, times the lines that differ. Beyond that, which is about a
 * second, the page would stand still.
 */
const mostEffort = 60_000;

const kept = new WeakMap<ReadingView, WeakMap<ReadingView, ReadingDrift>>();

/** The other pod's reading of the same family and backend, else of the same family that holds rules. */
export function counterpart(reading: ReadingView, others: readonly ReadingView[]): ReadingView | undefined {
  const family = reading.id.split('-')[0] ?? '';
  const same = others.filter(({ id }) => id.startsWith(`${family}-`));
  return (
    others.find(({ id }) => id === reading.id) ??
    same.find(({ chains }) => chains.some(({ rules }) => rules.length > 0)) ??
    same[0]
  );
}

/** What was thought out before; undefined when {@link compareReadings} would have to think. */
export function knownComparison(reading: ReadingView, other: ReadingView): ReadingDrift | undefined {
  return kept.get(reading)?.get(other);
}

/** How two pods treat packets differently: `expected` lines are those of the other pod, `peer`. Thought out once per pair. */
export function compareReadings(reading: ReadingView, other: ReadingView, peer: string): ReadingDrift {
  const pairs = kept.get(reading) ?? new WeakMap<ReadingView, ReadingDrift>();
  kept.set(reading, pairs);
  let found = pairs.get(other);
  if (!found) {
    found = { reading: reading.id, ...compare(reading, other, peer) };
    pairs.set(other, found);
  }
  return found;
}

function compare(reading: ReadingView, other: ReadingView, peer: string): Omit<ReadingDrift, 'reading'> {
  const lines = differingLines(reading, other);
  if (lines.length === 0) return { status: 'same', differences: [] };
  const rules = Math.max(indexRows(reading).rows.length, indexRows(other).rows.length);
  if (lines.length * rules > mostEffort)
    return {
      status: 'unknown',
      differences: lines,
      whyUnknown: l10n.t(
        'They differ in {0} lines of up to {1} rules: too many to follow every packet. Listed are the rules that only one of them has, with what each does.',
        lines.length,
        rules,
      ),
    };
  const causes = new Map(
    indexRows(other).rows.map(({ row, chain }) => [`${chain.slice(0, chain.indexOf('/'))} ${row.rule}`, row.cause]),
  );
  const drift = findDrift(
    { mode: 'sidecar-redirect', by: null, rules: [], ruleset: parseReading(other).ruleset, assumptions: [] },
    parseReading(reading).ruleset,
    peer,
  );
  const differences = drift.differences.map((each) => {
    const cause = causes.get(`${each.table} ${each.expected ?? ''}`);
    return cause ? { ...each, cause } : each;
  });
  return { ...drift, differences };
}

/**
 * Rules and policies that only one side has, and rules that stand at another place. Nothing: both texts say the same, and
 * no packet needs to be followed.
 */
function differingLines(reading: ReadingView, other: ReadingView): DriftDifference[] {
  const [here, there] = [linesOf(reading), linesOf(other)];
  const only = (mine: Lines, theirs: Lines, side: 'actual' | 'expected', kind: DriftDifference['kind']) =>
    [...mine].flatMap(([key, { table, text, effect }]): DriftDifference[] =>
      theirs.has(key) ? [] : [{ kind, table, [side]: text, effect }],
    );
  const found = [...only(there, here, 'expected', 'missing'), ...only(here, there, 'actual', 'extra')];
  if (found.length > 0) return found;
  const before = [...there.keys()];
  const moved = [...here].find(([key], at) => before[at] !== key)?.[1];
  return moved ? [{ kind: 'order', table: moved.table, actual: moved.text, effect: moved.effect }] : [];
}

type Lines = Map<string, { table: string; text: string; effect: string }>;

/** The second of two equal rules is another line. */
function linesOf({ chains }: ReadingView): Lines {
  const lines: Lines = new Map();
  const turns = new Map<string, number>();
  for (const { table, chain, policy, rules } of chains) {
    if (policy !== undefined && policy !== 'ACCEPT')
      lines.set(`${table} :${chain} ${policy}`, {
        table,
        text: `:${chain} ${policy}`,
        effect: l10n.t('What no rule of {0} decides meets the policy {1}.', chain, policy),
      });
    for (const { rule, explanation } of rules) {
      const turn = turns.get(`${table} ${rule}`) ?? 0;
      turns.set(`${table} ${rule}`, turn + 1);
      lines.set(`${table} ${rule} ${turn}`, { table, text: rule, effect: explanation });
    }
  }
  return lines;
}
