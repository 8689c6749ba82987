/**
 * What becomes of the first packet of a connection: through the chains as the kernel goes, but with every outcome of
 * chance at once. `--probability 0.333` splits what comes this far into 0.333 that goes and 0.667 that goes on.
 */
import type { AddressRange } from '../interception/address-range.ts';
import type { Action, Condition, KubeChain, KubeRule, KubeRuleset, LookupField, Verdict } from './kube-rules.ts';
import { findChain } from './kube-rules.ts';

export interface FirstPacket {
  source: bigint;
  /** The node's own processes: their packets begin in OUTPUT. */
  sourceLocal: boolean;
  /** By which the packet came in; absent: unknown. */
  interface?: string;
  destination: bigint;
  /** As the rules write it: keys of verdict maps are compared as text. */
  destinationText: string;
  destinationLocal: boolean;
  protocol: string;
  port: number;
  /** Affinity list in which the client stands: the connection is not its first. */
  remembered?: string;
}

/** What the packet is like at one place, and how much of all traffic comes there so. */
interface Stream {
  weight: number;
  mark: number;
  /** The rule that asked for the mark, as long as the mark is there. */
  markedBy?: KubeRule;
}

export interface Outcome extends Stream {
  kind: 'endpoint' | 'accept' | 'drop' | 'reject';
  address?: string;
  port?: number;
  by: KubeRule;
}

export interface WalkedStep {
  rule: KubeRule;
  /** Part of this client's traffic that the rule took, 0 to 1. */
  weight: number;
}

export class Walk {
  readonly outcomes: Outcome[] = [];
  /** Conditions that nobody here can decide, as they are written. */
  readonly undecided = new Set<string>();
  readonly #steps = new Map<KubeRule, WalkedStep>();
  readonly #rules: KubeRuleset;
  readonly #packet: FirstPacket;

  constructor(rules: KubeRuleset, packet: FirstPacket) {
    this.#rules = rules;
    this.#packet = packet;
  }

  /** In the order in which the packet comes to them. */
  get steps(): WalkedStep[] {
    return [...this.#steps.values()];
  }

  /** Sends it through a chain that the kernel calls. @returns what is left: neither sent elsewhere nor ended. */
  through(chain: KubeChain | undefined, streams: Stream[] = [{ weight: 1, mark: 0 }]): Stream[] {
    return chain ? merge(streams.flatMap((stream) => this.#chain(chain, stream, []))) : streams;
  }

  /** What became of the packet in NAT, without ending the walk: nat only writes the new destination. */
  takeOutcomes(): Outcome[] {
    return this.outcomes.splice(0);
  }

  #chain(chain: KubeChain, entering: Stream, callers: readonly KubeRule[]): Stream[] {
    // Deeper than any chain of kube-proxy's: rules that lead in a circle, which the kernel would not have taken.
    if (callers.length > 24) return [];
    let here: Stream[] = [entering];
    const left: Stream[] = [];
    for (const rule of chain.rules) {
      if (here.length === 0) break;
      if (isForeign(rule, chain)) continue;
      const next: Stream[] = [];
      for (const stream of here) {
        const chance = this.#chanceOf(rule, stream);
        if (chance < 1) next.push({ ...stream, weight: stream.weight * (1 - chance) });
        if (chance <= 0) continue;
        const taken = { ...stream, weight: stream.weight * chance };
        this.#note(rule, taken.weight);
        const { onward, returned } = this.#act(rule, taken, callers);
        next.push(...onward);
        left.push(...returned);
      }
      here = merge(next);
    }
    return [...left, ...here];
  }

  #note(rule: KubeRule, weight: number): void {
    const step = this.#steps.get(rule);
    if (step) step.weight += weight;
    else this.#steps.set(rule, { rule, weight });
  }

  /** `onward`: to the chain's next rule; `returned`: out of the chain. */
  #act(rule: KubeRule, taken: Stream, callers: readonly KubeRule[]): { onward: Stream[]; returned: Stream[] } {
    let here = [taken];
    const returned: Stream[] = [];
    for (const action of rule.actions) {
      const next: Stream[] = [];
      for (const stream of here) {
        for (const { verdict, weight } of this.#verdictsOf(action)) {
          const part = { ...stream, weight: stream.weight * weight };
          const result = this.#obey(rule, verdict, part, callers);
          next.push(...result.onward);
          returned.push(...result.returned);
        }
      }
      here = next;
    }
    return { onward: here, returned };
  }

  /** Chance and maps turned into the verdicts that they lead to; undefined: nothing found, go on. */
  #verdictsOf(action: Action): { verdict: Action | undefined; weight: number }[] {
    if (action.kind === 'lookup') {
      const key = action.key.map((field) => this.#field(field)).join(' . ');
      const found = this.#rules.maps.get(action.map)?.find((element) => element.key === key);
      return [{ verdict: found?.verdict, weight: 1 }];
    }
    if (action.kind !== 'random') return [{ verdict: action, weight: 1 }];
    return Array.from({ length: action.size }, (_, number) => ({
      verdict: action.verdicts.get(number),
      weight: 1 / action.size,
    }));
  }

