import { lookup } from '../lookup.ts';
import { protocolName } from '../protocols.ts';
import type { IptablesRule, Match, NamedSet } from '../ruleset.ts';
import { isInNetwork, isInRange, isLoopback, isSingleAddress } from './addresses.ts';
import { isInIpset } from './ipset.ts';
import type { Hook, PacketInFlight } from './packet.ts';

/** Where a rule stands, as far as its matches care. */
export interface Place {
  hook: Hook;
  /** A table of native nftables: there, what is missing (a socket, a connection) fits neither a condition nor its opposite. */
  native: boolean;
  /** ipset's for a table of iptables, its own for one of nftables. */
  sets: ReadonlyMap<string, NamedSet>;
}

/**
 * `never`: no match, negated or not. `unknown`: the packet's description does not tell. `assumed`: it does not tell either,
 * but there is a value that nearly every packet has.
 */
type Outcome = boolean | 'never' | 'unknown' | { assumed: boolean };

type Test = (match: Match, packet: PacketInFlight, place: Place, rule: IptablesRule) => Outcome;

export interface RuleAnswer {
  matches: boolean;
  /** The conditions that nobody can judge from here; with any of them the rule is taken as not matching. */
  unknown: Match[];
  /** The conditions that hold if the packet is like nearly every other. */
  assumed: Match[];
}

/**
 * Whether a packet meets all conditions of a rule. One that certainly fails settles it; a condition that depends on what
 * is not known here (sets, time, chance, what a socket does) is handed out by name.
 */
export function matchRule(rule: IptablesRule, packet: PacketInFlight, place: Place): RuleAnswer {
  const unknown: Match[] = [];
  const assumed: Match[] = [];
  for (const match of rule.matches) {
    const outcome = judge(match, packet, place, rule);
    if (outcome === false) return { matches: false, unknown: [], assumed: [] };
    if (outcome === 'unknown') unknown.push(match);
    else if (outcome !== true) (outcome.assumed ? assumed : unknown).push(match);
  }
  return { matches: unknown.length === 0, unknown, assumed };
}

function judge(match: Match, packet: PacketInFlight, place: Place, rule: IptablesRule): Exclude<Outcome, 'never'> {
  const { module = '', option, negated } = match;
  const test = match.module === undefined ? lookup(basicTests, option) : lookup(moduleTests, module);
  const outcome = test?.(match, packet, place, rule) ?? 'unknown';
  if (outcome === 'never') return false;
  if (typeof outcome === 'object') return { assumed: outcome.assumed !== negated };
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
  set: ({ option, values }, packet, { sets }) =>
    option === '--match-set'
      ? isInIpset(values[0] ?? '', values[1] ?? '', packet, sets)
      : option === '--return-nomatch' || 'unknown',
  connlabel: () => 'unknown',
  // No policy of IPsec has to do with a packet of a pod's, as far as rules tell.
  policy: ({ option, values }) =>
    option === '--dir' ? true : option === '--pol' ? { assumed: values[0] === 'none' } : 'unknown',
  // A packet of a pod comes over no bridge: that is the node's matter.
  physdev: () => ({ assumed: false }),
  ttl: (match) => assumeNumber(match, 64),
  hl: (match) => assumeNumber(match, 64),
  tos: ({ values }) => ({ assumed: Number(values[0]?.split('/')[0]) === 0 }),
  dscp: ({ option, values }) =>
    option === '--dscp' ? { assumed: Number(values[0]) === 0 } : { assumed: /^(BE|CS0)$/.test(values[0] ?? '') },
  ecn: () => ({ assumed: false }),
  // Extension headers are seldom, and no proxy's traffic has them.
  frag: () => ({ assumed: false }),
  hbh: () => ({ assumed: false }),
  dst: () => ({ assumed: false }),
  rt: () => ({ assumed: false }),
  ah: () => 'never',
  esp: () => 'never',
  mh: () => 'never',
  eui64: () => 'unknown',
  ipv6header: () => ({ assumed: false }),
  rpfilter: ({ option }) => (option === '--invert' ? { assumed: false } : { assumed: true }),
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
  connmark: ({ values }, packet) =>
    hasConnection(packet) ? isMark(packet.template ? 0 : packet.connmark, values[0] ?? '') : 'never',
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
  limit: () => ({ assumed: true }),
  hashlimit: ({ option }) => (option === '--hashlimit-above' ? { assumed: false } : { assumed: true }),
};

