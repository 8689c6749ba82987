import type { CniFile, ReadCniResult } from '../../../contract/node-helper.ts';
import { directoryProblems } from '../../../mesh/cni/node-problems.ts';
import { cniRuntimeOf, describeChain } from '../../../mesh/cni/read-chain.ts';
import type { CniChain } from '../../../mesh/cni/read-chain.ts';
import type { NetworkAgent } from '../../../mesh/pods/describe-node.ts';

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

/** With what is wrong about the DaemonSets that run on the node: whether they write where its runtime looks. */
export function withInstallers(
  chain: CniChain,
  { runtimeCni }: Pick<ReadCniResult, 'runtimeCni'>,
  agents: readonly NetworkAgent[],
): CniChain {
  const installers = agents
    .filter(({ pod }) => pod !== undefined)
    .map(({ namespace, name, hostPaths }) => ({ name: `${namespace}/${name}`, hostPaths }));
  // Where nobody could tell what the runtime uses, the installer may know better.
  const found = runtimeCni?.source === 'usual' ? [] : directoryProblems(runtimeCni, installers);
  if (found.length === 0) return chain;
  const isError = ({ severity }: CniChain['problems'][number]) => Number(severity === 'error');
  return { ...chain, problems: [...chain.problems, ...found].sort((a, b) => isError(b) - isError(a)) };
}

/** How many readings are kept, to notice a directory that is written again and again. */
const keptReadings = 5;

/** The readings with one more, the oldest left out when there are too many. */
export function withReading(earlier: readonly CniFile[][] | undefined, files: CniFile[]): CniFile[][] {
  return [...(earlier ?? []), files].slice(-keptReadings);
}
