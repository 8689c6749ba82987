import * as l10n from '@vscode/l10n';
import { readCelTokens } from './cel-tokens.ts';
import type { CelToken } from './cel-tokens.ts';

/** Words that CEL keeps for itself; as the name of a field or a method they are taken all the same. */
const reserved = new Set([
  ...['as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package'],
  ...['namespace', 'return', 'var', 'void', 'while'],
]);
/** The levels of binary operators, the weakest first. */
const operators = [['||'], ['&&'], ['<', '<=', '>=', '>', '==', '!=', 'in'], ['+', '-'], ['*', '/', '%']];
/** Macros over a list, with the numbers of their arguments. */
const macros: Record<string, number[]> = {
  all: [2],
  exists: [2],
  exists_one: [2],
  filter: [2],
  map: [2, 3],
};
/** Deeper than a person writes; beyond, nothing is said. */
const deepest = 200;

/**
 * Why a text is no expression in the Common Expression Language; undefined when it parses. Names and types are not looked
 * at: which of them there are, the program decides that runs it.
 * Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md
 */
export function whyNoCel(expression: string): string | undefined {
  const tokens = readCelTokens(expression);
  if (typeof tokens === 'string') return tokens;
  try {
    new CelParser(tokens).whole();
    return undefined;
  } catch (error) {
    if (error instanceof CelError) return error.message;
    throw error;
  }
}

class CelError extends Error {
  override name = 'CelError';
}
/** Thrown where a verdict would cost too much: the text passes. */
class TooDeep extends Error {
  override name = 'TooDeep';
}

/** What a macro looks at in its arguments: the name of a variable, the choice of a field, or neither. */
type Shape = 'name' | 'field' | 'other';

class CelParser {
  private readonly tokens: CelToken[];
  private at = 0;
  private depth = 0;

  constructor(tokens: CelToken[]) {
    this.tokens = tokens;
  }

  whole(): void {
    try {
      this.expression();
      if (this.next.type !== 'end') this.unexpected();
    } catch (error) {
      if (!(error instanceof TooDeep)) throw error;
    }
  }

  private get next(): CelToken {
    return this.tokens[this.at]!;
  }

  private isNext(text: string): boolean {
    const { next } = this;
    return next.text === text && (next.type === 'sign' || next.type === 'keyword');
  }

  private take(text: string): boolean {
    const found = this.isNext(text);
    if (found) this.at++;
    return found;
  }

  private need(text: string): void {
    if (!this.take(text)) this.unexpected();
  }

  private unexpected(): never {
    const { type, text } = this.next;
    throw new CelError(
      type === 'end'
        ? l10n.t('something is missing at its end')
        : l10n.t('"{0}" does not belong where it stands', text),
    );
  }

  private expression(): Shape {
    if (++this.depth > deepest) throw new TooDeep();
    let shape = this.binary(0);
    if (this.take('?')) {
      this.binary(0);
      this.need(':');
      this.expression();
      shape = 'other';
    }
    this.depth--;
    return shape;
  }

  private binary(level: number): Shape {
    const signs = operators[level];
    if (!signs) return this.unary();
    let shape = this.binary(level + 1);
    while (signs.some((sign) => this.take(sign))) {
      this.binary(level + 1);
      shape = 'other';
    }
    return shape;
  }

  /** `!!a` and `--a`, but not `-!a`. A single minus may belong to a number: `!-1`. */
  private unary(): Shape {
    const sign = ['!', '-'].find((text) => this.isNext(text));
    if (sign === undefined) return this.member(false);
    let count = 0;
    while (this.take(sign)) count++;
    if (sign === '-' && count === 1 && isNumber(this.next)) return this.member(true);
    const isNegative = sign === '!' && isNumber(this.tokens[this.at + 1]) && this.take('-');
    const shape = this.member(isNegative);
    // Twice is not at all.
    return count % 2 === 0 ? shape : 'other';
  }

  private member(isNegative: boolean): Shape {
    let shape = this.primary(isNegative);
    for (;;) {
      if (this.take('.')) {
        const { text } = this.name();
        if (this.take('(')) {
          this.checkMacro(text, this.list(')'));
          shape = 'other';
        } else shape = 'field';
      } else if (this.take('[')) {
        this.expression();
        this.need(']');
        shape = 'other';
      } else return shape;
    }
  }

