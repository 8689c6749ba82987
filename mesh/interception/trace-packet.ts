import type { InterceptionFacts } from './interception-facts.ts';
import { learnFacts } from './interception-facts.ts';
import type { IptablesRule, Ruleset } from './ruleset.ts';
import { optionOf } from './trace/apply-target.ts';
import { isLoopback } from './trace/addresses.ts';
import { isLocal, launch } from './trace/packet.ts';
import type { Packet, PacketInFlight } from './trace/packet.ts';
import { readPrograms } from './trace/programs.ts';
import type { TableProgram } from './trace/programs.ts';
import { describeDoubts, sayTrace } from './trace/say-trace.ts';
import { walkHook } from './trace/walk-tables.ts';
import type { Decision, Journey, TraceStep } from './trace/walk-tables.ts';

export type { ConnectionState, Packet } from './trace/packet.ts';
export type { TraceStep } from './trace/walk-tables.ts';

export type Verdict = 'REDIRECT' | 'TPROXY' | 'DROP' | 'PASS';

export interface Trace {
  verdict: Verdict;
  /** Where REDIRECT or TPROXY takes it. */
  port?: number;
  /**
   * The rules of raw, mangle and nat that matched, in the order the kernel takes them; jumps and RETURNs are among them.
   * Out: those of OUTPUT and then, if the packet stays on the machine, of PREROUTING; in: those of PREROUTING.
   */
  path: IptablesRule[];
  /** All rules that matched, also those of INPUT, FORWARD, POSTROUTING and of filter, which comes after routing. */
  steps: TraceStep[];
  /** Where it ends, in a sentence; and what could not be known on the way. */
  says: string;
  /** Rules that could not be judged, one sentence each; they are also in `says`. */
  warnings: string[];
}

/**
 * Takes one packet through a rule set as Linux does: hook by hook, and within each hook table by table.
 *
 *     out: OUTPUT raw → mangle → nat → filter → POSTROUTING … and, when it stays on the machine, over lo:
 *          PREROUTING raw → mangle → INPUT mangle → filter (nat has bound the connection and is not asked again)
 *     in:  PREROUTING raw → mangle → nat → INPUT mangle → filter (or FORWARD, when it is not for this machine)
 *
 * Native tables of nftables stand among them by the priorities of their chains. What cannot be known from rules and packet
 * (sets without their contents, time) counts as not matching, and is said. Policy routes are not in a rule set: the one
 * that Istio adds beside the rules is taken as there.
 */
export function tracePacket(ruleset: Ruleset, packet: Packet): Trace {
  const facts = learnFacts(ruleset);
  const start = launch(packet);
  // The sender's mark has a say in the first routing already: such a packet never sees another interface.
  if (packet.direction === 'out' && routesToLoopback(start, facts)) start.outIface = 'lo';
  const programs = readPrograms(ruleset);
  const mine = programs.filter(({ family }) => family === undefined || family === 'inet' || family === start.family);
  const journey: Journey = { packet: start, steps: [], decisions: [], doubts: [], looped: false };
  const arrives = packet.direction === 'out' ? send(mine, journey, facts) : receive(mine, journey, facts, packet);
  const outcome = decide(journey, arrives);
  const warnings = describeDoubts(journey.doubts);
  const says = sayTrace({
    ...outcome,
    journey,
    facts,
    asked: packet,
    unseen: mine.length === 0 && programs.length > 0,
    first: () => tracePacket(ruleset, { ...packet, ctstate: 'NEW' }).says,
  });
  const trace: Trace = {
    verdict: outcome.verdict,
    path: journey.steps.filter(decidesInterception).map(({ rule }) => rule),
    steps: journey.steps,
    says: [says, ...warnings].join(' '),
    warnings,
  };
  if (outcome.port !== undefined) trace.port = outcome.port;
  return trace;
}

/** raw, mangle and nat of the two hooks where packets are taken to a proxy; filter comes after them. */
function decidesInterception({ hook, priority }: TraceStep): boolean {
  return (hook === 'OUTPUT' || hook === 'PREROUTING') && priority < 0;
}

