import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseRules } from '../../mesh/interception/parse-rules.ts';
import type { Ruleset } from '../../mesh/interception/ruleset.ts';
import { tracePacket } from '../../mesh/interception/trace-packet.ts';
import type { Packet } from '../../mesh/interception/trace-packet.ts';

/** Who connects: processes with these users and groups in the pod, and one on the node. */
const people = {
  app: { uid: 1000, gid: 1000 },
  proxy: { uid: 1337, gid: 1337 },
  /** Its group alone is the proxy's. */
  guest: { uid: 1001, gid: 1337 },
  root: { uid: 0, gid: 0 },
  node: { uid: 0, gid: 0 },
} as const;
export type Person = keyof typeof people;

/** One connection, or one datagram, that a real process makes. */
export interface Connection {
  by: Person;
  protocol: 'tcp' | 'udp';
  dst: string;
  dport: number;
  src?: string;
  mark?: number;
  /** The source is not an address of the pod: as a proxy that keeps its client's address calls the application. */
  transparent?: boolean;
}

/** Where it landed: whose listener answered on which port, and what that listener was told of the destination. */
export interface Landing {
  where: string;
  port: number | undefined;
  destination: string;
}

export const addresses = {
  '4': {
    pod: '10.77.0.2',
    second: '10.78.0.2',
    loopback: '127.0.0.1',
    inbound: '127.0.0.6',
    server: '203.0.113.5',
    excluded: '198.51.100.7',
    dns: '10.96.0.10',
    guest: '192.0.2.50',
    probe: '169.254.7.127',
    client: '10.77.0.1',
  },
  '6': {
    pod: 'fd77::2',
    second: 'fd78::2',
    loopback: '::1',
    inbound: '::6',
    server: '2001:db8::5',
    excluded: '2001:db8:1::7',
    dns: 'fd00::a',
    guest: '2001:db8:2::50',
    probe: 'fd16:9254:7127:1337:ffff:ffff:ffff:ffff',
    client: 'fd77::1',
  },
} as const;

/** Who listens in the pod. The application and what runs outside the pod have the same ports, so that only the rules decide. */
const applicationPorts = '53,80,443,3306,8080,9090,15443';
const proxyPorts = '15001,15006,15008,15020,15021,15053,15090';

/**
 * A pod and its node as network namespaces, with Istio's rules in the pod, listeners where a proxy and an application have
 * them, and processes of several users that really connect. The kernel is the judge of where each connection lands.
 */
export class ConnectionLab {
  readonly #pod: string;
  readonly #node: string;
  readonly #processes: ChildProcessWithoutNullStreams[] = [];
  readonly #connectors = new Map<Person, Dialogue>();
  readonly #datagrams = new Map<string, Answer>();
  #token = 0;

  readonly #startProxy: ((podNetns: string) => Promise<void>) | undefined;

  /** @param startProxy what takes the ports 15001 and 15006 in the pod, in place of listeners that tell what they see. */
  constructor(name: string, startProxy?: (podNetns: string) => Promise<void>) {
    this.#startProxy = startProxy;
    this.#pod = `${name}-${process.pid}-pod`;
    this.#node = `${name}-${process.pid}-node`;
  }

