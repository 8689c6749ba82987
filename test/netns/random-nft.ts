/** Rules of native nftables by chance: tables of three families, priorities, sets, maps, marks and jumps. */
import { pick } from './random-rules.ts';

type Random = () => number;

interface Base {
  type: 'filter' | 'nat' | 'route';
  hook: string;
  /** A name with an offset, or a number. */
  priority: string;
}

const bases: Base[] = [
  { type: 'filter', hook: 'prerouting', priority: 'raw' },
  { type: 'filter', hook: 'prerouting', priority: 'mangle' },
  { type: 'filter', hook: 'prerouting', priority: 'dstnat - 10' },
  { type: 'filter', hook: 'prerouting', priority: 'dstnat + 7' },
  { type: 'nat', hook: 'prerouting', priority: 'dstnat' },
  { type: 'nat', hook: 'prerouting', priority: '-90' },
  { type: 'filter', hook: 'input', priority: 'filter' },
  { type: 'filter', hook: 'input', priority: '-5' },
  { type: 'filter', hook: 'output', priority: 'raw' },
  { type: 'route', hook: 'output', priority: 'mangle' },
  { type: 'filter', hook: 'output', priority: '-110' },
  { type: 'nat', hook: 'output', priority: '-100' },
  { type: 'nat', hook: 'output', priority: '-105' },
  { type: 'filter', hook: 'output', priority: 'filter' },
  { type: 'filter', hook: 'output', priority: 'security' },
  { type: 'filter', hook: 'forward', priority: 'filter' },
  { type: 'filter', hook: 'postrouting', priority: 'mangle' },
];

interface Side {
  family: 'ip' | 'ip6' | 'inet';
  type: Base['type'];
  /** The packet leaves from here: it has an owner and an outgoing interface. */
  out: boolean;
  raw: boolean;
}

/** A text for `nft -f`: two or three tables with base chains, each with chains of its own to jump to. */
export function randomNft(random: Random, version: '4' | '6'): string {
  const own = version === '4' ? 'ip' : 'ip6';
  const families = [pick(random, ['inet', own] as const), pick(random, ['inet', own] as const), 'inet' as const];
  return families
    .slice(0, 1 + Math.floor(random() * 3))
    .map((family, at) => randomTable(random, `t${at}`, family))
    .join('\n');
}

function randomTable(random: Random, name: string, family: Side['family']): string {
  const lines = [`table ${family} ${name} {`, ...sets(random, family)];
  const chosen = bases.filter(() => random() < 0.35);
  // A chain may be called from one hook only: what fits there differs.
  chosen.forEach((base, at) => {
    const side: Side = {
      family,
      type: base.type,
      out: base.hook === 'output' || base.hook === 'postrouting',
      raw: base.priority === 'raw',
    };
    const names = [1, 2, 3].map((number) => `c${at}-${number}`);
    names.toReversed().forEach((chain, back) => {
      lines.push(chainOf(random, chain, side, names.slice(names.length - back)));
    });
    const policy = base.type !== 'nat' && random() < 0.06 ? 'drop' : 'accept';
    const heading = `type ${base.type} hook ${base.hook} priority ${base.priority}; policy ${policy};`;
    lines.push(chainOf(random, `base${at}`, side, names, heading));
  });
  return [...lines, '}', ''].join('\n');
}

function chainOf(random: Random, name: string, side: Side, onward: string[], heading?: string): string {
  const count = Math.floor(random() * 4) + (heading ? 1 : 0);
  const rules = Array.from({ length: count }, () => `    ${randomRule(random, side, onward, heading !== undefined)}`);
  return [`  chain ${name} {`, ...(heading ? [`    ${heading}`] : []), ...rules, '  }'].join('\n');
}

const networks = {
  ip: ['10.77.0.2', '127.0.0.1', '10.0.0.0/8', '127.0.0.0/8', '93.184.0.0/16', '10.0.0.1-10.80.0.0'],
  ip6: ['fd77::2', '::1', 'fd00::/8', '2001:db8::/32', 'fd77::1-fd99::1'],
};

