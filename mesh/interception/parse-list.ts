import * as l10n from '@vscode/l10n';
import { normalizeAddress } from './normalize-options.ts';
import { lines, tableHint } from './parse-save.ts';
import { protocolName } from './protocols.ts';
import { readExtras } from './list-extras.ts';
import { buildRule } from './rule-line.ts';
import type { RuleParts } from './rule-line.ts';
import type { Counters, Match, Ruleset } from './ruleset.ts';
import { RulesetBuilder } from './ruleset-builder.ts';
import type { SourcePart } from './ruleset-builder.ts';
import { lookup } from './lookup.ts';

/** Which columns a listing has, from its heading line. */
interface Columns {
  numbers: boolean;
  counters: boolean;
  interfaces: boolean;
}

/**
 * Reads `iptables -L -n [-v] [-x] [--line-numbers]`, several tables one after the other.
 * The columns are padded, not delimited: a long chain name shifts all that follows, a rule without target leaves a gap,
 * and IPv6 leaves one for `opt`. So a row is read by what its words can be, not by where they stand.
 */
export function parseList(text: string, part: SourcePart): Ruleset {
  const builder = new RulesetBuilder('iptables-L', part);
  let columns: Columns | undefined;
  let chain: string | undefined;
  let warned = false;
  let number = builder.lineNumber(0);
  for (const [line, start] of lines(text)) {
    number++;
    builder.at(start, start + line.length);
    if (line.trim() === '') continue;
    const heading = readHeading(line);
    const hinted = heading ? undefined : tableHint(line.trim());
    if (heading) {
      chain = heading.name;
      builder.declared(builder.addChain(heading.name, heading.policy, heading.counters));
    } else if (hinted !== undefined) {
      builder.openTable(hinted);
      chain = undefined;
    } else if (/^\s*(num\s+)?(pkts\s+bytes\s+)?target\s+prot\b/.test(line)) {
      if (chain !== undefined) builder.bodyHere(chain, 'end');
      columns = {
        numbers: /\bnum\b/.test(line),
        counters: /\bpkts\b/.test(line),
        interfaces: /\sin\s+out\s/.test(line),
      };
      if (!columns.interfaces && !warned) {
        builder.warnings.add(
          l10n.t('This listing was made without -v: it does not show to which interfaces the rules are limited.'),
        );
        warned = true;
      }
    } else if (!line.startsWith('#') || chain !== undefined) {
      const row = chain !== undefined && columns ? readRow(line, columns) : undefined;
      if (!row || chain === undefined) {
        builder.warnings.addLine(number, line);
        continue;
      }
      const { parts, counters, unread } = toParts(row, builder.table ?? '', chain);
      if (unread !== '')
        builder.warnings.add(
          l10n.t('Line {0}: "{1}" was not understood and stands in the rule as it was.', number, unread),
        );
      const rule = buildRule(parts, counters);
      rule.line = number;
      builder.addRule(rule);
    }
  }
  return builder.done();
}

function readHeading(line: string): { name: string; policy?: string; counters?: Counters } | undefined {
  const found =
    /^Chain (\S+) \((?:policy (\S+)(?: (\d+[KMGTP]?) packets, (\d+[KMGTP]?) bytes)?|(?:-?\d+ references?.*))\)/.exec(
      line,
    );
  if (!found) return undefined;
  const [, name = '', policy, packets, bytes] = found;
  const heading: ReturnType<typeof readHeading> = { name };
  if (policy !== undefined) heading.policy = policy;
  if (packets !== undefined && bytes !== undefined)
    heading.counters = { packets: readCount(packets), bytes: readCount(bytes) };
  return heading;
}

const units: Record<string, number> = { K: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15 };

/** `1234K` of a listing without `-x`: rounded by iptables, in thousands. */
function readCount(written: string): number {
  return parseInt(written, 10) * (lookup(units, written.at(-1) ?? '') ?? 1);
}

interface Row {
  counters?: Counters;
  target?: string;
  protocol: string;
  fragment: string;
  in?: string;
  out?: string;
  source: string;
  destination: string;
  extras: string;
}

