/** `cni uninstall`, and the way back from an installation that failed. */
import { pluginType } from '../../contract/cni-plugin.ts';
import type { CniPlan } from '../../mesh/cni/cni-plan.ts';
import { emptyPlan, refuse } from '../../mesh/cni/cni-plan.ts';
import { planRemoval, textWithout } from '../../mesh/cni/plan-removal.ts';
import { carryOut, makeRuntimeLook } from './carry-out.ts';
import {
  forgetJournal,
  type Journal,
  type JournalFile,
  otherInstallations,
  readJournal,
  touchedBy,
  writeJournal,
} from './journal.ts';
import { takeLock } from './lock.ts';
import { StatePlaces } from './node-paths.ts';
import { type Outcome, problemOf, warningOf } from './outcome.ts';
import { isNeeded, planProgram, withdrawProgram } from './program.ts';
import { hasLeftovers, sweep } from './put-file.ts';
import { hashAt, readEntries, type World } from './survey.ts';

export interface UninstallRequest {
  /** Default: what the journal names, else `meshloom-cni`. */
  type?: string;
  /** Our program, to know it again where the journal is lost. */
  program?: string;
}

/** What an uninstallation would do. Writes nothing. */
export function planUninstall(world: World, request: UninstallRequest): Outcome {
  const places = placesFor(world, request);
  const journal = readJournal(world.disk, places);
  const plan = planFor(world, journal, request);
  const type = request.type ?? journal?.type ?? pluginType;
  const binaryKept = plan.action !== 'refuse' && journal?.program !== undefined && isNeeded(world, type);
  return { plan: { ...plan, binaryKept }, exit: plan.action === 'refuse' ? 2 : 0 };
}

/** Takes the plugin out of the chain. */
export async function uninstall(world: World, request: UninstallRequest): Promise<Outcome> {
  const places = placesFor(world, request);
  const journal = readJournal(world.disk, places);
  const first = planFor(world, journal, request);
  if (!journal && !hasLeftovers(world, places) && (first.action === 'refuse' || first.action === 'none'))
    return { plan: first, exit: first.action === 'refuse' ? 2 : 0 };
  const unlock = await takeLock(world.disk, places);
  try {
    sweep(world, places);
    return carryOutRemoval(world, places, request);
  } finally {
    unlock();
  }
}

/** Who names no plugin means ours; where that is not installed, the one that was installed last. */
function placesFor(world: World, { type }: UninstallRequest): StatePlaces {
  const { disk, paths } = world;
  const own = new StatePlaces(disk, paths, type);
  if (type !== undefined || disk.look(own.journal)) return own;
  const others = otherInstallations(disk, paths, own);
  const texts = new Set(readEntries(world).flatMap(({ content }) => (content === undefined ? [] : [base64(content)])));
  const last = others.find(({ journal }) => journal.files.some(({ wrote }) => wrote !== null && texts.has(wrote)));
  return (last ?? others[0])?.places ?? own;
}

/**
 * Other plugins were installed since: what goes now goes from what their journals speak of, too. The one that came right
 * after it will give back what stood there before both.
 */
function handOver({ disk, paths }: World, places: StatePlaces, journal: Journal | undefined): void {
  if (!journal) return;
  for (const { places: theirs, journal: other } of otherInstallations(disk, paths, places)) {
    const files = handedOver(other, journal);
    if (files) writeJournal(disk, theirs, { ...other, files });
  }
}

/** @returns undefined when it came before, or has nothing to do with it. */
function handedOver(other: Journal, { files: leaving, type }: Journal): JournalFile[] | undefined {
  let follows = false;
  const without = (name: string, text: string) =>
    base64(textWithout(name, Buffer.from(text, 'base64').toString('utf8'), type));
  const files = other.files.map((file): JournalFile => {
    const { name, original, wrote } = file;
    if (original === null || wrote === null) return file;
    const below = leaving.find((each) => each.name === name && each.wrote === original.content);
    follows ||= below !== undefined;
    const before = below ? below.original : { ...original, content: without(name, original.content) };
    const now = without(name, wrote);
    return now === wrote ? file : { ...file, original: before, wrote: now, earlier: wrote };
  });
  const isSame = files.every((file, at) => file === other.files[at]);
  if (isSame) return undefined;
  const added = follows ? leaving.filter(({ name }) => !files.some((file) => file.name === name)) : [];
  return [...files, ...added];
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function planFor(world: World, journal: Journal | undefined, { type }: UninstallRequest): CniPlan {
  return planRemoval({
    entries: readEntries(world),
    touched: touchedBy(journal),
    type: type ?? journal?.type ?? pluginType,
  });
}

function carryOutRemoval(world: World, places: StatePlaces, request: UninstallRequest): Outcome {
  const journal = readJournal(world.disk, places);
  const plan = planFor(world, journal, request);
  if (plan.action === 'refuse') return { plan, exit: 2 };
  let steps = 0;
  try {
    handOver(world, places, journal);
    carryOut(world, places, plan, journal?.files ?? [], () => steps++);
  } catch (error) {
    return { plan: refuse(plan, problemOf(error)), exit: steps === 0 ? 2 : 1 };
  }
  return { plan: finish(world, places, plan, journal, request), exit: 0 };
}

function finish(
  world: World,
  places: StatePlaces,
  plan: CniPlan,
  journal: Journal | undefined,
  request: UninstallRequest,
): CniPlan {
  const type = request.type ?? journal?.type ?? pluginType;
  const program = journal?.program ?? foundAgain(world, type, request.program);
  try {
    if (plan.writes.length + plan.removes.length > 0) makeRuntimeLook(world, places);
    const binaryKept = withdrawProgram(world, places, type, program);
    if (binaryKept && program && journal)
      writeJournal(world.disk, places, { ...journal, phase: 'removed', files: [], fights: [] });
    else forgetJournal(world.disk, places);
    return { ...plan, binaryKept };
  } catch (error) {
    return { ...plan, problems: [...plan.problems, warningOf(error)] };
  }
}

/** Without a journal, a program with our bytes is ours. */
function foundAgain(world: World, type: string, source: string | undefined): Journal['program'] {
  if (source === undefined || planProgram(world, type, source, undefined) !== undefined) return undefined;
  const path = `${world.paths.binDir}/${type}`;
  const hash = hashAt(world.disk, path);
  return hash === undefined ? undefined : { path, hash, replaced: null };
}

/**
 * Undoes what a journal speaks of, without a word. @throws when the disk does not let us.
 */
export function takeBack(world: World, places: StatePlaces, journal: Journal): void {
  const entries = readEntries(world);
  const plan = planRemoval({ entries, touched: touchedBy(journal), type: journal.type });
  // What was there before this installation is not taken out: only what the journal speaks of goes back.
  const names = new Set(journal.files.map(({ name }) => name));
  const own: CniPlan = {
    ...emptyPlan(entries, []),
    ...(plan.effective !== undefined && { effective: plan.effective }),
    writes: plan.writes.filter(({ name }) => names.has(name)),
    removes: plan.removes,
  };
  if (plan.action !== 'refuse') {
    carryOut(world, places, own, journal.files);
    if (own.writes.length + own.removes.length > 0) makeRuntimeLook(world, places);
  }
  const isKept = withdrawProgram(world, places, journal.type, journal.program);
  if (isKept) writeJournal(world.disk, places, { ...journal, phase: 'removed', files: [], fights: [] });
  else forgetJournal(world.disk, places);
}
