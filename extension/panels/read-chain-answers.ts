/** Asks everybody who knows something of a node's chain: its helper, the agent of the plugin, the Kubernetes API. */
import * as vscode from 'vscode';
import type { NoticeView } from '../../contract/cni-chain-view.ts';
import type { ReadAgentResult } from '../../contract/cni-plugin.ts';
import { nodeHelperProtocol, type CniFile, type NodeHelperError } from '../../contract/node-helper.ts';
import type { KubernetesEvent, Node, Pod, Workload } from '../../mesh/kubernetes.ts';
import { describeNode } from '../../mesh/pods/describe-node.ts';
import { ClusterFailure, resourceTypes, type Cluster, type ResourceType } from '../cluster/cluster.ts';
import { ask, HelperMissing, readCni } from '../node-helper/client.ts';
import { chainOf, withInstallers } from '../trees/cni-chain/read-node-chain.ts';
import type { ChainAnswers } from './cni-chain-state.ts';

/** What was answered, and where nobody could: why, and whether deploying the helper would help. */
export interface AskedNode {
  answers: ChainAnswers;
  /** The helper did not answer; the rest did. */
  withoutHelper?: { why: string; next: string; canDeploy: boolean };
}

/**
 * Asks them all at once.
 * @param options `earlier`: the files of earlier readings.
 * @throws ClusterFailure when the API itself does not answer: then there is nothing to show.
 */
export async function askNode(
  cluster: Cluster,
  node: string,
  { earlier, signal }: { earlier: readonly CniFile[][]; signal: AbortSignal },
): Promise<AskedNode> {
  const api = await askApi(cluster, node, signal);
  const [read, agent] = await Promise.all([
    settle(readCni(cluster, node, signal)),
    settle(ask(cluster, node, { protocol: nodeHelperProtocol, verb: 'read-agent' }, signal)),
  ]);
  signal.throwIfAborted();
  const notices = [...api.notices];
  if ('failure' in read) return { answers: { api: api.state, notices }, withoutHelper: describeSilence(read.failure) };
  const { reply, helperPod } = read.value;
  if (!reply.ok) return { answers: { api: api.state, notices }, withoutHelper: describeRefusal(reply.error) };
  return {
    answers: {
      api: api.state,
      read: {
        result: reply.result,
        chain: withInstallers(
          chainOf(reply.result, { containerRuntimeVersion: api.runtime, earlier, now: Date.now() }),
          reply.result,
          api.state.agents,
        ),
      },
      ...agentAnswer(agent, notices),
      notices,
      source: vscode.l10n.t('read at {0} by {1}', new Date().toLocaleTimeString(), helperPod),
    },
  };
}

async function askApi(cluster: Cluster, name: string, signal: AbortSignal) {
  const node = await cluster.get<Node>(resourceTypes.nodes, name, { signal });
  if (!node)
    throw new ClusterFailure(
      'not-found',
      vscode.l10n.t('Cluster {0} has no node {1} any more.', cluster.context.name, name),
      vscode.l10n.t('Refresh the tree and choose another.'),
    );
  const notices: NoticeView[] = [];
  const all = async <T extends object>(type: ResourceType, fieldSelector?: string): Promise<T[]> => {
    try {
      return (await cluster.list<T>(type, { signal, ...(fieldSelector && { fieldSelector }) })).items;
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof Error ? error.message : String(error);
      notices.push({
        severity: 'warning',
        says: vscode.l10n.t('Could not list {0}; what depends on them is left out. {1}', type.plural, why),
      });
      return [];
    }
  };
  const [pods, daemonSets, events] = await Promise.all([
    all<Pod>(resourceTypes.pods, `spec.nodeName=${name}`),
    all<Workload>(resourceTypes.daemonSets),
    all<KubernetesEvent>(resourceTypes.events),
  ]);
  return {
    state: describeNode(node, { pods, daemonSets, events, now: Date.now() }),
    runtime: node.status?.nodeInfo?.containerRuntimeVersion,
    notices,
  };
}

type Settled<T> = { value: T } | { failure: unknown };

function settle<T>(asked: Promise<T>): Promise<Settled<T>> {
  return asked.then(
    (value) => ({ value }),
    (failure: unknown) => ({ failure }),
  );
}

function agentAnswer(
  agent: Settled<Awaited<ReturnType<typeof ask<'read-agent'>>>>,
  notices: NoticeView[],
): { agent?: ReadAgentResult } {
  const error = 'failure' in agent ? agent.failure : agent.value.reply.ok ? undefined : agent.value.reply.error;
  if ('value' in agent && agent.value.reply.ok) return { agent: agent.value.reply.result };
  const isOld = (error as { code?: string } | undefined)?.code === 'unknown-verb';
  notices.push({
    severity: isOld ? 'info' : 'warning',
    says: isOld
      ? vscode.l10n.t(
          'The node helper is older than this extension and cannot tell of the plugin’s agent: deploy it again.',
        )
      : vscode.l10n.t('The plugin’s agent could not be asked: {0}', messageOf(error)),
  });
  return {};
}

function describeSilence(error: unknown): NonNullable<AskedNode['withoutHelper']> {
  if (error instanceof HelperMissing) return { why: error.message, next: error.next, canDeploy: error.canDeploy };
  const next = error instanceof ClusterFailure ? error.next : vscode.l10n.t('The log has the details.');
  return { why: messageOf(error), next, canDeploy: false };
}

function describeRefusal({ code, message, hint = '' }: NodeHelperError): NonNullable<AskedNode['withoutHelper']> {
  const isOld = code === 'unknown-verb' || code === 'protocol';
  return {
    why: message,
    next: isOld ? vscode.l10n.t('The node helper there is older than this extension: deploy it again.') : hint,
    canDeploy: isOld,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error
    ? error.message
    : ((error as { message?: string } | undefined)?.message ?? String(error));
}
