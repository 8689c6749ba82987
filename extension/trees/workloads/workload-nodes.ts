/** The lines of the Workloads tree. */
import * as l10n from '@vscode/l10n';
import type { PodRecord } from '../../../contract/cni-plugin.ts';
import type { Container, ContainerStatus, Namespace, Pod } from '../../../mesh/kubernetes.ts';
import type { PodMeshState } from '../../../mesh/pods/describe-pod.ts';
import { worstTrouble } from '../../../mesh/pods/describe-workload.ts';
import type { Trouble } from '../../../mesh/pods/find-pod-trouble.ts';
import { RecordNode, recordLines } from '../cni-chain/agent-nodes.ts';
import type { MeshModel, NamespaceModel, WorkloadModel } from '../store/mesh-model.ts';
import type { NodeAgents } from '../cni-chain/node-agents.ts';
import { MessageNode } from '../message-node.ts';
import { filterWorkloads, type TreeFilter } from './tree-filter.ts';
import type { NodeFlag, NodeItem, Tone, TooltipLine, TreeNode } from '../tree-node.ts';
import { isProblem, standingOf, stepLines, toneOf, troubleLines, wishOf } from '../words.ts';

const all: { readonly current: TreeFilter } = { current: {} };

export class NamespaceNode implements TreeNode {
  readonly kind = 'Namespace';
  readonly id: string;
  readonly name: string;
  readonly flags = ['namespace'] as const;
  readonly #model: MeshModel;
  readonly #agents: NodeAgents | undefined;

  readonly #filter: { readonly current: TreeFilter };

  constructor(name: string, model: MeshModel, agents?: NodeAgents, filter: { readonly current: TreeFilter } = all) {
    this.#filter = filter;
    this.id = `namespace:${name}`;
    this.name = name;
    this.#model = model;
    this.#agents = agents;
  }

  /** Whether it, or what is below it, would be drawn otherwise now. */
  isOutdated(): boolean {
    const now = this.#namespace();
    return this.#drawn !== now || (this.#unfolded !== undefined && this.#unfolded !== now);
  }

  /** As it was last drawn, and what is below it. */
  #drawn: NamespaceModel | undefined;
  #unfolded: NamespaceModel | undefined;

  item(): NodeItem {
    this.#drawn = this.#namespace();
    const { namespace, pods, inMesh, problems, differing, workloads } = this.#drawn;
    const worst = worstTrouble(workloads.flatMap(({ state }) => state.worst ?? []));
    const description = [
      problems === 1 ? l10n.t('1 problem') : problems > 1 && l10n.t('{0} problems', problems),
      isLeaving(namespace) && l10n.t('is being deleted'),
      pods > 0 && l10n.t('{0} of {1} in the mesh', inMesh, pods),
      differing > 0 && l10n.t('{0} would differ after a restart', differing),
      wishOf(namespace?.metadata?.labels),
    ]
      .filter(Boolean)
      .join(' · ');
    return {
      label: this.name,
      description,
      icon: worst ? toneOf(worst) : 'symbol-namespace',
      tone: toneOf(worst),
      spoken: [l10n.t('Namespace {0}, {1}', this.name, description), spokenWorst(worst)].filter(Boolean).join('. '),
      expands: 'collapsed',
    };
  }

  tooltip(): TooltipLine[] {
    const { namespace, workloads, differing } = this.#namespace();
    const enforced = namespace?.metadata?.labels?.['pod-security.kubernetes.io/enforce'];
    return [
      { as: 'heading', text: this.name },
      { as: 'text', text: wishOf(namespace?.metadata?.labels) ?? l10n.t('The namespace asks for no injection.') },
      ...(isLeaving(namespace)
        ? [{ as: 'text', text: l10n.t('It is being deleted: nothing new can be created in it.') } as const]
        : []),
      ...(enforced ? [{ as: 'text', text: l10n.t('It enforces Pod Security “{0}”.', enforced) } as const] : []),
      ...(differing > 0
        ? [
            {
              as: 'text',
              text: l10n.t('{0} pods would be otherwise if they were created again now.', differing),
            } as const,
          ]
        : []),
      ...workloads.flatMap(({ group, state }): TooltipLine[] =>
        state.worst ? [{ as: 'item', text: `${group.kind} ${group.name}: ${state.worst.short}` }] : [],
      ),
    ];
  }

