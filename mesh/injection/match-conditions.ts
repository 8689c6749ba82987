/**
 * `matchConditions` of a webhook: expressions in CEL that the API server asks after the selectors. All true: it calls the
 * webhook; one false: it does not. Evaluated here is the part of the language in which such conditions are written: literals,
 * fields, indexes, `in`, `has`, comparisons, `&&`, `||`, `!`, `? :`, `size` and the functions of texts; the rest is `unknown`.
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-matchconditions
 */

/** `failed`: the expression breaks off (a key that is not there), which refuses the request where `failurePolicy` is Fail. */
export type ConditionResult = 'true' | 'false' | 'failed' | 'unknown';

/** Something that is there in a real request, and whose value nobody knows here. */
export const notKnown: unique symbol = Symbol('not known');

/** What an expression may ask about: `object`, `oldObject`, `request`. */
export type ConditionInputs = Readonly<Record<string, unknown>>;

export function evaluateCondition(expression: string, inputs: ConditionInputs): ConditionResult {
  try {
    const value = new Parser(tokenize(expression)).parse()(inputs);
    return value === true ? 'true' : value === false ? 'false' : 'failed';
  } catch (error) {
    return error instanceof MissingKey ? 'failed' : 'unknown';
  }
}

/** The expression asks for what is not there: an error in CEL. */
class MissingKey extends Error {}
/** More of the language, or of the request, than is known here. */
class Unsupported extends Error {}

type Evaluate = (inputs: ConditionInputs) => unknown;

const tokenPattern =
  /\s*(?:(\d+(?:\.\d+)?)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([A-Za-z_]\w*)|(&&|\|\||[=!<>]=|[-+*/%<>!?:.,()[\]]))/y;

interface Token {
  kind: 'number' | 'text' | 'name' | 'sign' | 'end';
  text: string;
}

function tokenize(expression: string): Token[] {
  const tokens: Token[] = [];
  const source = expression.trimEnd();
  tokenPattern.lastIndex = 0;
  for (let at = 0; at < source.length; at = tokenPattern.lastIndex) {
    tokenPattern.lastIndex = at;
    const match = tokenPattern.exec(source);
    if (!match) throw new Unsupported();
    const [, number, text, name, sign] = match;
    if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (text !== undefined) tokens.push({ kind: 'text', text: unquote(text) });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else tokens.push({ kind: 'sign', text: sign! });
  }
  return [...tokens, { kind: 'end', text: '' }];
}

function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, (_, char: string) => ({ n: '\n', t: '\t', r: '\r' })[char] ?? char);
}

/** From the loosest to the tightest operator, each a level that reads the next. */
class Parser {
  readonly #tokens: Token[];
  #at = 0;

  constructor(tokens: Token[]) {
    this.#tokens = tokens;
  }

  parse(): Evaluate {
    const whole = this.#choice();
    if (this.#peek().kind !== 'end') throw new Unsupported();
    return whole;
  }

  #choice(): Evaluate {
    const test = this.#or();
    if (!this.#take('?')) return test;
    const yes = this.#choice();
    this.#expect(':');
    const no = this.#choice();
    return (inputs) => (asBoolean(test(inputs)) ? yes(inputs) : no(inputs));
  }

  #or(): Evaluate {
    let left = this.#and();
    while (this.#take('||')) left = eitherSide(left, this.#and(), true);
    return left;
  }

  #and(): Evaluate {
    let left = this.#relation();
    while (this.#take('&&')) left = eitherSide(left, this.#relation(), false);
    return left;
  }

  #relation(): Evaluate {
    const left = this.#unary();
    const sign = ['==', '!=', '<=', '>=', '<', '>'].find((one) => this.#take(one));
    if (sign !== undefined) {
      const right = this.#unary();
      return (inputs) => compare(sign, left(inputs), right(inputs));
    }
    if (this.#peek().kind === 'name' && this.#peek().text === 'in') {
      this.#at++;
      const right = this.#unary();
      return (inputs) => isIn(left(inputs), right(inputs));
    }
    return left;
  }

  #unary(): Evaluate {
    if (!this.#take('!')) return this.#member();
    const value = this.#unary();
    return (inputs) => !asBoolean(value(inputs));
  }

  #member(): Evaluate {
    let value = this.#primary();
    for (;;) {
      if (this.#take('.')) {
        const name = this.#name();
        const holder = value;
        if (this.#take('(')) {
          const args = this.#list(')');
          value = (inputs) =>
            callMethod(
              name,
              known(holder(inputs)),
              args.map((arg) => known(arg(inputs))),
            );
        } else value = (inputs) => field(holder(inputs), name);
      } else if (this.#take('[')) {
        const holder = value;
        const key = this.#choice();
        this.#expect(']');
        value = (inputs) => field(holder(inputs), key(inputs));
      } else return value;
    }
  }

