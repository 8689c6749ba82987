import type { ReadingView, RuleRow } from '../../contract/interception-view.ts';
import { parseRules } from '../../mesh/interception/parse-rules.ts';
import type { IptablesRule, Ruleset } from '../../mesh/interception/ruleset.ts';

/** A rule of a reading by its number, counted through all chains: the same in the table, the graph and a trace. */
export interface IndexedRow {
  index: number;
  row: RuleRow;
  /** `table/CHAIN`. */
  chain: string;
  /** Place within the chain, from 0. */
  at: number;
}

const indexed = new WeakMap<ReadingView, { rows: IndexedRow[]; byRow: Map<RuleRow, IndexedRow> }>();

/** Every rule of a reading in order. Made once per reading. */
export function indexRows(reading: ReadingView): { rows: IndexedRow[]; byRow: Map<RuleRow, IndexedRow> } {
  let found = indexed.get(reading);
  if (!found) {
    const rows: IndexedRow[] = [];
    for (const { table, chain, rules } of reading.chains)
      rules.forEach((row, at) => rows.push({ index: rows.length, row, chain: `${table}/${chain}`, at }));
    found = { rows, byRow: new Map(rows.map((each) => [each.row, each])) };
    indexed.set(reading, found);
  }
  return found;
}

/** The id of a rule's row in the page. */
export function ruleElementId(index: number): string {
  return `rule-${index}`;
}

interface Parsed {
  ruleset: Ruleset;
  /** Number of a parsed rule, as {@link indexRows} counts. */
  indexOf: (rule: IptablesRule) => number | undefined;
}

const parsed = new WeakMap<ReadingView, Parsed>();

/** The reading's text as the model that tracing and comparing take. Parsed once, when first asked for. */
export function parseReading(reading: ReadingView): Parsed {
  let found = parsed.get(reading);
  if (!found) {
    const ruleset = parseRules(reading.raw);
    const numbers = new Map<IptablesRule, number>();
    for (const { rules } of ruleset.chains) for (const rule of rules) numbers.set(rule, numbers.size);
    found = { ruleset, indexOf: (rule) => numbers.get(rule) };
    parsed.set(reading, found);
  }
  return found;
}
