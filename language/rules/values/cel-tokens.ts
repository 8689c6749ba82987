import * as l10n from '@vscode/l10n';

/** A word of an expression in the Common Expression Language. `end` closes every list of them. */
export interface CelToken {
  type: 'name' | 'keyword' | 'int' | 'uint' | 'float' | 'text' | 'bytes' | 'sign' | 'end';
  text: string;
}

const space = /(?:[\t\n\f\r ]|\/\/[^\n]*)+/y;
const number =
  /(?<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)|(?<uint>(?:0x[\da-fA-F]+|\d+)[uU])|(?<int>0x[\da-fA-F]+|\d+)/y;
const escape = String.raw`\\(?:[abfnrtv"'\x60\\?]|[xX][\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-3][0-7]{2})`;
/** In single or triple quotes of either kind, each raw (without escapes) or not. */
const text = new RegExp(
  [
    String.raw`(?<bytes>[bB])?(?:[rR](?:"""[^]*?"""|'''[^]*?'''|"[^"\n\r]*"|'[^'\n\r]*')`,
    String.raw`"""(?:${escape}|[^\\])*?"""|'''(?:${escape}|[^\\])*?'''`,
    String.raw`"(?:${escape}|[^\\"\n\r])*"|'(?:${escape}|[^\\'\n\r])*')`,
  ].join('|'),
  'y',
);
const name = /[A-Za-z_]\w*/y;
const sign = /==|!=|<=|>=|&&|\|\||[[\]{}().,<>?:!+\-*/%]/y;
const keywords = new Set(['true', 'false', 'null', 'in']);

/** @returns the words of an expression; a text that says what of it is none. */
export function readCelTokens(expression: string): CelToken[] | string {
  const tokens: CelToken[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(expression) ?? undefined;
    if (found) at = pattern.lastIndex;
    return found;
  };
  for (;;) {
    take(space);
    if (at >= expression.length) return [...tokens, { type: 'end', text: '' }];
    const literal = take(text) ?? take(number);
    const word = literal ?? take(name) ?? take(sign);
    if (!word) return whyNoToken(expression.slice(at));
    tokens.push({ type: literal ? typeOfLiteral(literal) : typeOfWord(word[0]), text: word[0] });
  }
}

function typeOfLiteral({ groups }: RegExpExecArray): CelToken['type'] {
  if (groups?.float) return 'float';
  if (groups?.uint) return 'uint';
  if (groups?.int) return 'int';
  return groups?.bytes ? 'bytes' : 'text';
}

function typeOfWord(word: string): CelToken['type'] {
  if (keywords.has(word)) return 'keyword';
  return /^\w/.test(word) ? 'name' : 'sign';
}

function whyNoToken(rest: string): string {
  const char = String.fromCodePoint(rest.codePointAt(0)!);
  if (/^["']/.test(rest))
    return rest.includes('\\')
      ? l10n.t('a text is not closed, or a backslash in it begins no escape sequence')
      : l10n.t('a text is not closed');
  if (char === '=') return l10n.t('"=" compares nothing, "==" does');
  if (char === '&' || char === '|') return l10n.t('"{0}" is no operator, "{1}" is one', char, char + char);
  return l10n.t('"{0}" means nothing here', char);
}
