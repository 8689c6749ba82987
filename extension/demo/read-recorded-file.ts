import { readRecordingFile, type RecordedNodeAnswers, type RecordingFile } from '../record/recording-file.ts';
import type { ApiObject } from './api-object.ts';
import { findNetworkError } from './node-network.ts';
import type { RecordedNode, Recording } from './recording.ts';

/**
 * Reads a recording that *Record Cluster* wrote. What it holds is served, never run.
 * @returns `namespace`: the one to begin with.
 * @throws RecordingFileError when it cannot be replayed at all.
 */
export async function readRecordedFile(file: string): Promise<{ recording: Recording; namespace?: string }> {
  const { recording, problems } = await readRecordingFile(file);
  const { namespace } = recording.cluster;
  return { recording: toRecording(recording, problems), ...(namespace !== undefined && { namespace }) };
}

/** A recording of one file as the demo cluster replays it. */
export function toRecording({ resources, nodes, pods }: RecordingFile, problems: readonly string[] = []): Recording {
  const recorded = nodes.map(nodeOf);
  return {
    objects: resources as unknown as ApiObject[],
    // No helper was there: then nothing is known of any node.
    node: recorded[0] ?? nodeOf({ node: '', notes: [] }),
    nodes: recorded,
    rules: new Map(),
    inspected: new Map(pods.map(({ namespace, name, result }) => [`${namespace}_${name}`, told(result)])),
    problems: [...problems],
  };
}

function nodeOf({ node, hello, cni, agent, notes }: RecordedNodeAnswers): RecordedNode {
  const files = cni?.files ?? [];
  const made: RecordedNode = {
    name: node,
    kernel: hello?.kernel ?? '',
    confDir: cni?.confDir ?? '/etc/cni/net.d',
    binDirs: cni?.binDirs ?? [],
    plugins: cni?.plugins ?? [],
    files,
    iptables: hello?.iptables ?? [],
    notes,
    ...(cni && { read: cni }),
    ...(agent && { agent }),
  };
  const podNetworkError = cni && findNetworkError(made);
  return podNetworkError === undefined ? made : { ...made, podNetworkError };
}

const replayed = 'From a recording: this is what was there when it was made.';

function told<T extends { notes: string[] }>(result: T): T {
  return result.notes.includes(replayed) ? result : { ...result, notes: [...result.notes, replayed] };
}
