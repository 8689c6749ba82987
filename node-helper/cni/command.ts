/** `cni plan|install|uninstall|repair`: flags in, one plan out, as contract or as text. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { CniAction } from '../../contract/cni-plugin.ts';
import { diskBelow } from '../disk-below.ts';
import { type Disk, diskBoundTo, realDisk } from '../host-disk.ts';
import type { Host } from '../host.ts';
import { describeRuntime } from '../runtime/describe-runtime.ts';
import { type CniPaths, Refused } from './node-paths.ts';
import { type Outcome, refusedOutright } from './outcome.ts';
import { type CniCall, choosePaths, ownProgram, performCni, readEntry } from './perform.ts';
import { printOutcome } from './print-outcome.ts';
import type { PluginEntry } from './survey.ts';
import { ifOfHere } from './watch-runtime.ts';

export type CniVerb = CniAction;

export const cniVerbs: readonly CniVerb[] = ['plan', 'install', 'uninstall', 'repair'];

/** A call that cannot be understood. */
export class CniUsageError extends Error {
  override readonly name = 'CniUsageError';
}

const options = {
  format: { type: 'string', default: 'text' },
  mode: { type: 'string', default: 'chained' },
  'conf-dir': { type: 'string' },
  'bin-dir': { type: 'string' },
  'state-dir': { type: 'string' },
  'results-dir': { type: 'string' },
  'plugin-conf': { type: 'string' },
  'plugin-bin': { type: 'string' },
  /** Read before a host is made: see main.ts. */
  'host-root': { type: 'string' },
  proc: { type: 'string' },
  /** Said by a program that runs this one as its child: the work ends with that process. */
  'with-parent': { type: 'string' },
} as const;

/**
 * Runs one verb.
 * @param makeHost is told the flags that every verb of the program has.
 * @returns the exit code.
 * @throws {CniUsageError}
 */
export async function runCni(
  makeHost: (overrides: Partial<Pick<Host, 'proc' | 'hostRoot'>>) => Host,
  args: string[],
  out: (text: string) => Promise<number>,
): Promise<number> {
  const { verb, values } = readCall(args);
  const { proc, 'host-root': hostRoot } = values;
  const host = makeHost({ ...(proc && { proc }), ...(hostRoot && { hostRoot }) });
  const here = chooseDisk(values['with-parent']);
  const disk = diskBelow(host.hostRoot, here);
  const said = saidPaths(values);
  // Whoever names both directories may mean no runtime at all.
  const isAsked = said.confDir === undefined || said.binDir === undefined;
  const askRuntime = () => describeRuntime(host);
  const told = isAsked ? await askRuntime().catch(() => undefined) : undefined;
  const paths = choosePaths(told, said, (path) => disk.lookBehind(path)?.kind === 'directory');
  const runtime = ifOfHere({ disk, paths }, told);
  const world = { host, disk, here, paths, ...(runtime && { runtime, askRuntime }) };
  const outcome = await attemptVerb(values, here, (call) => performCni(world, { ...call, verb }));
  await out(values.format === 'json' ? asContract(outcome, paths) : printOutcome(outcome, verb, paths));
  return outcome.exit;
}

function chooseDisk(parent: string | undefined): Disk {
  return parent === undefined ? realDisk() : diskBoundTo(Number(parent));
}

function saidPaths(values: Values): Partial<CniPaths> {
  const named = (flag: 'conf-dir' | 'bin-dir' | 'state-dir' | 'results-dir', key: keyof CniPaths) =>
    values[flag] === undefined ? {} : { [key]: resolve(values[flag]) };
  return {
    ...named('conf-dir', 'confDir'),
    ...named('bin-dir', 'binDir'),
    ...named('state-dir', 'stateDir'),
    ...named('results-dir', 'resultsDir'),
  };
}

function readCall(args: string[]) {
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const verb = cniVerbs.find((known) => known === positionals[0]);
    if (!verb || positionals.length > 1) throw new CniUsageError(`cni takes one of ${cniVerbs.join(', ')}.`);
    if (values.format !== 'text' && values.format !== 'json')
      throw new CniUsageError(`--format is text or json, not “${values.format}”.`);
    if (values.mode !== 'chained' && values.mode !== 'standalone')
      throw new CniUsageError(`--mode is chained or standalone, not “${values.mode}”.`);
    return { verb, values };
  } catch (error) {
    throw error instanceof CniUsageError ? error : new CniUsageError((error as Error).message, { cause: error });
  }
}

type Values = ReturnType<typeof readCall>['values'];

async function attemptVerb(
  values: Values,
  here: Disk,
  perform: (call: Omit<CniCall, 'verb'>) => Promise<Outcome>,
): Promise<Outcome> {
  try {
    const { 'plugin-conf': conf, 'plugin-bin': source, mode } = values;
    const entry = conf === undefined ? undefined : readPluginConf(conf);
    // Another plugin's program is not ours to bring along.
    const program = source === undefined ? (entry ? undefined : ownProgram(here)) : resolve(source);
    return await perform({
      ...(entry && { entry }),
      ...(program !== undefined && { program }),
      ...(mode === 'standalone' && { mode }),
    });
  } catch (error) {
    if (error instanceof Refused) return refusedOutright(error);
    throw error;
  }
}

function readPluginConf(path: string): PluginEntry {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (cause) {
    throw new Refused('plugin-conf', `The plugin’s entry ${path} could not be read: ${(cause as Error).message}`, {
      cause,
    });
  }
  return readEntry(text, path);
}

/** The shape that other programs parse: it only grows. */
function asContract({ plan: { writes, removes, ...rest } }: Outcome, { confDir }: CniPaths): string {
  const { action, effective = null, result = null, cniVersion = null, files, plugins, problems, binaryKept } = rest;
  const contract = {
    ...{ action, effective, result, cniVersion, files, plugins },
    writes: writes.map(({ name, content }) => ({ path: join(confDir, name), content })),
    removes: removes.map((name) => join(confDir, name)),
    problems,
    binaryKept,
  };
  return `${JSON.stringify(contract, undefined, 2)}\n`;
}
