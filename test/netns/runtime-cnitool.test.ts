/**
 * The CNI project's own `cnitool` and its newest plugins (1.1.0: STATUS, GC) run the chain that our installer makes, on real
 * network namespaces. Multus and other delegating plugins call networks through the same library.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CniAction, CniMode, PodRecord } from '../../contract/cni-plugin.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import { answerCni } from '../../node-helper/cni/answer-cni.ts';
import { realHost } from '../../node-helper/host.ts';
import { findJudges } from './judges/build.ts';
import { bridgeEntry, ourEntry } from './plugin-chain.ts';

const judges = await findJudges('cnitool', 'bridge', 'host-local');
const why =
  process.getuid?.() !== 0
    ? 'we are not root'
    : spawnSync('iptables-nft-restore', ['--version']).error
      ? 'iptables is not installed'
      : 'reason' in judges
        ? judges.reason
        : undefined;
if (why !== undefined) console.warn(`cnitool as a judge is skipped: ${why}`);

const [nodeNetns, podNetns] = [`mlc-${process.pid}-node`, `mlc-${process.pid}-pod`];
const work = mkdtempSync(join(tmpdir(), 'meshloom-cnitool-'));
const [confDir, binDir, library] = ['net.d', 'bin', 'lib'].map((name) => join(work, name)) as [string, string, string];
const launcher = join(import.meta.dirname, `../../node-helper/launcher/meshloom-cni-${process.arch}`);
const pod: Pod = {
  metadata: { name: 'reviews-1', namespace: 'shop', uid: 'u1', annotations: { 'sidecar.istio.io/status': '{}' } },
  spec: { containers: [{ name: 'app' }, { name: 'istio-proxy', args: ['proxy', 'sidecar'] }] },
};

let agent: ChildProcess | undefined;
let said: { called?: string; put?: PodRecord; drop?: string; ready?: boolean }[] = [];

interface Result {
  code: number | null;
  stdout: string;
  /** Its words when it fails. */
  stderr: string;
}

