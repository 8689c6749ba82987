/** The built helper reading a CNI directory, with real plugins and with some that behave badly. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseNodeHelperReply, type ReadCniResult } from '../../contract/node-helper.ts';
import { describeChain } from '../../mesh/cni/read-chain.ts';

const realPlugins = '/usr/lib/cni';
const missing = existsSync(join(realPlugins, 'bridge'))
  ? undefined
  : `${realPlugins} has no plugins (apt-get install containernetworking-plugins)`;
if (missing) console.log(`test/netns/node-helper-cni: the test with real plugins is skipped, because ${missing}`);

const host = mkdtempSync(join(tmpdir(), 'meshloom-cni-'));
const program = join(host, 'node-helper.js');
const confDir = join(host, 'etc/cni/net.d');
const binDir = join(host, 'opt/cni/bin');

beforeAll(async () => {
  const output = {
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'error',
  } as const;
  await build({
    entryPoints: [join(import.meta.dirname, '../../node-helper/main.ts')],
    ...output,
    mainFields: ['module', 'main'],
  });
});

afterAll(() => rmSync(host, { recursive: true, force: true }));

function write(files: Record<string, string>, plugins: Record<string, string> = {}): void {
  for (const directory of [confDir, binDir]) {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(confDir, name), content);
  for (const [name, script] of Object.entries(plugins)) {
    writeFileSync(join(binDir, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(binDir, name), 0o755);
  }
}

/** The directories are named: another test's runtime may be running on this machine. */
const places = { confDir: '/etc/cni/net.d', binDirs: ['/opt/cni/bin'] };

async function readCni(request: { confDir?: string; binDirs?: string[] } = places): Promise<ReadCniResult> {
  const child = spawn(process.execPath, [program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, MESHLOOM_HOST_ROOT: host },
  });
  child.stdin.end(JSON.stringify({ protocol: 1, verb: 'read-cni', ...places, ...request }));
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  await new Promise((resolve) => child.once('close', resolve));
  const reply = parseNodeHelperReply(stdout, 'read-cni');
  if (!reply.ok) throw new Error(reply.error.message);
  return reply.result;
}

const list = (types: string[], version = '0.4.0') =>
  JSON.stringify({ cniVersion: version, name: 'n', plugins: types.map((type) => ({ type })) });
const says = (versions: string) => `cat >/dev/null; echo '{"cniVersion":"0.2.0","supportedVersions":[${versions}]}'`;

test.skipIf(missing)('asks real plugins, and finds nothing wrong with a chain that works', async () => {
  write({
    '10-bridge.conflist': JSON.stringify({
      cniVersion: '0.4.0',
      name: 'n',
      plugins: [{ type: 'bridge', ipam: { type: 'host-local' } }, { type: 'portmap' }],
    }),
  });
  for (const name of ['bridge', 'host-local', 'portmap']) copyFileSync(join(realPlugins, name), join(binDir, name));
  const result = await readCni();
  expect(result.plugins.map(({ type }) => type)).toEqual(['bridge', 'host-local', 'portmap']);
  for (const { supportedVersions } of result.plugins) expect(supportedVersions).toContain('0.4.0');
  expect(describeChain(result).problems).toEqual([]);
});

test('sees the broken conversion on a node before a pod hangs on it', async () => {
  write({ '00-galaxy.conflist': list(['galaxy-sdn'], '0.3.1') }, { 'galaxy-sdn': says('"0.1.0","0.2.0"') });
  const result = await readCni();
  expect(result.plugins).toEqual([
    { type: 'galaxy-sdn', path: '/opt/cni/bin/galaxy-sdn', supportedVersions: ['0.1.0', '0.2.0'] },
  ]);
  expect(describeChain(result).problems).toMatchObject([{ code: 'ML2001', severity: 'error', plugin: 'galaxy-sdn' }]);
});

test('a plugin is asked for VERSION and for nothing else, in an environment of its own', async () => {
  const asked = join(host, 'asked');
  write(
    { 'a.conflist': list(['nosy']) },
    { nosy: `{ env | grep -E '^(CNI_|SECRET)' | sort; cat; } > ${asked}; echo '{"supportedVersions":["0.4.0"]}'` },
  );
  process.env.SECRET_OF_HELPER = 'x';
  const before = statSync(confDir).mtimeMs;
  await readCni();
  delete process.env.SECRET_OF_HELPER;
  expect(readFileSync(asked, 'utf8')).toBe(
    'CNI_COMMAND=VERSION\nCNI_CONTAINERID=dummy\nCNI_IFNAME=dummy\nCNI_NETNS=dummy\nCNI_PATH=dummy\n{"cniVersion":"1.1.0"}',
  );
  expect(statSync(confDir).mtimeMs).toBe(before);
  expect(readdirSync(confDir)).toEqual(['a.conflist']);
});

test('bad plugins cost three seconds at most and say what is wrong with each', async () => {
  const bad = {
    hangs: 'sleep 60 & sleep 60',
    floods: 'yes',
    dies: 'echo "no such library" >&2; exit 3',
    old: `echo '{"code":4,"msg":"unknown CNI_COMMAND: VERSION"}'; exit 1`,
    closed: 'true',
  };
  write({ 'a.conflist': list([...Object.keys(bad), 'absent']) }, bad);
  chmodSync(join(binDir, 'closed'), 0o644);
  writeFileSync(join(binDir, 'garbage'), 'not a program');
  const started = performance.now();
  const { plugins } = await readCni();
  expect(performance.now() - started).toBeLessThan(8_000);
  const byType = Object.fromEntries(
    plugins.map(({ type, error, supportedVersions }) => [type, error ?? supportedVersions]),
  );
  expect(byType).toEqual({
    hangs: expect.stringContaining('3 seconds'),
    floods: expect.stringContaining('64 KB'),
    dies: expect.stringContaining('no such library'),
    old: ['0.1.0'],
    closed: expect.stringContaining('not executable'),
    absent: expect.stringContaining('/opt/cni/bin'),
  });
});

test('odd files in the directory are told, and stop nobody', async () => {
  write(
    { '10-a.conflist': list(['p']), '20-big.conf': ' '.repeat(1024 * 1024 + 1), README: 'hello' },
    { p: says('"0.4.0"') },
  );
  mkdirSync(join(confDir, '30-dir.conf'));
  symlinkSync('/etc/cni/other/real.conf', join(confDir, '40-link.conf'));
  mkdirSync(join(host, 'etc/cni/other'), { recursive: true });
  writeFileSync(join(host, 'etc/cni/other/real.conf'), '{"name":"x","type":"p"}');
  symlinkSync('/etc/passwd-that-is-not-there', join(confDir, '50-dangling.conf'));
  const { files, notes } = await readCni();
  expect(notes).toEqual([]);
  expect(files.map(({ name, content, error }) => [name, error?.split(':')[0] ?? content?.slice(0, 12)])).toEqual([
    ['10-a.conflist', '{"cniVersion'],
    ['20-big.conf', 'EFBIG'],
    ['30-dir.conf', 'EISDIR'],
    ['40-link.conf', '{"name":"x",'],
    ['50-dangling.conf', 'ENOENT'],
    ['README', undefined],
  ]);
});

test('a directory that is not there is said to be missing', async () => {
  write({});
  expect((await readCni({ confDir: '/var/lib/nowhere' })).notes[0]).toContain('/var/lib/nowhere');
});
