/**
 * Our CNI plugin on a real node: containerd and its libcni call it, the agent runs in the DaemonSet, the kubelet starts pods
 * as Istio's injector leaves them. Put there and taken away by the product's own code.
 */
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resourceTypes } from '../../extension/cluster/cluster.ts';
import { inspectPod } from '../../extension/node-helper/client.ts';
import { helperName, helperNamespace } from '../../extension/node-helper/manifest.ts';
import type { PodRecord } from '../../contract/cni-plugin.ts';
import type { KubernetesObject, Pod } from '../../mesh/kubernetes.ts';
import { meanBetween, readNetworkTimes } from './cri-client.ts';
import { injected, type InjectedShape } from './injected-pods.ts';
import {
  actOnCni,
  compareRules,
  deployInterception,
  outcomeOf,
  readAgent,
  readChain,
  readRuntime,
  recordOf,
} from './interception.ts';
import { listNames, readDirectory, sizeOf } from './node-directory.ts';
import type { NodeSpace } from './node-space.ts';
import { TestPods, type PodShape } from './pods.ts';
import { cniConfig } from './node-files.ts';
import {
  cniConfigPath,
  cniDirectory,
  cniPrograms,
  startCluster,
  whyNoCluster,
  type TestCluster,
} from './start-cluster.ts';
import { connect, eventually, readHelperProgram, say, type ConnectedCluster } from './support.ts';

const missing =
  (await whyNoCluster()) ??
  (process.env.MESHLOOM_TEST_KUBECONFIG ? 'an existing cluster’s node is not to be changed' : undefined);
if (missing) console.log(`test/cluster: skipped, because ${missing}`);

const seconds = (from: number, to = performance.now()) => `${((to - from) / 1000).toFixed(2)} s`;

