import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRules } from '../../mesh/interception/parse-rules.ts';
import { printRules } from '../../mesh/interception/print-rules.ts';
import { tracePacket } from '../../mesh/interception/trace-packet.ts';
import type { Ruleset } from '../../mesh/interception/ruleset.ts';
import { ownAddresses, randomPacket, randomRules, seeded } from './random-rules.ts';
import type { SentPacket } from './random-rules.ts';

/**
 * The kernel is the judge: rules are programmed with the real iptables, packets are really sent, and what we say of each has
 * to be what the counters of the rules and the hook before the socket saw. `MESHLOOM_TRACE_SEEDS=1-1000` looks longer.
 */
const tools = [
  'ip',
  'nft',
  'python3',
  'conntrack',
  'iptables-nft-restore',
  'iptables-legacy-restore',
  'ip6tables-nft-restore',
];
const why = reasonToSkip();
if (why !== undefined) console.warn(`packets through real network namespaces are skipped: ${why}`);

const fixtures = join(import.meta.dirname, '../../mesh/interception/fixtures');
const id = `meshloom-trace-${process.pid}`;
const pod = `${id}-pod`;
const peer = `${id}-peer`;
let sender: ChildProcessWithoutNullStreams;
let answers: AsyncIterator<string>;
let sport = 33000;

describe.skipIf(why !== undefined)('packets through rules in a real network namespace', () => {
  beforeAll(() => {
    openNamespaces();
    sender = spawn('ip', [
      ...['netns', 'exec', pod, 'python3', join(import.meta.dirname, 'send-packets.py')],
      ...[`/run/netns/${peer}`, `/run/netns/${pod}`],
    ]);
    sender.stderr.on('data', (data: Buffer) => process.stderr.write(data));
    answers = createInterface(sender.stdout)[Symbol.asyncIterator]();
  });

  afterAll(() => {
    sender?.kill();
    closeNamespaces();
  });

  const ruleSets = readdirSync(fixtures).filter((name) =>
    /^(with-cni|before-cni).*\.v4\.save$|^istio-init|^sidecar|^cni-sidecar/.test(name),
  );

  for (const backend of ['iptables-nft', 'iptables-legacy']) {
    it.each(ruleSets)(`${backend}: %s takes packets where the trace says`, async (name) => {
      const random = seeded(name.length + backend.length);
      program(backend, printRules(parseRules(readFileSync(join(fixtures, name), 'utf8'))));
      await compare(
        backend,
        Array.from({ length: 15 }, () => randomPacket(random, '4', ++sport)),
      );
    });

    it.each(Object.entries(written))(`${backend}: %s takes packets where the trace says`, async (name, rules) => {
      const random = seeded(name.length + backend.length);
      program(backend, rules);
      await compare(
        backend,
        Array.from({ length: 15 }, () => randomPacket(random, '4', ++sport)),
      );
    });

    it.each(['4', '6'] as const)(
      `${backend}: rules by chance take packets where the trace says, IPv%s`,
      async (family) => {
        const tool = family === '6' ? backend.replace('ip', 'ip6') : backend;
        const [from = 1, to = from] = (process.env['MESHLOOM_TRACE_SEEDS'] ?? '1-12').split('-').map(Number);
        for (let seed = from; seed <= to; seed++) {
          const random = seeded(seed * 7919 + Number(family));
          program(tool, randomRules(random, family));
          await compare(
            tool,
            Array.from({ length: 12 }, () => randomPacket(random, family, ++sport)),
            `seed ${seed}`,
          );
        }
      },
      600_000,
    );
  }
});

interface Answer {
  rules: [string, string][];
  error: string | null;
  /** Destination, port and mark before the socket, or on the way out. */
  input: [string, number, number] | null;
  sent: [string, number, number] | null;
}

async function compare(backend: string, packets: SentPacket[], note = ''): Promise<void> {
  const save = `${backend}-save`;
  const ruleset = parseRules(inside(save));
  expect(ruleset.warnings).toEqual([]);
  const family = backend.startsWith('ip6') ? '6' : '4';
  const zones = printRules(ruleset).includes('--zone') ? [0, 1, 2] : [0];
  for (const [at, packet] of packets.entries()) {
    let outcome = await judgeOne({ save, packet, fresh: at === 0, zones }, ruleset, ownAddresses[family]);
    // The kernel itself speaks IPv6 now and then, and its packets count as ours: what is a fault stays one.
    for (let again = 0; again < 2 && !isDeepStrictEqual(outcome.ours, outcome.theirs); again++) {
      const renewed = { ...packet, sport: ++sport };
      outcome = await judgeOne({ save, packet: renewed, fresh: true, zones }, ruleset, ownAddresses[family]);
    }
    expect(outcome.ours, [note, JSON.stringify(packet), printRules(ruleset)].join('\n')).toEqual(outcome.theirs);
  }
}

