import * as l10n from '@vscode/l10n';
import { readNftRule } from './nft-expressions.ts';
import { translateNftRule } from './nft-to-rules.ts';
import { lines } from './parse-save.ts';
import type { Family, Ruleset } from './ruleset.ts';
import { RulesetBuilder } from './ruleset-builder.ts';

/** Family of an nft table; undefined for those that see no IP packets (`arp`, `bridge`, `netdev`). */
export function nftFamily(written: string): Family | undefined {
  if (written === 'ip') return '4';
  if (written === 'ip6') return '6';
  return written === 'inet' ? 'inet' : undefined;
}

/** Reads `nft list ruleset` (also `list table`, and with handles). Sets, maps and the like are passed over. */
export function parseNftText(text: string): Ruleset {
  const builder = new RulesetBuilder();
  const hidden = new Set<string>();
  let place: { table: string; family: Family } | undefined;
  let chain: string | undefined;
  /** Open braces of something that is passed over. */
  let skipping = 0;
  let number = 0;
  for (const raw of lines(text)) {
    number++;
    const line = raw.trim().replace(/ # handle \d+$/, '');
    if (line === '' || line.startsWith('#')) continue;
    if (skipping > 0) {
      skipping = Math.max(0, skipping + braces(line));
      continue;
    }
    const table = /^table (?:(\w+) )?(\S+) \{$/.exec(line);
    const opened = place && /^chain (\S+) \{/.exec(line);
    if (table) {
      const family = nftFamily(table[1] ?? 'ip');
      place = family && { table: table[2] ?? '', family };
      chain = undefined;
      if (place) builder.openTable(place.table, [], place.family);
      else skipping = 1;
    } else if (opened) {
      chain = opened[1] ?? '';
      builder.chain(chain);
    } else if (line === '}') {
      if (chain === undefined) place = undefined;
      chain = undefined;
    } else if (place && chain !== undefined) {
      if (!readHook(line, chain, builder)) addNftRule(line, { ...place, chain }, builder, hidden);
    } else if (place && /^(set|map|flowtable|counter|quota|limit|ct|secmark|synproxy)\b.*\{/.test(line)) {
      skipping = Math.max(0, braces(line));
    } else if (!place || !/^(comment|flags) /.test(line)) {
      builder.warnings.addLine(number, line);
    }
  }
  warnOfHidden(builder, hidden);
  return builder.done('nft');
}

/** Adds the rule that a line of nft describes, to the open table. */
export function addNftRule(
  text: string,
  place: { table: string; family: Family; chain: string },
  builder: RulesetBuilder,
  hidden: Set<string>,
): void {
  const translation = translateNftRule(readNftRule(text), place);
  for (const rule of translation.rules) builder.addRule(rule);
  for (const name of translation.hidden) hidden.add(name);
}

/** nft knows iptables' extensions only by name: the values of `xt match owner` are not in its output. */
export function warnOfHidden(builder: RulesetBuilder, hidden: ReadonlySet<string>): void {
  if (hidden.size === 0) return;
  builder.warnings.add(
    l10n.t(
      'nft prints only the names of these iptables extensions, not their values: {0}. Read the rules with iptables-save to see them whole.',
      [...hidden].join(', '),
    ),
  );
}

/** `type nat hook prerouting priority dstnat; policy accept;` */
function readHook(line: string, chain: string, builder: RulesetBuilder): boolean {
  if (/^comment "/.test(line)) return true;
  const found = /^type \w+ hook \w+ .*?;(?: policy (\w+);)?/.exec(line);
  if (!found) return false;
  builder.chain(chain).policy = (found[1] ?? 'accept').toUpperCase();
  return true;
}

function braces(line: string): number {
  const bare = line.replace(/"[^"]*"/g, '');
  return bare.split('{').length - bare.split('}').length;
}
