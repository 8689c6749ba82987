import * as l10n from '@vscode/l10n';
import { pluginType } from '../../../contract/cni-plugin.ts';
import type { ReadCniResult } from '../../../contract/node-helper.ts';
import type { CniChain } from '../../../mesh/cni/read-chain.ts';
import type { NodeState } from '../../../mesh/pods/describe-node.ts';
import { summarizeCniFailure } from '../../../mesh/pods/parse-cni-failure.ts';
import { commandIds } from '../../ids.ts';
import { PluginAgentNode } from './agent-nodes.ts';
import { ChainProblemNode, EffectiveFileNode } from './chain-nodes.ts';
import { describeRuntimeSource, networkFacts } from './chain-words.ts';
import { degradedNodes } from '../degraded-nodes.ts';
import type { MeshModel } from '../store/mesh-model.ts';
import { MessageNode, failureNode } from '../message-node.ts';
import type { AgentReading, NodeAgents } from './node-agents.ts';
import type { NodeChains, NodeReading } from './node-chains.ts';
import { nothingToShow } from '../nothing-to-show.ts';
import { AgentNode, HangingPodNode, NodeFailureNode } from './node-state-nodes.ts';
import { withInstallers } from './read-node-chain.ts';
import type { NodeItem, TooltipLine, TreeNode } from '../tree-node.ts';
import type { StoreChange, TreeStore } from '../store/tree-store.ts';

/** node → what its runtime runs for every pod, or, without a helper, what the API tells of it. */
export class CniChainTree {
  readonly #store: TreeStore;
  readonly #model: MeshModel;
  readonly #chains: NodeChains;
  readonly #agents: NodeAgents | undefined;
  readonly #nodes = new Map<string, ClusterNodeNode>();
  #shown = '';

  constructor(store: TreeStore, model: MeshModel, chains: NodeChains, agents?: NodeAgents) {
    this.#store = store;
    this.#model = model;
    this.#chains = chains;
    this.#agents = agents;
  }

  async roots(): Promise<TreeNode[]> {
    await this.#store.whenSettled();
    const instead = nothingToShow(this.#store);
    if (instead) return instead;
    const degraded = degradedNodes(this.#store, ['nodes', 'pods', 'daemonSets', 'events']);
    await this.#model.prepareNodes();
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
      if (!node) return [];
      const isOutdated = outdated.has(state.name) || node.differsFrom(state);
      node.update(state);
      return isOutdated ? [node] : [];
    });
  }

  problems(): number {
    return this.#model.nodes().reduce((sum, { name, failures, networkProblem, agents }) => {
      const reading = this.#chains.known(name);
      const found =
        reading?.state === 'read' ? withInstallers(reading.chain, reading.result, agents).problems.length : 0;
      return sum + Math.max(found, failures.length + (networkProblem ? 1 : 0));
    }, 0);
  }

  #node(state: NodeState): ClusterNodeNode {
    const known = this.#nodes.get(state.name);
    if (known) {
      known.update(state);
      return known;
    }
    const node = new ClusterNodeNode(state, this.#chains, this.#agents);
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
  readonly #agents: NodeAgents | undefined;
  #state: NodeState;

  constructor(state: NodeState, chains: NodeChains, agents?: NodeAgents) {
    this.id = `node:${state.name}`;
    this.name = state.name;
    this.#state = state;
    this.#chains = chains;
    this.#agents = agents;
  }

  update(state: NodeState): void {
    this.#state = state;
  }

  differsFrom(state: NodeState): boolean {
    if (state === this.#state) return false;
    const shown = (value: NodeState) =>
      JSON.stringify(value, (key, part: unknown) => (key === 'object' ? undefined : part));
    return shown(state) !== shown(this.#state);
  }

  item(): NodeItem {
    const { runtime, ready, failures, hanging, unprotected, networkProblem } = this.#state;
    const [worst] = failures;
    const description = [
      !ready && l10n.t('not ready'),
      worst && summarizeCniFailure(worst.failure),
      hanging.length === 1 ? l10n.t('1 pod hangs') : hanging.length > 1 && l10n.t('{0} pods hang', hanging.length),
      unprotected.length === 1
        ? l10n.t('1 pod without its rules')
        : unprotected.length > 1 && l10n.t('{0} pods without their rules', unprotected.length),
      runtime && `${runtime.name} ${runtime.version}`,
    ]
      .filter(Boolean)
      .join(' · ');
    const bad = failures.length > 0 || hanging.length > 0 || unprotected.length > 0 || networkProblem !== undefined;
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
    const asked = this.#agents?.ready(this.name);
    const reading = await this.#chains.of(this.name);
    // What the node's files tell does not wait for what its agent tells.
    await asked;
    return chainChildren(this.id, this.#state, reading, this.#agents?.known(this.name));
  }
}

/** What stands below a node: problems first, then the chain, then the pods that hang on it. */
export function chainChildren(id: string, state: NodeState, reading: NodeReading, agent?: AgentReading): TreeNode[] {
  const hanging = [...state.hanging, ...state.unprotected].map((pod) => new HangingPodNode(id, pod));
  const failures = state.failures.map((failure, index) => new NodeFailureNode(`${id}/failure:${index}`, failure));
  if (reading.state === 'read') {
    const { result } = reading;
    const chain = withInstallers(reading.chain, result, state.agents);
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
      ...agentNodes(id, agent, chain),
      ...hanging,
      ...placeNodes(id, result),
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
            label: l10n.t('No DaemonSet of a known network plugin is seen here'),
            icon: 'info',
            tone: 'quiet',
          }),
        ]
      : []),
    ...hanging,
    ...(reading.state === 'no-helper' ? [noHelperNode(id, reading.why)] : []),
  ];
}

