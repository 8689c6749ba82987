/**
 * A debug container in a recorded pod: it prints the recorded rules, as the real one prints those that it finds. Only what
 * Meshloom itself starts is known; anything else in the demo has no program at all.
 */
import type { PodSpec } from '../../mesh/kubernetes.ts';
import type { ApiObject } from './api-object.ts';
import { recordedReadings } from './recorded-helper.ts';
import type { Recording } from './recording.ts';

/** `sh -c SCRIPT meshloom MARK SECONDS` @returns what stands in its log; undefined for a container that prints nothing. */
export function logOfDebugContainer(recording: Recording, pod: ApiObject, name: string | null): string | undefined {
  const spec = pod.spec as PodSpec | undefined;
  const command = spec?.ephemeralContainers?.find((container) => container.name === name)?.command ?? [];
  const at = command.indexOf('meshloom');
  const mark = at < 0 ? undefined : command[at + 1];
  if (mark === undefined) return undefined;
  const sections = recordedReadings(recording, pod).readings.map(({ family, backend, command: run, text }) => {
    const id = `${family}-${backend}`;
    return `\n${mark} begin ${id} ${run}\n${text}\n${mark} end ${id} 0\n`;
  });
  return `${sections.join('')}\n${mark} done\n`;
}

/** `iptables-nft-save -c` @returns its output; undefined when there is no such program. */
export function runInDebugContainer(
  recording: Recording,
  pod: ApiObject,
  name: string | null,
  command: readonly string[],
): string | undefined {
  const spec = pod.spec as PodSpec | undefined;
  if (!spec?.ephemeralContainers?.some((container) => container.name === name)) return undefined;
  return recordedReadings(recording, pod).readings.find((reading) => reading.command === command.join(' '))?.text;
}