  private name(): CelToken {
    if (this.next.type !== 'name') this.unexpected();
    return this.tokens[this.at++]!;
  }

  private primary(isNegative: boolean): Shape {
    const { next } = this;
    if (next.type === 'name' || this.isNext('.')) return this.nameOrCall();
    if (this.take('(')) {
      const shape = this.expression();
      this.need(')');
      return shape;
    }
    if (this.take('[')) this.list(']');
    else if (this.take('{')) this.entries(() => this.expression());
    else if (next.type === 'end' || next.type === 'sign' || next.text === 'in') this.unexpected();
    else {
      const reason = whyNoLiteral(next, isNegative);
      if (reason) throw new CelError(reason);
      this.at++;
    }
    return 'other';
  }

  private nameOrCall(): Shape {
    this.take('.');
    if (this.isMessage()) {
      do this.name();
      while (this.take('.'));
      this.need('{');
      this.entries(() => this.name());
      return 'other';
    }
    const { text } = this.name();
    if (reserved.has(text)) throw new CelError(l10n.t('"{0}" is a word that CEL keeps for itself', text));
    if (!this.take('(')) return 'name';
    const shapes = this.list(')');
    if (text === 'has' && shapes.length === 1 && shapes[0] !== 'field')
      throw new CelError(l10n.t('has() asks for a field, as in has(request.auth)'));
    return text === 'has' && shapes.length === 1 ? 'field' : 'other';
  }

  /** `google.protobuf.Duration{…}`: names, dots and a brace. */
  private isMessage(): boolean {
    let { at } = this;
    while (this.tokens[at]?.type === 'name' && this.tokens[at + 1]?.text === '.') at += 2;
    return this.tokens[at]?.type === 'name' && this.tokens[at + 1]?.text === '{';
  }

  /** Expressions up to the closing sign; a list may have a comma at its end, a call may not. */
  private list(close: ')' | ']'): Shape[] {
    const shapes: Shape[] = [];
    const isCall = close === ')';
    if (!isCall && this.take(',')) this.need(close);
    else if (!this.take(close)) {
      shapes.push(this.expression());
      while (this.take(',') && (isCall || !this.isNext(close))) shapes.push(this.expression());
      this.need(close);
    }
    return shapes;
  }

  /** `key: value, …}`, with a comma at the end if one likes. */
  private entries(key: () => unknown): void {
    if (this.take(',')) return this.need('}');
    while (!this.take('}')) {
      key();
      this.need(':');
      this.expression();
      if (!this.take(',')) return this.need('}');
    }
  }

  private checkMacro(method: string, shapes: Shape[]): void {
    if (!Object.hasOwn(macros, method) || !macros[method]!.includes(shapes.length)) return;
    if (shapes[0] !== 'name')
      throw new CelError(l10n.t('{0}() names its variable first, as in list.{0}(item, item == 1)', method));
  }
}

function isNumber(token: CelToken | undefined): boolean {
  return token?.type === 'int' || token?.type === 'float';
}

function whyNoLiteral({ type, text }: CelToken, isNegative: boolean): string | undefined {
  if (type === 'int' || type === 'uint') {
    const value = BigInt(text.replace(/[uU]$/, ''));
    const limit = type === 'uint' ? 2n ** 64n : isNegative ? 2n ** 63n + 1n : 2n ** 63n;
    return value < limit ? undefined : l10n.t('the number {0} does not fit in 64 bits', text);
  }
  if (type === 'float')
    return Number.isFinite(Number(text)) ? undefined : l10n.t('the number {0} does not fit in 64 bits', text);
  if (type !== 'text' && type !== 'bytes') return undefined;
  return /^[bB]?[rR]/.test(text) ? undefined : whyNoEscapes(text, type);
}

function whyNoEscapes(text: string, type: 'text' | 'bytes'): string | undefined {
  for (const [sequence, code = ''] of text.matchAll(/\\(?:u([\da-fA-F]{4})|U([\da-fA-F]{8})|[^])/g)) {
    const point = Number.parseInt(code || sequence.slice(2), 16);
    if (!/^\\[uU]/.test(sequence)) continue;
    if (type === 'bytes' || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
      return l10n.t('"{0}" is no character', sequence);
  }
  return undefined;
}
