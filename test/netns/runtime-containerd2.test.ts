/**
 * containerd 2 as the judge: what it makes of its own configuration in every version of that, with what is imported, and
 * what it makes of a CNI directory. containerd 1, where the machine has it, judges the older versions.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RuntimeCni } from '../../contract/node-helper.ts';
import { describeChain } from '../../mesh/cni/read-chain.ts';
import { fakeHost } from '../../node-helper/fake-host.ts';
import { type Host, realHost } from '../../node-helper/host.ts';
import { readCni } from '../../node-helper/read-cni.ts';
import { realRuntimeSocket } from '../../node-helper/runtime/ask-socket.ts';
import type { RuntimeProcess } from '../../node-helper/runtime/command-line.ts';
import { type CniSettings, containerdSettings, readContainerdConfig } from '../../node-helper/runtime/configuration.ts';
import { describeRuntime } from '../../node-helper/runtime/describe-runtime.ts';
import { parseToml } from '../../node-helper/runtime/parse-toml.ts';
import { findJudges } from './judges/build.ts';

const judges = await findJudges('containerd');
const why = process.getuid?.() !== 0 ? 'we are not root' : 'reason' in judges ? judges.reason : undefined;
if (why !== undefined) console.warn(`containerd 2 as a judge is skipped: ${why}`);
const second = 'paths' in judges ? judges.paths.containerd : '';
const first = spawnSync('containerd', ['--version'])
  .stdout?.toString()
  .match(/ v?1\.\d+\.\d+/)
  ? 'containerd'
  : undefined;

const root = mkdtempSync(join(tmpdir(), 'meshloom-c2-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

// ---- its own configuration --------------------------------------------------------------------------------------------

const cri1 = 'plugins.cri';
const cri2 = 'plugins."io.containerd.grpc.v1.cri"';
const cri3 = 'plugins."io.containerd.cri.v1.runtime"';
/** `@` is the directory itself: containerd 1 takes a relative pattern from where it was started. */
const imports = 'imports = ["@/conf.d/*.toml"]\n';

