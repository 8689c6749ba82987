/** `cni plan` and `cni install`. */
import { join } from 'node:path';
import type { CniMode } from '../../contract/cni-plugin.ts';
import type { RuntimeCni } from '../../contract/node-helper.ts';
import type { CniPlan, PlanProblem } from '../../mesh/cni/cni-plan.ts';
import { refuse } from '../../mesh/cni/cni-plan.ts';
import { isOurText, planInstallation } from '../../mesh/cni/plan-installation.ts';
import { parseCniFile } from '../../mesh/cni/parse-cni-file.ts';
import { planStandalone } from '../../mesh/cni/plan-standalone.ts';
import { attempt } from '../failure.ts';
import { carryOut, makeRuntimeLook, saveName } from './carry-out.ts';
import { checkProgram } from './check-program.ts';
import { differing, endlessFight, fightsAfter, keepsChanging } from './fights.ts';
import {
  type Journal,
  type JournalFile,
  type JournalProgram,
  otherInstallations,
  readJournal,
  touchedBy,
  writeJournal,
} from './journal.ts';
import { isLocked, takeLock } from './lock.ts';
import { StatePlaces } from './node-paths.ts';
import { type Outcome, problemOf, warningOf } from './outcome.ts';
import { keepEarlier, placeProgram, planProgram, saveReplaced } from './program.ts';
import { hasLeftovers, putFile, putSaved, removeFile, sweep } from './put-file.ts';
import { askAbout, watchRuntime } from './watch-runtime.ts';
import {
  hashAt,
  isSame,
  type PluginEntry,
  probeChain,
  probeOurs,
  readEntries,
  surroundingsOf,
  type World,
} from './survey.ts';
import { takeBack } from './uninstall.ts';

export interface InstallRequest {
  entry: PluginEntry;
  /** Default: chained. */
  mode?: CniMode;
  /** The plugin’s program, to be placed. */
  program?: string;
}

/** How often another agent may change the directory under our hands before we give up. */
const attempts = 5;

/** What an installation would do. Writes nothing. */
export async function plan(world: World, request: InstallRequest): Promise<Outcome> {
  const found = await survey(world, new StatePlaces(world.disk, world.paths, request.entry.type), request);
  const { plan } = found;
  const problems = plan.action === 'none' && !isDone(world, found, request) ? programDue(world, request) : [];
  return { plan: { ...plan, problems: [...problems, ...plan.problems] }, exit: plan.action === 'refuse' ? 2 : 0 };
}

/** The configuration is as it should be, and what it names is not. */
function programDue({ disk, paths: { binDir } }: World, { entry: { type } }: InstallRequest): PlanProblem[] {
  const path = join(binDir, type);
  return disk.lookBehind(path)?.kind === 'file'
    ? [
        {
          severity: 'warning',
          code: 'program',
          message: `${path} is not the program that would be placed: installing replaces it.`,
        },
      ]
    : [
        {
          severity: 'error',
          code: 'ML2002',
          plugin: type,
          message: `The chain names “${type}”, and ${path} is gone: pods can neither start nor go. Installing puts it back.`,
        },
      ];
}

/** Chains the plugin, or puts its own configuration beside the others. A refusal and a failure leave nothing changed. */
export async function install(node: World, request: InstallRequest): Promise<Outcome> {
  const world: World = { ...node, answers: new Map() };
  const places = new StatePlaces(world.disk, world.paths, request.entry.type);
  const wasLocked = isLocked(world.disk, places);
  const first = await steadySurvey(node, world, places, request);
  const isPending =
    first.journal?.phase === 'installing' ||
    unfinished(world, places).length > 0 ||
    (first.plan.action === 'refuse' && (wasLocked || isLocked(world.disk, places)));
  if (!isPending && !hasLeftovers(world, places) && (first.plan.action === 'refuse' || isDone(world, first, request)))
    return { plan: first.plan, exit: first.plan.action === 'refuse' ? 2 : 0 };
  const unlock = await takeLock(world.disk, places);
  try {
    // A program that was being replaced while it was asked has another answer now.
    if (isPending) world.answers?.clear();
    sweep(world, places);
    // The process that began it is gone, or it would hold the lock: its half is in our way.
    for (const { places: theirs, journal } of unfinished(world, places)) takeBack(world, theirs, journal);
    const changed = new Set<string>();
    for (let count = 0; count < attempts; count++) {
      const outcome = await tryOnce(world, places, request, changed);
      if (outcome) return outcome;
    }
    return { plan: refuse(first.plan, keepsChanging(world, changed)), exit: 2 };
  } finally {
    unlock();
  }
}

