/**
 * What somebody who looks at the trees sees of each fault between the editor and a real API server, and how soon the trees
 * are live again. Prints the table.
 */
import { loadavg } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createClientNodeCluster } from '../../extension/cluster/client-node-cluster.ts';
import type { KubeconfigUser } from '../../extension/cluster/kubeconfig.ts';
import { decideForPod } from '../../extension/trees/store/decide.ts';
import { MeshModel } from '../../extension/trees/store/mesh-model.ts';
import { TreeStore } from '../../extension/trees/store/tree-store.ts';
import { viewMessage } from '../../extension/trees/view-message.ts';
import { WorkloadsTree } from '../../extension/trees/workloads/workloads-tree.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { ApiServer } from './api-server.ts';
import { startControlPlane, whyNoControlPlane, type ControlPlane } from './start-cluster.ts';
import { say } from './support.ts';

const missing = await whyNoControlPlane();
if (missing) console.log(`test/cluster: skipped, because ${missing}`);

const podsPath = '/api/v1/namespaces/shop/pods';
const tooOld = JSON.stringify({
  type: 'ERROR',
  object: {
    kind: 'Status',
    status: 'Failure',
    reason: 'Expired',
    message: 'too old resource version: 1 (2)',
    code: 410,
  },
});

let plane: ControlPlane | undefined;
let api: ApiServer;
const rows: string[][] = [];
const cleanUps: (() => unknown)[] = [];
let made = 0;

