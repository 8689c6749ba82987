import { Located } from './located.ts';
import type { LocatedEntry, LocatedType, ScalarValue, Source } from './located.ts';
import { resolvePlainScalar } from './scalar.ts';

/**
 * Reads the YAML that nearly all manifests are written in, ten times as fast as a parser that knows all of it: block maps and
 * lists, flow collections, scalars on one line, literal blocks, JSON. It is exact or it declines: whatever it does not surely
 * understand (anchors, tags, tabs, folded text, duplicate keys, a slip of the keyboard) it leaves to the whole parser, and
 * a property test holds both to the same values and the same ranges.
 * @param text what {@link source} holds, with blanks for the tabs that indent JSON.
 * @returns undefined for whatever is to be read by the whole parser.
 */
export function readPlainDocument(source: Source, text = source.text): Located | undefined {
  if (text.charCodeAt(0) === byteOrderMark) return undefined;
  try {
    return new PlainReader(source, text).document();
  } catch (error) {
    if (error === declined) return undefined;
    throw error;
  }
}

const declined = new Error('not plain');
function decline(): never {
  throw declined;
}

const byteOrderMark = 0xfeff;
const tab = 0x09;
const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const doubleQuote = 0x22;
const hash = 0x23;
const singleQuote = 0x27;
const comma = 0x2c;
const dash = 0x2d;
const dot = 0x2e;
const colon = 0x3a;
const questionMark = 0x3f;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const bar = 0x7c;
const closeBrace = 0x7d;

const deepest = 100;
/** YAML ends an implicit key at 1,024 characters; one that comes near is not ours. */
const longestKey = 1000;
/** Above this a set finds a key that stands twice sooner than a look at every other. */
const fewKeys = 12;

/** What may begin no plain scalar: anchors, tags, blocks, quotes, flow collections and what YAML reserves. */
const indicators = new Set([...',[]{}#&*!|>\'"%@`'].map((char) => char.charCodeAt(0)));
const booleanWord = /^(y|yes|true|on|n|no|false|off)$/i;

class PlainReader {
  private readonly source: Source;
  private readonly text: string;
  /** Where the line in hand has its first character that is neither blank nor comment; the end of the text after the last one. */
  private at = 0;
  /** How far that line is indented; -1 behind the last one. */
  private indent = 0;
  /** What the last {@link scan} came to: whether `:` ended it. */
  private endsWithColon = false;

  constructor(source: Source, text: string) {
    this.source = source;
    this.text = text;
  }

  document(): Located {
    this.findLine(0);
    if (this.indent === 0 && this.text.startsWith('---', this.at)) this.endLine(this.at + 3);
    const first = this.text.charCodeAt(this.at);
    const root =
      first === openBrace
        ? this.flowLine(this.at, -1, undefined)
        : this.indent === 0
          ? this.map(this.at, 0, undefined, 0)
          : decline();
    return this.indent === -1 ? root : decline();
  }