function sets(random: Random, family: Side['family']): string[] {
  const version = family === 'ip6' ? 'ip6' : 'ip';
  const type = version === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const plain = networks[version].filter((network) => !/[/-]/.test(network));
  const wide = version === 'ip' ? ['10.0.0.0/8', '93.184.0.0-93.184.9.9'] : ['fd00::/8', '2001:db8::/48'];
  return [
    `  set hosts { type ${type}; elements = { ${plain.join(', ')} } }`,
    `  set nets { type ${type}; flags interval; elements = { ${wide.join(', ')} } }`,
    `  set some-ports { type inet_service; flags interval; elements = { 53, 80-90, 15000-15010 } }`,
    `  set pairs { type ${type} . inet_service; elements = { ${plain.map((host) => `${host} . ${pick(random, [80, 53, 8080, 15006])}`).join(', ')} } }`,
    `  set spans { type ${type} . inet_service; flags interval; elements = { ${wide[0]} . 1-100, ${plain[0]} . 9000-9100 } }`,
    `  map by-port { type inet_service : verdict; elements = { 80 : accept, 22 : drop, 443 : return, 15090 : continue } }`,
    `  map by-mark { type mark : verdict; elements = { 0x539 : return, 0x1 : accept } }`,
    `  map by-mark-all { type mark : verdict; elements = { 0x539 : return, * : continue } }`,
    `  map services { type ${type} . inet_proto . inet_service : verdict; elements = { ${plain[0]} . tcp . 80 : return, ${plain[1]} . udp . 53 : accept } }`,
  ];
}

function randomRule(random: Random, side: Side, onward: string[], base: boolean): string {
  const matches = randomMatches(random, side);
  const parts = [...matches, ...(random() < 0.1 ? [randomChange(random)] : [])];
  return [...parts, counted(randomVerdict(random, side, onward, base))].filter(Boolean).join(' ');
}

/** The counter stands behind all that may fail: what counts has matched. A verdict map is told by where it leads. */
function counted(verdict: string): string {
  if (/ v?map /.test(verdict)) return verdict;
  if (/ set /.test(verdict) || verdict === 'notrack') return `${verdict} counter`;
  const [, condition = '', action = ''] = /^(meta l4proto (?:\{[^}]*\}|\S+) )?(.*)$/.exec(verdict) ?? [];
  return `${condition}counter ${action}`.trim();
}

function randomMatches(random: Random, side: Side): string[] {
  const found: string[] = [];
  const maybe = (chance: number, make: () => string) => {
    if (random() < chance) found.push(make());
  };
  const not = () => (random() < 0.35 ? '!= ' : '');
  const ip = side.family === 'inet' ? pick(random, ['ip', 'ip6'] as const) : side.family;
  const ownSets = side.family === 'ip6' ? ip === 'ip6' : ip === 'ip';
  maybe(0.15, () => `${ip} saddr ${not()}${pick(random, networks[ip])}`);
  maybe(0.2, () => `${ip} daddr ${not()}${pick(random, networks[ip])}`);
  maybe(0.08, () => `${ip} daddr ${not()}{ ${networks[ip].slice(0, 2).join(', ')} }`);
  maybe(0.05, () => `${ip} saddr & ${ip === 'ip' ? '255.0.0.255 == 10.0.0.2' : 'ffff::ffff == fd77::2'}`);
  if (ownSets) {
    maybe(0.06, () => `${ip} daddr ${not()}@hosts`);
    maybe(0.06, () => `${ip} daddr ${not()}@nets`);
    maybe(0.05, () => `${ip} daddr . tcp dport ${not()}@pairs`);
    maybe(0.05, () => `${ip} daddr . th dport ${not()}@spans`);
  }
  maybe(0.06, () => `meta nfproto ${not()}${pick(random, ['ipv4', 'ipv6'])}`);
  maybe(0.15, () => `meta l4proto ${not()}${pick(random, ['tcp', 'udp', '{ tcp, udp }', 'icmp'])}`);
  maybe(
    0.2,
    () =>
      `${pick(random, ['tcp', 'udp', 'th'])} dport ${not()}${pick(random, ['80', '53', '15006', '1000-9000', '{ 22, 53, 15000-15100 }', '@some-ports'])}`,
  );
  maybe(0.05, () => `tcp sport ${not()}33000-50000`);
  maybe(
    0.05,
    () =>
      `tcp flags ${pick(random, ['syn', '!= syn', '& (fin | syn | rst | ack) == syn', '& (syn | ack) != syn', '{ syn, ack }'])}`,
  );
  maybe(0.08, () => `iifname ${not()}${pick(random, ['"lo"', '"eth*"', '{ "lo", "eth1" }'])}`);
  if (side.out) {
    maybe(0.1, () => `oifname ${not()}${pick(random, ['"lo"', '"eth*"', '{ "lo", "eth0" }'])}`);
  }
  maybe(0.15, () => `meta skuid ${not()}${pick(random, ['0', '1337', '1000-2000', '{ 1000, 1337 }'])}`);
  maybe(0.08, () => `meta skgid ${not()}${pick(random, ['0', '1337', '{ 1000, 1337 }'])}`);
  maybe(
    0.12,
    () =>
      `meta mark ${pick(random, ['0x539', '!= 0x539', '& 0xfff == 0x111', 'and 0x1 != 0x1', '{ 0x1, 0x539 }', '> 0x100'])}`,
  );
  maybe(
    0.1,
    () =>
      `ct state ${pick(random, ['new', 'established,related', '!= new', '{ new, untracked }', 'invalid', 'untracked', '!= { established, new }', '! new'])}`,
  );
  maybe(0.07, () => `ct mark ${pick(random, ['0x0', '!= 0x0', '& 0xff == 0x1', '0x1-0x600'])}`);
  maybe(0.05, () => `ct status ${pick(random, ['dnat', '!= dnat', 'confirmed', '& dnat == dnat', 'snat,dnat'])}`);
  maybe(0.03, () => `ct direction ${pick(random, ['original', 'reply'])}`);
  if (!side.raw)
    maybe(0.06, () => `fib daddr type ${not()}${pick(random, ['local', '{ local, unicast }', 'unicast'])}`);
  return found;
}

