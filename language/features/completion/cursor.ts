/**
 * What stands around the cursor in YAML that is being typed, and therefore mostly is none: read line by line, by indentation,
 * with a reader of `{…}` and `[…]` that takes what is there. It never fails; what it cannot place is left out.
 */
import { outlineFlow } from './flow.ts';

export type Plain = string | PlainMap | PlainList | undefined;
export type PlainMap = Map<string, Plain>;
export type PlainList = Plain[];
export type Path = (string | number)[];

export interface Cursor {
  /** Keys and indices from the document's root to what is typed; for a key: to the map that it will stand in. */
  path: Path;
  role: 'key' | 'value';
  /** What is replaced: offsets in the text. */
  start: number;
  end: number;
  /** The characters before the cursor, from `start` on. */
  typed: string;
  /** Inside quotes: nothing has to be quoted. */
  quoted: boolean;
  /** Inside `{…}` or `[…]`. */
  flow: boolean;
  /** The value begins right behind its colon, where YAML wants a space. */
  needsSpace: boolean;
  /** How deep the line is indented, for what has several lines. */
  indent: number;
  /** An item of a list: `- |`, where a scalar or the first key of a map may come. */
  item: boolean;
  /** The whole document, as far as it can be read. */
  root: Plain;
}

type Frame =
  | { type: 'map'; column: number; node: PlainMap; key: string }
  | { type: 'seq'; column: number; node: PlainList; index: number };

