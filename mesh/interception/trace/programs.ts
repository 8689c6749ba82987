import { isBuiltIn } from '../infer-table.ts';
import { plainChain, plainTable } from '../interception-facts.ts';
import type { IptablesChain, IptablesRule, NamedSet, Ruleset } from '../ruleset.ts';
import { lookup } from '../lookup.ts';
import { familyOfAddress } from './addresses.ts';
import type { IpFamily } from './addresses.ts';
import type { Hook } from './packet.ts';

/** One table as the kernel runs it. A text may show several of one name: of both families, or of two backends. */
export interface TableProgram {
  /** As iptables calls it: `nat`, also for native nftables' `istio-proxy-nat`. */
  table: string;
  /** A table of native nftables, whose rules run as nft prints them. */
  native: boolean;
  /** Undefined: the text does not tell, so it may be either. */
  family: IpFamily | 'inet' | undefined;
  /** By the names that iptables uses. */
  chains: Map<string, IptablesChain>;
  written: string;
  /** Sets and maps of a native table, and ipset's, which all tables of iptables share. */
  sets: ReadonlyMap<string, NamedSet>;
  comments: string[];
}

/** Cuts a rule set into its tables and finds out which family each of them sees. */
export function readPrograms(ruleset: Ruleset): TableProgram[] {
  const programs: TableProgram[] = [];
  for (const { table, chains, comments } of slices(ruleset)) {
    const made: TableProgram = {
      table: plainTable(table),
      native: isNative(table, chains),
      family: familyOf(chains, comments),
      chains: new Map(),
      written: table,
      sets: new Map(),
      comments,
    };
    const before = programs.findLast((program) => continues(program, made, chains));
    if (!before) programs.push(made);
    for (const chain of chains) addChain(before ?? made, chain);
  }
  settleFamilies(programs, ruleset);
  for (const program of programs) program.sets = setsOf(program, ruleset);
  return programs;
}

/** One chain that the kernel itself asks, and when. */
export interface BaseChain {
  program: TableProgram;
  chain: IptablesChain;
  /** `nat` chains are asked together, for a connection's first packet only. */
  nat: boolean;
  priority: number;
}

/** When the kernel asks the tables of iptables; nat has one number for destinations and one for sources. */
const priorities: Record<string, number> = { raw: -300, mangle: -150, nat: -100, filter: 0, security: 50 };
export const natPriority: Record<Hook, number> = {
  PREROUTING: -100,
  OUTPUT: -100,
  INPUT: 100,
  POSTROUTING: 100,
  FORWARD: 0,
};

/** All base chains at a hook, of all tables and both backends, in the order in which the kernel asks them. */
export function basesAt(programs: readonly TableProgram[], hook: Hook): BaseChain[] {
  // nft lists chains as they were made, and of two with one number the kernel asks the younger one first.
  const [declared, known] = [programs.filter(isDeclared), programs.filter((program) => !isDeclared(program))].map(
    (some) => some.flatMap((program) => basesOf(program, hook)),
  );
  // iptables' own tables are there since their first use: taken as the older ones.
  const bases = [...(declared ?? []).reverse(), ...(known ?? [])];
  // nat chains stand where nat stands, whatever their own number; that one counts among themselves.
  const stands = ({ nat, priority }: BaseChain) => (nat ? natPriority[hook] : priority);
  return bases.sort((a, b) => stands(a) - stands(b) || a.priority - b.priority);
}

function isDeclared({ chains }: TableProgram): boolean {
  return [...chains.values()].some(({ hook }) => hook !== undefined);
}

function basesOf(program: TableProgram, hook: Hook): BaseChain[] {
  const declared = [...program.chains.values()].filter((chain) => chain.hook?.hook.toUpperCase() === hook);
  if (declared.length)
    return declared.map((chain) => ({
      program,
      chain,
      nat: chain.hook?.type === 'nat',
      priority: chain.hook?.priority ?? 0,
    }));
  const chain = program.chains.get(hook);
  const nat = program.table === 'nat';
  const priority = nat ? natPriority[hook] : (lookup(priorities, program.table) ?? 0);
  return chain && !chain.hook && isBuiltIn(hook) ? [{ program, chain, nat, priority }] : [];
}

/** iptables' own tables have its names and chains in capital letters, also where nft lists them. */
function isNative(table: string, chains: readonly IptablesChain[]): boolean {
  if (plainTable(table) !== table) return true;
  const bases = chains.filter(({ hook }) => hook !== undefined);
  return bases.length > 0 && !(Object.hasOwn(priorities, table) && bases.every(({ name }) => isBuiltIn(name)));
}

