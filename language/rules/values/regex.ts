import * as l10n from '@vscode/l10n';
import { isUnicodeClass } from './unicode-classes.ts';

/**
 * Why Envoy's regular expressions (RE2) do not take a text that other engines may; undefined when they do. RE2 never steps
 * back in the text, so what looks ahead, behind, or at an earlier group is not in it. Istio decides with Go's package
 * regexp, which takes the same.
 * Source: https://github.com/google/re2/wiki/Syntax
 */
export function whyNoRe2(regex: string): string | undefined {
  try {
    new RegexParser(regex).whole();
    return undefined;
  } catch (error) {
    if (error instanceof RegexError) return error.message;
    throw error;
  }
}

class RegexError extends Error {
  override name = 'RegexError';
}

/** How often what is repeated may be repeated in all: of `(a{10}){100}` it is 1000, which is the most. */
const most = 1000;
const posixClasses = 'alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit'.split(' ');

/** A group that is open: what stands in it so far. */
interface Group {
  /** The last thing that can be repeated, as the number of times that it is repeated already (1: not at all). */
  last: number | undefined;
  /** Of everything in the group, the same number at its largest. */
  widest: number;
}

class RegexParser {
  private readonly text: string;
  private at = 0;
  private groups: Group[] = [{ last: undefined, widest: 1 }];
  /** What was read just now is a repetition: another one may not follow. */
  private isRepeated = false;

  constructor(text: string) {
    this.text = text;
  }

  whole(): void {
    while (this.at < this.text.length) {
      const wasRepeated = this.isRepeated;
      this.isRepeated = false;
      this.step(wasRepeated);
    }
    if (this.groups.length > 1) throw new RegexError(l10n.t('a "(" is never closed'));
  }

  private get group(): Group {
    return this.groups.at(-1)!;
  }

  private get rest(): string {
    return this.text.slice(this.at);
  }

  private step(wasRepeated: boolean): void {
    const char = this.text[this.at]!;
    switch (char) {
      case '(':
        return this.open();
      case ')':
        return this.close();
      case '|':
        this.at++;
        this.group.last = undefined;
        return;
      case '[':
        this.characterClass();
        return this.atom();
      case '\\':
        return this.escaped();
      case '*':
      case '+':
      case '?':
        this.at++;
        return this.repeat(char, 1, wasRepeated);
      case '{':
        return this.counted(wasRepeated);
      default:
        this.at += String.fromCodePoint(this.text.codePointAt(this.at)!).length;
        this.atom();
    }
  }

  private atom(weight = 1): void {
    this.group.last = weight;
    this.group.widest = Math.max(this.group.widest, weight);
  }