/** Which releases take it, and the files; `config.toml` is the one that it is started with. */
const configurations: [string, (1 | 2)[], Record<string, string>][] = [
  [
    'version 1',
    [1, 2],
    {
      'config.toml': `[${cri1}.cni]\nbin_dir = "/b"\nconf_dir = "/c"\nmax_conf_num = 3\n[grpc]\naddress = "/run/a.sock"\n`,
    },
  ],
  ['version 2', [1, 2], { 'config.toml': `version = 2\n[${cri2}.cni]\nbin_dir = "/b"\nconf_dir = "/c"\n` }],
  ['version 2, one part only', [1, 2], { 'config.toml': `version = 2\n[${cri2}.cni]\nconf_dir = "/c"\n` }],
  [
    'version 2 with both names of the directory',
    [2],
    { 'config.toml': `version = 2\n[${cri2}.cni]\nbin_dir = "/b"\nbin_dirs = ["/x", "/y"]\n` },
  ],
  ['version 2 with the later name', [2], { 'config.toml': `version = 2\n[${cri2}.cni]\nbin_dirs = ["/x", "/y"]\n` }],
  [
    'version 3',
    [2],
    {
      'config.toml': `version = 3\n[${cri3}.cni]\nbin_dirs = ["/x", "/y"]\nconf_dir = "/c"\nmax_conf_num = 2\n[grpc]\naddress = "/run/a.sock"\n`,
    },
  ],
  [
    'version 3 with the earlier name of the directory',
    [2],
    { 'config.toml': `version = 3\n[${cri3}.cni]\nbin_dir = "/b"\nconf_dir = "/c"\n` },
  ],
  [
    'version 3 with the earlier name of the plugin',
    [2],
    { 'config.toml': `version = 3\n[${cri2}.cni]\nbin_dir = "/b"\nconf_dir = "/c"\n` },
  ],
  [
    'version 4',
    [2],
    {
      'config.toml': `version = 4\n[${cri3}.cni]\nbin_dirs = ["/x"]\n[plugins."io.containerd.server.v1.grpc"]\naddress = "/run/a.sock"\n`,
    },
  ],
  [
    'version 2 under a table that is replaced',
    [1],
    {
      'config.toml': `version = 2\n${imports}[${cri2}.cni]\nbin_dir = "/b"\nconf_dir = "/c"\n`,
      'conf.d/a.toml': `version = 2\n[${cri2}]\nsandbox_image = "x"\n`,
    },
  ],
  [
    'version 2 under a file of other things',
    [1, 2],
    {
      'config.toml': `version = 2\n${imports}[${cri2}.cni]\nbin_dir = "/b"\nconf_dir = "/c"\n`,
      'conf.d/a.toml': 'version = 2\n[grpc]\naddress = "/run/b.sock"\n',
    },
  ],
  [
    'version 3 under part of a table',
    [2],
    {
      'config.toml': `version = 3\n${imports}[${cri3}.cni]\nbin_dirs = ["/x"]\nconf_dir = "/c"\n`,
      'conf.d/a.toml': `version = 3\n[${cri3}.cni]\nbin_dirs = ["/y", "/x"]\n`,
    },
  ],
  [
    'version 3 under an earlier one',
    [2],
    {
      'config.toml': `version = 3\n${imports}[${cri3}.cni]\nbin_dirs = ["/x"]\nconf_dir = "/c"\n`,
      'conf.d/a.toml': `version = 2\n[${cri2}.cni]\nbin_dir = "/y"\n`,
    },
  ],
  [
    'an earlier one under version 3',
    [2],
    {
      'config.toml': `version = 2\n${imports}[${cri2}.cni]\nbin_dir = "/x"\nconf_dir = "/c"\n`,
      'conf.d/a.toml': `version = 3\n[${cri3}.cni]\nconf_dir = "/d"\n`,
    },
  ],
  [
    'version 3 under a zero',
    [2],
    {
      'config.toml': `version = 3\n${imports}[${cri3}.cni]\nconf_dir = "/c"\nmax_conf_num = 3\n`,
      'conf.d/a.toml': `version = 3\n[${cri3}.cni]\nmax_conf_num = 0\n`,
    },
  ],
  [
    'several imports, in the order of their names, hidden ones too',
    [2],
    {
      'config.toml': `version = 3\n${imports}`,
      'conf.d/b.toml': `version = 3\n[${cri3}.cni]\nconf_dir = "/b"\n`,
      'conf.d/a.toml': `version = 3\n[${cri3}.cni]\nconf_dir = "/a"\n`,
      'conf.d/.a.toml': `version = 3\n[${cri3}.cni]\nbin_dirs = ["/hidden"]\n`,
      'conf.d/a.txt': 'version = 3\n',
    },
  ],
  [
    'imports of imports, after those beside them',
    [1, 2],
    {
      'config.toml': `version = 2\nimports = ["one.toml", "two.toml"]\n`,
      'one.toml': `version = 2\nimports = ["three.toml"]\n[${cri2}.cni]\nconf_dir = "/1"\n`,
      'two.toml': `version = 2\n[${cri2}.cni]\nconf_dir = "/2"\n`,
      'three.toml': `version = 2\n[${cri2}.cni]\nconf_dir = "/3"\n`,
    },
  ],
  [
    'imports by a pattern of folders',
    [1, 2],
    {
      'config.toml': `version = 2\nimports = ["@/*/c.toml"]\n`,
      'x/c.toml': `version = 2\n[${cri2}.cni]\nconf_dir = "/x"\n`,
      'y/c.toml': `version = 2\n[${cri2}.cni]\nconf_dir = "/y"\n`,
    },
  ],
  [
    'an import in a circle',
    [1, 2],
    {
      'config.toml': `version = 2\nimports = ["config.toml", "one.toml"]\n`,
      'one.toml': `version = 2\nimports = ["config.toml"]\n[${cri2}.cni]\nconf_dir = "/1"\n`,
    },
  ],
];

