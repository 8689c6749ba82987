/** After the files were changed: whether the container runtime took them. */
import { setTimeout as wait } from 'node:timers/promises';
import type { RuntimeCni } from '../../contract/node-helper.ts';
import type { CniPlan, PlanProblem } from '../../mesh/cni/cni-plan.ts';
import { attempt } from '../failure.ts';
import { Refused } from './node-paths.ts';
import type { World } from './survey.ts';

export interface RuntimeVerdict {
  /** The runtime could load before, and cannot now. */
  refused?: Refused;
  notes?: PlanProblem[];
}

/** The runtime looks again within milliseconds; a reading in between two changes is over by then. */
const patience = 100;
const mostQuestions = 20;
/** So many good answers in a row are believed. */
const enough = 3;

/** What the runtime says, if it reads this very directory. */
export async function askAbout(world: Pick<World, 'askRuntime' | 'disk' | 'paths'>): Promise<RuntimeCni | undefined> {
  return ifOfHere(world, await world.askRuntime?.().catch(() => undefined));
}

/** What a runtime says, when the directory that it reads is this one. */
export function ifOfHere(
  { disk, paths: { confDir } }: Pick<World, 'disk' | 'paths'>,
  said: RuntimeCni | undefined,
): RuntimeCni | undefined {
  if (!said) return undefined;
  const real = (path: string) => attempt(() => disk.realPath(path)) ?? path;
  return real(said.confDir) === real(confDir) ? said : undefined;
}

/**
 * Asks until it is clear.
 * @param before what the runtime said before the change; undefined: it does not answer, or reads another directory.
 */
export async function watchRuntime(
  world: World,
  plan: CniPlan,
  before: RuntimeCni | undefined,
): Promise<RuntimeVerdict> {
  if (!world.askRuntime) return {};
  if (before?.lastLoad === undefined) return { notes: [notVerified(world)] };
  let good = 0;
  let last = before;
  for (let count = 0; count < mostQuestions && good < enough; count++) {
    await wait(world.patience ?? patience);
    const said = await askAbout(world);
    if (said?.lastLoad === undefined) continue;
    last = said;
    if (said.lastLoad === '' && hasLoaded(said, plan) === true) return {};
    good = said.lastLoad === '' ? good + 1 : 0;
  }
  if (last.lastLoad === '') return hasLoaded(last, plan) === false ? { notes: [notNoticed(last, world)] } : {};
  const wasWell = before.lastLoad === '';
  const message = `The container runtime (${last.program}) does not load ${world.paths.confDir}: ${last.lastLoad}`;
  if (!wasWell)
    return { notes: [{ severity: 'warning', code: 'ML2024', message: `${message} (It did not before, either.)` }] };
  return {
    refused: new Refused(
      'ML2024',
      `${message} Everything was put back: ${plan.effective ?? 'the directory'} is as it was.`,
    ),
  };
}

/** Whether the text that is in force now is among what the runtime has loaded; undefined: it does not tell, or it was not changed. */
function hasLoaded({ loadedTexts }: RuntimeCni, { writes, result }: CniPlan): boolean | undefined {
  const wanted = writes.find(({ name }) => name === result)?.content.trim();
  if (loadedTexts === undefined || wanted === undefined) return undefined;
  return loadedTexts.some((text) => text.trim() === wanted);
}

function notNoticed({ program }: RuntimeCni, { paths: { confDir } }: World): PlanProblem {
  return {
    severity: 'warning',
    code: 'ML2025',
    message: `The container runtime (${program}) has not loaded the new text from ${confDir} yet: new pods start without the plugin until it does. Install again, or restart the runtime.`,
  };
}

function notVerified({ paths: { confDir } }: World): PlanProblem {
  return {
    severity: 'warning',
    code: 'not-verified',
    message: `The container runtime could not be asked whether it has loaded ${confDir}: see that the node stays Ready (“crictl info” tells lastCNILoadStatus).`,
  };
}
