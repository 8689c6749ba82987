/** What a person does to workloads from the editor, on a real Kubernetes: logs, terminals, ports, restarts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { followLogs, type LogRequest } from '../../extension/actions/follow-logs.ts';
import { PortForward, type ForwardState } from '../../extension/actions/port-forward.ts';
import { scopeOf } from '../../extension/actions/pod-targets.ts';
import { addShellContainer, offerShellContainer } from '../../extension/actions/shell-container.ts';
import { readProxy } from '../../extension/actions/read-proxy.ts';
import { planRestart } from '../../extension/actions/plan-restart.ts';
import type { ClusterFailure } from '../../extension/cluster/cluster.ts';
import { resourceTypes } from '../../extension/cluster/cluster.ts';
import type { KubernetesObject, Pod, Workload } from '../../mesh/kubernetes.ts';
import { bootstrap } from '../envoy/istio-shape.ts';
import { obtainEnvoy } from '../envoy/obtain-envoy.ts';
import { nodeImage } from './images.ts';
import { startCluster, whyNoCluster, type TestCluster } from './start-cluster.ts';
import { TestPods } from './pods.ts';
import { connect, eventually, failureOf, say, type ConnectedCluster } from './support.ts';

const missing = await whyNoCluster();
if (missing) console.log(`test/cluster: skipped, because ${missing}`);
const envoy = missing ? { missing } : await obtainEnvoy();
if (!missing && 'missing' in envoy) console.log(`test/cluster: without Envoy, because ${envoy.missing}`);

const namespace = `meshloom-actions-${process.pid}`;
const container = (name: string, script: string, more: object = {}) => ({
  ...{ name, image: nodeImage, imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', script] },
  ...more,
});
const serve = `exec node -e 'require("http").createServer((q,s)=>s.end(q.url==="/big"?Buffer.alloc(1<<25,"0123456789abcdef"):process.env.HOSTNAME+" "+q.url)).listen(8080,"127.0.0.1")'`;

let running: TestCluster | undefined;
let cluster: ConnectedCluster;
let pods: TestPods;

/** Reads logs until `until` is content with the lines. */
async function read(request: LogRequest, until: (lines: string[], notes: string[]) => boolean, timeoutMs = 60_000) {
  const lines: string[] = [];
  const notes: string[] = [];
  const stop = new AbortController();
  const check = () => until(lines, notes) && stop.abort();
  const timer = setTimeout(() => stop.abort(), timeoutMs);
  await followLogs(
    cluster,
    request,
    {
      line: ({ container: from }, text) => {
        lines.push(`${from}: ${text}`);
        check();
      },
      note: (text) => {
        notes.push(text);
        check();
      },
      drained: () => Promise.resolve(),
    },
    stop.signal,
  );
  clearTimeout(timer);
  return { lines, notes, wasEnough: until(lines, notes) };
}

function get(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp(port, '127.0.0.1', () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
    );
    let text = '';
    socket.on('data', (data: Buffer) => (text += data.toString()));
    socket.on('error', reject);
    socket.on('close', () => resolve(text.split('\r\n\r\n').slice(1).join('')));
  });
}

const deployment = (replicas: number) =>
  ({
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace } },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          terminationGracePeriodSeconds: 0,
          automountServiceAccountToken: false,
          containers: [container('app', serve, { ports: [{ name: 'http', containerPort: 8080 }] })],
        },
      },
    },
  }) as KubernetesObject;