/** As on the node, with a cache of results of its own. */
function cnitool(verb: string, network = 'pods', env: Record<string, string> = {}): Promise<Result> {
  const tool = 'paths' in judges ? judges.paths.cnitool : '';
  const own = `mkdir -p /var/lib/cni && mount --bind ${library} /var/lib/cni && exec "$@"`;
  const argv = ['unshare', '--mount', 'sh', '-c', own, 'sh', tool, verb, network, `/run/netns/${podNetns}`];
  const child = spawn('nsenter', [`--net=/run/netns/${nodeNetns}`, '--', ...argv], {
    env: {
      PATH: process.env.PATH,
      NETCONFPATH: confDir,
      CNI_PATH: binDir,
      CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=reviews-1',
      ...env,
    },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}

const added = async (network?: string, env?: Record<string, string>) => {
  const { code, stdout, stderr } = await cnitool('add', network, env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as { cniVersion: string; ips?: unknown[]; interfaces?: unknown[] };
};

const done = async (verb: string, network?: string, env?: Record<string, string>) =>
  expect({ verb, ...(await cnitool(verb, network, env)) }).toMatchObject({ verb, code: 0 });

const inPod = (...argv: string[]) =>
  execFileSync('nsenter', [`--net=/run/netns/${podNetns}`, '--', ...argv], { encoding: 'utf8' });
const isProgrammed = () => inPod('iptables-nft-save').includes('-A ISTIO_OUTPUT');
const spoil = () => inPod('iptables-nft', '-t', 'nat', '-F', 'ISTIO_OUTPUT');

function put(name: string, content: object): void {
  mkdirSync(dirname(join(confDir, name)), { recursive: true });
  writeFileSync(join(confDir, name), `${JSON.stringify(content, undefined, 2)}\n`);
}

const listOf = (more: object) => ({ name: 'pods', ...more, plugins: [bridgeEntry(work)] });

async function perform(action: CniAction, mode: CniMode = 'chained') {
  const around = { program: launcher, stateDir: join(work, 'state'), resultsDir: join(library, 'results') };
  const entry = JSON.stringify(ourEntry(work));
  return answerCni(realHost({ hostRoot: '' }), { action, mode, confDir, binDir, entry }, around);
}

async function until(holds: () => boolean): Promise<void> {
  for (let left = 300; left > 0 && !holds(); left--) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(holds()).toBe(true);
}

describe.skipIf(why !== undefined)('cnitool', () => {
  beforeAll(async () => {
    for (const directory of [binDir, library]) mkdirSync(directory);
    for (const name of ['bridge', 'host-local'] as const)
      copyFileSync('paths' in judges ? judges.paths[name] : '', join(binDir, name));
    execFileSync('ip', ['netns', 'add', nodeNetns]);
    writeFileSync(join(work, 'pods.json'), JSON.stringify([pod]));
    const outfile = join(work, 'agent.js');
    const entryPoints = [join(import.meta.dirname, 'plugin-agent.ts')];
    await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'cjs' });
    const args = [outfile, join(work, 'agent.sock'), join(work, 'pods.json')];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    agent = child;
    createInterface(child.stdout).on('line', (line) => said.push(JSON.parse(line) as (typeof said)[number]));
    await until(() => said.some(({ ready }) => ready === true));
  });

  beforeEach(() => {
    said = [];
    mkdirSync(confDir);
    spawnSync('ip', ['netns', 'del', podNetns]);
    execFileSync('ip', ['netns', 'add', podNetns]);
  });

  afterEach(() => {
    for (const directory of [confDir, join(work, 'state'), join(work, 'leases'), join(library, 'results')])
      rmSync(directory, { recursive: true, force: true });
  });

  afterAll(() => {
    agent?.kill('SIGKILL');
    for (const name of [podNetns, nodeNetns]) spawnSync('ip', ['netns', 'del', name]);
    rmSync(work, { recursive: true, force: true });
  });

  test.each(['0.3.1', '0.4.0', '1.0.0', '1.1.0'])(
    'runs the chain of version %s that we installed, and takes its pod down',
    async (cniVersion) => {
      put('10-pods.conflist', listOf({ cniVersion }));
      const before = readFileSync(join(confDir, '10-pods.conflist'), 'utf8');
      expect((await perform('install')).plan).toMatchObject({ action: 'insert', cniVersion });
      const result = await added();
      expect(result).toMatchObject({ cniVersion, ips: [expect.anything()] });
      expect(isProgrammed()).toBe(true);
      expect(said.find(({ put: record }) => record)?.put).toMatchObject({ outcome: 'programmed', families: ['4'] });
      if (cniVersion === '0.3.1')
        expect((await cnitool('check')).stderr).toContain('does not support the CHECK command');
      else {
        await done('check');
        spoil();
        expect(await cnitool('check')).toMatchObject({
          code: 1,
          stderr: expect.stringContaining('redirect rules of pod shop/reviews-1') as string,
        });
      }
      await done('status');
      await done('del');
      await done('del');
      expect(said.filter(({ drop }) => drop)).toHaveLength(2);
      await perform('uninstall');
      expect(readdirSync(confDir)).toEqual(['10-pods.conflist']);
      expect(readFileSync(join(confDir, '10-pods.conflist'), 'utf8')).toBe(before);
    },
  );

  test('takes the highest version that a list offers, as we say, and hands over what only that knows', async () => {
    put('10-pods.conflist', listOf({ cniVersion: '0.4.0', cniVersions: ['1.0.0', '1.1.0', '9.9.9'] }));
    expect((await perform('install')).plan).toMatchObject({ action: 'insert', cniVersion: '1.1.0' });
    expect(await added()).toMatchObject({ cniVersion: '1.1.0' });
    await done('check');
    await done('gc');
    // The library takes every pod that nobody calls valid down, then tells the plugins which are left: none.
    expect(said.filter(({ called }) => called === 'DEL' || called === 'GC').map(({ called }) => called)).toEqual([
      'DEL',
      'GC',
    ]);
    await done('del');
  });

  test('leaves CHECK and GC out where the list says so', async () => {
    put('10-pods.conflist', listOf({ cniVersion: '1.1.0', disableCheck: 'true', disableGC: true }));
    await perform('install');
    await added();
    spoil();
    await done('check');
    await done('gc');
    expect(said.map(({ called }) => called).filter(Boolean)).toEqual(['ADD']);
    await done('del');
  });

  test('takes our plugin from the folder of the network’s name, unless the list alone is to count', async () => {
    put('pods/50-meshloom.conf', ourEntry(work));
    put('10-pods.conflist', listOf({ cniVersion: '1.0.0' }));
    copyFileSync(launcher, join(binDir, 'meshloom-cni'));
    await added();
    expect(isProgrammed()).toBe(true);
    await done('del');
    put('10-pods.conflist', listOf({ cniVersion: '1.0.0', loadOnlyInlinedPlugins: true }));
    said = [];
    await added();
    await done('del');
    expect(said).toEqual([]);
    rmSync(join(binDir, 'meshloom-cni'));
  });

  test('calls us as a pod’s second network beside its own: same pod, same rules, nothing made', async () => {
    put('10-pods.conflist', listOf({ cniVersion: '1.0.0' }));
    expect((await perform('install', 'standalone')).plan).toMatchObject({
      action: 'insert',
      result: '10-pods.conflist',
    });
    await added();
    expect(isProgrammed()).toBe(false);
    const second = { CNI_IFNAME: 'net1' };
    expect(await added('meshloom-cni', second)).toMatchObject({ cniVersion: '1.0.0' });
    expect(inPod('ip', '-o', 'link')).not.toContain('net1');
    expect(isProgrammed()).toBe(true);
    expect(said.find(({ put: record }) => record)?.put).toMatchObject({ outcome: 'programmed', name: 'reviews-1' });
    await done('check', 'meshloom-cni', second);
    spoil();
    expect((await cnitool('check', 'meshloom-cni', second)).code).toBe(1);
    await done('del', 'meshloom-cni', second);
    await done('del');
    await perform('uninstall', 'standalone');
    expect(readdirSync(confDir)).toEqual(['10-pods.conflist']);
  });

  test('is told why when the stand-alone configuration is all that is left', async () => {
    put('10-pods.conflist', listOf({ cniVersion: '1.0.0' }));
    await perform('install', 'standalone');
    rmSync(join(confDir, '10-pods.conflist'));
    const { code, stderr } = await cnitool('add', 'meshloom-cni');
    expect(code).toBe(1);
    expect(stderr).toContain('is the only network that this pod is given');
    expect(said).toEqual([]);
    await done('del', 'meshloom-cni');
  });
});