describe.skipIf(missing)('our CNI plugin on a real node', { timeout: 120_000 }, () => {
  let running: TestCluster | undefined;
  let space: NodeSpace;
  let cluster: ConnectedCluster;
  let pods: TestPods;
  let program: Uint8Array;
  let before: { conf: string[]; programs: string[] };

  beforeAll(async () => {
    program = await readHelperProgram();
    running = await startCluster(say, {
      file: (node) => [basename(cniConfigPath), cniConfig(node, 'fd00:10:244::/64')],
    });
    space = running.space!;
    cluster = await connect(running.kubeconfig);
    pods = new TestPods(cluster, 'shop');
    await pods.open();
    before = { conf: await readDirectory(space, cniDirectory), programs: await readDirectory(space, cniPrograms) };
    await deployInterception(cluster, program);
  }, 15 * 60_000);

  afterAll(async () => {
    cluster?.dispose();
    await running?.dispose();
  }, 60_000);

  const install = async () => {
    const started = performance.now();
    const result = await actOnCni(cluster, { action: 'install' });
    expect(result).toMatchObject({ exit: 0 });
    say(`install took ${seconds(started)}, the request over pods/exec included`);
    return result;
  };

  const takeHelperAway = async () => {
    await cluster.delete(resourceTypes.daemonSets, helperName, { namespace: helperNamespace });
    await eventually('the end of the helper', async () =>
      (await cluster.list(resourceTypes.pods, { namespace: helperNamespace })).items.length === 0 ? true : undefined,
    );
  };

  /** What a container's own program hears at an address. */
  const hear = async (pod: Pod, container: string, host: string, port: number): Promise<string> => {
    const script = `const s=require('net').connect(${port},'${host}',()=>s.setTimeout(2000,()=>s.destroy()));s.on('error',e=>console.log(e.code));s.pipe(process.stdout)`;
    const { name = '', namespace = '' } = pod.metadata ?? {};
    return (await cluster.exec({ name, namespace, container }, ['node', '-e', script])).stdout.trim();
  };

  /** What the node hears at a pod's port. */
  const hearFromNode = async (pod: Pod, port: number): Promise<string> => {
    const script = `require('net').connect(${port},'${pod.status!.podIP}').on('error',e=>console.log(e.code)).pipe(process.stdout)`;
    return (await space.run([process.execPath, '-e', script])).trim();
  };

  /** Seconds that the runtime waits for the plugins, for each of many pods that start at once. */
  const measureTogether = async (count: number, shape: PodShape): Promise<number> => {
    const names = Array.from({ length: count }, (_, index) => `many-${index}`);
    const from = await readNetworkTimes(space);
    await Promise.all(names.map((name) => pods.create(name, shape)));
    await Promise.all(names.map((name) => pods.ready(name)));
    const mean = meanBetween(from, await readNetworkTimes(space));
    await pods.end(...names);
    return mean;
  };

  test('is chained in less than a second, as its plan said, and the runtime loads the chain', async () => {
    await measureTogether(4, {});
    const without = await measureTogether(12, {});
    say(`12 pods at once without the plugin: ${without.toFixed(2)} s each`);
    const plan = await actOnCni(cluster, { action: 'plan' });
    expect(await readDirectory(space, cniDirectory)).toEqual(before.conf);
    const { plan: done } = await install();
    expect(done.writes).toEqual(plan.plan.writes);
    const { plugins, problems, cniVersion } = await readChain(cluster);
    expect([cniVersion, plugins.map(({ type }) => type)]).toEqual(['0.4.0', ['bridge', 'portmap', 'meshloom-cni']]);
    expect(problems).toEqual([]);
    expect(await readRuntime(cluster)).toMatchObject({ program: 'containerd', source: 'status', lastLoad: '' });
    expect(await actOnCni(cluster, { action: 'install' })).toMatchObject({ exit: 0, plan: { action: 'none' } });
  });

  const shapes: Record<string, InjectedShape> = {
    plain: {},
    ports: {
      annotations: {
        'traffic.sidecar.istio.io/includeInboundPorts': '9080,9443',
        'traffic.sidecar.istio.io/excludeInboundPorts': '9443,15020',
        'traffic.sidecar.istio.io/excludeOutboundPorts': '3306',
        'traffic.sidecar.istio.io/includeOutboundIPRanges': '10.0.0.0/8,172.16.0.0/12',
        'traffic.sidecar.istio.io/excludeInterfaces': 'net1',
      },
    },
    tproxy: { annotations: { 'sidecar.istio.io/interceptionMode': 'TPROXY' } },
    dns: {
      proxyEnv: { ISTIO_META_DNS_CAPTURE: 'true' },
      annotations: { 'proxy.istio.io/config': '{"proxyMetadata":{"ISTIO_META_DNS_CAPTURE":"true"}}' },
    },
    'dual-stack': { proxyEnv: { ISTIO_DUAL_STACK: 'true', INVALID_DROP: 'true' } },
  };

  test('writes the rules that Istio would write, for every kind of interception', async () => {
    const names = Object.keys(shapes);
    const made = await Promise.all(names.map(async (name) => await pods.run(name, injected(shapes[name]))));
    for (const pod of made) {
      const { name } = pod.metadata!;
      const record = await outcomeOf(cluster, pod, 'programmed');
      expect(record).toMatchObject({ name, namespace: 'shop', knownFrom: 'api', problems: [] });
      const [four, six] = await compareRules(cluster, pod);
      expect([name, four!.status, four!.differences, four!.whyUnknown]).toEqual([name, 'same', [], undefined]);
      expect([name, six!.status, six!.differences, six!.whyUnknown]).toEqual([name, 'same', [], undefined]);
      expect([name, four!.actual.toSorted()]).toEqual([name, four!.expected.toSorted()]);
      expect([name, six!.actual.toSorted()]).toEqual([name, six!.expected.toSorted()]);
      expect(four!.count).toBeGreaterThan(10);
      expect([name, six!.count > 0]).toEqual([name, name === 'dual-stack']);
    }
    const { reply } = await inspectPod(cluster, made[names.indexOf('tproxy')]!);
    if (!reply.ok) throw new Error(reply.error.message);
    expect(reply.result.policyRules.join('\n')).toContain('fwmark 0x539 lookup 133');
    expect(reply.result.routes.join('\n')).toMatch(/local default dev lo table 133/);
    await pods.end(...names);
  });

  test('takes the pod’s traffic to its proxy, and lets it go on once that is proved', async () => {
    const pod = await pods.run('live', injected({ live: true, validated: true }));
    expect(pod.status!.initContainerStatuses![0]).toMatchObject({ name: 'istio-validation', restartCount: 0 });
    expect(await hear(pod, 'app', '192.0.2.7', 80)).toBe('outbound');
    expect(await hear(pod, 'app', '10.96.0.1', 443)).toBe('outbound');
    expect(await hear(pod, 'app', '127.0.0.1', 8080)).toBe('app');
    expect(await hearFromNode(pod, 8080)).toBe('inbound');
    expect(await hearFromNode(pod, 15006)).toBe('inbound');
    await pods.end('live');
  });

  test('leaves alone what is not its business, and records why', async () => {
    const system = new TestPods(cluster, 'kube-system');
    const named: [TestPods, string, PodShape, check: string][] = [
      [pods, 'no-proxy', {}, 'istio-proxy'],
      [system, 'in-the-system', injected(), 'cni-excluded-namespace'],
      [pods, 'own-init', injected({ with: 'istio-init' }), 'istio-init'],
      [pods, 'opted-out', injected({ labels: { 'sidecar.istio.io/inject': 'false' } }), 'label'],
      [
        pods,
        'opted-out-by-annotation',
        injected({ annotations: { 'sidecar.istio.io/inject': 'false' } }),
        'annotation',
      ],
    ];
    for (const [where, name, shape, check] of named) {
      await where.create(name, shape);
      const pod = await eventually(`the sandbox of ${name}`, async () => {
        const found = await where.find(name);
        return found?.status?.podIP ? found : undefined;
      });
      const record = await outcomeOf(cluster, pod, 'declined');
      expect([name, record.steps.at(-1)?.check]).toEqual([name, check]);
      expect(record.steps.at(-1)!.says).not.toBe('');
      expect((await compareRules(cluster, pod)).map(({ count }) => count)).toEqual([0, 0]);
    }
    const onNode = await pods.run('on-the-node', injected({ spec: { hostNetwork: true } }));
    expect(await recordOf(cluster, onNode)).toBeUndefined();
    for (const [where, name] of named) await where.delete(name);
    await pods.end('on-the-node');
  });

  test('tells what it costs where many pods start at once, and what it takes on the node', async () => {
    const declined = await measureTogether(12, {});
    const programmed = await measureTogether(12, injected());
    say(
      `12 pods at once with the plugin: declined ${declined.toFixed(2)} s each, programmed ${programmed.toFixed(2)} s`,
    );
    const { status } = await readAgent(cluster);
    const pid = (await space.run(['pgrep', '-f', 'node-helper.js agent'])).trim().split('\n')[0];
    const rss = /VmRSS:\s+(\d+)/.exec(await space.run(['cat', `/proc/${pid}/status`]))![1];
    const sizes = await Promise.all(
      [`${cniPrograms}/meshloom-cni`, '/var/lib/meshloom', '/run/meshloom'].map((path) => sizeOf(space, path)),
    );
    say(
      `agent: ${(Number(rss) / 1024).toFixed(0)} MB resident (it says ${((status?.memory ?? 0) / 2 ** 20).toFixed(0)}); bytes on the node: program ${sizes[0]}, state ${sizes[1]}, records ${sizes[2]}`,
    );
  });

  test('forgets a pod when that ends', async () => {
    await pods.gone('opted-out');
    expect(await pods.list()).toEqual([]);
    await eventually('the records being gone', async () =>
      (await readAgent(cluster)).records.every(({ namespace }) => namespace !== 'shop') ? true : undefined,
    );
    const left = await listNames(space, '/run/meshloom/pods');
    expect(left.length).toBe((await readAgent(cluster)).records.length);
  });

  test('programs a pod while the API server is away, from what the runtime tells of it', async () => {
    const { labels, annotations, spec } = injected();
    const common = { terminationGracePeriodSeconds: 0, automountServiceAccountToken: false };
    const metadata = { name: 'static', namespace: 'shop', labels, annotations };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...common, ...spec } };
    const records = async (): Promise<PodRecord[]> => {
      const names = await listNames(space, '/run/meshloom/pods');
      const texts = names.map((name) => space.run(['cat', `/run/meshloom/pods/${name}`]));
      return (await Promise.all(texts)).map((text) => JSON.parse(text) as PodRecord);
    };
    await space.stop('kube-apiserver');
    try {
      space.write('static-pods/static.json', JSON.stringify(pod), 0o644);
      const record = await eventually('the record', async () =>
        (await records()).find(({ name }) => name.startsWith('static')),
      );
      expect(record, JSON.stringify(record)).toMatchObject({ outcome: 'programmed', knownFrom: 'annotations' });
    } finally {
      running!.startAgain!('kube-apiserver');
      await eventually('the API server being back', async () => await pods.list().catch(() => undefined));
    }
    const mirror = await pods.ready('static-n1');
    expect((await compareRules(cluster, mirror)).map(({ status }) => status)).toEqual(['same', 'same']);
    await eventually('the agent having the API server again', async () =>
      (await readAgent(cluster)).status?.api.connected ? true : undefined,
    );
    space.remove('static-pods/static.json');
    await pods.gone('static-n1');
  });

  test('lets pods start while its agent is away, and programs them when it is back', async () => {
    await takeHelperAway();
    const started = performance.now();
    const missed = await pods.run('missed', injected());
    expect(performance.now() - started).toBeLessThan(8_000);
    await pods.create('held', injected({ live: true, validated: true }));
    await eventually('the pod being held back', async () => {
      const [validation] = (await pods.find('held'))?.status?.initContainerStatuses ?? [];
      const { exitCode } = validation?.lastState?.terminated ?? validation?.state?.terminated ?? {};
      return exitCode === 126 ? true : undefined;
    });
    expect((await listNames(space, '/run/meshloom/missed')).length).toBe(2);
    await deployInterception(cluster, program);
    const back = performance.now();
    await outcomeOf(cluster, missed, 'repaired');
    say(`the pod that was missed has its rules ${seconds(back)} after the agent is back`);
    expect((await compareRules(cluster, missed)).map(({ status }) => status)).toEqual(['same', 'same']);
    const held = await pods.ready('held');
    expect(await hear(held, 'app', '192.0.2.7', 80)).toBe('outbound');
    expect(await listNames(space, '/run/meshloom/missed')).toEqual([]);
    await pods.end('held', 'missed');
  });

  test('deletes a pod that it missed where it is told to, and the next one has its rules', async () => {
    await takeHelperAway();
    const { labels, annotations, spec } = injected({ labels: { app: 'twice' } });
    const common = { terminationGracePeriodSeconds: 0, automountServiceAccountToken: false };
    const template = { metadata: { labels, annotations }, spec: { ...common, ...spec } };
    const metadata = { name: 'twice', namespace: 'shop' };
    await cluster.apply({
      ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata },
      spec: { replicas: 1, selector: { matchLabels: { app: 'twice' } }, template },
    } as KubernetesObject);
    const first = await eventually('the first pod running', async () =>
      (await pods.list()).find(({ status }) => status?.phase === 'Running'),
    );
    await deployInterception(cluster, program, { onMiss: 'delete' });
    const second = await eventually('another pod running', async () =>
      (await pods.list()).find(
        ({ status, metadata: own }) => status?.phase === 'Running' && own!.uid !== first.metadata!.uid,
      ),
    );
    await outcomeOf(cluster, second, 'programmed');
    expect((await compareRules(cluster, second)).map(({ status }) => status)).toEqual(['same', 'same']);
    await cluster.delete(resourceTypes.replicaSets, 'twice', { namespace: 'shop' });
    await pods.gone(second.metadata!.name!);
  });

  test('leaves while pods run: its program stays for them, the directory is as it was', async () => {
    await pods.run('outlives', injected());
    const started = performance.now();
    const left = await actOnCni(cluster, { action: 'uninstall' });
    say(`uninstall took ${seconds(started)}, the request over pods/exec included`);
    expect(left).toMatchObject({ exit: 0, plan: { binaryKept: true } });
    expect(await readDirectory(space, cniDirectory)).toEqual(before.conf);
    expect(await listNames(space, cniPrograms)).toContain('meshloom-cni');
    await pods.run('after', injected());
    await pods.end('outlives', 'after');
    expect(await actOnCni(cluster, { action: 'uninstall' })).toMatchObject({ exit: 0, plan: { binaryKept: false } });
    expect(await readDirectory(space, cniPrograms)).toEqual(before.programs);
    expect(await readDirectory(space, cniDirectory)).toEqual(before.conf);
    expect(await readRuntime(cluster)).toMatchObject({ lastLoad: '' });
  });
});
