import * as l10n from '@vscode/l10n';
import { isIP } from 'node:net';
import { parseRules } from '../mesh/interception/parse-rules.ts';
import type { IptablesRule } from '../mesh/interception/ruleset.ts';
import { tracePacket } from '../mesh/interception/trace-packet.ts';
import type { Packet, Trace } from '../mesh/interception/trace-packet.ts';
import { oneOf, readFlags } from './flags.ts';
import { readRules } from './read-rules.ts';
import { UsageError } from './verb.ts';
import type { Terminal, Verb } from './verb.ts';

export const iptablesTrace: Verb = {
  name: ['iptables', 'trace'],
  get summary() {
    return l10n.t('follow one packet through packet rules, as the kernel would, and say where it ends');
  },
  get help() {
    return l10n.t(`Usage: meshloom iptables trace --direction out|in --dst IP --dport N [FLAGS] [FILE|-]

Reads packet rules from FILE, or from standard input, in any format that "iptables explain" reads, and follows one packet.

  --direction out|in     out: a process of the pod sends it; in: it arrives at the pod
  --proto tcp|udp        default tcp
  --src IP               default (out): the address the kernel would choose
  --dst IP
  --sport N              default: a port the kernel chooses (32768-60999)
  --dport N
  --uid N, --gid N       user and group of the sending process (out); default: some that no rule names
  --mark 0xN             mark of the packet
  --iface NAME           outgoing (out) or incoming (in); default: lo for a local destination, else eth0
  --local-ip A[,B]       addresses of the pod; default (in): the destination
  --ctstate NEW|INVALID|ESTABLISHED|RELATED
                         what connection tracking says of it; default NEW
  --format text|json     text for people (default), json for programs
  -h, --help             this text

Exit: 0 traced (whatever became of the packet), 2 it could not run.

Example: iptables-save | meshloom iptables trace --direction out --dst 10.0.0.1 --dport 80 --uid 1000`);
  },
  run: trace,
};

async function trace(terminal: Terminal): Promise<number> {
  const { values, positionals } = readFlags(terminal.args, {
    format: { type: 'string', default: 'text' },
    direction: { type: 'string' },
    proto: { type: 'string', default: 'tcp' },
    src: { type: 'string' },
    dst: { type: 'string' },
    sport: { type: 'string' },
    dport: { type: 'string' },
    uid: { type: 'string' },
    gid: { type: 'string' },
    mark: { type: 'string' },
    iface: { type: 'string' },
    'local-ip': { type: 'string', multiple: true },
    ctstate: { type: 'string', default: 'NEW' },
  });
  const format = oneOf('--format', values.format, ['text', 'json'] as const);
  const packet = readPacket(values);
  if (positionals.length > 1)
    throw new UsageError(l10n.t('One file at a time, not {0}: {1}.', positionals.length, positionals.join(', ')));
  const text = await readRules(positionals[0], terminal);
  if (text === undefined) return 2;
  const ruleset = parseRules(text);
  const traced = tracePacket(ruleset, packet);
  if (format === 'json') terminal.out(`${JSON.stringify(asContract(traced), null, 2)}\n`);
  else terminal.out(printTrace(traced, terminal.color));
  for (const warning of ruleset.warnings) terminal.err(`${l10n.t('warning: {0}', warning)}\n`);
  return 0;
}

interface Flags {
  direction?: string;
  proto: string;
  src?: string;
  dst?: string;
  sport?: string;
  dport?: string;
  uid?: string;
  gid?: string;
  mark?: string;
  iface?: string;
  'local-ip'?: string[];
  ctstate: string;
}

