/** Whether a node is well after its CNI configuration was changed. */
import * as l10n from '@vscode/l10n';
import { pluginType, type CniMode, type PlannedAction } from '../../contract/cni-plugin.ts';
import type { ReadCniResult } from '../../contract/node-helper.ts';
import type { Node } from '../../mesh/kubernetes.ts';
import { cniRuntimeOf, describeChain } from '../../mesh/cni/read-chain.ts';
import { ClusterFailure, resourceTypes, type Cluster } from '../cluster/cluster.ts';
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
  /** Between two looks. Default 1 s. */
  pollMs?: number;
}

/** @returns what is wrong; undefined when all is well. */
export async function verifyNode(cluster: Cluster, node: string, options: VerifyOptions): Promise<string | undefined> {
  const { action, mode = 'chained', settleMs, signal, pollMs = 1000 } = options;
  const answer = await askNode(cluster, node, { verb: 'read-cni' });
  if (!answer.ok) return [answer.why, answer.next].filter(Boolean).join(' ');
  const found = await findFault(cluster, node, answer.result, { ...options, mode });
  if (found) return found;
  const until = performance.now() + settleMs;
  for (;;) {
    const target = await getTargetNode(cluster, node);
    if (!target) return l10n.t('The node is gone from the cluster.');
    if (!target.ready && action !== 'repair') return l10n.t('The node is not ready any more: {0}', target.why || '?');
    if (performance.now() >= until || signal?.aborted) return undefined;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

async function findFault(
  cluster: Cluster,
  node: string,
  result: ReadCniResult,
  { action, mode, known }: VerifyOptions,
): Promise<string | undefined> {
  const { lastLoad } = result.runtimeCni ?? {};
  if (lastLoad) return l10n.t('The container runtime cannot load the configuration: {0}', lastLoad);
  const runtime = cniRuntimeOf(await runtimeVersion(cluster, node));
  const chain = describeChain({ files: result.files, plugins: result.plugins, ...(runtime && { runtime }) });
  const error = chain.problems.find(({ severity, code }) => severity === 'error' && !known?.has(code));
  // An uninstallation gives back what was there, its faults included.
  if (error && action !== 'uninstall') return error.message;
  const isChained = chain.plugins.some(({ type }) => type === pluginType);
  if (action === 'install' && mode === 'chained' && !isChained) {
    return l10n.t(
      'Another program took the plugin out of “{0}” again: two installers write to this directory.',
      chain.effective?.name ?? result.confDir,
    );
  }
  return undefined;
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