/** `--ttl-eq 64`, `--hl-lt 10` */
function assumeNumber({ option, values }: Match, number: number): Outcome {
  const value = Number(values[0]);
  const how = option.slice(-2);
  if (Number.isNaN(value)) return 'unknown';
  return { assumed: how === 'lt' ? number < value : how === 'gt' ? number > value : number === value };
}

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
export function hasConnection({ state, tracked, template }: PacketInFlight): boolean {
  if (state === 'UNTRACKED') return false;
  return tracked ? state !== 'INVALID' : template;
}

function connectionStates(packet: PacketInFlight): string[] {
  if (packet.state === 'UNTRACKED') return ['UNTRACKED'];
  if (!hasConnection(packet)) return ['INVALID'];
  if (!packet.tracked) return ['NEW'];
  return [packet.state, ...(packet.changed.dst ? ['DNAT'] : []), ...(packet.changed.src ? ['SNAT'] : [])];
}

function testConnection(
  { option, values, negated }: Match,
  packet: PacketInFlight,
  _: Place,
  rule: IptablesRule,
): Outcome {
  const [value = ''] = values;
  if (option === '--ctstate' || option === '--state') {
    const seen = connectionStates(packet);
    return value.split(',').some((state) => seen.includes(state));
  }
  // Without a connection the kernel looks at the state alone, when the same module asks for it.
  if (!hasConnection(packet)) return asksState(rule) ? !negated : 'never';
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
      // Whoever asks about a packet asks about the way it began.
      return value === 'ORIGINAL';
    case '--ctstatus':
      return value.split(',').some((each) => connectionStatus(packet).includes(each));
    case '--ctreplsrc':
    case '--ctrepldst':
    case '--ctreplsrcport':
    case '--ctrepldstport':
      return testReply(option, values, packet);
    default:
      return 'unknown';
  }
}

function asksState({ matches, text }: IptablesRule): boolean {
  const single = text.split(' -m conntrack ').length === 2;
  return single && matches.some(({ module, option }) => module === 'conntrack' && option === '--ctstate');
}

/** What is known of a connection beside its state. */
function connectionStatus({ state, confirmed, template }: PacketInFlight): string[] {
  // What `CT --zone` hands out looks like a connection that stands, but has seen nothing yet.
  if (template) return ['CONFIRMED'];
  if (state === 'ESTABLISHED') return ['SEEN_REPLY', 'ASSURED', 'CONFIRMED'];
  return confirmed ? ['CONFIRMED'] : [];
}

/** Answers come from where the connection was taken to, and go to where it was made to come from. */
function testReply(option: string, values: string[], { src, dst, sport, dport, state }: PacketInFlight): Outcome {
  if (state === 'ESTABLISHED') return 'unknown';
  switch (option) {
    case '--ctreplsrc':
      return isOneOf(dst, values);
    case '--ctrepldst':
      return isOneOf(src, values);
    case '--ctreplsrcport':
      return isPort(dport, values[0] ?? '');
    default:
      return isPort(sport, values[0] ?? '');
  }
}

function testAddressType({ option, values }: Match, packet: PacketInFlight, _: Place, rule: IptablesRule): Outcome {
  if (option === '--limit-iface-in' || option === '--limit-iface-out') return true;
  // Limited to an interface, an address is local where that interface has it: which one does, rules do not tell.
  const limited = rule.matches.some((match) => match.module === 'addrtype' && match.option.startsWith('--limit-iface'));
  const address = option === '--src-type' ? packet.src : packet.dst;
  const types = (values[0] ?? '').split(',');
  if (address === undefined) return 'unknown';
  if (limited && packet.localIps.has(address)) return 'unknown';
  const iface = packet.inIface || packet.outIface;
  const own = isLoopback(address) ? !limited || iface === 'lo' : packet.localIps.has(address);
  if (own) return types.includes('LOCAL') || (packet.family === '6' && types.includes('UNICAST'));
  const type = packetType(address).toUpperCase();
  if (types.includes(type)) return true;
  // A network's own broadcast address, a blackhole or an anycast address is known to the routing table only.
  return types.some((each) => !['LOCAL', 'UNICAST', 'MULTICAST', 'BROADCAST'].includes(each)) ? 'unknown' : false;
}

export function packetType(address: string): 'unicast' | 'multicast' | 'broadcast' {
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
