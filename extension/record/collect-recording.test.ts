import { describe, expect, it } from 'vitest';
import { ClusterFailure, type Cluster, type ResourceType } from '../cluster/cluster.ts';
import { collectRecording } from './collect-recording.ts';

const forbidden = (what: string) => new ClusterFailure('forbidden', `You may not list ${what}.`, '');

/** Answers lists by plural and namespace; `undefined` in the table: forbidden. */
function fake(table: Record<string, object[] | undefined>): Cluster {
  return {
    context: { id: 'x', name: 'x', kind: 'kubeconfig', namespace: 'shop' },
    list: ({ plural }: ResourceType, { namespace }: { namespace?: string } = {}) => {
      const key = namespace === undefined ? plural : `${namespace}/${plural}`;
      if (key in table && table[key] === undefined) return Promise.reject(forbidden(key));
      return Promise.resolve({ items: table[key] ?? [], resourceVersion: '1' });
    },
    get: () => Promise.resolve(undefined),
  } as unknown as Cluster;
}
const options = { signal: new AbortController().signal, writtenBy: 'm', now: new Date(0) };

describe('recording with few rights', () => {
  it('takes what may be read and says what may not', async () => {
    const pod = { metadata: { name: 'a', namespace: 'shop', managedFields: [{}] }, spec: {} };
    const cluster = fake({ pods: undefined, 'shop/pods': [pod], nodes: undefined, namespaces: undefined });
    const { recording } = await collectRecording(cluster, options);
    expect(recording.resources).toEqual([
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'shop' }, spec: {} },
    ]);
    const state = (kind: string) => recording.kinds.find((each) => each.kind === kind)?.state;
    expect([state('/Pod'), state('/Node'), state('/Service')]).toEqual(['partial', 'refused', 'complete']);
    expect(recording.notes).toEqual(expect.arrayContaining(['You may not list pods.', 'You may not list nodes.']));
  });

  it('ends at once when nobody answers', async () => {
    const cluster = fake({});
    cluster.list = () => Promise.reject(new ClusterFailure('unreachable', 'No answer.', ''));
    await expect(collectRecording(cluster, options)).rejects.toThrow('No answer.');
  });
});

it('takes of a Secret its name, type and certificates only', async () => {
  const secret = {
    metadata: { name: 'tls', namespace: 'shop', annotations: { a: 'topsecret' } },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': 'Y2VydA==', 'tls.key': 'topsecret', password: 'topsecret' },
  };
  const { recording } = await collectRecording(fake({ secrets: [secret] }), options);
  expect(recording.resources).toMatchObject([
    { kind: 'Secret', type: 'kubernetes.io/tls', data: { 'tls.crt': 'Y2VydA==', 'tls.key': '' } },
  ]);
  expect(JSON.stringify(recording)).not.toContain('topsecret');
});

it('keeps of the injector’s templates the names', async () => {
  const webhook = {
    metadata: { name: 'w' },
    webhooks: [{ clientConfig: { service: { name: 'istiod', namespace: 'mesh-1', path: '/inject' } } }],
  };
  const config =
    'policy: enabled\ntemplates:\n  sidecar: |\n    spec:\n      {{ if x }}\n  grpc: |\n    spec: y\naliases: {}\n';
  const map = { metadata: { name: 'istio-sidecar-injector', namespace: 'mesh-1' }, data: { config } };
  const other = { metadata: { name: 'private', namespace: 'mesh-1' }, data: { a: 'b' } };
  const { recording } = await collectRecording(
    fake({ mutatingwebhookconfigurations: [webhook], 'mesh-1/configmaps': [map, other] }),
    options,
  );
  const maps = recording.resources.filter(({ kind }) => kind === 'ConfigMap');
  expect(maps.map(({ data }) => data)).toEqual([
    { config: 'policy: enabled\ntemplates:\n  sidecar: ""\n  grpc: ""\naliases: {}\n' },
  ]);
});