/** The agent of our plugin: where it has a part in this node's network, or ever had. */
function agentNodes(id: string, agent: AgentReading | undefined, { plugins }: CniChain): TreeNode[] {
  const chained = plugins.some(({ type }) => type === pluginType);
  if (agent?.state === 'read') {
    const { running, status, records } = agent.result;
    return running || status || records.length > 0 || chained
      ? [new PluginAgentNode(`${id}/plugin-agent`, agent.result, chained)]
      : [];
  }
  if (!chained || agent === undefined) return [];
  const why =
    agent.state === 'failed'
      ? agent.why
      : l10n.t('The node helper there is older than this extension: deploy it again.');
  return [
    new MessageNode(`${id}/plugin-agent`, {
      label: l10n.t('The agent of Meshloom’s CNI plugin could not be asked'),
      description: why,
      icon: 'warning',
      tone: 'warning',
    }),
  ];
}

/** Where the runtime looks and where the pods' addresses come from. */
function placeNodes(id: string, { confDir, binDirs, runtimeCni, network }: ReadCniResult): TreeNode[] {
  const facts = networkFacts(network);
  const load = runtimeCni?.lastLoad;
  const place = new MessageNode(`${id}/directories`, {
    label: confDir,
    description: [runtimeCni && describeRuntimeSource(runtimeCni), load && l10n.t('last loading failed')]
      .filter(Boolean)
      .join(' · '),
    icon: load ? 'warning' : 'folder',
    tone: load ? 'warning' : 'quiet',
    tooltip: [
      { as: 'item', text: l10n.t('Configuration directory: {0}', confDir) },
      { as: 'item', text: l10n.t('Program directories: {0}', binDirs.join(', ')) },
      ...(runtimeCni ? [{ as: 'text', text: describeRuntimeSource(runtimeCni) } as const] : []),
      ...(runtimeCni?.loaded && runtimeCni.loaded.length > 0
        ? [{ as: 'item', text: l10n.t('What the runtime has loaded: {0}', runtimeCni.loaded.join(', ')) } as const]
        : []),
      ...(load ? [{ as: 'quote', text: load } as const] : []),
    ],
  });
  if (facts.length === 0) return runtimeCni ? [place] : [];
  const pods = new MessageNode(`${id}/network`, {
    label: l10n.t('Pod network'),
    description: facts
      .slice(0, 2)
      .map(({ value }) => value)
      .join(' · '),
    icon: 'globe',
    tone: 'quiet',
    tooltip: facts.map(({ name, value, source }) => ({
      as: 'item',
      text: `${name}: ${value}${source === undefined ? '' : ` (${source})`}`,
    })),
  });
  return [...(runtimeCni ? [place] : []), pods];
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