  /** Goes on to the next line that says something, from the start of a line. */
  private findLine(from: number): void {
    const { text } = this;
    let start = from;
    for (let at = from; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === space) continue;
      if (code === newline) start = at + 1;
      else if (code === carriageReturn && this.isBreak(at)) continue;
      else if (code === hash) {
        at = text.indexOf('\n', at);
        if (at === -1) break;
        start = at + 1;
      } else {
        if (code === tab) decline();
        this.at = at;
        this.indent = at - start;
        return;
      }
    }
    this.at = text.length;
    this.indent = -1;
  }

  /** Nothing but blanks and a comment may follow a value; then comes the next line. */
  private endLine(from: number): void {
    const { text } = this;
    const at = this.skipBlanks(from);
    const code = text.charCodeAt(at);
    if (at >= text.length || code === newline) return this.findLine(at + 1);
    if (this.isBreak(at)) return this.findLine(at + 2);
    if (code !== hash || at === from) decline();
    const end = text.indexOf('\n', at);
    this.findLine(end === -1 ? text.length : end + 1);
  }

  private skipBlanks(from: number): number {
    let at = from;
    while (this.text.charCodeAt(at) === space) at++;
    return at;
  }

  private isEnd(at: number): boolean {
    return this.text.charCodeAt(at) === space || this.isLineEnd(at);
  }

  private isLineEnd(at: number): boolean {
    return this.isBreak(at) || at >= this.text.length;
  }

  /** A line ends as on Unix or as on Windows. */
  private isBreak(at: number): boolean {
    const code = this.text.charCodeAt(at);
    return code === newline || (code === carriageReturn && this.text.charCodeAt(at + 1) === newline);
  }

  private isDash(): boolean {
    return this.text.charCodeAt(this.at) === dash && this.isEnd(this.at + 1);
  }

  /** From the first key to the last value; afterwards the line in hand is the one behind it. */
  private map(start: number, indent: number, key: Located | undefined, depth: number): Located {
    if (depth > deepest) decline();
    const entries: LocatedEntry[] = [];
    let size = 1;
    this.at = start;
    do {
      const entry = this.entry(indent, depth);
      this.refuseSecond(entries, entry);
      entries.push(entry);
      size += entry.value.size;
    } while (this.indent === indent);
    if (this.indent > indent) decline();
    return this.collection('map', start, this.trim(entries.at(-1)!.value.end), key, entries, [], size, false);
  }

  private entry(indent: number, depth: number): LocatedEntry {
    const key = this.key(this.at, false);
    const behind = key.end + 1;
    if (!this.isEnd(behind)) decline();
    const at = this.skipBlanks(behind);
    const code = this.text.charCodeAt(at);
    if (!this.isLineEnd(at) && !(code === hash && at > behind)) return { key, value: this.line(at, indent, key) };
    this.endLine(behind);
    return { key, value: this.below(at, indent, key, depth) };
  }

  /** What stands on the lines below a key: a map, a list, which need not be indented, or nothing. */
  private below(empty: number, indent: number, key: Located, depth: number): Located {
    const isList = this.isDash();
    if (this.indent > indent)
      return isList ? this.list(this.at, this.indent, key, depth + 1) : this.map(this.at, this.indent, key, depth + 1);
    if (this.indent === indent && isList) return this.list(this.at, indent, key, depth + 1);
    return this.scalar('null', null, empty, empty, key, false);
  }

  private list(start: number, indent: number, key: Located, depth: number): Located {
    if (depth > deepest) decline();
    const items: Located[] = [];
    let size = 1;
    while (this.indent === indent && this.isDash()) {
      const at = this.skipBlanks(this.at + 1);
      const item = this.item(at, indent, at - this.at + indent, depth);
      items.push(item);
      size += item.size;
    }
    return this.collection('list', start, this.trim(items.at(-1)!.end), key, [], items, size, false);
  }

  /** Behind a dash: a map whose first key stands on the dash's line, or a value of one line. */
  private item(at: number, indent: number, column: number, depth: number): Located {
    const code = this.text.charCodeAt(at);
    if (code === openBrace || code === openBracket) return this.flowLine(at, indent, undefined);
    if (this.isLineEnd(at) || code === bar) decline();
    const end = this.scan(at, false);
    if (this.endsWithColon) {
      this.indent = column;
      return this.map(at, column, undefined, depth + 1);
    }
    return this.scalarLine(at, end, indent, undefined);
  }

  /** A value behind its key. */
  private line(at: number, indent: number, key: Located): Located {
    const code = this.text.charCodeAt(at);
    if (code === openBrace || code === openBracket) return this.flowLine(at, indent, key);
    if (code === bar) return this.literal(at, indent, key);
    const end = this.scan(at, false);
    return this.endsWithColon ? decline() : this.scalarLine(at, end, indent, key);
  }

  private scalarLine(at: number, end: number, indent: number, key: Located | undefined): Located {
    const value = this.scanned(at, end, key);
    this.endLine(end);
    // What is indented further belongs to this value.
    return this.indent > indent ? decline() : value;
  }

  private flowLine(at: number, indent: number, key: Located | undefined): Located {
    const value = this.flow(at, indent, key, 0);
    this.endLine(value.end);
    return this.indent > indent && indent >= 0 ? decline() : value;
  }

  /** `|` and `|-`: lines as they are, without their indentation. */
  private literal(start: number, indent: number, key: Located): Located {
    const { text } = this;
    const isStripped = text.charCodeAt(start + 1) === dash;
    let at = this.startOfText(start + (isStripped ? 2 : 1));
    const inner = this.skipBlanks(at) - at;
    if (inner <= indent || this.isLineEnd(at + inner)) decline();
    const lines: string[] = [];
    let end = at;
    let filled = 0;
    while (at < text.length) {
      const first = this.skipBlanks(at);
      const isBlank = this.isLineEnd(first);
      if (isBlank && first > at) decline();
      if (!isBlank && first - at < inner) {
        if (first - at > indent) decline();
        break;
      }
      const next = text.indexOf('\n', first);
      const lineEnd = next === -1 ? text.length : next;
      const isWindows = next > 0 && text.charCodeAt(next - 1) === carriageReturn;
      lines.push(isBlank ? '' : text.slice(at + inner, isWindows ? lineEnd - 1 : lineEnd));
      at = next === -1 ? text.length : next + 1;
      if (!isBlank) [end, filled] = [at, lines.length];
    }
    this.findLine(at);
    if (this.indent > indent) decline();
    lines.length = filled;
    return this.scalar('string', lines.join('\n') + (isStripped ? '' : '\n'), start, end, key, true);
  }

  private startOfText(header: number): number {
    const at = this.skipBlanks(header);
    const next = this.text.indexOf('\n', at);
    if (next === -1 || (!this.isBreak(at) && (this.text.charCodeAt(at) !== hash || at === header))) decline();
    return next + 1;
  }

  /** The offset behind a scalar of one line; a quoted one is followed to its second quote. */
  private scan(start: number, inFlow: boolean): number {
    const first = this.text.charCodeAt(start);
    if (first === doubleQuote || first === singleQuote) {
      const end = first === doubleQuote ? this.doubleQuoted(start) : this.singleQuoted(start);
      this.endsWithColon = this.text.charCodeAt(end) === colon && (inFlow || this.isEnd(end + 1));
      return end;
    }
    if (indicators.has(first)) decline();
    const startsLikeIndicator = first === dash || first === questionMark || first === colon;
    if (startsLikeIndicator && (this.isEnd(start + 1) || isFlowMark(this.text.charCodeAt(start + 1)))) decline();
    return inFlow ? this.plainInFlow(start) : this.plain(start);
  }

  private plain(start: number): number {
    const { text } = this;
    this.endsWithColon = false;
    let end = start;
    for (let at = start; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === newline) break;
      if (code === space) continue;
      if (code <= carriageReturn) {
        if (this.isBreak(at)) break;
        decline();
      }
      if (code === hash && end < at && at > start) break;
      if (code === colon && this.isEnd(at + 1)) {
        this.endsWithColon = true;
        return end === at ? end : decline();
      }
      end = at + 1;
    }
    return end;
  }

  private plainInFlow(start: number): number {
    const { text } = this;
    this.endsWithColon = false;
    let end = start;
    for (let at = start; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === newline || isFlowMark(code)) break;
      if (code === space) continue;
      if (code <= carriageReturn) {
        if (this.isBreak(at)) break;
        decline();
      }
      if (code === hash && end < at) decline();
      if (code === colon && (this.isEnd(at + 1) || isFlowMark(text.charCodeAt(at + 1)))) {
        this.endsWithColon = true;
        return end === at ? end : decline();
      }
      end = at + 1;
    }
    return end;
  }

  private doubleQuoted(start: number): number {
    for (let at = start + 1; at < this.text.length; at++) {
      const code = this.text.charCodeAt(at);
      if (code === doubleQuote) return at + 1;
      if (code <= carriageReturn) decline();
      if (code !== backslash) continue;
      at++;
      if (!simpleEscapes.has(this.text[at]!)) decline();
    }
    return decline();
  }

  private singleQuoted(start: number): number {
    for (let at = start + 1; at < this.text.length; at++) {
      const code = this.text.charCodeAt(at);
      if (code <= carriageReturn) decline();
      if (code !== singleQuote) continue;
      if (this.text.charCodeAt(at + 1) !== singleQuote) return at + 1;
      at++;
    }
    return decline();
  }

  /** The scalar between two offsets that {@link scan} found. */
  private scanned(start: number, end: number, key: Located | undefined): Located {
    const first = this.text.charCodeAt(start);
    if (first === doubleQuote || first === singleQuote)
      return this.scalar('string', this.unquoted(start, end), start, end, key, true);
    const value = resolvePlainScalar(this.text.slice(start, end));
    const type = value === null ? 'null' : (typeof value as 'string' | 'number' | 'boolean');
    return this.scalar(type, value, start, end, key, false);
  }

  private unquoted(start: number, end: number): string {
    const inner = this.text.slice(start + 1, end - 1);
    if (this.text.charCodeAt(start) === singleQuote) return inner.includes("'") ? inner.replaceAll("''", "'") : inner;
    return inner.includes('\\') ? inner.replace(/\\(.)/g, (_, char: string) => simpleEscapes.get(char)!) : inner;
  }

  /** A key up to its colon. */
  private key(start: number, inFlow: boolean): Located {
    const end = this.scan(start, inFlow);
    if (!this.endsWithColon || end - start > longestKey) decline();
    const first = this.text.charCodeAt(start);
    if (first === doubleQuote || first === singleQuote)
      return this.scalar('string', shared(this.unquoted(start, end)), start, end, undefined, true);
    // A dot may begin the end of the document.
    if (first === dash || first === dot) decline();
    const name = sharedSlice(this.text, start, end);
    if (name === '<<' || (name.length <= 5 && booleanWord.test(name))) decline();
    return this.scalar('string', name, start, end, undefined, false);
  }

  /** A flow collection, over several lines too. */
  private flow(start: number, indent: number, key: Located | undefined, depth: number): Located {
    if (depth > deepest) decline();
    const isMap = this.text.charCodeAt(start) === openBrace;
    const close = isMap ? closeBrace : closeBracket;
    const entries: LocatedEntry[] = [];
    const items: Located[] = [];
    let size = 1;
    let at = this.skipLines(start + 1, indent);
    while (this.text.charCodeAt(at) !== close) {
      const value = isMap ? this.flowEntry(at, indent, entries, depth) : this.flowItem(at, indent, depth);
      if (!isMap) items.push(value);
      size += value.size;
      at = this.skipLines(value.end, indent);
      if (this.text.charCodeAt(at) === comma) at = this.skipLines(at + 1, indent);
      else if (this.text.charCodeAt(at) !== close) decline();
    }
    return this.collection(isMap ? 'map' : 'list', start, at + 1, key, entries, items, size, true);
  }

  private flowEntry(at: number, indent: number, entries: LocatedEntry[], depth: number): Located {
    const key = this.key(at, true);
    const start = this.skipBlanks(key.end + 1);
    const code = this.text.charCodeAt(start);
    const value =
      code === comma || code === closeBrace
        ? this.scalar('null', null, start, start, key, false)
        : this.flowValue(this.skipLines(start, indent), indent, key, depth);
    const entry = { key, value };
    this.refuseSecond(entries, entry);
    entries.push(entry);
    return value;
  }

  private flowItem(at: number, indent: number, depth: number): Located {
    const item = this.flowValue(at, indent, undefined, depth);
    return this.text.charCodeAt(this.skipBlanks(item.end)) === colon ? decline() : item;
  }

  private flowValue(at: number, indent: number, key: Located | undefined, depth: number): Located {
    const code = this.text.charCodeAt(at);
    if (code === openBrace || code === openBracket) return this.flow(at, indent, key, depth + 1);
    const end = this.scan(at, true);
    return this.endsWithColon ? decline() : this.scanned(at, end, key);
  }

  /** Over blanks and line ends inside a flow collection, whose lines are indented further than what holds it. */
  private skipLines(from: number, indent: number): number {
    let lineStart = -1;
    for (let at = from; at < this.text.length; at++) {
      const code = this.text.charCodeAt(at);
      if (code === space) continue;
      if (code === newline) {
        lineStart = at + 1;
        continue;
      }
      if (code === tab) decline();
      if (code === carriageReturn && this.isBreak(at)) continue;
      const isOutside = lineStart >= 0 && at - lineStart <= indent;
      return isOutside || code === hash || (at === lineStart && (code === dash || code === dot)) ? decline() : at;
    }
    return decline();
  }

  private refuseSecond(entries: readonly LocatedEntry[], entry: LocatedEntry): void {
    const name = entry.key.value;
    if (entries.length < fewKeys) {
      for (const known of entries) if (known.key.value === name) decline();
      return;
    }
    let names = this.names.get(entries);
    if (!names) this.names.set(entries, (names = new Set(entries.map(({ key }) => key.value))));
    if (names.has(name)) decline();
    names.add(name);
  }

  private readonly names = new Map<readonly LocatedEntry[], Set<ScalarValue | undefined>>();

  private trim(end: number): number {
    let at = end;
    while (isWhite(this.text.charCodeAt(at - 1))) at--;
    return at;
  }

  private scalar(
    type: LocatedType,
    value: ScalarValue,
    start: number,
    end: number,
    key: Located | undefined,
    quoted: boolean,
  ): Located {
    return new Located({ source: this.source, type, start, end, value, key, quoted });
  }

  private collection(
    type: LocatedType,
    start: number,
    end: number,
    key: Located | undefined,
    entries: LocatedEntry[],
    items: Located[],
    size: number,
    flow: boolean,
  ): Located {
    // A list that grew by pushing has room for sixteen more; copied, it has none.
    const held = type === 'map' ? { entries: entries.slice() } : { items: items.slice() };
    return new Located({ source: this.source, type, start, end, key, ...held, size, flow });
  }
}

function isWhite(code: number): boolean {
  return code === space || code === newline || code === carriageReturn || code === tab;
}

function isFlowMark(code: number): boolean {
  return code === comma || code === openBracket || code === closeBracket || code === openBrace || code === closeBrace;
}

const simpleEscapes = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

/** Manifests say the same few hundred keys over and over: each is kept once. */
const sharedKeys = Array.from({ length: 1024 }, () => '');

function sharedSlice(text: string, start: number, end: number): string {
  const length = end - start;
  const slot =
    (length * 31 +
      text.charCodeAt(start) * 7 +
      text.charCodeAt(end - 1) * 131 +
      text.charCodeAt(start + (length >> 1)) * 17) &
    1023;
  const known = sharedKeys[slot]!;
  if (known.length === length && text.startsWith(known, start)) return known;
  // Joined and split, so that it is no window on the whole file's text.
  return length > 64 ? text.slice(start, end) : (sharedKeys[slot] = Array.from(text.slice(start, end)).join(''));
}

function shared(name: string): string {
  return name.length > 0 ? sharedSlice(name, 0, name.length) : name;
}
