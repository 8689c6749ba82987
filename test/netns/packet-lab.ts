import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseRules } from '../../mesh/interception/parse-rules.ts';
import { tracePacket } from '../../mesh/interception/trace-packet.ts';
import type { Trace } from '../../mesh/interception/trace-packet.ts';
import type { Ruleset } from '../../mesh/interception/ruleset.ts';
import { ownAddresses } from './random-rules.ts';
import type { SentPacket } from './random-rules.ts';

/**
 * Two network namespaces, a pod and its peer, in which rules are programmed with the real tools and packets are really sent.
 * The kernel is the judge: the counters of the rules, and what came to the hook before the socket.
 */
export class PacketLab {
  readonly pod: string;
  readonly #peer: string;
  readonly #sender: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;
  #sport = 33000;
  /** The rules that stand look into sets of ipset. */
  usesIpsets = false;

  constructor(name: string) {
    this.pod = `${name}-${process.pid}-pod`;
    this.#peer = `${name}-${process.pid}-peer`;
    openNamespaces(this.pod, this.#peer);
    this.#sender = spawn('ip', [
      ...['netns', 'exec', this.pod, 'python3', join(import.meta.dirname, 'send-packets.py')],
      ...[`/run/netns/${this.#peer}`, `/run/netns/${this.pod}`],
    ]);
    this.#sender.stderr.on('data', (data: Buffer) => process.stderr.write(data));
    this.#answers = createInterface(this.#sender.stdout)[Symbol.asyncIterator]();
  }

  close(): void {
    this.#sender.kill();
    for (const name of [this.pod, this.#peer]) spawnSync('ip', ['netns', 'del', name]);
  }

  /** A source port that no connection before had. */
  nextPort(): number {
    return ++this.#sport;
  }

  /** Takes all rules away, those of the judge too, and programs these. `tool`: `iptables-nft`, `ip6tables-legacy`, `nft`. */
  program(tool: string, rules: string, ipsets = ''): void {
    this.clear();
    this.usesIpsets = ipsets !== '';
    if (this.usesIpsets) this.#feed(['ipset', '-exist', 'restore'], ipsets);
    if (tool === 'nft') this.#feed(['nft', '-f', '-'], rules);
    else this.#feed([`${tool}-restore`], rules);
    this.#addPolicyRoutes(rules);
  }

  /** Programs what nft accepts of rules by chance: lines that contradict themselves are left out. */
  programFitting(rules: string, ipsets = ''): void {
    const lines = rules.split('\n');
    for (;;) {
      try {
        return this.program('nft', lines.join('\n'), ipsets);
      } catch (error) {
        const refused = [...String(error).matchAll(/^\/dev\/stdin:(\d+):.*Error/gm)].map(([, line]) => Number(line));
        if (refused.length === 0) throw error;
        for (const line of refused) lines[line - 1] = '';
      }
    }
  }

  clear(): void {
    this.#feed(['nft', '-f', '-'], `flush ruleset\n${judge}`);
    for (const other of ['iptables-legacy', 'ip6tables-legacy']) this.#feed([`${other}-restore`], emptyTables);
    // Connections of an earlier rule set must not answer for this one.
    this.run('conntrack', '-F');
  }

  /** More rules beside those that are there. */
  add(tool: string, rules: string): void {
    this.#feed(tool === 'nft' ? ['nft', '-f', '-'] : [`${tool}-restore`, '--noflush'], rules);
  }

  /** As Istio adds them beside its rules for TPROXY and for ambient: every address is local to a packet with that mark. */
  #addPolicyRoutes(rules: string): void {
    for (const family of ['-4', '-6'])
      spawnSync('ip', ['-n', this.pod, family, 'rule', 'del', 'pref', '100'], { stdio: 'ignore' });
    const mark = / TPROXY | tproxy /.test(rules)
      ? '0x539'
      : / ISTIO_PRERT |istio-prerouting/.test(rules)
        ? '0x111/0xfff'
        : undefined;
    if (mark === undefined) return;
    for (const family of ['-4', '-6'])
      execFileSync('ip', ['-n', this.pod, family, 'rule', 'add', 'pref', '100', 'fwmark', mark, 'lookup', '133']);
  }

  /** What a command in the pod's namespace prints. */
  run(...command: string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.pod, ...command], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  }

  /** The rules as they are now; of `nft` without those of the judge. */
  read(tool: string): string {
    if (tool !== 'nft') return this.run(`${tool}-save`);
    return this.run('nft', 'list', 'ruleset').replace(/^table inet judge \{[^]*?^\}\n/m, '');
  }

  /** The same as JSON, which has other words for everything. */
  readJson(): string {
    const whole = JSON.parse(this.run('nft', '-j', 'list', 'ruleset')) as { nftables: Record<string, object>[] };
    const isJudge = (entry: Record<string, object>) => /"(table|name)":"judge"/.test(JSON.stringify(entry));
    return JSON.stringify({ nftables: whole.nftables.filter((entry) => !isJudge(entry)) });
  }

  #feed(command: string[], input: string): void {
    execFileSync('ip', ['netns', 'exec', this.pod, ...command], { input, stdio: ['pipe', 'ignore', 'pipe'] });
  }

  /** Sends one packet, and says what we and what the kernel make of it. */
  async judge(job: Omit<Job, 'zones'>, ruleset: Ruleset): Promise<Judgement> {
    const family = job.packet.dst.includes(':') ? '6' : '4';
    const zones = ruleset.chains.some(({ rules }) =>
      rules.some(({ text, nft }) => text.includes('--zone') || nft?.text.includes('zone')),
    )
      ? [0, 1, 2]
      : [0];
    const seen = await this.#ask({ ...job, zones });
    const trace = tracePacket(ruleset, { ...job.packet, localIps: [ownAddresses[family]] });
    const ours = job.tools.includes('nft') ? nftStepsOf(trace) : [];
    const iptables = job.tools.some((tool) => tool !== 'nft') ? iptablesStepsOf(trace) : [];
    const rules = [...ours, ...iptables].sort();
    // REJECT answers the sender, and the answer counts as well.
    const last = trace.steps.at(-1)?.rule;
    const rejects = trace.steps.some(({ rule }) => rule.target === 'REJECT' || /\breject\b/.test(rule.nft?.text ?? ''));
    let theirs = seen.rules.map((words) => words.join(' ')).sort();
    if (last && rejects) theirs = rules.filter((rule) => theirs.includes(rule));
    return {
      ours: { verdict: trace.verdict, port: trace.port, rules },
      theirs: { ...verdictOf(seen, job.packet), rules: theirs },
      trace,
    };
  }

  async #ask(job: Job): Promise<Answer> {
    this.#sender.stdin.write(`${JSON.stringify(job)}\n`);
    const { value, done } = (await this.#answers.next()) as { value: string; done?: boolean };
    if (done) throw new Error('The sender of packets ended early.');
    return JSON.parse(value) as Answer;
  }

  /** Reads the rules of some tools as one text, as a person would paste them. */
  ruleset(tools: readonly string[], ipsets = false): Ruleset {
    const texts = tools.map((tool) => this.read(tool));
    return parseRules((ipsets ? this.run('ipset', 'save') : '') + texts.join('\n'));
  }
}

