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
  comment?: boolean;
}

const nothing: never[] = [];

export class Located {
  readonly source: Source;
  /** What the API server will see; `missing` for a field that is not written, so that a chain of `at` never breaks. */
  readonly type: LocatedType;
  /** Offsets in {@link source}; of a missing value: those of the nearest thing that is written. */
  readonly start: number;
  readonly end: number;
  /** The scalar; undefined for a map, a list, and what is missing. */
  readonly value: ScalarValue | undefined;
  /** The key this value stands behind; absent for list items and the document itself. */
  readonly key: Located | undefined;
  /** Of a map, in the order of the text, merged (`<<`) entries last; empty for anything else. A key stands here once: the last wins. */
  readonly entries: readonly LocatedEntry[];
  /** Of a list; empty for anything else. */
  readonly items: readonly Located[];
  /** Written as `{…}` or `[…]`. */
  readonly flow: boolean;
  /** A scalar in quotes or a block: a string, whatever it looks like. */
  readonly quoted: boolean;
  /** How many values this is with every alias written out; bounds what a walk costs. */
  readonly size: number;
  private byKey: Map<string, LocatedEntry> | undefined;

  constructor(parts: LocatedParts) {
    this.source = parts.source;
    this.type = parts.type;
    this.start = parts.start;
    this.end = parts.end;
    this.value = parts.value;
    this.key = parts.key;
    this.entries = parts.entries ?? nothing;
    this.items = parts.items ?? nothing;
    this.flow = parts.flow ?? false;
    this.quoted = parts.quoted ?? false;
    this.size = parts.size ?? 1;
  }

  /** The value under these keys (or list indices); `missing` when any is not there. */
  at(...path: (string | number)[]): Located {
    return path.reduce<Located>(
      (here, step) => (typeof step === 'number' ? here.items[step] : here.entry(step)?.value) ?? missingIn(here),
      this,
    );
  }

  entry(key: string): LocatedEntry | undefined {
    if (this.type !== 'map') return undefined;
    if (!this.byKey) {
      this.byKey = new Map();
      for (const entry of this.entries) this.byKey.set(String(entry.key.value), entry);
    }
    return this.byKey.get(key);
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

/** A field that is not written: it has no value, and it is reported on what would hold it. */
function missingIn(owner: Located): Located {
  const { start, end } = owner.type === 'missing' ? owner : owner['markOffsets']();
  return new Located({ source: owner.source, type: 'missing', start, end, size: 0 });
}
