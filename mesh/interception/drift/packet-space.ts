import { parseRange, printAddress } from '../address-range.ts';
import { protocolName } from '../protocols.ts';
import type { IptablesRule, Match } from '../ruleset.ts';

/**
 * All packets, cut into pieces that no rule at hand can tell apart: per dimension (protocol, port, address, …) the values
 * that some rule names, and what lies between them. A set of packets is then one bit mask per dimension, and whether two
 * rule sets treat every packet alike is decided, not sampled.
 */
export class PacketSpace {
  readonly #dimensions = new Map<string, Dimension>();
  readonly #marks: MarkDimension;

  /** @param rules every rule that will be asked about. */
  constructor(rules: Iterable<IptablesRule>) {
    const values = new Map<string, Match[]>();
    for (const { matches } of rules) {
      for (const match of matches) {
        const name = dimensionOf(match);
        if (name === undefined) continue;
        const same = values.get(name);
        if (same) same.push(match);
        else values.set(name, [match]);
      }
    }
    for (const [name, matches] of values) this.#dimensions.set(name, makeDimension(name, matches));
    this.#marks = new MarkDimension([...(values.get('mark') ?? []), ...(values.get('connmark') ?? [])]);
  }

  dimension(name: string): Dimension | undefined {
    // Marks that were changed on the way (`mark:…`) are compared with the same values as the packet's own.
    return /^(mark|connmark)(:|$)/.test(name) ? this.#marks : this.#dimensions.get(name);
  }

  readonly #conditions = new WeakMap<Match, { dimension: string; mask: bigint } | { dimension: undefined }>();

  /** The mask of one condition; undefined: it is no condition at all, such as a comment. */
  condition(match: Match): { dimension: string; mask: bigint } | undefined {
    const known = this.#conditions.get(match) ?? this.#conditionOf(match);
    this.#conditions.set(match, known);
    return known.dimension === undefined ? undefined : known;
  }

  #conditionOf(match: Match): { dimension: string; mask: bigint } | { dimension: undefined } {
    const name = dimensionOf(match);
    const dimension = name === undefined ? undefined : this.dimension(name);
    if (name === undefined || !dimension) return { dimension: undefined };
    const mask = dimension.maskOf(match);
    return { dimension: name, mask: match.negated ? dimension.all & ~mask : mask };
  }

  /** Whether a known mark meets a condition on marks. */
  meetsMark(mark: number, match: Match): boolean {
    return isMark(mark, match.values[0] ?? '') !== match.negated;
  }
}

/** A set of packets: a mask for every dimension that is not left open. */
export type Box = ReadonlyMap<string, bigint>;

export interface Dimension {
  /** Every piece. */
  all: bigint;
  /** The piece that no rule names. */
  unnamed: bigint;
  maskOf: (match: Match) => bigint;
  /** One value among the pieces of a mask, a preferred one if it is there; undefined: what no rule names. */
  sample: (mask: bigint, preferred?: readonly string[]) => string | undefined;
  /** The pieces of a mask in words, if they are the smaller part; undefined if the mask says "all but …". */
  describe: (mask: bigint) => string | undefined;
}

export function isMarkMatch({ module, option }: Match): 'mark' | 'connmark' | undefined {
  return option === '--mark' && (module === 'mark' || module === 'connmark') ? module : undefined;
}

/** They add nothing when they stand without options: `-p tcp -m tcp`. */
const ignoredModules = new Set(['tcp', 'udp', 'udplite', 'sctp', 'dccp', 'icmp', 'icmp6', 'comment']);

/** A comment, or a module that stands there without asking anything. */
export function isNoCondition({ option, module, values }: Match): boolean {
  return option === '--comment' || (option === '' && values.length === 0 && ignoredModules.has(module ?? ''));
}

/** What a match looks at. Anything that is not understood is a question of its own, answered yes or no. */
function dimensionOf(match: Match): string | undefined {
  const { option, values } = match;
  const [value = ''] = values;
  if (isNoCondition(match)) return undefined;
  switch (option) {
    case '-p':
      return 'protocol';
    case '-i':
      return 'in';
    case '-o':
      return 'out';
    case '-s':
    case '-d':
      return parseRange(value) ? (option === '-s' ? 'source' : 'destination') : opaque(match);
    case '--sport':
    case '--sports':
      return isNumbers(value) ? 'source port' : opaque(match);
    case '--dport':
    case '--dports':
      return isNumbers(value) ? 'port' : opaque(match);
    case '--uid-owner':
      return isNumbers(value) ? 'user' : opaque(match);
    case '--gid-owner':
      return isNumbers(value) ? 'group' : opaque(match);
    case '--src-range':
    case '--dst-range':
      return rangesOfAddress(value).length ? (option === '--src-range' ? 'source' : 'destination') : opaque(match);
    case '--ctstate':
    case '--state':
      return value.split(',').every((state) => states.includes(state)) ? 'state' : opaque(match);
  }
  return isMarkMatch(match) ?? opaque(match);
}

