/** Records of sandboxes that are gone although no DEL and no GC told of it: the agent was away, or the node crashed. */
import type { PodRecord } from '../../contract/cni-plugin.ts';
import type { Surroundings } from '../find-pod.ts';
import { findPodPids } from '../processes.ts';
import type { PluginWorld } from '../plugin/types.ts';

/** Milliseconds: a sandbox gets its network before its first process. */
const young = 120_000;

export function dropGoneRecords(
  { records, time }: Pick<PluginWorld, 'records' | 'time'>,
  look: () => Surroundings,
): void {
  const now = Date.parse(time());
  // A clock that was put back makes none of them old.
  const old = records.list().filter(({ at }) => now - Date.parse(at) > young);
  if (old.length === 0) return;
  const { index } = look();
  for (const { containerId } of old.filter((record) => isGone(record, index))) records.drop(containerId);
}

function isGone({ containerId, uid }: PodRecord, index: Surroundings['index']): boolean {
  return findPodPids(index, uid, [containerId]).length === 0;
}