interface Job {
  save: string;
  packet: SentPacket;
  /** Read the counters before: the rules are new. */
  fresh: boolean;
  /** Zones in which an established connection has to be known. */
  zones: number[];
}

async function judgeOne(job: Job, ruleset: Ruleset, own: string) {
  const seen = await ask(job);
  const traced = tracePacket(ruleset, { ...job.packet, localIps: [own] });
  const rules = traced.path.map(({ table, text }) => `${table} ${text}`).sort();
  // REJECT answers the sender, and the answer counts as well.
  if (traced.path.at(-1)?.target === 'REJECT')
    seen.rules = traced.path
      .filter(({ table, text }) => seen.rules.some(([at, rule]) => at === table && rule === text))
      .map(({ table, text }) => [table, text]);
  return {
    ours: { verdict: traced.verdict, port: traced.port, rules },
    theirs: { ...verdictOf(seen), rules: seen.rules.map((words) => words.join(' ')).sort() },
  };
}

/** What the kernel did, from where the packet came out and which rules counted. */
function verdictOf({ rules, input, sent }: Answer): { verdict: string; port?: number | undefined } {
  const landed = input ?? sent;
  if (!landed) return { verdict: 'DROP', port: undefined };
  const tproxy = rules.find(([, rule]) => rule.includes('-j TPROXY'));
  if (tproxy && input) return { verdict: 'TPROXY', port: Number(/--on-port (\d+)/.exec(tproxy[1])?.[1]) };
  const moved = rules.some(([table, rule]) => table === 'nat' && /-j (REDIRECT|DNAT)/.test(rule));
  if (moved && input) return { verdict: 'REDIRECT', port: landed[1] };
  return { verdict: 'PASS', port: undefined };
}

async function ask(job: Job): Promise<Answer> {
  sender.stdin.write(`${JSON.stringify(job)}\n`);
  const { value, done } = (await answers.next()) as { value: string; done?: boolean };
  if (done) throw new Error('The sender of packets ended early.');
  return JSON.parse(value) as Answer;
}

function program(backend: string, rules: string): void {
  for (const other of ['iptables-nft', 'iptables-legacy', 'ip6tables-nft', 'ip6tables-legacy'])
    if (other !== backend) restore(other, emptyTables);
  restore(backend, emptyTables + rules);
  // As Istio adds them beside its rules for TPROXY and for ambient: every address is local to a packet with that mark.
  for (const family of ['-4', '-6'])
    spawnSync('ip', ['-n', pod, family, 'rule', 'del', 'pref', '100'], { stdio: 'ignore' });
  const mark = / TPROXY /.test(rules) ? '0x539' : / ISTIO_PRERT /.test(rules) ? '0x111/0xfff' : undefined;
  if (mark !== undefined)
    for (const family of ['-4', '-6'])
      execFileSync('ip', ['-n', pod, family, 'rule', 'add', 'pref', '100', 'fwmark', mark, 'lookup', '133']);
  // Connections of an earlier rule set must not answer for this one.
  inside('conntrack', '-F');
}

function restore(backend: string, rules: string): void {
  execFileSync('ip', ['netns', 'exec', pod, `${backend}-restore`], { input: rules, stdio: ['pipe', 'ignore', 'pipe'] });
}

