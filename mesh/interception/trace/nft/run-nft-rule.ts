import type { NamedSet, IptablesRule } from '../../ruleset.ts';
import { changeDestination, changeSource, sendHere, stopTracking, useTemplate } from '../apply-target.ts';
import type { Effect } from '../apply-target.ts';
import { hasConnection } from '../match-rule.ts';
import type { Place } from '../match-rule.ts';
import type { PacketInFlight } from '../packet.ts';
import { printAddress } from '../../address-range.ts';
import { readNftElements, readNftProgram } from './nft-program.ts';
import type { NftElement, NftElements, NftStatement, NftTerm } from './nft-program.ts';
import { isBits, meets, readField, readLiteral, typeOfField } from './nft-values.ts';
import type { NftType, NftValue } from './nft-values.ts';

/** What a rule of native nftables did. */
export interface NftOutcome {
  /** All its conditions were met. */
  matched: boolean;
  /** Where the packet goes on: at the next rule, in a chain, back, or nowhere. */
  verdict?: 'accept' | 'drop' | 'return' | { chain: string; goto: boolean };
  /** What an address translation, a reject or a queue did; it ends the base chain. */
  effect?: Effect;
  /** TPROXY found its socket: that alone decides nothing yet. */
  tproxy?: boolean;
  /** Conditions that nobody can judge from here; the rule is then taken as not matching. */
  unknown: string[];
  /** What was taken for granted on the way, such as the outcome of chance. */
  assumed: string[];
}

interface Run {
  packet: PacketInFlight;
  place: Place;
  sets: ReadonlyMap<string, NamedSet>;
  outcome: NftOutcome;
}

/** Runs one rule, statement by statement: what stands before a condition that fails is done all the same. */
export function runNftRule(
  text: string,
  packet: PacketInFlight,
  place: Place,
  sets: ReadonlyMap<string, NamedSet>,
): NftOutcome {
  const run: Run = { packet, place, sets, outcome: { matched: false, unknown: [], assumed: [] } };
  for (const statement of programOf(text)) {
    const step = execute(statement, run);
    if (step === 'on') continue;
    run.outcome.matched = step === 'end';
    return run.outcome;
  }
  run.outcome.matched = true;
  return run.outcome;
}

const programs = new Map<string, NftStatement[]>();

/** The same rule text is asked again and again; what was read is kept, within bounds. */
function programOf(text: string): NftStatement[] {
  let program = programs.get(text);
  if (!program) {
    program = readNftProgram(text);
    if (programs.size > 20_000) programs.clear();
    programs.set(text, program);
  }
  return program;
}

/** `on`: the next statement; `break`: the rule does not match; `end`: it has spoken. */
type Step = 'on' | 'break' | 'end';

function execute(statement: NftStatement, run: Run): Step {
  switch (statement.kind) {
    case 'nothing':
      return 'on';
    case 'unknown':
      return doubt(statement.text, run);
    case 'meter':
      // The packet asked about is the first: below every rate and every count.
      if (statement.name !== 'limit') return doubt(statement.text, run);
      return statement.over ? 'break' : 'on';
    case 'match': {
      const answer = matches(statement, run);
      return answer === undefined ? doubt(statement.text, run) : answer ? 'on' : 'break';
    }
    case 'verdict':
      return pronounce(statement.verdict, statement.chain, run);
    case 'verdict-map': {
      const found = findElement(statement.key, statement.elements, run);
      if (found === 'unknown') return doubt(statement.text, run);
      if (found === 'absent' || found.value === undefined) return 'break';
      const [verdict = '', chain] = found.value.split(' ');
      return pronounce(verdict, chain, run);
    }
    case 'set':
      return change(statement, run);
    case 'action':
      return act(statement, run);
  }
}

function doubt(text: string, { outcome }: Run): 'break' {
  outcome.unknown.push(text);
  return 'break';
}

function pronounce(verdict: string, chain: string | undefined, { outcome }: Run): Step {
  if (verdict === 'continue') return 'on';
  if (verdict === 'accept' || verdict === 'drop' || verdict === 'return') outcome.verdict = verdict;
  else if (chain !== undefined) outcome.verdict = { chain, goto: verdict === 'goto' };
  return 'end';
}

type Term =
  { value: NftValue; type: NftType } | { values: { value: NftValue; type: NftType }[] } | 'absent' | 'unknown';

