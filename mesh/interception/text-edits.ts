/** Changes to a text, collected in any order; what no change touches stays to the byte. */
export class TextEdits {
  readonly eol: string;
  readonly #text: string;
  readonly #edits: { start: number; end: number; text: string }[] = [];

  constructor(text: string) {
    this.#text = text;
    this.eol = text.includes('\r\n') ? '\r\n' : '\n';
  }

  get empty(): boolean {
    return this.#edits.length === 0;
  }

  replace(start: number, end: number, text: string): void {
    this.#edits.push({ start, end, text });
  }

  /** Lines after the line that ends here. */
  insertAfter(end: number, lines: readonly string[]): void {
    if (lines.length) this.replace(end, end, lines.map((line) => this.eol + line).join(''));
  }

  /** Lines before the line that starts here. */
  insertBefore(start: number, lines: readonly string[]): void {
    if (lines.length) this.replace(start, start, lines.map((line) => line + this.eol).join(''));
  }

  append(lines: readonly string[]): void {
    const at = this.#text.length;
    const open = at > 0 && !this.#text.endsWith('\n') ? this.eol : '';
    this.replace(at, at, open + lines.map((line) => line + this.eol).join(''));
  }

  /** Whole lines, with the end of the last one, and with the empty line behind them if there is one. */
  removeLines(start: number, end: number, blankToo = false): void {
    const lineEnd = /\r?\n/y;
    let stop = end;
    for (let count = blankToo ? 2 : 1; count > 0; count--) {
      lineEnd.lastIndex = stop;
      stop += lineEnd.exec(this.#text)?.[0].length ?? 0;
    }
    this.replace(start, stop, '');
  }

  /** The text with all changes. What lies within a removed piece goes with it. */
  apply(): string {
    if (this.empty) return this.#text;
    const parts: string[] = [];
    let at = 0;
    for (const { start, end, text } of this.#edits.toSorted(inOrder)) {
      if (start < at) continue;
      parts.push(this.#text.slice(at, start), text);
      at = end;
    }
    return parts.join('') + this.#text.slice(at);
  }
}

/** What is inserted stands before what is replaced at the same place. */
function inOrder(a: { start: number; end: number }, b: { start: number; end: number }): number {
  return a.start - b.start || Number(a.end > a.start) - Number(b.end > b.start);
}

/** Where the elements of the first list in a JSON text stand. */
export function jsonElements(text: string, from: number): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  const token = /"(?:\\.|[^"\\])*"|[[\]{}]/g;
  token.lastIndex = text.indexOf('[', from);
  let depth = 0;
  let start = -1;
  for (let match = token.exec(text); match; match = token.exec(text)) {
    const [sign] = match;
    if (sign === '[' || sign === '{') {
      depth++;
      if (depth === 2) start = match.index;
    } else if (sign === ']' || sign === '}') {
      depth--;
      if (depth === 0) break;
      if (depth === 1) found.push({ start, end: token.lastIndex });
    }
  }
  return found;
}

/** JSON in one line, with the blanks that nft puts in. */
export function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${spacedJson(member)}`);
  return `{${members.join(', ')}}`;
}
