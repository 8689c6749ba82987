import { formatOf } from './as-read-formats.ts';
import type { AsReadFormat } from './as-read-formats.ts';
import { printRules } from './print-rules.ts';
import type { IptablesChain, IptablesRule, Ruleset, RulesFormat, Source } from './ruleset.ts';
import { TextEdits } from './text-edits.ts';

/**
 * A rule set in the format, or the formats, in which it was read. Everything that is as it was read comes back byte for
 * byte, also what was not understood; rules and chains that were changed, added, moved or removed since are printed as
 * that format prints them. What nft has no words for stands there as a comment with the rule's `-A …` line.
 * Rules that were never read are printed as `iptables-save` does.
 */
export function printAsRead(ruleset: Ruleset): string {
  const { source } = ruleset;
  if (!source) return printRules(ruleset);
  const edits = new TextEdits(source.text);
  const plan = new Plan(ruleset, source);
  for (const chain of ruleset.chains) plan.takeRules(chain);
  plan.editChains(edits);
  plan.editRules(edits);
  // The lines of a script that inserts and flushes have another order than its rules.
  return source.scripted && !edits.empty ? printRules(ruleset) : edits.apply();
}

interface Added {
  chain: IptablesChain;
  /** Places of the nearest rules of the chain that stay; -1: none. */
  after: number;
  before: number;
  rules: { rule: IptablesRule; number: number }[];
}

class Plan {
  readonly #ruleset: Ruleset;
  readonly #source: Source;
  /** Rules that stay where they were read. */
  readonly #kept = new Map<number, { rule: IptablesRule; number: number; chain: IptablesChain }[]>();
  readonly #added: Added[] = [];
  readonly #formats = new Map<RulesFormat, AsReadFormat>();

  constructor(ruleset: Ruleset, source: Source) {
    this.#ruleset = ruleset;
    this.#source = source;
  }

  /** Which rules of the chain are where they were, and which are new there. */
  takeRules(chain: IptablesChain): void {
    let last = -1;
    let open: Added | undefined;
    chain.rules.forEach((rule, index) => {
      const place = this.#placeOf(rule, chain);
      if (place !== undefined && (place >= last || this.#source.scripted)) {
        last = place;
        const kept = this.#kept.get(place) ?? [];
        kept.push({ rule, number: index + 1, chain });
        this.#kept.set(place, kept);
        if (open) open.before = place;
        open = undefined;
        return;
      }
      if (!open) this.#added.push((open = { chain, after: last, before: -1, rules: [] }));
      open.rules.push({ rule, number: index + 1 });
    });
  }

  editChains(edits: TextEdits): void {
    const live = new Set(this.#ruleset.chains.map(({ place }) => place));
    const { places } = this.#source;
    places.forEach((place, index) => {
      if (place.kind === 'chain' && !live.has(place.again ?? index))
        this.#format(place.format).removeChain(place, edits);
    });
    for (const chain of this.#ruleset.chains) {
      const place = chain.place === undefined ? undefined : places[chain.place];
      const was = place?.chain;
      if (place && was) {
        const { packets, bytes } = chain.counters ?? {};
        if (was.policy !== chain.policy || was.packets !== packets || was.bytes !== bytes)
          this.#format(place.format).changeChain(chain, place, edits);
      } else if (!chain.rules.some((rule) => this.#placeOf(rule, chain) !== undefined)) {
        this.#format(this.#formatAround(chain)).addChain(chain, this.#ruleset, edits);
      }
    }
  }

  editRules(edits: TextEdits): void {
    this.#source.places.forEach((place, index) => {
      if (place.kind !== 'rule' || place.rules === 0) return;
      const kept = this.#kept.get(index) ?? [];
      const format = this.#format(place.format);
      if (kept.length === 0) format.removeRule(place, edits);
      else if (kept.length !== place.rules || kept.some(({ rule }) => isChanged(rule)))
        format.changeRules(kept, place, edits);
      else if (kept.length === 1) format.renumber(kept[0]!.number, place, edits);
    });
    for (const { chain, after, before, rules } of this.#added) {
      const around =
        this.#source.places[after] ?? this.#source.places[before] ?? this.#source.places[chain.place ?? -1];
      const format = this.#format(around?.format ?? this.#formatAround(chain));
      format.addRules(
        rules,
        { chain, after: this.#source.places[after], before: this.#source.places[before], ruleset: this.#ruleset },
        edits,
      );
    }
  }

  /** Undefined: the rule was not read, or in another chain. */
  #placeOf({ origin }: IptablesRule, { name }: IptablesChain): number | undefined {
    if (!origin || !this.#source.places[origin.place]) return undefined;
    return origin.text === `-A ${name}` || origin.text.startsWith(`-A ${name} `) ? origin.place : undefined;
  }

  /** Of a new chain: as the other chains of its table were read. */
  #formatAround({ table, family }: IptablesChain): RulesFormat {
    const other = this.#ruleset.chains.find(
      (each) => each.place !== undefined && each.table === table && each.family === family,
    );
    return this.#source.places[other?.place ?? -1]?.format ?? this.#ruleset.format;
  }

  #format(name: RulesFormat): AsReadFormat {
    const found = this.#formats.get(name) ?? formatOf(name, this.#source, this.#ruleset);
    this.#formats.set(name, found);
    return found;
  }
}

function isChanged({ origin, text, counters }: IptablesRule): boolean {
  return !origin || origin.text !== text || origin.packets !== counters?.packets || origin.bytes !== counters?.bytes;
}