function randomChange(random: Random): string {
  return pick(random, [
    'meta mark set 0x539',
    'meta mark set 0x1',
    'meta mark set meta mark | 0x111',
    'meta mark set meta mark & 0xfffffffe',
    'meta mark set meta mark ^ 0x3',
    'meta mark set meta mark and 0xfffff000 or 0x111',
    'meta mark set ct mark',
    'meta mark set ct mark and 0xfff',
    'ct mark set 0x111',
    'ct mark set meta mark',
    'ct mark set ct mark or 0x1',
  ]);
}

function randomVerdict(random: Random, side: Side, onward: string[], base: boolean): string {
  const chance = random();
  if (onward.length && chance < 0.35) return `${random() < 0.75 ? 'jump' : 'goto'} ${pick(random, onward)}`;
  if (chance < 0.45) return 'return';
  if (chance < 0.52) return 'accept';
  if (chance < 0.6) return '';
  if (chance < 0.68) return verdictMap(random, side, onward);
  if (side.type === 'nat') return randomNat(random, side);
  if (side.raw && chance < 0.8) return pick(random, ['notrack', 'ct zone set 1', '']);
  if (chance < 0.72 && !base) return 'drop';
  return randomChange(random);
}

function verdictMap(random: Random, side: Side, onward: string[]): string {
  const ip = side.family === 'ip6' ? 'ip6' : 'ip';
  const chain = onward.length ? `jump ${pick(random, onward)}` : 'return';
  return pick(random, [
    'tcp dport vmap @by-port',
    'th dport vmap @by-port',
    'meta mark vmap @by-mark',
    'meta mark vmap @by-mark-all',
    `${ip} daddr . meta l4proto . th dport vmap @services`,
    `ct state vmap { new : ${chain}, established : accept, invalid : return }`,
    `meta l4proto vmap { tcp : ${chain}, udp : return }`,
    `iifname vmap { "lo" : ${chain}, "eth1" : return }`,
    `tcp dport vmap { 1-100 : ${chain}, 15000-16000 : accept }`,
  ]);
}

function randomNat(random: Random, side: Side): string {
  const four = side.family !== 'ip6';
  const ip = side.family === 'inet' ? (random() < 0.5 ? 'ip' : 'ip6') : side.family;
  const own = ip === 'ip' ? '10.77.0.2' : '[fd77::2]';
  const other = ip === 'ip' ? '93.184.1.1' : '[2001:db8::81]';
  const bare = (address: string) => address.replace(/[[\]]/g, '');
  const map = four
    ? 'ip daddr map { 93.184.1.9 : 93.184.1.1, 10.0.0.9 : 10.77.0.2 }'
    : 'ip6 daddr map { 2001:db8::9 : fd77::2 }';
  return pick(random, [
    'meta l4proto tcp redirect to :15001',
    'meta l4proto tcp redirect to :15006',
    'meta l4proto udp redirect to :15053',
    'meta l4proto { tcp, udp } redirect to :15001-15003',
    'redirect',
    `meta l4proto tcp dnat ${ip} to ${own}:8080`,
    `meta l4proto tcp dnat ${ip} to ${other}:81`,
    `dnat ${ip} to ${bare(own)}`,
    `dnat ${four ? 'ip' : 'ip6'} to ${map}`,
  ]);
}
