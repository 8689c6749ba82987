import { describePod } from '../../../mesh/pods/describe-pod.ts';
import type { PodDecision, PodMeshState } from '../../../mesh/pods/describe-pod.ts';
import { describeWorkload } from '../../../mesh/pods/describe-workload.ts';
import { eventsAbout } from '../../../mesh/pods/events.ts';
import type { PodGroup } from '../../../mesh/pods/group-pods.ts';
import { PodGroups } from '../../../mesh/pods/pod-groups.ts';
import type { KubernetesEvent, Namespace, Pod } from '../../../mesh/kubernetes.ts';
import type { CniFailure } from '../../../mesh/pods/parse-cni-failure.ts';
import type { Decide, InjectionEnvironment, NamespaceModel, WorkloadModel } from './mesh-model.ts';
import { NamespaceEvents } from './namespace-events.ts';
import type { Tables } from './tree-store.ts';

/** What the picture of a namespace depends on beside its own objects. */
export interface Surroundings {
  tables: Tables;
  decide: Decide;
  environment: InjectionEnvironment;
  /** Milliseconds since 1970. */
  now: number;
  /** What keeps the pods of a node from ending. */
  failureOn(node: string): { failure: CniFailure; pod: string } | undefined;
}

/** What was found of a pod, and what it was found from. */
interface KnownPod {
  pod: Pod;
  namespace: Namespace | undefined;
  environment: InjectionEnvironment;
  decision: PodDecision | undefined;
  /** Of events, of the time and of a failing node; empty for most pods at most times. */
  moment: string;
  state: PodMeshState;
}

/**
 * One namespace as the mesh sees it, kept through changes: what an event touches is computed anew, a workload at a time,
 * and the rest stays the very same objects.
 */
export class NamespacePicture {
  /** Something changed that it may depend on. */
  isOld = true;
  /** Pods are ending, which the time and other pods of their node tell more about. */
  isRestless = false;
  readonly #name: string;
  readonly #groups = new PodGroups();
  readonly #events = new NamespaceEvents();
  readonly #pods = new Map<string, KnownPod>();
  /** Of groups as they were; a group that changed is another object. */
  #workloads = new Map<PodGroup, WorkloadModel>();
  #namespace: Namespace | undefined;
  #environment: InjectionEnvironment | undefined;
  #model: NamespaceModel | undefined;
  #runs = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** The picture as it was last computed to its end. */
  get model(): NamespaceModel | undefined {
    return this.#model;
  }

