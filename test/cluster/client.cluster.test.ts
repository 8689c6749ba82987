/** What the extension counts on when it speaks with an API server, held against a real one with a real kubelet behind it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClusterFailure, resourceTypes, type WatchEvent } from '../../extension/cluster/cluster.ts';
import type { KubernetesObject, Pod } from '../../mesh/kubernetes.ts';
import { nodeImage } from './images.ts';
import { startCluster, whyNoCluster, type TestCluster } from './start-cluster.ts';
import { connect, eventually, failureOf, say, type ConnectedCluster } from './support.ts';

const missing = await whyNoCluster();
if (missing) console.log(`test/cluster: skipped, because ${missing}`);

const namespace = `meshloom-client-test-${process.pid}`;
const configMap = (name: string, data: Record<string, string> = {}) =>
  ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels: { made: 'here' } },
    data,
  }) as KubernetesObject;

let running: TestCluster | undefined;
let cluster: ConnectedCluster;

describe.skipIf(missing)('the extension’s client on a real Kubernetes', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    running = await startCluster(say);
    cluster = await connect(running.kubeconfig);
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await eventually('the service account', () => cluster.get(resourceTypes.serviceAccounts, 'default', { namespace }));
    await cluster.apply({
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'shell', namespace } },
      spec: {
        ...{ terminationGracePeriodSeconds: 0, automountServiceAccountToken: false },
        containers: [{ name: 'app', image: nodeImage, imagePullPolicy: 'IfNotPresent', command: ['sleep', '3600'] }],
      },
    } as KubernetesObject);
    await eventually('the pod running', async () =>
      (await cluster.get<Pod>(resourceTypes.pods, 'shell', { namespace }))?.status?.phase === 'Running'
        ? true
        : undefined,
    );
  }, 15 * 60_000);

  afterAll(async () => {
    if (running && !running.space) await cluster.delete(resourceTypes.namespaces, namespace);
    cluster?.dispose();
    await running?.dispose();
  }, 60_000);

  const exec = (command: string[], options: { stdin?: string; timeoutMs?: number } = {}) =>
    cluster.exec({ namespace, name: 'shell', container: 'app' }, command, options);

  test('closes standard input alone, so that a program that reads to its end gets there', async () => {
    const stdin = 'märz \n'.repeat(100_000);
    const { stdout, exitCode } = await exec(['cat'], { stdin });
    expect(exitCode).toBe(0);
    expect(stdout === stdin).toBe(true);
  });

  test('tells standard output, standard error and the exit code apart', async () => {
    expect(await exec(['sh', '-c', 'echo out; echo err >&2; exit 3'])).toEqual({
      stdout: 'out\n',
      stderr: 'err\n',
      exitCode: 3,
    });
  });

  test('receives 20 MB whole', async () => {
    const { stdout } = await exec(['node', '-e', "process.stdout.write('0123456789'.repeat(2e6))"], {
      timeoutMs: 60_000,
    });
    expect(stdout.length).toBe(20_000_000);
  });

  test('says why a command could not be started', async () => {
    const start = (command: string[], container = 'app', name = 'shell') =>
      failureOf(cluster.exec({ namespace, name, container }, command)) as Promise<ClusterFailure>;
    const noProgram = await start(['no-such-program']);
    expect(noProgram).toBeInstanceOf(ClusterFailure);
    expect(noProgram.message).toMatch(
      /the container runtime could not start it: error executing .*no-such-program.*not found/,
    );
    const noContainer = await start(['true'], 'nothing');
    expect([noContainer.reason, noContainer.message]).toEqual([
      'invalid',
      expect.stringContaining('container nothing is not valid for pod shell') as string,
    ]);
    const noPod = await start(['true'], 'app', 'gone');
    expect([noPod.reason, noPod.message]).toEqual([
      'not-found',
      expect.stringContaining('“gone” does not exist') as string,
    ]);
  });

  test('names the right that is missing to list and to run a command', async (context) => {
    if (!running?.kubeconfigOfNobody) return context.skip('an existing cluster has no such user');
    const nobody = await connect(running.kubeconfigOfNobody);
    try {
      const list = (await failureOf(nobody.list(resourceTypes.pods))) as ClusterFailure;
      expect(list.message).toContain('user “nobody@example.org” lacks the right to list pods (403)');
      expect(list.next).toContain('in the whole cluster');
      const run = (await failureOf(
        nobody.exec({ namespace, name: 'shell', container: 'app' }, ['true']),
      )) as ClusterFailure;
      expect(run.message).toContain('user “nobody@example.org” lacks the right to get pods/exec (403)');
      expect(run.next).toContain(`in namespace “${namespace}”`);
    } finally {
      nobody.dispose();
    }
  });

  test('runs a command for somebody who has both rights of pods/exec, and asks for both when one is missing', async (context) => {
    if (!running?.kubeconfigOfNobody) return context.skip('an existing cluster has no such user');
    const nobody = await connect(running.kubeconfigOfNobody);
    const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: 'exec', namespace } };
    const allow = async (verbs: string[]) =>
      await cluster.apply({
        ...{ ...rbac, kind: 'Role' },
        rules: [{ apiGroups: [''], resources: ['pods/exec'], verbs }],
      } as KubernetesObject);
    await allow(['create']);
    await cluster.apply({
      ...{ ...rbac, kind: 'RoleBinding' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'exec' },
      subjects: [{ kind: 'User', name: 'nobody@example.org', apiGroup: 'rbac.authorization.k8s.io' }],
    } as KubernetesObject);
    const run = () => nobody.exec({ namespace, name: 'shell', container: 'app' }, ['sh', '-c', 'echo hello']);
    try {
      const failure = (await failureOf(run())) as ClusterFailure;
      expect(failure.message).toContain('user “nobody@example.org” lacks the right to get pods/exec (403)');
      expect(failure.next).toContain(`the verbs “get” and “create” on “pods/exec” in namespace “${namespace}”`);
      await allow(['get', 'create']);
      const answer = await eventually('the right coming into force', async () => await run().catch(() => undefined));
      expect(answer.stdout).toBe('hello\n');
    } finally {
      nobody.dispose();
    }
  });

  test('says that a token is not accepted', async () => {
    const stranger = await connect(running!.kubeconfig, 'not-a-token');
    try {
      expect(((await failureOf(stranger.list(resourceTypes.pods))) as ClusterFailure).reason).toBe('unauthorized');
      const run = stranger.exec({ namespace, name: 'shell', container: 'app' }, ['true']);
      expect(((await failureOf(run)) as ClusterFailure).reason).toBe('unauthorized');
    } finally {
      stranger.dispose();
    }
  });

  test('lists more objects than a page holds, each with its kind', async () => {
    const names = Array.from({ length: 1_100 }, (_, index) => `many-${String(index).padStart(4, '0')}`);
    const left = [...names];
    const worker = async () => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) await cluster.apply(configMap(name));
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    const { items, resourceVersion } = await cluster.list(resourceTypes.configMaps, {
      namespace,
      labelSelector: 'made=here',
    });
    expect(items.map(({ metadata }) => metadata?.name).sort()).toEqual(names);
    expect(new Set(items.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`))).toEqual(new Set(['v1 ConfigMap']));
    expect(Number(resourceVersion)).toBeGreaterThan(0);
  });

  test('sees an object come, change and go while it watches', async () => {
    const { resourceVersion } = await cluster.list(resourceTypes.configMaps, { namespace });
    const stop = new AbortController();
    const seen: string[] = [];
    const onEvent = (event: WatchEvent<KubernetesObject & { data?: Record<string, string> }>) => {
      if (event.type !== 'BOOKMARK')
        seen.push(`${event.type} ${event.object.kind} ${event.object.metadata?.name} ${event.object.data?.step}`);
    };
    const watching = cluster.watch(resourceTypes.configMaps, {
      namespace,
      resourceVersion,
      signal: stop.signal,
      onEvent,
    });
    await cluster.apply(configMap('watched', { step: '1' }));
    await cluster.apply(configMap('watched', { step: '2' }));
    expect(await cluster.delete(resourceTypes.configMaps, 'watched', { namespace })).toBe(true);
    await eventually('all events', async () => (await Promise.resolve(seen.length)) >= 3 || undefined, 10_000);
    expect(seen).toEqual(['ADDED ConfigMap watched 1', 'MODIFIED ConfigMap watched 2', 'DELETED ConfigMap watched 2']);
    stop.abort();
    await watching;
  });

  test('hears of a field that the API does not know, in place of losing it silently', async () => {
    const wrong = { ...configMap('typo'), dta: { key: 'value' } } as KubernetesObject;
    const failure = (await failureOf(cluster.apply(wrong, { dryRun: true }))) as ClusterFailure;
    expect(failure).toBeInstanceOf(ClusterFailure);
    expect(failure.message).toContain('dta');
    expect(await cluster.get(resourceTypes.configMaps, 'typo', { namespace })).toBeUndefined();
  });
});