function opaque({ module = '', option, values }: Match): string {
  return `?${[module, option, ...values].filter(Boolean).join(' ')}`;
}

/** Every packet is in exactly one of them. `SNAT` and `DNAT` are said beside these. */
const states = ['NEW', 'INVALID', 'RELATED', 'ESTABLISHED', 'UNTRACKED'];

function isNumbers(value: string): boolean {
  return /^\d+([:-]\d+)?(,\d+([:-]\d+)?)*$/.test(value);
}

function makeDimension(name: string, matches: Match[]): Dimension {
  switch (name) {
    case 'protocol':
      return new NamesDimension(
        ['tcp', 'udp', ...matches.map(({ values }) => protocolName(values[0] ?? '') ?? 'all')],
        (a, b) => (protocolName(b) ?? a) === a,
        (value) => protocolName(value) === undefined,
      );
    case 'in':
    case 'out':
      return new NamesDimension(
        matches.map(({ values }) => values[0] ?? ''),
        isInterface,
        (value) => value === '+' || value === '',
      );
    case 'state':
      return new NamesDimension(states, (atom, list) => list.split(',').includes(atom));
    case 'source':
    case 'destination':
      return new IntervalDimension(matches, rangesOfAddress, 1n << 128n, sayAddresses, (value) =>
        printAddress(value < 1n << 32n && value > 0xffffn ? '4' : '6', value),
      );
    case 'port':
    case 'source port':
      return new IntervalDimension(matches, rangesOfNumbers, 65536n, sayNumbers);
    case 'user':
    case 'group':
      return new IntervalDimension(matches, rangesOfNumbers, 1n << 32n, sayNumbers);
    default:
      return new NamesDimension([name], () => true);
  }
}

/** Words that rules name, and one piece for everything else. */
class NamesDimension implements Dimension {
  readonly #names: string[];
  readonly #meets: (atom: string, value: string) => boolean;
  readonly #takesAll: (value: string) => boolean;
  readonly all: bigint;
  readonly unnamed: bigint;

