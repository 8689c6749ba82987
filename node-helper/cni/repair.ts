/** `cni repair`: a directory that makes pods fail, put right. What it replaces is kept in the state directory. */
import { join } from 'node:path';
import type { CniPlan } from '../../mesh/cni/cni-plan.ts';
import { refuse } from '../../mesh/cni/cni-plan.ts';
import { listTypesToAsk, planRepair } from '../../mesh/cni/plan-repair.ts';
import { probeProgram } from '../read-cni.ts';
import { carryOut, makeRuntimeLook } from './carry-out.ts';
import { takeLock } from './lock.ts';
import { StatePlaces } from './node-paths.ts';
import { type Outcome, problemOf, warningOf } from './outcome.ts';
import { hasLeftovers, putFile, sweep } from './put-file.ts';
import { differing, keepsChanging } from './fights.ts';
import { noteRepair } from './repair-notes.ts';
import { hashOf, isSame, programDirectories, readEntries, type World } from './survey.ts';

const attempts = 5;

/** What a repair would do. Writes nothing. */
export async function planRepairs(world: World): Promise<Outcome> {
  const { plan } = await survey(world);
  return { plan, exit: plan.action === 'refuse' ? 2 : 0 };
}

export async function repair(world: World): Promise<Outcome> {
  const { disk } = world;
  const places = new StatePlaces(disk, world.paths);
  const first = await survey(world);
  if (!hasLeftovers(world, places) && (first.plan.action === 'none' || first.plan.action === 'refuse'))
    return { plan: first.plan, exit: first.plan.action === 'none' ? 0 : 2 };
  const unlock = await takeLock(disk, places);
  try {
    sweep(world, places);
    const changed = new Set<string>();
    for (let attempt = 0; attempt < attempts; attempt++) {
      const { entries, plan } = await survey(world);
      if (plan.action === 'none' || plan.action === 'refuse') return { plan, exit: plan.action === 'none' ? 0 : 2 };
      const outcome = tryOnce(world, places, plan, () => {
        const now = readEntries(world);
        for (const name of differing(entries, now)) changed.add(name);
        return isSame(entries, now);
      });
      if (outcome) return outcome;
    }
    return { plan: refuse(first.plan, keepsChanging(world, changed)), exit: 2 };
  } finally {
    unlock();
  }
}

async function survey(world: World) {
  const { host, paths } = world;
  const entries = readEntries(world);
  const types = listTypesToAsk(entries).slice(0, 32);
  const probes = await Promise.all(types.map((type) => probeProgram(host, type, programDirectories(paths))));
  return { entries, plan: planRepair({ entries, probes, confDir: paths.confDir }) };
}

function tryOnce(world: World, places: StatePlaces, plan: CniPlan, isUnchanged: () => boolean): Outcome | undefined {
  let steps = 0;
  try {
    keepOriginals(world, places, plan);
    if (!isUnchanged()) return undefined;
    carryOut(world, places, plan, [], () => steps++);
  } catch (error) {
    return { plan: refuse(plan, problemOf(error)), exit: steps === 0 ? 2 : 1 };
  }
  try {
    makeRuntimeLook(world, places);
    noteRepair(world, places, plan);
    return { plan, exit: 0 };
  } catch (error) {
    return { plan: { ...plan, problems: [...plan.problems, warningOf(error)] }, exit: 0 };
  }
}

/** Plain copies, for a person who wants to look: `before-repair-3f2a…-00-galaxy.conflist`. */
function keepOriginals({ disk, paths: { confDir } }: World, places: StatePlaces, plan: CniPlan): void {
  for (const name of [...plan.writes.map((write) => write.name), ...plan.removes]) {
    const look = disk.lookBehind(join(confDir, name));
    if (look?.kind !== 'file') continue;
    const bytes = disk.read(join(confDir, name), 64 * 1024 * 1024);
    const copy = join(places.directory, `before-repair-${hashOf(bytes).slice(0, 12)}-${name}`);
    if (!disk.look(copy)) putFile(disk, places, copy, bytes, look);
  }
}
