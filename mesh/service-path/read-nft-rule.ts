import { parseRange } from '../interception/address-range.ts';
import type { Action, Condition, KubeRule, LookupField, Verdict } from './kube-rules.ts';
import { readDnat } from './read-iptables-rule.ts';

/** A rule of nftables as kube-proxy writes them. What it never writes becomes a condition that nobody can decide. */
export function readNftRule(table: string, chain: string, line: string): KubeRule {
  const text = line.replace(/ # handle \d+$/, '').replace(/\bcounter packets \d+ bytes \d+ /, '');
  const parts = readNftParts(line.replace(/ # handle \d+$/, ''));
  return {
    table,
    chain,
    text,
    conditions: parts.conditions,
    actions: parts.actions,
    ...(parts.comment !== undefined && { comment: parts.comment }),
    ...(parts.counters && { counters: parts.counters }),
  };
}

interface Parts {
  conditions: Condition[];
  actions: Action[];
  comment?: string;
  counters?: { packets: number; bytes: number };
}

/** Some expressions of a rule, in the words of nft. */
export function readNftParts(text: string): Parts {
  const words = text.match(/"(?:\\.|[^"\\])*"|\{[^{}]*\}|[^\s"{}]+/g) ?? [];
  const parts: Parts = { conditions: [], actions: [] };
  let at = 0;
  while (at < words.length) {
    const next = readStatement(words, at, parts) ?? readCondition(words, at, parts);
    if (next === undefined) parts.conditions.push({ kind: 'unknown', text: words[at]!, negated: false });
    at = next ?? at + 1;
  }
  return parts;
}

/** Reads what does something. @returns where the next expression begins. */
function readStatement(words: string[], at: number, parts: Parts): number | undefined {
  const after = words[at + 1] ?? '';
  switch (words[at]) {
    case 'counter':
      if (after !== 'packets') return at + 1;
      parts.counters = { packets: Number(words[at + 2]), bytes: Number(words[at + 4]) };
      return at + 5;
    case 'comment':
      parts.comment = unquote(after);
      return at + 2;
    case 'jump':
    case 'goto':
      parts.actions.push({ kind: words[at] as 'jump', chain: unquote(after) });
      return at + 2;
    case 'accept':
    case 'drop':
    case 'return':
      parts.actions.push({ kind: words[at] as 'drop' });
      return at + 1;
    case 'reject':
      parts.actions.push({ kind: 'reject' });
      return words.length;
    case 'masquerade':
      parts.actions.push({ kind: 'masquerade' });
      return words.length;
    case 'dnat': {
      const to = words.indexOf('to', at);
      parts.actions.push(readDnat(words[to + 1] ?? ''));
      return Math.max(to, at) + 2;
    }
    case 'update':
    case 'add':
      if (!after.startsWith('@')) return undefined;
      parts.actions.push({ kind: 'remember', list: after.slice(1) });
      return at + 3;
    case 'numgen':
      return readRandom(words, at, parts);
    case 'meta':
      return after === 'mark' && words[at + 2] === 'set' ? readSetMark(words, at + 3, parts) : undefined;
    default:
      return undefined;
  }
}

/** `numgen random mod 3 offset 0 vmap { 0 : goto endpoint-A, … }` */
function readRandom(words: string[], at: number, parts: Parts): number | undefined {
  const vmap = words.indexOf('vmap', at);
  const mod = words.indexOf('mod', at);
  if (words[at + 1] !== 'random' || vmap < 0 || mod < 0 || mod > vmap) return undefined;
  const offset = words.indexOf('offset', at);
  const first = offset > 0 && offset < vmap ? Number(words[offset + 1]) : 0;
  const verdicts = new Map<number, Verdict>();
  for (const entry of splitElements(words[vmap + 1] ?? '')) {
    const [key = '', verdict = ''] = splitPair(entry);
    const read = readVerdict(verdict);
    const [from = NaN, to = from] = key.split('-').map(Number);
    for (let number = from; read && number <= to; number++) verdicts.set(number - first, read);
  }
  parts.actions.push({ kind: 'random', size: Number(words[mod + 1]), verdicts });
  return vmap + 2;
}

/** `meta mark | 0x4000`, `mark ^ 0x4000`, `meta mark & 0xffffbfff`, `0x4000` */
function readSetMark(words: string[], start: number, parts: Parts): number {
  let at = start;
  if (words[at] === 'meta') at++;
  if (words[at] !== 'mark') {
    parts.actions.push({ kind: 'mark', set: Number(words[at]), clear: 0xffffffff });
    return at + 1;
  }
  const operator = words[at + 1] ?? '';
  const value = Number(words[at + 2]);
  if (/^(\||or)$/.test(operator)) parts.actions.push({ kind: 'mark', set: value, clear: value });
  else if (/^(\^|xor)$/.test(operator)) parts.actions.push({ kind: 'mark', set: value, clear: 0 });
  else parts.actions.push({ kind: 'mark', set: 0, clear: ~value >>> 0 });
  return at + 3;
}

const lookupFields: Record<string, LookupField> = {
  'ip daddr': 'destination',
  'ip6 daddr': 'destination',
  'ip saddr': 'source',
  'ip6 saddr': 'source',
  'meta l4proto': 'protocol',
  'th dport': 'port',
  'tcp dport': 'port',
  'udp dport': 'port',
  'sctp dport': 'port',
};

