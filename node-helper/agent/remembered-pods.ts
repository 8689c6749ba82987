/**
 * What libcni keeps of a sandbox while it lives (`/var/lib/cni/results/<network>-<container id>-<interface>`): the
 * annotations that the runtime handed to the chain are among it. With the API server away that is where a pod that was
 * missed can still be known from.
 */
import { join } from 'node:path';
import { attempt } from '../failure.ts';
import type { Host } from '../host.ts';
import type { PodIds } from '../plugin/types.ts';
import { isContainerId } from './record-store.ts';

const longestEntry = 16 * 1024 * 1024;
const annotationsKey = 'io.kubernetes.cri.pod-annotations';

/** @param directory of the results, as we see it. @returns undefined where the runtime did not hand annotations over. */
export function findRememberedPod(
  host: Host,
  directory: string,
  containerId: string,
): { ids: PodIds; annotations: Record<string, string> } | undefined {
  if (!isContainerId(containerId)) return undefined;
  const names = (attempt(() => host.list(directory)) ?? []).filter((name) => name.includes(`-${containerId}-`));
  for (const name of names) {
    const text = attempt(() => host.read(join(directory, name), longestEntry));
    const entry = text === undefined ? undefined : attempt(() => JSON.parse(text) as CacheEntry | null);
    const annotations = entry?.capabilityArgs?.[annotationsKey];
    if (typeof annotations !== 'object' || annotations === null) continue;
    const args = new Map((Array.isArray(entry?.cniArgs) ? entry.cniArgs : []).filter(isPair));
    return {
      ids: {
        namespace: args.get('K8S_POD_NAMESPACE') ?? '',
        name: args.get('K8S_POD_NAME') ?? '',
        uid: args.get('K8S_POD_UID') ?? '',
      },
      annotations: Object.fromEntries(Object.entries(annotations).filter(isPair)),
    };
  }
  return undefined;
}

interface CacheEntry {
  cniArgs?: unknown;
  capabilityArgs?: Record<string, unknown>;
}

function isPair(value: unknown): value is [string, string] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string');
}