export interface Judgement {
  ours: { verdict: string; port: number | undefined; rules: string[] };
  theirs: { verdict: string; port?: number | undefined; rules: string[] };
  trace: Trace;
}

/** Rules of iptables as `TABLE LINE`. */
function iptablesStepsOf({ steps }: Trace): string[] {
  return steps.filter(({ rule }) => !rule.nft).map(({ rule }) => `${rule.table} ${rule.text}`);
}

/** Rules of nftables as `TABLE CHAIN RULE`; of those that became several lines, one. */
function nftStepsOf({ steps }: Trace): string[] {
  const found: string[] = [];
  steps.forEach(({ rule }, at) => {
    if (!rule.nft?.text.includes('counter packets') || steps[at - 1]?.rule.nft === rule.nft) return;
    const text = rule.nft.text.replace(/counter packets \d+ bytes \d+/, 'counter');
    found.push(`${rule.table} ${rule.chain} ${text}`);
  });
  return found;
}

export interface Answer {
  rules: [string, string][];
  error: string | null;
  /** Destination, port and mark before the socket, or on the way out. */
  input: [string, number, number] | null;
  sent: [string, number, number] | null;
}

export interface Job {
  /** Whose counters are read: `iptables-nft`, `nft`, … */
  tools: string[];
  packet: SentPacket;
  /** Read the counters before: the rules are new. */
  fresh: boolean;
  /** Zones in which an established connection has to be known. */
  zones: number[];
}

/** What the kernel did, from where the packet came out and which rules counted. */
function verdictOf({ rules, input, sent }: Answer, packet: SentPacket): { verdict: string; port?: number | undefined } {
  const landed = input ?? sent;
  if (!landed) return { verdict: 'DROP', port: undefined };
  const tproxy = rules.find(([, rule]) => /-j TPROXY| tproxy /.test(rule));
  if (tproxy && input)
    return { verdict: 'TPROXY', port: Number(/(?:--on-port |tproxy (?:ip6? )?to \S*:)(\d+)/.exec(tproxy[1])?.[1]) };
  const other = packet.dst.includes(':') ? 'ip' : 'ip6';
  const translates = new RegExp(`-j (REDIRECT|DNAT|NETMAP)|counter (redirect|dnat(?! ${other} ))`);
  const translated = rules.some(([, rule]) => translates.test(rule));
  const moved = translated || landed[0] !== packet.dst || landed[1] !== packet.dport;
  if (moved && input) return { verdict: 'REDIRECT', port: landed[1] };
  return { verdict: 'PASS', port: undefined };
}

const emptyTables = ['raw', 'mangle', 'nat', 'filter', 'security'].map((table) => `*${table}\nCOMMIT\n`).join('');

function openNamespaces(pod: string, peer: string): void {
  const ip = (...args: string[]) => execFileSync('ip', args, { encoding: 'utf8' });
  for (const name of [pod, peer]) {
    ip('netns', 'add', name);
    // The kernel's own IPv6 packets would count in the rules as ours do.
    const quiet = ['router_solicitations', 'accept_ra', 'accept_dad', 'dad_transmits'];
    ip('netns', 'exec', name, 'sysctl', '-qw', ...quiet.map((setting) => `net.ipv6.conf.default.${setting}=0`));
  }
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
  const inside = (...command: string[]) => execFileSync('ip', ['netns', 'exec', pod, ...command], { stdio: 'ignore' });
  inside('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', 'net.ipv4.conf.all.rp_filter=0');
  execFileSync('ip', ['netns', 'exec', pod, 'nft', '-f', '-'], { input: judge });
}

/** Undefined: packets can be sent here. */
export function reasonToSkip(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (process.getuid?.() !== 0) return 'this needs root';
  const missing = neededTools.find((tool) => spawnSync(tool, ['--version']).error !== undefined);
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

const neededTools = [
  'ip',
  'nft',
  'ipset',
  'python3',
  'conntrack',
  'iptables-nft-restore',
  'iptables-legacy-restore',
  'ip6tables-nft-restore',
];

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
