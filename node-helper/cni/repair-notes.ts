/** What repairs did here, so that it can be told later: one file beside the journal, newest last. */
import type { CniPlan } from '../../mesh/cni/cni-plan.ts';
import { attempt } from '../failure.ts';
import type { StatePlaces } from './node-paths.ts';
import { putFile } from './put-file.ts';
import type { World } from './survey.ts';

export interface RepairNote {
  /** ISO 8601. */
  at: string;
  action: CniPlan['action'];
  /** What was wrong, in words. */
  problems: string[];
  /** Names in the configuration directory; copies of what stood there lie beside this file (`before-repair-…`). */
  wrote: string[];
  removed: string[];
}

const mostNotes = 50;

/** @returns none when nothing was repaired here, or nobody can read what was. */
export function readRepairs({ disk }: World, { repairs }: StatePlaces): RepairNote[] {
  const read = attempt(() => JSON.parse(disk.read(repairs, 4 * 1024 * 1024).toString('utf8')) as unknown);
  return Array.isArray(read) ? (read as RepairNote[]) : [];
}

/** Adds one. @throws when the disk does not let us. */
export function noteRepair(world: World, places: StatePlaces, { action, writes, removes, problems }: CniPlan): void {
  const note: RepairNote = {
    at: world.clock?.() ?? new Date().toISOString(),
    action,
    problems: problems.filter(({ severity }) => severity === 'error').map(({ message }) => message),
    wrote: writes.map(({ name }) => name),
    removed: [...removes],
  };
  const notes = [...readRepairs(world, places), note].slice(-mostNotes);
  const owner = { mode: 0o600, uid: process.getuid!(), gid: process.getgid!() };
  putFile(world.disk, places, places.repairs, Buffer.from(`${JSON.stringify(notes, undefined, 2)}\n`), owner);
}
