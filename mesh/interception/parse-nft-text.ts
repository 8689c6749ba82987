import * as l10n from '@vscode/l10n';
import { readNftRule } from './nft-expressions.ts';
import { translateNftRule } from './nft-to-rules.ts';
import { lookup } from './lookup.ts';
import { lines } from './parse-save.ts';
import type { Family, Ruleset } from './ruleset.ts';
import { RulesetBuilder } from './ruleset-builder.ts';
import type { SourcePart } from './ruleset-builder.ts';

/** Family of an nft table; undefined for those that see no IP packets (`arp`, `bridge`, `netdev`). */
export function nftFamily(written: string): Family | undefined {
  if (written === 'ip') return '4';
  if (written === 'ip6') return '6';
  return written === 'inet' ? 'inet' : undefined;
}

/** Reads `nft list ruleset` (also `list table`, and with handles). Sets, maps and the like are passed over. */
export function parseNftText(text: string, part: SourcePart): Ruleset {
  const builder = new RulesetBuilder('nft', part);
  const hidden = new Set<string>();
  let place: { table: string; family: Family } | undefined;
  let chain: string | undefined;
  /** Open braces of something that is passed over. */
  let skipping = 0;
  let set: { name: string; lines: string[] } | undefined;
  let number = builder.lineNumber(0);
  for (const [raw, start] of lines(text)) {
    number++;
    builder.at(start, start + raw.length);
    const line = raw.trim().replace(/ # handle \d+$/, '');
    if (line === '' || line.startsWith('#')) continue;
    if (skipping > 0) {
      skipping = Math.max(0, skipping + braces(line));
      set?.lines.push(line);
      if (skipping === 0 && set) addSet(set.name, set.lines, builder);
      if (skipping === 0) set = undefined;
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
      builder.declared(builder.chain(chain));
    } else if (line === '}') {
      if (chain === undefined) place = undefined;
      else builder.bodyHere(chain, 'start');
      chain = undefined;
    } else if (place && chain !== undefined) {
      if (!readHook(line, chain, builder)) addNftRule(line, { ...place, chain }, builder, hidden);
    } else if (place && /^(set|map) \S+ \{$/.test(line)) {
      set = { name: line.split(' ')[1] ?? '', lines: [] };
      skipping = 1;
    } else if (place && /^(set|map|flowtable|counter|quota|limit|ct|secmark|synproxy)\b.*\{/.test(line)) {
      skipping = Math.max(0, braces(line));
    } else if (!place || !/^(comment|flags) /.test(line)) {
      builder.warnings.addLine(number, line);
    }
  }
  warnOfHidden(builder, hidden);
  return builder.done();
}

/** `type ipv4_addr : verdict`, `elements = { 1.1.1.1 : drop }` */
function addSet(name: string, lines: string[], builder: RulesetBuilder): void {
  const text = lines.join(' ');
  const type =
    /(?:^|\s)type(?:of)? (.*?)(?= (?:size|flags|timeout|gc-interval|policy|counter|comment|auto-merge|elements) | \}$)/.exec(
      text,
    );
  builder.addSet(name, type?.[1] ?? '', /elements = \{(.*)\}.*\}$/.exec(text)?.[1] ?? '');
}

/** Adds the rule that a line of nft describes, to the open table. */
export function addNftRule(
  text: string,
  place: { table: string; family: Family; chain: string },
  builder: RulesetBuilder,
  hidden: Set<string>,
): void {
  const translation = translateNftRule(readNftRule(text), place);
  const nft = translation.hidden.length ? undefined : { text };
  for (const rule of translation.rules) builder.addRule(nft ? { ...rule, nft } : rule);
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
  const found = /^type (\w+) hook (\w+) (?:devices? .*? )?priority ([^;]*);(?: policy (\w+);)?/.exec(line);
  if (!found) return false;
  const [, type = '', hook = '', priority = '', policy = 'accept'] = found;
  const made = builder.chain(chain);
  made.policy = policy.toUpperCase();
  made.hook = { type, hook, priority: readPriority(priority) };
  return true;
}

const priorities: Record<string, number> = {
  raw: -300,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
};

/** `-110`, `filter`, `dstnat - 10` */
function readPriority(written: string): number {
  const [, name = '', sign, offset] = /^([a-z]+)?\s*([+-])?\s*(\d+)?$/.exec(written.trim()) ?? [];
  return (lookup(priorities, name) ?? 0) + (sign === '-' ? -1 : 1) * Number(offset ?? 0);
}

function braces(line: string): number {
  const bare = line.replace(/"[^"]*"/g, '');
  return bare.split('{').length - bare.split('}').length;
}
