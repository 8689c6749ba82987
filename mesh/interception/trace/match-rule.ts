import { lookup } from '../lookup.ts';
import { protocolName } from '../protocols.ts';
import type { IptablesRule, Match } from '../ruleset.ts';
import { isInNetwork, isInRange, isLoopback, isSingleAddress } from './addresses.ts';
import type { Hook, PacketInFlight } from './packet.ts';

/** Where a rule stands, as far as its matches care. */
export interface Place {
  /** As iptables calls it: `raw`, `mangle`, `nat`, `filter`, `security`. */
  table: string;
  hook: Hook;
  /** A table of native nftables: there, what is missing (a socket, a connection) fits neither a condition nor its opposite. */
  native: boolean;
}

/** `never`: no match, negated or not. `unknown`: the packet's description does not tell. */
type Outcome = boolean | 'never' | 'unknown';

type Test = (match: Match, packet: PacketInFlight, place: Place, rule: IptablesRule) => Outcome;

export interface RuleAnswer {
  matches: boolean;
  /** The conditions that nobody can judge from here; with any of them the rule is taken as not matching. */
  unknown: Match[];
}

/**
 * Whether a packet meets all conditions of a rule. One that certainly fails settles it; a condition that depends on what
 * is not known here (sets, time, chance, what a socket does) is handed out by name.
 */
export function matchRule(rule: IptablesRule, packet: PacketInFlight, place: Place): RuleAnswer {
  const unknown: Match[] = [];
  for (const match of rule.matches) {
    const outcome = judge(match, packet, place, rule);
    if (outcome === false) return { matches: false, unknown: [] };
    if (outcome === 'unknown') unknown.push(match);
  }
  return { matches: unknown.length === 0, unknown };
}

function judge(match: Match, packet: PacketInFlight, place: Place, rule: IptablesRule): boolean | 'unknown' {
  const { module = '', option, negated } = match;
  const test = match.module === undefined ? lookup(basicTests, option) : lookup(moduleTests, module);
  const outcome = test?.(match, packet, place, rule) ?? 'unknown';
  if (outcome === 'never') return false;
  return outcome === 'unknown' ? outcome : outcome !== negated;
}

const basicTests: Record<string, Test> = {
  '-s': ({ values }, { src }) => isOneOf(src, values),
  '-d': ({ values }, { dst }) => isOneOf(dst, values),
  '-i': ({ values }, { inIface }) => isInterface(inIface, values[0] ?? ''),
  '-o': ({ values }, { outIface }) => isInterface(outIface, values[0] ?? ''),
  '-p': ({ values }, { protocol }) => {
    const name = protocolName(values[0] ?? '');
    return name === undefined || name === protocol;
  },
  // First fragments and whole packets only: tracking puts fragments together before anyone looks.
  '-f': () => false,
};

const moduleTests: Record<string, Test> = {
  comment: () => true,
  nfacct: () => true,
  tcp: testProtocol,
  udp: testProtocol,
  udplite: testProtocol,
  sctp: testProtocol,
  dccp: testProtocol,
  icmp: () => 'never',
  icmp6: () => 'never',
  multiport: testPorts,
  owner: testOwner,
  mark: ({ values }, { mark }) => isMark(mark, values[0] ?? ''),
  connmark: ({ values }, packet, place) =>
    hasConnection(packet, place) ? isMark(packet.template ? 0 : packet.connmark, values[0] ?? '') : 'never',
  conntrack: testConnection,
  state: testConnection,
  addrtype: testAddressType,
  socket: testSocket,
  iprange: ({ option, values }, { src, dst }) => {
    const address = option === '--src-range' ? src : dst;
    return address === undefined ? 'unknown' : oneOfAll(values, (range) => isInRange(address, range));
  },
  pkttype: ({ values }, { dst }) => packetType(dst) === values[0]?.toLowerCase(),
  // A limit lets packets through until its burst is used up: the packet asked about is the first.
  limit: () => true,
};

