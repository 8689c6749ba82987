// `node scripts/bench-live.mjs [pods] [nodes]`: the trees on a real API server that holds a large cluster. Takes root.
import { fork } from 'node:child_process';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';

const load = () =>
  loadavg()
    .map((value) => value.toFixed(1))
    .join(' ');
const say = (line) => console.log(line);
const round = (value) => Math.round(value * 10) / 10;

/** In a process of its own, as an extension host is: what fills the server must not count. */
async function measureWindow({ kubeconfig, pods, windows }) {
  const { connect } = await import('../test/cluster/support.ts');
  const { openWindow, measureBlocking } = await import('../test/cluster/live-window.ts');
  globalThis.gc?.();
  const before = process.memoryUsage();
  const opened = [];
  const rows = [];
  for (let index = 0; index < windows; index++) {
    const cluster = await connect(kubeconfig);
    let told = 0;
    const window = openWindow(cluster, { unfolded: 3, onLayer: (bytes) => (told += bytes) });
    const layer = () => told;
    opened.push({ cluster, window, layer });
    let listed = 0;
    const begin = performance.now();
    const first = await measureBlocking(
      () =>
        new Promise((resolve) => {
          const stop = window.store.onDidChange(() => {
            if (listed === 0 && window.store.part('pods').phase === 'live') listed = performance.now();
          });
          window.onDraw = () => {
            if (window.model.namespaceNames().length > 0 && window.lines.length > 0) {
              stop.dispose();
              resolve();
            }
          };
          window.store.start();
        }),
    );
    rows.push({ what: `window ${index + 1}: opened to first paint`, value: first.tookMs, unit: 'ms' });
    rows.push({ what: '… of it after the pods had arrived', value: performance.now() - (listed || begin), unit: 'ms' });
    rows.push({ what: '… longest block of the event loop', value: first.longestMs, unit: 'ms' });
    rows.push({ what: '… of its own computing', value: first.longestCpuMs, unit: 'ms' });
    rows.push({ what: '… CPU until then', value: first.cpuMs, unit: 'ms' });
  }
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  globalThis.gc?.();
  const after = process.memoryUsage();
  const held = [...opened[0].window.store.tables.pods.all()].length;
  rows.push({ what: `pods held (of ${pods})`, value: held, unit: '' });
  rows.push({
    what: `memory of ${windows} window(s), heap`,
    value: (after.heapUsed - before.heapUsed) / 1e6,
    unit: 'MB',
  });
  rows.push({ what: '… resident, at this moment', value: (after.rss - before.rss) / 1e6, unit: 'MB' });
  process.send({ rows });
  const { window, layer } = opened[0];
  process.on('message', async (message) => {
    if (message.measure) {
      const { names, quietMs } = message.measure;
      let drawn = 0;
      let firstAt = 0;
      let shownAt = 0;
      const tables = window.store.tables.pods;
      const wanted = names.map(([namespace, name]) => [namespace, name, tables.get(namespace, name)]);
      const set = tables.set.bind(tables);
      tables.set = (pod) => {
        firstAt ||= performance.now();
        return set(pod);
      };
      const [items, told] = [window.items, layer()];
      window.onDraw = () => {
        drawn += 1;
        shownAt ||= performance.now();
      };
      const left = () => wanted.filter(([namespace, name, before]) => tables.get(namespace, name) === before).length;
      let changed = 0;
      const blocking = await measureBlocking(async () => {
        process.send({ armed: true });
        const deadline = performance.now() + 60_000;
        while (left() > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, quietMs));
        await new Promise((resolve) => setTimeout(resolve, 400));
        changed = wanted.length - left();
      });
      tables.set = set;
      // What the looking itself costs, and a connection that is open: the same time once more, without changes.
      const idle = await measureBlocking(() => new Promise((resolve) => setTimeout(resolve, blocking.tookMs)));
      const counts = { changed, drawn, items: window.items - items, told: layer() - told };
      process.send({
        result: {
          ...blocking,
          ...counts,
          idleCpuMs: idle.cpuMs,
          idleThreadCpuMs: idle.threadCpuMs,
          shownMs: shownAt - firstAt,
        },
      });
    }
    if (message.end) {
      for (const { cluster, window: each } of opened) {
        each.dispose();
        cluster.dispose();
      }
      process.disconnect();
    }
  });
}