  async open(): Promise<void> {
    openNamespaces(this.#pod, this.#node);
    const isTaken = (port: string) => this.#startProxy !== undefined && ['15001', '15006'].includes(port);
    const told = proxyPorts.split(',').filter((port) => !isTaken(port));
    await this.#listen(this.#pod, 'proxy', told.join(','), '15053');
    await this.#startProxy?.(this.#pod);
    await this.#listen(this.#pod, 'app', applicationPorts, '53,5000');
    await this.#listen(this.#node, 'node', applicationPorts, '53,5000');
    // What the proxy's ports are outside the pod is nobody's: they answer all the same.
    await this.#listen(this.#node, 'node', proxyPorts, '15053');
    for (const [person, { uid, gid }] of Object.entries(people) as [Person, { uid: number; gid: number }][])
      this.#connectors.set(
        person,
        new Dialogue(this.#start(person === 'node' ? this.#node : this.#pod, uid, gid, 'connect')),
      );
  }

  close(): void {
    for (const started of this.#processes) started.kill();
    for (const name of [this.#pod, this.#node]) spawnSync('ip', ['netns', 'del', name]);
  }

  /** Takes all rules away and programs these: texts of `iptables-nft`, `ip6tables-legacy`, `nft` by tool. */
  program(rules: Record<string, string>): void {
    this.#feed(['nft', '-f', '-'], 'flush ruleset');
    for (const tool of ['iptables-legacy', 'ip6tables-legacy']) this.#feed([`${tool}-restore`], emptyTables);
    this.#feed(['conntrack', '-F'], '');
    for (const [tool, text] of Object.entries(rules))
      this.#feed(tool === 'nft' ? ['nft', '-f', '-'] : [`${tool}-restore`], text);
    this.#addPolicyRoutes(Object.values(rules).join('\n'));
  }

  /** The rules as the real tools print them, read as a person would paste them. */
  read(tools: readonly string[]): Ruleset {
    return parseRules(
      tools.map((tool) => this.#run(...(tool === 'nft' ? ['nft', 'list', 'ruleset'] : [`${tool}-save`]))).join('\n'),
    );
  }

  /** Connects, and tells where that landed. */
  async connect(connection: Connection): Promise<Landing> {
    const token = String(++this.#token);
    const { by, ...job } = connection;
    const said = await this.#connectors.get(by)!.ask<Answer>({ ...job, token });
    // A datagram may arrive although its answer is lost.
    const answer = said.error === undefined ? said : (this.#datagrams.get(token) ?? said);
    if (answer.error !== undefined) return { where: `nobody: ${answer.error}`, port: undefined, destination: '' };
    const { port, sockname, original } = answer;
    const where = answer.where === 'node' ? 'node' : 'pod';
    if (job.protocol === 'tcp') return { where, port, destination: (original ?? sockname).join(' ') };
    // Nobody tells a listener of datagrams, but a connected socket takes answers from no other address than it asked.
    return { where, port, destination: answer === said ? `${job.dst} ${job.dport}` : 'its answer was lost' };
  }

  /** Where the trace says that it lands. */
  predict(ruleset: Ruleset, connection: Connection): Landing {
    const packet = packetOf(connection);
    const { verdict, port } = tracePacket(ruleset, packet);
    const { dst, dport } = connection;
    const staysHere = connection.by === 'node' || isOwn(dst);
    const asAsked = `${dst} ${dport}`;
    if (verdict === 'DROP') return { where: 'nobody: timed out', port: undefined, destination: '' };
    if (verdict === 'PASS') return { where: staysHere ? 'pod' : 'node', port: dport, destination: asAsked };
    return { where: 'pod', port, destination: asAsked };
  }

  async #listen(namespace: string, who: 'proxy' | 'app' | 'node', tcp: string, udp: string): Promise<void> {
    const { uid, gid } = people[who];
    const started = this.#start(namespace, uid, gid, 'listen', who, tcp, udp);
    const lines = createInterface(started.stdout);
    await new Promise<void>((resolve, reject) => {
      started.once('exit', () => reject(new Error(`The listeners of ${who} could not start.`)));
      lines.on('line', (line) => {
        if (line === 'listening') return resolve();
        const { token, ...answer } = JSON.parse(line) as Answer & { token: string };
        this.#datagrams.set(token, answer);
      });
    });
  }

  #start(namespace: string, uid: number, gid: number, ...args: string[]): ChildProcessWithoutNullStreams {
    const script = join(import.meta.dirname, 'connections.py');
    const started = spawn('ip', ['netns', 'exec', namespace, 'python3', script, String(uid), String(gid), ...args]);
    started.stderr.on('data', (data: Buffer) => process.stderr.write(data));
    this.#processes.push(started);
    return started;
  }

  /** As Istio adds them beside its rules for TPROXY and for ambient: every address is local to a packet with that mark. */
  #addPolicyRoutes(rules: string): void {
    for (const family of ['-4', '-6'])
      spawnSync('ip', ['-n', this.#pod, family, 'rule', 'del', 'pref', '32764'], { stdio: 'ignore' });
    const tproxy = / TPROXY | tproxy /.test(rules);
    if (!tproxy && !/ISTIO_PRERT|istio-prerouting/.test(rules)) return;
    const mark = tproxy ? '1337' : '0x111/0xfff';
    for (const family of ['-4', '-6'])
      ip('-n', this.#pod, family, 'rule', 'add', 'pref', '32764', 'fwmark', mark, 'lookup', '133');
  }

  #feed(command: string[], input: string): void {
    execFileSync('ip', ['netns', 'exec', this.#pod, ...command], { input, stdio: ['pipe', 'ignore', 'pipe'] });
  }

  #run(...command: string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.#pod, ...command], { encoding: 'utf8' });
  }
}

/** The question that a person would ask the trace about this connection's first packet. */
export function packetOf({ by, protocol, dst, dport, src, mark }: Connection): Packet {
  const family = dst.includes(':') ? '6' : '4';
  const own = addresses[family];
  const { uid, gid } = people[by];
  const sender: Partial<Packet> =
    by === 'node' ? { iface: dst === own.pod ? 'eth0' : 'net1', src: src ?? own.client } : { uid, gid };
  return {
    direction: by === 'node' ? 'in' : 'out',
    protocol,
    dst,
    dport,
    localIps: [own.pod, own.second],
    ...sender,
    ...(src === undefined ? {} : { src }),
    ...(mark === undefined ? {} : { mark }),
  };
}

function isOwn(dst: string): boolean {
  return (['4', '6'] as const).some((family) => {
    const { pod, second, loopback } = addresses[family];
    return [pod, second, loopback].some((own) => own === dst);
  });
}

interface Answer {
  where: string;
  port: number;
  sockname: [string, number];
  original: [string, number] | null;
  error?: string;
}

/** A process that answers one line for each line. */
class Dialogue {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;

  constructor(started: ChildProcessWithoutNullStreams) {
    this.#process = started;
    this.#answers = createInterface(started.stdout)[Symbol.asyncIterator]();
  }

  async ask<Reply>(question: object): Promise<Reply> {
    this.#process.stdin.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('A process that connects ended early.');
    return JSON.parse(value) as Reply;
  }
}

const emptyTables = ['raw', 'mangle', 'nat', 'filter'].map((table) => `*${table}\nCOMMIT\n`).join('');

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function openNamespaces(pod: string, node: string): void {
  const inside = (name: string, ...command: string[]) => ip('netns', 'exec', name, ...command);
  for (const name of [pod, node]) {
    ip('netns', 'add', name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
    inside(name, 'sysctl', '-qw', 'net.ipv4.ip_unprivileged_port_start=0', 'net.ipv4.conf.all.rp_filter=0');
  }
  const links: [string, string, string][] = [
    ['eth0', '10.77.0', 'fd77:'],
    ['net1', '10.78.0', 'fd78:'],
  ];
  for (const [device, four, six] of links) {
    ip('-n', pod, 'link', 'add', device, 'type', 'veth', 'peer', 'name', device, 'netns', node);
    [node, pod].forEach((name, at) => {
      ip('-n', name, 'addr', 'add', `${four}.${at + 1}/24`, 'dev', device);
      ip('-n', name, 'addr', 'add', `${six}:${at + 1}/64`, 'dev', device, 'nodad');
      inside(name, 'sysctl', '-qw', `net.ipv4.conf.${device}.rp_filter=0`);
      ip('-n', name, 'link', 'set', device, 'up');
    });
  }
  for (const family of ['4', '6'] as const) {
    const { server, excluded, dns, probe, guest, client, inbound, second } = addresses[family];
    const flags = family === '6' ? ['nodad'] : [];
    for (const address of [server, excluded, dns, probe])
      ip('-n', node, 'addr', 'add', `${address}/${family === '6' ? 128 : 32}`, 'dev', 'lo', ...flags);
    ip('-n', pod, `-${family}`, 'route', 'add', 'default', 'via', client);
    // A virtual machine's packets to the world come in on its interface.
    ip('-n', node, `-${family}`, 'route', 'add', guest, 'via', second);
    ip('-n', pod, 'route', 'add', 'local', family === '6' ? '::/0' : '0.0.0.0/0', 'dev', 'lo', 'table', '133');
    if (family === '6') ip('-n', pod, 'addr', 'add', `${inbound}/128`, 'dev', 'lo', 'nodad');
  }
}
