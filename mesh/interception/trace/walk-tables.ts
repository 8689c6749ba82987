import { lookup } from '../lookup.ts';
import type { IptablesChain, IptablesRule } from '../ruleset.ts';
import { applyTarget } from './apply-target.ts';
import type { Effect } from './apply-target.ts';
import { matchRule } from './match-rule.ts';
import type { Place } from './match-rule.ts';
import { linesOfRule, runNftRule } from './nft/run-nft-rule.ts';
import type { Hook, PacketInFlight } from './packet.ts';
import { basesAt, natPriority } from './programs.ts';
import type { BaseChain, TableProgram } from './programs.ts';

/** What decided: a rule, or the policy of a chain where no rule did, or routing, which has no table. */
export interface Decision {
  effect: Effect;
  hook: Hook;
  /** Empty: routing. */
  table: string;
  rule?: IptablesRule;
  /** Without a rule: the chain whose policy it was. */
  chain?: string;
  /** Port and address as the rule left them. */
  port: number;
  dst: string;
}

/** A rule that matched, and where the kernel asked it. */
export interface TraceStep {
  rule: IptablesRule;
  hook: Hook;
  /** When the kernel asks its table: raw −300, mangle −150, nat −100, filter 0. */
  priority: number;
}

/** The record of a packet's way. */
export interface Journey {
  packet: PacketInFlight;
  /** Rules that matched, in the kernel's order. */
  steps: TraceStep[];
  /** All that was decided on the way, in order; at most the last one is a drop. */
  decisions: Decision[];
  /** Rules whose conditions or targets nobody can judge from here. */
  doubts: Doubt[];
  looped: boolean;
}

export interface Doubt {
  rule: IptablesRule;
  /** Conditions as words of the rule; empty: its target is what is not known. */
  about: string[];
  /** Taken for granted, instead of for not matching. */
  assumed?: true;
}

/** Tracking looks at a packet after raw and before mangle. */
const trackingPriority = -200;

/**
 * Takes a packet through all base chains of one hook. False: it was dropped.
 * @param afterNat a packet with a new destination is routed anew at once, before filter sees it; false: it has no way.
 */
export function walkHook(
  programs: readonly TableProgram[],
  hook: Hook,
  journey: Journey,
  afterNat: () => boolean = () => true,
): boolean {
  const bases = basesAt(programs, hook);
  const standsBeforeNat = ({ nat, priority }: BaseChain) => !nat && priority < natPriority[hook];
  const before = bases.filter(standsBeforeNat);
  const nat = bases.filter((base) => base.nat);
  const after = bases.filter((base) => !base.nat && !standsBeforeNat(base));
  for (const base of before) if (!walkBase(base, hook, journey)) return false;
  settleTracking(journey.packet);
  if (hook !== 'FORWARD' && asksNat(hook, journey.packet)) {
    for (const base of nat) {
      const effect = walkChain(base, hook, journey);
      if (effect === 'drop') return false;
      // A binding for the connection ends the asking; a mere ACCEPT only its own chain.
      if (effect !== 'accept') break;
    }
    if (!afterNat()) return false;
    journey.packet.bound[bindingAt(hook)] = true;
  }
  for (const base of after) if (!walkBase(base, hook, journey)) return false;
  return true;
}

function walkBase(base: BaseChain, hook: Hook, journey: Journey): boolean {
  if (base.priority > trackingPriority) settleTracking(journey.packet);
  return walkChain(base, hook, journey) !== 'drop';
}

function bindingAt(hook: Hook): 'dst' | 'src' {
  return hook === 'PREROUTING' || hook === 'OUTPUT' ? 'dst' : 'src';
}

/** A connection's first packet asks nat once for its destination and once for its source; no other packet asks. */
function asksNat(hook: Hook, { state, bound }: PacketInFlight): boolean {
  return (state === 'NEW' || state === 'RELATED') && !bound[bindingAt(hook)];
}

function settleTracking(packet: PacketInFlight): void {
  packet.tracked = true;
  packet.template = false;
}

interface Frame {
  chain: IptablesChain;
  next: number;
  /** Chains entered to get here. */
  depth: number;
}

interface Walk {
  base: BaseChain;
  hook: Hook;
  place: Place;
  journey: Journey;
}

/** Where one rule sends the packet: nowhere, into a chain, back, or out of the table. */
type Turn = { call: IptablesChain; goto: boolean } | 'next' | 'return' | { effect: Effect };

