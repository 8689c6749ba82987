/**
 * What the interception view shows and what it sends back. State goes in, messages come out; the view keeps no truth of
 * its own, so a hidden and shown again view, or the gallery page, needs nothing but a state.
 */

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
  actions: { id: 'retry' | 'deploy-node-helper' | 'choose-cluster' | 'show-log'; label: string }[];
}

export interface InterceptionState {
  pod: { namespace: string; name: string; context: string };
  phase: 'loading' | 'ready' | 'failed';
  /** Where the rules come from and when they were read, in words. */
  source?: string;
  /** What this pod's interception amounts to, in a sentence. */
  summary?: string;
  readings: ReadingView[];
  /** Sockets that listen in the pod, e.g. `15006/tcp`. */
  listening: string[];
  notes: string[];
  failure?: FailureView;
}

export interface ToInterceptionView {
  type: 'state';
  state: InterceptionState;
  /** The l10n bundle, English text → the user's language; absent for English. */
  strings?: Record<string, string>;
}

export type FromInterceptionView =
  | { type: 'ready' }
  | { type: 'refresh' }
  | { type: 'open-raw'; reading: string }
  | { type: 'copy'; text: string }
  | { type: 'action'; id: FailureView['actions'][number]['id'] };