/** An address that nobody told is taken for one that no rule names; whether it is in a whole network is unknown. */
function isOneOf(address: string | undefined, values: string[]): Outcome {
  const networks = values.flatMap((value) => value.split(','));
  if (address === undefined) return networks.every(isSingleAddress) ? false : 'unknown';
  if (networks.some((network) => network.includes(':')) !== address.includes(':')) return 'never';
  return oneOfAll(networks, (network) => isInNetwork(address, network));
}

function oneOfAll(values: string[], test: (value: string) => boolean | undefined): Outcome {
  const answers = values.map(test);
  if (answers.includes(true)) return true;
  return answers.includes(undefined) ? 'unknown' : false;
}

/** `eth+` is every name that begins so, and `+` alone also no interface at all. */
function isInterface(name: string, written: string): boolean {
  return written.endsWith('+') ? name.startsWith(written.slice(0, -1)) : name === written;
}

/** `-m tcp` and the like; they say `--dport`, `--sport`, `--tcp-flags`, or nothing. */
function testProtocol({ module, option, values }: Match, packet: PacketInFlight): Outcome {
  if (module !== packet.protocol) return 'never';
  switch (option) {
    case '':
      return true;
    case '--dport':
      return isPort(packet.dport, values[0] ?? '');
    case '--sport':
      return isPort(packet.sport, values[0] ?? '');
    case '--tcp-flags':
      return testFlags(values, packet.sentAs);
    default:
      return 'unknown';
  }
}

/** Where the kernel takes a port from when the sender does not say one. */
const ephemeral = { from: 32768, to: 60999 };

/** `80`, `80:90`, `80:`, `:80` */
function isPort(port: number | undefined, written: string): Outcome {
  const range = /^(\d*)(:?)(\d*)$/.exec(written);
  if (!range || written === '') return 'unknown';
  const from = Number(range[1] || 0);
  const to = range[2] ? Number(range[3] || 65535) : from;
  if (port !== undefined) return from <= port && port <= to;
  if (from === to || to < ephemeral.from || from > ephemeral.to) return false;
  return from <= ephemeral.from && ephemeral.to <= to ? true : 'unknown';
}

function testPorts(
  { option, values }: Match,
  { protocol, sport, dport }: PacketInFlight,
  _: Place,
  rule: IptablesRule,
) {
  const asked = rule.matches.find((match) => match.option === '-p' && match.module === undefined);
  if (asked && protocolName(asked.values[0] ?? '') !== protocol) return 'never';
  const lists = (values[0] ?? '').split(',');
  const outcomes = lists.flatMap((each): Outcome[] => {
    if (option === '--dports') return [isPort(dport, each)];
    if (option === '--sports') return [isPort(sport, each)];
    return option === '--ports' ? [isPort(dport, each), isPort(sport, each)] : ['unknown'];
  });
  if (outcomes.includes(true)) return true;
  return outcomes.includes('unknown') ? 'unknown' : false;
}

/** A new connection begins with SYN alone; later packets carry ACK. What makes a packet INVALID is not told. */
function testFlags([mask = '', set = '']: string[], state: PacketInFlight['sentAs']): Outcome {
  const names = (list: string) => (/^(NONE|)$/.test(list) ? [] : list.split(','));
  const examined = mask === 'ALL' ? ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'] : names(mask);
  // SYN alone always begins a connection: what is INVALID carries something else.
  if (state === 'INVALID') return set === 'SYN' && examined.length > 1 ? false : 'unknown';
  const wanted = new Set(set === 'ALL' ? examined : names(set));
  const carried = state === 'ESTABLISHED' ? 'ACK' : 'SYN';
  if (state === 'ESTABLISHED' && examined.includes('PSH')) return 'unknown';
  return examined.every((flag) => wanted.has(flag) === (flag === carried));
}

/** Compares the way of a mark: `(mark & MASK) == VALUE`. */
function isMark(mark: number, written: string): Outcome {
  const [value, mask] = written.split('/').map(Number);
  if (value === undefined || Number.isNaN(value) || (mask !== undefined && Number.isNaN(mask))) return 'unknown';
  return (mark & (mask ?? 0xffffffff)) >>> 0 === value >>> 0;
}