async function main() {
  const [pods = 10_000, nodes = 500] = process.argv.slice(2).map(Number);
  const size = { pods, nodes, namespaces: 20 };
  const { startControlPlane, whyNoControlPlane } = await import('../test/cluster/start-cluster.ts');
  const why = await whyNoControlPlane();
  if (why) return say(`Not measured: ${why}.`);
  const { ApiServer } = await import('../test/cluster/api-server.ts');
  const { fillCluster, nameOf, namespaceOf, touchPod } = await import('../test/cluster/many-pods.ts');
  const plane = await startControlPlane(say);
  const api = new ApiServer(plane);
  let child;
  try {
    say(`Filling the API server with ${pods} pods on ${nodes} nodes … (load ${load()})`);
    const begin = performance.now();
    await fillCluster(api, size);
    say(`… ${Math.round((performance.now() - begin) / 1000)} s.`);
    for (const windows of [1, 3]) {
      child = fork(fileURLToPath(import.meta.url), ['--window'], {
        execArgv: ['--expose-gc', ...(process.env.BENCH_NODE_OPTIONS?.split(' ') ?? [])],
      });
      const inbox = [];
      const waiting = [];
      child.on('message', (message) => (waiting.length > 0 ? waiting.shift()(message) : inbox.push(message)));
      const next = () =>
        inbox.length > 0 ? Promise.resolve(inbox.shift()) : new Promise((resolve) => waiting.push(resolve));
      const ended = new Promise((_resolve, reject) =>
        child.once('exit', (code) => reject(new Error(`ended with ${code}`))),
      );
      ended.catch(() => undefined);
      child.send({ kubeconfig: plane.credentials.kubeconfigs.admin, pods, windows });
      const { rows } = await Promise.race([next(), ended]);
      for (const { what, value, unit } of rows) say(`${what}: ${round(value)} ${unit}`);
      if (windows === 1) {
        const measure = async (what, count, ready) => {
          // One alone is none of the many: a pod that is written as it was is no change.
          const indexes = count === 1 ? [pods - 1] : Array.from({ length: count }, (_, index) => (index * 7) % pods);
          const names = indexes.map((index) => [namespaceOf(index, size), nameOf(index)]);
          child.send({ measure: { names, quietMs: count > 1 ? 100 : 5 } });
          await next();
          const start = performance.now();
          await Promise.all(indexes.map((index) => touchPod(api, index, size, ready)));
          const written = performance.now() - start;
          const { result } = await next();
          say(
            `${what}: ${result.changed} seen, drawn ${result.drawn} times (${result.items} lines), first change on the screen after ${round(result.shownMs)} ms, ` +
              `CPU of the thread ${round(result.threadCpuMs)} ms (${round(result.idleThreadCpuMs)} ms in as long a time without changes), ` +
              `of all threads ${round(result.cpuMs)} ms (${round(result.idleCpuMs)} ms), ` +
              `longest block ${round(result.longestMs)} ms (${round(result.longestCpuMs)} ms of its own computing), ` +
              `${Math.round(result.told / 1000)} kB for the language server; the server took ${round(written)} ms to write them; load ${load()}`,
          );
        };
        await measure('one change', 1, false);
        await measure('a burst of 1,000 changes', Math.min(1_000, pods), false);
        await measure('and back', Math.min(1_000, pods), true);
      }
      child.send({ end: true });
      await new Promise((resolve) => child.once('exit', resolve));
    }
    say(`load average ${load()}`);
  } finally {
    child?.kill();
    api.dispose();
    await plane.dispose();
  }
}

if (process.argv[2] === '--window') process.once('message', (task) => void measureWindow(task));
else await main();
