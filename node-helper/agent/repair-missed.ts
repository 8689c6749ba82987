/**
 * Looks after pods that started without their rules: those that the plugin noted because no agent answered, those of which
 * a record says that it did not work out, and pods of this node that should have rules and have none, because they started
 * before the plugin was there. What somebody else has programmed is left alone, be it as we would or not.
 */
import type { AgentSettings, PodRecord } from '../../contract/cni-plugin.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import type { Step } from '../../mesh/step.ts';
import { asAnswer, attempt, Failure } from '../failure.ts';
import { type FoundNetns, lookAround, type Surroundings } from '../find-pod.ts';
import { resolveInRoot } from '../host-files.ts';
import type { Host } from '../host.ts';
import { findPodPids, type HostProcess } from '../processes.ts';
import { isBeyondRepair, type PodDecision, type PodVerdict } from '../plugin/program-pod.ts';
import type { KnownPod, PodIds, PodRecords } from '../plugin/types.ts';
import { ApiFailure } from './api-server.ts';
import { deletionGuard, whyNotDeleted } from './delete-pod.ts';
import { describeValidation } from './istio-validation.ts';
import type { MissedNote } from './missed-notes.ts';
import type { NodePods } from './node-pods.ts';

/** What is found in a netns, compared with what should be there. `part`: something is missing, and nothing is there that we would not write. */
export type RulesFound = 'same' | 'none' | 'part' | 'other';

/** What the plugin knows of rules, as it is needed here. */
export interface RuleKeeper {
  decide(known: KnownPod): PodDecision;
  look(known: KnownPod, netns: FoundNetns): Promise<RulesFound>;
  program(known: KnownPod, netns: FoundNetns): Promise<PodVerdict>;
}

export interface RepairWorld {
  host: Host;
  settings: AgentSettings;
  pods: NodePods;
  records: PodRecords;
  rules: RuleKeeper;
  notes: { list(): MissedNote[]; remove(containerId: string): void };
  /** What libcni has kept of a pod's annotations; for when the API server is away. */
  remembered(containerId: string): KnownPod | undefined;
  findNetns(target: { known: KnownPod; netns: string }, surroundings: Surroundings): FoundNetns;
  time(): string;
  log(line: string): void;
}

export interface Repairer {
  /** Once through everything that is suspicious. A call while one is on its way makes it go round again. */
  run(): Promise<void>;
}

/** One sandbox to be looked after. */
interface Suspect {
  key: string;
  containerId?: string;
  ids: PodIds;
  netns: string;
  known?: KnownPod;
  /** It is known to have been missed; else it is only suspected. */
  missed: boolean;
}

/** Milliseconds until a suspect that could not be repaired is tried again: at first, and at most. */
const [firstRetry, longestRetry] = [1_000, 60_000];

export function repairer(world: RepairWorld): Repairer {
  const { host, pods } = world;
  /** Pods that need nothing, by their UID. */
  const settled = new Set<string>();
  const waiting = new Map<string, { failures: number; notBefore: number; why: string }>();
  const guard = deletionGuard(host);

  const once = async () => {
    const listed = pods.list();
    const uids = new Set(listed.map(({ metadata }) => metadata?.uid));
    for (const uid of settled) if (!uids.has(uid)) settled.delete(uid);
    const suspects = listSuspects(world, listed, settled);
    for (const key of waiting.keys()) if (!suspects.some((suspect) => suspect.key === key)) waiting.delete(key);
    const due = suspects.filter(({ key }) => (waiting.get(key)?.notBefore ?? 0) <= host.now());
    if (due.length === 0) return;
    const surroundings = lookAround(host);
    for (const suspect of due) {
      const why = await lookAfter(world, suspect, surroundings, guard).catch(
        (error: unknown) => asAnswer(error).message,
      );
      if (why === undefined) {
        waiting.delete(suspect.key);
        if (suspect.ids.uid !== '') settled.add(suspect.ids.uid);
        continue;
      }
      const before = waiting.get(suspect.key);
      if (before?.why !== why) noteFailure(world, suspect, why);
      const failures = (before?.failures ?? 0) + 1;
      const pause = Math.min(longestRetry, firstRetry * 2 ** Math.min(failures - 1, 10));
      waiting.set(suspect.key, { failures, notBefore: host.now() + pause, why });
    }
  };

  let again = false;
  let running: Promise<void> | undefined;
  const loop = async () => {
    do {
      again = false;
      await once();
    } while (again);
  };
  return {
    run() {
      again = running !== undefined;
      running ??= loop().finally(() => (running = undefined));
      return running;
    },
  };
}

