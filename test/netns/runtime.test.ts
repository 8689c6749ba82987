/** The question to a runtime, put to a real containerd with directories of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RuntimeCni } from '../../contract/node-helper.ts';
import { describeChain } from '../../mesh/cni/read-chain.ts';
import { fakeHost } from '../../node-helper/fake-host.ts';
import type { Host } from '../../node-helper/host.ts';
import { realRuntimeSocket } from '../../node-helper/runtime/ask-socket.ts';
import { describeRuntime } from '../../node-helper/runtime/describe-runtime.ts';

const missing =
  process.getuid?.() !== 0
    ? 'we are not root'
    : findContainerd()
      ? undefined
      : 'there is no containerd (apt-get install containerd)';
if (missing) console.log(`test/netns/runtime: skipped, because ${missing}`);

const root = mkdtempSync(join(tmpdir(), 'meshloom-runtime-'));
const [confDir, binDir, socket] = [join(root, 'net.d'), join(root, 'bin'), join(root, 'c.sock')];
let containerd: ChildProcess | undefined;

function findContainerd(): boolean {
  try {
    execFileSync('containerd', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A node with one process, which is containerd; its socket is the real one. */
function node(): Host {
  const host = fakeHost({
    files: {
      '/proc/7/cgroup': '0::/system.slice/containerd.service',
      '/proc/7/comm': 'containerd',
      '/proc/7/cmdline': `containerd\0--config\0${root}/config.toml\0--address\0${socket}\0`,
      [`/proc/7/root${socket}`]: '-> /not/ours',
    },
  });
  // Seen from the process' root it is the file of ours.
  const facts: Host['facts'] = (path) =>
    path === `/proc/7/root${socket}` || path === socket
      ? { kind: 'other', mode: 0o600, size: 0, inode: 1 }
      : host.facts(path);
  return { ...host, facts };
}

function ask(): Promise<RuntimeCni | undefined> {
  return describeRuntime(node(), {
    socket: { ...realRuntimeSocket, status: () => realRuntimeSocket.status(socket) },
  });
}

async function until(holds: (runtime: RuntimeCni | undefined) => boolean): Promise<RuntimeCni | undefined> {
  for (let left = 100; ; left--) {
    const runtime = await ask();
    if (holds(runtime) || left === 0) return runtime;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const list = (...types: string[]) =>
  `${JSON.stringify({ cniVersion: '0.4.0', name: 'podnet', plugins: types.map((type) => ({ type })) }, undefined, 2)}\n`;

/** Containerd notices a rename inside its directory. */
function put(name: string, text: string): void {
  writeFileSync(join(confDir, '.tmp'), text);
  renameSync(join(confDir, '.tmp'), join(confDir, name));
}

describe.skipIf(missing)('a real containerd', () => {
  beforeAll(async () => {
    for (const directory of [confDir, binDir]) mkdirSync(directory);
    writeFileSync(
      join(root, 'config.toml'),
      `version = 2
root = "${root}/root"
state = "${root}/state"
[grpc]
  address = "${socket}"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "${binDir}"
  conf_dir = "${confDir}"
`,
    );
    containerd = spawn('containerd', ['--config', join(root, 'config.toml')], { stdio: 'ignore' });
    await until((runtime) => runtime?.source === 'status');
  }, 30_000);

  afterAll(async () => {
    const gone = new Promise((resolve) => containerd?.once('close', resolve));
    containerd?.kill('SIGTERM');
    await gone;
  });

  test('tells its directories, and that it found nothing there', async () => {
    expect(await ask()).toMatchObject({
      program: 'containerd',
      source: 'status',
      confDir,
      binDirs: [binDir],
      lastLoad: expect.stringContaining('no network config found'),
      loaded: [],
      version: expect.stringMatching(/^v?\d+\.\d+/),
    });
  });

  test('tells what it has loaded, word for word', async () => {
    put('10-a.conflist', list('bridge'));
    const runtime = await until((found) => found?.lastLoad === '');
    expect(runtime).toMatchObject({ lastLoad: '', loaded: ['podnet'], loadedTexts: [list('bridge')] });
    const chain = describeChain({
      files: [{ name: '10-a.conflist', content: list('bridge') }],
      plugins: [],
      confDir,
      ...(runtime && { runtimeCni: runtime }),
    });
    expect(chain.problems).toEqual([]);
  });

  test('a change that it does not notice is seen: a file linked over from elsewhere', async () => {
    put('10-a.conflist', list('bridge'));
    await until((found) => found?.loadedTexts?.[0] === list('bridge'));
    const elsewhere = join(root, 'elsewhere.conflist');
    writeFileSync(elsewhere, list('ptp'));
    linkSync(elsewhere, join(confDir, '05-b.conflist'));
    await new Promise((resolve) => setTimeout(resolve, 700));
    const runtime = await ask();
    const files = [
      { name: '05-b.conflist', content: list('ptp') },
      { name: '10-a.conflist', content: list('bridge') },
    ];
    const { problems } = describeChain({ files, plugins: [], confDir, ...(runtime && { runtimeCni: runtime }) });
    expect(problems.map(({ code }) => code)).toEqual(['ML2025', 'ML2007']);
    rmSync(join(confDir, '05-b.conflist'));
  });

  test('steps over a directory, and not over a link to one', async () => {
    rmSync(join(confDir, '10-a.conflist'), { force: true });
    mkdirSync(join(confDir, '00-d.conf'));
    put('10-a.conflist', list('bridge'));
    expect((await until((found) => found?.loaded?.[0] === 'podnet'))?.lastLoad).toBe('');
    rmSync(join(confDir, '00-d.conf'), { recursive: true });
    symlinkSync(binDir, join(confDir, '00-d.conf'));
    put('10-a.conflist', list('ptp'));
    expect((await until((found) => found?.lastLoad !== ''))?.lastLoad).toContain('00-d.conf');
    rmSync(join(confDir, '00-d.conf'));
  });

  test('a single configuration is compared with the list that it becomes', async () => {
    rmSync(join(confDir, '10-a.conflist'), { force: true });
    const text = '{"cniVersion":"0.3.1","name":"single","type":"bridge","mtu":1400.0}';
    put('20-s.conf', text);
    const runtime = await until((found) => found?.loaded?.[0] === 'single');
    expect(
      describeChain({
        files: [{ name: '20-s.conf', content: text }],
        plugins: [],
        confDir,
        ...(runtime && { runtimeCni: runtime }),
      }).problems,
    ).toEqual([]);
  });

  test.each([
    ['a disableCheck in quotes', list('bridge').replace('"name"', '"disableCheck": "true", "name"')],
    ['a byte order mark', `\uFEFF${list('bridge')}`],
    ['an empty list', list()],
    ['text after the end', `${list('bridge')}x`],
  ])('refuses what we say that it refuses: %s', async (_, text) => {
    rmSync(join(confDir, '20-s.conf'), { force: true });
    put('10-a.conflist', text);
    const runtime = await until((found) => found?.lastLoad?.includes('10-a.conflist') ?? false);
    expect(runtime?.lastLoad).toContain('10-a.conflist');
    const major = Number(/^v?(\d+)/.exec(runtime?.version ?? '')?.[1]);
    const chain = describeChain({
      files: [{ name: '10-a.conflist', content: text }],
      plugins: [],
      confDir,
      ...(runtime && { runtimeCni: runtime }),
    });
    if (major < 2) expect(chain.effective).toBeUndefined();
    expect(chain.problems.map(({ code }) => code)).toEqual(['ML2004']);
  });
});

afterAll(() => {
  if (existsSync(root)) rmSync(root, { recursive: true, force: true });
});
