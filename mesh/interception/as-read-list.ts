import type { AsReadFormat, Gap, NumberedRule } from './as-read-formats.ts';
import {
  printChainHeading,
  printColumns,
  printListRow,
  readListLayout,
  recountRow,
  renumberRow,
} from './print-list-row.ts';
import type { ListLayout } from './print-list-row.ts';
import type { IptablesChain, Ruleset, Source, SourcePlace } from './ruleset.ts';
import type { TextEdits } from './text-edits.ts';

/** `iptables -L`: a block for each chain, whose rows may be numbered. */
export class ListFormat implements AsReadFormat {
  readonly #source: Source;
  readonly #ruleset: Ruleset;
  readonly #layout: ListLayout;

  constructor(source: Source, ruleset: Ruleset) {
    this.#source = source;
    this.#ruleset = ruleset;
    const heading = /^(?:num +)? *(?:pkts +bytes +)?target +prot.*$/m.exec(source.text)?.[0] ?? '';
    this.#layout = readListLayout(heading, source.text, ruleset.family === '6' ? '6' : '4');
  }

  removeChain({ start, end, body }: SourcePlace, edits: TextEdits): void {
    const rest = /(?:\r?\n[^\r\n]+)*/y;
    rest.lastIndex = body ?? end;
    const rows = rest.exec(this.#source.text)?.[0].length ?? 0;
    edits.removeLines(start, (body ?? end) + rows, true);
  }

  changeChain(chain: IptablesChain, { start, end }: SourcePlace, edits: TextEdits): void {
    const line = this.#source.text.slice(start, end);
    const references = Number(/\((\d+) references/.exec(line)?.[1] ?? this.#references(chain));
    edits.replace(start, end, printChainHeading(chain, this.#layout, references));
  }

  addChain(chain: IptablesChain, { chains }: Ruleset, edits: TextEdits): void {
    const rows = chain.rules.map((rule, index) => printListRow(rule, index + 1, this.#layout));
    const heading = printChainHeading(chain, this.#layout, this.#references(chain));
    const block = [heading, printColumns(this.#layout), ...rows];
    const others = chains.filter((each) => each.place !== undefined && each.table === chain.table);
    const ends = others.map((each) => this.#blockEnd(each));
    if (ends.length) edits.insertAfter(Math.max(...ends), ['', ...block]);
    else edits.append(['', ...block]);
  }

  removeRule({ start, end }: SourcePlace, edits: TextEdits): void {
    edits.removeLines(start, end);
  }

  changeRules(rules: readonly NumberedRule[], { start, end }: SourcePlace, edits: TextEdits): void {
    const row = this.#source.text.slice(start, end);
    const rows = rules.map(({ rule, number }) =>
      rule.text === rule.origin?.text
        ? this.#renumbered(recountRow(row, rule.counters, this.#layout), number)
        : printListRow(rule, number, this.#layout),
    );
    edits.replace(start, end, rows.join(edits.eol));
  }

  addRules(rules: readonly NumberedRule[], { chain, after, before }: Gap, edits: TextEdits): void {
    const rows = rules.map(({ rule, number }) => printListRow(rule, number, this.#layout));
    const place = this.#source.places[chain.place ?? -1];
    if (after) edits.insertAfter(after.end, rows);
    else if (before) edits.insertBefore(before.start, rows);
    else if (place) edits.insertAfter(place.body ?? place.end, rows);
  }

  renumber(number: number, { start, end }: SourcePlace, edits: TextEdits): void {
    const row = this.#source.text.slice(start, end);
    const renumbered = this.#renumbered(row, number);
    if (renumbered !== row) edits.replace(start, end, renumbered);
  }

  #renumbered(row: string, number: number): string {
    return this.#layout.numbers && parseInt(row, 10) !== number ? renumberRow(row, number) : row;
  }

  #blockEnd({ place, rules }: IptablesChain): number {
    const ends = rules.map(({ origin }) => this.#source.places[origin?.place ?? -1]?.end ?? 0);
    const head = this.#source.places[place ?? -1];
    return ends.reduce((last, end) => Math.max(last, end), head?.body ?? head?.end ?? 0);
  }

  #references({ table, name }: IptablesChain): number {
    const rules = this.#ruleset.chains.flatMap((chain) => (chain.table === table ? chain.rules : []));
    return rules.filter(({ target }) => target === name).length;
  }
}
