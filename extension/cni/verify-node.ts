/** Whether a node is well after its CNI configuration was changed. */
import * as l10n from '@vscode/l10n';
import { pluginType, type CniMode, type PlannedAction } from '../../contract/cni-plugin.ts';
import type { ReadCniResult } from '../../contract/node-helper.ts';
import type { Node } from '../../mesh/kubernetes.ts';
import { describeChain, type CniChain } from '../../mesh/cni/read-chain.ts';
import { ClusterFailure, resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { chainOf } from '../trees/cni-chain/read-node-chain.ts';
import { askNode, getTargetNode } from './ask-nodes.ts';

export interface VerifyOptions {
  action: PlannedAction;
  mode?: CniMode;
  /** Codes of faults that stood there before, and that nothing promised to heal. */
  known?: ReadonlySet<string>;
  /** For how long the node must stay ready. 0: it must be ready now. */
  settleMs: number;
  /** Ends the watching early; the looking itself is brought to its end. */
  signal?: AbortSignal;
  /** For how long a runtime may go on with what it loaded before. Default 5 s. */
  graceMs?: number;
  /** Between two looks. Default 1 s. */
  pollMs?: number;
}

/** @returns what is wrong; undefined when all is well. */
export async function verifyNode(cluster: Cluster, node: string, options: VerifyOptions): Promise<string | undefined> {
  const { action, settleMs, signal, graceMs = 5000, pollMs = 1000 } = options;
  const inTime = performance.now() + graceMs;
  for (;;) {
    const found = await readAndJudge(cluster, node, options);
    if (found && (!found.maySettle || performance.now() >= inTime)) return found.says;
    if (!found) break;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  const until = performance.now() + settleMs;
  for (;;) {
    const target = await getTargetNode(cluster, node);
    if (!target) return l10n.t('The node is gone from the cluster.');
    if (!target.ready && action !== 'repair') return l10n.t('The node is not ready any more: {0}', target.why || '?');
    if (performance.now() >= until || signal?.aborted) return undefined;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/**
 * Codes of the faults of a node that an action does not promise to heal. A repair is about files: those that surround
 * them are left.
 */
export async function faultsBefore(
  cluster: Cluster,
  node: string,
  action: PlannedAction,
): Promise<ReadonlySet<string> | undefined> {
  if (action === 'uninstall') return undefined;
  const answer = await askNode(cluster, node, { verb: 'read-cni' });
  if (!answer.ok) return undefined;
  const { files, plugins } = answer.result;
  const codes = codesOf(await judge(cluster, node, answer.result));
  if (action === 'install') return new Set(codes);
  const ofFiles = codesOf(describeChain({ files, plugins }));
  return new Set(codes.filter((code) => !ofFiles.includes(code)));
}

function codesOf({ problems }: CniChain): string[] {
  return problems.map(({ code }) => code);
}

interface Fault {
  says: string;
  /** The runtime has not looked again yet. */
  maySettle?: boolean;
}

async function readAndJudge(cluster: Cluster, node: string, options: VerifyOptions): Promise<Fault | undefined> {
  const answer = await askNode(cluster, node, { verb: 'read-cni' });
  if (!answer.ok) return { says: [answer.why, answer.next].filter(Boolean).join(' ') };
  return await findFault(cluster, node, answer.result, options);
}

/** It still runs what it loaded earlier. */
const notLoadedYet = 'ML2025';

async function findFault(
  cluster: Cluster,
  node: string,
  result: ReadCniResult,
  { action, mode = 'chained', known }: VerifyOptions,
): Promise<Fault | undefined> {
  const { lastLoad } = result.runtimeCni ?? {};
  if (lastLoad) return { says: l10n.t('The container runtime cannot load the configuration: {0}', lastLoad) };
  const chain = await judge(cluster, node, result);
  const error = chain.problems.find(({ severity, code }) => severity === 'error' && !known?.has(code));
  // An uninstallation gives back what was there, its faults included.
  if (error && action !== 'uninstall') return { says: error.message, maySettle: error.code === notLoadedYet };
  const isChained = chain.plugins.some(({ type }) => type === pluginType);
  if (action === 'install' && mode === 'chained' && !isChained) {
    const says = l10n.t(
      'Another program took the plugin out of “{0}” again: two installers write to this directory.',
      chain.effective?.name ?? result.confDir,
    );
    return { says };
  }
  return undefined;
}

async function judge(cluster: Cluster, node: string, result: ReadCniResult): Promise<CniChain> {
  return chainOf(result, { containerRuntimeVersion: await runtimeVersion(cluster, node), now: Date.now() });
}

async function runtimeVersion(cluster: Cluster, node: string): Promise<string | undefined> {
  try {
    const object = await cluster.get<Node>(resourceTypes.nodes, node);
    return object?.status?.nodeInfo?.containerRuntimeVersion;
  } catch (error) {
    if (error instanceof ClusterFailure) return undefined;
    throw error;
  }
}
