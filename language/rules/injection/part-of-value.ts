import { Located } from '../../located.ts';

/**
 * The part of a string value from one offset to another, as a value of its own that can be underlined. Where the text is
 * not the value letter by letter (escapes, folded lines), and for an empty part, it is the whole value.
 */
export function partOfValue(value: Located, start: number, end: number): Located {
  const text = value.text;
  const quote = text[0] === '"' || text[0] === "'" ? 1 : 0;
  const verbatim = text.slice(quote, text.length - quote) === value.string;
  if (!verbatim || start >= end) return value;
  const from = value.start + quote;
  return new Located({
    source: value.source,
    type: 'string',
    value: value.string!.slice(start, end),
    start: from + start,
    end: from + end,
  });
}