function readRow(line: string, columns: Columns): Row | undefined {
  const numbers = columns.numbers ? /^\s*\d+\s+/.exec(line)?.[0] : '';
  if (numbers === undefined) return undefined;
  const counts = columns.counters
    ? /^\s*(\d+[KMGTP]?)\s+(\d+[KMGTP]?)(?=\s)/.exec(line.slice(numbers.length))
    : undefined;
  if (counts === null) return undefined;
  const rest = line.slice(numbers.length + (counts?.[0].length ?? 0));
  for (const pattern of columns.interfaces ? verbosePatterns : shortPatterns) {
    const groups = pattern.exec(rest)?.groups;
    if (!groups) continue;
    const row: Row = {
      protocol: groups['protocol'] ?? 'all',
      fragment: groups['opt'] ?? '--',
      source: groups['source'] ?? '',
      destination: groups['destination'] ?? '',
      extras: (groups['extras'] ?? '').trim(),
    };
    if (groups['target'] !== undefined) row.target = groups['target'];
    if (groups['in'] !== undefined) row.in = groups['in'];
    if (groups['out'] !== undefined) row.out = groups['out'];
    if (counts) row.counters = { packets: readCount(counts[1] ?? '0'), bytes: readCount(counts[2] ?? '0') };
    return row;
  }
  return undefined;
}

const target = String.raw`(?<target>\S+)\s+`;
const protocol = String.raw`(?<protocol>!?[\w.+-]+)\s+`;
const opt = String.raw`(?<opt>--|-f|!f)\s+`;
const interfaces = String.raw`(?<in>\S+)\s+(?<out>\S+)\s+`;
const address = String.raw`!?(?:anywhere|[0-9a-fA-F:.]+(?:/[0-9a-fA-F:.]+)?|[\w.-]*\.[\w.-]+|localhost)`;
const addresses = String.raw`(?<source>${address})\s+(?<destination>${address})(?<extras>\s.*)?$`;

/** With and without a target, with and without `opt`; the first that fits wins, so the fullest comes first. */
const verbosePatterns = [target + protocol + opt, protocol + opt, target + protocol, protocol].map(
  (start) => new RegExp(`^\\s*${start}${interfaces}${addresses}`),
);
const shortPatterns = [target + protocol + opt, protocol + opt, target + protocol, protocol].map(
  (start) => new RegExp(`^\\s*${start}${addresses}`),
);

function toParts(row: Row, table: string, chain: string): { parts: RuleParts; counters?: Counters; unread: string } {
  const basics: Match[] = [];
  addBasic(basics, '-s', row.source, normalizeAddress);
  addBasic(basics, '-d', row.destination, normalizeAddress);
  addBasic(basics, '-i', row.in ?? '*', interfaceName);
  addBasic(basics, '-o', row.out ?? '*', interfaceName);
  addBasic(basics, '-p', row.protocol, protocolName);
  if (row.fragment !== '--') basics.push({ option: '-f', values: [], negated: row.fragment === '!f' });
  const protocol = protocolName(row.protocol.replace(/^!/, ''));
  const extras = readExtras(row.extras, row.target, protocol, row.source.includes(':') ? '6' : '4');
  const parts: RuleParts = {
    table,
    chain,
    basics,
    modules: extras.modules,
    goto: extras.goto,
    targetOptions: extras.targetOptions,
  };
  // Newer versions list the old NOTRACK target under its successor's name, and say so only in its options.
  if (row.target !== undefined) parts.target = extras.target ?? row.target;
  const result: ReturnType<typeof toParts> = { parts, unread: extras.unread };
  if (row.counters) result.counters = row.counters;
  return result;
}

function addBasic(basics: Match[], option: string, written: string, read: (value: string) => string | undefined): void {
  const negated = written.startsWith('!');
  // `-i +` is every interface: iptables-save leaves it out, as long as it is not negated.
  const value = written === '+' ? undefined : read(negated ? written.slice(1) : written);
  if (value !== undefined) basics.push({ option, values: [value], negated });
}

/** `*` with `-n`, `any` without: every interface. */
function interfaceName(written: string): string | undefined {
  return written === '*' || written === 'any' ? undefined : written;
}
