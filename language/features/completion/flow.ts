import type { Path, Plain, PlainList, PlainMap } from './cursor.ts';

export interface FlowHit {
  path: Path;
  role: 'key' | 'value';
  start: number;
  end: number;
  typed: string;
  quoted: boolean;
}

/** Deeper than anybody writes by hand: beyond, reading ends. */
const deepest = 60;

/**
 * Reads `{…}` or `[…]`, closed or not; JSON is such a text.
 * @param at the cursor.
 * @returns what was read, where it was closed, and what the cursor is in.
 */
export function outlineFlow(
  text: string,
  from: number,
  at: number,
): { value: Plain; hit: FlowHit | undefined; closed: number | undefined } {
  const reader = new FlowReader(text, from, at);
  const value = reader.node([]);
  return { value, hit: reader.hit, closed: reader.isClosed ? reader.here : undefined };
}

class FlowReader {
  hit: FlowHit | undefined;
  here: number;
  isClosed = false;
  private readonly text: string;
  private readonly at: number;
  private depth = 0;

  constructor(text: string, from: number, at: number) {
    this.text = text;
    this.here = from;
    this.at = at;
  }

  node(path: Path): Plain {
    const open = this.text[this.here];
    if (open !== '{' && open !== '[') return this.scalar(path, 'value');
    this.isClosed = false;
    if (++this.depth > deepest) {
      this.here = this.text.length;
      return undefined;
    }
    this.here++;
    const value = open === '{' ? this.map(path) : this.list(path);
    this.depth--;
    return value;
  }

  private map(path: Path): PlainMap {
    const map: PlainMap = new Map();
    for (;;) {
      const gap = this.skip();
      const next = this.text[this.here];
      if (next === undefined || next === '}' || next === ']') {
        if (this.isIn(gap, this.here)) this.found(path, 'key', this.at, this.at, false);
        return this.close(next, map);
      }
      if (this.isIn(gap, this.here - 1)) this.found(path, 'key', this.at, this.at, false);
      if (next === ',') {
        this.here++;
        continue;
      }
      const key = this.scalar(path, 'key') ?? '';
      this.skip();
      if (this.text[this.here] !== ':') {
        if (key === '' && !/[,}\]]/.test(this.text[this.here] ?? ',')) this.here++;
        continue;
      }
      this.here++;
      const before = this.here;
      this.skip();
      const follows = this.text[this.here];
      if (follows === undefined || follows === ',' || follows === '}' || follows === ']') {
        if (this.isIn(before, this.here)) this.found([...path, key], 'value', this.at, this.at, false);
        map.set(key, undefined);
        continue;
      }
      map.set(key, this.node([...path, key]));
    }
  }

  private list(path: Path): PlainList {
    const list: PlainList = [];
    for (;;) {
      const gap = this.skip();
      const next = this.text[this.here];
      if (next === undefined || next === ']' || next === '}') {
        if (this.isIn(gap, this.here)) this.found([...path, list.length], 'value', this.at, this.at, false);
        return this.close(next, list);
      }
      if (next === ',') {
        if (this.isIn(gap, this.here)) this.found([...path, list.length], 'value', this.at, this.at, false);
        this.here++;
        continue;
      }
      const start = this.here;
      list.push(this.node([...path, list.length]));
      // `[a: b]` is a map of one; its value is not looked into.
      if (this.text[this.here] === ':' || this.here === start) this.here++;
    }
  }

  private close<T>(bracket: string | undefined, value: T): T {
    this.isClosed = bracket !== undefined;
    if (bracket !== undefined) this.here++;
    return value;
  }

  private scalar(path: Path, role: FlowHit['role']): string | undefined {
    const start = this.here;
    const rest = this.text.slice(start, start + 10_000);
    const quote = rest[0];
    if (quote === '"' || quote === "'") {
      const closed = quote === '"' ? /^"((?:[^"\\\n]|\\.)*)"/.exec(rest) : /^'((?:[^'\n]|'')*)'/.exec(rest);
      const inner = closed ? closed[1]! : /^.([^\n,}\]]*)/.exec(rest)![1]!;
      this.here = start + (closed ? closed[0].length : 1 + inner.length);
      if (this.isIn(start + 1, start + 1 + inner.length))
        this.found(path, role, start + 1, start + 1 + inner.length, true);
      return inner;
    }
    const plain = /^(?:[^,{}[\]\n:#]|:(?![\s,}\]]|$)|(?<!\s)#)*/.exec(rest)![0].trimEnd();
    this.here = start + plain.length;
    if (plain !== '' && this.isIn(start, this.here)) this.found(path, role, start, this.here, false);
    return plain === '' ? undefined : plain;
  }

  /** Over blanks and comments. @returns where it began; a cursor in a comment is in no gap. */
  private skip(): number {
    let from = this.here;
    for (;;) {
      const blank = /^\s+/.exec(this.text.slice(this.here, this.here + 5_000));
      if (blank) this.here += blank[0].length;
      else if (this.text[this.here] === '#') {
        const end = this.text.indexOf('\n', this.here);
        const comment = this.here;
        this.here = end < 0 ? this.text.length : end;
        if (this.at > comment && this.at <= this.here) this.hit ??= undefined;
        from = this.here;
      } else return from;
    }
  }

  private isIn(from: number, to: number): boolean {
    return !this.hit && this.at >= from && this.at <= to;
  }

  private found(path: Path, role: FlowHit['role'], start: number, end: number, quoted: boolean): void {
    this.hit ??= { path, role, start, end, typed: this.text.slice(start, this.at), quoted };
  }
}
