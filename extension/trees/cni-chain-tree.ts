import * as l10n from '@vscode/l10n';
import { describeCniHazard } from '../../mesh/cni/hazards.ts';
import type { ChainPlugin, ChainProblem } from '../../mesh/cni/read-chain.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import type { HangingPod, NetworkAgent, NodeFailure, NodeState } from '../../mesh/pods/describe-node.ts';
import { adviseOnCniFailure, summarizeCniFailure } from '../../mesh/pods/parse-cni-failure.ts';
import { commandIds } from '../ids.ts';
import { degradedNodes } from './degraded-nodes.ts';
import type { MeshModel } from './mesh-model.ts';
import { MessageNode, failureNode, summarizeFailure } from './message-node.ts';
import type { NodeChains, NodeReading } from './node-chains.ts';
import type { NodeFlag, NodeItem, TooltipLine, TreeNode } from './tree-node.ts';
import type { StoreChange, TreeStore } from './tree-store.ts';
import { eventLines, isProblem, toneOf, troubleLines } from './words.ts';

/** node → what its runtime runs for every pod, or, without a helper, what the API tells of it. */
export class CniChainTree {
  readonly #store: TreeStore;
  readonly #model: MeshModel;
  readonly #chains: NodeChains;
  readonly #nodes = new Map<string, ClusterNodeNode>();
  #shown = '';

  constructor(store: TreeStore, model: MeshModel, chains: NodeChains) {
    this.#store = store;
    this.#model = model;
    this.#chains = chains;
  }

