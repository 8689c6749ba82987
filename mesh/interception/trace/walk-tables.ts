import type { IptablesChain, IptablesRule } from '../ruleset.ts';
import { applyTarget } from './apply-target.ts';
import type { Effect } from './apply-target.ts';
import { matchRule } from './match-rule.ts';
import type { Place } from './match-rule.ts';
import type { Hook, PacketInFlight } from './packet.ts';
import type { TableProgram } from './programs.ts';

/** What decided: a rule, or the policy of a chain where no rule did, or routing, which has no table. */
export interface Decision {
  effect: Effect;
  hook: Hook;
  /** Empty: routing. */
  table: string;
  rule?: IptablesRule;
  /** Port and address as the rule left them. */
  port: number;
  dst: string;
}

/** The record of a packet's way. */
export interface Journey {
  packet: PacketInFlight;
  /** Rules that matched, in the kernel's order. */
  path: IptablesRule[];
  /** All that was decided on the way, in order; at most the last one is a drop. */
  decisions: Decision[];
  /** Rules whose conditions or targets nobody can judge from here. */
  doubts: Doubt[];
  /** Rules asked so far: pasted rules may run in circles, which the kernel would never load. */
  steps: number;
  looped: boolean;
}

export interface Doubt {
  rule: IptablesRule;
  /** Conditions as words of the rule; empty: its target is what is not known. */
  about: string[];
}

/** Which tables have a chain at a hook, in the order of their priorities. */
const tablesAt: Record<Hook, string[]> = {
  PREROUTING: ['raw', 'mangle', 'nat'],
  INPUT: ['mangle', 'filter', 'security', 'nat'],
  FORWARD: ['mangle', 'filter', 'security'],
  OUTPUT: ['raw', 'mangle', 'nat', 'filter', 'security'],
  POSTROUTING: ['mangle', 'nat'],
};

const maximalSteps = 1_000_000;
const maximalDepth = 512;

/**
 * Takes a packet through all tables of one hook. False: it was dropped.
 * @param afterNat a packet with a new destination is routed anew at once, before filter sees it; false: it has no way.
 */
export function walkHook(
  programs: readonly TableProgram[],
  hook: Hook,
  journey: Journey,
  afterNat: () => boolean = () => true,
): boolean {
  for (const table of tablesAt[hook]) {
    // Tracking (priority −200) comes after raw (−300) and before mangle (−150).
    if (table !== 'raw') settleTracking(journey.packet);
    if (table === 'nat' && !asksNat(hook, journey.packet)) continue;
    for (const program of programs) {
      if (program.table !== table) continue;
      const effect = walkTable(program, hook, journey);
      if (effect === 'drop') return false;
      if (table === 'nat' && effect !== undefined && effect !== 'accept') break;
    }
    if (table === 'nat' && !afterNat()) return false;
    if (table === 'nat') journey.packet.bound[hook === 'PREROUTING' || hook === 'OUTPUT' ? 'dst' : 'src'] = true;
  }
  return true;
}

/** A connection's first packet asks nat once for its destination and once for its source; no other packet asks. */
function asksNat(hook: Hook, { state, bound }: PacketInFlight): boolean {
  return state === 'NEW' && !bound[hook === 'PREROUTING' || hook === 'OUTPUT' ? 'dst' : 'src'];
}

function settleTracking(packet: PacketInFlight): void {
  packet.tracked = true;
  packet.template = false;
}

interface Frame {
  chain: IptablesChain;
  next: number;
}

/** One base chain with all it leads to. Undefined: the table has no chain there. */
function walkTable(program: TableProgram, hook: Hook, journey: Journey): Effect | undefined {
  const base = program.chains.get(hook);
  if (!base) return undefined;
  const place: Place = { table: program.table, hook, native: program.native };
  const stack: Frame[] = [];
  let at: Frame = { chain: base, next: 0 };
  for (;;) {
    const rule = at.chain.rules[at.next++];
    if (!rule || journey.steps++ > maximalSteps) {
      const caller = stack.pop();
      if (rule || !caller) return byPolicy(base, hook, program, journey);
      at = caller;
      continue;
    }
    const answer = matchRule(rule, journey.packet, place);
    if (answer.unknown.length) journey.doubts.push({ rule, about: answer.unknown.map(writeMatch) });
    if (!answer.matches) continue;
    journey.path.push(rule);
    const { target } = rule;
    if (target === undefined || target === 'CONTINUE') continue;
    const called = findChain(program, target);
    if (called) {
      // A goto leaves no way back here: what ends there goes on where this chain was called from.
      if (!rule.goto && stack.length < maximalDepth) stack.push(at);
      at = { chain: called, next: 0 };
    } else if (target === 'RETURN') {
      const caller = stack.pop();
      if (!caller) return byPolicy(base, hook, program, journey);
      at = caller;
    } else {
      const effect = applyVerdict(rule, place, journey);
      if (effect !== 'continue') return effect;
    }
  }
}

function findChain({ chains, native, written }: TableProgram, target: string): IptablesChain | undefined {
  const found = chains.get(target);
  if (found || !native) return found;
  for (const chain of chains.values()) if (chain.name === target && chain.table === written) return chain;
  return undefined;
}

function applyVerdict(rule: IptablesRule, place: Place, journey: Journey): Effect {
  const { packet } = journey;
  const effect = verdicts[rule.target ?? ''] ?? applyTarget(rule, packet, place);
  if (effect === 'continue') return effect;
  if (effect === 'unknown') {
    journey.doubts.push({ rule, about: [] });
    return 'continue';
  }
  const { dst, dport: port } = packet;
  journey.decisions.push({ effect, hook: place.hook, table: rule.table, rule, port, dst });
  return effect;
}

const verdicts: Partial<Record<string, Effect>> = { ACCEPT: 'accept', DROP: 'drop' };

function byPolicy(base: IptablesChain, hook: Hook, { written }: TableProgram, journey: Journey): Effect {
  if (base.policy !== 'DROP') return 'accept';
  const { dst, dport: port } = journey.packet;
  journey.decisions.push({ effect: 'drop', hook, table: written, port, dst });
  return 'drop';
}

function writeMatch({ module, option, values, negated }: IptablesRule['matches'][number]): string {
  return [...(module ? ['-m', module] : []), ...(negated ? ['!'] : []), ...(option ? [option] : []), ...values].join(
    ' ',
  );
}