/** A packet that a process here sends. False: it was dropped. */
function send(programs: TableProgram[], journey: Journey, facts: InterceptionFacts): boolean {
  const { packet } = journey;
  const viaLoopback = packet.outIface === 'lo';
  const before = packet.dst;
  const staysHere = () => isLocal(packet) || routesToLoopback(packet, facts) || (viaLoopback && packet.dst === before);
  const hasWay = () => {
    if (staysHere() || mayLeave(packet)) return true;
    journey.decisions.push({ effect: 'drop', hook: 'OUTPUT', table: '', port: packet.dport, dst: packet.dst });
    return false;
  };
  if (!walkHook(programs, 'OUTPUT', journey, hasWay)) return false;
  // A new destination or mark is routed anew; the hook itself went on with the interface it began with.
  const stays = staysHere();
  packet.outIface = stays ? 'lo' : viaLoopback ? 'eth0' : packet.outIface;
  if (!walkHook(programs, 'POSTROUTING', journey)) return false;
  if (!stays) return true;
  journey.looped = true;
  if (packet.tracked && packet.state !== 'INVALID' && packet.state !== 'UNTRACKED') packet.confirmed = true;
  // An INVALID packet carries no connection along, so tracking looks at it once more.
  if (packet.state === 'INVALID') packet.tracked = false;
  packet.owner = undefined;
  packet.inIface = 'lo';
  packet.outIface = '';
  return walkHook(programs, 'PREROUTING', journey) && walkHook(programs, 'INPUT', journey);
}

/** IPv4 routes nothing from 127.0.0.0/8 to another machine unless `route_localnet` is on, which it is in no pod by itself. */
function mayLeave({ family, src }: PacketInFlight): boolean {
  return family === '6' || src === undefined || !isLoopback(src);
}

/** A packet that arrives on an interface. False: it was dropped. */
function receive(programs: TableProgram[], journey: Journey, facts: InterceptionFacts, asked: Packet): boolean {
  const { packet } = journey;
  if (!walkHook(programs, 'PREROUTING', journey)) return false;
  const taken = journey.decisions.some(({ effect }) => effect === 'tproxy');
  const stays = isLocal(packet) || taken || routesToLoopback(packet, facts) || asked.iface === 'lo';
  if (stays) return walkHook(programs, 'INPUT', journey);
  packet.outIface = 'eth0';
  return walkHook(programs, 'FORWARD', journey) && walkHook(programs, 'POSTROUTING', journey);
}

/**
 * Istio adds `ip rule add fwmark 1337 lookup 133` to TPROXY rules and `fwmark 0x111/0xfff lookup 100` to ambient ones;
 * both tables say that every address is local.
 */
function routesToLoopback({ mark }: PacketInFlight, { mode, tproxyMark }: InterceptionFacts): boolean {
  if (mode === 'ambient') return (mark & 0xfff) === 0x111;
  return mode === 'sidecar-tproxy' && mark !== 0 && mark === Number(tproxyMark);
}

function decide({ decisions }: Journey, arrives: boolean): { verdict: Verdict; port?: number; decision?: Decision } {
  const last = (effect: Decision['effect']) => decisions.findLast((each) => each.effect === effect);
  if (!arrives) return withDecision('DROP', last('drop'));
  // A socket that TPROXY has chosen gets the packet, whatever its addresses became.
  const tproxy = last('tproxy');
  if (tproxy) return withDecision('TPROXY', tproxy, tproxyPort(tproxy));
  const redirect = last('redirect');
  if (redirect) return withDecision('REDIRECT', redirect, redirect.port);
  return withDecision('PASS', last('translate') ?? last('queue'));
}

function withDecision(verdict: Verdict, decision?: Decision, port?: number) {
  return { verdict, ...(decision ? { decision } : {}), ...(port === undefined ? {} : { port }) };
}

/** Without `--on-port` the packet keeps its own. */
function tproxyPort({ rule, port }: Decision): number {
  return Number(rule && optionOf(rule, '--on-port')) || port;
}
