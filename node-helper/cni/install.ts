/** `cni plan` and `cni install`. */
import { join } from 'node:path';
import type { CniPlan } from '../../mesh/cni/cni-plan.ts';
import { refuse } from '../../mesh/cni/cni-plan.ts';
import { isOurText, planInstallation } from '../../mesh/cni/plan-installation.ts';
import { attempt } from '../failure.ts';
import { carryOut, makeRuntimeLook, saveName } from './carry-out.ts';
import { type Journal, type JournalFile, readJournal, touchedBy, writeJournal } from './journal.ts';
import { takeLock } from './lock.ts';
import { StatePlaces } from './node-paths.ts';
import { type Outcome, problemOf, warningOf } from './outcome.ts';
import { keepEarlier, placeProgram, planProgram, saveReplaced } from './program.ts';
import { hasLeftovers, sweep } from './put-file.ts';
import { isSame, type PluginEntry, probeChain, probeOurs, readEntries, type World } from './survey.ts';
import { takeBack } from './uninstall.ts';

export interface InstallRequest {
  entry: PluginEntry;
  /** The plugin’s program, to be placed. */
  program?: string;
}

/** How often another agent may change the directory under our hands before we give up. */
const attempts = 5;

/** What an installation would do. Writes nothing. */
export async function plan(world: World, request: InstallRequest): Promise<Outcome> {
  const { plan } = await survey(world, new StatePlaces(world.disk, world.paths), request);
  return { plan, exit: plan.action === 'refuse' ? 2 : 0 };
}

/** Chains the plugin. A refusal and a failure leave nothing changed. */
export async function install(world: World, request: InstallRequest): Promise<Outcome> {
  const places = new StatePlaces(world.disk, world.paths);
  const first = await survey(world, places, request);
  const isPending = first.journal?.phase === 'installing';
  if (!isPending && !hasLeftovers(world, places) && (first.plan.action === 'refuse' || isDone(world, first, request)))
    return { plan: first.plan, exit: first.plan.action === 'refuse' ? 2 : 0 };
  const unlock = await takeLock(world.disk, places);
  try {
    sweep(world, places);
    for (let count = 0; count < attempts; count++) {
      const outcome = await tryOnce(world, places, request);
      if (outcome) return outcome;
    }
    const message = `Another program keeps changing ${world.paths.confDir}: nothing was changed. Stop it, then run again.`;
    return { plan: refuse(first.plan, { severity: 'error', code: 'changed', message }), exit: 2 };
  } finally {
    unlock();
  }
}

interface Survey {
  entries: ReturnType<typeof readEntries>;
  plan: CniPlan;
  journal: Journal | undefined;
}

async function survey(world: World, places: StatePlaces, { entry, program }: InstallRequest): Promise<Survey> {
  const entries = readEntries(world);
  const journal = readJournal(world.disk, places);
  const [probes, ours] = await Promise.all([probeChain(world, entries), probeOurs(world, entry.type, program)]);
  const plan = planInstallation({
    entries,
    // What is in the binary directory under our name now is not what will run.
    probes: probes.map((probe) => (probe.type === entry.type ? ours : probe)),
    ours,
    entryText: entry.text,
    touched: touchedBy(journal),
  });
  return { entries, plan, journal };
}

/** Whether nothing at all is left to do: neither in the configuration nor for the program. */
function isDone(world: World, { plan, journal }: Survey, { entry, program }: InstallRequest): boolean {
  if (plan.action !== 'none') return false;
  if (program === undefined) return true;
  const wanted = planProgram(world, entry.type, program, journal);
  return wanted === undefined || (wanted.hash === journal?.program?.hash && isPlaced(world, wanted));
}

function isPlaced(world: World, { path }: { path: string }): boolean {
  return world.disk.lookBehind(path)?.kind === 'file';
}

/** @returns undefined when the directory changed in between, before we did anything to it. */
async function tryOnce(world: World, places: StatePlaces, request: InstallRequest): Promise<Outcome | undefined> {
  const { disk } = world;
  const { entries, plan, journal: before } = await survey(world, places, request);
  if (plan.action === 'refuse') {
    // What an interrupted run began cannot be finished: undo it.
    if (before?.phase === 'installing') takeBack(world, places, before);
    return { plan, exit: 2 };
  }
  let next: Journal | undefined;
  let putBack = (): void => undefined;
  try {
    const { entry, program: source } = request;
    const program = planProgram(world, entry.type, source, before);
    if (program) saveReplaced(world, places, program);
    putBack = keepEarlier(world, places, program);
    const files = filesAfter(world, plan, before);
    next = {
      version: 1,
      confDir: world.paths.confDir,
      phase: 'installing',
      type: entry.type,
      files,
      ...(program && { program }),
    };
    writeJournal(disk, places, next);
    await placeProgram(world, places, entry.type, source, program, plan.cniVersion!);
    if (!isSame(entries, readEntries(world))) {
      putBack();
      restoreJournal(world, places, next, before);
      return undefined;
    }
    carryOut(world, places, plan, []);
  } catch (error) {
    return failed(plan, error, () => {
      if (!next) return;
      putBack();
      restoreJournal(world, places, next, before);
    });
  }
  return { plan: finish(world, places, plan, next), exit: 0 };
}

/** The last steps change nothing that the next run could not do as well: they only warn. */
function finish(world: World, places: StatePlaces, plan: CniPlan, journal: Journal): CniPlan {
  const problems = [];
  try {
    if (plan.writes.length > 0) makeRuntimeLook(world, places);
    writeJournal(world.disk, places, { ...journal, phase: 'installed' });
  } catch (error) {
    problems.push(warningOf(error));
  }
  return { ...plan, problems: [...plan.problems, ...problems] };
}

function failed(plan: CniPlan, error: unknown, undo: () => void): Outcome {
  const refused = refuse(plan, problemOf(error));
  try {
    undo();
    return { plan: refused, exit: 2 };
  } catch (undoing) {
    return { plan: refuse(refused, problemOf(undoing)), exit: 1 };
  }
}

/** Undoes what this run did. What an earlier one had finished stays as that one left it. */
function restoreJournal(world: World, places: StatePlaces, journal: Journal, before: Journal | undefined): void {
  // Where that cannot be written, what is written says the same: it knows the earlier texts too.
  if (before?.phase === 'installed') return void attempt(() => writeJournal(world.disk, places, before));
  takeBack(world, places, journal);
}

/** What the journal has to say of every file, those of earlier runs included. */
function filesAfter({ disk, paths: { confDir } }: World, plan: CniPlan, before: Journal | undefined): JournalFile[] {
  const earlier = before?.files ?? [];
  const memoryOf = (name: string): Pick<JournalFile, 'original' | 'earlier'> => {
    const known = earlier.find((file) => file.name === name);
    const original = saveName(disk, join(confDir, name));
    if (!known) return { original };
    if (original === null) return { original: known.wrote === null ? known.original : null };
    if (!isOurText(known, original.content)) return { original };
    return { original: known.original, earlier: original.content };
  };
  const written: JournalFile[] = plan.writes.map(({ name, content }) => ({
    name,
    ...memoryOf(name),
    wrote: Buffer.from(content).toString('base64'),
  }));
  const removed: JournalFile[] = plan.removes.map((name) => ({
    name,
    ...memoryOf(name),
    wrote: null,
    follows: plan.result!,
  }));
  const names = new Set([...plan.writes.map(({ name }) => name), ...plan.removes]);
  return [...earlier.filter(({ name }) => !names.has(name)), ...written, ...removed];
}
