/**
 * Values that know where they were written. A rule reports on the value itself (`yield finding(destination.at('subset'), …)`):
 * there are no path strings and no second look-up, so a range is never wrong by construction.
 *
 * Sample: in `weight: 90 # main`, the value has `type` number, `value` 90, `text` `90`, and `key` is the value `weight`.
 */

/** A place as the Language Server Protocol counts: lines and UTF-16 code units from 0. */
export interface Position {
  line: number;
  character: number;
}

export interface Range {
  start: Position;
  end: Position;
}

/**
 * The text that one YAML document was read from: a slice of a file. Offsets inside are relative to the slice, so a
 * document that an edit elsewhere in the file merely moves keeps its values; only `firstLine` changes.
 */
export class Source {
  readonly uri: string;
  readonly text: string;
  firstLine: number;
  private lineStarts: number[] | undefined;

  constructor(uri: string, text: string, firstLine: number) {
    this.uri = uri;
    this.text = text;
    this.firstLine = firstLine;
  }

  position(offset: number): Position {
    const starts = (this.lineStarts ??= lineStartsOf(this.text));
    const at = Math.max(0, Math.min(offset, this.text.length));
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return { line: this.firstLine + low, character: at - starts[low]! };
  }

  /** The offset of a place in the file; the nearest one inside when it lies before or behind this document. */
  offset({ line, character }: Position): number {
    const starts = (this.lineStarts ??= lineStartsOf(this.text));
    const inside = line - this.firstLine;
    if (inside < 0) return 0;
    if (inside >= starts.length) return this.text.length;
    return Math.min(starts[inside]! + character, starts[inside + 1] ?? this.text.length);
  }

  range(start: number, end: number): Range {
    return { start: this.position(start), end: this.position(end) };
  }
}

function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

export type ScalarValue = string | number | boolean | null;
export type LocatedType = 'map' | 'list' | 'string' | 'number' | 'boolean' | 'null' | 'missing';

export interface LocatedEntry {
  key: Located;
  value: Located;
}

interface LocatedParts {
  source: Source;
  type: LocatedType;
  start: number;
  end: number;
  value?: ScalarValue;
  key?: Located;
  entries?: LocatedEntry[];
  items?: Located[];
  flow?: boolean;
  quoted?: boolean;
  size?: number;
  /** What would hold a missing value. */
  owner?: Located;
}

const nothing: never[] = [];

/** A map of fewer entries is searched as fast as an index is asked. */
const fewEntries = 16;
const indices = new WeakMap<readonly LocatedEntry[], Map<string, LocatedEntry>>();

/** There are hundreds of thousands in a big workspace: seven slots each, and the rest is worked out when asked for. */
export class Located {
  readonly source: Source;
  /** What the API server will see; `missing` for a field that is not written, so that a chain of `at` never breaks. */
  readonly type: LocatedType;
  /** The key this value stands behind; absent for list items and the document itself. */
  readonly key: Located | undefined;
  /** Of a missing value -1: it stands where what would hold it stands. */
  private readonly from: number;
  private readonly to: number;
  /** The scalar, the entries, the items, or what would hold the missing value. */
  private readonly held: ScalarValue | undefined | readonly LocatedEntry[] | readonly Located[] | Located;
  /** The size, and two bits: flow, quoted. */
  private readonly sizeAndStyle: number;

  constructor(parts: LocatedParts) {
    this.source = parts.source;
    this.type = parts.type;
    this.key = parts.key;
    this.from = parts.start;
    this.to = parts.end;
    this.held =
      parts.type === 'map' ? parts.entries : parts.type === 'list' ? parts.items : (parts.owner ?? parts.value);
    this.sizeAndStyle = (parts.size ?? 1) * 4 + (parts.flow ? 2 : 0) + (parts.quoted ? 1 : 0);
  }

  /** Offsets in {@link source}; of a missing value: those of the nearest thing that is written. */
  get start(): number {
    return this.from >= 0 ? this.from : this.ownerOffsets().start;
  }

  get end(): number {
    return this.from >= 0 ? this.to : this.ownerOffsets().end;
  }

  /** The scalar; undefined for a map, a list, and what is missing. */
  get value(): ScalarValue | undefined {
    const { held } = this;
    return typeof held === 'object' && held !== null ? undefined : held;
  }

  /** Of a map, in the order of the text, merged (`<<`) entries last; empty for anything else. A key stands here once: the last wins. */
  get entries(): readonly LocatedEntry[] {
    return this.type === 'map' ? ((this.held ?? nothing) as readonly LocatedEntry[]) : nothing;
  }

  /** Of a list; empty for anything else. */
  get items(): readonly Located[] {
    return this.type === 'list' ? ((this.held ?? nothing) as readonly Located[]) : nothing;
  }

