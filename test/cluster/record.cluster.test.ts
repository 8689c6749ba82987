/** A recording of a real API server: what it serves comes back from the demo cluster as it was, with rights and without. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClientNodeCluster } from '../../extension/cluster/client-node-cluster.ts';
import { readRecordedFile } from '../../extension/demo/read-recorded-file.ts';
import { anonymize } from '../../extension/record/anonymize.ts';
import { collectRecording } from '../../extension/record/collect-recording.ts';
import { printRecordingFile, type RecordingFile } from '../../extension/record/recording-file.ts';
import { printFindings, serve } from '../recordings.fixture.ts';
import { ApiServer } from './api-server.ts';
import { collectionPath, istioCrds } from './istio-crds.ts';
import { startControlPlane, whyNoControlPlane, type ControlPlane } from './start-cluster.ts';
import { eventually, say } from './support.ts';

const missing = await whyNoControlPlane();
if (missing) console.log(`test/cluster: recording skipped, because ${missing}`);

const virtualServices = collectionPath('networking.istio.io/v1', 'VirtualService');
const options = { signal: new AbortController().signal, writtenBy: 'meshloom 0.0.0', now: new Date(0) };
let plane: ControlPlane;
let api: ApiServer;

async function record(token: string, namespace?: string): Promise<RecordingFile> {
  const cluster = createClientNodeCluster({
    context: { id: 'kubeconfig:test', name: 'test', kind: 'kubeconfig', namespace: 'default' },
    cluster: {
      ...{ name: 'test', server: plane.url, skipTLSVerify: false },
      caData: Buffer.from(plane.ca).toString('base64'),
    },
    user: { name: 'somebody', token, impersonateGroups: [] },
    environment: {},
  });
  try {
    const scope = namespace === undefined ? {} : { namespace };
    return (await collectRecording(cluster, { ...options, ...scope })).recording;
  } finally {
    cluster.dispose();
  }
}

describe.skipIf(missing)('a recording of a real API server', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    plane = await startControlPlane(say);
    api = new ApiServer(plane);
    const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    await Promise.all(istioCrds().map((crd) => api.create(crds, crd)));
    await eventually('the CRDs served', async () =>
      (await api.send('GET', virtualServices)).status === 200 ? true : undefined,
    );
    await api.create(virtualServices, {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'payments' },
      spec: { hosts: ['payments'], http: [{ route: [{ destination: { host: 'payments', subset: 'nowhere' } }] }] },
    });
    await api.create('/api/v1/namespaces/default/services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'payments' },
      spec: { ports: [{ name: 'web', port: 80 }], selector: { app: 'payments' } },
    });
    await api.create('/api/v1/namespaces/default/secrets', {
      ...{ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name: 'edge' } },
      data: { 'tls.crt': 'Y2VydA==', 'tls.key': 'c2VjcmV0' },
    });
    await api.create('/api/v1/namespaces/default/serviceaccounts', {
      ...{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'nobody' } },
    });
  }, 15 * 60_000);

  afterAll(async () => {
    api?.dispose();
    await plane?.dispose();
  }, 60_000);

  test('comes back from the demo cluster as it was', async () => {
    const first = await record(plane.token);
    expect(first.kinds.filter(({ state }) => !['complete', 'absent'].includes(state))).toEqual([]);
    expect(JSON.stringify(first)).not.toMatch(/managedFields|c2VjcmV0/);
    const directory = await mkdtemp(join(tmpdir(), 'meshloom-recorded-'));
    const file = join(directory, 'a.json.gz');
    await writeFile(file, await printRecordingFile(first, file));
    const { recording } = await readRecordedFile(file);
    await rm(directory, { recursive: true });
    const { server, cluster } = await serve(recording);
    const second = (await collectRecording(cluster, options)).recording;
    cluster.dispose();
    await server.close();
    const sorted = ({ resources }: RecordingFile) =>
      resources.map((each) => JSON.stringify(each, Object.keys(flat(each)).sort())).sort();
    expect(sorted(second)).toEqual(sorted(first));
    expect(printFindings(second.resources)).toEqual(printFindings(first.resources));
  });

  test('says the same when it is anonymised, and names nobody', async () => {
    const first = await record(plane.token);
    const { recording } = anonymize(first);
    const codes = (each: RecordingFile) =>
      printFindings(each.resources)
        .map((line) => line.split(' ').slice(0, 2).join(' '))
        .sort();
    expect(codes(first).length).toBeGreaterThan(0);
    expect(codes(recording)).toEqual(codes(first));
    expect(JSON.stringify(recording)).not.toContain('payments');
  });

  test('of one namespace holds the others’ objects not', async () => {
    const { resources } = await record(plane.token, 'kube-system');
    expect(resources.map(({ metadata }) => (metadata as { name: string }).name)).not.toContain('payments');
  });

  test('by somebody without rights says so of each kind', async () => {
    const request = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} });
    const { text } = await api.send('POST', '/api/v1/namespaces/default/serviceaccounts/nobody/token', request);
    const { status } = JSON.parse(text) as { status: { token: string } };
    const { kinds, resources, notes } = await record(status.token);
    expect(new Set(kinds.map(({ state }) => state))).toEqual(new Set(['refused']));
    expect(resources).toEqual([]);
    expect(notes.length).toBeGreaterThan(kinds.length);
  });
});

/** Every key at any depth: what `JSON.stringify` is to print, in one order. */
function flat(value: unknown, keys: Record<string, true> = {}): Record<string, true> {
  if (typeof value !== 'object' || value === null) return keys;
  for (const [key, inner] of Object.entries(value)) {
    if (!Array.isArray(value)) keys[key] = true;
    flat(inner, keys);
  }
  return keys;
}
