/**
 * TOML as the configurations of containerd and CRI-O use it: tables, arrays of tables, dotted and quoted keys, all kinds of
 * strings, arrays, inline tables, numbers and booleans. Dates stay text. Two tables of one name are merged rather than
 * refused: what the runtime made of it is its business.
 *
 *     [plugins."io.containerd.grpc.v1.cri".cni]
 *       bin_dir = "/opt/cni/bin"
 */

export type TomlValue = string | number | boolean | TomlValue[] | TomlTable;
export interface TomlTable {
  [key: string]: TomlValue;
}

/** The text is no TOML; the message names the line. */
export class UnreadableToml extends Error {
  override readonly name = 'UnreadableToml';
}

/** @throws {UnreadableToml} */
export function parseToml(text: string): TomlTable {
  return new Reader(text.startsWith('\uFEFF') ? text.slice(1) : text).document();
}

/** The value below a path of keys; undefined where there is none. */
export function tomlAt(table: TomlTable | undefined, ...path: string[]): TomlValue | undefined {
  let value: TomlValue | undefined = table;
  for (const key of path) value = isTable(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value;
}

/** Tables are merged key by key, anything else of the second wins: what an imported file does to the one before it. */
export function mergeToml(under: TomlTable, over: TomlTable): TomlTable {
  const merged = newTable(under);
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key];
    merged[key] = isTable(before) && isTable(value) ? mergeToml(before, value) : value;
  }
  return merged;
}

function isTable(value: TomlValue | undefined): value is TomlTable {
  return typeof value === 'object' && !Array.isArray(value);
}

/** Without a prototype: a key may be called `__proto__`. */
function newTable(from?: TomlTable): TomlTable {
  return Object.assign(Object.create(null) as TomlTable, from);
}

/** Nobody nests deeper by hand. */
const deepest = 100;

class Reader {
  private readonly text: string;
  private at = 0;
  constructor(text: string) {
    this.text = text;
  }

