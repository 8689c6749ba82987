import { protocolName } from '../protocols.ts';
import { parseRange } from '../address-range.ts';
import { lookup } from '../lookup.ts';
import type { NamedSet } from '../ruleset.ts';
import type { PacketInFlight } from './packet.ts';

/** One `add` line: its parts as the set's type names them, and whether it makes an exception. */
interface Entry {
  parts: string[];
  nomatch: boolean;
}

interface Parsed {
  /** `hash:ip,port` → `ip`, `port`. */
  dimensions: string[];
  entries: Entry[];
  /** By the first part, for those that are single addresses: a set may have a hundred thousand. */
  single: Map<string, Entry[]>;
  /** Networks, ranges and what is no address. */
  wide: Entry[];
  six: boolean;
}

const parsed = new WeakMap<NamedSet, Parsed>();

/**
 * `-m set --match-set NAME src,dst`: whether the packet is in a set of ipset. `sides` say for each dimension which end of
 * the packet is looked up; a rule that names fewer than the set has never matches.
 */
export function isInIpset(
  name: string,
  sides: string,
  packet: PacketInFlight,
  sets: ReadonlyMap<string, NamedSet>,
): boolean | 'unknown' {
  const set = sets.get(name);
  if (!set) return 'unknown';
  const content = parse(set);
  const directions = sides.split(',');
  if (set.type === 'list:set') return isInOneOf(content, sides, packet, sets);
  if (directions.length < content.dimensions.length) return false;
  if (content.six !== (packet.family === '6') && /^(?:hash:(?:ip|net)|bitmap:ip)/.test(set.type)) return false;
  const tests = content.dimensions.map((dimension, at) => testOf(dimension, directions[at] === 'src', packet));
  if (tests.includes(undefined)) return 'unknown';
  const found = candidates(content, directions[0] === 'src' ? packet.src : packet.dst)
    .filter(({ parts }) => tests.every((test, at) => test?.(parts[at] ?? '')))
    // The narrowest network speaks, and `nomatch` makes it an exception.
    .sort((a, b) => narrowness(b) - narrowness(a));
  return found[0] !== undefined && !found[0].nomatch;
}

/** The sets of a list are asked one by one. */
function isInOneOf(
  { entries }: Parsed,
  sides: string,
  packet: PacketInFlight,
  sets: ReadonlyMap<string, NamedSet>,
): boolean | 'unknown' {
  const members = entries.map(({ parts }) => parts[0] ?? '').filter((member) => sets.get(member)?.type !== 'list:set');
  const answers = members.map((member) => isInIpset(member, sides, packet, sets));
  if (answers.includes(true)) return true;
  return answers.includes('unknown') ? 'unknown' : false;
}

function parse(set: NamedSet): Parsed {
  const known = parsed.get(set);
  if (known) return known;
  const content: Parsed = {
    dimensions: set.type.replace(/^\w+:/, '').split(','),
    entries: [],
    single: new Map(),
    wide: [],
    six: /\bfamily inet6\b/.test(set.lines?.[0] ?? ''),
  };
  for (const line of set.elements.split('\n')) {
    const [element = '', ...options] = line.split(' ');
    if (element === '') continue;
    const entry: Entry = { parts: element.split(','), nomatch: options.includes('nomatch') };
    content.entries.push(entry);
    const range = parseRange(entry.parts[0] ?? '');
    if (!range || range.first !== range.last || element.includes('-')) content.wide.push(entry);
    else {
      const key = `${range.family} ${range.first}`;
      const there = content.single.get(key);
      if (there) there.push(entry);
      else content.single.set(key, [entry]);
    }
  }
  parsed.set(set, content);
  return content;
}

function candidates({ single, wide, dimensions }: Parsed, address: string | undefined): Entry[] {
  const range = address === undefined || !/^(ip|net)$/.test(dimensions[0] ?? '') ? undefined : parseRange(address);
  return [...((range && single.get(`${range.family} ${range.first}`)) ?? []), ...wide];
}

type Test = (written: string) => boolean;

/** Undefined: what the set asks for is not known of a packet. */
function testOf(dimension: string, source: boolean, packet: PacketInFlight): Test | undefined {
  const address = source ? packet.src : packet.dst;
  const port = source ? packet.sport : packet.dport;
  switch (dimension) {
    case 'ip':
    case 'net':
      return address === undefined ? undefined : (written) => isWithin(address, written);
    case 'port':
      return port === undefined ? undefined : (written) => isPort(port, packet.protocol, written);
    case 'iface':
      return (written) =>
        (source ? packet.inIface : packet.outIface) === written.replace(/^physdev:/, '') && written !== '';
    case 'mark':
      return (written) => Number(written) === packet.mark;
    default:
      return undefined;
  }
}

function isWithin(address: string, written: string): boolean {
  const own = parseRange(address);
  const [from = '', to] = written.split('-');
  const first = parseRange(from);
  const last = to === undefined ? first : parseRange(to);
  return (
    own !== undefined &&
    first !== undefined &&
    last !== undefined &&
    own.family === first.family &&
    first.first <= own.first &&
    own.first <= last.last
  );
}

/** `tcp:80`, `udp:53`, `80`, `tcp:80-90` */
function isPort(port: number, protocol: string, written: string): boolean {
  const [, named, from = '', to = from] = /^(?:([\w-]+):)?(\d+)(?:-(\d+))?$/.exec(written) ?? [];
  if (named !== undefined && (lookup(aliases, named) ?? protocolName(named)) !== protocol) return false;
  return from !== '' && Number(from) <= port && port <= Number(to);
}

const aliases: Record<string, string> = { TCP: 'tcp', UDP: 'udp' };

function narrowness({ parts }: Entry): number {
  return parts.reduce(
    (sum, part) => sum + (/^[\d.]+(\/|$)|:.*(\/|$)/.test(part) ? (parseRange(part)?.length ?? 0) : 0),
    0,
  );
}