  #primary(): Evaluate {
    const token = this.#peek();
    this.#at++;
    if (token.kind === 'number') return () => Number(token.text);
    if (token.kind === 'text') return () => token.text;
    if (token.kind === 'name') return this.#word(token.text);
    if (token.text === '(') {
      const inner = this.#choice();
      this.#expect(')');
      return inner;
    }
    if (token.text === '[') {
      const items = this.#list(']');
      return (inputs) => items.map((item) => item(inputs));
    }
    throw new Unsupported();
  }

  #word(word: string): Evaluate {
    if (word === 'true' || word === 'false') return () => word === 'true';
    if (word === 'null') return () => null;
    if (!this.#take('(')) return (inputs) => field(inputs, word);
    const args = this.#list(')');
    const [arg, ...more] = args;
    if (!arg || more.length > 0) throw new Unsupported();
    if (word === 'has') return (inputs) => isThere(arg, inputs);
    if (word === 'size') return (inputs) => sizeOf(known(arg(inputs)));
    throw new Unsupported();
  }

  #list(end: string): Evaluate[] {
    const items: Evaluate[] = [];
    while (!this.#take(end)) {
      items.push(this.#choice());
      if (!this.#take(',') && this.#peek().text !== end) throw new Unsupported();
    }
    return items;
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '' };
  }

  #take(sign: string): boolean {
    if (this.#peek().kind !== 'sign' || this.#peek().text !== sign) return false;
    this.#at++;
    return true;
  }

  #expect(sign: string): void {
    if (!this.#take(sign)) throw new Unsupported();
  }

  #name(): string {
    const { kind, text } = this.#peek();
    if (kind !== 'name') throw new Unsupported();
    this.#at++;
    return text;
  }
}

/** `&&` and `||` do not care which side breaks off, as long as the other one decides. */
function eitherSide(left: Evaluate, right: Evaluate, deciding: boolean): Evaluate {
  return (inputs) => {
    let failure: unknown;
    for (const side of [left, right]) {
      try {
        if (asBoolean(side(inputs)) === deciding) return deciding;
      } catch (error) {
        // What is unknown stays so; what is missing may turn out not to matter.
        failure = failure instanceof Unsupported ? failure : error;
      }
    }
    if (failure !== undefined) throw failure instanceof Error ? failure : new Unsupported();
    return !deciding;
  };
}

function asBoolean(value: unknown): boolean {
  if (typeof known(value) !== 'boolean') throw new MissingKey();
  return value as boolean;
}

function known(value: unknown): unknown {
  if (value === notKnown) throw new Unsupported();
  return value;
}

function field(holder: unknown, key: unknown): unknown {
  const at = known(holder);
  if (Array.isArray(at) && typeof key === 'number' && key < at.length) return at[key] as unknown;
  if (typeof at === 'object' && at !== null && typeof key === 'string') {
    if (Object.hasOwn(at, key)) return (at as Record<string, unknown>)[key];
    if ((at as Record<symbol, unknown>)[notKnown]) return notKnown;
  }
  throw new MissingKey();
}

function isThere(value: Evaluate, inputs: ConditionInputs): boolean {
  try {
    known(value(inputs));
    return true;
  } catch (error) {
    if (error instanceof MissingKey) return false;
    throw error;
  }
}

function compare(sign: string, a: unknown, b: unknown): boolean {
  const [left, right] = [known(a), known(b)];
  if (sign === '==' || sign === '!=') return (JSON.stringify(left) === JSON.stringify(right)) === (sign === '==');
  if (typeof left !== typeof right || (typeof left !== 'number' && typeof left !== 'string')) throw new MissingKey();
  const order = left === right ? 0 : left < (right as typeof left) ? -1 : 1;
  return { '<': order < 0, '>': order > 0, '<=': order <= 0, '>=': order >= 0 }[sign] ?? false;
}

function isIn(a: unknown, b: unknown): boolean {
  const [item, holder] = [known(a), known(b)];
  if (Array.isArray(holder)) return holder.some((one) => compare('==', one, item));
  if (typeof holder !== 'object' || holder === null) throw new MissingKey();
  if (Object.hasOwn(holder, String(item))) return true;
  if ((holder as Record<symbol, unknown>)[notKnown]) throw new Unsupported();
  return false;
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return [...value].length;
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length;
  throw new MissingKey();
}

function callMethod(name: string, on: unknown, args: unknown[]): unknown {
  const [arg] = args;
  if (name === 'size' && args.length === 0) return sizeOf(on);
  if (typeof on !== 'string' || typeof arg !== 'string' || args.length !== 1) throw new Unsupported();
  if (name === 'startsWith') return on.startsWith(arg);
  if (name === 'endsWith') return on.endsWith(arg);
  if (name === 'contains') return on.includes(arg);
  if (name === 'matches') return matches(on, arg);
  throw new Unsupported();
}

function matches(text: string, pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(text);
  } catch {
    throw new Unsupported();
  }
}