function listSuspects({ notes, records, pods }: RepairWorld, listed: Pod[], settled: ReadonlySet<string>): Suspect[] {
  const suspects = new Map<string, Suspect>();
  const add = (suspect: Suspect) => {
    if (!suspects.has(suspect.key)) suspects.set(suspect.key, suspect);
  };
  for (const { containerId, ids, netns } of notes.list())
    add({ key: ids.uid || containerId, containerId, ids, netns, missed: true });
  const seen = new Set<string>();
  for (const record of records.list()) {
    const { containerId, namespace, name, uid } = record;
    if (isOpen(record, pods)) {
      const ids = { namespace, name, uid };
      add({ key: uid || containerId, containerId, ids, netns: '', missed: true });
    } else seen.add(uid);
  }
  for (const pod of listed) {
    const { namespace = '', name = '', uid = '' } = pod.metadata ?? {};
    // Without an address its network is still being made, by whoever makes it.
    if (settled.has(uid) || seen.has(uid) || hasEnded(pod) || !pod.status?.podIP) continue;
    add({ key: uid, ids: { namespace, name, uid }, netns: '', known: { pod }, missed: false });
  }
  return [...suspects.values()];
}

/** Whether more can be done than was; also for a pod of which only the annotations were known, once there is more. */
function isOpen(record: PodRecord, pods: NodePods): boolean {
  if (record.outcome === 'missed') return !isBeyondRepair(record);
  const isDone = record.outcome === 'programmed' || record.outcome === 'repaired';
  return isDone && record.knownFrom === 'annotations' && pods.state().connected;
}

