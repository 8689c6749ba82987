import type { ReadingView } from '../../../contract/interception-view.ts';
import { indexRows } from '../index-rows.ts';

/** What the counters showed when watching was armed. Small enough to be kept in the webview's state. */
export interface Baseline {
  /** Milliseconds since 1970. */
  armedAt: number;
  /** By `ReadingView.id`. */
  readings: Record<string, CounterList>;
}

/** Rules are known by their text, not by their place: one that is inserted while watching moves all others. */
interface CounterList {
  /** See {@link hashRule}; in the order of the reading. */
  rules: number[];
  /** -1: not counted. */
  packets: number[];
}

export interface CounterDeltas {
  /** Packets since arming, by the rule's number; only rules that have met some. */
  byRule: ReadonlyMap<number, number>;
  /** Rules that were not there when watching was armed. */
  added: ReadonlySet<number>;
  /** Rules whose counter is below what it was: they count from zero again. */
  reset: number;
  /** How many of the rules had counters to compare. */
  compared: number;
}

/** Remembers the counters of all readings. */
export function armCounters(readings: readonly ReadingView[], now: number): Baseline {
  return { armedAt: now, readings: Object.fromEntries(readings.map((reading) => [reading.id, listCounters(reading)])) };
}

/** What has happened since. A rule twice in a chain is compared with the one at the same turn. */
export function countSince(baseline: Baseline, reading: ReadingView): CounterDeltas {
  const before = Object.hasOwn(baseline.readings, reading.id) ? baseline.readings[reading.id] : undefined;
  const byRule = new Map<number, number>();
  const added = new Set<number>();
  let reset = 0;
  let compared = 0;
  if (!before) return { byRule, added, reset, compared };
  const turnsBefore = new Turns();
  const known = new Map(before.rules.map((rule, at) => [turnsBefore.next(rule), before.packets[at] ?? -1]));
  const turns = new Turns();
  for (const { index, row, chain } of indexRows(reading).rows) {
    const was = known.get(turns.next(hashRule(chain, row.rule)));
    const { packets } = row;
    if (was === undefined) added.add(index);
    if (packets === undefined || was === -1) continue;
    compared += 1;
    const fell = was !== undefined && packets < was;
    if (fell) reset += 1;
    const delta = fell ? packets : packets - (was ?? 0);
    if (delta > 0) byRule.set(index, delta);
  }
  return { byRule, added, reset, compared };
}

/** Reads what was kept; undefined when it is not whole. */
export function parseBaseline(kept: unknown): Baseline | undefined {
  const { armedAt, readings } = (kept ?? {}) as Record<string, unknown>;
  if (typeof armedAt !== 'number' || typeof readings !== 'object' || readings === null) return undefined;
  const entries = Object.entries(readings as Record<string, Partial<CounterList> | null>);
  const whole = entries.every(
    ([, list]) => areNumbers(list?.rules) && areNumbers(list?.packets) && list.rules.length === list.packets.length,
  );
  return whole ? { armedAt, readings: Object.fromEntries(entries) as Record<string, CounterList> } : undefined;
}

function areNumbers(list: unknown): list is number[] {
  return Array.isArray(list) && list.every((each) => typeof each === 'number');
}

function listCounters(reading: ReadingView): CounterList {
  const { rows } = indexRows(reading);
  return {
    rules: rows.map(({ row, chain }) => hashRule(chain, row.rule)),
    packets: rows.map(({ row }) => row.packets ?? -1),
  };
}

/** FNV-1a over 53 bits' worth of two halves: short, and two rules of one pod do not share it. */
function hashRule(chain: string, rule: string): number {
  let low = 0x811c9dc5;
  let high = 0x1b873593;
  const text = `${chain} ${rule}`;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x5bd1e995);
  }
  return (high & 0x1fffff) * 0x100000000 + (low >>> 0);
}

/** Tells the first from the second of two equal rules. */
class Turns {
  readonly #seen = new Map<number, number>();

  next(rule: number): string {
    const turn = this.#seen.get(rule) ?? 0;
    this.#seen.set(rule, turn + 1);
    return `${rule}:${turn}`;
  }
}
