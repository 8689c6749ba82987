/** Which pods that started without their rules may be deleted, so that whoever made them makes them anew. */
import type { AgentSettings } from '../../contract/cni-plugin.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import type { Host } from '../host.ts';

/** @returns undefined: it may. */
export function whyNotDeleted({ metadata }: Pod, { excludeNamespaces }: AgentSettings): string | undefined {
  const instead = 'its rules were written instead of deleting it';
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  if (excludeNamespaces.includes(metadata?.namespace ?? '')) return `Its namespace is excluded, so ${instead}.`;
  if (!owner) return `No controller would make it anew, so ${instead}.`;
  if (owner.kind === 'Node') return `The kubelet runs it from a file, so ${instead}.`;
  return undefined;
}

/** Milliseconds between two deletions at least; and in which one workload loses no more than that many pods. */
const [pause, period, most] = [1_000, 600_000, 3];

/** Keeps pods that are missed again and again from being deleted again and again, and all at once. */
export function deletionGuard(host: Pick<Host, 'now'>) {
  let last = -Infinity;
  const times = new Map<string, number[]>();
  const recent = (pod: Pod) => (times.get(ownerOf(pod)) ?? []).filter((at) => host.now() - at < period);
  return {
    /** @returns undefined: it may. */
    refuses(pod: Pod): string | undefined {
      if (recent(pod).length >= most)
        return `${most} pods of ${ownerOf(pod)} were deleted within ${period / 60_000} minutes already: the rules of this one were written instead.`;
      return undefined;
    },
    mustWait: () => host.now() - last < pause,
    deleted(pod: Pod): void {
      last = host.now();
      times.set(ownerOf(pod), [...recent(pod), last]);
    },
  };
}

function ownerOf({ metadata }: Pod): string {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  return `${owner?.kind ?? ''} ${metadata?.namespace ?? ''}/${owner?.name ?? ''}`;
}