let count = 0;
function put(files: Record<string, string>): string {
  const directory = join(root, `config-${count++}`);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text.replaceAll('@', directory));
  }
  return join(directory, 'config.toml');
}

/** What it would run with; nothing where it refuses the file. */
function dump(program: string, path: string): CniSettings {
  const { stdout, status, stderr } = spawnSync(program, ['--config', path, 'config', 'dump'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return containerdSettings(parseToml(stdout));
}

const usual: CniSettings = {
  confDir: '/etc/cni/net.d',
  binDirs: ['/opt/cni/bin'],
  maxNetworks: 1,
  address: '/run/containerd/containerd.sock',
};

function judge(program: string, files: Record<string, string>): void {
  const path = put(files);
  const process: RuntimeProcess = { pid: 1, program: 'containerd', argv: ['containerd', '--config', path], root: '' };
  const notes: string[] = [];
  const ours = readContainerdConfig({ host: realHost({ hostRoot: '' }), roots: [''], notes }, process);
  expect({ ...usual, ...ours }).toEqual({ ...usual, ...dump(program, path) });
  expect(notes).toEqual([]);
}

const of = (release: 1 | 2) => configurations.filter(([, releases]) => releases.includes(release));

describe.skipIf(why !== undefined)('containerd 2 takes its directories', () => {
  test.each(of(2))('from %s', (_, __, files) => judge(second, files));
});

describe.skipIf(first === undefined)('containerd 1 takes its directories', () => {
  test.each(of(1))('from %s', (_, __, files) => judge(first!, files));
});

// ---- a directory ------------------------------------------------------------------------------------------------------

const [confDir, binDir, other, socket] = ['net.d', 'bin', 'more', 'c.sock'].map((name) => join(root, name)) as [
  string,
  string,
  string,
  string,
];
let containerd: ChildProcess | undefined;

function node(): Host {
  const real = realHost({ hostRoot: '' });
  const host = fakeHost({
    files: {
      '/proc/7/cgroup': '0::/system.slice/containerd.service',
      '/proc/7/comm': 'containerd',
      '/proc/7/cmdline': `containerd\0--config\0${root}/config.toml\0`,
      '/proc/7/root': '-> /',
      [`${root}/config.toml`]: `version = 4\n[plugins."io.containerd.server.v1.grpc"]\naddress = "${socket}"\n`,
    },
  });
  const isOurs = (path: string) => path.endsWith(socket);
  return {
    ...host,
    facts: (path) =>
      isOurs(path)
        ? { kind: 'other', mode: 0o600, size: 0, inode: 1 }
        : path.startsWith(root)
          ? real.facts(path)
          : host.facts(path),
  };
}

const asked: string[] = [];
const ask = (notes: string[] = []) =>
  describeRuntime(node(), {
    notes,
    socket: {
      ...realRuntimeSocket,
      status: (path) => {
        asked.push(path);
        return realRuntimeSocket.status(socket);
      },
    },
  });

async function until(holds: (runtime: RuntimeCni | undefined) => boolean): Promise<RuntimeCni | undefined> {
  for (let left = 100; ; left--) {
    const runtime = await ask();
    if (holds(runtime) || left === 0) return runtime;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** containerd notices a rename inside its directory. */
function putConfig(name: string, text: string): void {
  mkdirSync(dirname(join(confDir, name)), { recursive: true });
  writeFileSync(join(confDir, '.tmp'), text);
  renameSync(join(confDir, '.tmp'), join(confDir, name));
  writeFileSync(join(confDir, '.poke'), '');
  rmSync(join(confDir, '.poke'));
}

const list = (more: object, ...types: string[]) =>
  JSON.stringify({ name: 'podnet', ...more, ...(types.length > 0 && { plugins: types.map((type) => ({ type })) }) });

/** A plugin of every version; STATUS is what the second text says. */
function plugin(name: string, status = 'exit 0'): void {
  const versions = '["0.1.0","0.3.1","0.4.0","1.0.0","1.1.0"]';
  writeFileSync(
    join(other, name),
    `#!/bin/sh\ncase $CNI_COMMAND in VERSION) echo '{"cniVersion":"1.1.0","supportedVersions":${versions}}';; STATUS) ${status};; esac\n`,
  );
  chmodSync(join(other, name), 0o755);
}

async function chainOf(runtime: RuntimeCni | undefined) {
  const read = await readCni(
    realHost({ hostRoot: '' }),
    { confDir, binDirs: [binDir, other] },
    { socket: { ...realRuntimeSocket, status: () => Promise.reject(new Error('not asked')) } },
  );
  return describeChain({ ...read, confDir, runtimeCni: runtime });
}

describe.skipIf(why !== undefined)('a real containerd 2', () => {
  beforeAll(async () => {
    for (const directory of [confDir, binDir, other]) mkdirSync(directory);
    plugin('one');
    plugin('two');
    writeFileSync(
      join(root, 'config.toml'),
      `version = 4
root = "${root}/root"
state = "${root}/state"
[plugins."io.containerd.server.v1.grpc"]
  address = "${socket}"
[plugins."io.containerd.server.v1.ttrpc"]
  address = "${socket}.ttrpc"
[${cri3}.cni]
  bin_dirs = ["${binDir}", "${other}"]
  conf_dir = "${confDir}"
[${cri3}.containerd.runtimes.kata]
  runtime_type = "io.containerd.runc.v2"
  cni_conf_dir = "${root}/kata.d"
`,
    );
    containerd = spawn(second, ['--config', join(root, 'config.toml')], {
      stdio: ['ignore', 'ignore', process.env.DEBUG_CONTAINERD ? 'inherit' : 'ignore'],
    });
    await until((runtime) => runtime?.source === 'status');
  }, 30_000);

  afterAll(async () => {
    if (!containerd) return;
    const gone = new Promise((resolve) => containerd?.once('close', resolve));
    containerd.kill('SIGTERM');
    await gone;
    for (const line of execFileSync('mount').toString().split('\n'))
      if (line.includes(` on ${root}/`)) spawnSync('umount', [/ on (\S+) /.exec(line)![1]!]);
  });

  beforeEach(() => {
    for (const name of readdirSync(confDir)) rmSync(join(confDir, name), { recursive: true });
  });

  test('is found at the socket that version 4 of its configuration names, and tells all its directories', async () => {
    const notes: string[] = [];
    const runtime = await ask(notes);
    expect(notes).toEqual([expect.stringContaining(`the handler “kata” by ${root}/kata.d`)]);
    expect(asked.at(-1)).toContain(socket);
    expect(runtime).toMatchObject({
      program: 'containerd',
      source: 'status',
      confDir,
      binDirs: [binDir, other],
      maxNetworks: 1,
      version: 'v2.4.2',
    });
  });

  const versions = (...cniVersions: string[]) => list({ cniVersion: '0.4.0', cniVersions }, 'one');
  const cases: [string, Record<string, string>, string[], string][] = [
    ['a list', { '10-a.conflist': list({ cniVersion: '1.0.0' }, 'one', 'two') }, ['one', 'two'], '1.0.0'],
    [
      'the first by bytes',
      { '10-a.conf': '{"name":"s","type":"one"}', '9-a.conflist': list({}, 'two') },
      ['one'],
      '0.1.0',
    ],
    [
      'a .json before a .conflist',
      { 'a.conflist': list({}, 'one'), 'B.json': '{"cniVersion":"0.3.1","name":"j","type":"two"}' },
      ['two'],
      '0.3.1',
    ],
    ['the highest of several versions', { 'a.conflist': versions('1.1.0', '1.0.0', '9.0.0') }, ['one'], '1.1.0'],
    [
      'plugins of the folder',
      {
        'podnet/b.conf': '{"type":"two"}',
        'podnet/c.conflist': '{}',
        'a.conflist': list({ cniVersion: '1.0.0' }, 'one'),
      },
      ['one', 'two'],
      '1.0.0',
    ],
    [
      'plugins of the folder alone',
      { 'podnet/b.conf': '{"type":"two"}', 'a.conflist': list({ cniVersion: '1.0.0' }) },
      ['two'],
      '1.0.0',
    ],
    [
      'only those in the list',
      {
        'podnet/b.conf': '{"type":"two"}',
        'a.conflist': list({ cniVersion: '1.0.0', loadOnlyInlinedPlugins: 'true' }, 'one'),
      },
      ['one'],
      '1.0.0',
    ],
  ];

  test.each(cases)('loads what we say: %s', async (_, files, types, cniVersion) => {
    for (const [name, text] of Object.entries(files)) putConfig(name, text);
    const runtime = await until((found) => found?.lastLoad === '' && found.loaded?.length === 1);
    const chain = await chainOf(runtime);
    const loaded = JSON.parse(runtime!.loadedTexts![0]!) as { name: string };
    expect(chain.plugins.map(({ type }) => type)).toEqual(types);
    expect([chain.cniVersion, chain.name]).toEqual([cniVersion, loaded.name]);
    expect(chain.problems.filter(({ code }) => code !== 'ML2007' && code !== 'ML2031')).toEqual([]);
  });

  const refused: [string, Record<string, string>, string][] = [
    ['a version that is none among those offered', { 'a.conflist': versions('1.0.0', 'v1.1.0') }, 'ML2004'],
    ['a broken plugin in the folder', { 'podnet/b.conf': '{"type":', 'a.conflist': list({}, 'one') }, 'ML2029'],
    ['a list without plugins and without a folder', { 'a.conflist': list({}) }, 'ML2004'],
    ['a flag that is a word', { 'a.conflist': list({ disableGC: 'no' }, 'one') }, 'ML2004'],
  ];

  test.each(refused)('loads nothing where we say so: %s', async (_, files, code) => {
    for (const [name, text] of Object.entries(files)) putConfig(name, text);
    const runtime = await until((found) => found?.lastLoad?.includes('a.conflist') ?? false);
    expect(runtime?.lastLoad).toContain('a.conflist');
    const chain = await chainOf(runtime);
    expect(chain.effective).toBeUndefined();
    expect(chain.problems.map((problem) => problem.code)).toEqual([code]);
  });

  test('does not notice a file that is linked in from elsewhere, and that is seen', async () => {
    putConfig('10-a.conflist', list({ cniVersion: '1.0.0' }, 'one'));
    await until((found) => found?.lastLoad === '' && found.loaded?.length === 1);
    writeFileSync(join(root, 'elsewhere'), list({ cniVersion: '1.0.0' }, 'two'));
    linkSync(join(root, 'elsewhere'), join(confDir, '05-b.conflist'));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await chainOf(await ask())).problems.map(({ code }) => code)).toEqual(['ML2025', 'ML2007']);
  });

  test('is not ready while a plugin says so, and that is no fault of the configuration', async () => {
    plugin('two', 'echo \'{"cniVersion":"1.1.0","code":50,"msg":"no addresses left"}\'; exit 1');
    putConfig('a.conflist', list({ cniVersion: '1.1.0' }, 'one', 'two'));
    const runtime = await until((found) => found?.notReady !== undefined);
    plugin('two');
    expect(runtime).toMatchObject({ lastLoad: '', notReady: expect.stringContaining('no addresses left') as string });
    expect((await chainOf(runtime)).problems.map(({ code }) => code)).toEqual(['ML2038']);
    expect((await until((found) => found?.notReady === undefined))?.notReady).toBeUndefined();
  });
});