function setsOf({ written, family, native }: TableProgram, { sets = [] }: Ruleset): Map<string, NamedSet> {
  const own = sets.filter((set) =>
    native ? set.table === written && (set.family === undefined || set.family === family) : set.table === undefined,
  );
  return new Map(own.map((set) => [set.name, set]));
}

interface Slice {
  table: string;
  chains: IptablesChain[];
  comments: string[];
}

function slices({ sections, chains }: Ruleset): Slice[] {
  if (sections) {
    let at = 0;
    return sections.map(({ table, chainCount, comments }) => {
      const own = chains.slice(at, at + chainCount);
      at += chainCount;
      return { table, chains: own, comments };
    });
  }
  const found: Slice[] = [];
  for (const chain of chains) {
    const last = found.at(-1);
    const again = last?.chains.some(({ name }) => name === chain.name);
    if (last?.table === chain.table && !again) last.chains.push(chain);
    else found.push({ table: chain.table, chains: [chain], comments: [] });
  }
  return found;
}

/**
 * A script of commands comes back to a table it has left. A table that declares a built-in chain which is already there is
 * another one: of the other family, or of the other backend.
 */
function continues(program: TableProgram, next: TableProgram, chains: IptablesChain[]): boolean {
  if (program.written !== next.written) return false;
  if (program.family !== next.family && program.family !== undefined && next.family !== undefined) return false;
  if (next.comments.some((line) => line.includes('Generated by'))) return false;
  return !chains.some(
    ({ name, policy }) =>
      policy !== undefined && program.chains.get(plainChain(next.written, name))?.policy !== undefined,
  );
}

function addChain(program: TableProgram, chain: IptablesChain): void {
  const name = plainChain(program.written, chain.name);
  const there = program.chains.get(name);
  program.chains.set(name, there ? { ...there, ...chain, rules: [...there.rules, ...chain.rules] } : chain);
}

function familyOf(chains: IptablesChain[], comments: string[]): TableProgram['family'] {
  const told = chains.find(({ family }) => family !== undefined)?.family;
  if (told) return told;
  const by = comments.map((line) => /Generated by \S*ip(6?)tables/.exec(line)).find((found) => found !== null);
  if (by) return by[1] === '6' ? '6' : '4';
  for (const { rules } of chains) {
    for (const rule of rules) {
      const family = familyOfRule(rule);
      if (family) return family;
    }
  }
  return undefined;
}

const addressOptions = new Set([
  '-s',
  '-d',
  '--on-ip',
  '--to-source',
  '--to-destination',
  '--src-range',
  '--dst-range',
]);

function familyOfRule({ matches, targetOptions }: IptablesRule): IpFamily | undefined {
  for (const { option, values } of [...matches, ...targetOptions]) {
    if (option === '-p' && values[0] === 'ipv6-icmp') return '6';
    if (option === '-p' && values[0] === 'icmp') return '4';
    if (!addressOptions.has(option)) continue;
    const address = (values[0] ?? '').replace(/^\[(.*)\].*$/, '$1').split(/[/,-]/)[0] ?? '';
    const family = familyOfAddress(address) ?? familyOfAddress(address.replace(/:\d+$/, ''));
    if (family) return family;
  }
  return undefined;
}

/** Tables without any address take the family of those printed with them: a whole save comes before the next. */
function settleFamilies(programs: TableProgram[], { family }: Ruleset): void {
  const seen = new Map<string, number>();
  const copies = programs.map(({ written }) => {
    const copy = seen.get(written) ?? 0;
    seen.set(written, copy + 1);
    return copy;
  });
  const several = Math.max(0, ...copies) > 0;
  const known = (copy: number) =>
    programs.find((program, at) => copies[at] === copy && program.family !== undefined)?.family;
  programs.forEach((program, at) => {
    const copy = copies[at] ?? 0;
    if (program.family !== undefined) return;
    const told = known(copy) ?? (several ? opposite(known(1 - copy)) : family === 'unknown' ? undefined : family);
    const settled = told ?? (several ? (copy === 0 ? '4' : '6') : undefined);
    if (settled !== undefined) program.family = settled;
  });
}

function opposite(family: TableProgram['family']): IpFamily | undefined {
  if (family === '4') return '6';
  return family === '6' ? '4' : undefined;
}
