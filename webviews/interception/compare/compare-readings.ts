import * as l10n from '@vscode/l10n';
import type { ReadingDrift, ReadingView } from '../../../contract/interception-view.ts';
import { findDrift } from '../../../mesh/interception/find-drift.ts';
import { indexRows, parseReading } from '../index-rows.ts';

/** Beyond that a comparison packet by packet would stop the page. */
const mostRules = 6000;

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
  const rows = indexRows(other).rows;
  if (Math.max(rows.length, indexRows(reading).rows.length) > mostRules)
    return {
      status: 'unknown',
      differences: [],
      whyUnknown: l10n.t('More than {0} rules are not compared here.', mostRules),
    };
  const causes = new Map(
    rows.map(({ row, chain }) => [`${chain.slice(0, chain.indexOf('/'))} ${row.rule}`, row.cause]),
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