  /** Written as `{…}` or `[…]`. */
  get flow(): boolean {
    return (this.sizeAndStyle & 2) !== 0;
  }

  /** A scalar in quotes or a block: a string, whatever it looks like. */
  get quoted(): boolean {
    return (this.sizeAndStyle & 1) !== 0;
  }

  /** How many values this is with every alias written out; bounds what a walk costs. */
  get size(): number {
    return Math.floor(this.sizeAndStyle / 4);
  }

  /** The value under these keys (or list indices); `missing` when any is not there. */
  at(...path: (string | number)[]): Located {
    // This is most of what rules do: a loop is sooner done than a reduction.
    // eslint-disable-next-line @typescript-eslint/no-this-alias
    let here: Located = this;
    for (const step of path) here = stepInto(here, step);
    return here;
  }

  entry(key: string): LocatedEntry | undefined {
    const { entries } = this;
    if (entries.length > fewEntries) return indexOf(entries).get(key);
    for (const entry of entries) if (entry.key.held === key) return entry;
    return undefined;
  }

  /** Written at all, even as `null`. */
  get exists(): boolean {
    return this.type !== 'missing';
  }

  /** Written with a value: neither missing nor `null`. To the API server both are the same. */
  get isSet(): boolean {
    return this.type !== 'missing' && this.type !== 'null';
  }

  /** The string, when it is one. A number is no string, as to the API server. */
  get string(): string | undefined {
    return typeof this.value === 'string' ? this.value : undefined;
  }

  get number(): number | undefined {
    return typeof this.value === 'number' ? this.value : undefined;
  }

  get boolean(): boolean | undefined {
    return typeof this.value === 'boolean' ? this.value : undefined;
  }

  /** Exactly as written, quotes included. Empty for what is missing. */
  get text(): string {
    return this.exists ? this.source.text.slice(this.start, this.end) : '';
  }

  /** Keys with string values, e.g. labels: what is no string is left out. */
  get strings(): Record<string, string> {
    const record: Record<string, string> = Object.create(null) as Record<string, string>;
    for (const { key, value } of this.entries) if (value.string !== undefined) record[String(key.value)] = value.string;
    return record;
  }

  /** From the first to the last character, also of a map over many lines. */
  get range(): Range {
    return this.source.range(this.start, this.end);
  }

  /**
   * What to underline: a scalar itself; for a map, a list or an empty value its key (a squiggle under forty lines helps
   * nobody); for a map in a list its first key; for what is missing, whatever encloses it.
   */
  get mark(): Range {
    const { start, end } = this.markOffsets();
    return this.source.range(start, end);
  }

  /** Plain JavaScript, for code that wants objects. Aliases are written out: look at {@link size} first. */
  toJSON(): unknown {
    if (this.type === 'map')
      return Object.fromEntries(this.entries.map(({ key, value }) => [String(key.value), value.toJSON()]));
    if (this.type === 'list') return this.items.map((item) => item.toJSON());
    return this.value;
  }

  private ownerOffsets(): { start: number; end: number } {
    return this.held instanceof Located ? this.held.markOffsets() : { start: 0, end: 0 };
  }

  private markOffsets(): { start: number; end: number } {
    const empty = this.start === this.end;
    if (this.type === 'missing' || (!empty && this.value !== undefined && !this.text.includes('\n'))) return this;
    if (this.key) return this.key;
    if (this.type === 'map' && !this.flow && this.entries[0] && this.entries[0].key.source === this.source)
      return this.entries[0].key;
    if (this.type === 'list' && !this.flow && this.items[0] && !empty) return this.items[0].markOffsets();
    const lineEnd = this.source.text.slice(this.start, this.end).search(/\r?\n/);
    return { start: this.start, end: lineEnd === -1 ? this.end : this.start + lineEnd };
  }
}

function stepInto(here: Located, step: string | number): Located {
  return (typeof step === 'number' ? here.items[step] : here.entry(step)?.value) ?? missingIn(here);
}

/** Made anew for each of them, these would be half of what a run throws away. */
const missing: LocatedParts = { source: new Source('', '', 0), type: 'missing', start: -1, end: -1, size: 0 };

/** A field that is not written: it has no value, and it is reported on what would hold it. */
function missingIn(owner: Located): Located {
  if (owner.type === 'missing') return owner;
  missing.source = owner.source;
  missing.owner = owner;
  return new Located(missing);
}

function indexOf(entries: readonly LocatedEntry[]): Map<string, LocatedEntry> {
  let index = indices.get(entries);
  if (!index) indices.set(entries, (index = new Map(entries.map((entry) => [String(entry.key.value), entry]))));
  return index;
}
