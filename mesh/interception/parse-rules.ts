import { parseList } from './parse-list.ts';
import { parseNftJson } from './parse-nft-json.ts';
import { parseNftText } from './parse-nft-text.ts';
import { parseSave } from './parse-save.ts';
import type { Ruleset, RulesFormat } from './ruleset.ts';
import { joinRulesets, splitFormats } from './split-formats.ts';
import { takeIpset } from './take-ipset.ts';

/**
 * Any text in which Linux packet rules are printed → one model: `iptables-save` and `ip6tables-save` (with or without
 * `-c`), what `iptables-restore` takes, `iptables -S`, `iptables -L -n -v [-x] [--line-numbers]`, `nft list ruleset`,
 * `nft -j list ruleset`. The format is recognised; a paste may hold several, one after the other, and `ipset save` before
 * or after them. Never throws: what was not understood is in `warnings`.
 */
export function parseRules(text: string): Ruleset {
  const { rest, ipset, sets } = takeIpset(text.replace(/^\ufeff/, ''));
  const parts = splitFormats(rest);
  const ruleset = joinRulesets(parts.map((part) => parseOne(part)));
  if (ipset) {
    ruleset.ipset = ipset;
    ruleset.sets = [...(ruleset.sets ?? []), ...sets];
  }
  return ruleset;
}

function parseOne(text: string): Ruleset {
  switch (recognizeFormat(text)) {
    case 'iptables-L':
      return parseList(text);
    case 'nft':
      return parseNftText(text);
    case 'nft-json':
      return parseNftJson(text);
    case 'iptables-S':
      return parseSave(text, 'iptables-S');
    case 'iptables-save':
      return parseSave(text, 'iptables-save');
  }
}

/** The first line that only one of the formats can have decides. */
export function recognizeFormat(text: string): RulesFormat {
  if (/^\s*[{[]/.test(text)) return 'nft-json';
  const telling =
    /^[ \t]*(?:(\*[ \t]*[a-z][\w.-]*[ \t]*$)|(Chain \S+ \()|(table (?:(?:ip|ip6|inet|arp|bridge|netdev) )?\S+ \{)|(-[PNAI] \S))/m.exec(
      text,
    );
  if (telling?.[2]) return 'iptables-L';
  if (telling?.[3]) return 'nft';
  if (telling?.[4]) return 'iptables-S';
  return 'iptables-save';
}
