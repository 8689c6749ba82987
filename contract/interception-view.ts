/**
 * What the interception view shows and what it sends back. State goes in, messages come out; the view keeps no truth of
 * its own, so a hidden and shown again view, or the gallery page, needs nothing but a state. Both ends parse what arrives
 * (`parse-interception-view.ts`).
 */
import type { DriftDifference } from '../mesh/interception/find-drift.ts';

/** One rule as the view shows it. */
export interface RuleRow {
  /** The `-A …` line of `iptables-save`, without its counters. */
  rule: string;
  packets?: number;
  bytes?: number;
  /** To whom this happens, and why. */
  explanation: string;
  /** The annotation, mesh setting or default that put it there. */
  cause: string;
  /** False: nobody's known rule, explained from its matches alone. */
  known: boolean;
  /** The chain or verdict that `-j` or `-g` names; the view links it when it is a chain of this table. */
  target?: string;
}

export interface ChainView {
  table: string;
  chain: string;
  /** `ACCEPT`, `DROP`, or absent for a user-defined chain. */
  policy?: string;
  /** What the chain as a whole is for; empty when nobody knows. */
  says: string;
  rules: RuleRow[];
  /** Chains of this table with a rule that leads here; empty for a built-in chain, and for one that no packet reaches. */
  usedBy?: string[];
}

/** One reading: a family through a backend. */
export interface ReadingView {
  /** Stable key, e.g. `4-nft`. */
  id: string;
  /** `IPv4 · iptables-nft`. */
  label: string;
  /** `sidecar-redirect`, `sidecar-tproxy`, `ambient`, `ambient-host`, `none` or `unknown`. */
  mode: string;
  /** What these rules amount to, in a sentence or two. */
  summary?: string;
  chains: ChainView[];
  /** Exactly what the tool printed. */
  raw: string;
  /** What was run on the node to print it, for the user to run again. */
  command?: string;
  warnings: string[];
}

/** A failure in the three parts that every message has. `actions` become buttons. */
export interface FailureView {
  what: string;
  why: string;
  next: string;
  actions: { id: FailureAction; label: string }[];
}

/** `read-inside`: through a debug container in the pod, after a preview. `show-computed`: what Istio would program. */
export type FailureAction =
  'retry' | 'deploy-node-helper' | 'read-inside' | 'show-computed' | 'choose-cluster' | 'show-log';

/** A pod by the names that a person knows it by. */
export interface PodView {
  namespace: string;
  name: string;
  context: string;
}

/** How the rules came about. `computed`: nobody looked; they are what Istio would program. */
export interface OriginView {
  kind: 'helper' | 'ephemeral' | 'computed';
  /** Computed: why nothing could be read, and from what the rules were worked out. In words. */
  why?: string;
}

/** Something that should have been read and was not, while the rest was. */
export interface GapView {
  /** `IPv6 · legacy`. */
  what: string;
  why: string;
}

/** What should be there against what is there, reading by reading. Absent from a state as long as it is being worked out. */
export interface DriftView {
  /** From what the expected rules were worked out: `the arguments of istio-init in the running pod`. */
  basis?: string;
  comparisons: ReadingDrift[];
  /** Nothing could be compared at all; in words. `comparisons` is empty then. */
  whyUnknown?: string;
}

/** The comparison of one reading. */
export interface ReadingDrift {
  /** `ReadingView.id`. */
  reading: string;
  status: 'same' | 'drift' | 'unknown';
  differences: DriftDifference[];
  /** With `unknown`: why it could not be told. */
  whyUnknown?: string;
  /** The expected rules as `iptables-save` prints them. */
  expected?: string;
}

/** The pod that was chosen to compare with. */
export interface CompareView {
  pod: PodView;
  phase: 'loading' | 'ready' | 'failed';
  readings: ReadingView[];
  origin?: OriginView;
  failure?: FailureView;
}

/** The host's side of watching: whether it reads again by itself. It pauses by itself while the view is hidden. */
export interface WatchView {
  on: boolean;
  seconds: number;
  /** The last reading in the row failed; the counters on screen are older than they look. In words. */
  trouble?: string;
}

/** What the host knows of the pod that makes the trace form's presets this pod's own. Everything may be missing. */
export interface TraceHints {
  /** The pod's own addresses, both families. */
  podIps?: string[];
  /** Addresses of its node: what the kubelet's probes come from. */
  nodeIps?: string[];
  /** Container ports of the application. */
  appPorts?: number[];
  /** `runAsUser` and `runAsGroup` of the application's container, where they are set. */
  appUid?: number;
  appGid?: number;
  /** A service the application might call. */
  service?: { name: string; ip: string; port: number };
  /** Cluster address of the DNS service. */
  dnsIp?: string;
}

export interface InterceptionState {
  pod: PodView;
  phase: 'loading' | 'ready' | 'failed';
  /** Where the rules come from and when they were read, in words. */
  source?: string;
  /** Absent: read by a node helper. */
  origin?: OriginView;
  /** What this pod's interception amounts to, in a sentence. */
  summary?: string;
  readings: ReadingView[];
  /** What is missing from the readings. */
  gaps?: GapView[];
  /** Sockets that listen in the pod, e.g. `15006/tcp`. */
  listening: string[];
  notes: string[];
  drift?: DriftView;
  compare?: CompareView;
  watch?: WatchView;
  trace?: TraceHints;
  failure?: FailureView;
}

/** The view's tabs, in their order. */
export const interceptionTabs = ['rules', 'graph', 'trace', 'drift', 'watch', 'compare', 'raw'] as const;

export type InterceptionTab = (typeof interceptionTabs)[number];

export interface ToInterceptionView {
  type: 'state';
  state: InterceptionState;
  /** The l10n bundle, English text → the user's language; absent for English. */
  strings?: Record<string, string>;
  /** Go to this tab: a command asked for it. Absent: the person stays where they are. */
  tab?: InterceptionTab;
}

export type FromInterceptionView =
  | { type: 'ready' }
  | { type: 'refresh' }
  | { type: 'open-raw'; reading: string }
  /** Write a reading's text to a file the person chooses; `expected`: the rules that should be there. */
  | { type: 'save'; reading: string; of: 'actual' | 'expected' }
  | { type: 'copy'; text: string }
  /** Read again every so many seconds while the view is visible, and send states that stay `ready`; or stop. */
  | { type: 'watch'; on: boolean; seconds: number }
  /** Let the person pick another pod and send `compare`; `stop` takes it away again. */
  | { type: 'compare'; stop?: boolean }
  | { type: 'action'; id: FailureAction };