  private open(): void {
    const special = /^\(\?(?:<?[=!]|>|#|\||&|R|\()/.exec(this.rest)?.[0];
    if (special) throw new RegexError(l10n.t('"{0}" looks around, which RE2 cannot', special));
    if (this.text[this.at + 1] !== '?') {
      this.at++;
      this.groups.push({ last: undefined, widest: 1 });
      return;
    }
    const named = /^\(\?P?<([^>]*)(>?)/.exec(this.rest);
    if (named) return this.openNamed(named[0], named[1]!, named[2] !== '');
    const flags = /^\(\?(?:[imsU]*|[imsU]*-[imsU]+)([:)])/.exec(this.rest);
    if (!flags) throw new RegexError(l10n.t('"{0}" begins no group that RE2 knows', this.rest.slice(0, 4)));
    this.at += flags[0].length;
    // `(?i)` only sets a flag: it opens no group, and what stands before it may still be repeated.
    if (flags[1] === ':') this.groups.push({ last: undefined, widest: 1 });
  }

  private openNamed(whole: string, name: string, isClosed: boolean): void {
    if (!isClosed || !/^\w+$/.test(name))
      throw new RegexError(l10n.t('"{0}" is no name of a group: letters, digits and "_" may be in it', name));
    this.at += whole.length;
    this.groups.push({ last: undefined, widest: 1 });
  }

  private close(): void {
    const closed = this.groups.pop()!;
    if (this.groups.length === 0) throw new RegexError(l10n.t('a ")" closes nothing'));
    this.at++;
    this.atom(closed.widest);
  }

  private counted(wasRepeated: boolean): void {
    // What does not have this form is a plain brace: `{`, `{,2}`, `{01}`.
    const found = /^\{(0|[1-9]\d*)(?:(,)(0|[1-9]\d*)?)?\}/.exec(this.rest);
    if (!found) {
      this.at++;
      this.atom();
      return;
    }
    const [whole, low = '', comma, high] = found;
    const least = Number(low);
    const limit = high === undefined ? least : Number(high);
    if (least > most || limit > most) throw new RegexError(l10n.t('"{0}" repeats more than 1000 times', whole));
    if (limit < least) throw new RegexError(l10n.t('"{0}" has its limits the wrong way round', whole));
    this.at += whole.length;
    const isZero = limit === 0 && !(comma && high === undefined);
    this.repeat(whole, isZero ? 0 : Math.max(limit, 1), wasRepeated);
  }

  /** @param times 0: what is repeated never comes. */
  private repeat(shown: string, times: number, wasRepeated: boolean): void {
    const { last } = this.group;
    if (this.text[this.at] === '?') this.at++;
    if (wasRepeated) throw new RegexError(l10n.t('"{0}" follows another repetition, which RE2 does not know', shown));
    if (last === undefined) throw new RegexError(l10n.t('there is nothing before "{0}" to repeat', shown));
    const weight = times * last;
    if (times > 1 && weight > most)
      throw new RegexError(l10n.t('"{0}" around another repetition repeats more than 1000 times', shown));
    this.atom(weight);
    this.isRepeated = true;
  }

  private escaped(): void {
    const next = this.text[this.at + 1];
    if (next === 'Q') {
      const end = this.text.indexOf('\\E', this.at + 2);
      const isEmpty = end === this.at + 2 || this.at + 2 >= this.text.length;
      this.at = end === -1 ? this.text.length : end + 2;
      if (!isEmpty) this.atom();
      return;
    }
    if (next !== undefined && 'AbBzdDsSwW'.includes(next)) this.at += 2;
    else if (next === 'p' || next === 'P') this.unicodeClass();
    else this.character();
    this.atom();
  }

  /** `\pL`, `\p{Greek}`, `\p{^Greek}`. */
  private unicodeClass(): void {
    const found = /^\\[pP](?:\{([^}]*)\}|([^{]))/su.exec(this.rest);
    const name = (found?.[1] ?? found?.[2] ?? '').replace(/^\^/, '');
    if (!found || !isUnicodeClass(name))
      throw new RegexError(
        l10n.t('"{0}" is no class of characters that RE2 knows', found?.[0] ?? this.rest.slice(0, 3)),
      );
    this.at += found[0].length;
  }

  /** One character after a backslash, wherever it stands. */
  private character(): void {
    const found =
      /^\\(?:[1-7][0-7]{1,2}|0[0-7]{0,2}|x[\da-fA-F]{2}|x\{([\da-fA-F]+)\}|[afnrtv]|[!-/:-@[-`{-~\0- \x7f])/.exec(
        this.rest,
      );
    if (found && Number.parseInt(found[1] ?? '0', 16) <= 0x10ffff) {
      this.at += found[0].length;
      return;
    }
    const next = this.text[this.at + 1];
    if (next === undefined) throw new RegexError(l10n.t('it ends in a lone backslash'));
    if (/[1-9]/.test(next)) throw new RegexError(l10n.t('"{0}" looks back at a group, which RE2 cannot', `\\${next}`));
    throw new RegexError(
      l10n.t('RE2 knows no "{0}"', `\\${String.fromCodePoint(this.text.codePointAt(this.at + 1)!)}`),
    );
  }

  private characterClass(): void {
    this.at++;
    if (this.text[this.at] === '^') this.at++;
    // A `]` at the very beginning is a plain character.
    for (let isFirst = true; isFirst || this.text[this.at] !== ']'; isFirst = false) {
      if (this.at >= this.text.length) throw new RegexError(l10n.t('a "[" is never closed'));
      if (!this.namedClass()) this.range();
    }
    this.at++;
  }

  private namedClass(): boolean {
    const posix = /^\[:(\^?)(.*?):\]/s.exec(this.rest);
    if (posix) {
      if (!posixClasses.includes(posix[2]!))
        throw new RegexError(l10n.t('"{0}" is no class of characters that RE2 knows', posix[0]));
      this.at += posix[0].length;
      return true;
    }
    if (/^\\[pP]/.test(this.rest)) {
      this.unicodeClass();
      return true;
    }
    const isPerl = /^\\[dDsSwW]/.test(this.rest);
    if (isPerl) this.at += 2;
    return isPerl;
  }

  private range(): void {
    const start = this.at;
    const low = this.classCharacter();
    if (this.text[this.at] !== '-' || this.at + 1 >= this.text.length || this.text[this.at + 1] === ']') return;
    this.at++;
    if (this.classCharacter() < low)
      throw new RegexError(l10n.t('"{0}" runs backwards', this.text.slice(start, this.at)));
  }

  /** @returns the code point. */
  private classCharacter(): number {
    if (this.at >= this.text.length) throw new RegexError(l10n.t('a "[" is never closed'));
    const start = this.at;
    if (this.text[start] === '\\') {
      this.character();
      return codeOf(this.text.slice(start + 1, this.at));
    }
    const code = this.text.codePointAt(start)!;
    this.at += code > 0xffff ? 2 : 1;
    return code;
  }
}

const controls: Record<string, number> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

/** Of what stands behind a backslash. */
function codeOf(escape: string): number {
  if (/^[0-7]/.test(escape)) return Number.parseInt(escape, 8);
  if (/^x/.test(escape)) return Number.parseInt(escape.replace(/[x{}]/g, ''), 16);
  return controls[escape] ?? escape.codePointAt(0)!;
}
