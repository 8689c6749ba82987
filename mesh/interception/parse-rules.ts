import * as l10n from '@vscode/l10n';
import { parseList } from './parse-list.ts';
import { parseNftJson } from './parse-nft-json.ts';
import { parseNftText } from './parse-nft-text.ts';
import { parseSave } from './parse-save.ts';
import type { Ruleset, RulesFormat, Source } from './ruleset.ts';
import type { SourcePart } from './ruleset-builder.ts';
import { joinRulesets, splitFormats } from './split-formats.ts';
import { takeIpset } from './take-ipset.ts';

/**
 * Any text in which Linux packet rules are printed → one model: `iptables-save` and `ip6tables-save` (with or without
 * `-c`), what `iptables-restore` takes, `iptables -S`, `iptables -L -n -v [-x] [--line-numbers]`, `nft list ruleset`,
 * `nft -j list ruleset`. The format is recognised; a paste may hold several, one after the other, and `ipset save` before
 * or after them. Never throws: what was not understood is in `warnings`.
 */
export function parseRules(text: string): Ruleset {
  const source: Source = { text, places: [], scripted: false };
  const { rest, ipset, sets } = takeIpset(blankControls(text.replace(/^\ufeff/, '')));
  const part: SourcePart = { source, offset: text.length - rest.length, lines: 0 };
  const rulesets: Ruleset[] = [];
  for (const one of splitFormats(rest)) {
    rulesets.push(parseOne(one, { ...part }));
    part.offset += one.length;
    part.lines += countLines(one);
  }
  const ruleset = joinRulesets(rulesets);
  ruleset.source = source;
  warnOfControls(text, ruleset);
  if (ipset) {
    ruleset.ipset = ipset;
    ruleset.sets = [...(ruleset.sets ?? []), ...sets];
  }
  return ruleset;
}

const controls = /\u001b\[[0-9;?]*[ -/]*[@-~]|\0/g;

/** Colours of a terminal and NUL bytes as blanks: what stands around them keeps its place. */
function blankControls(text: string): string {
  return text.replace(controls, (found) => ' '.repeat(found.length));
}

/** A NUL byte says that the text was damaged on its way. */
function warnOfControls(text: string, ruleset: Ruleset): void {
  const first = text.indexOf('\0');
  if (first >= 0)
    ruleset.warnings.unshift(
      l10n.t(
        'The text holds NUL bytes, first in line {0}; they were read as blanks. Was it damaged on its way?',
        countLines(text.slice(0, first)) + 1,
      ),
    );
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

function parseOne(text: string, part: SourcePart): Ruleset {
  switch (recognizeFormat(text)) {
    case 'iptables-L':
      return parseList(text, part);
    case 'nft':
      return parseNftText(text, part);
    case 'nft-json':
      return parseNftJson(text, part);
    case 'iptables-S':
      return parseSave(text, 'iptables-S', part);
    case 'iptables-save':
      return parseSave(text, 'iptables-save', part);
  }
}

/** The first line that only one of the formats can have decides. */
export function recognizeFormat(text: string): RulesFormat {
  // A `[` alone may begin a prompt or a rule's counters.
  if (/^\s*(?:\{|\[\s*(?:\{|\]|$))/.test(text)) return 'nft-json';
  const telling =
    /^[ \t]*(?:(\*[ \t]*[a-z][\w.-]*[ \t]*$)|(Chain \S+ \()|(table (?:(?:ip|ip6|inet|arp|bridge|netdev) )?\S+ \{)|(-[PNAI] \S)|(\{\s*"nftables"))/m.exec(
      text,
    );
  if (telling?.[2]) return 'iptables-L';
  if (telling?.[3]) return 'nft';
  if (telling?.[4]) return 'iptables-S';
  if (telling?.[5]) return 'nft-json';
  return 'iptables-save';
}