describe.skipIf(missing)('what a person does to workloads, on a real Kubernetes', { timeout: 180_000 }, () => {
  beforeAll(async () => {
    running = await startCluster(say);
    cluster = await connect(running.kubeconfig);
    pods = new TestPods(cluster, namespace);
    await pods.open();
    await pods.run('shell', {
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          container('app', 'sleep 3600'),
          container('other', 'for i in 1 2 3; do echo o$i; done; sleep 3600'),
        ],
      },
    });
    await cluster.apply(deployment(1));
  }, 15 * 60_000);

  afterAll(async () => {
    if (running && !running.space) await cluster.delete(resourceTypes.namespaces, namespace);
    cluster?.dispose();
    await running?.dispose();
  }, 60_000);

  test('a terminal has the size that it is given, takes input, and tells how it ended', async () => {
    let output = '';
    const session = await cluster.openTerminal({ namespace, name: 'shell', container: 'app' }, ['sh'], {
      columns: 91,
      rows: 17,
      onOutput: (text) => (output += text),
    });
    const printed = (text: string) => eventually(text, () => Promise.resolve(output.includes(text) || undefined));
    const size = 'node -e "console.log(process.stdout.getWindowSize().join(String.fromCharCode(120)))"\r';
    session.write(size);
    await printed('91x17');
    session.resize(120, 40);
    session.write(size);
    await printed('120x40');
    session.write('exit 7\r');
    expect(await session.ended).toEqual({ exitCode: 7 });
  });

  test('a terminal whose program is not there says so, and one that is closed ends', async () => {
    const place = { namespace, name: 'shell', container: 'app' };
    const options = { columns: 80, rows: 24, onOutput: () => undefined };
    const none = await cluster.openTerminal(place, ['no-such-shell'], options);
    expect(await failureOf(none.ended)).toMatchObject({ reason: 'server-error' });
    const session = await cluster.openTerminal(place, ['sh'], options);
    session.close();
    expect(await session.ended).toEqual({});
  });

  test('a debug container brings a shell to a container that has none, and says why when it cannot', async () => {
    const place = { namespace, name: 'shell', container: 'app' };
    const offer = await offerShellContainer(cluster, place, nodeImage);
    await addShellContainer(cluster, offer, AbortSignal.timeout(60_000));
    let output = '';
    const session = await cluster.openTerminal(offer.place, ['sh'], {
      columns: 80,
      rows: 24,
      onOutput: (text) => (output += text),
    });
    // It sees the other one's processes.
    const look =
      'for (const f of ["1/cmdline","self/status"]) console.log(fs.readFileSync("/proc/"+f,"latin1").replace(/\\0/g," "))';
    session.write(`node -e '${look}'; exit\r`);
    expect(await session.ended).toEqual({ exitCode: 0 });
    expect(output).toMatch(/sleep 3600/);
    expect(output).toMatch(/CapEff:\s+0000000000000000/);
    const wrong = await offerShellContainer(cluster, place, 'no.such.registry.invalid/x:1');
    expect(wrong.place.container).toBe('meshloom-shell-2');
    expect(String(await failureOf(addShellContainer(cluster, wrong, AbortSignal.timeout(60_000))))).toMatch(
      /cannot have image no\.such\.registry\.invalid/,
    );
  });

  test('logs of all containers come together, and a cancel ends them at once', async () => {
    const { lines, wasEnough } = await read({ scope: { namespace, name: 'shell' } }, (all) => all.length >= 3);
    expect(wasEnough).toBe(true);
    expect(lines).toEqual(['other: o1', 'other: o2', 'other: o3']);
  });

  test('100,000 lines come whole and in order', async () => {
    // It stays a little after the last line: this containerd loses what a container says in the instant of its end.
    await pods.create('many', {
      spec: {
        restartPolicy: 'Never',
        containers: [
          container(
            'app',
            `exec node -e 'let t="";for(let i=0;i<1e5;i++)t+="line "+i+"\\n";process.stdout.write(t);setTimeout(()=>0,2000)'`,
          ),
        ],
      },
    });
    const { lines, notes } = await read({ scope: { namespace, name: 'many' } }, () => false);
    expect(notes.at(-1)).toContain('has ended: Completed, exit code 0');
    const whole = await cluster.log({ namespace, name: 'many', container: 'app' }, { timeoutMs: 60_000 });
    say(
      `whole ${whole.split('\n').length} mismatch ${lines.findIndex((line, i) => line !== `app: line ${i}`)} last ${lines.at(-1)} notes ${notes.join('|')}`,
    );
    expect(lines.length).toBe(100_000);
    expect(lines.every((line, index) => line === `app: line ${index}`)).toBe(true);
  });

  test('a log goes on when its container starts again, and the one before can be read', async () => {
    await pods.create('restarts', {
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [container('app', 'echo begin; sleep 3; echo end; exit 3')],
      },
    });
    const { lines, notes, wasEnough } = await read(
      { scope: { namespace, name: 'restarts' } },
      (all) => all.filter((line) => line === 'app: begin').length >= 2,
    );
    say(notes.join('\n'));
    expect(wasEnough).toBe(true);
    expect(lines).toEqual(['app: begin', 'app: end', 'app: begin']);
    expect(notes.join('\n')).toMatch(/has started again \(restart 1, Error, exit code 3\)/);
    const before = await read(
      { scope: { namespace, name: 'restarts' }, previous: true, containers: ['app'] },
      () => false,
    );
    expect(before.lines.slice(0, 2)).toEqual(['app: begin', 'app: end']);
    await pods.delete('restarts');
  });

  test.skipIf('missing' in envoy)(
    'a real Envoy in a pod is read through the kubelet, thousands of clusters of it',
    async (context) => {
      if ('missing' in envoy) throw new Error(envoy.missing);
      if (!running?.space) {
        const reason = 'a cluster that is somewhere else has not this machine’s files';
        console.log(`test/cluster: without Envoy, because ${reason}`);
        return context.skip(reason);
      }
      const directory = mkdtempSync(join(tmpdir(), 'meshloom-envoy-'));
      const many = Array.from({ length: 5000 }, (_, index) => ({
        name: `outbound|80||s${index}.shop.svc`,
        type: 'STATIC',
      }));
      const config = bootstrap({ admin: { address: '127.0.0.1', port: 15_000 }, clusters: many });
      writeFileSync(join(directory, 'bootstrap.json'), JSON.stringify(config));
      // The image has no more libraries than Node needs.
      const mounts = { program: dirname(envoy.path), config: directory, libraries: '/lib/x86_64-linux-gnu' };
      const command = ['/program/envoy', '-c', '/config/bootstrap.json', '--concurrency', '1', '-l', 'warning'];
      await pods.create('envoy', {
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [
            container('istio-proxy', '', {
              command,
              env: [{ name: 'LD_LIBRARY_PATH', value: '/libraries' }],
              volumeMounts: Object.keys(mounts).map((name) => ({ name, mountPath: `/${name}`, readOnly: true })),
            }),
          ],
          volumes: Object.entries(mounts).map(([name, path]) => ({ name, hostPath: { path, type: 'Directory' } })),
        },
      });
      try {
        const pod = await cluster.get<Pod>(resourceTypes.pods, 'envoy', { namespace });
        const report = await eventually('Envoy answers', async () => {
          const found = await readProxy(cluster, pod!, new Date().toISOString()).catch(() => undefined);
          return found?.server?.state === 'LIVE' ? found : undefined;
        });
        expect(report.missing).toEqual([]);
        expect(report.config.clusters.filter(({ port }) => port === '80')).toHaveLength(5000);
        expect(report.config.bootstrap.istioVersion).toBe('1.29.0');
        expect(report.sync).toEqual({ unknown: 'no istiod is ready in namespace istio-system.' });
      } finally {
        await pods.delete('envoy');
        rmSync(directory, { recursive: true, force: true });
      }
    },
  );

  test('a forwarded port outlives its pod: the next ready one takes over', async () => {
    const scope = await scopeOf(cluster, { kind: 'Deployment', namespace, name: 'web' });
    const states: ForwardState[] = [];
    const failures: ClusterFailure[] = [];
    const forward = await PortForward.start(cluster, { label: 'web', scope, port: 'http' }, 0, {
      onState: (state) => states.push(state),
      onFailure: (failure) => failures.push(failure),
    });
    const first = await get(forward.localPort, '/a');
    expect(first).toMatch(/^web-.* \/a$/);
    await cluster.delete(resourceTypes.pods, first.split(' ')[0]!, { namespace });
    // What is connected to the old one in this moment goes down with it.
    await eventually('the news', () => Promise.resolve(states.length > 0 || undefined));
    const second = await get(forward.localPort, '/b');
    expect(second).toMatch(/^web-.* \/b$/);
    expect(second.split(' ')[0]).not.toBe(first.split(' ')[0]);
    const many = await Promise.all(Array.from({ length: 100 }, (_, index) => get(forward.localPort, `/${index}`)));
    expect(many.map((text) => text.split(' ')[1])).toEqual(many.map((_, index) => `/${index}`));
    // A clean end after the last byte, and not before.
    const big = await get(forward.localPort, '/big');
    expect(big.length).toBe(1 << 25);
    expect(big === '0123456789abcdef'.repeat(1 << 21)).toBe(true);
    expect(failures.map(({ message }) => message)).toEqual([]);
    expect(states.at(-1)).toEqual({ phase: 'ready', pod: second.split(' ')[0] });
    forward.stop();
    await expect(get(forward.localPort, '/c')).rejects.toThrow('ECONNREFUSED');
    await eventually('every connection gone', () => Promise.resolve(forward.connections === 0 || undefined));
  });

  test('a port on which nobody listens is told in words', async () => {
    const failures: ClusterFailure[] = [];
    const target = { label: 'shell', scope: { namespace, name: 'shell' }, port: 9 };
    const forward = await PortForward.start(cluster, target, 0, {
      onState: () => undefined,
      onFailure: (failure) => failures.push(failure),
    });
    await get(forward.localPort, '/').catch(() => undefined);
    await eventually('the failure', () => Promise.resolve(failures[0]));
    expect(failures[0]?.message).toMatch(/nothing answers on port 9 in the pod: .*refused/);
    forward.stop();
  });

  test('a restart rolls the pods, and its plan says what changes', async () => {
    const reference = { kind: 'Deployment', namespace, name: 'web' };
    const before = (await cluster.list<Pod>(resourceTypes.pods, { namespace, labelSelector: 'app=web' })).items.map(
      ({ metadata }) => metadata?.uid,
    );
    const plan = await planRestart(cluster, reference, '2026-11-21T10:00:00Z');
    expect(plan.before).not.toContain('restartedAt');
    expect(plan.after).toContain('kubectl.kubernetes.io/restartedAt: 2026-11-21T10:00:00Z');
    await cluster.patch(plan.type, 'web', plan.patch, { namespace });
    await eventually('a new pod alone', async () => {
      const { items } = await cluster.list<Pod>(resourceTypes.pods, { namespace, labelSelector: 'app=web' });
      return items.length === 1 && !before.includes(items[0]?.metadata?.uid) ? true : undefined;
    });
    const object = await cluster.get<Workload>(resourceTypes.deployments, 'web', { namespace });
    expect(object?.spec?.template?.metadata?.annotations).toEqual({
      'kubectl.kubernetes.io/restartedAt': '2026-11-21T10:00:00Z',
    });
  });
});