function evaluate(term: NftTerm, run: Run, type: NftType = 'number'): Term {
  switch (term.kind) {
    case 'field': {
      const reading = readField(term.name, run.packet);
      return typeof reading === 'string' ? reading : { value: reading.value, type: typeOfField(term.name) };
    }
    case 'literal': {
      const value = readLiteral(term.text, type);
      return value === undefined ? 'unknown' : { value, type };
    }
    case 'chance':
      run.outcome.assumed.push(term.text);
      return { value: 0n, type: 'number' };
    case 'operation': {
      const left = evaluate(term.left, run, type);
      if (typeof left === 'string' || 'values' in left) return left;
      const right = evaluate(term.right, run, left.type);
      if (typeof right === 'string' || 'values' in right) return right;
      const value = combine(term.operator, left.value, right.value);
      return value === undefined ? 'unknown' : { value, type: left.type };
    }
    case 'concatenation': {
      const values: { value: NftValue; type: NftType }[] = [];
      for (const part of term.parts) {
        const value = evaluate(part, run, type);
        if (typeof value === 'string') return value;
        values.push(...('values' in value ? value.values : [value]));
      }
      return { values };
    }
    case 'map': {
      const found = findElement(term.key, term.of, run);
      if (typeof found === 'string') return found;
      const value = readLiteral(found.value ?? '', type);
      return value === undefined ? 'unknown' : { value, type };
    }
  }
}

function combine(operator: string, left: NftValue, right: NftValue): bigint | undefined {
  if (typeof left !== 'bigint' || typeof right !== 'bigint') return undefined;
  switch (operator) {
    case '&':
      return left & right;
    case '|':
      return left | right;
    case '^':
      return left ^ right;
    case '<<':
      return (left << right) & 0xffffffffn;
    case '>>':
      return left >> right;
    default:
      return undefined;
  }
}

/** Undefined: it cannot be told. */
function matches({ left, operator, right }: Extract<NftStatement, { kind: 'match' }>, run: Run): boolean | undefined {
  const negated = operator === '!=' || operator === 'ne';
  if ('named' in right || 'elements' in right) {
    const found = findElement(left, right, run);
    if (found === 'unknown') return undefined;
    // An absent field settles it whatever was asked; an element that is not there answers `!=`.
    if (found === 'absent') return false;
    return found.key.length > 0 !== negated;
  }
  if (asksForSyn(left, operator, right) && run.packet.sentAs === 'INVALID')
    return run.packet.protocol === 'tcp' && negated;
  const value = evaluate(left, run, typeOf(right));
  if (value === 'unknown') return undefined;
  if (value === 'absent') return false;
  if ('values' in value) {
    const parts = right.kind === 'concatenation' ? right.parts : [right];
    const answers = value.values.map((each, at) => {
      const part = parts[at];
      return part?.kind === 'literal' ? meets(each.value, part.text, each.type) : undefined;
    });
    return answers.includes(undefined) ? undefined : !answers.includes(false) !== negated;
  }
  if (right.kind === 'literal' && (operator === '' || negated || operator === '==' || operator === 'eq')) {
    if (operator === '' && isBits(value.type) && left.kind === 'field') {
      const wanted = readLiteral(right.text, value.type);
      return typeof wanted === 'bigint' && typeof value.value === 'bigint' ? (value.value & wanted) !== 0n : undefined;
    }
    const met = meets(value.value, right.text, value.type);
    return met === undefined ? undefined : met !== negated;
  }
  const other = evaluate(right, run, value.type);
  if (other === 'unknown' || (other !== 'absent' && 'values' in other)) return undefined;
  return other === 'absent' ? false : compare(operator, value.value, other.value);
}

/** `tcp flags != syn`, `tcp flags & (fin | syn | rst | ack) == syn`: SYN alone begins a connection and is never INVALID. */
function asksForSyn(left: NftTerm, operator: string, right: NftTerm): boolean {
  const field = left.kind === 'operation' && left.operator === '&' ? left.left : left;
  const exact = operator === '==' || operator === '!=';
  return (
    exact && field.kind === 'field' && field.name === 'tcp flags' && right.kind === 'literal' && right.text === 'syn'
  );
}

function compare(operator: string, left: NftValue, right: NftValue): boolean | undefined {
  switch (operator) {
    case '':
    case '==':
    case 'eq':
      return left === right;
    case '!=':
    case 'ne':
      return left !== right;
  }
  if (typeof left !== 'bigint' || typeof right !== 'bigint') return undefined;
  switch (operator) {
    case '<':
    case 'lt':
      return left < right;
    case '>':
    case 'gt':
      return left > right;
    case '<=':
    case 'le':
      return left <= right;
    case '>=':
    case 'ge':
      return left >= right;
    case '!':
      return (left & right) === 0n;
    default:
      return undefined;
  }
}

/** How the left side of a comparison with an address or number is read, when it is only a literal itself. */
function typeOf(term: NftTerm): NftType {
  return term.kind === 'field' ? typeOfField(term.name) : 'number';
}

const none: NftElement = { key: [] };
const parsed = new WeakMap<NamedSet, NftElement[]>();

/** The element for a key; one without a key: none is there. The narrowest of an interval map is the only one it can have. */
function findElement(key: NftTerm, where: NftElements, run: Run): NftElement | 'absent' | 'unknown' {
  const term = evaluate(key, run);
  if (typeof term === 'string') return term;
  const values = 'values' in term ? term.values : [term];
  const elements = 'named' in where ? elementsOf(where.named, run) : where.elements;
  if (!elements) return 'unknown';
  let all: NftElement | undefined;
  for (const element of elements) {
    if (element.key.length === 1 && element.key[0] === '*') {
      all = element;
      continue;
    }
    const answers = values.map(({ value, type }, at) => meets(value, element.key[at] ?? '', type));
    if (answers.includes(false)) continue;
    if (answers.includes(undefined)) return 'unknown';
    return element;
  }
  return all ?? none;
}

