/** One question to the helpers of many nodes: each answers, or says why it does not. */
import * as l10n from '@vscode/l10n';
import {
  nodeHelperProtocol,
  UnreadableReply,
  type NodeHelperRequest,
  type NodeHelperVerb,
  type ResultOf,
} from '../../contract/node-helper.ts';
import type { Node } from '../../mesh/kubernetes.ts';
import { ClusterFailure, resourceTypes, type Cluster, type FailureReason } from '../cluster/cluster.ts';
import { ask, HelperMissing } from '../node-helper/client.ts';

/** Why a node gave no answer, and what to do about it. */
export interface NoAnswer {
  node: string;
  ok: false;
  why: string;
  next: string;
  /** Deploying the helper, or deploying it again, can help. */
  canDeploy: boolean;
  /** The call went out and its answer got lost: what was asked for may have happened. */
  mayHaveHappened: boolean;
}

export type NodeAnswer<Verb extends NodeHelperVerb> = { node: string; ok: true; result: ResultOf[Verb] } | NoAnswer;

export interface AskOptions {
  signal?: AbortSignal;
  /** Of one node's answer. */
  timeoutMs?: number;
  /** After each answer: how many there are. */
  onAnswer?: (count: number) => void;
}

/** What is asked for, without what every request carries. */
export type Question<Verb extends NodeHelperVerb> = { verb: Verb } & Omit<
  Extract<NodeHelperRequest, { verb: Verb }>,
  'protocol' | 'verb'
>;

/** The API server answers each of them over a connection of its own. */
const atOnce = 8;

/**
 * Asks all of them, in the order in which they are named.
 * @throws ClusterFailure when the cluster itself cannot be asked, or on cancel: then no node's silence means anything.
 */
export async function askNodes<Verb extends NodeHelperVerb>(
  cluster: Cluster,
  nodes: readonly string[],
  question: Question<Verb>,
  options: AskOptions = {},
): Promise<NodeAnswer<Verb>[]> {
  const answers: NodeAnswer<Verb>[] = [];
  let [next, count] = [0, 0];
  const work = async () => {
    while (next < nodes.length) {
      const at = next++;
      answers[at] = await askNode(cluster, nodes[at]!, question, options);
      options.onAnswer?.(++count);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, nodes.length) }, work));
  return answers;
}

/** One of them. @throws as {@link askNodes}. */
export async function askNode<Verb extends NodeHelperVerb>(
  cluster: Cluster,
  node: string,
  question: Question<Verb>,
  { signal, timeoutMs }: AskOptions = {},
): Promise<NodeAnswer<Verb>> {
  const request = { protocol: nodeHelperProtocol, ...question } as unknown as NodeHelperRequest & { verb: Verb };
  try {
    const { reply } = await ask<Verb>(cluster, node, request, signal, {
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
    if (reply.ok) return { node, ok: true, result: reply.result };
    const { code, message, hint } = reply.error;
    const isOlder = code === 'unknown-verb' || code === 'protocol';
    const next = isOlder
      ? l10n.t('The node helper there is of another version: deploy it again, which upgrades it in place.')
      : (hint ?? '');
    return { node, ok: false, why: message, next, canDeploy: isOlder, mayHaveHappened: false };
  } catch (error) {
    return whyNoAnswer(node, error);
  }
}

/** These are about the cluster, not about one node. */
const general: readonly FailureReason[] = ['cancelled', 'unauthorized', 'kubeconfig', 'unreachable', 'forbidden'];

function whyNoAnswer(node: string, error: unknown): NoAnswer {
  if (error instanceof HelperMissing) {
    const { message: why, next, canDeploy } = error;
    return { node, ok: false, why, next, canDeploy, mayHaveHappened: false };
  }
  if (error instanceof UnreadableReply) {
    const next = l10n.t('Try again; if it stays so, deploy the node helper again.');
    return { node, ok: false, why: error.message, next, canDeploy: true, mayHaveHappened: true };
  }
  if (!(error instanceof ClusterFailure) || general.includes(error.reason)) throw error;
  return { node, ok: false, why: error.message, next: error.next, canDeploy: false, mayHaveHappened: true };
}

/** A node on which the plugin could work. */
export interface TargetNode {
  name: string;
  ready: boolean;
  /** Why it is not ready, in the node's own words. */
  why: string;
}

/** The Linux nodes by name; virtual ones run their pods elsewhere. @throws ClusterFailure */
export async function listTargetNodes(cluster: Cluster, signal?: AbortSignal): Promise<TargetNode[]> {
  const { items } = await cluster.list<Node>(resourceTypes.nodes, signal ? { signal } : {});
  return items
    .filter(isTarget)
    .map(describeTarget)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** One of them as it is now; undefined: it is gone. @throws ClusterFailure */
export async function getTargetNode(
  cluster: Cluster,
  name: string,
  signal?: AbortSignal,
): Promise<TargetNode | undefined> {
  const node = await cluster.get<Node>(resourceTypes.nodes, name, signal ? { signal } : {});
  return node && describeTarget(node);
}

function isTarget({ metadata, spec }: Node): boolean {
  const labels = metadata?.labels ?? {};
  const isVirtual =
    labels.type === 'virtual-kubelet' || spec?.taints?.some(({ key }) => key === 'virtual-kubelet.io/provider');
  return labels['kubernetes.io/os'] !== 'windows' && !isVirtual;
}

function describeTarget({ metadata, status }: Node): TargetNode {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const why = [ready?.reason, ready?.message].filter(Boolean).join(': ');
  return { name: metadata?.name ?? '', ready: ready === undefined || ready.status === 'True', why };
}