/**
 * Files and journal are read one after the other, and another installer may begin and end between the two: a refusal counts
 * when a second look, with answers asked anew, finds the same.
 */
async function steadySurvey(node: World, world: World, places: StatePlaces, request: InstallRequest): Promise<Survey> {
  let found = await survey(world, places, request);
  for (let count = 1; count < attempts && found.plan.action === 'refuse'; count++) {
    const again = await survey({ ...node, answers: new Map() }, places, request);
    const isSteady = again.plan.action === 'refuse' && isSame(found.entries, again.entries);
    if (isSteady && JSON.stringify(found.journal) === JSON.stringify(again.journal)) break;
    found = again;
  }
  return found;
}

function unfinished({ disk, paths }: World, places: StatePlaces) {
  return otherInstallations(disk, paths, places).filter(({ journal }) => journal.phase === 'installing');
}

interface Survey {
  entries: ReturnType<typeof readEntries>;
  plan: CniPlan;
  journal: Journal | undefined;
}

async function survey(world: World, places: StatePlaces, request: InstallRequest): Promise<Survey> {
  const { entry, program, mode } = request;
  const entries = readEntries(world);
  const journal = readJournal(world.disk, places);
  const [probes, ours] = await Promise.all([probeChain(world, entries), probeOurs(world, entry.type, program)]);
  const input = {
    entries,
    // What is in the binary directory under our name now is not what will run.
    probes: probes.map((probe) => (probe.type === entry.type ? ours : probe)),
    ours,
    entryText: entry.text,
    touched: touchedBy(journal),
  };
  const plan =
    mode === 'standalone'
      ? planStandalone({
          ...input,
          ...(world.runtime?.maxNetworks !== undefined && { maxNetworks: world.runtime.maxNetworks }),
        })
      : planInstallation({ ...input, ...surroundingsOf(world, entries) });
  const found = { entries, plan, journal };
  if (plan.action === 'refuse' || isDone(world, found, request)) return found;
  const obstacles = [
    ...otherNetwork(world, entries, plan),
    ...checkProgram(world, program),
    ...endlessFight(journal, world),
  ];
  return obstacles.length > 0 ? { ...found, plan: refuse(plan, ...obstacles) } : found;
}

/** CRI-O may be told to use the network of a name, wherever its file stands in the order. */
function otherNetwork({ runtime }: World, entries: Survey['entries'], { effective }: CniPlan): PlanProblem[] {
  const wanted = runtime?.defaultNetwork;
  const first = entries.find(({ name }) => name === effective);
  const name = first && parseCniFile(first).list?.name;
  if (wanted === undefined || name === wanted) return [];
  const message = `${runtime!.program} is told to use the network “${wanted}” (cni_default_network), and the first file, ${effective ?? 'none'}, holds “${name ?? '?'}”: what is chained there would run for no pod. Make the file of “${wanted}” the first, or take the setting out.`;
  return [{ severity: 'error', code: 'default-network', message }];
}

/** Whether nothing at all is left to do: neither in the configuration nor for the program. */
function isDone(world: World, { plan, journal }: Survey, { entry, program }: InstallRequest): boolean {
  if (plan.action !== 'none') return false;
  if (program === undefined) return true;
  const wanted = planProgram(world, entry.type, program, journal);
  return wanted === undefined || (wanted.hash === journal?.program?.hash && isPlaced(world, wanted));
}