  async roots(): Promise<TreeNode[]> {
    await this.#store.whenSettled();
    const { failure } = this.#store;
    if (failure && this.#store.phase === 'failed')
      return [failureNode('failure', failure, summarizeFailure(failure, this.#store.cluster?.context.name))];
    const degraded = degradedNodes(this.#store, ['nodes', 'pods', 'daemonSets', 'events']);
    const states = this.#model.nodes();
    this.#shown = states.map(({ name }) => name).join(' ');
    if (states.length === 0 && degraded.length === 0)
      return [new MessageNode('empty', { label: l10n.t('This cluster has no nodes'), icon: 'info' })];
    return [...degraded, ...states.map((state) => this.#node(state))];
  }

  /** @returns the nodes to refresh; undefined: the whole tree; empty: none. */
  stale(change: StoreChange): TreeNode[] | undefined {
    if (change.state || change.parts.has('nodes')) return undefined;
    if (!['pods', 'events', 'daemonSets'].some((part) => change.parts.has(part as never))) return [];
    const states = this.#model.nodes();
    if (states.map(({ name }) => name).join(' ') !== this.#shown) return undefined;
    const outdated = new Set(this.#chains.outdated());
    return states.flatMap((state) => {
      const node = this.#nodes.get(state.name);
      return node && (outdated.has(state.name) || node.differsFrom(state)) ? [this.#node(state)] : [];
    });
  }

  problems(): number {
    return this.#model.nodes().reduce((sum, { name, failures, networkProblem }) => {
      const reading = this.#chains.known(name);
      const found = reading?.state === 'read' ? reading.chain.problems.length : 0;
      return sum + Math.max(found, failures.length + (networkProblem ? 1 : 0));
    }, 0);
  }

  #node(state: NodeState): ClusterNodeNode {
    const known = this.#nodes.get(state.name);
    if (known) {
      known.update(state);
      return known;
    }
    const node = new ClusterNodeNode(state, this.#chains);
    this.#nodes.set(state.name, node);
    return node;
  }
}

export class ClusterNodeNode implements TreeNode {
  readonly kind = 'Node';
  readonly id: string;
  readonly name: string;
  readonly flags = ['node'] as const;
  readonly #chains: NodeChains;
  #state: NodeState;

  constructor(state: NodeState, chains: NodeChains) {
    this.id = `node:${state.name}`;
    this.name = state.name;
    this.#state = state;
    this.#chains = chains;
  }

  update(state: NodeState): void {
    this.#state = state;
  }

  differsFrom(state: NodeState): boolean {
    const shown = (value: NodeState) =>
      JSON.stringify(value, (key, part: unknown) => (key === 'object' ? undefined : part));
    return shown(state) !== shown(this.#state);
  }

  item(): NodeItem {
    const { runtime, ready, failures, hanging, networkProblem } = this.#state;
    const [worst] = failures;
    const description = [
      !ready && l10n.t('not ready'),
      worst && summarizeCniFailure(worst.failure),
      hanging.length === 1 ? l10n.t('1 pod hangs') : hanging.length > 1 && l10n.t('{0} pods hang', hanging.length),
      runtime && `${runtime.name} ${runtime.version}`,
    ]
      .filter(Boolean)
      .join(' · ');
    const bad = failures.length > 0 || hanging.length > 0 || networkProblem !== undefined;
    return {
      label: this.name,
      description,
      icon: bad ? 'error' : ready ? 'server' : 'warning',
      tone: bad ? 'error' : ready ? 'plain' : 'warning',
      spoken: l10n.t('Node {0}, {1}', this.name, description),
      expands: 'collapsed',
    };
  }

  tooltip(): TooltipLine[] {
    const { runtime, kubelet, system, networkProblem, failures } = this.#state;
    return [
      { as: 'heading', text: this.name },
      ...(networkProblem ? [{ as: 'text', text: networkProblem } as const] : []),
      ...failures.map(({ says }) => ({ as: 'text', text: says }) as const),
      { as: 'item', text: l10n.t('Runtime: {0}', runtime ? `${runtime.name} ${runtime.version}` : '?') },
      ...(kubelet ? [{ as: 'item', text: l10n.t('Kubelet: {0}', kubelet) } as const] : []),
      ...(system ? [{ as: 'item', text: l10n.t('System: {0}', system) } as const] : []),
    ];
  }

  async children(): Promise<TreeNode[]> {
    const reading = await this.#chains.of(this.name);
    return chainChildren(this.id, this.#state, reading);
  }
}

/** What stands below a node: problems first, then the chain, then the pods that hang on it. */
export function chainChildren(id: string, state: NodeState, reading: NodeReading): TreeNode[] {
  const hanging = state.hanging.map((pod) => new HangingPodNode(id, pod));
  const failures = state.failures.map((failure, index) => new NodeFailureNode(`${id}/failure:${index}`, failure));
  if (reading.state === 'read') {
    const { chain, result } = reading;
    return [
      ...chain.problems.map(
        (problem, index) => new ChainProblemNode(`${id}/problem:${problem.code}:${index}`, problem),
      ),
      // The chain looks sound and pods fail all the same: then the events are the best there is.
      ...(chain.problems.some(({ severity }) => severity === 'error') ? [] : failures),
      ...(chain.effective ? [new EffectiveFileNode(id, chain.effective.name, reading)] : []),
      ...chain.shadowed.map(
        ({ name }) =>
          new MessageNode(`${id}/shadowed:${name}`, {
            label: name,
            description: l10n.t('shadowed: not used'),
            icon: 'file',
            tone: 'quiet',
            tooltip: [
              {
                as: 'text',
                text: l10n.t(
                  'The runtime takes the first file of {0} in byte order of their names, and that is another one.',
                  result.confDir,
                ),
              },
            ],
          }),
      ),
      ...hanging,
      ...result.notes.map(
        (note, index) => new MessageNode(`${id}/note:${index}`, { label: note, icon: 'note', tone: 'quiet' }),
      ),
    ];
  }
  const agents = state.agents.map((agent) => new AgentNode(id, agent));
  return [
    ...(reading.state === 'failed'
      ? [failureNode(`${id}/helper-failed`, reading.failure, l10n.t('The node helper gave no answer'))]
      : []),
    ...(state.networkProblem
      ? [new MessageNode(`${id}/not-ready`, { label: state.networkProblem, icon: 'error', tone: 'error' })]
      : []),
    ...failures,
    ...agents,
    ...(agents.length === 0
      ? [
          new MessageNode(`${id}/no-agents`, {
            label: l10n.t('No DaemonSet of a known network plugin runs here'),
            icon: 'info',
            tone: 'quiet',
          }),
        ]
      : []),
    ...hanging,
    ...(reading.state === 'no-helper' ? [noHelperNode(id, reading.why)] : []),
  ];
}

function noHelperNode(id: string, why: string): MessageNode {
  return new MessageNode(`${id}/no-helper`, {
    label: l10n.t('This is what the API tells. Deploy Node Helper…'),
    description: l10n.t('to read the node’s files and plugins'),
    icon: 'cloud-upload',
    flags: ['no-helper'],
    tooltip: [
      ...(why ? [{ as: 'text', text: why } as const] : []),
      {
        as: 'text',
        text: l10n.t(
          'The files in the node’s CNI directory and the versions that its plugins speak are on the node alone. The node helper reads them; before anything is created you see the manifest and what it asks for.',
        ),
      },
    ],
    command: { id: commandIds.deployNodeHelper, title: l10n.t('Deploy Node Helper') },
  });
}

/** The file in force; below it the plugins in the order in which they run. */
export class EffectiveFileNode implements TreeNode {
  readonly id: string;
  readonly flags = ['chain-file'] as const;
  readonly #name: string;
  readonly #reading: Extract<NodeReading, { state: 'read' }>;

  constructor(parent: string, name: string, reading: Extract<NodeReading, { state: 'read' }>) {
    this.id = `${parent}/file:${name}`;
    this.#name = name;
    this.#reading = reading;
  }

  item(): NodeItem {
    const { cniVersion, name } = this.#reading.chain;
    const description = [
      l10n.t('in force'),
      name && l10n.t('network {0}', name),
      cniVersion && l10n.t('CNI {0}', cniVersion),
    ]
      .filter(Boolean)
      .join(' · ');
    return {
      label: this.#name,
      description,
      icon: 'file-code',
      tone: 'plain',
      spoken: l10n.t('File {0}, {1}', this.#name, description),
      expands: 'expanded',
    };
  }

  tooltip(): TooltipLine[] {
    const content = this.#reading.chain.effective?.content;
    return [
      { as: 'heading', text: `${this.#reading.result.confDir}/${this.#name}` },
      ...(content ? [{ as: 'quote', text: content } as const] : []),
    ];
  }

  children(): TreeNode[] {
    const { plugins, cniVersion } = this.#reading.chain;
    return plugins.map(
      (plugin, index) => new PluginNode(`${this.id}/plugin:${index}:${plugin.type}`, plugin, index + 1, cniVersion),
    );
  }
}

export class PluginNode implements TreeNode {
  readonly id: string;
  readonly flags: readonly NodeFlag[];
  readonly #plugin: ChainPlugin;
  readonly #place: number;
  readonly #asked: string | undefined;

  constructor(id: string, plugin: ChainPlugin, place: number, asked: string | undefined) {
    this.id = id;
    this.flags = plugin.problems.length > 0 ? ['plugin', 'problem'] : ['plugin'];
    this.#plugin = plugin;
    this.#place = place;
    this.#asked = asked;
  }

  item(): NodeItem {
    const { type, supportedVersions, problems } = this.#plugin;
    const refused = this.#asked !== undefined && supportedVersions?.includes(this.#asked) === false;
    const description = [
      refused && l10n.t('asked for {0}', this.#asked ?? ''),
      supportedVersions ? l10n.t('speaks {0}', supportedVersions.join(', ')) : l10n.t('versions not known'),
    ]
      .filter(Boolean)
      .join(' · ');
    const tone = problems.some(({ severity }) => severity === 'error')
      ? 'error'
      : problems.length > 0
        ? 'warning'
        : 'plain';
    return {
      label: `${this.#place}. ${type}`,
      description,
      icon: tone === 'plain' ? 'extensions' : tone,
      tone,
      spoken: l10n.t(
        'Plugin {0}, {1}',
        `${this.#place} ${type}`,
        [description, ...problems.map(({ message }) => message)].join(', '),
      ),
      expands: 'no',
    };
  }

  tooltip(): TooltipLine[] {
    const { type, path, supportedVersions, ipam, delegates, problems } = this.#plugin;
    return [
      { as: 'heading', text: type },
      ...problems.flatMap(problemLines),
      ...(path ? [{ as: 'item', text: l10n.t('Program: {0}', path) } as const] : []),
      ...(this.#asked ? [{ as: 'item', text: l10n.t('Version asked for: {0}', this.#asked) } as const] : []),
      ...(supportedVersions
        ? [{ as: 'item', text: l10n.t('Versions it speaks: {0}', supportedVersions.join(', ')) } as const]
        : []),
      ...(ipam ? [{ as: 'item', text: l10n.t('Addresses from: {0}', ipam) } as const] : []),
      ...(delegates.length > 0
        ? [{ as: 'item', text: l10n.t('Delegates to: {0}', delegates.join(', ')) } as const]
        : []),
    ];
  }

  children(): TreeNode[] {
    return [];
  }
}

export class ChainProblemNode implements TreeNode {
  readonly id: string;
  readonly flags = ['problem'] as const;
  readonly problem: ChainProblem;

  constructor(id: string, problem: ChainProblem) {
    this.id = id;
    this.problem = problem;
  }

  item(): NodeItem {
    const { severity, message, whatToDo, code, plugin, file } = this.problem;
    return {
      label: describeCniHazard(code).title,
      description: [plugin ?? file, code].filter(Boolean).join(' · '),
      icon: severity,
      tone: severity,
      spoken: `${message} ${whatToDo}`,
      expands: 'no',
    };
  }

  tooltip(): TooltipLine[] {
    return problemLines(this.problem);
  }

  children(): TreeNode[] {
    return [];
  }
}

function problemLines({ code, message, whatToDo }: ChainProblem): TooltipLine[] {
  return [
    { as: 'heading', text: `${code}: ${describeCniHazard(code).title}` },
    { as: 'text', text: message },
    { as: 'text', text: whatToDo },
  ];
}

/** A DaemonSet that has to do with the node's network. */
export class AgentNode implements TreeNode {
  readonly id: string;
  readonly flags = ['agent'] as const;
  readonly #agent: NetworkAgent;

  constructor(parent: string, agent: NetworkAgent) {
    this.id = `${parent}/agent:${agent.namespace}/${agent.name}`;
    this.#agent = agent;
  }

  item(): NodeItem {
    const { product, namespace, name, version, pod, orphan } = this.#agent;
    const trouble = isProblem(pod?.trouble) ? pod.trouble : undefined;
    const standing = !pod
      ? l10n.t('no pod on this node')
      : (trouble?.short ?? (pod.ready ? l10n.t('ready') : l10n.t('not ready')));
    const description = [`${namespace}/${name}`, version, standing, orphan && l10n.t('its DaemonSet is gone')]
      .filter(Boolean)
      .join(' · ');
    const tone = trouble ? toneOf(trouble) : pod?.ready ? 'good' : 'warning';
    return {
      label: product,
      description,
      icon: tone === 'good' ? 'server-process' : tone === 'error' ? 'error' : 'warning',
      tone,
      spoken: `${product}, ${description}`,
      expands: 'no',
    };
  }

  tooltip(): TooltipLine[] {
    const { product, image, pod } = this.#agent;
    return [
      { as: 'heading', text: product },
      { as: 'text', text: image },
      ...(pod ? [{ as: 'text', text: l10n.t('Its pod on this node: {0}', pod.name) } as const] : []),
      ...(pod?.trouble ? troubleLines(pod.trouble) : []),
    ];
  }

  children(): TreeNode[] {
    return [];
  }
}

/** The same failure, however many pods it hits. */
export class NodeFailureNode implements TreeNode {
  readonly id: string;
  readonly flags = ['problem'] as const;
  readonly failure: NodeFailure;

  constructor(id: string, failure: NodeFailure) {
    this.id = id;
    this.failure = failure;
  }

  item(): NodeItem {
    const { says, count } = this.failure;
    const description = l10n.t('{0} times', count);
    return { label: says, description, icon: 'error', tone: 'error', spoken: `${says} ${description}`, expands: 'no' };
  }

  tooltip(): TooltipLine[] {
    const { failure, says, event, pods } = this.failure;
    return [
      { as: 'heading', text: summarizeCniFailure(failure) },
      { as: 'text', text: says },
      { as: 'text', text: adviseOnCniFailure(failure) },
      ...pods.map(({ namespace, name }) => ({ as: 'item', text: `${namespace}/${name}` }) as const),
      ...eventLines(event),
    ];
  }

  children(): TreeNode[] {
    return [];
  }
}

/** A pod that the node's network holds up; commands take the pod itself. */
export class HangingPodNode implements TreeNode {
  readonly kind = 'Pod';
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly flags = ['pod', 'problem'] as const;
  readonly pod: Pod;
  readonly #pod: HangingPod;

  constructor(parent: string, pod: HangingPod) {
    this.id = `${parent}/pod:${pod.namespace}/${pod.name}`;
    this.namespace = pod.namespace;
    this.name = pod.name;
    this.pod = pod.object;
    this.#pod = pod;
  }

  item(): NodeItem {
    const { namespace, name, trouble } = this.#pod;
    return {
      label: `${namespace}/${name}`,
      description: trouble.short,
      icon: 'watch',
      tone: 'error',
      spoken: l10n.t('Pod {0}, {1}', `${namespace}/${name}`, trouble.short),
      expands: 'no',
    };
  }

  tooltip(): TooltipLine[] {
    return troubleLines(this.#pod.trouble);
  }

  children(): TreeNode[] {
    return [];
  }
}
