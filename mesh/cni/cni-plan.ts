/** What would be done to a node’s CNI directory, and why: the same for preview, terminal and execution. */
import type { ChainProblem, PluginVersions } from './cni-chain.ts';
import {
  type CniFileKind,
  cniFileKind,
  type CniFileText,
  type CniNetworkList,
  listLoadedFiles,
  parseCniFile,
} from './parse-cni-file.ts';

export type CniAction = 'insert' | 'convert' | 'none' | 'refuse' | 'restore' | 'remove';

/** A name in the directory. */
export interface CniDirectoryEntry extends CniFileText {
  /** Runtimes step over directories, whatever their name. */
  directory?: boolean;
  /** Of a directory that is named like a network: its files. Since CNI 1.3 libraries append its `.conf` to that network. */
  inside?: CniFileText[];
}

export interface PlanProblem {
  severity: 'error' | 'warning';
  /** A hazard’s code (`ML2001`), the code of a failed file access (`EROFS`), or a word. */
  code: string;
  message: string;
  plugin?: string;
}

export interface CniPlan {
  action: CniAction;
  /** The file in force now; absent when the runtime loads none. */
  effective?: string;
  /** The file in force afterwards. */
  result?: string;
  /** The version that every plugin is asked for afterwards. */
  cniVersion?: string;
  files: { name: string; kind: CniFileKind; valid: boolean }[];
  plugins: PluginVersions[];
  /** In this order, before all removals. */
  writes: { name: string; content: string }[];
  removes: string[];
  problems: PlanProblem[];
  /** Our program stays, because pods still need it to be disconnected. */
  binaryKept: boolean;
}

/** A plan that changes nothing yet, with what was found. */
export function emptyPlan(entries: readonly CniDirectoryEntry[], plugins: readonly PluginVersions[]): CniPlan {
  return {
    action: 'none',
    files: entries.map((entry) => ({
      name: entry.name,
      kind: entry.directory ? 'other' : cniFileKind(entry.name),
      valid: entry.directory || cniFileKind(entry.name) === 'other' || parseCniFile(entry).list !== undefined,
    })),
    plugins: [...plugins],
    writes: [],
    removes: [],
    problems: [],
    binaryKept: false,
  };
}

/** What the runtime would load, in its order. */
export function loadable(entries: readonly CniDirectoryEntry[]): CniDirectoryEntry[] {
  return listLoadedFiles(entries.filter(({ directory }) => !directory));
}

export function asPlanProblem({ severity, code, message, whatToDo, plugin }: ChainProblem): PlanProblem {
  return { severity, code, message: `${message} ${whatToDo}`, ...(plugin !== undefined && { plugin }) };
}

/** The plan turned down: nothing is written. */
export function refuse(plan: CniPlan, ...problems: PlanProblem[]): CniPlan {
  return { ...plan, action: 'refuse', writes: [], removes: [], problems: [...problems, ...plan.problems] };
}

/** The directory after the first steps of a plan. */
export function applySteps(
  entries: readonly CniDirectoryEntry[],
  { writes, removes }: Pick<CniPlan, 'writes' | 'removes'>,
): CniDirectoryEntry[] {
  const names = new Set([...writes.map(({ name }) => name), ...removes]);
  return [
    ...entries.filter(({ name }) => !names.has(name)),
    ...writes.filter(({ name }) => !removes.includes(name)).map(({ name, content }) => ({ name, content })),
  ];
}

/** Every directory that the runtime may see while a plan is carried out, the one before it left out. */
export function instantsOf(entries: readonly CniDirectoryEntry[], plan: CniPlan): CniDirectoryEntry[][] {
  const { writes, removes } = plan;
  return [
    ...writes.map((_, count) => applySteps(entries, { writes: writes.slice(0, count + 1), removes: [] })),
    ...removes.map((_, count) => applySteps(entries, { writes, removes: removes.slice(0, count + 1) })),
  ];
}

/** The list with the plugins that newer libraries append to it from the directory of its name. */
export function wholeList(list: CniNetworkList, entries: readonly CniDirectoryEntry[]): CniNetworkList {
  if (list.onlyInlined) return list;
  const files = entries.find(({ name, directory }) => directory && name === list.name)?.inside ?? [];
  const appended = listLoadedFiles(files)
    .filter(({ name }) => name.endsWith('.conf'))
    .flatMap((file) => parseCniFile(file).list?.plugins ?? []);
  return { ...list, plugins: [...list.plugins, ...appended] };
}