/** Somebody may have put another one in its place since. */
function isPlaced({ disk }: World, { path, hash }: JournalProgram): boolean {
  return hashAt(disk, path) === hash;
}

/**
 * @param changed is told the files that somebody else changed meanwhile.
 * @returns undefined when the directory changed in between, before we did anything to it.
 */
async function tryOnce(
  world: World,
  places: StatePlaces,
  request: InstallRequest,
  changed: Set<string>,
): Promise<Outcome | undefined> {
  const { disk } = world;
  const { entries, plan, journal: before } = await survey(world, places, request);
  if (plan.action === 'refuse') {
    // What an interrupted run began cannot be finished: undo it.
    if (before?.phase === 'installing') takeBack(world, places, before);
    return { plan, exit: 2 };
  }
  let next: Journal | undefined;
  let putBack = (): void => undefined;
  let said: RuntimeCni | undefined;
  try {
    const { entry, program: source } = request;
    const program = planProgram(world, entry.type, source, before);
    if (program) saveReplaced(world, places, program);
    putBack = keepEarlier(world, places, program);
    const files = filesAfter(world, plan, before);
    const fights = fightsAfter(world, before);
    next = {
      version: 1,
      confDir: world.paths.confDir,
      phase: 'installing',
      type: entry.type,
      ...(request.mode === 'standalone' && { mode: request.mode }),
      files,
      ...(fights.length > 0 && { fights }),
      ...(program && { program }),
    };
    writeJournal(disk, places, next);
    await placeProgram(world, places, entry.type, source, program, plan.cniVersion!);
    said = world.runtime ?? (await askAbout(world));
    const now = readEntries(world);
    if (!isSame(entries, now)) {
      for (const name of differing(entries, now)) changed.add(name);
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
  return verified(world, places, plan, next, said, () => {
    putBack();
    undoTexts(world, places, plan, next!, before);
  });
}

/** Asks the runtime how it took the change; what it cannot load because of us is taken back. */
async function verified(
  world: World,
  places: StatePlaces,
  plan: CniPlan,
  journal: Journal,
  said: RuntimeCni | undefined,
  undo: () => void,
): Promise<Outcome> {
  const isChanged = plan.writes.length + plan.removes.length > 0;
  const notice = isChanged ? attemptLook(world, places) : [];
  const verdict = isChanged ? await watchRuntime(world, plan, said) : {};
  if (verdict.refused !== undefined) return failed(plan, verdict.refused, undo);
  const done = finish(world, places, plan, journal);
  return { plan: { ...done, problems: [...done.problems, ...notice, ...(verdict.notes ?? [])] }, exit: 0 };
}

function attemptLook(world: World, places: StatePlaces): PlanProblem[] {
  try {
    makeRuntimeLook(world, places);
    return [];
  } catch (error) {
    return [warningOf(error)];
  }
}

/** Gives back what stood there before this run, whatever an earlier one had finished. */
function undoTexts(world: World, places: StatePlaces, plan: CniPlan, next: Journal, before: Journal | undefined): void {
  if (before?.phase !== 'installed') return takeBack(world, places, next);
  const { disk, paths } = world;
  for (const name of [...plan.removes, ...plan.writes.map((write) => write.name)]) {
    const path = join(paths.confDir, name);
    const { earlier, original } = next.files.find((file) => file.name === name)!;
    const owner = disk.lookBehind(path) ?? original ?? { mode: 0o644, uid: 0, gid: 0 };
    if (earlier !== undefined) putFile(disk, places, path, Buffer.from(earlier, 'base64'), owner);
    else if (original) putSaved(disk, places, path, original);
    else if (disk.look(path)) removeFile(disk, path);
  }
  makeRuntimeLook(world, places);
  writeJournal(disk, places, before);
}

/** The last steps change nothing that the next run could not do as well: they only warn. */
function finish(world: World, places: StatePlaces, plan: CniPlan, journal: Journal): CniPlan {
  const problems = [];
  try {
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