function testOwner({ option, values, negated }: Match, { owner }: PacketInFlight, { native }: Place): Outcome {
  if (option === '') return 'unknown';
  // Without a socket, the kernel lets through exactly what asks for *not* this owner. nft's `meta skuid` stops at once.
  if (!owner) return native ? 'never' : false;
  if (option === '--socket-exists') return true;
  if (option === '--suppl-groups') return negated ? 'unknown' : true;
  if (option !== '--uid-owner' && option !== '--gid-owner') return 'unknown';
  const id = option === '--uid-owner' ? owner.uid : owner.gid;
  const range = /^(\d+)(?:-(\d+))?$/.exec(values[0] ?? '');
  if (!range) return values[0] === 'root' ? id === 0 : 'unknown';
  const from = Number(range[1]);
  const to = Number(range[2] ?? range[1]);
  if (id === undefined) return from === to ? false : 'unknown';
  return from <= id && id <= to;
}

/** Whether the packet belongs to a connection that tracking knows, at this place. */
export function hasConnection({ state, tracked, template }: PacketInFlight, { table }: Place): boolean {
  if (state === 'UNTRACKED') return false;
  if (table === 'raw' && !tracked) return template;
  return state !== 'INVALID';
}

function connectionStates(packet: PacketInFlight, place: Place): string[] {
  if (packet.state === 'UNTRACKED') return ['UNTRACKED'];
  if (!hasConnection(packet, place)) return ['INVALID'];
  if (!packet.tracked && place.table === 'raw') return ['NEW'];
  return [packet.state, ...(packet.changed.dst ? ['DNAT'] : []), ...(packet.changed.src ? ['SNAT'] : [])];
}

function testConnection({ option, values }: Match, packet: PacketInFlight, place: Place): Outcome {
  const [value = ''] = values;
  if (option === '--ctstate' || option === '--state') {
    const seen = connectionStates(packet, place);
    return value.split(',').some((state) => seen.includes(state));
  }
  if (!hasConnection(packet, place)) return 'never';
  const { src, dst, sport, dport } = packet.original;
  switch (option) {
    case '--ctproto':
      return protocolName(value) === packet.protocol;
    case '--ctorigsrc':
      return isOneOf(src, values);
    case '--ctorigdst':
      return isOneOf(dst, values);
    case '--ctorigsrcport':
      return isPort(sport, value);
    case '--ctorigdstport':
      return isPort(dport, value);
    case '--ctdir':
      return packet.state === 'NEW' ? value === 'ORIGINAL' : 'unknown';
    default:
      return 'unknown';
  }
}

function testAddressType({ option, values }: Match, packet: PacketInFlight): Outcome {
  if (option === '--limit-iface-in' || option === '--limit-iface-out') return true;
  const address = option === '--src-type' ? packet.src : packet.dst;
  const types = (values[0] ?? '').split(',');
  if (address === undefined) return 'unknown';
  const own = isLoopback(address) || packet.localIps.has(address);
  if (own) return types.includes('LOCAL') || (packet.family === '6' && types.includes('UNICAST'));
  const type = packetType(address).toUpperCase();
  if (types.includes(type)) return true;
  // A network's own broadcast address, a blackhole or an anycast address is known to the routing table only.
  return types.some((each) => !['LOCAL', 'UNICAST', 'MULTICAST', 'BROADCAST'].includes(each)) ? 'unknown' : false;
}

function packetType(address: string): 'unicast' | 'multicast' | 'broadcast' {
  if (isInNetwork(address, '224.0.0.0/4') || isInNetwork(address, 'ff00::/8')) return 'multicast';
  return address === '255.255.255.255' || isInNetwork(address, '0.0.0.0/8') ? 'broadcast' : 'unicast';
}

/**
 * `-m socket`: some socket here has this packet. Listeners on all addresses do not count (but with `--nowildcard`), so a
 * new connection has none; a later packet has its own.
 */
function testSocket({ option }: Match, { state }: PacketInFlight): Outcome {
  if (option === '--nowildcard' || option === '--transparent' || option === '--restore-skmark')
    return state === 'ESTABLISHED' && option !== '--transparent' ? true : 'unknown';
  return option === '' ? state === 'ESTABLISHED' : 'unknown';
}
