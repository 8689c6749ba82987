import type { CniFile, ReadCniResult } from '../../contract/node-helper.ts';
import { cniRuntimeOf, describeChain } from '../../mesh/cni/read-chain.ts';
import type { CniChain } from '../../mesh/cni/read-chain.ts';

/**
 * What a node's helper read, judged as the node's runtime would.
 * @param on the node as the API tells it, the files of earlier readings (oldest first), and milliseconds since 1970.
 */
export function chainOf(
  result: ReadCniResult,
  on: { containerRuntimeVersion?: string | undefined; earlier?: readonly CniFile[][]; now: number },
): CniChain {
  const runtime = cniRuntimeOf(on.containerRuntimeVersion);
  return describeChain({
    ...result,
    ...(runtime && { runtime }),
    ...(on.earlier && { earlier: on.earlier }),
    now: on.now,
  });
}

/** How many readings are kept, to notice a directory that is written again and again. */
const keptReadings = 5;

/** The readings with one more, the oldest left out when there are too many. */
export function withReading(earlier: readonly CniFile[][] | undefined, files: CniFile[]): CniFile[][] {
  return [...(earlier ?? []), files].slice(-keptReadings);
}
