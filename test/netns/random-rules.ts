/** Rules and packets by chance, the same on every run: what nobody would think of writing into a test. */

/** Numbers from 0 to below 1, from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Random = () => number;

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}

const hooks: Record<string, string[]> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'OUTPUT'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
};

/** `PREROUTING` chains may only jump to chains for incoming packets: `-m owner` and REDIRECT are refused elsewhere. */
const sides: Record<string, 'in' | 'out'> = {
  PREROUTING: 'in',
  INPUT: 'in',
  FORWARD: 'in',
  OUTPUT: 'out',
  POSTROUTING: 'out',
};

/** A text for `iptables-restore`, of any four tables, with jumps, gotos, marks, owners, states and policies. */
export function randomRules(random: Random, family: '4' | '6'): string {
  return Object.entries(hooks)
    .map(([table, chains]) => randomTable(random, table, chains, family))
    .join('');
}

function randomTable(random: Random, table: string, hooksOfTable: string[], family: '4' | '6'): string {
  const own = ['in', 'out'].flatMap((side) =>
    [1, 2, 3].map((number) => ({ side, name: `${side.toUpperCase()}-${number}` })),
  );
  const lines = [`*${table}`];
  for (const hook of hooksOfTable)
    lines.push(`:${hook} ${table !== 'nat' && random() < 0.08 ? 'DROP' : 'ACCEPT'} [0:0]`);
  for (const { name } of own) lines.push(`:${name} - [0:0]`);
  const add = (chain: string, side: string, level: number, count: number) => {
    // A chain leads only to chains of a higher number: the kernel refuses circles.
    const onward = own.filter((each) => each.side === side && Number(each.name.slice(-1)) > level);
    for (let made = 0; made < count; made++) {
      const matches = randomMatches(random, table, side, family);
      const target = randomTarget(
        random,
        { table, side, family, base: level === 0 },
        onward.map(({ name }) => name),
      );
      lines.push(`-A ${chain}${matches} ${fitting(matches, target)}`);
    }
  };
  for (const hook of hooksOfTable) add(hook, sides[hook]!, 0, 1 + Math.floor(random() * 4));
  for (const { side, name } of own) add(name, side, Number(name.slice(-1)), Math.floor(random() * 4));
  return `${[...lines, 'COMMIT'].join('\n')}\n`;
}

/** `! -o +` matches nothing, but iptables-legacy-save leaves it out of its text: what the kernel has, nobody can read. */
function fittingNegation(match: string): string {
  return match.endsWith(' +') ? match.replace('! ', '') : match;
}

/** A target that brings its own protocol must not contradict the rule's. */
function fitting(matches: string, target: string): string {
  if (!target.startsWith('-p ')) return target;
  if (/ ! -p | -p (ipv6-)?icmp/.test(matches)) return '-j REDIRECT';
  return / -p /.test(matches) ? target.replace(/^-p \w+ /, '') : target;
}

const networks = {
  '4': [
    '10.77.0.2/32',
    '127.0.0.1/32',
    '10.0.0.0/8',
    '127.0.0.0/8',
    '93.184.0.0/255.255.0.0',
    '127.0.0.6/32',
    '10.0.0.9/255.0.0.255',
  ],
  '6': ['fd77::2/128', '::1/128', 'fd00::/8', '2001:db8::/32', '2001:db8::7/ffff:ffff::ffff'],
};

const ports = ['80', '53', '15006', '1000:9000', '15001:15053', '8080:', ':80'];
const marks = ['0x539', '0x1/0x1', '0x0/0x2', '0x111/0xfff', '0x0'];

