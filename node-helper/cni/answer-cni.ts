/** `cni`: what the terminal’s verbs do, for the extension, on the host’s directories below `hostRoot`. */
import type { CniActionRequest, CniActionResult } from '../../contract/cni-plugin.ts';
import { attempt } from '../failure.ts';
import { diskBelow } from '../disk-below.ts';
import { type Disk, realDisk } from '../host-disk.ts';
import type { Host } from '../host.ts';
import { describeRuntime } from '../runtime/describe-runtime.ts';
import { Refused } from './node-paths.ts';
import { refusedOutright } from './outcome.ts';
import { type CniCall, choosePaths, ownProgram, performCni, readEntry } from './perform.ts';
import { readEntries, type World } from './survey.ts';
import { ifOfHere } from './watch-runtime.ts';

/** What a test brings along instead of the node. */
export interface CniSurroundings {
  /** Our own container’s. */
  disk?: Disk;
  /** The plugin’s program. Default: {@link ownProgram}. */
  program?: string;
  stateDir?: string;
  resultsDir?: string;
  askRuntime?: World['askRuntime'];
}

/** Never changes anything when the action is `plan`. */
export async function answerCni(
  host: Host,
  request: CniActionRequest,
  around: CniSurroundings = {},
): Promise<CniActionResult> {
  const here = around.disk ?? realDisk();
  const disk = diskBelow(host.hostRoot, here);
  const { action, planFor = 'install', mode, confDir, binDir, entry } = request;
  const said = {
    ...(confDir !== undefined && { confDir }),
    ...(binDir !== undefined && { binDir }),
    ...(around.stateDir !== undefined && { stateDir: around.stateDir }),
    ...(around.resultsDir !== undefined && { resultsDir: around.resultsDir }),
  };
  const askRuntime = around.askRuntime ?? (() => describeRuntime(host));
  const told = await askRuntime().catch(() => undefined);
  const paths = choosePaths(told, said, (path) => disk.lookBehind(path)?.kind === 'directory');
  const runtime = ifOfHere({ disk, paths }, told);
  const world: World = { host, disk, paths, here, askRuntime, ...(runtime && { runtime }) };
  const frame = { confDir: paths.confDir, binDir: paths.binDir, ...(action === 'plan' && { plannedFor: planFor }) };
  const texts = new Map((attempt(() => readEntries(world)) ?? []).map(({ name, content }) => [name, content]));
  try {
    const program = around.program ?? ownProgram(here);
    const call: CniCall = {
      verb: action,
      planFor,
      ...(mode && { mode }),
      ...(entry !== undefined && { entry: readEntry(entry, 'of the request') }),
      ...(program !== undefined && { program }),
    };
    const { plan, exit } = await performCni(world, call);
    const changed = [...plan.writes.map(({ name }) => name), ...plan.removes];
    const before = changed.flatMap((name) => {
      const text = texts.get(name);
      return text === undefined ? [] : [[name, text] as const];
    });
    return { exit, plan, ...frame, before: Object.fromEntries(before) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { ...refusedOutright(error), ...frame, before: {} };
  }
}