function hasEnded({ metadata, status }: Pod): boolean {
  return metadata?.deletionTimestamp !== undefined || status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

type Guard = ReturnType<typeof deletionGuard>;

/** @returns why it has to be looked after again; undefined: nothing is left to be done for it. */
async function lookAfter(
  world: RepairWorld,
  suspect: Suspect,
  around: Surroundings,
  guard: Guard,
): Promise<string | undefined> {
  const { rules, pods } = world;
  const { containerId, ids, missed } = suspect;
  const fromApi = suspect.known ?? (await pods.find(ids));
  const known = fromApi ?? (containerId === undefined ? undefined : world.remembered(containerId));
  if (!known)
    return isGone(world, suspect, around)
      ? forget(world, suspect)
      : 'Nobody could say what pod this is; it is asked for again.';
  const { programs, steps } = rules.decide(known);
  if (!programs) {
    const outcome = isBeyondRepair({ steps }) ? 'missed' : 'declined';
    return missed ? finish(world, suspect, known, { outcome, steps }, steps.at(-1)?.says ?? '') : undefined;
  }
  if (hasEnded(known.pod)) return missed ? forget(world, suspect) : undefined;
  let found: FoundNetns;
  try {
    found = world.findNetns({ known, netns: suspect.netns }, around);
  } catch (error) {
    if (error instanceof Failure && isFinal(error)) return missed ? forget(world, suspect) : undefined;
    if (missed && isGone(world, suspect, around)) return forget(world, suspect);
    throw error;
  }
  try {
    return await settle(world, suspect, { known, found, knownFrom: fromApi ? 'api' : 'annotations' }, guard);
  } finally {
    found.file.close();
  }
}

interface Found {
  known: KnownPod;
  found: FoundNetns;
  knownFrom: 'api' | 'annotations';
}

/** For a pod that should have rules, and whose netns is open. */
async function settle(world: RepairWorld, suspect: Suspect, { known, found, knownFrom }: Found, guard: Guard) {
  const { rules, pods, records, settings } = world;
  const { pod } = known;
  const state = await rules.look(known, found);
  const earlier = records.list().find(({ uid }) => uid !== '' && uid === pod.metadata?.uid);
  if (state === 'same' || (state === 'other' && !earlier)) {
    if (!suspect.missed) return undefined;
    const problems = state === 'same' ? [] : [othersRules];
    const steps = earlier?.steps.length ? earlier.steps : [alreadyThere(pod)];
    const outcome = earlier?.outcome === 'repaired' ? 'repaired' : 'programmed';
    const { backend, families } = earlier ?? {};
    const fields = {
      outcome,
      steps,
      problems,
      knownFrom,
      ...(backend && { backend }),
      ...(families && { families }),
    } as const;
    return finish(world, suspect, known, fields, problems[0] ?? 'it has its rules');
  }
  const containerId = suspect.containerId ?? sandboxOf(world.host, found) ?? suspect.key;
  const named = { ...suspect, containerId };
  const wasProgrammed = earlier?.outcome === 'programmed' || earlier?.outcome === 'repaired';
  const problems = describeValidation(pod);
  if (settings.onMiss === 'delete' && !wasProgrammed) {
    const why = whyNotDeleted(pod, settings) ?? guard.refuses(pod);
    if (why === undefined && guard.mustWait()) return 'It is deleted after others.';
    const failed = why ?? (await tryDelete(pods, pod));
    if (failed === undefined) {
      guard.deleted(pod);
      const fields = { outcome: 'deleted' as const, steps: [missedIt(pod)], problems, knownFrom };
      return finish(world, named, known, fields, 'it started without its rules, and is made anew');
    }
    problems.push(failed);
  }
  const verdict = await rules.program(known, found);
  if (verdict.outcome === 'missed') return verdict.problems.join(' ') || 'Its rules could not be written.';
  const outcome = verdict.outcome === 'programmed' ? 'repaired' : verdict.outcome;
  const why = wasProgrammed
    ? 'its rules are those that the API server tells of now'
    : 'it had started without its rules';
  const steps = [...(wasProgrammed ? [] : [missedIt(pod)]), ...verdict.steps];
  const fields = { ...verdict, outcome, steps, knownFrom, problems: [...problems, ...verdict.problems] };
  return finish(world, named, known, fields, why);
}

function alreadyThere({ metadata }: Pod): Step {
  const says = `The network namespace of ${metadata?.name} holds redirect rules already.`;
  return { check: 'rules', verdict: 'inject', says };
}

function missedIt({ metadata }: Pod): Step {
  const says = `${metadata?.name} had started without its rules: no agent answered then, or the plugin was not in the chain yet.`;
  return { check: 'missed', verdict: 'continue', says };
}

const othersRules =
  'Its network namespace holds rules of Istio’s that are not the expected ones: somebody else wrote them, and they are left as they are.';

/** Nothing will ever be programmed for these. */
function isFinal({ answer }: Failure): boolean {
  return answer.code === 'host-network' || answer.code === 'sandboxed';
}

/** @returns why it was not deleted. */
async function tryDelete(pods: NodePods, { metadata }: Pod): Promise<string | undefined> {
  try {
    const { namespace = '', name = '', uid = '' } = metadata ?? {};
    await pods.delete({ namespace, name, uid });
    return undefined;
  } catch (error) {
    // Another pod has its name now, or none has.
    if (error instanceof ApiFailure && (error.status === 404 || error.status === 409)) return undefined;
    return `It should be deleted, and that failed, so its rules were written instead: ${asAnswer(error).message}`;
  }
}

/** The runtime has taken it down, and no DEL reached us. */
function isGone(
  { host }: RepairWorld,
  { containerId = '', ids, netns }: Suspect,
  { index, hostProcesses }: Surroundings,
): boolean {
  if (findPodPids(index, ids.uid, [containerId]).length > 0) return false;
  return !netnsPaths(host, netns, hostProcesses).some((path) => attempt(() => host.factsBehind(path)));
}

/** Where we may find a netns that the runtime named; not by a process, whose number is another's by now. */
export function netnsPaths(host: Host, netns: string, hostProcesses: readonly HostProcess[]): string[] {
  if (!netns.startsWith('/') || netns.startsWith('/proc/') || netns.split('/').includes('..')) return [];
  return [
    ...hostProcesses.flatMap(({ pid }) => attempt(() => resolveInRoot(host, `${host.proc}/${pid}/root`, netns)) ?? []),
    netns,
  ];
}

function forget({ notes, records, log }: RepairWorld, { containerId, ids }: Suspect): undefined {
  if (containerId === undefined) return;
  notes.remove(containerId);
  records.drop(containerId);
  log(`forgot ${ids.namespace}/${ids.name} (${containerId.slice(0, 12)}), which is gone`);
}

/** What could not be done; said once for each reason. */
function noteFailure(
  { records, log, time }: RepairWorld,
  { containerId, ids, missed, key }: Suspect,
  why: string,
): void {
  log(`could not look after ${ids.namespace}/${ids.name}: ${why}`);
  if (!missed) return;
  const id = containerId ?? key;
  const before = records.get(id);
  records.put({
    ...{ steps: [], ...before, ...ids, containerId: id, outcome: 'missed', at: time() },
    problems: [...(before?.problems ?? []).filter((problem) => problem !== why).slice(-4), why],
  });
}

/** The record of what came of it. Nothing is left to be done then. */
function finish(
  { records, notes, time, log }: RepairWorld,
  { containerId, key }: Suspect,
  { pod }: KnownPod,
  fields: Pick<PodRecord, 'outcome' | 'steps'> & Partial<PodRecord>,
  why: string,
): undefined {
  const { namespace = '', name = '', uid = '' } = pod.metadata ?? {};
  records.put({ containerId: containerId ?? key, namespace, name, uid, problems: [], at: time(), ...fields });
  if (containerId !== undefined) notes.remove(containerId);
  log(`${fields.outcome} ${namespace}/${name}: ${why}`);
}

/** The id of the sandbox, as the cgroup of its oldest process names it: DEL will come under it. */
function sandboxOf(host: Host, { pid }: FoundNetns): string | undefined {
  if (pid === 0) return undefined;
  try {
    return /([0-9a-f]{64})(?:\.scope)?$/m.exec(host.read(`${host.proc}/${pid}/cgroup`))?.[1];
  } catch {
    return undefined;
  }
}