/** One base chain with all it leads to. */
function walkChain(base: BaseChain, hook: Hook, journey: Journey): Effect {
  const { program } = base;
  const place: Place = { hook, native: program.native, sets: program.sets };
  const walk: Walk = { base, hook, place, journey };
  const stack: Frame[] = [];
  let at: Frame = { chain: base.chain, next: 0, depth: 1 };
  for (;;) {
    const position = at.next;
    const rule = at.chain.rules[position];
    // Pasted rules may run in circles, which the kernel would never load.
    if (at.depth > program.chains.size) return byPolicy(walk);
    const isNft = rule?.nft !== undefined && program.native;
    at.next += isNft ? linesOfRule(at.chain.rules, position) : 1;
    const turn = !rule ? 'return' : isNft ? askNft(at.chain.rules.slice(position, at.next), walk) : ask(rule, walk);
    if (turn === 'next') continue;
    if (turn === 'return') {
      const caller = stack.pop();
      if (!caller) return byPolicy(walk);
      at = caller;
    } else if ('effect' in turn) return turn.effect;
    else {
      // A goto leaves no way back here: what ends there goes on where this chain was called from.
      if (!turn.goto) stack.push(at);
      at = { chain: turn.call, next: 0, depth: at.depth + 1 };
    }
  }
}

/** A rule of iptables. */
function ask(rule: IptablesRule, walk: Walk): Turn {
  const { journey, place, base } = walk;
  const answer = matchRule(rule, journey.packet, place);
  if (answer.unknown.length) journey.doubts.push({ rule, about: answer.unknown.map(writeMatch) });
  if (!answer.matches) return 'next';
  if (answer.assumed.length) journey.doubts.push({ rule, about: answer.assumed.map(writeMatch), assumed: true });
  record(rule, walk);
  const { target } = rule;
  if (target === undefined || target === 'CONTINUE') return 'next';
  const called = findChain(base.program, target);
  if (called) return { call: called, goto: rule.goto };
  if (target === 'RETURN') return 'return';
  const effect = lookup(verdicts, target) ?? applyTarget(rule, journey.packet, place);
  if (effect === 'continue') return 'next';
  if (effect === 'unknown') {
    journey.doubts.push({ rule, about: [] });
    return 'next';
  }
  decide(effect, rule, walk);
  return { effect };
}

/** A rule of nftables: all the lines that stand for it are one. */
function askNft(lines: IptablesRule[], walk: Walk): Turn {
  const { journey, place, base } = walk;
  const [rule] = lines;
  if (!rule?.nft) return 'next';
  const outcome = runNftRule(rule.nft.text, journey.packet, place, base.program.sets);
  if (outcome.unknown.length) journey.doubts.push({ rule, about: outcome.unknown });
  if (outcome.tproxy) decide('tproxy', rule, walk);
  if (!outcome.matched) return 'next';
  if (outcome.assumed.length) journey.doubts.push({ rule, about: outcome.assumed, assumed: true });
  for (const line of lines) record(line, walk);
  const { effect, verdict } = outcome;
  if (effect !== undefined) {
    decide(effect, rule, walk);
    return { effect };
  }
  if (verdict === undefined) return 'next';
  if (verdict === 'return') return 'return';
  if (typeof verdict !== 'string') {
    const called = findChain(base.program, verdict.chain);
    return called ? { call: called, goto: verdict.goto } : 'next';
  }
  if (verdict === 'drop') decide('drop', rule, walk);
  return { effect: verdict };
}

function record(rule: IptablesRule, { journey, hook, base }: Walk): void {
  journey.steps.push({ rule, hook, priority: base.nat ? natPriority[hook] : base.priority });
}

function findChain({ chains, native, written }: TableProgram, target: string): IptablesChain | undefined {
  const found = chains.get(target);
  if (found || !native) return found;
  for (const chain of chains.values()) if (chain.name === target && chain.table === written) return chain;
  return undefined;
}

function decide(effect: Effect, rule: IptablesRule, { journey, hook }: Walk): void {
  const { dst, dport } = journey.packet;
  const port = (effect === 'tproxy' && journey.packet.taken) || dport;
  journey.decisions.push({ effect, hook, table: rule.table, rule, port, dst });
}

const verdicts: Record<string, Effect> = { ACCEPT: 'accept', DROP: 'drop' };

function byPolicy({ base, hook, journey }: Walk): Effect {
  if (base.chain.policy !== 'DROP') return 'accept';
  const { dst, dport: port } = journey.packet;
  journey.decisions.push({ effect: 'drop', hook, table: base.program.written, chain: base.chain.name, port, dst });
  return 'drop';
}

function writeMatch({ module, option, values, negated }: IptablesRule['matches'][number]): string {
  return [...(module ? ['-m', module] : []), ...(negated ? ['!'] : []), ...(option ? [option] : []), ...values].join(
    ' ',
  );
}