  /**
   * A step per pod that is looked at. What changes between two steps counts from the next time on: `isOld` tells.
   * Whoever begins anew meanwhile ends the one that waits.
   */
  *refresh(around: Surroundings): Generator<undefined, void> {
    const run = ++this.#runs;
    this.isOld = false;
    this.#takeChanges(around);
    const namespace = this.#namespace;
    const groups = this.#groups.groups;
    const workloads: WorkloadModel[] = [];
    for (const group of groups) {
      let workload = this.#workloads.get(group);
      if (!workload) {
        workload = yield* this.#describe(group, around);
        if (run !== this.#runs) return;
        this.#workloads.set(group, workload);
      }
      workloads.push(workload);
    }
    this.isRestless = groups.some(isRestless);
    this.#forget(groups, around.tables.pods.named(this.#name));
    const { workloads: before, namespace: namespaceBefore } = this.#model ?? {};
    const isSame = before?.length === workloads.length && workloads.every((workload, at) => workload === before[at]);
    if (!this.#model || !isSame || namespace !== namespaceBefore)
      this.#model = countUp(this.#name, namespace, workloads);
  }

  /** Drops what can no longer be right. */
  #takeChanges({ tables, environment }: Surroundings): void {
    const name = this.#name;
    this.#groups.update({
      pods: tables.pods.named(name),
      replicaSets: tables.replicaSets.named(name),
      jobs: tables.jobs.named(name),
      workloads: [tables.deployments, tables.statefulSets, tables.daemonSets, tables.cronJobs].map((table) =>
        table.named(name),
      ),
    });
    const namespace = tables.namespaces.get('', name);
    if (this.#namespace !== namespace || this.#environment !== environment) this.#workloads.clear();
    this.#namespace = namespace;
    this.#environment = environment;
    for (const about of this.#events.update(tables.events.named(name))) {
      const group = this.#groups.groupOf(about.kind, about.name);
      if (group) this.#workloads.delete(group);
    }
    for (const group of this.#workloads.keys()) if (isRestless(group)) this.#workloads.delete(group);
  }

  *#describe(group: PodGroup, around: Surroundings): Generator<undefined, WorkloadModel> {
    const name = this.#name;
    const namespace = this.#namespace;
    const pods: WorkloadModel['pods'] = [];
    for (const pod of group.pods) {
      pods.push({ pod, state: this.#stateOf(pod, around) });
      yield;
    }
    const owners = [group.workload, ...group.replicaSets, ...(group.jobs ?? [])].flatMap((owner) =>
      owner ? this.#events.of(owner.kind ?? '', name, owner.metadata?.name ?? '') : [],
    );
    const state = describeWorkload(
      group,
      pods.map((entry) => entry.state),
      { events: owners, ...(namespace && { namespace }) },
    );
    return { group, state, pods };
  }

  #stateOf(pod: Pod, { decide, environment, now, failureOn }: Surroundings): PodMeshState {
    const namespace = this.#namespace;
    const name = pod.metadata?.name ?? '';
    const about = this.#events.of('Pod', this.#name, name);
    const events = about.length === 0 ? about : eventsAbout(pod, about);
    const isEnding = pod.metadata?.deletionTimestamp !== undefined;
    const nodeFailure = isEnding ? failureOn(pod.spec?.nodeName ?? '') : undefined;
    const moment = events.length > 0 || isEnding ? momentOf(events, isEnding ? now : undefined, nodeFailure?.pod) : '';
    const known = this.#pods.get(name);
    const isAsBefore = known?.namespace === namespace && known?.environment === environment;
    if (known && isAsBefore && known.pod === pod && known.moment === moment) return known.state;
    // A status says nothing to the injector.
    const decision =
      known && isAsBefore && isWrittenTheSame(known.pod, pod) ? known.decision : decide(pod, namespace, environment);
    const state = describePod(pod, {
      events,
      now,
      ...(decision && { decision }),
      ...(namespace?.metadata?.labels && { namespaceLabels: namespace.metadata.labels }),
      ...(nodeFailure && { nodeFailure }),
    });
    this.#pods.set(name, { pod, namespace, environment, decision, moment, state });
    return state;
  }

  /** What is gone, so that a roll-out every hour does not fill the memory. */
  #forget(groups: readonly PodGroup[], pods: ReadonlyMap<string, Pod>): void {
    if (this.#workloads.size > groups.length) {
      const kept = new Set(groups);
      for (const group of this.#workloads.keys()) if (!kept.has(group)) this.#workloads.delete(group);
    }
    if (this.#pods.size > pods.size) for (const name of this.#pods.keys()) if (!pods.has(name)) this.#pods.delete(name);
  }
}

function isRestless({ pods }: PodGroup): boolean {
  return pods.some(({ metadata }) => metadata?.deletionTimestamp !== undefined);
}

/** An ending pod is judged by the time, in minutes, and by what else its node fails to end. */
function momentOf(events: readonly KubernetesEvent[], now: number | undefined, failing: string | undefined): string {
  const told = events.map(({ metadata }) => `${metadata?.name ?? ''}@${metadata?.resourceVersion ?? ''}`);
  return [...told, failing, now !== undefined && Math.floor(now / 60_000)].join('|');
}

/** In all that the injector looks at; equal parts are the same ones. */
function isWrittenTheSame(a: Pod, b: Pod): boolean {
  const [one, other] = [a.metadata, b.metadata];
  return a.spec === b.spec && one?.labels === other?.labels && one?.annotations === other?.annotations;
}

function countUp(name: string, namespace: Namespace | undefined, workloads: WorkloadModel[]): NamespaceModel {
  const sum = (count: (workload: WorkloadModel) => number) =>
    workloads.reduce((total, workload) => total + count(workload), 0);
  return {
    name,
    ...(namespace && { namespace }),
    workloads,
    pods: sum(({ state }) => state.pods),
    inMesh: sum(({ state }) => state.inMesh),
    problems: sum(({ state, pods }) => pods.length - state.healthy + (state.refusal ? 1 : 0)),
    differing: sum(({ state }) => state.differing),
  };
}
