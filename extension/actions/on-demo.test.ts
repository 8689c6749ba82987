/** Actions on the demo's API server over the real client: what a person sees without a cluster. */
import { connect as connectTcp } from 'node:net';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClientNodeCluster } from '../cluster/client-node-cluster.ts';
import { ClusterFailure, resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { startTestServer, type TestServer } from '../demo/testing.ts';
import type { Pod, Workload } from '../../mesh/kubernetes.ts';
import { followLogs } from './follow-logs.ts';
import { guardWrites, type Write } from './guard-writes.ts';
import { findRestartable, planRestart } from './plan-restart.ts';
import { PortForward } from './port-forward.ts';
import { addShellContainer, offerShellContainer } from './shell-container.ts';
import { ownerOf, scopeOf } from './pod-targets.ts';

let server: TestServer;
let cluster: Cluster & { dispose(): void };
let pod: Pod;
const namespace = 'shop';

beforeAll(async () => {
  server = await startTestServer('with-cni');
  cluster = createClientNodeCluster({
    context: { id: 'demo:x', name: 'demo', kind: 'demo' },
    cluster: { name: 'demo', server: server.url, skipTLSVerify: false },
    user: { name: 'demo', token: server.token, impersonateGroups: [] },
  });
  const { items } = await cluster.list<Pod>(resourceTypes.pods, { namespace });
  pod = items.find(
    ({ status, metadata }) => status?.phase === 'Running' && metadata?.ownerReferences?.[0]?.kind === 'ReplicaSet',
  )!;
});

afterAll(async () => {
  cluster.dispose();
  await server.close();
});

const name = () => pod.metadata!.name!;
const container = () => pod.spec!.containers![0]!.name;

describe('actions on the demo cluster', () => {
  it('follow a log until they are told to stop', async () => {
    const stop = new AbortController();
    const lines: string[] = [];
    const request = { scope: { namespace, name: name() }, containers: [container()], tailLines: 10 };
    await followLogs(
      cluster,
      request,
      {
        line: (_, text) => {
          lines.push(text);
          stop.abort();
        },
        note: () => undefined,
        drained: () => Promise.resolve(),
      },
      stop.signal,
    );
    expect(lines).toEqual(['This cluster is a recording: logs were not recorded.']);
  });

  it('say that the pod is gone, and stop', async () => {
    const notes: string[] = [];
    const sink = { line: () => undefined, note: (text: string) => notes.push(text), drained: () => Promise.resolve() };
    await followLogs(cluster, { scope: { namespace, name: 'nobody' } }, sink, new AbortController().signal);
    expect(notes).toEqual(['No pod is there.']);
  });

  it('open a terminal that says what it is', async () => {
    let output = '';
    const session = await cluster.openTerminal({ namespace, name: name(), container: container() }, ['/bin/sh'], {
      columns: 80,
      rows: 24,
      onOutput: (text) => (output += text),
    });
    session.write('ls\rexit 3\r');
    expect(await session.ended).toEqual({ exitCode: 3 });
    expect(output).toMatch(/^This cluster is a recording/);
    expect(output).toContain('sh: ls: not recorded');
  });

  it('add a debug container beside one without a shell, with no more rights than that one', async () => {
    const place = { namespace, name: name(), container: container() };
    const offer = await offerShellContainer(cluster, place, 'busybox:stable');
    expect(offer.detail).toMatch(/pod “.*” in namespace “shop” of context “demo”.*cannot be undone.*API server: demo/s);
    expect(parse(offer.preview)).toMatchObject({
      spec: {
        ephemeralContainers: [
          {
            targetContainerName: container(),
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          },
        ],
      },
    });
    await addShellContainer(cluster, offer, AbortSignal.timeout(10_000));
    const now = await cluster.get<Pod>(resourceTypes.pods, name(), { namespace });
    expect(
      now?.status?.ephemeralContainerStatuses?.find((each) => each.name === 'meshloom-shell')?.state,
    ).toHaveProperty('running');
    const next = await offerShellContainer(cluster, place, 'busybox:stable');
    expect(next.place.container).toBe('meshloom-shell-2');
  });

  it('refuse a connection to a port in words, and leave nothing behind', async () => {
    const failures: ClusterFailure[] = [];
    const failed = new Promise<void>((resolve) => {
      void (async () => {
        const scope = await scopeOf(cluster, (await ownerOf(cluster, pod))!);
        const forward = await PortForward.start(cluster, { label: 'x', scope, prefer: name(), port: 80 }, 0, {
          onState: () => undefined,
          onFailure: (failure) => {
            failures.push(failure);
            forward.stop();
            resolve();
          },
        });
        expect(forward.state).toEqual({ phase: 'ready', pod: name() });
        connectTcp(forward.localPort, '127.0.0.1').on('error', () => undefined);
      })();
    });
    await failed;
    expect(failures[0]?.message).toContain('nothing answers on port 80 in the pod: this cluster is a recording');
  });

  it('plan a restart: the diff, the injection, the way back', async () => {
    const reference = await findRestartable(cluster, { kind: 'Pod', namespace, name: name() }, pod);
    expect(reference.kind).toBe('Deployment');
    const plan = await planRestart(cluster, reference, '2026-11-21T10:00:00Z');
    expect(plan.after).toContain('restartedAt: 2026-11-21T10:00:00Z');
    expect(plan.before).not.toContain('2026-11-21T10:00:00Z');
    expect(plan.injection).toMatch(/^New pods will get (a|no) sidecar: /);
    expect(plan.undo).toContain(`rollout undo deployment/${reference.name}`);
    const stored = await cluster.get<Workload>(resourceTypes.deployments, reference.name, { namespace });
    expect(JSON.stringify(stored)).not.toContain('2026-11-21T10:00:00Z');
  });

  it('explain what cannot be restarted', async () => {
    const alone = { ...pod, metadata: { name: 'alone', namespace } };
    await expect(findRestartable(cluster, { kind: 'Pod', namespace, name: 'alone' }, alone)).rejects.toThrow(
      'no controller would make this pod again',
    );
    await expect(planRestart(cluster, { kind: 'Job', namespace, name: 'x' }, '')).rejects.toThrow('runs its pods once');
  });
});

describe('the gate', () => {
  it('is asked before every write and before nothing else', async () => {
    const asked: Write[] = [];
    const refuse = new ClusterFailure('protected', 'no', '');
    const guarded = guardWrites(cluster, (write) => {
      asked.push(write);
      return Promise.reject(refuse);
    });
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace } };
    const place = { namespace, name: name(), container: container() };
    const terminal = { columns: 1, rows: 1, onOutput: () => undefined };
    await expect(guarded.apply(object)).rejects.toBe(refuse);
    await expect(guarded.patch(resourceTypes.configMaps, 'x', {}, { namespace })).rejects.toBe(refuse);
    await expect(guarded.delete(resourceTypes.configMaps, 'x', { namespace })).rejects.toBe(refuse);
    await expect(guarded.openTerminal(place, ['sh'], terminal)).rejects.toBe(refuse);
    await expect(guarded.exec(place, ['x'], { writes: 'Node n1' })).rejects.toBe(refuse);
    expect(asked.map(({ how, object: of }) => `${how} ${of}`)).toEqual([
      'apply ConfigMap shop/x',
      'patch ConfigMap shop/x',
      'delete ConfigMap shop/x',
      `terminal Pod shop/${name()}`,
      'exec Node n1',
    ]);
    await guarded.apply(object, { dryRun: true });
    await guarded.list(resourceTypes.pods, { namespace });
    await guarded.get(resourceTypes.pods, name(), { namespace });
    expect(await cluster.get(resourceTypes.configMaps, 'x', { namespace })).toBeUndefined();
    expect(asked).toHaveLength(5);
  });
});
