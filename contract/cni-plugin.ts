/**
 * What our CNI plugin, its agent on the node and the extension agree on: names and places on the node, what is recorded of
 * each pod, and what the `cni` and `read-agent` requests answer.
 *
 * The plugin that the runtime starts is a small static program (`node-helper/launcher`): it hands the call over to the
 * agent, a process of the node helper in *intercept* mode, through a Unix socket, and lets the pod pass when nobody answers.
 */
import type { CniPlan } from '../mesh/cni/cni-plan.ts';
import type { Step } from '../mesh/step.ts';

/** The plugin's `type`: the name of its program in the runtime's binary directory. */
export const pluginType = 'meshloom-cni';

/** The entry that is chained. The capability makes the runtime hand the pod's annotations over, should the API be away. */
export const pluginEntry = { type: pluginType, capabilities: { 'io.kubernetes.cri.pod-annotations': true } } as const;

/** On the host. Emptied by a reboot, as the pods are; who needs it makes it. */
export const agentDirectory = '/run/meshloom';

/** Files and directories below {@link agentDirectory}. */
export const agentFiles = {
  socket: 'agent.sock',
  /** One {@link AgentStatus}, written anew when it changes. */
  status: 'agent.json',
  /** `<container id>.json`, one {@link PodRecord} each. */
  pods: 'pods',
  /** `<container id>`: a pod that the plugin let pass because no agent answered; lines of `KEY=VALUE`. */
  missed: 'missed',
} as const;

export type PodOutcome =
  /** The rules are there. */
  | 'programmed'
  /** Not a pod for us; the last step says why. */
  | 'declined'
  /** It started without rules that it should have; the agent goes on trying. */
  | 'missed'
  /** It had been missed, and the agent has programmed it since. */
  | 'repaired'
  /** It had been missed, and the agent has deleted it, as its settings say, so that it starts anew. */
  | 'deleted';

/** What happened to one pod's sandbox, and why. */
export interface PodRecord {
  containerId: string;
  namespace: string;
  name: string;
  uid: string;
  outcome: PodOutcome;
  /** The decision in its order; the last step decided. Empty where nothing could be learnt about the pod. */
  steps: Step[];
  /** From where the pod was known. */
  knownFrom?: 'api' | 'annotations';
  backend?: 'nft' | 'legacy';
  families?: ('4' | '6')[];
  /** What went wrong, in words; also of what did not stop the pod. */
  problems: string[];
  /** ISO 8601. */
  at: string;
  /** Milliseconds that the agent took. */
  tookMs?: number;
}

/** What the agent tells of itself. */
export interface AgentStatus {
  pid: number;
  /** ISO 8601. */
  since: string;
  /** ISO 8601, of the last sign of life: at most 30 s old while it lives. */
  aliveAt: string;
  version: string;
  settings: AgentSettings;
  /** Whether it knows the node's pods from the API server; else why not. */
  api: { connected: boolean; why?: string };
  /** Bytes of resident memory. */
  memory?: number;
}

export interface AgentSettings {
  /** Namespaces whose pods are left alone. */
  excludeNamespaces: string[];
  /** What is done about a pod that started without its rules. */
  onMiss: 'repair' | 'delete';
  /** `auto`: as the pod's network namespace shows, else as the node's own iptables. */
  backend: 'auto' | 'nft' | 'legacy';
}

export const defaultAgentSettings: AgentSettings = {
  excludeNamespaces: ['kube-system'],
  onMiss: 'repair',
  backend: 'auto',
};

export interface ReadAgentResult {
  /** Absent: no agent has run on this node since it started. */
  status?: AgentStatus;
  /** Whether it answers on its socket now. */
  running: boolean;
  records: PodRecord[];
  notes: string[];
}

export type PlannedAction = 'install' | 'uninstall' | 'repair';

export type CniAction = 'plan' | PlannedAction;

/** `chained`: one more plugin of the list in force. `standalone`: a configuration of its own that a delegating plugin calls. */
export type CniMode = 'chained' | 'standalone';

/** Asks for what `meshloom cni …` does in the terminal. What is absent is asked of the runtime, else the usual. */
export interface CniActionRequest {
  action: CniAction;
  /** Of action `plan`: which of the others it looks ahead at, writing nothing. Default: `install`. */
  planFor?: PlannedAction;
  mode?: CniMode;
  confDir?: string;
  binDir?: string;
  /** JSON text of the entry; default {@link pluginEntry}. */
  entry?: string;
}

export interface CniActionResult {
  /** 0 done or nothing to do, 2 refused and nothing changed, 1 failed on the way. */
  exit: 0 | 1 | 2;
  plan: CniPlan;
  /** Of action `plan`: what was planned for. Absent from a helper that knows only `install`. */
  plannedFor?: PlannedAction;
  confDir: string;
  binDir: string;
  /** What stood in the files that the plan writes or removes, by name; a name that is absent was not there. */
  before: Record<string, string>;
}
