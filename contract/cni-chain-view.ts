/** What the CNI chain view shows of a node and what it sends back: state in, messages out. */
import type { PodOutcome } from './cni-plugin.ts';
import type { FailureAction, FailureView } from './interception-view.ts';

export interface CniChainState {
  node: string;
  context: string;
  phase: 'loading' | 'ready' | 'failed';
  /** Who told of the node: its helper, or the Kubernetes API alone. Absent until somebody did. */
  knownFrom?: 'helper' | 'api';
  /** When and by whom it was read, in words. */
  source?: string;
  /** In words; `ready` only. */
  summary?: { severity: Severity; says: string };
  /** Runtime, versions, directories, and who says so. */
  facts: FactView[];
  notices: NoticeView[];
  files: ChainFileView[];
  /** Absent: no file is in force, or nobody could read it. */
  chain?: PluginChainView;
  problems: ProblemView[];
  /** Subnets, MTU, bridge, flannel, leases. */
  network: FactView[];
  pods: HeldPodView[];
  daemonSets: DaemonSetView[];
  agent?: AgentView;
  plan?: PlanView;
  failure?: FailureView;
}

export type Severity = 'error' | 'warning' | 'good' | 'info';

export interface FactView {
  name: string;
  value: string;
  /** Where it was found: `/run/flannel/subnet.env`. */
  source?: string;
}

export interface NoticeView {
  severity: 'warning' | 'info';
  says: string;
}

export interface ChainFileView {
  name: string;
  /** `in-force`: the runtime loads it. `shadowed`: it would, were the others not there. */
  standing: 'in-force' | 'shadowed' | 'broken' | 'ignored';
  /** Why it stands so. */
  says: string;
  /** What is in it, cut where it is very long. */
  content?: string;
}

export interface PluginChainView {
  file: string;
  name?: string;
  cniVersion?: string;
  /** Columns of the matrix: every published version, and every other that is asked for or spoken. */
  versions: string[];
  plugins: ChainPluginView[];
}

export interface ChainPluginView {
  type: string;
  /** What it is there for, in words. */
  role: string;
  kind: 'network' | 'meta' | 'adjust' | 'mesh' | 'unknown';
  /** `missing`: looked for and not found. `unknown`: nobody looked. */
  program: 'there' | 'missing' | 'unknown';
  path?: string;
  /** As it answered. Absent: not known; `whyUnknown` may say why. */
  versions?: string[];
  whyUnknown?: string;
  /** Programs that it calls: for addresses, or for the rest of the work. */
  calls: CalledPluginView[];
  /** Where it stands, if not in the file in force itself. */
  from?: string;
  severity?: 'error' | 'warning';
}

export interface CalledPluginView {
  /** The program; or the network, where which programs it has could not be told. */
  type: string;
  why: 'addresses' | 'delegate';
  /** Which network it belongs to, and what it speaks; or why no more is known. */
  says?: string;
  missing?: boolean;
}

export interface ProblemView {
  severity: 'error' | 'warning';
  code: string;
  title: string;
  says: string;
  whatToDo: string;
  /** The plugin or file that it is about. */
  about?: string;
}

/** A pod that this node’s network holds up. */
export interface HeldPodView {
  namespace: string;
  name: string;
  stuck: 'starting' | 'ending' | 'unprotected';
  short: string;
  says: string;
  next: string;
}

export interface DaemonSetView {
  product: string;
  /** `kube-system/cilium` */
  name: string;
  standing: string;
  ready: boolean;
  hostPaths: string[];
}

export interface AgentView {
  severity: Severity;
  /** In a sentence: running since …, knows the pods from the API. */
  says: string;
  facts: FactView[];
  counts: { outcome: PodOutcome; label: string; count: number }[];
  records: PodRecordView[];
  /** How many more there are than are shown. */
  omitted: number;
  notes: string[];
}

export interface PodRecordView {
  namespace: string;
  name: string;
  outcome: PodOutcome;
  label: string;
  severity: Severity;
  /** The step that decided, or what went wrong. */
  says: string;
  /** The whole decision, in its order. */
  steps: string[];
  problems: string[];
  /** Local time, and how long it took. */
  at: string;
}

/** What would be done to the node’s directory, or what was. */
export interface PlanView {
  title: string;
  /** What it means, in a sentence. */
  says: string;
  refused: boolean;
  problems: { severity: 'error' | 'warning'; code: string; says: string }[];
  files: PlanFileView[];
}

export interface PlanFileView {
  name: string;
  change: 'write' | 'create' | 'remove';
  lines: DiffLineView[];
  /** Why not all of it is shown. */
  note?: string;
}

export interface DiffLineView {
  kind: 'same' | 'added' | 'removed' | 'gap';
  text: string;
  /** Counted from 1. */
  before?: number;
  after?: number;
}

export interface ToCniChainView {
  type: 'state';
  state: CniChainState;
  /** The l10n bundle, English text → the user's language; absent for English. */
  strings?: Record<string, string>;
}

export type FromCniChainView =
  | { type: 'ready' }
  | { type: 'refresh' }
  | { type: 'action'; id: FailureAction }
  | { type: 'run'; command: ChainCommand }
  | { type: 'open-docs'; code: string }
  | { type: 'reveal-pod'; namespace: string; name: string }
  | { type: 'open-diff'; file: string }
  | { type: 'close-plan' };

/** What can be done about the node from here. */
export type ChainCommand = 'plan-installation' | 'repair' | 'deploy-node-helper';

const actions: readonly FailureAction[] = ['retry', 'deploy-node-helper', 'choose-cluster', 'show-log'];
const chainCommands: readonly ChainCommand[] = ['plan-installation', 'repair', 'deploy-node-helper'];

/** What the view sent; undefined when it is nothing that a host of this version understands. */
export function parseFromCniChainView(data: unknown): FromCniChainView | undefined {
  const message = asRecord(data);
  switch (message?.type) {
    case 'ready':
    case 'refresh':
    case 'close-plan':
      return { type: message.type };
    case 'action': {
      const id = actions.find((action) => action === message.id);
      return id && { type: 'action', id };
    }
    case 'run': {
      const command = chainCommands.find((known) => known === message.command);
      return command && { type: 'run', command };
    }
    case 'open-docs':
      return typeof message.code === 'string' ? { type: 'open-docs', code: message.code } : undefined;
    case 'open-diff':
      return typeof message.file === 'string' ? { type: 'open-diff', file: message.file } : undefined;
    case 'reveal-pod':
      return typeof message.namespace === 'string' && typeof message.name === 'string'
        ? { type: 'reveal-pod', namespace: message.namespace, name: message.name }
        : undefined;
    default:
      return undefined;
  }
}

const lists = ['facts', 'notices', 'files', 'problems', 'network', 'pods', 'daemonSets'] as const;

/** What the host sent; undefined for what is no state. A list that is absent is empty. */
export function parseToCniChainView(data: unknown): ToCniChainView | undefined {
  const message = asRecord(data);
  const state = asRecord(message?.state);
  if (message?.type !== 'state' || !state || typeof state.node !== 'string') return undefined;
  if (state.phase !== 'loading' && state.phase !== 'ready' && state.phase !== 'failed') return undefined;
  const filled = Object.fromEntries(lists.map((name) => [name, Array.isArray(state[name]) ? state[name] : []]));
  const strings = asRecord(message.strings);
  return {
    type: 'state',
    state: { ...state, ...filled } as unknown as CniChainState,
    ...(strings && { strings: strings as Record<string, string> }),
  };
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
