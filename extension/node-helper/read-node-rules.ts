import { nodeHelperProtocol } from '../../contract/node-helper.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { ask, type HelperAnswer } from './client.ts';

/** kube-proxy's rules on a node, of one Service. @throws HelperMissing, ClusterFailure, UnreadableReply */
export async function readNodeRules(
  cluster: Cluster,
  node: string,
  service: { namespace: string; name: string },
  signal?: AbortSignal,
): Promise<HelperAnswer<'read-node-rules'>> {
  return ask(cluster, node, { protocol: nodeHelperProtocol, verb: 'read-node-rules', service }, signal);
}
