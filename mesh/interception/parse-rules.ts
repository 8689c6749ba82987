import { parseList } from './parse-list.ts';
import { parseNftJson } from './parse-nft-json.ts';
import { parseNftText } from './parse-nft-text.ts';
import { parseSave } from './parse-save.ts';
import type { Ruleset, RulesFormat } from './ruleset.ts';

/**
 * Any text in which Linux packet rules are printed → one model: `iptables-save` and `ip6tables-save` (with or without
 * `-c`), what `iptables-restore` takes, `iptables -S`, `iptables -L -n -v [-x] [--line-numbers]`, `nft list ruleset`,
 * `nft -j list ruleset`. The format is recognised. Never throws: what was not understood is in `warnings`.
 */
export function parseRules(text: string): Ruleset {
  const plain = text.replace(/^\ufeff/, '');
  switch (recognizeFormat(plain)) {
    case 'iptables-L':
      return parseList(plain);
    case 'nft':
      return parseNftText(plain);
    case 'nft-json':
      return parseNftJson(plain);
    case 'iptables-S':
      return parseSave(plain, 'iptables-S');
    case 'iptables-save':
      return parseSave(plain, 'iptables-save');
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
