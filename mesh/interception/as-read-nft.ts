import type { AsReadFormat, Gap, NumberedRule } from './as-read-formats.ts';
import { toNftParts } from './print-nft-rule.ts';
import type { Counters, IptablesChain, IptablesRule, Ruleset, Source, SourcePlace } from './ruleset.ts';
import { jsonElements, spacedJson } from './text-edits.ts';
import type { TextEdits } from './text-edits.ts';

type Changed = NumberedRule & { chain: IptablesChain };

/** `nft list ruleset`. */
export class NftFormat implements AsReadFormat {
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
  }

  removeChain({ start, end, body }: SourcePlace, edits: TextEdits): void {
    const close = /[^\r\n]*/y;
    close.lastIndex = body ?? end;
    edits.removeLines(start, (body ?? end) + (close.exec(this.#source.text)?.[0].length ?? 0), true);
  }

  changeChain({ policy }: IptablesChain, { start, end, body }: SourcePlace, edits: TextEdits): void {
    const block = this.#source.text.slice(start, body ?? end);
    const changed = block.replace(/(\btype \w+ hook [^\n]*;)(?: policy \w+;)?/, (_, hook: string) =>
      withPolicy(hook, policy),
    );
    // The line of the hook stands above all rules: they keep their own changes.
    const line = /\n[^\n]*\btype \w+ hook [^\n]*/.exec(block);
    const other = /\n[^\n]*\btype \w+ hook [^\n]*/.exec(changed);
    if (line && other) edits.replace(start + line.index, start + line.index + line[0].length, other[0]);
  }

  addChain(chain: IptablesChain, { chains }: Ruleset, edits: TextEdits): void {
    const rules = chain.rules.map((rule) => `\t\t${printNft(rule)}`);
    const { hook, policy } = chain;
    const head = hook
      ? [
          `\t\ttype ${hook.type} hook ${hook.hook} priority ${hook.priority}; policy ${(policy ?? 'ACCEPT').toLowerCase()};`,
        ]
      : [];
    const block = [`\tchain ${chain.name} {`, ...head, ...rules, '\t}'];
    const ends = chains
      .filter((each) => each.table === chain.table && each.family === chain.family)
      .flatMap(({ place }) => this.#source.places[place ?? -1]?.body ?? []);
    if (ends.length) {
      const last = Math.max(...ends);
      const stop = this.#source.text.indexOf('}', last) + 1;
      edits.insertAfter(stop, ['', ...block]);
    } else edits.append([`table ${familyWord(chain)} ${chain.table} {`, ...block, '}']);
  }

  removeRule({ start, end }: SourcePlace, edits: TextEdits): void {
    edits.removeLines(start, end);
  }

  changeRules(rules: readonly Changed[], { start, end, rules: count }: SourcePlace, edits: TextEdits): void {
    const line = this.#source.text.slice(start, end);
    const indent = /^\s*/.exec(line)?.[0] ?? '';
    const [first] = rules;
    if (first && rules.length === count && rules.every(({ rule }) => rule.text === rule.origin?.text)) {
      const { packets, bytes } = first.rule.counters ?? { packets: 0, bytes: 0 };
      edits.replace(
        start,
        end,
        line.replace(/\bcounter packets \d+ bytes \d+/, `counter packets ${packets} bytes ${bytes}`),
      );
      return;
    }
    const withCounter = /\bcounter\b/.test(line);
    edits.replace(start, end, rules.map(({ rule }) => indent + printTranslated(rule, withCounter)).join(edits.eol));
  }

  addRules(rules: readonly NumberedRule[], { chain, after, before }: Gap, edits: TextEdits): void {
    const place = this.#source.places[chain.place ?? -1];
    const near = after ?? before;
    const indent = near ? (/^\s*/.exec(this.#source.text.slice(near.start, near.end))?.[0] ?? '') : '\t\t';
    const lines = rules
      .filter(({ rule }, at) => !rule.nft || rules[at - 1]?.rule.nft !== rule.nft)
      .map(({ rule }) => indent + printNft(rule));
    if (after) edits.insertAfter(after.end, lines);
    else if (before) edits.insertBefore(before.start, lines);
    else if (place?.body !== undefined) edits.insertBefore(place.body, lines);
  }

  renumber(): void {
    // nft does not number rules.
  }
}

/** `nft -j list ruleset`: one list in which chains and rules are elements. */
export class JsonFormat implements AsReadFormat {
  readonly #source: Source;
  readonly #elements = new Map<number, { start: number; end: number }[]>();

  constructor(source: Source) {
    this.#source = source;
  }

  removeChain(place: SourcePlace, edits: TextEdits): void {
    this.removeRule(place, edits);
  }

  changeChain({ policy }: IptablesChain, place: SourcePlace, edits: TextEdits): void {
    const { start, end } = this.#element(place);
    const changed = this.#source.text
      .slice(start, end)
      .replace(/("policy":\s*)"\w+"/, (_, name: string) => `${name}"${(policy ?? 'ACCEPT').toLowerCase()}"`);
    edits.replace(start, end, changed);
  }

  addChain(chain: IptablesChain, { chains }: Ruleset, edits: TextEdits): void {
    const { hook, policy } = chain;
    const base = { family: familyWord(chain), table: chain.table, name: chain.name };
    const hooked = hook && {
      type: hook.type,
      hook: hook.hook,
      prio: hook.priority,
      policy: policy?.toLowerCase() ?? 'accept',
    };
    const known = chains.some(
      (each) => each.place !== undefined && each.table === chain.table && each.family === chain.family,
    );
    const first = chains.find((each) => each.table === chain.table && each.family === chain.family) === chain;
    const table = { table: { family: base.family, name: chain.table } };
    const rules = chain.rules.map((rule) => jsonRule(rule, chain));
    const list = [...(known || !first ? [] : [table]), { chain: { ...base, ...hooked } }, ...rules];
    const start = this.#source.places.find(({ format }) => format === 'nft-json')?.start ?? 0;
    const last = this.#elementsFrom(start).at(-1);
    if (last) edits.replace(last.end, last.end, list.map((each) => `, ${spacedJson(each)}`).join(''));
  }

  removeRule(place: SourcePlace, edits: TextEdits): void {
    const { start, end } = this.#element(place);
    const before = /,\s*$/.exec(this.#source.text.slice(Math.max(0, start - 40), start))?.[0].length ?? 0;
    edits.replace(start - before, end, '');
  }

  changeRules(rules: readonly Changed[], place: SourcePlace, edits: TextEdits): void {
    const { start, end } = this.#element(place);
    const element = this.#source.text.slice(start, end);
    const [first] = rules;
    if (!first) return;
    if (rules.length === place.rules && rules.every(({ rule }) => rule.text === rule.origin?.text))
      edits.replace(start, end, recount(element, first.rule.counters));
    else edits.replace(start, end, rules.map(({ rule, chain }) => spacedJson(jsonRule(rule, chain))).join(', '));
  }

  addRules(rules: readonly NumberedRule[], { chain, after, before }: Gap, edits: TextEdits): void {
    const written = rules.map(({ rule }) => spacedJson(jsonRule(rule, chain)));
    const place = after ?? before ?? this.#source.places[chain.place ?? -1];
    if (!place) return;
    const { start, end } = this.#element(place);
    if (!after && before) edits.replace(start, start, written.map((each) => `${each}, `).join(''));
    else edits.replace(end, end, written.map((each) => `, ${each}`).join(''));
  }

  renumber(): void {
    // nft does not number rules.
  }

  #element({ start, end }: SourcePlace): { start: number; end: number } {
    return this.#elementsFrom(start)[end] ?? { start, end: start };
  }

  #elementsFrom(start: number): { start: number; end: number }[] {
    const found = this.#elements.get(start) ?? jsonElements(this.#source.text, start);
    this.#elements.set(start, found);
    return found;
  }
}

function withPolicy(hook: string, policy: string | undefined): string {
  return `${hook.replace(/ policy \w+;$/, '')} policy ${(policy ?? 'ACCEPT').toLowerCase()};`;
}

function familyWord({ family }: IptablesChain): string {
  return family === '6' ? 'ip6' : family === 'inet' ? 'inet' : 'ip';
}

function recount(element: string, { packets, bytes }: Counters = { packets: 0, bytes: 0 }): string {
  return element.replace(
    /("counter":\s*\{"packets":\s*)\d+(,\s*"bytes":\s*)\d+/,
    (_, before: string, between: string) => `${before}${packets}${between}${bytes}`,
  );
}

/** A rule of nftables has its own text; one of iptables is put into nft's words. */
function printNft(rule: IptablesRule): string {
  return rule.nft && rule.text === (rule.origin?.text ?? rule.text) ? rule.nft.text : printTranslated(rule, true);
}

function printTranslated(rule: IptablesRule, withCounter: boolean): string {
  const parts = toNftParts(rule, withCounter);
  return parts ? parts.map(({ text }) => text).join(' ') : `# ${rule.text}`;
}

/** What nft has no words for: a rule that does nothing, with the line as its comment. */
function jsonRule(rule: IptablesRule, chain: IptablesChain): object {
  const place = { family: familyWord(chain), table: chain.table, chain: chain.name };
  const parts = toNftParts(rule, true);
  return {
    rule: parts ? { ...place, expr: parts.map(({ json }) => json) } : { ...place, comment: rule.text, expr: [] },
  };
}
