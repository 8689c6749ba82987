// What our CNI plugin costs a node: a real containerd calls it, the agent runs in its DaemonSet. Only root can measure that.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.mjs';

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const alone = 50;
const together = 12;
const rounds = 3;

/**
 * Seconds that the runtime waits for the plugins of a pod, by its own clock, and what lies on the node.
 * @returns why nothing could be measured, or the measurements.
 */
export async function measureCni(say) {
  const harness = (file) => import(`../test/cluster/${file}.ts`);
  const { startCluster, whyNoCluster } = await harness('start-cluster');
  const why = process.env.MESHLOOM_TEST_KUBECONFIG ? 'it takes a node of its own' : await whyNoCluster();
  if (why) return { why };
  const { connect } = await harness('support');
  const cluster = await startCluster(say);
  try {
    const client = await connect(cluster.kubeconfig);
    try {
      return await measureOn({ ...cluster, client }, harness, say);
    } finally {
      client.dispose();
    }
  } finally {
    await cluster.dispose();
  }
}

async function measureOn({ space, client }, harness, say) {
  const { TestPods } = await harness('pods');
  const { injected } = await harness('injected-pods');
  const { CriClient, meanBetween, readNetworkTimes } = await harness('cri-client');
  const { actOnCni, deployInterception, readLaunchers } = await harness('interception');
  const pods = new TestPods(client, 'bench');
  await pods.open();
  const program = readFileSync(join(root, 'dist/node-helper.js'));
  await deployInterception(client, program);
  const cri = new CriClient(space);

  /** One sandbox after the other, while the kubelet stands still. */
  const measureAlone = async (shape, count) => {
    space.pause('kubelet');
    try {
      const names = Array.from({ length: count }, (_, index) => `alone-${index}`);
      const made = [];
      for (const name of names)
        // Without a time to end in, the API forgets them although the kubelet stands still.
        made.push(
          await pods.create(name, {
            ...shape,
            spec: { ...shape.spec, nodeName: 'n1', terminationGracePeriodSeconds: 0 },
          }),
        );
      // Until the agent has heard of the last one.
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      const times = [];
      for (const { metadata } of made) {
        const before = await readNetworkTimes(space);
        const id = await cri.run(metadata);
        times.push(meanBetween(before, await readNetworkTimes(space)));
        await cri.remove(id);
      }
      return times;
    } finally {
      await pods.end(...(await pods.list()).map(({ metadata }) => metadata.name));
      space.resume('kubelet');
    }
  };

  const measureTogether = async (shape) => {
    const means = [];
    for (let round = 0; round < rounds; round++) {
      const names = Array.from({ length: together }, (_, index) => `many-${round}-${index}`);
      const before = await readNetworkTimes(space);
      await Promise.all(names.map((name) => pods.create(name, shape)));
      await Promise.all(names.map((name) => pods.ready(name)));
      means.push(meanBetween(before, await readNetworkTimes(space)));
      await pods.end(...names);
    }
    return median(means);
  };

  const timed = async (action) => {
    const started = performance.now();
    const { exit } = await actOnCni(client, { action });
    if (exit !== 0) throw new Error(`cni ${action} ended with ${exit}`);
    return (performance.now() - started) / 1000;
  };

  try {
    const inMs = (seconds) => `${(seconds * 1000).toFixed(0)} ms`;
    const tell = (what, seconds) => {
      say(`${what}: ${inMs(seconds)}`);
      return seconds;
    };
    const one = async (what, shape) => tell(`one pod alone, ${what}`, median(await measureAlone(shape, alone)));
    const many = async (what, shape) => tell(`${together} pods at once, ${what}`, await measureTogether(shape));
    await measureAlone({}, 5);
    const without = { alone: await one('without', {}), together: await many('without', {}) };
    const install = tell('install', await timed('install'));
    const declined = { alone: await one('declined', {}), together: await many('declined', {}) };
    const programmed = { alone: await one('programmed', injected()), together: await many('programmed', injected()) };
    await new Promise((resolve) => setTimeout(resolve, 30_000));
    const memory = await memoryOfAgent(space);
    say(`the agent at rest: ${(memory / 2 ** 20).toFixed(0)} MB`);
    const uninstall = tell('uninstall', await timed('uninstall'));
    return {
      without,
      declined,
      programmed,
      install,
      uninstall,
      memory,
      launcher: readLaunchers()[process.arch].length,
    };
  } finally {
    cri.close();
  }
}

/** Bytes of resident memory, as the kernel counts them. */
async function memoryOfAgent(space) {
  const pid = (await space.run(['pgrep', '-f', 'node-helper.js agent'])).trim();
  return Number(/VmRSS:\s+(\d+)/.exec(await space.run(['cat', `/proc/${pid}/status`]))[1]) * 1024;
}