function elementsOf(name: string, { sets }: Run): NftElement[] | undefined {
  const set = sets.get(name);
  if (!set) return undefined;
  let elements = parsed.get(set);
  if (!elements) parsed.set(set, (elements = readNftElements(set.elements)));
  return elements;
}

function change({ field, value, text }: Extract<NftStatement, { kind: 'set' }>, run: Run): Step {
  const { packet } = run;
  const type = typeOfField(field);
  const term = evaluate(value, run, type);
  if (term === 'absent') return 'break';
  if (term === 'unknown' || 'values' in term) return doubt(text, run);
  const number = typeof term.value === 'bigint' ? Number(term.value & 0xffffffffn) : 0;
  switch (field) {
    case 'meta mark':
      packet.mark = number;
      return 'on';
    case 'ct mark':
      if (hasConnection(packet) && !packet.template) packet.connmark = number;
      return 'on';
    case 'ct zone':
    case 'ct original zone':
    case 'ct reply zone':
      // Unlike iptables' CT, which leaves alone what `notrack` has touched: nft's template takes its place.
      if (!packet.tracked && packet.state === 'UNTRACKED') packet.state = packet.sentAs;
      useTemplate(packet);
      return 'on';
    case 'ip saddr':
    case 'ip6 saddr':
      if (typeof term.value === 'bigint') packet.src = printAddress(packet.family, term.value);
      return 'on';
    case 'ip daddr':
    case 'ip6 daddr':
      if (typeof term.value === 'bigint') packet.dst = printAddress(packet.family, term.value);
      return 'on';
    case 'tcp dport':
    case 'udp dport':
    case 'th dport':
      packet.dport = number;
      return 'on';
    default:
      return 'on';
  }
}

function act({ name, words, to }: Extract<NftStatement, { kind: 'action' }>, run: Run): Step {
  const { packet, outcome } = run;
  const family = words.includes('ip6') ? '6' : words.includes('ip') ? '4' : undefined;
  switch (name) {
    case 'notrack':
      stopTracking(packet);
      return 'on';
    case 'reject':
      outcome.effect = 'drop';
      return 'end';
    case 'queue':
      outcome.effect = 'queue';
      return 'end';
    case 'masquerade':
      changeSource(packet, undefined, undefined, true);
      outcome.effect = 'source';
      return 'end';
  }
  // A statement for the other family does nothing: the next one is asked.
  if (family !== undefined && family !== packet.family) return name === 'tproxy' ? 'break' : 'on';
  const target = to ? mapped(to, run) : readTo(words);
  if (target === 'absent') return 'break';
  if (target === 'unknown') return doubt([name, ...words].join(' '), run);
  switch (name) {
    case 'redirect':
      sendHere(packet, run.place, target.ports);
      outcome.effect = 'redirect';
      return 'end';
    case 'dnat':
      outcome.effect = changeDestination(packet, target.address, target.ports);
      return 'end';
    case 'snat':
      changeSource(packet, target.address, target.ports, false);
      outcome.effect = 'source';
      return 'end';
    default:
      outcome.tproxy = true;
      packet.taken = Number(target.ports?.split('-')[0] ?? packet.dport);
      return 'on';
  }
}

/** `to :15001`, `to 10.0.0.1:80-90`, `to [fd00::1]:80` */
function readTo(words: string[]): { address?: string; ports?: string } {
  return splitTarget(words[words.indexOf('to') + 1] ?? '');
}

function splitTarget(written: string): { address?: string; ports?: string } {
  const [, bracketed, plain, ports] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+(?:-\d+)?))?$/.exec(written) ?? [];
  const address = bracketed ?? plain ?? written;
  return {
    ...(address ? { address: address.split(/[-/]/)[0] ?? '' } : {}),
    ...(ports === undefined ? {} : { ports }),
  };
}

/** `numgen random mod 2 map { 0 : 10.0.0.1 . 8080, … }` */
function mapped(term: NftTerm, run: Run): { address?: string; ports?: string } | 'absent' | 'unknown' {
  if (term.kind !== 'map') return 'unknown';
  const found = findElement(term.key, term.of, run);
  if (typeof found === 'string') return found;
  if (found.value === undefined) return 'absent';
  const [address = '', ports] = found.value.split(' . ');
  // A prefix for a prefix: which address within it, the packet's own says.
  if (address.includes('/')) return 'unknown';
  return { address, ...(ports === undefined ? {} : { ports }) };
}

/** The lines of iptables that stand for one rule of nftables: they are asked as one. */
export function linesOfRule(rules: readonly IptablesRule[], at: number): number {
  const source = rules[at]?.nft;
  let end = at + 1;
  while (source !== undefined && rules[end]?.nft === source) end++;
  return end - at;
}
