import type { ChainView, ReadingView, RuleRow } from '../../../contract/interception-view.ts';

/** A piece of text; `hit` when the search found it. */
export interface Segment {
  text: string;
  hit: boolean;
}

export interface RuleFilter {
  /** As typed: words apart from each other, all of which a rule must hold. */
  search: string;
  hideUnused: boolean;
}

export interface FilteredRules {
  /** Chains with what is left in them, in the order of the reading. */
  chains: ChainView[];
  shown: number;
  total: number;
}

/** The words of a search, in lower case. */
export function searchWords(search: string): string[] {
  return [...new Set(search.toLowerCase().split(/\s+/).filter(Boolean))];
}

/**
 * Leaves the rules that hold every word of the search in their text, explanation or cause, and, if wanted, that have
 * met a packet. A rule whose counters nobody read is never called unused.
 */
export function filterRules(reading: ReadingView, { search, hideUnused }: RuleFilter): FilteredRules {
  const words = searchWords(search);
  const total = reading.chains.reduce((sum, { rules }) => sum + rules.length, 0);
  if (words.length === 0 && !hideUnused) return { chains: reading.chains, shown: total, total };
  const chains = reading.chains
    .map((chain) => ({
      ...chain,
      rules: chain.rules.filter((rule) => !(hideUnused && rule.packets === 0) && holdsEvery(rule, words)),
    }))
    .filter(({ rules }) => rules.length > 0);
  return { chains, shown: chains.reduce((sum, { rules }) => sum + rules.length, 0), total };
}

/** Cuts a text where the words stand in it, so that the view can mark them. The pieces together are the text. */
export function markHits(text: string, words: string[]): Segment[] {
  const folded = text.toLowerCase();
  // A letter may fold to more than one (İ → i̇): positions would not fit the text any more, so mark nothing.
  if (words.length === 0 || folded.length !== text.length) return [{ text, hit: false }];
  const hit = new Uint8Array(text.length);
  for (const word of words) {
    for (let at = folded.indexOf(word); at >= 0; at = folded.indexOf(word, at + 1)) hit.fill(1, at, at + word.length);
  }
  const segments: Segment[] = [];
  for (let start = 0, end = 0; start < text.length; start = end) {
    while (end < text.length && hit[end] === hit[start]) end += 1;
    segments.push({ text: text.slice(start, end), hit: hit[start] === 1 });
  }
  return segments;
}

/** What a search looks through, folded once: with many thousands of rules a key is answered before the next one. */
const folded = new WeakMap<RuleRow, string>();

function holdsEvery(row: RuleRow, words: string[]): boolean {
  if (words.length === 0) return true;
  let text = folded.get(row);
  if (text === undefined) {
    text = `${row.rule}\n${row.explanation}\n${row.cause}`.toLowerCase();
    folded.set(row, text);
  }
  const found = text;
  return words.every((word) => found.includes(word));
}
