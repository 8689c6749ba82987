/** One verb on one node, for the terminal and for the extension’s request alike. */
import { join } from 'node:path';
import type { CniAction, CniMode, PlannedAction } from '../../contract/cni-plugin.ts';
import { pluginEntry } from '../../contract/cni-plugin.ts';
import { pluginProgramPath } from '../../contract/node-helper-rights.ts';
import type { RuntimeCni } from '../../contract/node-helper.ts';
import { parseCniFile } from '../../mesh/cni/parse-cni-file.ts';
import { attempt } from '../failure.ts';
import type { Disk } from '../host-disk.ts';
import { install, plan } from './install.ts';
import { type CniPaths, defaultPaths, Refused } from './node-paths.ts';
import { type Outcome, problemOf, refusedOutright } from './outcome.ts';
import { planRepairs, repair } from './repair.ts';
import type { PluginEntry, World } from './survey.ts';
import { planUninstall, uninstall } from './uninstall.ts';

export interface CniCall {
  verb: CniAction;
  /** Of `plan`. Default: install. */
  planFor?: PlannedAction;
  mode?: CniMode;
  /** Default: our own plugin’s. */
  entry?: PluginEntry;
  /** Of the plugin; absent: what is in the binary directory. */
  program?: string;
}

/** Our own entry. */
export function ownEntry(): PluginEntry {
  return { type: pluginEntry.type, text: JSON.stringify(pluginEntry) };
}

/**
 * The plugin’s program for this processor: where the helper’s pod has it, else beside this program.
 * @returns undefined when there is none.
 */
export function ownProgram(here: Disk): string | undefined {
  const beside = join(__dirname, `meshloom-cni-${process.arch}`);
  return [pluginProgramPath, beside].find((path) => here.lookBehind(path)?.kind === 'file');
}

/** Does it. @throws only what is a fault of ours. */
export async function performCni(world: World, call: CniCall): Promise<Outcome> {
  try {
    return await attemptCall(world, call);
  } catch (error) {
    if (error instanceof Refused) return refusedOutright(error);
    // Whatever failed did so before the directory was touched: from there on the verbs answer for themselves.
    if (typeof (error as NodeJS.ErrnoException).code === 'string') {
      const { code, message } = problemOf(error);
      return refusedOutright(new Refused(code, message, { cause: error }));
    }
    throw error;
  }
}

function attemptCall(world: World, { verb, planFor = 'install', mode, entry, program }: CniCall): Promise<Outcome> {
  const source = program === undefined ? {} : { program };
  const wanted = { entry: entry ?? ownEntry(), ...source, ...(mode && { mode }) };
  const named = { ...(entry && { type: entry.type }), ...source };
  switch (verb) {
    case 'install':
      return install(world, wanted);
    case 'uninstall':
      return uninstall(world, named);
    case 'repair':
      return repair(world);
    case 'plan':
      if (planFor === 'repair') return planRepairs(world);
      return planFor === 'uninstall' ? Promise.resolve(planUninstall(world, named)) : plan(world, wanted);
  }
}

/** Reads the entry to chain. @param from what to call it in a message. @throws {Refused} */
export function readEntry(text: string, from: string): PluginEntry {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Refused('plugin-conf', `The plugin’s entry ${from} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const type =
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as { type?: unknown }).type
      : undefined;
  if (typeof type !== 'string' || type === '' || /[/\\\0]/.test(type) || type === '.' || type === '..') {
    throw new Refused(
      'plugin-conf',
      `The plugin’s entry ${from} must be a JSON object whose “type” names a program: {"type":"meshloom-cni"}.`,
    );
  }
  // One field that the runtime cannot read, and it would load nothing at all.
  const list = `{"name":"entry","plugins":[${text}]}`;
  const { list: read, problems } = parseCniFile({ name: `${from}.conflist`, content: list });
  // In a list the one in small letters counts, in a file of its own the later one.
  const types = Object.keys(value as object).filter((key) => key.toLowerCase() === 'type');
  if (read?.plugins[0]?.type !== type || types.length > 1) {
    const why = problems.map(({ message }) => message).join(' ') || 'it has “type” twice, in different letters';
    throw new Refused('plugin-conf', `The plugin’s entry ${from} would keep the runtime from loading its list: ${why}`);
  }
  return { type, text };
}

/**
 * Where things lie on this node: what the caller says, else what the runtime uses, else the usual.
 * @param isDirectory of the host.
 */
export function choosePaths(
  runtime: RuntimeCni | undefined,
  said: Partial<CniPaths>,
  isDirectory: (path: string) => boolean,
): CniPaths {
  const binDirs = said.binDir === undefined && runtime?.binDirs.length ? runtime.binDirs : undefined;
  const there = binDirs?.find((path) => attempt(() => isDirectory(path))) ?? binDirs?.[0];
  return {
    confDir: said.confDir ?? runtime?.confDir ?? defaultPaths.confDir,
    binDir: said.binDir ?? there ?? defaultPaths.binDir,
    stateDir: said.stateDir ?? defaultPaths.stateDir,
    resultsDir: said.resultsDir ?? defaultPaths.resultsDir,
    ...(binDirs && { binDirs }),
  };
}
