import { parseRange } from '../../address-range.ts';
import { lookup } from '../../lookup.ts';
import { protocolName } from '../../protocols.ts';
import { hasConnection, packetType } from '../match-rule.ts';
import { isLoopback } from '../addresses.ts';
import type { PacketInFlight } from '../packet.ts';

/** How a value is written and compared. */
export type NftType =
  'address' | 'port' | 'protocol' | 'interface' | 'number' | 'owner' | 'state' | 'status' | 'flags' | 'word';

export type NftValue = bigint | string;

/**
 * What a field of the packet holds. `absent`: the packet has no such thing (an IPv6 address of an IPv4 packet, a socket
 * on the way in), so that neither a condition nor its opposite fits. `unknown`: it cannot be told from here.
 */
export type Reading = { value: NftValue } | 'absent' | 'unknown';

/** Values that mean bits: a single word asks whether the bit is set, not whether it is all. */
export function isBits(type: NftType): boolean {
  return type === 'state' || type === 'status' || type === 'flags';
}

export function typeOfField(name: string): NftType {
  if (/^(ct (original |reply )?)?ip6? [sd]addr$|^ct (original|reply) [sd]addr$/.test(name)) return 'address';
  if (/ [sd]port$|proto-(src|dst)$/.test(name)) return 'port';
  if (/^(meta l4proto|ip protocol|ip6 nexthdr|ct (original |reply )?protocol)$/.test(name)) return 'protocol';
  if (/^meta (iif|oif|iifname|oifname)$/.test(name)) return 'interface';
  if (/^meta sk[ug]id$/.test(name)) return 'owner';
  if (name === 'ct state') return 'state';
  if (name === 'ct status') return 'status';
  if (name === 'tcp flags') return 'flags';
  if (/^fib .* type$|^meta (pkttype|nfproto|protocol)$|^ct (direction|l3proto|helper)$|^ip6? dscp$/.test(name))
    return 'word';
  return 'number';
}

const bits: Record<'state' | 'status' | 'flags', Record<string, bigint>> = {
  state: { invalid: 1n, established: 2n, related: 4n, new: 8n, untracked: 64n },
  status: { expected: 1n, 'seen-reply': 2n, assured: 4n, confirmed: 8n, snat: 16n, dnat: 32n, dying: 512n },
  flags: { fin: 1n, syn: 2n, rst: 4n, psh: 8n, ack: 16n, urg: 32n, ecn: 64n, cwr: 128n },
};
const words: Record<string, string> = { host: 'unicast', ip: 'ipv4', ip6: 'ipv6', '2': 'ipv4', '10': 'ipv6' };
const services: Record<string, bigint> = {
  ssh: 22n,
  domain: 53n,
  http: 80n,
  https: 443n,
  mysql: 3306n,
  postgresql: 5432n,
  'http-alt': 8080n,
};

/** A written value of a type; undefined: not known how to read it. */
export function readLiteral(text: string, type: NftType): NftValue | undefined {
  switch (type) {
    case 'address':
      return parseRange(text)?.first;
    case 'protocol':
      return protocolName(text) ?? 'all';
    case 'interface':
      return text;
    case 'word':
      return lookup(words, text) ?? text;
    case 'owner':
      return text === 'root' ? 0n : readNumber(text);
    case 'port':
      return readNumber(text) ?? lookup(services, text);
    case 'number':
      return (
        readNumber(text) ?? parseRange(text)?.first ?? lookup({ exists: 1n, missing: 0n, true: 1n, false: 0n }, text)
      );
    default: {
      const values = text.split(/,|\|/).map((word) => lookup(bits[type], word.trim()) ?? readNumber(word.trim()));
      return values.includes(undefined) ? undefined : values.reduce<bigint>((sum, value) => sum | (value ?? 0n), 0n);
    }
  }
}

function readNumber(text: string): bigint | undefined {
  return /^(0x[0-9a-f]+|\d+)$/i.test(text) ? BigInt(text) : undefined;
}

/** Whether a value is what is written: `10.0.0.0/8`, `80-90`, `eth*`, `established`. Undefined: it cannot be read. */
export function meets(value: NftValue, written: string, type: NftType): boolean | undefined {
  if (written === '*') return true;
  if (typeof value === 'string') {
    if (type === 'interface' && written.endsWith('*')) return value.startsWith(written.slice(0, -1));
    return value === readLiteral(written, type);
  }
  if (type === 'address' && !written.includes('-')) {
    const range = parseRange(written);
    return range && range.first <= value && value <= range.last;
  }
  const [from, to] = /^[^-]+-[^-]+$/.test(written) && !isBits(type) ? written.split('-') : [written, written];
  const first = readLiteral(from ?? '', type);
  const last = readLiteral(to ?? '', type);
  if (typeof first !== 'bigint' || typeof last !== 'bigint') return undefined;
  return first <= value && value <= last;
}

/** What the packet has in a field, at this place. */
export function readField(name: string, packet: PacketInFlight): Reading {
  const read = lookup(fields, name) ?? (name.startsWith('ct ') ? readConnection : undefined);
  if (name.startsWith('fib ')) return readRoute(name, packet);
  return read ? read(packet, name) : 'unknown';
}

type Read = (packet: PacketInFlight, name: string) => Reading;