function randomMatches(random: Random, table: string, side: string, family: '4' | '6'): string {
  const not = () => (random() < 0.35 ? '! ' : '');
  const icmp = family === '4' ? 'icmp' : 'ipv6-icmp';
  const words: string[] = [];
  const maybe = (chance: number, make: () => string) => {
    if (random() < chance) words.push(make());
  };
  maybe(0.2, () => `${not()}-s ${pick(random, networks[family])}`);
  maybe(0.2, () => `${not()}-d ${pick(random, networks[family])}`);
  const flag = side === 'in' ? '-i' : '-o';
  maybe(0.15, () => fittingNegation(`${not()}${flag} ${pick(random, ['lo', 'eth0', 'e+', '+', 'lo+'])}`));
  if (random() < 0.45) words.push(...randomProtocol(random, not));
  else maybe(0.1, () => `! -p ${pick(random, ['tcp', 'udp', icmp])}`);
  if (side === 'out') {
    maybe(0.15, () => `-m owner ${not()}--uid-owner ${pick(random, ['0', '1337', '1000', '1000-2000'])}`);
    maybe(0.1, () => `-m owner ${not()}--gid-owner ${pick(random, ['0', '1337', '1000'])}`);
    maybe(0.05, () => `-m owner ${not()}--socket-exists`);
  }
  maybe(0.12, () => `-m mark ${not()}--mark ${pick(random, marks)}`);
  maybe(0.1, () => `-m connmark ${not()}--mark ${pick(random, marks)}`);
  maybe(
    0.1,
    () =>
      `-m conntrack ${not()}--ctstate ${pick(random, ['NEW', 'INVALID', 'RELATED,ESTABLISHED', 'NEW,ESTABLISHED', 'UNTRACKED', 'DNAT', 'INVALID,UNTRACKED'])}`,
  );
  maybe(0.03, () => `-m state ${not()}--state ${pick(random, ['NEW', 'INVALID', 'ESTABLISHED'])}`);
  maybe(0.04, () => `-m conntrack ${not()}--ctorigdstport ${pick(random, ['80', '53'])}`);
  if (table !== 'raw') maybe(0.08, () => `-m addrtype ${not()}--dst-type ${pick(random, ['LOCAL', 'UNICAST'])}`);
  const set = (name: string) => `${name}${family}`;
  const sideOf = () => pick(random, ['src', 'dst']);
  maybe(0.05, () => `-m set ${not()}--match-set ${set(pick(random, ['hosts', 'nets', 'list', 'ports']))} ${sideOf()}`);
  maybe(0.04, () => `-m set ${not()}--match-set ${set(pick(random, ['pairs', 'netports']))} ${sideOf()},${sideOf()}`);
  if (side === 'in' && table !== 'nat') maybe(0.02, () => `-m set ${not()}--match-set ${set('nics')} ${sideOf()},src`);
  const range = family === '4' ? '10.0.0.1-10.80.0.0' : 'fd00::1-fd80::1';
  maybe(0.05, () => `-m iprange ${not()}--${sideOf()}-range ${range}`);
  maybe(0.03, () => `-m pkttype ${not()}--pkt-type ${pick(random, ['unicast', 'multicast'])}`);
  maybe(0.04, () => `-m conntrack ${not()}--ctstatus ${pick(random, ['NONE', 'CONFIRMED', 'SEEN_REPLY,ASSURED'])}`);
  maybe(0.03, () => `-m conntrack --ctdir ${pick(random, ['ORIGINAL', 'REPLY'])}`);
  if (!words.some((word) => /-p /.test(word)))
    maybe(0.03, () => `-p ${icmp} -m ${family === '4' ? 'icmp --icmp-type 8' : 'icmp6 --icmpv6-type 128'}`);
  maybe(0.05, () => '-m comment --comment "by chance"');
  // One module has several options: a listing does not show whether it was one or two.
  return words
    .map((word) => ` ${word}`)
    .join('')
    .replace(
      /( -m conntrack .*?)(?= -m (?!conntrack)|$)/g,
      (part) => ' -m conntrack' + part.replaceAll(' -m conntrack', ''),
    );
}

function randomProtocol(random: Random, not: () => string): string[] {
  const protocol = pick(random, ['tcp', 'tcp', 'udp']);
  const found = [`-p ${protocol}`];
  const chance = random();
  if (chance < 0.4) found.push(`-m ${protocol} ${not()}--dport ${pick(random, ports)}`);
  else if (chance < 0.5) found.push(`-m ${protocol} ${not()}--sport ${pick(random, ['40000', '1024:50000'])}`);
  else if (chance < 0.7)
    found.push(`-m multiport ${not()}--${pick(random, ['dports', 'ports', 'sports'])} 53,80,15000:15010,33000:34000`);
  else if (chance < 0.75 && protocol === 'tcp') found.push(`-m tcp ${not()}--syn`);
  return found;
}

function randomTarget(
  random: Random,
  { table, side, family, base }: { table: string; side: string; family: '4' | '6'; base: boolean },
  onward: string[],
): string {
  const chance = random();
  if (onward.length && chance < 0.4) return `${random() < 0.75 ? '-j' : '-g'} ${pick(random, onward)}`;
  if (chance < 0.55) return '-j RETURN';
  if (chance < 0.62) return '-j ACCEPT';
  if (chance < 0.66) return '';
  if (table === 'nat') return randomNat(random, family);
  if (chance < 0.69 && !base) return '-j DROP';
  if (table === 'raw') return pick(random, ['-j CT --notrack', '-j CT --zone 1', '-j LOG']);
  if (table === 'filter') return chance > 0.97 ? '-j REJECT' : '-j LOG';
  if (side === 'in' && chance > 0.97) return '';
  return pick(random, [
    '-j MARK --set-mark 0x539',
    '-j MARK --set-xmark 0x111/0xfff',
    '-j MARK --or-mark 0x1',
    '-j MARK --and-mark 0xfffffffe',
    '-j MARK --xor-mark 0x3',
    '-j CONNMARK --set-xmark 0x111/0xfff',
    '-j CONNMARK --save-mark',
    '-j CONNMARK --restore-mark',
    '-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff',
    '-j CONNMARK --restore-mark --nfmask 0xfff --ctmask 0xff0',
  ]);
}