function readCondition(words: string[], start: number, parts: Parts): number | undefined {
  if (words[start + 2] === '.' || words[start + 2] === 'vmap') return readLookup(words, start, parts);
  const [first = '', second = ''] = words.slice(start, start + 2);
  const bare = first === 'iifname' || first === 'oifname';
  let at = start + (bare ? 1 : first === 'fib' ? 3 : 2);
  if (first === 'meta' && second === 'mark') return readMark(words, at, parts);
  const negated = words[at] === '!=';
  if (words[at] === '!=' || words[at] === '==') at++;
  const value = words[at];
  if (value === undefined) return undefined;
  const condition = makeCondition(bare ? first : `${first} ${second}`, value, negated);
  if (!condition) return undefined;
  if (/^(tcp|udp|sctp)$/.test(first)) parts.conditions.push({ kind: 'protocol', names: [first], negated: false });
  parts.conditions.push(condition);
  return at + 1;
}

function makeCondition(key: string, value: string, negated: boolean): Condition | undefined {
  const values = splitElements(value);
  switch (key) {
    case 'ip saddr':
    case 'ip6 saddr':
    case 'ip daddr':
    case 'ip6 daddr': {
      const side = key.endsWith('saddr') ? 'source' : 'destination';
      if (value.startsWith('@')) {
        const set = value.slice(1);
        return side === 'source' && set.startsWith('affinity-')
          ? { kind: 'affinity', list: set, negated }
          : { kind: `${side}-set`, set, negated };
      }
      const ranges = values.map(parseAddressOrSpan);
      return ranges.some((range) => !range)
        ? undefined
        : { kind: side, ranges: ranges.filter((range) => range !== undefined), negated };
    }
    case 'meta l4proto':
      return { kind: 'protocol', names: values, negated };
    case 'th dport':
    case 'tcp dport':
    case 'udp dport':
    case 'sctp dport':
      return {
        kind: 'port',
        ports: values.map((each) => {
          const [from = NaN, to = from] = each.split('-').map(Number);
          return [from, to];
        }),
        negated,
      };
    case 'fib saddr':
    case 'fib daddr':
      return value === 'local'
        ? { kind: key === 'fib saddr' ? 'source-local' : 'destination-local', negated }
        : undefined;
    case 'ct state':
      return {
        kind: 'state',
        states: values.flatMap((each) => each.split(',')).map((each) => each.toUpperCase()),
        negated,
      };
    case 'iifname':
      return { kind: 'interface', name: unquote(value).replace(/\*$/, '+'), negated };
    default:
      return undefined;
  }
}

/** A range of neighbours, `10.0.0.1-10.0.0.9`, is what nft prints when it has merged the elements of a set. */
function parseAddressOrSpan(written: string): ReturnType<typeof parseRange> {
  const [from = '', to] = written.split('-');
  const first = parseRange(from);
  const last = to === undefined ? first : parseRange(to);
  return first && last && { ...first, last: last.last };
}

/** `meta mark & 0x4000 == 0x0`, `meta mark 0x4000` */
function readMark(words: string[], start: number, parts: Parts): number {
  let at = start;
  let mask = 0xffffffff;
  if (words[at] === '&' || words[at] === 'and') {
    mask = Number(words[at + 1]);
    at += 2;
  }
  const negated = words[at] === '!=';
  if (words[at] === '==' || words[at] === '!=') at++;
  parts.conditions.push({ kind: 'mark', value: Number(words[at]), mask, negated });
  return at + 1;
}

/** `ip daddr . meta l4proto . th dport vmap @service-ips` */
function readLookup(words: string[], start: number, parts: Parts): number | undefined {
  const key: LookupField[] = [];
  let at = start;
  for (;;) {
    const field = lookupFields[`${words[at] ?? ''} ${words[at + 1] ?? ''}`];
    if (!field) return undefined;
    key.push(field);
    at += 2;
    if (words[at] !== '.') break;
    at++;
  }
  const map = words[at + 1];
  if (words[at] !== 'vmap' || !map?.startsWith('@')) return undefined;
  parts.actions.push({ kind: 'lookup', map: map.slice(1), key });
  return at + 2;
}

/** `goto service-X`, `drop` */
export function readVerdict(text: string): Verdict | undefined {
  const [kind = '', chain] = text.trim().split(/\s+/);
  if ((kind === 'jump' || kind === 'goto') && chain !== undefined) return { kind, chain: unquote(chain) };
  if (kind === 'drop' || kind === 'accept' || kind === 'return' || kind === 'reject') return { kind };
  return undefined;
}

/** The elements between the braces of a set or map; a value without braces is its only element. */
export function splitElements(text: string): string[] {
  const inner = text.startsWith('{') ? text.replace(/^\{|\}$/g, '') : text;
  return (inner.match(/(?:"(?:\\.|[^"\\])*"|[^,"])+/g) ?? []).map((each) => each.trim()).filter(Boolean);
}

/** `key : value`; the colon of a pair stands free, unlike those of an IPv6 address. */
export function splitPair(entry: string): [key: string, value: string] {
  const at = entry.search(/ : (?=(?:goto|jump|drop|accept|return|reject|continue)\b[^"]*$)/);
  return at < 0 ? [entry, ''] : [entry.slice(0, at).trim(), entry.slice(at + 3).trim()];
}

export function unquote(word: string): string {
  return word.startsWith('"') ? word.slice(1, -1).replace(/\\(.)/g, '$1') : word;
}
