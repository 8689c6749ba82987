/** What a node's rules do with connections to a Service: the one computation behind terminal, view and tool. */
import type { Counters } from '../interception/ruleset.ts';
import type { ClientKind } from './clients.ts';
import type { FrontendKind, ServicePortName } from './find-frontends.ts';
import type { ProxyMode } from './kube-rules.ts';

/** Which Service to look at; nothing given: all that the rules know. */
export interface ServiceQuery {
  namespace?: string;
  name?: string;
  /** Of the Service's port: its name or its number. */
  servicePort?: string;
  /** Or an address and a port as a client would write them; an address of the node with a node port too. */
  address?: string;
  port?: number;
  protocol?: string;
  family?: '4' | '6';
}

export interface ServicePaths {
  /** One per port of a Service, family and mode. */
  paths: ServicePath[];
  warnings: string[];
  /** No path: why. */
  whyNone?: string;
}

export interface ServicePath {
  mode: ProxyMode;
  family: '4' | '6';
  service: ServicePortName;
  /** What it amounts to, in a sentence or two. */
  summary: string;
  affinity?: { seconds?: number };
  healthCheckNodePort?: number;
  sourceRanges?: string[];
  frontends: FrontendPath[];
  endpoints: EndpointOnNode[];
  /** What rules and objects disagree on; empty where only the rules are known. */
  problems: PathProblem[];
}

export interface FrontendPath {
  kind: FrontendKind;
  /** Empty: the node's addresses. */
  address: string;
  port: number;
  clients: ClientPath[];
}

export type PathVerdict = 'endpoints' | 'REJECT' | 'DROP' | 'none';

export interface ClientPath {
  from: ClientKind;
  /** Who that is. */
  who: string;
  verdict: PathVerdict;
  /** What happens to it, in a sentence or two. */
  says: string;
  /** Whether endpoints see the node as the client. */
  masqueraded: boolean;
  /** Why, or why not. */
  whyMasqueraded?: string;
  /** Percent of this client's new connections; they add up to 100, or to nothing. */
  shares: EndpointShare[];
  steps: PathStep[];
}

export interface EndpointShare {
  address: string;
  port: number;
  percent: number;
}

export interface PathStep {
  table: string;
  chain: string;
  rule: string;
  says: string;
  /** Percent of this client's new connections that the rule takes. */
  percent: number;
  counters?: Counters;
}

/**
 * `used`: in the rules, and rightly. `missing`: ready, but not in the rules. `stale`: in the rules, but not in the slices
 * or not ready. `not-ready`, `elsewhere` (on another node, which a Local policy leaves out; or in another zone): not in
 * the rules, and rightly.
 */
export type EndpointStanding = 'used' | 'missing' | 'stale' | 'not-ready' | 'elsewhere' | 'unknown';

export interface EndpointOnNode {
  address: string;
  port: number;
  standing: EndpointStanding;
  /** In words: why it stands so. */
  says: string;
  /** Percent of new connections to the cluster IP from a pod. */
  percent: number;
  /** It may call itself through the Service. */
  hairpin: boolean;
  pod?: string;
  node?: string;
}

export interface PathProblem {
  severity: 'error' | 'warning' | 'info';
  code: string;
  message: string;
}
