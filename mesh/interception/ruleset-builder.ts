import * as l10n from '@vscode/l10n';
import { inferTable, isBuiltIn, startsNextTable } from './infer-table.ts';
import type {
  Counters,
  Family,
  IptablesChain,
  IptablesRule,
  IptablesSection,
  NamedSet,
  Ruleset,
  RulesFormat,
  Source,
  SourcePlace,
} from './ruleset.ts';
import { Warnings } from './warnings.ts';

/** One table being read; its name may only be known at its end. */
interface OpenTable {
  table: string | undefined;
  family?: Family;
  comments: string[];
  chains: Map<string, IptablesChain>;
}

/** Which part of a pasted text a parser reads. */
export interface SourcePart {
  source: Source;
  /** Where the part begins in the text. */
  offset: number;
  /** How many lines stand above it. */
  lines: number;
}

/** Puts chains and rules together while a text is read line by line, whatever its format. */
export class RulesetBuilder {
  readonly warnings = new Warnings();
  readonly #chains: IptablesChain[] = [];
  readonly #sections: IptablesSection[] = [];
  #open: OpenTable | undefined;
  #named = false;
  readonly #sets: NamedSet[] = [];
  readonly #part: SourcePart;
  readonly #format: RulesFormat;
  /** What is being read now. */
  #start = 0;
  #end = 0;
  #places: number[] = [];

  constructor(format: RulesFormat, part: SourcePart) {
    this.#format = format;
    this.#part = part;
  }

  /** What follows was read from here. Offsets in the part; of `nft -j`: 0 and the element. */
  at(start: number, end: number): void {
    this.#start = start + this.#part.offset;
    this.#end = this.#format === 'nft-json' ? end : end + this.#part.offset;
    this.#places = [];
  }

  /** Number of a line in the whole text. */
  lineNumber(inPart: number): number {
    return inPart + this.#part.lines;
  }

  /** Remembers that the line being read declares this chain. */
  declared(chain: IptablesChain): void {
    const place = this.#addPlace('chain');
    if (chain.place === undefined) chain.place = this.#part.source.places.length - 1;
    else place.again = chain.place;
  }

  /** The first rule of the chain can stand after the line being read, or (nft) before it. */
  bodyHere(chain: string, where: 'start' | 'end'): void {
    const place = this.#open?.chains.get(chain)?.place;
    const found = place === undefined ? undefined : this.#part.source.places[place];
    if (found) found.body ??= where === 'start' ? this.#start : this.#end;
  }

  /** The chain loses the rules that were read so far. */
  flush(name: string): void {
    const chain = this.chain(name);
    for (const { origin } of chain.rules) if (origin) this.#part.source.places[origin.place]!.rules--;
    chain.rules = [];
    this.#part.source.scripted = true;
  }

  #addPlace(kind: SourcePlace['kind']): SourcePlace {
    const place: SourcePlace = { kind, format: this.#format, start: this.#start, end: this.#end, rules: 0 };
    this.#places.push(this.#part.source.places.push(place) - 1);
    return place;
  }

  get inTable(): boolean {
    return this.#open !== undefined;
  }

  /** Name of the open table, if the text has told it. */
  get table(): string | undefined {
    return this.#open?.table;
  }

  /** Begins a table. Without a name it is inferred from what turns up in it. */
  openTable(table: string | undefined, comments: string[] = [], family?: Family): void {
    this.closeTable();
    this.#open = { table, comments, chains: new Map() };
    if (family) this.#open.family = family;
    if (table !== undefined) this.#named = true;
  }

  closeTable(): void {
    const open = this.#open;
    if (!open) return;
    this.#open = undefined;
    const chains = [...open.chains.values()];
    const table = open.table ?? this.#infer(chains);
    for (const chain of chains) {
      chain.table = table;
      for (const rule of chain.rules) rule.table = table;
    }
    this.#chains.push(...chains);
    this.#sections.push({ table, comments: open.comments, chainCount: chains.length });
  }

