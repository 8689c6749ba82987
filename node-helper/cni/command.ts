/** `cni plan|install|uninstall|repair`: flags in, one plan out, as contract or as text. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Disk, diskBoundTo, realDisk } from '../host-disk.ts';
import type { Host } from '../host.ts';
import { install, plan } from './install.ts';
import { type CniPaths, defaultPaths, Refused } from './node-paths.ts';
import { type Outcome, problemOf, refusedOutright } from './outcome.ts';
import { printOutcome } from './print-outcome.ts';
import { repair } from './repair.ts';
import { type PluginEntry, type World } from './survey.ts';
import { uninstall } from './uninstall.ts';

export type CniVerb = 'plan' | 'install' | 'uninstall' | 'repair';

export const cniVerbs: readonly CniVerb[] = ['plan', 'install', 'uninstall', 'repair'];

/** A call that cannot be understood. */
export class CniUsageError extends Error {
  override readonly name = 'CniUsageError';
}

const options = {
  format: { type: 'string', default: 'text' },
  'conf-dir': { type: 'string', default: defaultPaths.confDir },
  'bin-dir': { type: 'string', default: defaultPaths.binDir },
  'state-dir': { type: 'string', default: defaultPaths.stateDir },
  'results-dir': { type: 'string', default: defaultPaths.resultsDir },
  'plugin-conf': { type: 'string' },
  'plugin-bin': { type: 'string' },
  /** Said by a program that runs this one as its child: the work ends with that process. */
  'with-parent': { type: 'string' },
} as const;

/** Runs one verb. @returns the exit code. @throws {CniUsageError} */
export async function runCni(host: Host, args: string[], out: (text: string) => Promise<number>): Promise<number> {
  const { verb, values } = readCall(args);
  const paths: CniPaths = {
    confDir: resolve(values['conf-dir']),
    binDir: resolve(values['bin-dir']),
    stateDir: resolve(values['state-dir']),
    resultsDir: resolve(values['results-dir']),
  };
  const outcome = await attemptVerb({ host, disk: chooseDisk(values['with-parent']), paths }, verb, values);
  await out(values.format === 'json' ? asContract(outcome, paths) : printOutcome(outcome, verb, paths));
  return outcome.exit;
}

function chooseDisk(parent: string | undefined): Disk {
  return parent === undefined ? realDisk() : diskBoundTo(Number(parent));
}

function readCall(args: string[]) {
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const verb = cniVerbs.find((known) => known === positionals[0]);
    if (!verb || positionals.length > 1) throw new CniUsageError(`cni takes one of ${cniVerbs.join(', ')}.`);
    if (values.format !== 'text' && values.format !== 'json')
      throw new CniUsageError(`--format is text or json, not “${values.format}”.`);
    return { verb, values };
  } catch (error) {
    throw error instanceof CniUsageError ? error : new CniUsageError((error as Error).message, { cause: error });
  }
}

type Values = ReturnType<typeof readCall>['values'];

async function attemptVerb(world: World, verb: CniVerb, values: Values): Promise<Outcome> {
  const source = values['plugin-bin'];
  const program = source === undefined ? {} : { program: resolve(source) };
  try {
    const entry = values['plugin-conf'] === undefined ? undefined : readPluginConf(values['plugin-conf']);
    switch (verb) {
      case 'plan':
        return await plan(world, { entry: entry ?? missingEntry(), ...program });
      case 'install':
        return await install(world, { entry: entry ?? missingEntry(), ...program });
      case 'uninstall':
        return await uninstall(world, { ...(entry && { type: entry.type }), ...program });
      case 'repair':
        return await repair(world);
    }
  } catch (error) {
    if (error instanceof Refused) return refusedOutright(error);
    if (error instanceof CniUsageError) throw error;
    // Whatever failed did so before the directory was touched: from there on the verbs answer for themselves.
    if (typeof (error as NodeJS.ErrnoException).code === 'string') {
      return refusedOutright(new Refused(problemOf(error).code, problemOf(error).message, { cause: error }));
    }
    throw error;
  }
}

function missingEntry(): never {
  throw new CniUsageError('Name the plugin’s entry: --plugin-conf FILE, a JSON object with “type”.');
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
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Refused('plugin-conf', `The plugin’s entry ${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const type =
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as { type?: unknown }).type
      : undefined;
  if (typeof type !== 'string' || type === '' || /[/\\\0]/.test(type) || type === '.' || type === '..') {
    throw new Refused(
      'plugin-conf',
      `The plugin’s entry ${path} must be a JSON object whose “type” names a program: {"type":"meshloom-cni"}.`,
    );
  }
  return { type, text };
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
