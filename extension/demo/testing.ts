/** For tests: a running server and the little that they share. The client itself is imported by the tests alone. */
import { join } from 'node:path';
import type { KubernetesObject, ObjectMeta } from '../../mesh/kubernetes.ts';
import { kubeconfigOf } from './demo-cluster.ts';
import { startApiServer, type ApiServerOptions, type RunningApiServer } from './api-server.ts';
import { readRecording, type Recording } from './recording.ts';

export const recordingsDir = join(import.meta.dirname, 'recordings');

export interface TestServer extends RunningApiServer {
  /** As text, for any client. */
  kubeconfig: string;
  /** `fetch` with the token; a body that is no text is sent as JSON. */
  call(
    method: string,
    path: string,
    body?: unknown,
    contentType?: string,
  ): Promise<{ status: number; headers: Headers; body: JsonAnswer }>;
}

interface TestMeta extends ObjectMeta {
  generation?: number;
  finalizers?: string[];
  managedFields?: { manager: string }[];
  continue?: string;
  remainingItemCount?: number;
}

/** Enough of any answer for an assertion. */
export interface JsonAnswer {
  kind: string;
  apiVersion: string;
  metadata: TestMeta;
  items: (KubernetesObject & { metadata: TestMeta })[];
  spec: Record<string, unknown>;
  data: Record<string, string>;
  status: unknown;
  reason: string;
  message: string;
  code: number;
  details: { name?: string; kind?: string; causes?: { reason?: string; message?: string; field?: string }[] };
}

export async function startTestServer(
  state: string | Recording,
  options: Omit<ApiServerOptions, 'recording'> = {},
): Promise<TestServer> {
  const recording = typeof state === 'string' ? await readRecording(join(recordingsDir, state)) : state;
  const server = await startApiServer({ recording, ...options });
  return {
    ...server,
    kubeconfig: JSON.stringify(kubeconfigOf('demo', server)),
    async call(method, path, body, contentType = 'application/json') {
      const response = await fetch(server.url + path, {
        method,
        headers: {
          authorization: `Bearer ${server.token}`,
          ...(body !== undefined && { 'content-type': contentType }),
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: JSON.parse(text) as JsonAnswer };
    },
  };
}

/** Asks again until it is so. @throws after five seconds, with what it was last. */
export async function eventually<T>(ask: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> {
  const end = Date.now() + 5000;
  for (;;) {
    const value = await ask();
    if (isSo(value)) return value;
    if (Date.now() > end) throw new Error(`still ${JSON.stringify(value).slice(0, 500)}`);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

/** A helper as the extension deploys it, as far as the demo cluster looks. */
export function helperManifests(hostNetwork = true): KubernetesObject[] {
  const labels = { 'app.kubernetes.io/name': 'meshloom-node-helper', 'app.kubernetes.io/managed-by': 'meshloom' };
  const metadata = { name: 'meshloom-node-helper', namespace: 'meshloom-system', labels };
  const configMap = { ...metadata, name: 'meshloom-node-helper-4be1f00d99aa' };
  const container = {
    name: 'node-helper',
    image: 'node:24-slim',
    env: [{ name: 'MESHLOOM_VERSION', value: '0.1.0' }],
    volumeMounts: [{ name: 'program', mountPath: '/opt/meshloom' }],
  };
  const spec = {
    hostNetwork,
    hostPID: true,
    containers: [container],
    volumes: [{ name: 'program', configMap: { name: configMap.name } }],
  };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'meshloom-system', labels } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: configMap, data: { 'node-helper.js': 'x' } },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata,
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    },
  ] as KubernetesObject[];
}