/** @returns undefined where nothing is to be completed: in comments, in texts of several lines, outside of YAML. */
export function findCursor(text: string, offset: number): Cursor | undefined {
  const { start, end } = documentAround(text, offset);
  const whole = text.slice(start, end);
  const first = /^\s*(?:#[^\n]*\n\s*)*[{[]/.exec(whole);
  if (first) {
    const from = first[0].length - 1;
    const { value, hit } = outlineFlow(whole, from, offset - start);
    return (
      hit && {
        ...hit,
        start: hit.start + start,
        end: hit.end + start,
        root: value,
        flow: true,
        needsSpace: false,
        indent: 0,
        item: false,
      }
    );
  }
  return new Reader(whole, start, offset - start).read();
}

function documentAround(text: string, offset: number): { start: number; end: number } {
  const border = /^---(?=[ \t\r\n]|$).*$/gm;
  let start = 0;
  for (let found = border.exec(text); found; found = border.exec(text)) {
    const behind = found.index + found[0].length;
    if (found.index > offset || (found.index === offset && offset > 0)) return { start, end: found.index };
    if (behind > offset) return { start: behind, end: behind };
    start = Math.min(text.length, behind + 1);
  }
  return { start, end: text.length };
}

class Reader {
  private readonly text: string;
  private readonly shift: number;
  private readonly at: number;
  private readonly frames: Frame[] = [];
  private root: Plain;
  private found: Omit<Cursor, 'root'> | undefined;
  private isDone = false;
  /** Lines that belong to a text (`|`, `>`) are deeper than this. */
  private textColumn: number | undefined;

  constructor(text: string, shift: number, at: number) {
    this.text = text;
    this.shift = shift;
    this.at = at;
  }

  read(): Cursor | undefined {
    let lineStart = 0;
    while (lineStart <= this.text.length) {
      const newline = this.text.indexOf('\n', lineStart);
      const lineEnd = newline < 0 ? this.text.length : newline;
      lineStart = this.line(lineStart, lineEnd) + 1;
    }
    if (!this.found) return undefined;
    return { ...this.found, start: this.found.start + this.shift, end: this.found.end + this.shift, root: this.root };
  }

  /** @returns where the line, or what it began, ends. */
  private line(from: number, to: number): number {
    const line = this.text.slice(from, to).replace(/\r$/, '');
    const isHere = this.at >= from && this.at <= to;
    const indent = /^ */.exec(line)![0].length;
    const isBlank = line.trim() === '';
    if (this.textColumn !== undefined) {
      if (isBlank ? !isHere || this.at - from > this.textColumn : indent > this.textColumn) {
        if (isHere) this.isDone = true;
        return to;
      }
      this.textColumn = undefined;
    }
    // A template's own lines are no YAML.
    if (/^\s*(?:#|\{\{)/.test(line)) {
      if (isHere && this.at - from > line.search(/[#{]/)) this.isDone = true;
      return to;
    }
    if (isBlank) {
      if (isHere && !this.isDone) this.emptyLine(from);
      return to;
    }
    let column = indent;
    // Markers of lists: each opens one.
    let isItem = false;
    for (let marker = /^-(?:\s+|$)/.exec(line.slice(column)); marker; marker = /^-(?:\s+|$)/.exec(line.slice(column))) {
      if (isHere && this.at === from + column) return to;
      this.dash(column);
      column += marker[0].length;
      isItem = true;
    }
    return this.content(line, from, to, column, isHere, isItem);
  }

  private emptyLine(from: number): void {
    const column = this.at - from;
    this.popTo(column);
    const top = this.frames.at(-1);
    if (top?.type === 'map' && top.column > column) return;
    this.hit('key', this.at, this.at, { path: this.mapPath(column), indent: column });
  }

  /** What stands behind the markers of a line. */
  private content(line: string, from: number, to: number, column: number, isHere: boolean, isItem: boolean): number {
    const rest = line.slice(column);
    const key = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'#{}[\],&*!|>%@`-][^#]*?|-[^\s#][^#]*?)(\s*):(?=\s|$)/.exec(
      rest,
    );
    if (key) {
      const name = unquote(key[1]!);
      this.popTo(column);
      this.enterKey(column, name);
      const keyEnd = from + column + key[1]!.length;
      const colon = from + column + key[0].length;
      if (isHere && this.at <= keyEnd) {
        if (this.at >= from + column)
          this.hit('key', from + column, keyEnd, { path: this.mapPath(column), indent: column });
        return this.value(line, from, to, colon - from, false);
      }
      if (isHere && this.at < colon) return to;
      return this.value(line, from, to, colon - from, isHere);
    }
    if (isItem && rest === '') {
      if (isHere)
        this.hit('value', this.at, this.at, {
          path: this.path(),
          indent: Math.max(column, this.at - from),
          item: true,
        });
      return to;
    }
    const start = from + column;
    if (/^[{[]/.test(rest) || isQuoteOpen(rest) || isItem) {
      if (isHere && isItem && !/^[{["'|>]/.test(rest)) {
        const { end, isComment } = plainEnd(rest);
        if (isComment && this.at > start + end) return to;
        this.set(rest.slice(0, end));
        this.hit('value', start, Math.max(start + end, this.at), { path: this.path(), indent: column, item: true });
        return to;
      }
      return this.value(line, from, to, column, isHere);
    }
    // Half a key.
    if (isHere && this.at >= start) {
      const { end, isComment } = plainEnd(rest);
      if (isComment && this.at > start + end) return to;
      this.popTo(column);
      if (!/\s/.test(rest.slice(0, this.at - start).trimEnd()))
        this.hit('key', start, Math.max(start + end, this.at), { path: this.mapPath(column), indent: column });
    }
    return to;
  }

  /** A value behind a colon or a marker. */
  private value(line: string, from: number, to: number, column: number, isHere: boolean): number {
    const rest = line.slice(column);
    const blank = /^\s*/.exec(rest)![0].length;
    const body = rest.slice(blank).replace(/^(?:[&!][^\s]*\s+)+/, '');
    const start = from + column + (rest.length - body.length);
    if (body === '' || body.startsWith('#')) {
      if (isHere && (body === '' || this.at <= start) && (this.at > from + column || line[column - 1] === ':'))
        this.hit('value', this.at, this.at, {
          path: this.path(),
          indent: column,
          needsSpace: this.at === from + column,
        });
      return to;
    }
    if (/^[|>][+-]?\d?[+-]?\s*(?:#.*)?$/.test(body)) {
      this.textColumn = this.frames.at(-1)?.column ?? 0;
      return to;
    }
    if (/^\{\{/.test(body)) return to;
    if (/^[{[]/.test(body)) return this.flow(start, from, to);
    if (/^["']/.test(body)) return this.quoted(body, start, to, isHere);
    const { end, isComment } = plainEnd(body);
    this.set(body.slice(0, end));
    if (isHere && this.at >= start && !(isComment && this.at > start + end))
      this.hit('value', start, Math.max(start + end, Math.min(this.at, start + body.length)), {
        path: this.path(),
        indent: column,
      });
    else if (isHere && this.at < start && this.at > from + column)
      this.hit('value', this.at, start + end, { path: this.path(), indent: column });
    return to;
  }

  private quoted(body: string, start: number, to: number, isHere: boolean): number {
    const quote = body[0]!;
    const closed = quote === '"' ? /^"(?:[^"\\]|\\.)*"/.exec(body) : /^'(?:[^']|'')*'/.exec(body);
    const inner = closed ? closed[0].slice(1, -1) : body.slice(1);
    this.set(inner);
    if (isHere && this.at > start && this.at <= start + 1 + inner.length)
      this.hit('value', start + 1, start + 1 + inner.length, { path: this.path(), indent: 0, quoted: true });
    return to;
  }

  /** `{…}` and `[…]`, over several lines while these are deeper than what holds them. */
  private flow(start: number, from: number, to: number): number {
    const column = this.frames.at(-1)?.column ?? 0;
    let end = to;
    let { value, hit, closed } = outlineFlow(this.text.slice(0, end), start, this.at);
    for (let lines = 0; closed === undefined && lines < 200; lines++) {
      const next = this.text.indexOf('\n', end + 1);
      const nextEnd = next < 0 ? this.text.length : next;
      const line = this.text.slice(end + 1, nextEnd);
      if (
        end >= this.text.length ||
        (line.trim() !== '' && /^ */.exec(line)![0].length <= column && !/^\s*[\]}]/.test(line))
      )
        break;
      end = nextEnd;
      ({ value, hit, closed } = outlineFlow(this.text.slice(0, end), start, this.at));
    }
    this.set(value);
    if (hit && this.at >= from && !this.isDone)
      this.hit(hit.role, hit.start, hit.end, {
        path: [...this.path(), ...hit.path],
        indent: 0,
        quoted: hit.quoted,
        flow: true,
      });
    return end;
  }

  private hit(
    role: Cursor['role'],
    start: number,
    end: number,
    more: Partial<Cursor> & { path: Path; indent: number },
  ): void {
    if (this.found || this.isDone) return;
    const typed = this.text.slice(start, this.at);
    this.found = { role, start, end, typed, quoted: false, flow: false, needsSpace: false, item: false, ...more };
  }

  /** Leaves what ended before a key in this column. */
  private popTo(column: number): void {
    for (
      let top = this.frames.at(-1);
      top && (top.column > column || (top.type === 'seq' && top.column >= column));
      top = this.frames.at(-1)
    )
      this.frames.pop();
  }

  private enterKey(column: number, key: string): void {
    const top = this.frames.at(-1);
    if (top?.type === 'map' && top.column === column) {
      top.key = key;
      if (!top.node.has(key)) top.node.set(key, undefined);
      return;
    }
    const node: PlainMap = new Map<string, Plain>([[key, undefined]]);
    this.set(node);
    this.frames.push({ type: 'map', column, node, key });
  }

  private dash(column: number): void {
    for (let top = this.frames.at(-1); top && top.column > column; top = this.frames.at(-1)) this.frames.pop();
    const top = this.frames.at(-1);
    if (top?.type === 'seq' && top.column === column) {
      top.index = top.node.push(undefined) - 1;
      return;
    }
    const node: PlainList = [undefined];
    this.set(node);
    this.frames.push({ type: 'seq', column, node, index: 0 });
  }

  /** Puts a value where reading stands. */
  private set(value: Plain): void {
    const top = this.frames.at(-1);
    if (!top) this.root ??= value;
    else if (top.type === 'map') top.node.set(top.key, value);
    else top.node[top.index] = value;
  }

  private path(): Path {
    return this.frames.map((frame) => (frame.type === 'map' ? frame.key : frame.index));
  }

  /** The path of the map that has, or will have, its keys in this column. */
  private mapPath(column: number): Path {
    const top = this.frames.at(-1);
    const own = top?.type === 'map' && top.column === column;
    return this.frames.slice(0, own ? -1 : undefined).map((frame) => (frame.type === 'map' ? frame.key : frame.index));
  }
}

function isQuoteOpen(rest: string): boolean {
  return /^["']/.test(rest);
}

/** Where a plain scalar ends: before a comment, and before blanks. */
function plainEnd(text: string): { end: number; isComment: boolean } {
  const comment = /\s#/.exec(text);
  const before = comment ? text.slice(0, comment.index) : text;
  return { end: before.trimEnd().length, isComment: comment !== null };
}

function unquote(text: string): string {
  if (text.startsWith('"')) return text.slice(1, -1).replace(/\\(.)/g, '$1');
  if (text.startsWith("'")) return text.slice(1, -1).replaceAll("''", "'");
  return text;
}

/** The value at a path; undefined when any part is not there. */
export function valueAt(root: Plain, path: Path): Plain {
  let value = root;
  for (const step of path) {
    if (value instanceof Map) value = value.get(String(step));
    else if (Array.isArray(value) && typeof step === 'number') value = value[step];
    else return undefined;
  }
  return value;
}

export function textAt(root: Plain, path: Path): string | undefined {
  const value = valueAt(root, path);
  return typeof value === 'string' ? value : undefined;
}
