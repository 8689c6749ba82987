import type { ReadCniResult } from '../../contract/node-helper.ts';
import { cniRuntimeOf, describeChain } from '../../mesh/cni/read-chain.ts';
import type { CniChain } from '../../mesh/cni/read-chain.ts';

/**
 * What a node's helper read, judged as the node's runtime would.
 * @param containerRuntimeVersion as the Node tells it: `containerd://1.7.2`.
 * @param now milliseconds since 1970.
 */
export function chainOf(result: ReadCniResult, containerRuntimeVersion: string | undefined, now: number): CniChain {
  const runtime = cniRuntimeOf(containerRuntimeVersion);
  return describeChain({ ...result, ...(runtime && { runtime }), now });
}