  /** Declares a chain of the open table; a listing without table names goes on to its next table by itself. */
  addChain(name: string, policy?: string, counters?: Counters): IptablesChain {
    if (!this.#open) this.openTable(undefined);
    else if (this.#open.table === undefined && isBuiltIn(name) && startsNextTable([...this.#open.chains.keys()], name))
      this.openTable(undefined);
    const chain = this.chain(name);
    if (policy !== undefined && policy !== '-') chain.policy = policy;
    if (counters) chain.counters = counters;
    return chain;
  }

  /** The chain of that name in the open table; made when a rule is the first to name it. */
  chain(name: string): IptablesChain {
    if (!this.#open) this.openTable(undefined);
    const open = this.#open!;
    let chain = open.chains.get(name);
    if (!chain) {
      chain = { table: open.table ?? '', name, rules: [] };
      if (open.family) chain.family = open.family;
      open.chains.set(name, chain);
    }
    return chain;
  }

  /** A set or map of the open table. */
  addSet(name: string, type: string, elements: string): void {
    const set: NamedSet = { name, type, elements, table: this.#open?.table ?? '' };
    if (this.#open?.family) set.family = this.#open.family;
    this.#sets.push(set);
  }

  /** @param at from 1; absent: at the end. */
  addRule(rule: IptablesRule, at?: number): void {
    const chain = this.chain(rule.chain);
    // What was read from one line has one place.
    const known = this.#places[0];
    const place = known === undefined ? this.#addPlace('rule') : this.#part.source.places[known]!;
    place.rules++;
    rule.origin = {
      place: this.#places[0]!,
      text: rule.text,
      packets: rule.counters?.packets,
      bytes: rule.counters?.bytes,
    };
    if (at !== undefined) this.#part.source.scripted = true;
    if (chain.family) rule.family = chain.family;
    if (at === undefined) chain.rules.push(rule);
    else chain.rules.splice(Math.max(0, at - 1), 0, rule);
  }

  done(trailingComments?: string[]): Ruleset {
    this.closeTable();
    for (const { place, policy, counters } of this.#chains) {
      // The whole text was read: only now all that it says of the chain is known.
      const found = place === undefined ? undefined : this.#part.source.places[place];
      if (found) found.chain = { policy, packets: counters?.packets, bytes: counters?.bytes };
    }
    const ruleset: Ruleset = {
      format: this.#format,
      family: familyOf(this.#chains),
      chains: this.#chains,
      warnings: this.warnings.done(),
    };
    if (this.#named) ruleset.sections = this.#sections;
    if (this.#sets.length) ruleset.sets = this.#sets;
    if (trailingComments?.length) ruleset.trailingComments = trailingComments;
    return ruleset;
  }

  #infer(chains: IptablesChain[]): string {
    const names = chains.map(({ name }) => name);
    const targets = new Set<string>();
    for (const { rules } of chains) for (const { target } of rules) if (target !== undefined) targets.add(target);
    const { table, certain } = inferTable({ builtIns: names.filter(isBuiltIn), chains: names, targets: [...targets] });
    if (!certain)
      this.warnings.add(
        l10n.t('The text does not say which table the chain {0} belongs to; taken for {1}.', names[0] ?? '', table),
      );
    return table;
  }
}

/** From the tables' families, else from the first address. */
function familyOf(chains: IptablesChain[]): Ruleset['family'] {
  const families = new Set(chains.map(({ family }) => family).filter((family) => family !== undefined));
  if (families.size > 0) {
    const [only] = families;
    return families.size === 1 && only && only !== 'inet' ? only : 'unknown';
  }
  for (const { rules } of chains) {
    for (const { matches, targetOptions } of rules) {
      for (const { option, values } of [...matches, ...targetOptions]) {
        const family = familyOfOption(option, values[0] ?? '');
        if (family) return family;
      }
    }
  }
  return 'unknown';
}

function familyOfOption(option: string, value: string): '4' | '6' | undefined {
  if (option === '-p') return value === 'ipv6-icmp' ? '6' : undefined;
  if (!['-s', '-d', '--on-ip', '--to-source', '--to-destination'].includes(option)) return undefined;
  if (/^\d+\.\d+\.\d+\.\d+/.test(value)) return '4';
  return /^\[?[0-9a-f]*:[0-9a-f:]*/i.test(value) && value.split(':').length > 2 ? '6' : undefined;
}