function randomNat(random: Random, family: '4' | '6'): string {
  const own = family === '4' ? '10.77.0.2:8080' : '[fd77::2]:8080';
  const other = family === '4' ? '93.184.1.1:81' : '[2001:db8::81]:81';
  const network = family === '4' ? '10.0.0.0/8' : 'fd00::/8';
  const protocol = pick(random, ['tcp', 'udp']);
  return pick(random, [
    '-p tcp -j REDIRECT --to-ports 15001',
    '-p tcp -j REDIRECT --to-ports 15006',
    `-p ${protocol} -j REDIRECT --to-ports 15053`,
    '-j REDIRECT',
    `-j NETMAP --to ${network}`,
    `-p ${protocol} -j DNAT --to-destination ${own}`,
    `-p ${protocol} -j DNAT --to-destination ${other}`,
  ]);
}

/** What a test sends: every field that the kernel would otherwise choose is there. */
export interface SentPacket {
  direction: 'out' | 'in';
  protocol: 'tcp' | 'udp';
  src: string;
  dst: string;
  sport: number;
  dport: number;
  uid?: number;
  gid?: number;
  mark?: number;
  iface: string;
  ctstate?: 'NEW' | 'INVALID' | 'ESTABLISHED';
}

export const ownAddresses = { '4': '10.77.0.2', '6': 'fd77::2' };
const loopback = { '4': '127.0.0.1', '6': '::1' };
const elsewhere = { '4': ['93.184.1.9', '10.0.0.9', '192.168.0.1'], '6': ['2001:db8::9', 'fd99::7'] };
const peers = { '4': ['10.77.0.1', '169.254.7.127', '10.9.9.9'], '6': ['fd77::1', '2001:db8::7'] };

export function randomPacket(random: Random, family: '4' | '6', sport: number): SentPacket {
  const protocol = random() < 0.75 ? 'tcp' : 'udp';
  const dport = pick(random, [80, 53, 8080, 9080, 22, 15001, 15006, 15008, 15020, 15021, 15053, 15090, 443, 2222]);
  const state =
    protocol === 'udp'
      ? pick(random, ['NEW', 'NEW', 'ESTABLISHED'] as const)
      : pick(random, ['NEW', 'NEW', 'NEW', 'NEW', 'INVALID', 'ESTABLISHED'] as const);
  const own = ownAddresses[family];
  const common = { protocol, sport, dport, ctstate: state } as const;
  if (random() < 0.3)
    return {
      ...common,
      direction: 'in',
      src: pick(random, peers[family]),
      dst: random() < 0.85 ? own : pick(random, elsewhere[family]),
      iface: 'eth1',
    };
  const dst = pick(random, [own, loopback[family], ...elsewhere[family]]);
  const local = dst === own || dst === loopback[family];
  const packet: SentPacket = {
    ...common,
    direction: 'out',
    src: local ? pick(random, family === '4' ? [dst, dst, '127.0.0.6', own] : [dst, own]) : own,
    dst,
    iface: local ? 'lo' : 'eth0',
    uid: pick(random, [0, 1337, 1000, 1500]),
    gid: pick(random, [0, 1337, 1000]),
  };
  if (random() < 0.25) packet.mark = pick(random, [0x539, 0x53a, 0x111, 1]);
  return packet;
}

/** `ipset restore` for the sets that rules by chance name. */
export function randomIpsets(family: '4' | '6'): string {
  const inet = family === '4' ? 'inet' : 'inet6';
  const [own, other, net, exception] =
    family === '4'
      ? ['10.77.0.2', '93.184.1.9', '10.0.0.0/8', '10.77.0.0/24']
      : ['fd77::2', '2001:db8::9', 'fd00::/8', 'fd77::/64'];
  return [
    `create hosts${family} hash:ip family ${inet}`,
    `add hosts${family} ${own}`,
    `add hosts${family} ${other}`,
    `create nets${family} hash:net family ${inet}`,
    `add nets${family} ${net}`,
    `add nets${family} ${exception} nomatch`,
    `create pairs${family} hash:ip,port family ${inet}`,
    `add pairs${family} ${own},tcp:80`,
    `add pairs${family} ${own},udp:53`,
    `add pairs${family} ${other},tcp:443`,
    `create netports${family} hash:net,port family ${inet}`,
    `add netports${family} ${net},tcp:8080-9100`,
    `create nics${family} hash:net,iface family ${inet}`,
    `add nics${family} ${net},lo`,
    `add nics${family} ${net},eth1`,
    `create ports${family} bitmap:port range 0-65535`,
    `add ports${family} 53`,
    `add ports${family} 15000-15100`,
    `create list${family} list:set`,
    `add list${family} hosts${family}`,
    `add list${family} nets${family}`,
    '',
  ].join('\n');
}
