/** From observe to intercept mode and back: whether that is needed, and doing it. */
import * as l10n from '@vscode/l10n';
import type { ReadCniResult } from '../../contract/node-helper.ts';
import type { HelperMode } from '../../contract/node-helper-rights.ts';
import { askNodes, type NodeAnswer } from '../cni/ask-nodes.ts';
import { ClusterFailure, type Cluster } from '../cluster/cluster.ts';
import { identityOf, type DeployedHelper } from './deploy.ts';
import { usualDirectories, type CniDirectories, type ManifestObject } from './manifest.ts';

/** Where the nodes' runtimes look, each directory once; with what was mounted before, so that nothing installed is out of reach. */
export function directoriesOfNodes(
  answers: readonly NodeAnswer<'read-cni'>[],
  deployed: DeployedHelper | undefined,
): CniDirectories {
  const found = answers.flatMap((answer) => (answer.ok ? [directoriesOfNode(answer.result)] : []));
  const all = [...found, ...(deployed?.directories ? [deployed.directories] : [])];
  if (all.length === 0) return usualDirectories;
  return {
    confDirs: [...new Set(all.flatMap(({ confDirs }) => confDirs))].sort(),
    binDirs: [...new Set(all.flatMap(({ binDirs }) => binDirs))].sort(),
  };
}

function directoriesOfNode({ confDir, binDirs, runtimeCni }: ReadCniResult): CniDirectories {
  const conf = runtimeCni?.confDir || confDir || usualDirectories.confDirs[0]!;
  const bin = [runtimeCni?.binDirs ?? [], binDirs, usualDirectories.binDirs].find((paths) => paths.length > 0)!;
  return { confDirs: [conf], binDirs: bin };
}

/** Whether what stands in the cluster is not what the manifest would put there. */
export function needsSwitch(deployed: DeployedHelper | undefined, manifest: readonly ManifestObject[]): boolean {
  if (!deployed) return true;
  const wanted = identityOf(manifest);
  const within = (of: keyof CniDirectories) =>
    (wanted.directories?.[of] ?? []).every((path) => deployed.directories?.[of].includes(path));
  return (
    deployed.mode !== wanted.mode ||
    deployed.hash !== wanted.hash ||
    deployed.command !== wanted.command ||
    !within('confDirs') ||
    !within('binDirs')
  );
}

export interface WaitOptions {
  signal?: AbortSignal;
  onProgress?: (message: string) => void;
  /** Default 60 s. */
  timeoutMs?: number;
  /** Default 1 s. */
  pollMs?: number;
}

/** Waits until the agent answers on each node. @returns the nodes on which it does not, and why. */
export async function waitForAgents(
  cluster: Cluster,
  nodes: readonly string[],
  { signal, onProgress, timeoutMs = 60_000, pollMs = 1000 }: WaitOptions = {},
): Promise<{ node: string; why: string }[]> {
  const until = performance.now() + timeoutMs;
  let missing = nodes.map((node) => ({ node, why: '' }));
  for (;;) {
    const names = missing.map(({ node }) => node);
    const answers = await askNodes(cluster, names, { verb: 'read-agent' }, signal ? { signal } : {});
    missing = answers.flatMap((answer) => {
      if (!answer.ok) return [{ node: answer.node, why: answer.why }];
      const { running, status, notes } = answer.result;
      if (running) return [];
      return [{ node: answer.node, why: status?.api.why ?? notes[0] ?? l10n.t('its agent does not answer yet') }];
    });
    if (missing.length === 0 || signal?.aborted || performance.now() >= until) return missing;
    onProgress?.(l10n.t('The agent runs on {0} of {1} nodes', nodes.length - missing.length, nodes.length));
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** The mode in which the helper of a cluster stands, in words. */
export function modeName(mode: HelperMode): string {
  return mode === 'intercept' ? l10n.t('intercept mode') : l10n.t('observe mode');
}

/** A cluster without anything of what is asked for is told apart from one that may not be asked. */
export function whenForbidden<T>(fallback: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof ClusterFailure && error.reason === 'forbidden') return fallback;
    throw error;
  };
}