function readPacket(flags: Flags): Packet {
  const direction = oneOf('--direction', needed('--direction', flags.direction), ['out', 'in'] as const);
  if (direction === 'in' && (flags.uid !== undefined || flags.gid !== undefined))
    throw new UsageError(
      l10n.t('A packet that arrives has no owner here: --uid and --gid go with --direction out only.'),
    );
  const packet: Packet = {
    direction,
    protocol: oneOf('--proto', flags.proto.toLowerCase(), ['tcp', 'udp'] as const),
    dst: readAddress('--dst', needed('--dst', flags.dst)),
    dport: readNumber('--dport', needed('--dport', flags.dport), 0xffff),
    ctstate: oneOf('--ctstate', flags.ctstate.toUpperCase(), ['NEW', 'INVALID', 'ESTABLISHED', 'RELATED'] as const),
  };
  if (flags.src !== undefined) packet.src = readAddress('--src', flags.src);
  if (packet.src !== undefined && isIP(packet.src) !== isIP(packet.dst))
    throw new UsageError(l10n.t('--src {0} and --dst {1} are of different families.', packet.src, packet.dst));
  if (flags.sport !== undefined) packet.sport = readNumber('--sport', flags.sport, 0xffff);
  if (flags.uid !== undefined) packet.uid = readNumber('--uid', flags.uid, 0xffffffff);
  if (flags.gid !== undefined) packet.gid = readNumber('--gid', flags.gid, 0xffffffff);
  if (flags.mark !== undefined) packet.mark = readNumber('--mark', flags.mark, 0xffffffff);
  if (flags.iface !== undefined) packet.iface = flags.iface;
  const local = flags['local-ip']?.flatMap((list) => list.split(',')).filter(Boolean);
  if (local?.length) packet.localIps = local.map((address) => readAddress('--local-ip', address));
  return packet;
}

function needed(flag: string, value: string | undefined): string {
  if (value !== undefined) return value;
  throw new UsageError(l10n.t('{0} is missing: a packet needs --direction, --dst and --dport.', flag));
}

/** Also `10.0.0.2/24`, as `ip address` prints it. */
function readAddress(flag: string, written: string): string {
  const address = written.trim().replace(/^\[(.*)\]$/, '$1');
  const bare = flag === '--local-ip' ? (address.split('/')[0] ?? '') : address;
  if (isIP(bare) !== 0 && !bare.includes('%')) return bare;
  throw new UsageError(l10n.t('{0} takes an IP address, not "{1}".', flag, written));
}

/** Decimal, or hexadecimal with 0x. */
function readNumber(flag: string, written: string, maximum: number): number {
  const number = /^(0x[0-9a-f]+|\d+)$/i.test(written) ? Number(written) : Number.NaN;
  if (number <= maximum) return number;
  throw new UsageError(l10n.t('{0} takes a number from 0 to {1}, not "{2}".', flag, String(maximum), written));
}

/** Rules that matched past those of raw, mangle and nat in OUTPUT and PREROUTING: in INPUT, FORWARD, POSTROUTING, or filter. */
function listFurther({ steps, path }: Trace): IptablesRule[] {
  const taken = new Set(path);
  return steps.map(({ rule }) => rule).filter((rule) => !taken.has(rule));
}

/**
 * The shape that other programs parse: it only grows. `path` has the rules that decide whether the proxy gets the packet;
 * `further`, when there are any, those that the kernel asked besides.
 */
function asContract(trace: Trace): object {
  const { verdict, port, path, says } = trace;
  const further = listFurther(trace);
  return {
    verdict,
    ...(port === undefined ? {} : { port }),
    path: path.map(({ table, text }) => ({ table, rule: text })),
    says,
    ...(further.length ? { further: further.map(({ table, text }) => ({ table, rule: text })) } : {}),
  };
}

function printTrace(trace: Trace, color: boolean): string {
  const { verdict, port, says, steps } = trace;
  const paint = (code: number, text: string) => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const lines = [paint(1, port === undefined ? verdict : `${verdict} ${port}`), says, ''];
  if (steps.length === 0) lines.push(l10n.t('No rule matched.'));
  const width = Math.max(0, ...steps.map(({ rule }) => rule.table.length));
  for (const { rule } of steps) lines.push(`  ${paint(36, rule.table.padEnd(width))}  ${rule.text}`);
  return `${lines.join('\n')}\n`;
}
