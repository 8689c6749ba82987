import { isBuiltIn } from '../infer-table.ts';
import { plainChain, plainTable, valueOf } from '../interception-facts.ts';
import type { IptablesRule, Ruleset } from '../ruleset.ts';
import { TooManyPieces } from './decision-diagram.ts';
import type { Condition, Effort, Fate, Fates } from './decision-diagram.ts';
import { isMarkMatch, readMark } from './packet-space.ts';
import type { PacketSpace } from './packet-space.ts';

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

/** What rules have done to a packet so far. */
interface State {
  marks: { mark?: number | string; connmark?: number | string };
  effects: readonly string[];
}

/** A chain as it was entered: what follows when it ends depends on who jumped. */
interface Frame {
  rules: readonly IptablesRule[];
  depth: number;
  back: (state: State) => Fate;
  /** By state: the fate of packets from each rule on, as far as it was asked for. */
  known: Map<string, { from: number; fates: Fate[] }>;
  /** Frames of the jumps in it, by the rule's position. */
  entered: Map<number, Frame>;
}

export interface Comparison {
  space: PacketSpace;
  fates: Fates;
  effort: Effort;
}

/** What one hook of one table makes of every packet. */
export function decideHook(chains: Chains, table: string, hook: string, comparison: Comparison): Fate {
  return new HookWalk(chains.get(table), comparison).start(hook);
}

/** Goes through the rules from the last to the first: each rule chooses between its target and what its successors say. */
class HookWalk {
  readonly #chains: ReadonlyMap<string, Chain> | undefined;
  readonly #comparison: Comparison;

  constructor(chains: ReadonlyMap<string, Chain> | undefined, comparison: Comparison) {
    this.#chains = chains;
    this.#comparison = comparison;
  }

  start(hook: string): Fate {
    const base = this.#chains?.get(hook);
    const frame: Frame = {
      rules: base?.rules ?? [],
      depth: 0,
      back: (state) => this.#end(state, base?.policy ?? 'ACCEPT'),
      known: new Map(),
      entered: new Map(),
    };
    return this.#from(frame, 0, { marks: {}, effects: [] });
  }

  #end({ marks, effects }: State, verdict: string, options = ''): Fate {
    return this.#comparison.fates.end({ verdict, options, ...marks, effects: [...effects] });
  }

  #from(frame: Frame, at: number, state: State): Fate {
    const { mark = '', connmark = '' } = state.marks;
    const key = [mark, connmark, ...state.effects].join('|');
    let known = frame.known.get(key);
    if (!known) {
      const from = frame.rules.length;
      known = { from, fates: [] };
      known.fates[from] = frame.back(state);
      frame.known.set(key, known);
    }
    while (known.from > at) {
      this.#comparison.effort.spend();
      const index = known.from - 1;
      const next = known.fates[known.from]!;
      const rule = frame.rules[index]!;
      const conditions = this.#conditionsOf(rule, state);
      known.fates[index] = conditions
        ? this.#comparison.fates.choose(conditions, this.#apply(rule, index, frame, state, next), next)
        : next;
      known.from = index;
    }
    return known.fates[at]!;
  }

  /** Undefined: a mark that was set on the way rules it out. */
  #conditionsOf(rule: IptablesRule, { marks }: State): Condition[] | undefined {
    const conditions: Condition[] = [];
    for (const match of rule.matches) {
      const kind = isMarkMatch(match);
      const value = kind && marks[kind];
      if (typeof value === 'number') {
        if (!this.#comparison.space.meetsMark(value, match)) return undefined;
        continue;
      }
      const condition = this.#comparison.space.condition(match);
      if (condition) conditions.push(value === undefined ? condition : { ...condition, dimension: value });
    }
    return conditions;
  }

  #apply(rule: IptablesRule, at: number, frame: Frame, state: State, next: Fate): Fate {
    const { target = '' } = rule;
    if (target === 'RETURN') return frame.back(state);
    if (terminal.has(target)) return this.#end(state, target, optionsOf(rule));
    const chain = isBuiltIn(target) ? undefined : this.#chains?.get(target);
    if (chain) return this.#from(this.#enter(chain, rule, at, frame), 0, state);
    if (silent.has(target)) return next;
    if (target === 'MARK' || target === 'CONNMARK')
      return this.#from(frame, at + 1, { ...state, marks: setMark(rule, state.marks) });
    // The first zone stays: a packet that has a connection already is not given another.
    if ((target === 'CT' || target === 'NOTRACK') && state.effects.some((each) => /^(CT|NOTRACK)/.test(each)))
      return next;
    const effects = [...state.effects, `${target} ${optionsOf(rule)}`.trim()];
    return this.#from(frame, at + 1, { ...state, effects });
  }

  #enter(chain: Chain, { goto }: IptablesRule, at: number, frame: Frame): Frame {
    if (frame.depth > 100) throw new TooManyPieces();
    const known = frame.entered.get(at);
    if (known) return known;
    const entered: Frame = {
      rules: chain.rules,
      depth: frame.depth + 1,
      back: goto ? frame.back : (state) => this.#from(frame, at + 1, state),
      known: new Map(),
      entered: new Map(),
    };
    frame.entered.set(at, entered);
    return entered;
  }
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