function inside(...command: string[]): string {
  return execFileSync('ip', ['netns', 'exec', pod, ...command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

const emptyTables = ['raw', 'mangle', 'nat', 'filter'].map((table) => `*${table}\nCOMMIT\n`).join('');

function openNamespaces(): void {
  const ip = (...args: string[]) => execFileSync('ip', args, { encoding: 'utf8' });
  ip('netns', 'add', pod);
  ip('netns', 'add', peer);
  // What comes in has its own interface: forwarded back where it came from, the kernel would send an ICMP redirect.
  for (const device of ['eth0', 'eth1'])
    ip('-n', pod, 'link', 'add', device, 'type', 'veth', 'peer', 'name', device, 'netns', peer);
  const ends = [
    { name: pod, four: '10.77.0.2', six: 'fd77::2' },
    { name: peer, four: '10.77.0.1', six: 'fd77::1' },
  ];
  for (const { name, four, six } of ends) {
    ip('-n', name, 'link', 'set', 'lo', 'up');
    for (const device of ['eth0', 'eth1']) {
      ip('-n', name, 'link', 'set', device, 'up');
      ip('-n', name, 'addr', 'add', `${four}/32`, 'dev', device);
      ip('-n', name, 'addr', 'add', `${six}/128`, 'dev', device, 'nodad');
    }
  }
  ends.forEach(({ name }, at) => {
    const other = ends[1 - at]!;
    const back = name === pod ? 'eth0' : 'eth1';
    const link = JSON.parse(ip('-n', other.name, '-j', 'link', 'show', back)) as { address: string }[];
    for (const address of [other.four, other.six])
      ip('-n', name, 'neigh', 'replace', address, 'lladdr', link[0]!.address, 'dev', back);
    ip('-n', name, 'route', 'add', 'default', 'via', other.four, 'dev', back, 'onlink');
    ip('-n', name, '-6', 'route', 'add', 'default', 'via', other.six, 'dev', back, 'onlink');
  });
  for (const all of ['0.0.0.0/0', '::/0']) ip('-n', pod, 'route', 'add', 'local', all, 'dev', 'lo', 'table', '133');
  inside('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', 'net.ipv4.conf.all.rp_filter=0');
  execFileSync('ip', ['netns', 'exec', pod, 'nft', '-f', '-'], { input: judge });
}

function closeNamespaces(): void {
  for (const name of [pod, peer]) spawnSync('ip', ['netns', 'del', name]);
}

function reasonToSkip(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (process.getuid?.() !== 0) return 'this needs root';
  const missing = tools.find((tool) => spawnSync(tool, ['--version']).error !== undefined);
  if (missing !== undefined) return `${missing} is not installed`;
  const name = `meshloom-probe-trace-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
  if (made.status !== 0) return `no network namespace can be made here: ${made.stderr.trim()}`;
  const programmed = spawnSync('ip', ['netns', 'exec', name, 'iptables-legacy-restore'], {
    input: '*nat\nCOMMIT\n',
    encoding: 'utf8',
  });
  spawnSync('ip', ['netns', 'del', name]);
  return programmed.status === 0 ? undefined : `this kernel has no iptables-legacy: ${programmed.stderr.trim()}`;
}

/**
 * After all other hooks: remembers where a packet has come, and ends it there, so that no answer is counted as well.
 * `ct state` turns connection tracking on, without which the kernel asks no nat table, whatever the rules are.
 */
const judge = `table inet judge {
  set input4 { type ipv4_addr . inet_service . mark; flags dynamic; size 100; }
  set input6 { type ipv6_addr . inet_service . mark; flags dynamic; size 100; }
  set sent4 { type ipv4_addr . inet_service . mark; flags dynamic; size 100; }
  set sent6 { type ipv6_addr . inet_service . mark; flags dynamic; size 100; }
  chain input {
    type filter hook input priority 300;
    ct state new
    meta l4proto { tcp, udp } update @input4 { ip daddr . th dport . meta mark }
    meta l4proto { tcp, udp } update @input6 { ip6 daddr . th dport . meta mark }
    drop
  }
  chain postrouting {
    type filter hook postrouting priority 300;
    oifname "lo" accept
    meta l4proto { tcp, udp } update @sent4 { ip daddr . th dport . meta mark }
    meta l4proto { tcp, udp } update @sent6 { ip6 daddr . th dport . meta mark }
    drop
  }
}
`;

/** Shapes that no fixture has. */
const written: Record<string, string> = {
  'ambient with DNS': `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A OUTPUT -p udp -m mark --mark 0x539/0xfff -m udp --dport 53 -j CT --zone 1
-A PREROUTING -p udp -m mark ! --mark 0x539/0xfff -m udp --sport 53 -j CT --zone 1
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_PRERT - [0:0]
-A PREROUTING -j ISTIO_PRERT
-A OUTPUT -j ISTIO_OUTPUT
-A ISTIO_OUTPUT -m connmark --mark 0x111/0xfff -j CONNMARK --restore-mark
-A ISTIO_PRERT -m mark --mark 0x539/0xfff -j CONNMARK --set-xmark 0x111/0xfff
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_PRERT - [0:0]
-A PREROUTING -j ISTIO_PRERT
-A OUTPUT -j ISTIO_OUTPUT
-A ISTIO_OUTPUT -d 169.254.7.127/32 -p tcp -m tcp -j ACCEPT
-A ISTIO_OUTPUT ! -o lo -p udp -m mark ! --mark 0x539/0xfff -m udp --dport 53 -j REDIRECT --to-ports 15053
-A ISTIO_OUTPUT -p tcp -m mark --mark 0x111/0xfff -j ACCEPT
-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -j ACCEPT
-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -p tcp -m mark ! --mark 0x539/0xfff -j REDIRECT --to-ports 15001
-A ISTIO_PRERT -s 169.254.7.127/32 -p tcp -m tcp -j ACCEPT
-A ISTIO_PRERT ! -d 127.0.0.1/32 -p tcp -m tcp ! --dport 15008 -m mark ! --mark 0x539/0xfff -j REDIRECT --to-ports 15006
COMMIT
`,
  'a sidecar that drops INVALID packets': `*mangle
:PREROUTING ACCEPT [0:0]
:ISTIO_DROP - [0:0]
:ISTIO_INBOUND - [0:0]
-A PREROUTING -p tcp -j ISTIO_INBOUND
-A PREROUTING -m conntrack --ctstate INVALID -j ISTIO_DROP
-A ISTIO_DROP -j DROP
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -j REDIRECT --to-ports 15006
COMMIT
`,
};
