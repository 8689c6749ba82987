/** The notes that the plugin leaves for a pod that it let pass because no agent answered: `missed/<container id>`. */
import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { attempt } from '../failure.ts';
import type { Host } from '../host.ts';
import type { PodIds } from '../plugin/types.ts';
import { isContainerId } from './record-store.ts';

export interface MissedNote {
  containerId: string;
  ids: PodIds;
  /** As the runtime named it: `/var/run/netns/cni-…`. Empty where it did not. */
  netns: string;
}

const longestNote = 64 * 1024;
const mostNotes = 1_000;

/** @param directory of the notes, as we see it. What is no note is passed over. */
export function readMissedNotes(host: Host, directory: string): MissedNote[] {
  return (attempt(() => host.list(directory)) ?? [])
    .filter((name) => isContainerId(name) && !name.endsWith('.tmp'))
    .sort()
    .slice(0, mostNotes)
    .flatMap((name) => {
      const text = attempt(() => host.read(join(directory, name), longestNote));
      return text === undefined ? [] : [parseMissedNote(name, text)];
    });
}

/**
 *     CNI_NETNS=/var/run/netns/cni-1f2e…
 *     CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=reviews-1;K8S_POD_UID=9f…
 */
export function parseMissedNote(containerId: string, text: string): MissedNote {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) values.set(line.slice(0, at), line.slice(at + 1));
  }
  return {
    containerId,
    ids: parseCniArgs(values.get('CNI_ARGS') ?? ''),
    netns: values.get('CNI_NETNS') ?? '',
  };
}

export function removeMissedNote(directory: string, containerId: string): void {
  if (isContainerId(containerId)) attempt(() => unlinkSync(join(directory, containerId)));
}

/** `K8S_POD_NAMESPACE=shop;K8S_POD_NAME=reviews-1;…` */
export function parseCniArgs(text: string): PodIds {
  const args = new Map(text.split(';').map((part) => [part.split('=', 1)[0]!, part.slice(part.indexOf('=') + 1)]));
  return {
    namespace: args.get('K8S_POD_NAMESPACE') ?? '',
    name: args.get('K8S_POD_NAME') ?? '',
    uid: args.get('K8S_POD_UID') ?? '',
  };
}
