import type { Pod, Workload } from '../kubernetes.ts';
import { groupPods, keyOfGroup, placeOf, runnerOf, type PodGroup } from './group-pods.ts';

type Named<T> = ReadonlyMap<string, T>;

/** The objects of one namespace by their names. */
export interface GroupedObjects {
  pods: Named<Pod>;
  replicaSets: Named<Workload>;
  jobs: Named<Workload>;
  /** One map for each kind. */
  workloads: readonly Named<Workload>[];
}

/**
 * {@link groupPods} for one namespace, kept through changes: a pod that comes, changes or goes costs its own group and none
 * of the others. Objects are told apart by identity, so that nobody has to say what changed.
 */
export class PodGroups {
  #pods = new Map<string, Pod>();
  readonly #owners: Map<string, Workload>[] = [];
  #replicaSets: Named<Workload> = new Map();
  #jobs: Named<Workload> = new Map();
  #groups = new Map<string, PodGroup>();
  /** Where a pod is, by its name. */
  #homes = new Map<string, string>();
  /** Where a ReplicaSet, a Job or a workload is, by `kind/name`. */
  #ownersHomes = new Map<string, string>();
  #sorted: PodGroup[] | undefined;

  /** Sorted as {@link groupPods} does. A group that did not change is the same object as before. */
  get groups(): readonly PodGroup[] {
    return (this.#sorted ??= [...this.#groups.values()].sort(inOrder));
  }

  /** The group that an object is in, or stands for. */
  groupOf(kind: string, name: string): PodGroup | undefined {
    const home = kind === 'Pod' ? this.#homes.get(name) : this.#ownersHomes.get(`${kind}/${name}`);
    return home === undefined ? undefined : this.#groups.get(home);
  }

  /** Takes the objects as they are now. */
  update({ pods, replicaSets, jobs, workloads }: GroupedObjects): void {
    const owners = [replicaSets, jobs, ...workloads];
    const changes = owners.flatMap((objects, at) => takeChanges((this.#owners[at] ??= new Map()), objects));
    const podChanges = takeChanges(this.#pods, pods);
    this.#replicaSets = replicaSets;
    this.#jobs = jobs;
    if (changes.length === 0 && podChanges.length === 0) return;
    this.#sorted = undefined;
    if (changes.some(({ before, after }) => !before || !after || placeOf(before) !== placeOf(after)))
      return this.#regroup({ pods, replicaSets, jobs, workloads });
    const fresh = new Set<string>();
    for (const { before, after } of changes) this.#replaceOwner(before!, after!, fresh);
    for (const { name, before, after } of podChanges) this.#movePod(name, before, after, fresh);
  }

  /** A copy, once: the group as it was is somebody's picture. */
  #own(key: string, fresh: Set<string>): PodGroup | undefined {
    const group = this.#groups.get(key);
    if (!group || fresh.has(key)) return group;
    const { jobs } = group;
    const copy = {
      ...group,
      pods: [...group.pods],
      replicaSets: [...group.replicaSets],
      ...(jobs && { jobs: [...jobs] }),
    };
    this.#groups.set(key, copy);
    fresh.add(key);
    return copy;
  }

  #replaceOwner(before: Workload, after: Workload, fresh: Set<string>): void {
    const home = this.#ownersHomes.get(ownKey(after));
    const group = home === undefined ? undefined : this.#own(home, fresh);
    // One that wants and has nothing is in no group.
    if (!group) return;
    if (group.workload === before) group.workload = after;
    replace(group.replicaSets, before, after);
    if (group.jobs) replace(group.jobs, before, after);
  }

  #movePod(name: string, before: Pod | undefined, after: Pod | undefined, fresh: Set<string>): void {
    const from = this.#homes.get(name);
    const to = after && keyOfGroup(runnerOf(after, this.#replicaSets, this.#jobs));
    if (from !== undefined && from !== to) {
      const group = this.#own(from, fresh);
      if (group) group.pods = group.pods.filter((pod) => pod !== before);
      if (group && isEmpty(group)) this.#groups.delete(from);
    }
    if (!after || to === undefined) return void this.#homes.delete(name);
    this.#homes.set(name, to);
    const group = this.#own(to, fresh) ?? this.#found(to, after, fresh);
    if (from === to && before) replace(group.pods, before, after);
    else insert(group.pods, after);
  }

  #found(key: string, pod: Pod, fresh: Set<string>): PodGroup {
    const { kind, name } = runnerOf(pod, this.#replicaSets, this.#jobs);
    const group: PodGroup = { kind, namespace: pod.metadata?.namespace ?? '', name, replicaSets: [], pods: [] };
    this.#groups.set(key, group);
    fresh.add(key);
    return group;
  }

  #regroup({ pods, replicaSets, jobs, workloads }: GroupedObjects): void {
    const before = this.#groups;
    this.#groups = new Map();
    this.#homes = new Map();
    this.#ownersHomes = new Map();
    const groups = groupPods({
      pods: pods.values(),
      replicaSets: replicaSets.values(),
      jobs: jobs.values(),
      workloads: workloads.flatMap((each) => [...each.values()]),
    });
    for (const group of groups) {
      const key = keyOfGroup(group);
      const known = before.get(key);
      this.#groups.set(key, known && isSameGroup(known, group) ? known : group);
      for (const pod of group.pods) this.#homes.set(pod.metadata?.name ?? '', key);
      for (const owner of [group.workload, ...group.replicaSets, ...(group.jobs ?? [])])
        if (owner) this.#ownersHomes.set(ownKey(owner), key);
    }
  }
}

/** What differs, by identity. `held` is then as `now`. */
export function takeChanges<T>(
  held: Map<string, T>,
  now: Named<T>,
): { name: string; before: T | undefined; after: T | undefined }[] {
  const changes: { name: string; before: T | undefined; after: T | undefined }[] = [];
  for (const [name, after] of now) {
    const before = held.get(name);
    if (before === after) continue;
    held.set(name, after);
    changes.push({ name, before, after });
  }
  if (held.size === now.size) return changes;
  for (const [name, before] of held) {
    if (now.has(name)) continue;
    held.delete(name);
    changes.push({ name, before, after: undefined });
  }
  return changes;
}

function ownKey({ kind, metadata }: Workload): string {
  return `${kind ?? ''}/${metadata?.name ?? ''}`;
}

function replace<T>(list: T[], before: T, after: T): void {
  const at = list.indexOf(before);
  if (at >= 0) list[at] = after;
}

/** By name, as the rest is. */
function insert(pods: Pod[], pod: Pod): void {
  const name = pod.metadata?.name ?? '';
  const at = pods.findIndex(({ metadata }) => (metadata?.name ?? '') > name);
  pods.splice(at < 0 ? pods.length : at, 0, pod);
}

function isEmpty({ workload, replicaSets, jobs = [], pods }: PodGroup): boolean {
  return !workload && replicaSets.length === 0 && jobs.length === 0 && pods.length === 0;
}

function isSameGroup(a: PodGroup, b: PodGroup): boolean {
  const isSame = <T>(one: readonly T[] = [], other: readonly T[] = []) =>
    one.length === other.length && one.every((item, at) => item === other[at]);
  return (
    a.workload === b.workload &&
    isSame(a.pods, b.pods) &&
    isSame(a.replicaSets, b.replicaSets) &&
    isSame(a.jobs, b.jobs)
  );
}

function inOrder(a: PodGroup, b: PodGroup): number {
  if (a.kind !== b.kind) return a.kind < b.kind ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
