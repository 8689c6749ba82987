import { harmless } from './harmless-text.ts';

/** A sentence with its values; nobody reads further, and an annotation may have megabytes. */
const longest = 8_000;

/**
 * Markdown takes nothing in it for its own: no link, image, table border or HTML of a cluster's making. What cannot be seen
 * (control characters, marks that turn the direction of writing) is shown as `�`, line ends as spaces.
 */
export function literal(text: string): string {
  return (
    harmless(text, longest)
      .replace(/[\\`*_{}[\]()#!|~$]/g, '\\$&')
      // At the beginning of a line these would make a list.
      .replace(/^\s*([-+]|\d+[.])(?=\s)/, (mark) => `${mark.trim().slice(0, -1)}\\${mark.at(-1)}`)
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
  );
}

/** A table; the cells are Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