  children(): TreeNode[] {
    this.#unfolded = this.#namespace();
    const workloads = filterWorkloads(this.#filter.current, this.#unfolded);
    if (workloads.length === 0)
      return [new MessageNode(`${this.id}/empty`, { label: l10n.t('No workloads'), icon: 'info', tone: 'quiet' })];
    const isBare = ({ group }: WorkloadModel) => group.kind === 'Pod';
    const bare = workloads.filter(isBare).flatMap(({ pods }) => pods);
    return [
      ...workloads.filter((one) => !isBare(one)).map((workload) => new WorkloadNode(workload, this.#agents)),
      ...podNodes(this.id, bare, this.#agents),
    ];
  }

  #namespace(): NamespaceModel {
    return this.#model.namespace(this.name);
  }
}

/** What the icon says of what is below. */
function spokenWorst(worst: Trouble | undefined): string | undefined {
  if (!worst) return undefined;
  return worst.severity === 'error' ? l10n.t('Error: {0}', worst.short) : l10n.t('Warning: {0}', worst.short);
}

function isLeaving(namespace: Namespace | undefined): boolean {
  return namespace?.status?.phase === 'Terminating' || namespace?.metadata?.deletionTimestamp !== undefined;
}

function endedWords(ended: number): string {
  if (ended === 0) return l10n.t('no pods');
  return ended === 1 ? l10n.t('1 pod, ended') : l10n.t('{0} pods, all ended', ended);
}

type PodEntry = WorkloadModel['pods'][number];

/** More that have ended than this go under a line of their own: what runs is looked for, not what is over. */
const fewEnded = 3;

function podNodes(parent: string, pods: readonly PodEntry[], agents: NodeAgents | undefined): TreeNode[] {
  const toNode = ({ pod, state }: PodEntry) => new PodNode(pod, state, agents);
  const ended = pods.filter(({ state }) => state.over && !isProblem(state.trouble));
  if (ended.length <= fewEnded) return pods.map(toNode);
  return [
    ...pods.filter((entry) => !ended.includes(entry)).map(toNode),
    new EndedNode(`${parent}/ended`, ended.map(toNode)),
  ];
}

/** Pods that are over and still listed: done, evicted, left from a node that was shut down. */
export class EndedNode implements TreeNode {
  readonly id: string;
  readonly flags = [] as const;
  readonly #pods: PodNode[];

  constructor(id: string, pods: PodNode[]) {
    this.id = id;
    this.#pods = pods;
  }

  item(): NodeItem {
    const counts = new Map<string, number>();
    for (const { state } of this.#pods) {
      const what = state.trouble?.short ?? l10n.t('done');
      counts.set(what, (counts.get(what) ?? 0) + 1);
    }
    const description = [...counts].map(([what, count]) => `${count} ${what}`).join(' · ');
    return {
      label: l10n.t('Ended pods'),
      description,
      icon: 'archive',
      tone: 'quiet',
      spoken: l10n.t('Ended pods, {0}', description),
      expands: 'collapsed',
    };
  }

  tooltip(): TooltipLine[] {
    return [
      { as: 'heading', text: l10n.t('Ended pods') },
      {
        as: 'text',
        text: l10n.t('They run nothing any more, and are listed until somebody, or their controller, deletes them.'),
      },
    ];
  }

  children(): TreeNode[] {
    return this.#pods;
  }
}

const workloadIcons: Record<string, string> = {
  DaemonSet: 'server-process',
  StatefulSet: 'database',
  Job: 'run',
  CronJob: 'history',
};

/** What runs pods. Its kind, namespace and name are what a command needs to find it. */
export class WorkloadNode implements TreeNode {
  readonly id: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly flags: readonly NodeFlag[];
  readonly workload: WorkloadModel;
  readonly #agents: NodeAgents | undefined;

  constructor(workload: WorkloadModel, agents?: NodeAgents) {
    const { kind, namespace, name } = workload.group;
    this.id = `workload:${namespace}/${kind}/${name}`;
    this.kind = kind;
    this.namespace = namespace;
    this.name = name;
    this.workload = workload;
    this.#agents = agents;
    const { worst, differing } = workload.state;
    this.flags = [
      'workload',
      ...(worst ? (['problem'] as const) : []),
      ...(differing > 0 ? (['differs'] as const) : []),
    ];
  }

  item(): NodeItem {
    const { state } = this.workload;
    const description = [
      state.worst?.short,
      this.#standing(),
      state.differing > 0 && l10n.t('{0} would differ after a restart', state.differing),
    ]
      .filter(Boolean)
      .join(' · ');
    const tone = toneOf(state.worst);
    if (tone === 'plain' && state.differing > 0)
      return { ...this.#named(description), icon: 'debug-restart', tone: 'warning', expands: 'collapsed' };
    return {
      ...this.#named(description),
      icon: tone === 'plain' ? (workloadIcons[this.kind] ?? 'layers') : tone,
      tone: tone === 'plain' && state.inMesh > 0 && state.inMesh === state.pods ? 'good' : tone,
      expands: 'collapsed',
    };
  }

  #named(description: string): Pick<NodeItem, 'label' | 'description' | 'spoken'> {
    return { label: this.name, description, spoken: `${this.kind} ${this.name}, ${description}` };
  }

  tooltip(): TooltipLine[] {
    const { state } = this.workload;
    return [
      { as: 'heading', text: `${this.kind} ${this.namespace}/${this.name}` },
      ...(state.wanted === undefined
        ? []
        : [{ as: 'text', text: l10n.t('It wants {0} pods and has {1}.', state.wanted, state.pods) } as const]),
      { as: 'text', text: l10n.t('{0} of {1} in the mesh', state.inMesh, state.pods) },
      ...(state.ended > 0
        ? [{ as: 'text', text: l10n.t('{0} of its pods have ended and are still listed.', state.ended) } as const]
        : []),
      ...[...new Set(this.workload.pods.flatMap((entry) => entry.state.differs ?? []))].map((text): TooltipLine => ({
        as: 'text',
        text,
      })),
      ...(state.worst ? troubleLines(state.worst) : []),
    ];
  }

  children(): TreeNode[] {
    const { state, pods } = this.workload;
    const refusal = state.refusal ? [new TroubleNode(`${this.id}/refusal`, state.refusal)] : [];
    const nodes = [...refusal, ...podNodes(this.id, pods, this.#agents)];
    return nodes.length > 0
      ? nodes
      : [new MessageNode(`${this.id}/empty`, { label: l10n.t('No pods'), icon: 'info', tone: 'quiet' })];
  }

  /** How many are in the mesh; when none is and all for the same reason, that reason. */
  #standing(): string {
    const { state, pods } = this.workload;
    if (state.pods === 0) return endedWords(state.ended);
    const standings = new Set(pods.filter((entry) => !entry.state.over).map((entry) => standingOf(entry.state)));
    const [only] = standings;
    if (state.inMesh === 0 && standings.size === 1 && only) return only;
    return l10n.t('{0} of {1} in the mesh', state.inMesh, state.pods);
  }
}

/** The pod itself is what a command takes from it, or kind, namespace and name to read it anew. */
export class PodNode implements TreeNode {
  readonly kind = 'Pod';
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly flags: readonly NodeFlag[];
  readonly pod: Pod;
  readonly state: PodMeshState;

  readonly #agents: NodeAgents | undefined;

  /** @param agents what the CNI plugin's agents did with the pods; asked when somebody looks at this one. */
  constructor(pod: Pod, state: PodMeshState, agents?: NodeAgents) {
    this.#agents = agents;
    this.namespace = pod.metadata?.namespace ?? '';
    this.name = pod.metadata?.name ?? '';
    this.id = `pod:${this.namespace}/${this.name}`;
    this.pod = pod;
    this.state = state;
    const differs = state.differs === undefined ? [] : (['differs'] as const);
    this.flags = ['pod', ...(isProblem(state.trouble) ? (['problem'] as const) : []), ...differs];
  }

  item(): NodeItem {
    const { trouble, role, over, differs } = this.state;
    const differing = differs !== undefined && trouble === undefined && role !== 'none' && l10n.t('differs');
    const standing = over && role === 'none' ? '' : standingOf(this.state);
    const ended = over && trouble === undefined && l10n.t('ended');
    const description = [trouble?.short, ended, standing, differing].filter(Boolean).join(' · ');
    const tone = toneOf(trouble);
    const inMesh = role !== 'none' && role !== 'ztunnel';
    return {
      label: this.name,
      description,
      ...this.#mark(tone, inMesh),
      spoken: l10n.t('Pod {0}, {1}', this.name, description),
      expands: 'collapsed',
    };
  }

  /** What differs stands out too, where nothing worse does; what has ended stands back. */
  #mark(tone: Tone, inMesh: boolean): Pick<NodeItem, 'icon' | 'tone'> {
    if (tone !== 'plain') return { icon: tone, tone };
    if (this.state.over) return { icon: 'circle-slash', tone: 'quiet' };
    if (this.state.differs !== undefined) return { icon: 'debug-restart', tone: 'warning' };
    return inMesh ? { icon: 'pass-filled', tone: 'good' } : { icon: 'circle-outline', tone: 'quiet' };
  }

  tooltip(): TooltipLine[] {
    const { says, interception, revision, proxy, why, differs, trouble, role } = this.state;
    const record = this.#record();
    return [
      { as: 'heading', text: `${this.namespace}/${this.name}` },
      ...(trouble ? troubleLines(trouble) : []),
      { as: 'text', text: says },
      ...(role === 'none' ? [] : [{ as: 'text', text: interception.says } as const]),
      ...(record ? recordLines(record) : []),
      ...(proxy ? [{ as: 'text', text: l10n.t('Proxy image {0}', proxy.image) } as const] : []),
      ...(revision ? [{ as: 'text', text: l10n.t('Revision {0}', revision) } as const] : []),
      ...(differs ? [{ as: 'text', text: differs } as const] : []),
      ...(why.length > 0
        ? [{ as: 'heading', text: l10n.t('How the injector decides about it') } as const, ...stepLines(why)]
        : []),
    ];
  }

  async prepareTooltip(): Promise<void> {
    await this.#askAgent();
  }

  /** At once where no agent can be asked; else when it has answered, or after a while without it. */
  children(): TreeNode[] | Promise<TreeNode[]> {
    const asking = this.#askAgent();
    return asking ? asking.then(() => this.#children()) : this.#children();
  }

  #askAgent(): Promise<void> | undefined {
    return this.pod.spec?.hostNetwork ? undefined : this.#agents?.ready(this.pod.spec?.nodeName);
  }

  #record(): PodRecord | undefined {
    return this.#agents?.knownRecord(this.pod.spec?.nodeName, this.pod.metadata ?? {});
  }

  #children(): TreeNode[] {
    const { trouble } = this.state;
    const record = this.#record();
    const { initContainers = [], containers = [] } = this.pod.spec ?? {};
    const { initContainerStatuses = [], containerStatuses = [] } = this.pod.status ?? {};
    const statusOf = (name: string, statuses: ContainerStatus[]) => statuses.find((status) => status.name === name);
    return [
      ...(isProblem(trouble) ? [new TroubleNode(`${this.id}/trouble`, trouble)] : []),
      ...(record ? [new RecordNode(`${this.id}/record`, record)] : []),
      ...initContainers.map(
        (container) => new ContainerNode(this.id, container, 'init', statusOf(container.name, initContainerStatuses)),
      ),
      ...containers.map(
        (container) => new ContainerNode(this.id, container, 'main', statusOf(container.name, containerStatuses)),
      ),
    ];
  }
}

export class ContainerNode implements TreeNode {
  readonly id: string;
  readonly name: string;
  readonly flags = ['container'] as const;
  readonly #container: Container;
  readonly #place: 'init' | 'main';
  readonly #status: ContainerStatus | undefined;

