import * as l10n from '@vscode/l10n';

/**
 * Why Envoy's regular expressions (RE2) do not take a text that other engines may; undefined when nothing speaks against
 * it. RE2 never steps back in the text, so what looks ahead, behind, or at an earlier group is not in it. What is not
 * surely wrong passes.
 */
export function whyNoRe2(regex: string): string | undefined {
  let depth = 0;
  /** The last thing read is repeated already, or there is nothing yet to repeat. */
  let before: 'nothing' | 'atom' | 'repeated' = 'nothing';
  for (let at = 0; at < regex.length; at++) {
    const char = regex[at]!;
    if (char === '\\') {
      const next = regex[at + 1];
      if (next === undefined) return l10n.t('it ends in a lone backslash');
      if (/[1-9]/.test(next) && !(/[1-7]/.test(next) && /[0-7]/.test(regex[at + 2] ?? '')))
        return l10n.t('"{0}" looks back at a group, which RE2 cannot', `\\${next}`);
      if (next === 'Q') {
        const end = regex.indexOf('\\E', at + 2);
        if (end === -1) return undefined;
        at = end + 1;
      } else at++;
      before = 'atom';
    } else if (char === '[') {
      const end = endOfClass(regex, at);
      if (end === -1) return l10n.t('a "[" is never closed');
      at = end;
      before = 'atom';
    } else if (char === '(') {
      const special = /^\(\?(?:<?[=!]|>|#)/.exec(regex.slice(at, at + 4))?.[0];
      if (special) return l10n.t('"{0}" looks around, which RE2 cannot', special);
      depth++;
      const flags = /^\(\?(?:P?<\w+>|[a-zA-Z]*(?:-[a-zA-Z]+)?[:)])/.exec(regex.slice(at))?.[0];
      if (flags) {
        at += flags.length - 1;
        // `(?i)` only sets a flag: it opens no group, and what stands before it may still be repeated.
        if (flags.endsWith(')')) {
          depth--;
          if (before === 'repeated') before = 'atom';
          continue;
        }
      }
      before = 'nothing';
    } else if (char === ')') {
      if (--depth < 0) return l10n.t('a ")" closes nothing');
      before = 'atom';
    } else if (char === '|') {
      before = 'nothing';
    } else if (/[*+?]/.test(char)) {
      if (before === 'nothing') return l10n.t('there is nothing before "{0}" to repeat', char);
      if (before === 'repeated') return l10n.t('"{0}" follows another repetition, which RE2 does not know', char);
      if (regex[at + 1] === '?') at++;
      before = 'repeated';
    } else if (char === '{' && /^\{\d+(?:,\d*)?\}/.test(regex.slice(at))) {
      const [whole, least = '', most = ''] = /^\{(\d+)(?:,(\d*))?\}/.exec(regex.slice(at))!;
      if (Number(least) > 1000 || Number(most) > 1000) return l10n.t('"{0}" repeats more than 1000 times', whole);
      if (most !== '' && Number(most) < Number(least)) return l10n.t('"{0}" has its limits the wrong way round', whole);
      if (before === 'nothing') return l10n.t('there is nothing before "{0}" to repeat', whole);
      if (before === 'repeated') return l10n.t('"{0}" follows another repetition, which RE2 does not know', whole);
      at += whole.length - 1;
      if (regex[at + 1] === '?') at++;
      before = 'repeated';
    } else {
      before = 'atom';
    }
  }
  return depth > 0 ? l10n.t('a "(" is never closed') : undefined;
}

/** Where the `]` of the class stands that begins here; -1 without one. A `]` at its very beginning is a plain character. */
function endOfClass(regex: string, start: number): number {
  let at = start + 1;
  if (regex[at] === '^') at++;
  if (regex[at] === ']') at++;
  for (; at < regex.length; at++) {
    if (regex[at] === '\\') at++;
    else if (regex.startsWith('[:', at) && regex[at - 1] !== '-' && regex.includes(':]', at))
      at = regex.indexOf(':]', at) + 1;
    else if (regex[at] === ']') return at;
  }
  return -1;
}
