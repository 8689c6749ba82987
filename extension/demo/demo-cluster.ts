import { join } from 'node:path';
import * as l10n from '@vscode/l10n';
import { addFaults } from './add-faults.ts';
import { startApiServer } from './api-server.ts';
import { readRecordedFile } from './read-recorded-file.ts';
import { readRecording } from './recording.ts';
import type { DemoStateId } from './demo-states.ts';

export { startApiServer } from './api-server.ts';
export { demoStates } from './demo-states.ts';
export { readRecording } from './recording.ts';
export { readRecordedFile } from './read-recorded-file.ts';

/** A kubeconfig of one context, as `kubectl config view -o json` shows it. */
export interface DemoKubeconfig {
  apiVersion: 'v1';
  kind: 'Config';
  'current-context': string;
  /** The client refuses plain HTTP, on loopback too, unless TLS is waived; there is none to verify. */
  clusters: { name: string; cluster: { server: string; 'insecure-skip-tls-verify': true } }[];
  users: { name: string; user: { token: string } }[];
  contexts: { name: string; context: { cluster: string; user: string; namespace: string } }[];
}

export interface DemoCluster {
  /** JSON, and so YAML, too. */
  kubeconfig: DemoKubeconfig;
  url: string;
  token: string;
  /** What of the recording could not be read, for the log; the rest works. */
  problems: string[];
  close(): Promise<void>;
}

/**
 * Starts the demo cluster in one of its states.
 * @param state names a directory below `recordingsDir`.
 * @param strings the editor's language, for a bundle of its own that shares no module with the extension's.
 * @throws {RecordingError} when that recording cannot be replayed; its message names the file and is for the user.
 */
export async function startDemoCluster(
  state: DemoStateId,
  recordingsDir: string,
  strings?: Record<string, string>,
): Promise<DemoCluster> {
  if (strings) l10n.config({ contents: strings });
  const directory = join(recordingsDir, state);
  const recording = await addFaults(await readRecording(directory), directory);
  const { url, token, close } = await startApiServer({ recording });
  return { kubeconfig: kubeconfigOf(`demo-${state}`, { url, token }), url, token, problems: recording.problems, close };
}

/**
 * Starts a demo cluster from a file that *Record Cluster* wrote.
 * @throws {RecordingError} when it cannot be replayed; its message names the file and is for the user.
 */
export async function startRecordedCluster(
  file: string,
  strings?: Record<string, string>,
): Promise<Omit<DemoCluster, 'kubeconfig'> & { namespace?: string }> {
  if (strings) l10n.config({ contents: strings });
  const { recording, namespace } = await readRecordedFile(file);
  const { url, token, close } = await startApiServer({ recording });
  return { url, token, problems: recording.problems, close, ...(namespace !== undefined && { namespace }) };
}

/** @param name of the context, and of what it consists of. */
export function kubeconfigOf(name: string, { url, token }: { url: string; token: string }): DemoKubeconfig {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'shop' } }],
  };
}