  constructor(
    names: readonly string[],
    meets: (atom: string, value: string) => boolean,
    takesAll: (value: string) => boolean = () => false,
  ) {
    this.#names = [...new Set(names)];
    this.#meets = meets;
    this.#takesAll = takesAll;
    this.unnamed = names === states ? 0n : 1n << BigInt(this.#names.length);
    this.all = ((1n << BigInt(this.#names.length)) - 1n) | this.unnamed;
  }

  maskOf({ values }: Match): bigint {
    if (this.#takesAll(values[0] ?? '')) return this.all;
    return this.#names.reduce(
      (mask, name, at) => (this.#meets(name, values[0] ?? '') ? mask | (1n << BigInt(at)) : mask),
      0n,
    );
  }

  sample(mask: bigint): string | undefined {
    if (mask & this.unnamed) return undefined;
    return this.#names.find((_, at) => (mask >> BigInt(at)) & 1n);
  }

  describe(mask: bigint): string | undefined {
    if (mask >> BigInt(this.#names.length)) return undefined;
    return this.#names.filter((_, at) => (mask >> BigInt(at)) & 1n).join(', ');
  }
}

/** `eth+` takes `eth0` and itself, the stand-in for all its others. */
function isInterface(name: string, pattern: string): boolean {
  return pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

type Interval = [first: bigint, last: bigint];

/** Numbers, cut where some rule's range begins or ends. */
class IntervalDimension implements Dimension {
  readonly #starts: bigint[];
  readonly #end: bigint;
  readonly #rangesOf: (value: string) => Interval[];
  readonly #say: (ranges: Interval[]) => string;
  readonly #print: (value: bigint) => string;
  readonly all: bigint;
  readonly unnamed: bigint;

  constructor(
    matches: Match[],
    rangesOf: (value: string) => Interval[],
    end: bigint,
    say: (ranges: Interval[]) => string,
    print: (value: bigint) => string = String,
  ) {
    this.#print = print;
    const starts = new Set([0n]);
    for (const { values } of matches) {
      for (const [first, last] of rangesOf(values[0] ?? '')) {
        starts.add(first);
        if (last + 1n < end) starts.add(last + 1n);
      }
    }
    this.#starts = [...starts].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    this.#end = end;
    this.#rangesOf = rangesOf;
    this.#say = say;
    this.all = (1n << BigInt(this.#starts.length)) - 1n;
    this.unnamed = 1n << BigInt(this.#starts.length - 1);
  }

  maskOf({ values }: Match): bigint {
    let mask = 0n;
    for (const [first, last] of this.#rangesOf(values[0] ?? '')) {
      const [from, to] = [this.#indexFrom(first), this.#indexFrom(last + 1n)];
      mask |= (1n << BigInt(to)) - (1n << BigInt(from));
    }
    return mask;
  }

  /** The first piece that does not begin below a value. */
  #indexFrom(value: bigint): number {
    let [low, high] = [0, this.#starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  sample(mask: bigint, preferred: readonly string[] = []): string | undefined {
    const usual = preferred.find((value) =>
      this.#rangesOf(value).some(([number]) => (mask >> BigInt(this.#indexFrom(number + 1n) - 1)) & 1n),
    );
    if (usual !== undefined) return usual;
    if (mask & this.unnamed) return undefined;
    const start = this.#starts.find((_, at) => (mask >> BigInt(at)) & 1n);
    return start === undefined ? undefined : this.#print(start);
  }

  describe(mask: bigint): string | undefined {
    const ranges: Interval[] = [];
    let size = 0n;
    this.#starts.forEach((start, at) => {
      if (!((mask >> BigInt(at)) & 1n)) return;
      const last = (this.#starts[at + 1] ?? this.#end) - 1n;
      size += last - start + 1n;
      const previous = ranges.at(-1);
      if (previous?.[1] === start - 1n) previous[1] = last;
      else ranges.push([start, last]);
    });
    // Of IPv4 addresses the dimension holds only its low end.
    const whole = ranges.some(([, last]) => last === this.#end - 1n);
    return whole || size * 2n > this.#end ? undefined : this.#say(ranges);
  }
}

/** IPv4 addresses lie below 2^32, so that one dimension does for a rule set of either family. */
function rangesOfAddress(value: string): Interval[] {
  const [from, to, ...more] = value.split('-').map(parseRange);
  if (from && to && more.length === 0) return from.first <= to.last ? [[from.first, to.last]] : [];
  const range = parseRange(value);
  return range ? [[range.first, range.last]] : [];
}

function rangesOfNumbers(value: string): Interval[] {
  return value.split(',').map((part): Interval => {
    const [first = '0', last = first] = part.split(/[:-]/);
    return [BigInt(first), BigInt(last)];
  });
}

function sayNumbers(ranges: Interval[]): string {
  return few(ranges.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)));
}

function sayAddresses(ranges: Interval[]): string {
  return few(
    ranges.map(([first, last]) => {
      const family = last < 1n << 32n && first > 0xffffn ? '4' : '6';
      const name = printAddress(family, first);
      return first === last ? name : `${name}–${printAddress(family, last)}`;
    }),
  );
}

function few(words: string[]): string {
  return words.length > 4 ? `${words.slice(0, 3).join(', ')}, …` : words.join(', ');
}

/** Marks: the values that rules name under their masks, and one that none names. */
class MarkDimension implements Dimension {
  readonly #values: number[];
  readonly all: bigint;
  readonly unnamed = 2n;

  constructor(matches: Match[]) {
    const values = new Set([0, 0xa5a5a5a5]);
    for (const { values: named } of matches) {
      const { value, mask } = readMark(named[0] ?? '');
      for (const other of [...values].slice(0, 64)) values.add(((other & ~mask) | value) >>> 0);
      values.add(value);
    }
    this.#values = [...values];
    this.all = (1n << BigInt(this.#values.length)) - 1n;
  }

  maskOf({ values }: Match): bigint {
    return this.#values.reduce(
      (mask, each, at) => (isMark(each, values[0] ?? '') ? mask | (1n << BigInt(at)) : mask),
      0n,
    );
  }

  sample(mask: bigint): string | undefined {
    // A packet comes without a mark unless something gave it one.
    if (mask & 1n) return '0';
    const value = this.#values.find((_, at) => (mask >> BigInt(at)) & 1n);
    return value === undefined ? undefined : String(value);
  }

  describe(mask: bigint): string | undefined {
    if ((mask >> 1n) & 1n) return undefined;
    return few(this.#values.filter((_, at) => (mask >> BigInt(at)) & 1n).map((value) => `0x${value.toString(16)}`));
  }
}

function isMark(mark: number, written: string): boolean {
  const { value, mask } = readMark(written);
  return (mark & mask) >>> 0 === value;
}

/** `0x111/0xfff` */
export function readMark(written: string): { value: number; mask: number } {
  const [value = '0', mask] = written.split('/');
  return { value: Number(value) >>> 0, mask: mask === undefined ? 0xffffffff : Number(mask) >>> 0 };
}