  #field(field: LookupField): string {
    const { destinationText, protocol, port } = this.#packet;
    return { source: '', destination: destinationText, protocol, port: String(port) }[field];
  }

  #obey(
    rule: KubeRule,
    action: Action | undefined,
    stream: Stream,
    callers: readonly KubeRule[],
  ): { onward: Stream[]; returned: Stream[] } {
    switch (action?.kind) {
      case undefined:
      case 'remember':
      case 'lookup':
      case 'random':
        return { onward: [stream], returned: [] };
      case 'jump':
      case 'goto': {
        const chain = findChain(this.#rules, rule.table, action.chain);
        const back = chain ? this.#chain(chain, stream, [...callers, rule]) : [stream];
        return action.kind === 'jump' ? { onward: back, returned: [] } : { onward: [], returned: back };
      }
      case 'return':
        return { onward: [], returned: [stream] };
      case 'mark': {
        const mark = ((stream.mark & ~action.clear) ^ action.set) >>> 0;
        const markedBy = callers.at(-1) ?? rule;
        return { onward: [mark === 0 ? { weight: stream.weight, mark } : { ...stream, mark, markedBy }], returned: [] };
      }
      case 'dnat':
        this.outcomes.push({ ...stream, kind: 'endpoint', address: action.address, port: action.port, by: rule });
        return { onward: [], returned: [] };
      case 'masquerade':
      case 'accept':
        this.outcomes.push({ ...stream, kind: 'accept', by: rule });
        return { onward: [], returned: [] };
      case 'drop':
      case 'reject':
        this.outcomes.push({ ...stream, kind: action.kind, by: rule });
        return { onward: [], returned: [] };
    }
  }

  #chanceOf(rule: KubeRule, stream: Stream): number {
    let chance = 1;
    for (const condition of rule.conditions) {
      const own = this.#holds(condition, stream);
      chance *= condition.negated ? 1 - own : own;
      if (chance === 0) return 0;
    }
    return chance;
  }

  /** 1 or 0; between them for chance. What cannot be decided does not hold. */
  #holds(condition: Condition, { mark }: Stream): number {
    const packet = this.#packet;
    switch (condition.kind) {
      case 'protocol':
        return Number(condition.names.some((name) => name === packet.protocol || name === 'all'));
      case 'port':
        return Number(condition.ports.some(([first, last]) => packet.port >= first && packet.port <= last));
      case 'source':
        return Number(contains(condition.ranges, packet.source));
      case 'destination':
        return Number(contains(condition.ranges, packet.destination));
      case 'source-set':
        return 0;
      case 'destination-set':
        return Number(this.#rules.sets.get(condition.set)?.elements.includes(packet.destinationText) ?? false);
      case 'source-local':
        return Number(packet.sourceLocal);
      case 'destination-local':
        return Number(packet.destinationLocal);
      case 'interface':
        return Number(packet.interface !== undefined && fitsInterface(condition.name, packet.interface));
      case 'state':
        return Number(condition.states.includes('NEW'));
      case 'mark':
        return Number((mark & condition.mask) >>> 0 === condition.value);
      case 'chance':
        return condition.probability;
      case 'affinity':
        return Number(packet.remembered === condition.list);
      case 'unknown':
        this.undecided.add(condition.text);
        return condition.negated ? 1 : 0;
    }
  }
}

export function contains(ranges: readonly AddressRange[], address: bigint): boolean {
  return ranges.some(({ first, last }) => address >= first && address <= last);
}

function fitsInterface(pattern: string, name: string): boolean {
  return pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

/** The kernel's own chains also hold rules of others; only what leads to kube-proxy is followed. */
function isForeign({ actions }: KubeRule, { table, hook }: KubeChain): boolean {
  if (hook === undefined || table === 'kube-proxy') return false;
  return !actions.some((action) => 'chain' in action && /^KUBE-/.test(action.chain));
}

/** Streams that are alike flow together: a thousand endpoints must not become a thousand streams. */
function merge(streams: Stream[]): Stream[] {
  const [first, ...others] = streams.filter(({ weight }) => weight > 0);
  if (!first) return [];
  const merged: Stream[] = [first];
  for (const stream of others) {
    const same = merged.find(({ mark, markedBy }) => mark === stream.mark && markedBy === stream.markedBy);
    if (same) merged[merged.indexOf(same)] = { ...same, weight: same.weight + stream.weight };
    else merged.push(stream);
  }
  return merged;
}

export type { Verdict };
