/**
 * JSON text with the place of every value, so that one value can be changed and every other byte stays: indentation, line
 * ends, the spelling of numbers, keys that stand twice. Nothing here prints JSON again.
 */
import * as l10n from '@vscode/l10n';

export interface JsonNode {
  kind: 'object' | 'array' | 'string' | 'number' | 'literal';
  /** Offset of the first character, and of the one after the last. */
  start: number;
  end: number;
  /** Of an object, in the order of the text. A key may stand there twice. */
  members: JsonMember[];
  /** Of an array. */
  items: JsonNode[];
}

export interface JsonMember {
  key: string;
  value: JsonNode;
}

/** The text is no JSON that Go reads, or one that nobody writes by hand. */
export class UnreadableJson extends Error {
  override readonly name = 'UnreadableJson';
}

/** Real ones have five levels. */
const deepest = 200;

/** @throws {UnreadableJson} for what Go’s JSON refuses: a byte order mark, text after the value, a number beyond float64. */
export function locateJson(text: string): JsonNode {
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new UnreadableJson((cause as Error).message, { cause });
  }
  return new Locator(text).value(0);
}

/** The value of the last member with this key: that one wins in Go. */
export function memberOf(node: JsonNode, key: string): JsonNode | undefined {
  return node.members.findLast((member) => member.key === key)?.value;
}

/** The text between two offsets replaced. */
export function replaceText(text: string, start: number, end: number, by: string): string {
  return text.slice(0, start) + by + text.slice(end);
}

/** Walks over text that is known to be JSON. */
class Locator {
  private readonly text: string;
  private at = 0;
  constructor(text: string) {
    this.text = text;
  }

  value(depth: number): JsonNode {
    if (depth > deepest) throw new UnreadableJson(l10n.t('It is nested deeper than {0} levels.', deepest));
    this.skipSpace();
    const node: JsonNode = { kind: 'literal', start: this.at, end: this.at, members: [], items: [] };
    const first = this.text[this.at];
    if (first === '{') this.object(node, depth);
    else if (first === '[') this.array(node, depth);
    else if (first === '"') this.string(node);
    else this.plain(node);
    node.end = this.at;
    return node;
  }

  private object(node: JsonNode, depth: number): void {
    node.kind = 'object';
    this.at++;
    while (!this.closes('}')) {
      const key = this.value(depth);
      this.skipSpace();
      this.at++; // the colon
      node.members.push({
        key: JSON.parse(this.text.slice(key.start, key.end)) as string,
        value: this.value(depth + 1),
      });
    }
  }

  private array(node: JsonNode, depth: number): void {
    node.kind = 'array';
    this.at++;
    while (!this.closes(']')) node.items.push(this.value(depth + 1));
  }

  /** Steps over a comma, or over the end. */
  private closes(end: string): boolean {
    this.skipSpace();
    if (this.text[this.at] === ',') {
      this.at++;
      this.skipSpace();
    }
    if (this.text[this.at] !== end) return false;
    this.at++;
    return true;
  }

  private string(node: JsonNode): void {
    node.kind = 'string';
    this.at++;
    while (this.text[this.at] !== '"') this.at += this.text[this.at] === '\\' ? 2 : 1;
    this.at++;
  }

  private plain(node: JsonNode): void {
    const word = /[^\s,\]}]*/y;
    word.lastIndex = this.at;
    const [found] = word.exec(this.text)!;
    this.at += found.length;
    if (!/^[-\d]/.test(found)) return;
    node.kind = 'number';
    // Go reads numbers of unknown fields as float64 and refuses the whole file when one does not fit.
    if (!Number.isFinite(Number(found)))
      throw new UnreadableJson(l10n.t('The number {0} is larger than the runtime can read.', found));
  }

  private skipSpace(): void {
    while (' \t\n\r'.includes(this.text[this.at] ?? 'x')) this.at++;
  }
}
