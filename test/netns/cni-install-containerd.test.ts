/** Installing under the eyes of a real containerd: it must have loaded what we wrote by the time that we say so. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CniAction, CniMode } from '../../contract/cni-plugin.ts';
import type { RuntimeCni } from '../../contract/node-helper.ts';
import { answerCni } from '../../node-helper/cni/answer-cni.ts';
import { fakeHost } from '../../node-helper/fake-host.ts';
import { type Host, realHost } from '../../node-helper/host.ts';
import { realRuntimeSocket } from '../../node-helper/runtime/ask-socket.ts';
import { describeRuntime } from '../../node-helper/runtime/describe-runtime.ts';
import { findJudges } from './judges/build.ts';

const program = join(import.meta.dirname, `../../node-helper/launcher/meshloom-cni-${process.arch}`);
const bridge = '/usr/lib/cni/bridge';
const missing =
  process.getuid?.() !== 0
    ? 'we are not root'
    : !existsSync(bridge)
      ? `${bridge} is missing (apt-get install containernetworking-plugins)`
      : !existsSync(program)
        ? `${program} is missing`
        : hasContainerd()
          ? undefined
          : 'there is no containerd (apt-get install containerd)';
if (missing) console.log(`test/netns/cni-install-containerd: skipped, because ${missing}`);

const newer = await findJudges('containerd');
if ('reason' in newer) console.log(`test/netns/cni-install-containerd: containerd 2 skipped, because ${newer.reason}`);

/** The machine's own, and the newest; how each is told its directories. */
const runtimes: { name: string; program: string; config: () => string }[] = [
  {
    name: 'the containerd of this machine',
    program: 'containerd',
    config: () =>
      `version = 2\n${places()}[grpc]\n  address = "${socket}"\n[plugins."io.containerd.grpc.v1.cri".cni]\n  bin_dir = "${binDir}"\n  conf_dir = "${confDir}"\n`,
  },
  ...('paths' in newer
    ? [
        {
          name: 'containerd 2',
          program: newer.paths.containerd,
          config: () =>
            `version = 4\n${places()}[plugins."io.containerd.server.v1.grpc"]\n  address = "${socket}"\n[plugins."io.containerd.server.v1.ttrpc"]\n  address = "${socket}.ttrpc"\n[plugins."io.containerd.cri.v1.runtime".cni]\n  bin_dirs = ["${binDir}"]\n  conf_dir = "${confDir}"\n`,
        },
      ]
    : []),
];

const root = mkdtempSync(join(tmpdir(), 'meshloom-install-'));
const [confDir, binDir, socket] = [join(root, 'net.d'), join(root, 'bin'), join(root, 'c.sock')];
const podnet = '{"cniVersion":"0.4.0","name":"podnet","type":"bridge"}\n';
const places = () => `root = "${root}/root"\nstate = "${root}/run"\n`;
let containerd: ChildProcess | undefined;

function hasContainerd(): boolean {
  try {
    execFileSync('containerd', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Only ours is asked, whatever else runs on this machine. */
function ask(): Promise<RuntimeCni | undefined> {
  const host = fakeHost({
    files: {
      '/proc/7/cgroup': '0::/system.slice/containerd.service',
      '/proc/7/comm': 'containerd',
      '/proc/7/cmdline': `containerd\0--config\0${root}/config.toml\0--address\0${socket}\0`,
    },
  });
  const facts: Host['facts'] = (path) =>
    path.endsWith(socket) ? { kind: 'other', mode: 0o600, size: 0, inode: 1 } : host.facts(path);
  const status = () => realRuntimeSocket.status(socket);
  return describeRuntime({ ...host, facts }, { socket: { ...realRuntimeSocket, status } });
}

async function until(holds: (runtime: RuntimeCni | undefined) => boolean): Promise<void> {
  for (let left = 150; left > 0 && !holds(await ask()); left--)
    await new Promise((resolve) => setTimeout(resolve, 100));
}

async function perform(action: CniAction, mode: CniMode) {
  const started = performance.now();
  const around = { program, stateDir: join(root, 'state'), resultsDir: join(root, 'results'), askRuntime: ask };
  const result = await answerCni(realHost({ hostRoot: '' }), { action, mode }, around);
  return { ...result, ms: Math.round(performance.now() - started) };
}

describe.skipIf(missing).each(runtimes)('under $name', ({ name, program: daemon, config }) => {
  beforeAll(async () => {
    for (const directory of [confDir, binDir]) mkdirSync(directory);
    copyFileSync(bridge, join(binDir, 'bridge'));
    writeFileSync(join(confDir, '10-podnet.conf'), podnet);
    writeFileSync(join(root, 'config.toml'), config());
    containerd = spawn(daemon, ['--config', join(root, 'config.toml')], { stdio: 'ignore' });
    await until((runtime) => runtime?.lastLoad === '');
  }, 30_000);

  afterAll(async () => {
    const gone = new Promise((resolve) => containerd?.once('close', resolve));
    containerd?.kill('SIGTERM');
    if (containerd) await gone;
    for (const made of readdirSync(root)) rmSync(join(root, made), { recursive: true, force: true });
  });

  test.each(['chained', 'standalone'] as const)(
    '%s: loaded when we say so, and given back',
    { timeout: 30_000 },
    async (mode) => {
      const names = readdirSync(confDir);
      const installed = await perform('install', mode);
      expect(installed).toMatchObject({ exit: 0, confDir, binDir });
      const said = installed.plan.problems.map(({ code }) => code);
      expect(said).toEqual(mode === 'chained' ? [] : ['standalone-last', 'no-delegator']);
      const loaded = await ask();
      expect([loaded?.lastLoad, loaded?.loaded]).toEqual(['', ['podnet']]);
      expect(loaded?.loadedTexts?.join().includes('meshloom-cni')).toBe(mode === 'chained');
      const removed = await perform('uninstall', mode);
      expect(removed.exit).toBe(0);
      expect([readdirSync(confDir), readdirSync(binDir)]).toEqual([names, ['bridge']]);
      expect(readFileSync(join(confDir, '10-podnet.conf'), 'utf8')).toBe(podnet);
      await until((runtime) => !runtime?.loadedTexts?.join().includes('meshloom-cni'));
      expect((await ask())?.lastLoad).toBe('');
      console.log(
        `cni-install-containerd: ${name}: ${mode} installed in ${installed.ms} ms, taken back in ${removed.ms} ms`,
      );
    },
  );
});

afterAll(() => rmSync(root, { recursive: true, force: true }));