  document(): TomlTable {
    const root = newTable();
    let table = root;
    for (;;) {
      this.skip(/(?:[ \t\r\n]+|#[^\n]*)*/y);
      if (this.at >= this.text.length) return root;
      if (this.take('[[')) {
        table = this.appendTable(root, this.keys());
        this.expect(']]');
      } else if (this.take('[')) {
        table = this.tableAt(root, this.keys());
        this.expect(']');
      } else this.assign(table, 0);
      this.skip(/[ \t]*(?:#[^\n]*)?\r?/y);
      if (this.at < this.text.length && this.text[this.at] !== '\n') this.fail('one key or table in a line');
    }
  }

  private assign(table: TomlTable, depth: number): void {
    const keys = this.keys();
    this.expect('=');
    const value = this.value(depth);
    const name = keys.pop()!;
    this.tableAt(table, keys)[name] = value;
  }

  private keys(): string[] {
    const keys: string[] = [];
    do {
      this.skip(/[ \t]*/y);
      const quoted = this.text[this.at] === '"' || this.text[this.at] === "'";
      const key = quoted ? this.string() : this.skip(/[A-Za-z0-9_-]+/y);
      if (key === undefined) this.fail('a key');
      keys.push(key);
      this.skip(/[ \t]*/y);
    } while (this.take('.'));
    return keys;
  }

  private tableAt(from: TomlTable, keys: readonly string[]): TomlTable {
    let table = from;
    for (const key of keys) {
      const known = table[key];
      const last = Array.isArray(known) ? known.at(-1) : known;
      if (last === undefined) table = table[key] = newTable();
      else if (isTable(last)) table = last;
      else this.fail(`a table where “${key}” is a value already`);
    }
    return table;
  }

  private appendTable(root: TomlTable, keys: string[]): TomlTable {
    const name = keys.pop()!;
    const parent = this.tableAt(root, keys);
    const list = (parent[name] ??= []);
    if (!Array.isArray(list)) this.fail(`a list of tables where “${name}” is something else already`);
    const table = newTable();
    list.push(table);
    return table;
  }

  private value(depth: number): TomlValue {
    if (depth > deepest) this.fail('less nesting');
    this.skip(/[ \t]*/y);
    const first = this.text[this.at];
    if (first === '"' || first === "'") return this.string();
    if (this.take('[')) return this.array(depth);
    if (this.take('{')) return this.inlineTable(depth);
    const word = this.skip(/[^\s,\]}#]+(?: \d\d:\d\d[^\s,\]}#]*)?/y);
    if (word === undefined) this.fail('a value');
    if (word === 'true' || word === 'false') return word === 'true';
    const plain = word.replaceAll('_', '');
    if (/^[+-]?(?:inf|nan)$/.test(plain))
      return plain.endsWith('nan') ? NaN : plain.startsWith('-') ? -Infinity : Infinity;
    if (/^0[xob][0-9a-f]+$/i.test(plain)) return Number(plain);
    if (/^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(plain)) return Number(plain);
    if (/^\d{2,4}[-:]\d\d/.test(word)) return word;
    return this.fail(`a value, not “${word.slice(0, 40)}”`);
  }

  private array(depth: number): TomlValue[] {
    const items: TomlValue[] = [];
    for (;;) {
      this.skip(/(?:[ \t\r\n]+|#[^\n]*)*/y);
      if (this.take(']')) return items;
      items.push(this.value(depth + 1));
      this.skip(/(?:[ \t\r\n]+|#[^\n]*)*/y);
      if (this.take(',')) continue;
      this.expect(']');
      return items;
    }
  }

  private inlineTable(depth: number): TomlTable {
    const table = newTable();
    for (;;) {
      this.skip(/(?:[ \t\r\n]+|#[^\n]*)*/y);
      if (this.take('}')) return table;
      this.assign(table, depth + 1);
      this.skip(/(?:[ \t\r\n]+|#[^\n]*)*/y);
      if (this.take(',')) continue;
      this.expect('}');
      return table;
    }
  }

  private string(): string {
    const quote = this.text[this.at]!;
    const long = quote.repeat(3);
    if (this.take(long)) {
      this.skip(/\r?\n/y);
      const body = this.skip(
        quote === '"' ? /(?:[^\\"]|\\[\s\S]|"(?!""))*"{0,2}(?=""")/y : /(?:[^']|'(?!''))*'{0,2}(?=''')/y,
      );
      if (body === undefined) this.fail(`the end of a text, ${long}`);
      this.expect(long);
      return quote === '"' ? this.unescape(body.replace(/\\[ \t]*\r?\n\s*/g, '')) : body;
    }
    const body = this.skip(quote === '"' ? /"(?:[^\\"\n]|\\.)*"/y : /'[^'\n]*'/y);
    if (body === undefined) this.fail(`the end of a text, ${quote}`);
    return quote === '"' ? this.unescape(body.slice(1, -1)) : body.slice(1, -1);
  }

  private unescape(body: string): string {
    return body.replace(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g, (all, short, long, letter) => {
      if (letter === undefined) {
        const point = Number.parseInt(String(short ?? long), 16);
        return point <= 0x10ffff ? String.fromCodePoint(point) : this.fail('a character that exists');
      }
      return escapes[String(letter)] ?? this.fail(`an escape, not “${String(all)}”`);
    });
  }

  private take(text: string): boolean {
    if (!this.text.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  private expect(text: string): void {
    this.skip(/[ \t]*/y);
    if (!this.take(text)) this.fail(text);
  }

  private skip(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  private fail(wanted: string): never {
    const line = this.text.slice(0, this.at).split('\n').length;
    throw new UnreadableToml(`line ${line}: expected ${wanted}`);
  }
}

const escapes: Record<string, string> = {
  b: '\b',
  t: '\t',
  n: '\n',
  f: '\f',
  r: '\r',
  e: '\x1b',
  '"': '"',
  '\\': '\\',
};