describe.skipIf(missing)('the trees on a real API server with a fault in between', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    plane = await startControlPlane(say);
    api = new ApiServer(plane);
    await api.create('/api/v1/namespaces', { metadata: { name: 'shop', labels: { 'istio-injection': 'enabled' } } });
    for (let i = 0; i < 3; i++) {
      await api.create('/api/v1/namespaces/shop/serviceaccounts', { metadata: { name: `s${i}` } });
    }
    await api.create('/api/v1/namespaces/shop/serviceaccounts', { metadata: { name: 'default' } });
    for (let i = 0; i < 40; i++) await makePod(`web-${i}`);
  }, 600_000);
  afterEach(async () => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });
  afterAll(async () => {
    api?.dispose();
    await plane?.dispose();
    const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
    for (const row of rows) say(row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | '));
    say(
      `load average ${loadavg()
        .map((load) => load.toFixed(1))
        .join(' ')}`,
    );
  }, 60_000);

  const makePod = (name: string) =>
    api.create(podsPath, {
      metadata: { name },
      spec: { automountServiceAccountToken: false, containers: [{ name: 'app', image: 'app' }] },
    });

  /** As `registerTrees` puts them together, without the editor. */
  async function look({ user = {} as Partial<KubeconfigUser>, silence = {}, waitFor = true } = {}) {
    const proxy = await FaultProxy.start(plane!);
    cleanUps.push(() => proxy.close());
    const cluster = createClientNodeCluster({
      context: { id: 'kubeconfig:real', name: 'real', kind: 'kubeconfig', namespace: 'shop' },
      cluster: { name: 'real', server: proxy.url, skipTLSVerify: false },
      user: { name: 'jane', token: 'first', impersonateGroups: [], ...user },
      environment: {},
      silence,
    });
    cleanUps.push(() => cluster.dispose());
    const store = new TreeStore({ connect: () => Promise.resolve(cluster), coalesceMs: 50 });
    cleanUps.push(() => store.dispose());
    const model = new MeshModel(store, decideForPod);
    const tree = new WorkloadsTree(store, model);
    store.onDidChange((change) => model.apply(change));
    const seen: { at: number; text: string }[] = [];
    const note = () => {
      const text = viewMessage(store, 'real', Date.now()) ?? '';
      if (text !== (seen.at(-1)?.text ?? '')) seen.push({ at: performance.now(), text });
    };
    store.onDidChange(note);
    const open = () => {
      store.start();
      return store.whenSettled();
    };
    if (waitFor) {
      await open();
      await expect.poll(() => [...store.tables.pods.all()].length).toBeGreaterThanOrEqual(40);
      await expect.poll(() => proxy.openWatches).toBeGreaterThanOrEqual(9);
    }
    const message = () => viewMessage(store, 'real', Date.now());
    return { proxy, store, tree, open, seen, message };
  }
  type Look = Awaited<ReturnType<typeof look>>;

  /** A new pod is made, and awaited in the tree. @returns milliseconds. */
  async function untilLive({ store }: Look, timeout = 45_000): Promise<number> {
    const name = `new-${(made += 1)}`;
    const begin = performance.now();
    await makePod(name);
    await expect.poll(() => store.tables.pods.get('shop', name) !== undefined, { timeout, interval: 20 }).toBe(true);
    return performance.now() - begin;
  }

  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  function tell(fault: string, { seen, message }: Look, recovered: string): void {
    const texts = [...new Set(seen.map(({ text }) => text).filter(Boolean))];
    rows.push([fault, texts.join(' // ') || '(nothing: daily business)', recovered, message() ?? 'live']);
  }

  it('waits for a slow server, and says nothing', async () => {
    const view = await look({ waitFor: false });
    view.proxy.set({ delayMs: 2_000 });
    await view.open();
    expect(view.store.phase).toBe('ready');
    view.proxy.set();
    tell('every answer 2 s late', view, seconds(await untilLive(view)));
    expect(view.message()).toBeUndefined();
  });

  it('says within 5 s that a server accepts and never answers, and shows it as soon as it does', async () => {
    const view = await look({ waitFor: false });
    view.proxy.set({ silent: true });
    const begin = performance.now();
    await view.open();
    const told = performance.now() - begin;
    expect(view.store.phase).toBe('failed');
    expect(view.message()).toMatch(/did not answer within 4.5 s/);
    expect(told).toBeLessThan(5_000);
    expect((await view.tree.roots())[0]?.item().label).toBe('No answer from real');
    view.proxy.set();
    const back = performance.now();
    await expect.poll(() => view.store.phase, { timeout: 30_000 }).toBe('ready');
    tell(`never answers (told after ${seconds(told)})`, view, seconds(performance.now() - back));
  });

  it('ends at once when the view is closed while it waits', async () => {
    const view = await look({ waitFor: false });
    view.proxy.set({ silent: true });
    void view.open();
    await wait(300);
    const asked = view.proxy.asked.length;
    const begin = performance.now();
    view.store.stop();
    expect(performance.now() - begin).toBeLessThan(50);
    await wait(2_000);
    expect(view.proxy.asked.length).toBe(asked);
  });

  it('goes on where a cut connection ended, without reading the lists again', async () => {
    const view = await look();
    const { asked } = view.proxy;
    const lists = asked.filter((call) => call.startsWith('list')).length;
    view.proxy.cut();
    tell('every connection cut', view, seconds(await untilLive(view)));
    expect(asked.filter((call) => call.startsWith('list')).length).toBe(lists);
    expect(view.message()).toBeUndefined();
  });

  it('reads a list again that was cut in the middle', async () => {
    const view = await look({ waitFor: false });
    view.proxy.set({ target: /\/pods\?limit/, cutAfter: 500, times: 2 });
    await view.open();
    tell('list of pods cut in the middle, twice', view, seconds(await untilLive(view)));
    expect([...view.store.tables.pods.all()].length).toBeGreaterThanOrEqual(40);
  });

  it('goes on after watches that are cut in the middle of an event, again and again', async () => {
    const view = await look();
    view.proxy.set({ target: /\/pods\?watch/, cutAfter: 200, times: 4 });
    view.proxy.cut();
    tell('watch cut within an event, 4 times', view, seconds(await untilLive(view)));
  });

  it('lists anew when the watch’s version is forgotten, told by status and within the stream', async () => {
    const view = await look();
    const { asked } = view.proxy;
    for (const fault of [{ answer: { status: 410, body: '{}' } }, { line: tooOld }]) {
      const lists = asked.filter((call) => call === 'list /api/v1/pods').length;
      view.proxy.set({ target: /\/pods\?watch/, times: 1, ...fault });
      view.proxy.cut();
      tell('answer' in fault ? '410 for the watch' : 'ERROR event 410', view, seconds(await untilLive(view)));
      expect(asked.filter((call) => call === 'list /api/v1/pods').length).toBe(lists + 1);
    }
    expect(view.message()).toBeUndefined();
  });

  it('waits as long as an overloaded server asks, and says so', async () => {
    const view = await look();
    const { asked } = view.proxy;
    const overloaded = { status: 429, headers: { 'retry-after': '3' }, body: '{}' };
    view.proxy.set({ answer: overloaded });
    view.proxy.cut();
    await wait(300);
    const before = asked.length;
    await wait(2_000);
    expect(asked.length).toBe(before);
    view.proxy.set({ answer: overloaded, times: 20 });
    await expect.poll(() => view.message() ?? '', { timeout: 20_000 }).toMatch(/overloaded and asks to wait/);
    view.proxy.set();
    tell('429, Retry-After: 3', view, seconds(await untilLive(view)));
    await expect.poll(() => view.message(), { timeout: 15_000 }).toBeUndefined();
  });

  it.each([
    ['500', { answer: { status: 500, body: '{}' } }, /failed \(500\)/],
    ['503', { answer: { status: 503, body: 'Service Unavailable' } }, /failed \(503\)/],
    ['garbage', { answer: { status: 200, body: '<html>Log in</html>' } }, /not JSON|no event|cut off/],
  ])('keeps what it showed and says how old it is: %s', async (name, fault, words) => {
    const view = await look();
    view.proxy.set(fault);
    view.proxy.cut();
    await expect.poll(() => view.message() ?? '', { timeout: 15_000 }).toMatch(words);
    expect(view.message()).toMatch(/less than a minute old/);
    expect([...view.store.tables.pods.all()].length).toBeGreaterThanOrEqual(40);
    expect(view.store.phase).toBe('ready');
    await wait(4_000);
    view.proxy.set();
    tell(`${name} for all, for some seconds`, view, seconds(await untilLive(view)));
    await expect.poll(() => view.message(), { timeout: 30_000 }).toBeUndefined();
  });

  const event = (type: string, object: unknown) => JSON.stringify({ type, object });
  const statusOf = (code: number, message: string) => ({ kind: 'Status', status: 'Failure', code, message });
  it.each([
    ['events that say nothing', { line: [event('NEW', {}), event('ADDED', {}), event('BOOKMARK', {})].join('\n') }],
    ['ERROR event 500', { line: event('ERROR', statusOf(500, 'etcdserver: leader changed')) }],
    ['a bare Status in the stream', { line: JSON.stringify(statusOf(503, 'shutting down')) }],
    [
      'etcd restored from a backup (504)',
      { answer: { status: 504, body: JSON.stringify(statusOf(504, 'Too large resource version: 9, current: 5')) } },
    ],
    [
      'a version that is refused (400)',
      { answer: { status: 400, body: JSON.stringify(statusOf(400, 'invalid resource version')) } },
    ],
    [
      'sent on to a login page (302)',
      { answer: { status: 302, headers: { location: 'https://login.example/' }, body: '' } },
    ],
    ['not modified (304)', { answer: { status: 304, body: '' } }],
    [
      'bytes that are no UTF-8, NaN',
      { line: `{"type":"ADDED","object":{"metadata":{"name":"\ufffd\ud800"},"x":NaN}}` },
    ],
    [
      'a line of 17 MB',
      { line: event('ADDED', { metadata: { name: 'x', annotations: { a: 'x'.repeat(17 * 1024 * 1024) } } }) },
    ],
  ])('goes on after watches that are answered with %s, three times in a row', async (name, fault) => {
    const view = await look();
    view.proxy.set({ target: /\/pods\?watch/, times: 3, ...fault });
    view.proxy.cut();
    tell(`watch: ${name}`, view, seconds(await untilLive(view)));
    expect([...view.store.tables.pods.all()].length).toBeGreaterThanOrEqual(40);
    await expect.poll(() => view.message(), { timeout: 15_000 }).toBeUndefined();
  });

  it('never takes a refusal that comes as a 200 for an empty cluster', async () => {
    const view = await look();
    view.proxy.set(
      { target: /\/pods\?watch/, times: 1, answer: { status: 410, body: '{}' } },
      { target: /\/pods\?limit/, times: 2, answer: { status: 200, body: JSON.stringify(statusOf(503, 'not now')) } },
    );
    view.proxy.cut();
    const seen: number[] = [];
    view.store.onDidChange(() => seen.push([...view.store.tables.pods.all()].length));
    tell('list: a Status with 200', view, seconds(await untilLive(view)));
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(40);
  });

  it('renews an expired token once for all requests, and nobody sees it', async () => {
    const directory = plane!.space.path('login');
    const counter = plane!.space.write('login/runs', '');
    const current = plane!.space.write('login/token', 'first');
    const exec = {
      command: 'sh',
      args: [
        '-c',
        `echo run >> ${counter}; printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"%s"}}' "$(cat ${current})"`,
      ],
      env: [],
      provideClusterInfo: false,
    };
    expect(directory).toBeTruthy();
    const { readFileSync } = await import('node:fs');
    const runs = () => readFileSync(counter, 'utf8').split('\n').length - 1;
    const view = await look({ user: { token: undefined as unknown as string, exec } });
    expect(runs()).toBe(1);
    plane!.space.write('login/token', 'second');
    view.proxy.token = 'second';
    view.proxy.cut();
    tell('token expired (login program)', view, seconds(await untilLive(view)));
    expect(runs()).toBe(2);
    expect(view.message()).toBeUndefined();
  });

  it('keeps what it showed when a login is refused for good, says what to do, and does not ask again', async () => {
    const view = await look();
    view.proxy.token = 'nobody has it';
    view.proxy.cut();
    await expect
      .poll(() => [...view.seen].at(-1)?.text ?? '', { timeout: 60_000 })
      .toMatch(/What you see is .* old\. .*does not accept the credentials \(401\).*Log in/);
    expect([...view.store.tables.pods.all()].length).toBeGreaterThanOrEqual(40);
    await expect
      .poll(
        async () => {
          const before = view.proxy.asked.length;
          await wait(3_000);
          return view.proxy.asked.length - before;
        },
        { timeout: 60_000 },
      )
      .toBe(0);
    view.proxy.token = 'first';
    view.store.refresh();
    tell('token refused for good, then Refresh', view, seconds(await untilLive(view)));
    await expect.poll(() => view.message()).toBeUndefined();
  });

  it('notices a connection over which nothing comes any more', async () => {
    const view = await look({ silence: { longestMs: 3_000, everyMs: 200 } });
    view.proxy.mute();
    const begin = performance.now();
    await untilLive(view);
    tell('half-open watches (limit set to 3 s, 90 s in use)', view, seconds(performance.now() - begin));
  });

  it('notices after a sleep, by the clock, that its connections are old', async () => {
    const view = await look({ silence: { longestMs: 90_000, everyMs: 200 } });
    view.proxy.mute();
    const slept = 8 * 3600_000;
    const real = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => real() + slept);
    const took = await untilLive(view);
    expect(took).toBeLessThan(5_000);
    tell('laptop slept 8 h (clock jumps ahead)', view, seconds(took));
    vi.spyOn(Date, 'now').mockImplementation(() => real() - slept);
    tell('clock set back 16 h', view, seconds(await untilLive(view)));
    expect(view.message()).toBeUndefined();
  });

  it('stands a server that stops in the middle of a list', async () => {
    const view = await look({ waitFor: false });
    view.proxy.set({ target: /namespaces\?limit/, stallAfter: 20, times: 1 });
    const begin = performance.now();
    await view.open();
    expect(performance.now() - begin).toBeLessThan(5_000);
    expect(view.message()).toMatch(/did not answer within/);
    await expect.poll(() => view.store.phase, { timeout: 20_000 }).toBe('ready');
    tell('list stops in mid-chunk', view, seconds(performance.now() - begin));
  });

  it('gives a slow line the time that it needs', async () => {
    const view = await look({ waitFor: false });
    view.proxy.set({ target: /namespaces\?limit/, bytesPerSecond: 250 });
    const begin = performance.now();
    await view.open();
    await expect.poll(() => view.store.phase, { timeout: 60_000 }).toBe('ready');
    tell('namespaces trickle at 250 B/s', view, seconds(performance.now() - begin));
  });

  it('comes back by itself when the API server has started again', async () => {
    const view = await look();
    await plane!.stopServer();
    await expect.poll(() => view.message() ?? '', { timeout: 20_000 }).toMatch(/Connection to real lost/);
    expect([...view.store.tables.pods.all()].length).toBeGreaterThanOrEqual(40);
    await plane!.startServer();
    tell('API server started again', view, seconds(await untilLive(view)));
    await expect.poll(() => view.message(), { timeout: 30_000 }).toBeUndefined();
    expect(view.store.degraded()).toEqual([]);
  });

  it('keeps the very nodes that the editor knows through all of it', async () => {
    const view = await look();
    const before = await view.tree.roots();
    view.proxy.set({ answer: { status: 503, body: '' }, times: 40 });
    view.proxy.cut();
    await expect.poll(() => view.message() ?? '', { timeout: 15_000 }).toMatch(/503/);
    view.proxy.set();
    await untilLive(view);
    expect(await view.tree.roots()).toEqual(before);
    expect((await view.tree.roots()).every((node, at) => node === before[at])).toBe(true);
  });

  it('asks nothing while nobody looks, and what it knew is there at once when somebody does', async () => {
    const view = await look();
    view.store.stop();
    await expect.poll(() => view.proxy.openWatches).toBe(0);
    const asked = view.proxy.asked.length;
    await wait(5_000);
    expect(view.proxy.asked.length).toBe(asked);
    view.store.start();
    expect(view.store.phase).toBe('ready');
    await untilLive(view);
  });
});
