import { isBuiltIn } from '../infer-table.ts';
import { plainChain, plainTable, valueOf } from '../interception-facts.ts';
import type { IptablesRule, Ruleset } from '../ruleset.ts';
import { isMarkMatch, readMark } from './packet-space.ts';
import type { Box, PacketSpace } from './packet-space.ts';

/** The chains of a rule set by table, as one family of packets meets them; native nftables under the names of iptables. */
export type Chains = ReadonlyMap<string, ReadonlyMap<string, Chain>>;

export interface Chain {
  rules: IptablesRule[];
  policy: string;
}

export function chainsOf(ruleset: Ruleset, family: '4' | '6'): Map<string, Map<string, Chain>> {
  const tables = new Map<string, Map<string, Chain>>();
  for (const { table, name, policy, rules, family: own } of ruleset.chains) {
    if (own !== undefined && own !== 'inet' && own !== family) continue;
    const chains = tables.get(plainTable(table)) ?? new Map<string, Chain>();
    tables.set(plainTable(table), chains);
    const known = chains.get(plainChain(table, name));
    const plain = rules.map((rule) => withPlainNames(rule, table));
    if (known) known.rules.push(...plain);
    else chains.set(plainChain(table, name), { rules: plain, policy: policy ?? 'ACCEPT' });
  }
  return tables;
}

function withPlainNames(rule: IptablesRule, table: string): IptablesRule {
  if (table === plainTable(table)) return rule;
  const plain = { ...rule, table: plainTable(table), chain: plainChain(table, rule.chain) };
  if (rule.target?.startsWith('istio-')) plain.target = plainChain(table, rule.target);
  return plain;
}

/** What becomes of packets at one hook of one table. */
export interface Outcome {
  /** `ACCEPT`, `DROP`, `REDIRECT`, … */
  verdict: string;
  /** Options of the verdict: `--to-ports 15006`. */
  options: string;
  /** The packet's mark and its connection's, as set on the way; undefined: as they came. */
  mark?: number | string;
  connmark?: number | string;
  /** What else was done, in order: `CT --zone 1`. */
  effects: string[];
}

export interface Piece {
  box: Box;
  outcome: Outcome;
}

/** Two outcomes are the same thing for a packet if these are equal. */
export function outcomeKey({ verdict, options, mark = '', connmark = '', effects }: Outcome): string {
  return [verdict, options, mark, connmark, ...effects].join('|');
}

/** Rules that overlap in too many ways to be compared. */
export class TooManyPieces extends Error {}

/** A few seconds. What real pods have takes some thousand. */
const mostSteps = 4_000_000;

/** Counts what a comparison costs, over all its walks. */
export interface Effort {
  steps: number;
}

interface Frame {
  rules: readonly IptablesRule[];
  at: number;
  back: Frame | undefined;
  depth: number;
}

interface State {
  box: Box;
  frame: Frame | undefined;
  marks: { mark?: number | string; connmark?: number | string };
  effects: readonly string[];
}

const terminal = new Set([
  'ACCEPT',
  'DROP',
  'REJECT',
  'QUEUE',
  'NFQUEUE',
  'REDIRECT',
  'DNAT',
  'SNAT',
  'MASQUERADE',
  'NETMAP',
  'TPROXY',
  'SYNPROXY',
]);
/** They write somewhere, and leave the packet as it is. */
const silent = new Set(['LOG', 'NFLOG', 'ULOG', 'TRACE', 'AUDIT', '']);

/** Sends a set of packets through one hook of one table, and cuts it where rules treat its packets differently. */
export function walkRules(
  chains: Chains,
  table: string,
  hook: string,
  start: Box,
  space: PacketSpace,
  effort: Effort,
): Piece[] {
  const base = chains.get(table)?.get(hook);
  const policy = base?.policy ?? 'ACCEPT';
  const pieces: Piece[] = [];
  const waiting: State[] = [
    { box: start, frame: { rules: base?.rules ?? [], at: 0, back: undefined, depth: 0 }, marks: {}, effects: [] },
  ];
  const end = ({ box, marks, effects }: State, verdict: string, options = '') =>
    pieces.push({ box, outcome: { verdict, options, ...marks, effects: [...effects] } });
  for (let state = waiting.pop(); state; state = waiting.pop()) {
    let current: State | undefined = state;
    while (current) {
      if (effort.steps++ > mostSteps) throw new TooManyPieces();
      const frame: Frame | undefined = current.frame;
      if (!frame) {
        end(current, policy);
        break;
      }
      const rule: IptablesRule | undefined = frame.rules[frame.at];
      if (!rule) {
        current = { ...current, frame: frame.back };
        continue;
      }
      const next: Frame = { ...frame, at: frame.at + 1 };
      const { matched, rest } = split(current, rule, space);
      for (const box of rest) waiting.push({ ...current, box, frame: next });
      current = matched && apply(rule, { ...current, box: matched, frame: next }, chains.get(table), end);
    }
  }
  return pieces;
}

