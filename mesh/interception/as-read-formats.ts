import { ListFormat } from './as-read-list.ts';
import { JsonFormat, NftFormat } from './as-read-nft.ts';
import { isBuiltIn } from './infer-table.ts';
import type { Counters, IptablesChain, IptablesRule, Ruleset, RulesFormat, Source, SourcePlace } from './ruleset.ts';
import type { TextEdits } from './text-edits.ts';

export interface NumberedRule {
  rule: IptablesRule;
  /** In its chain, from 1. */
  number: number;
}

/** Where new rules go: between two that stay, or somewhere in the chain. */
export interface Gap {
  chain: IptablesChain;
  after: SourcePlace | undefined;
  before: SourcePlace | undefined;
  ruleset: Ruleset;
}

/** How changes are written in one format. */
export interface AsReadFormat {
  removeChain(place: SourcePlace, edits: TextEdits): void;
  changeChain(chain: IptablesChain, place: SourcePlace, edits: TextEdits): void;
  /** A new chain; where its format shows chains as blocks, with its rules. */
  addChain(chain: IptablesChain, ruleset: Ruleset, edits: TextEdits): void;
  removeRule(place: SourcePlace, edits: TextEdits): void;
  changeRules(rules: readonly (NumberedRule & { chain: IptablesChain })[], place: SourcePlace, edits: TextEdits): void;
  addRules(rules: readonly NumberedRule[], gap: Gap, edits: TextEdits): void;
  /** The rule is as it was, but may have another number in its chain. */
  renumber(number: number, place: SourcePlace, edits: TextEdits): void;
}

export function formatOf(name: RulesFormat, source: Source, ruleset: Ruleset): AsReadFormat {
  switch (name) {
    case 'iptables-save':
    case 'iptables-S':
      return new LineFormat(name, source);
    case 'iptables-L':
      return new ListFormat(source, ruleset);
    case 'nft':
      return new NftFormat(source);
    case 'nft-json':
      return new JsonFormat(source);
  }
}

/** `iptables-save` and `iptables -S`: one line for each chain and rule. */
class LineFormat implements AsReadFormat {
  readonly #save: boolean;
  readonly #source: Source;
  readonly #counts: boolean;

  constructor(name: 'iptables-save' | 'iptables-S', source: Source) {
    this.#save = name === 'iptables-save';
    this.#source = source;
    this.#counts = (this.#save ? /^\[\d+:\d+\] -A /m : /^-[AP] .* -c \d+ \d+/m).test(source.text);
  }

  removeChain({ start, end }: SourcePlace, edits: TextEdits): void {
    edits.removeLines(start, end);
  }

  changeChain(chain: IptablesChain, { start, end }: SourcePlace, edits: TextEdits): void {
    edits.replace(start, end, this.#chainLine(chain));
  }

  addChain(chain: IptablesChain, { chains }: Ruleset, edits: TextEdits): void {
    const { places } = this.#source;
    const ends = chains.flatMap(({ place, table, family }) =>
      place !== undefined && table === chain.table && family === chain.family ? [places[place]?.end ?? 0] : [],
    );
    if (ends.length) return edits.insertAfter(Math.max(...ends), [this.#chainLine(chain)]);
    const first = this.#rulePlaces(chains, chain).at(0);
    if (first) return edits.insertBefore(first.start, [this.#chainLine(chain)]);
    const others = chains.filter(({ table, family }) => table === chain.table && family === chain.family);
    if (others[0] !== chain) return;
    const rules = others.flatMap((other) => other.rules.map((rule) => this.#ruleLine(rule)));
    const lines = [...others.map((other) => this.#chainLine(other)), ...rules];
    edits.append(this.#save ? [`*${chain.table}`, ...lines, 'COMMIT'] : lines);
  }

  removeRule({ start, end }: SourcePlace, edits: TextEdits): void {
    edits.removeLines(start, end);
  }

  changeRules(rules: readonly NumberedRule[], { start, end }: SourcePlace, edits: TextEdits): void {
    edits.replace(start, end, rules.map(({ rule }) => this.#ruleLine(rule)).join(edits.eol));
  }

  addRules(rules: readonly NumberedRule[], { chain, after, before, ruleset }: Gap, edits: TextEdits): void {
    const lines = rules.map(({ rule }) => this.#ruleLine(rule));
    if (after) return edits.insertAfter(after.end, lines);
    if (before) return edits.insertBefore(before.start, lines);
    const last = this.#rulePlaces(ruleset.chains, chain).at(-1);
    if (last) return edits.insertAfter(last.end, lines);
    const ends = ruleset.chains.flatMap(({ place, table, family }) =>
      place !== undefined && table === chain.table && family === chain.family
        ? [this.#source.places[place]?.end ?? 0]
        : [],
    );
    // Without any line of its table, the rules stand in the block that `addChain` appends.
    if (ends.length) edits.insertAfter(Math.max(...ends), lines);
  }

  renumber(): void {
    // Lines have no numbers.
  }

  /** Lines of rules of the same table, in the order of the text. */
  #rulePlaces(chains: readonly IptablesChain[], { table, family }: IptablesChain): SourcePlace[] {
    return chains
      .filter((each) => each.table === table && each.family === family)
      .flatMap(({ rules }) => rules.map(({ origin }) => this.#source.places[origin?.place ?? -1]))
      .filter((place) => place !== undefined)
      .sort((a, b) => a.start - b.start);
  }

  #chainLine({ name, policy, counters }: IptablesChain): string {
    const { packets, bytes } = counters ?? zero;
    if (this.#save) return `:${name} ${policy ?? (isBuiltIn(name) ? 'ACCEPT' : '-')} [${packets}:${bytes}]`;
    if (policy === undefined && !isBuiltIn(name)) return `-N ${name}`;
    return `-P ${name} ${policy ?? 'ACCEPT'}${this.#counts ? ` -c ${packets} ${bytes}` : ''}`;
  }

  #ruleLine({ text, target, goto, counters }: IptablesRule): string {
    const { packets, bytes } = counters ?? zero;
    if (this.#save) return this.#counts || counters ? `[${packets}:${bytes}] ${text}` : text;
    if (!this.#counts) return text;
    const at = target === undefined ? text.length : text.lastIndexOf(` ${goto ? '-g' : '-j'} ${target}`);
    return `${text.slice(0, at)} -c ${packets} ${bytes}${text.slice(at)}`;
  }
}

const zero: Counters = { packets: 0, bytes: 0 };
