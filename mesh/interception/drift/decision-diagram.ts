import type { Box, PacketSpace } from './packet-space.ts';

/** Rules that overlap in too many ways to be compared. */
export class TooManyPieces extends Error {}

/** A few seconds. What real pods have takes some thousand. */
const mostSteps = 6_000_000;

/** Counts what a comparison costs, over all its parts. */
export class Effort {
  #left: number;

  constructor(steps = mostSteps) {
    this.#left = steps;
  }

  spend(): void {
    if (this.#left-- <= 0) throw new TooManyPieces();
  }
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

/** Two outcomes are the same thing for a packet if these are equal. */
function outcomeKey({ verdict, options, mark = '', connmark = '', effects }: Outcome): string {
  return [verdict, options, mark, connmark, ...effects].join('|');
}

/**
 * The fate of every packet, as questions asked in a fixed order, of which each path asks only those that matter:
 *
 *     port? ─┬─ 15021, 15090 → ACCEPT
 *            └─ else → user? ─┬─ 1337 → ACCEPT
 *                             └─ else → REDIRECT --to-ports 15001
 *
 * Equal fates are one and the same node, so that two rule sets treat every packet alike if, and only if, their nodes are
 * identical. However many ports a list has, it is one question.
 */
export interface Fate {
  readonly id: number;
  /** Which question; Infinity: none is left. */
  readonly rank: number;
  readonly dimension: string;
  /** Every piece of the dimension is in exactly one mask. */
  readonly edges: readonly (readonly [mask: bigint, Fate])[];
  readonly outcome?: Outcome;
}

export interface Condition {
  dimension: string;
  mask: bigint;
}

/** Packets that two rule sets treat differently. */
export interface FateDifference {
  box: Box;
  expected: Outcome;
  actual: Outcome;
}

export class Fates {
  readonly #space: PacketSpace;
  readonly #effort: Effort;
  readonly #known = new Map<string, Fate>();
  readonly #ranks = new Map<string, number>();
  #count = 0;

  constructor(space: PacketSpace, effort: Effort) {
    this.#space = space;
    this.#effort = effort;
    const order = ['protocol', 'in', 'out', 'state', 'mark', 'connmark', 'user', 'group', 'source', 'source port'];
    for (const name of [...order, 'destination', 'port']) this.#rank(name);
  }

  end(outcome: Outcome): Fate {
    const key = outcomeKey(outcome);
    const known = this.#known.get(key);
    if (known) return known;
    const fate: Fate = { id: this.#count++, rank: Infinity, dimension: '', edges: [], outcome };
    this.#known.set(key, fate);
    return fate;
  }

  /** One rule: `inside` for the packets that meet all conditions, `outside` for the others. */
  choose(conditions: readonly Condition[], inside: Fate, outside: Fate): Fate {
    const byRank = new Map<number, bigint>();
    for (const { dimension, mask } of conditions) {
      const rank = this.#rank(dimension);
      byRank.set(rank, (byRank.get(rank) ?? mask) & mask);
    }
    const sorted = [...byRank].sort(([a], [b]) => a - b);
    if (sorted.some(([, mask]) => mask === 0n)) return outside;
    const names = [...this.#ranks.keys()];
    return this.#choose(sorted, 0, inside, outside, new Map(), names);
  }

  #choose(
    conditions: readonly [rank: number, mask: bigint][],
    at: number,
    inside: Fate,
    outside: Fate,
    done: Map<string, Fate>,
    names: readonly string[],
  ): Fate {
    const condition = conditions[at];
    if (inside === outside || !condition) return inside;
    const key = `${at} ${inside.id} ${outside.id}`;
    const known = done.get(key);
    if (known) return known;
    this.#effort.spend();
    const rank = Math.min(condition[0], inside.rank, outside.rank);
    const dimension = names[rank] ?? '';
    const all = this.#space.dimension(dimension)?.all ?? 0n;
    const mask = condition[0] === rank ? condition[1] : undefined;
    const parts = new Map<Fate, bigint>();
    const add = (to: Fate, pieces: bigint) => parts.set(to, (parts.get(to) ?? 0n) | pieces);
    for (const [mine, otherwise] of edgesAt(outside, rank, all)) {
      if (mask !== undefined && mine & ~mask) add(otherwise, mine & ~mask);
      const open = mask === undefined ? mine : mine & mask;
      if (!open) continue;
      for (const [theirs, then] of edgesAt(inside, rank, all)) {
        const both = open & theirs;
        if (both) add(this.#choose(conditions, mask === undefined ? at : at + 1, then, otherwise, done, names), both);
      }
    }
    const fate = this.#ask(rank, dimension, parts);
    done.set(key, fate);
    return fate;
  }

  #ask(rank: number, dimension: string, parts: Map<Fate, bigint>): Fate {
    const edges = [...parts].map(([to, mask]) => [mask, to] as const).sort(([, a], [, b]) => a.id - b.id);
    const [first, ...others] = edges;
    if (first && others.length === 0) return first[1];
    const key = `${rank}:${edges.map(([mask, to]) => `${to.id}=${mask.toString(32)}`).join()}`;
    const known = this.#known.get(key);
    if (known) return known;
    const fate: Fate = { id: this.#count++, rank, dimension, edges };
    this.#known.set(key, fate);
    return fate;
  }

  #rank(dimension: string): number {
    const known = this.#ranks.get(dimension) ?? this.#ranks.size;
    this.#ranks.set(dimension, known);
    return known;
  }

  /**
   * Where two fates differ, in boxes without overlap.
   * @param among only packets in this box exist.
   * @param most stop at so many boxes: one is enough to prove a difference, a few hundred to find a telling one.
   */
  differences(expected: Fate, actual: Fate, among: Box, most: number): FateDifference[] {
    const found: FateDifference[] = [];
    const differs = new Map<string, boolean>();
    const isDifferent = (a: Fate, b: Fate): boolean => {
      if (a === b) return false;
      if (a.outcome && b.outcome) return true;
      const key = `${a.id} ${b.id}`;
      const known = differs.get(key);
      if (known !== undefined) return known;
      this.#effort.spend();
      const answer = [...this.#pairs(a, b, among)].some(([, mine, theirs]) => isDifferent(mine, theirs));
      differs.set(key, answer);
      return answer;
    };
    const visit = (a: Fate, b: Fate, box: Box): void => {
      if (found.length >= most || !isDifferent(a, b)) return;
      if (a.outcome && b.outcome) {
        found.push({ box, expected: a.outcome, actual: b.outcome });
        return;
      }
      this.#effort.spend();
      const { dimension } = a.rank <= b.rank ? a : b;
      // Pieces with the same two fates are told together: `to port 80, 443`.
      const together = new Map<string, [bigint, Fate, Fate]>();
      for (const [mask, mine, theirs] of this.#pairs(a, b, among)) {
        const key = `${mine.id} ${theirs.id}`;
        together.set(key, [(together.get(key)?.[0] ?? 0n) | mask, mine, theirs]);
      }
      for (const [mask, mine, theirs] of together.values()) visit(mine, theirs, new Map(box).set(dimension, mask));
    };
    visit(expected, actual, new Map(among));
    return found;
  }

  *#pairs(a: Fate, b: Fate, among: Box): Generator<[mask: bigint, Fate, Fate]> {
    const rank = Math.min(a.rank, b.rank);
    const { dimension } = a.rank <= b.rank ? a : b;
    const all = among.get(dimension) ?? this.#space.dimension(dimension)?.all ?? 0n;
    for (const [mine, left] of edgesAt(a, rank, all)) {
      if (!(mine & all)) continue;
      for (const [theirs, right] of edgesAt(b, rank, all)) {
        const both = mine & theirs & all;
        if (both) yield [both, left, right];
      }
    }
  }
}

function edgesAt(fate: Fate, rank: number, all: bigint): readonly (readonly [bigint, Fate])[] {
  return fate.rank === rank ? fate.edges : [[all, fate]];
}