/** The packets that a rule takes, and those it does not, as boxes without overlap. */
function split(state: State, rule: IptablesRule, space: PacketSpace): { matched: Box | undefined; rest: Box[] } {
  let box = state.box;
  const rest: Box[] = [];
  for (const match of rule.matches) {
    const kind = isMarkMatch(match);
    const value = kind && state.marks[kind];
    if (typeof value === 'number') {
      if (space.meetsMark(value, match)) continue;
      return { matched: undefined, rest: [...rest, box] };
    }
    const condition = space.condition(match);
    if (!condition) continue;
    const name = value ?? condition.dimension;
    const all = space.dimension(name)?.all ?? 0n;
    const here = box.get(name) ?? all;
    const inside = here & condition.mask;
    const outside = here & ~condition.mask;
    if (outside) rest.push(new Map(box).set(name, outside));
    if (!inside) return { matched: undefined, rest };
    if (outside) box = new Map(box).set(name, inside);
  }
  return { matched: box, rest };
}

function apply(
  rule: IptablesRule,
  state: State,
  chains: ReadonlyMap<string, Chain> | undefined,
  end: (state: State, verdict: string, options?: string) => void,
): State | undefined {
  const { target = '' } = rule;
  const { frame } = state;
  if (target === 'RETURN') return { ...state, frame: frame?.back };
  if (terminal.has(target)) {
    end(state, target, optionsOf(rule));
    return undefined;
  }
  const chain = isBuiltIn(target) ? undefined : chains?.get(target);
  if (chain && frame) {
    if (frame.depth > 100) throw new TooManyPieces();
    const back = rule.goto ? frame.back : frame;
    return { ...state, frame: { rules: chain.rules, at: 0, back, depth: frame.depth + 1 } };
  }
  if (silent.has(target)) return state;
  if (target === 'MARK' || target === 'CONNMARK') return { ...state, marks: setMark(rule, state.marks) };
  // The first zone stays: a packet that has a connection already is not given another.
  if ((target === 'CT' || target === 'NOTRACK') && state.effects.some((each) => /^(CT|NOTRACK)/.test(each)))
    return state;
  return { ...state, effects: [...state.effects, `${target} ${optionsOf(rule)}`.trim()] };
}

function optionsOf({ targetOptions }: IptablesRule): string {
  return targetOptions
    .map(({ option, values, negated }) => `${negated ? '! ' : ''}${[option, ...values].join(' ')}`)
    .sort()
    .join(' ');
}

/** Marks stay numbers as long as they can be known; else they are named by how they came about. */
function setMark(rule: IptablesRule, marks: State['marks']): State['marks'] {
  const own = rule.target === 'MARK' ? 'mark' : 'connmark';
  const set = valueOf(rule, '--set-xmark');
  if (set !== undefined) {
    const { value, mask } = readMark(set);
    const before = marks[own];
    if (mask === 0xffffffff) return { ...marks, [own]: value };
    if (typeof before === 'number') return { ...marks, [own]: ((before & ~mask) ^ value) >>> 0 };
    return { ...marks, [own]: `${before ?? own}:${set}` };
  }
  const isWhole = ['--nfmask', '--ctmask'].every(
    (option) => Number(valueOf(rule, option) ?? 0xffffffff) === 0xffffffff,
  );
  const saves = rule.targetOptions.some(({ option }) => option === '--save-mark');
  const restores = rule.targetOptions.some(({ option }) => option === '--restore-mark');
  if (saves) return { ...marks, connmark: isWhole ? (marks.mark ?? 'mark') : `connmark:${optionsOf(rule)}` };
  if (restores) return { ...marks, mark: isWhole ? (marks.connmark ?? 'connmark') : `mark:${optionsOf(rule)}` };
  return { ...marks, [own]: `${own}:${optionsOf(rule)}` };
}