const address = (written: string | undefined): Reading => {
  const range = written === undefined ? undefined : parseRange(written);
  return range ? { value: range.first } : 'unknown';
};
const number = (value: number | undefined): Reading => (value === undefined ? 'unknown' : { value: BigInt(value) });
const word = (value: string): Reading => ({ value });
const ofFamily =
  (family: '4' | '6', read: Read): Read =>
  (packet, name) =>
    packet.family === family ? read(packet, name) : 'absent';
const ofProtocol =
  (protocol: string, read: Read): Read =>
  (packet, name) =>
    packet.protocol === protocol ? read(packet, name) : 'absent';
const owner =
  (which: 'uid' | 'gid'): Read =>
  ({ owner }) =>
    // Nobody named: an owner that no rule names.
    owner ? (owner[which] === undefined ? { value: -1n } : number(owner[which])) : 'absent';
const sport: Read = ({ sport }) => number(sport);
const dport: Read = ({ dport }) => number(dport);
const never: Read = () => 'absent';
const flags: Read = ({ sentAs }) =>
  sentAs === 'NEW' || sentAs === 'RELATED' ? { value: 2n } : sentAs === 'ESTABLISHED' ? { value: 16n } : 'unknown';

const fields: Record<string, Read> = {
  'ip saddr': ofFamily('4', ({ src }) => address(src)),
  'ip daddr': ofFamily('4', ({ dst }) => address(dst)),
  'ip6 saddr': ofFamily('6', ({ src }) => address(src)),
  'ip6 daddr': ofFamily('6', ({ dst }) => address(dst)),
  'ip protocol': ofFamily('4', ({ protocol }) => word(protocol)),
  'ip6 nexthdr': ofFamily('6', ({ protocol }) => word(protocol)),
  'ip version': ofFamily('4', () => ({ value: 4n })),
  'ip6 version': ofFamily('6', () => ({ value: 6n })),
  'tcp sport': ofProtocol('tcp', sport),
  'tcp dport': ofProtocol('tcp', dport),
  'udp sport': ofProtocol('udp', sport),
  'udp dport': ofProtocol('udp', dport),
  'th sport': sport,
  'th dport': dport,
  'tcp flags': ofProtocol('tcp', flags),
  'sctp dport': never,
  'sctp sport': never,
  'icmp type': never,
  'icmp code': never,
  'icmpv6 type': never,
  'icmpv6 code': never,
  'meta l4proto': ({ protocol }) => word(protocol),
  'meta nfproto': ({ family }) => word(family === '4' ? 'ipv4' : 'ipv6'),
  'meta protocol': ({ family }) => word(family === '4' ? 'ipv4' : 'ipv6'),
  'meta mark': ({ mark }) => number(mark),
  'meta iifname': ({ inIface }) => word(inIface),
  'meta oifname': ({ outIface }) => word(outIface),
  'meta iif': ({ inIface }) => word(inIface),
  'meta oif': ({ outIface }) => word(outIface),
  'meta skuid': owner('uid'),
  'meta skgid': owner('gid'),
  'meta pkttype': ({ dst }) => word(packetType(dst)),
};

function readConnection(packet: PacketInFlight, name: string): Reading {
  const there = hasConnection(packet);
  if (name === 'ct state') {
    if (packet.state === 'UNTRACKED') return { value: bits.state['untracked']! };
    if (!there) return { value: bits.state['invalid']! };
    return { value: bits.state[packet.tracked ? packet.state.toLowerCase() : 'new']! };
  }
  // A template, from `ct zone set` or from iptables' CT, tells nft its state and nothing else.
  if (!there || packet.template) return 'absent';
  const { src, dst, sport, dport } = packet.original;
  switch (name.replace(/^ct original (ip6? )?/, 'ct original ')) {
    case 'ct mark':
      return number(packet.connmark);
    case 'ct direction':
      return word('original');
    case 'ct status':
      return { value: statusBits(packet) };
    case 'ct l3proto':
      return word(packet.family === '4' ? 'ipv4' : 'ipv6');
    case 'ct protocol':
    case 'ct original protocol':
      return word(packet.protocol);
    case 'ct original saddr':
      return address(src);
    case 'ct original daddr':
      return address(dst);
    case 'ct original proto-src':
      return number(sport);
    case 'ct original proto-dst':
      return number(dport);
    default:
      return 'unknown';
  }
}

function statusBits({ changed, state, confirmed, bound }: PacketInFlight): bigint {
  const { 'seen-reply': seen = 0n, assured = 0n, snat = 0n, dnat = 0n, confirmed: sure = 0n } = bits.status;
  return (
    (changed.src ? snat : 0n) |
    (changed.dst ? dnat : 0n) |
    (state === 'ESTABLISHED' ? seen | assured | sure : 0n) |
    (confirmed ? sure : 0n) |
    // nat has been asked, whatever it answered: bits without a name that an exact comparison sees.
    (bound.dst ? 0x100n : 0n) |
    (bound.src ? 0x80n : 0n)
  );
}

/** `fib daddr type`, also `fib daddr . iif type`: what the routing tables call an address. */
function readRoute(name: string, packet: PacketInFlight): Reading {
  const [, side, iface] = /^fib ([sd]addr)( \. [io]if)? type$/.exec(name) ?? [];
  const asked = side === 'saddr' ? packet.src : packet.dst;
  if (side === undefined || asked === undefined) return 'unknown';
  if (isLoopback(asked))
    return word(iface && packet.inIface !== 'lo' && packet.outIface !== 'lo' ? 'unicast' : 'local');
  if (packet.localIps.has(asked)) return iface ? 'unknown' : word('local');
  return word(packetType(asked));
}