  constructor(pod: string, container: Container, place: 'init' | 'main', status: ContainerStatus | undefined) {
    this.id = `${pod}/container:${container.name}`;
    this.name = container.name;
    this.#container = container;
    this.#place = place;
    this.#status = status;
  }

  item(): NodeItem {
    const { state, ready, restartCount = 0 } = this.#status ?? {};
    const description = [this.#job(), this.#progress(), restartCount > 0 && l10n.t('{0} restarts', restartCount)]
      .filter(Boolean)
      .join(' · ');
    const bad = state?.waiting
      ? !['ContainerCreating', 'PodInitializing'].includes(state.waiting.reason ?? '')
      : (state?.terminated?.exitCode ?? 0) !== 0;
    return {
      label: this.name,
      description,
      icon: bad ? 'error' : this.name.startsWith('istio-') ? 'shield' : 'package',
      tone: bad ? 'error' : ready || state?.terminated ? 'plain' : 'quiet',
      spoken: l10n.t('Container {0}, {1}', this.name, description),
      expands: 'no',
    };
  }

  tooltip(): TooltipLine[] {
    const message = this.#status?.state?.waiting?.message ?? this.#status?.state?.terminated?.message;
    return [
      { as: 'heading', text: this.name },
      { as: 'text', text: this.#container.image ?? '' },
      ...(message ? [{ as: 'quote', text: message } as const] : []),
    ];
  }

  children(): TreeNode[] {
    return [];
  }

  /** What it is for, for those that the injector added. */
  #job(): string | undefined {
    const native = this.#place === 'init' && this.#container.restartPolicy === 'Always';
    switch (this.name) {
      case 'istio-init':
        return l10n.t('programs the redirect rules');
      case 'istio-validation':
        return l10n.t('checks what the CNI plugin programmed');
      case 'istio-proxy':
        return native ? l10n.t('proxy, native sidecar') : l10n.t('proxy');
      default:
        return native ? l10n.t('sidecar') : this.#place === 'init' ? l10n.t('init container') : undefined;
    }
  }

  #progress(): string {
    const state = this.#status?.state;
    if (state?.waiting) return state.waiting.reason ?? l10n.t('waiting');
    if (state?.terminated) {
      const { exitCode } = state.terminated;
      return exitCode === 0 ? l10n.t('done') : l10n.t('ended with exit code {0}', exitCode ?? '?');
    }
    if (state?.running) return this.#status?.ready ? l10n.t('running') : l10n.t('running, not ready');
    return l10n.t('not started');
  }
}

/** A problem as a line of its own, under what has it: readable without a pointer. */
export class TroubleNode implements TreeNode {
  readonly id: string;
  readonly flags = ['problem'] as const;
  readonly trouble: Trouble;

  constructor(id: string, trouble: Trouble) {
    this.id = id;
    this.trouble = trouble;
  }

  item(): NodeItem {
    const tone = toneOf(this.trouble);
    return {
      label: this.trouble.short,
      description: this.trouble.says,
      icon: tone === 'plain' ? 'info' : tone,
      tone,
      spoken: `${this.trouble.says} ${this.trouble.next}`,
      expands: 'no',
    };
  }

  tooltip(): TooltipLine[] {
    return troubleLines(this.trouble);
  }

  children(): TreeNode[] {
    return [];
  }
}
