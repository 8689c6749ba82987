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
  mkdirSync(join(host, 'proc'));
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

/** Of a node without a process: another test's runtime may be running on this machine. */
async function readCni(request: { confDir?: string; binDirs?: string[] } = {}): Promise<ReadCniResult> {
  const child = spawn(process.execPath, [program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, MESHLOOM_HOST_ROOT: host, MESHLOOM_PROC: join(host, 'proc') },
  });
  child.stdin.end(JSON.stringify({ protocol: 1, verb: 'read-cni', ...request }));
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

/** A 64-bit ELF header of another machine, with nothing behind it. */
function foreignBinary(machine: number): Buffer {
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(machine, 18);
  return header;
}

test('each way in which a program cannot work has its own words', async () => {
  const scripts = {
    killed: 'exit 137',
    suicidal: 'kill -9 $$',
    silent: 'exit 0',
    grumbles: 'echo "need a config" >&2; exit 0',
    nonsense: 'echo "\\033[31mhello\\033[0m"',
    half: 'echo \'{"supportedVersions":["0.4.0"\'',
    numbers: 'echo \'{"supportedVersions":[1,2]}\'',
    nothing: 'echo null',
    library:
      'echo "$0: error while loading shared libraries: libfoo.so.1: cannot open shared object file" >&2; exit 127',
    deaf: 'exec 0<&-; echo \'{"cniVersion":"1.0.0","supportedVersions":["0.4.0","1.0.0"]}\'',
  };
  const files = ['empty', 'text', 'foreign', 'orphan', 'directory', 'toolarge'];
  write({ 'a.conflist': list([...Object.keys(scripts), ...files]) }, scripts);
  const put = (name: string, bytes: string | Buffer) => writeFileSync(join(binDir, name), bytes, { mode: 0o755 });
  put('empty', '');
  put('text', 'echo \'{"supportedVersions":["0.4.0"]}\' # a shell would run this, a runtime does not\n');
  put('foreign', foreignBinary(process.arch === 's390x' ? 62 : 22));
  put('orphan', '#!/opt/no/such/interpreter\n');
  put('toolarge', `#!/bin/sh\nhead -c 200000 /dev/zero | tr '\\0' '{'\n`);
  mkdirSync(join(binDir, 'directory'));
  const { plugins } = await readCni();
  const byType = Object.fromEntries(
    plugins.map(({ type, error, fault, supportedVersions }) => [
      type,
      `${fault ?? ''} ${error ?? supportedVersions?.join()}`,
    ]),
  );
  expect(byType).toEqual({
    killed: expect.stringContaining('137'),
    suicidal: expect.stringContaining('killed by a signal'),
    silent: expect.stringContaining('nothing printed'),
    grumbles: expect.stringContaining('nothing but this on standard error (exit code 0): need a config'),
    nonsense: expect.stringMatching(/not understood: \[31mhello \[0m$/),
    half: expect.stringContaining('not understood'),
    numbers: expect.stringContaining('not understood'),
    nothing: expect.stringContaining('not understood'),
    library: expect.stringContaining('libfoo.so.1'),
    deaf: ' 0.4.0,1.0.0',
    empty: 'no-program its file is empty',
    text: expect.stringContaining('no-program'),
    foreign: expect.stringContaining('processor it is made for another processor'),
    orphan: expect.stringContaining('no-loader it is a script for /opt/no/such/interpreter'),
    directory: expect.stringContaining('/opt/cni/bin/directory is a directory'),
    toolarge: expect.stringContaining('64 KB'),
  });
  const { problems } = describeChain({ files: [{ name: 'a.conflist', content: list(Object.keys(byType)) }], plugins });
  const codeOf = (type: string) => problems.find(({ plugin }) => plugin === type)?.code;
  expect(['killed', 'empty', 'text', 'foreign', 'orphan', 'directory'].map(codeOf)).toEqual([
    'ML2003',
    'ML2019',
    'ML2019',
    'ML2019',
    'ML2019',
    'ML2002',
  ]);
});

test('a directory that was made to harm is read as fast as any', async () => {
  write({ '10-a.conflist': list(['p']) }, { p: says('"0.4.0"') });
  const big = `{"name":"x","type":"p","pad":"${'x'.repeat(10 * 1024 * 1024)}"}`;
  for (let i = 0; i < 12; i++) writeFileSync(join(confDir, `20-${i}.conf`), big);
  for (let i = 0; i < 700; i++) writeFileSync(join(confDir, `50-${i}.conf`), '{"name":"x","type":"p"}');
  writeFileSync(join(confDir, '11-a\nb.conf'), '{"name":"x","type":"p"}');
  symlinkSync('12-loop.conf', join(confDir, '12-loop.conf'));
  symlinkSync('14-there.conf', join(confDir, '13-here.conf'));
  symlinkSync('13-here.conf', join(confDir, '14-there.conf'));
  symlinkSync('/dev/zero', join(confDir, '15-zero.conf'));
  const fifo = spawn('mkfifo', [join(confDir, '16-pipe.conf')]);
  await new Promise((resolve) => fifo.once('close', resolve));
  writeFileSync(join(confDir, '17-deep.conf'), '['.repeat(100_000));
  writeFileSync(join(confDir, '18-binary.conf'), Buffer.from([0xff, 0xfe, 0, 1, 2]));
  const started = performance.now();
  const { files, notes } = await readCni();
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(notes).toEqual([expect.stringContaining('the first 500 are shown')]);
  const said = Object.fromEntries(files.map(({ name, error }) => [name, error?.split(':')[0]]));
  expect(said).toMatchObject({
    '11-a\nb.conf': undefined,
    '12-loop.conf': 'ELOOP',
    '13-here.conf': 'ELOOP',
    '15-zero.conf': expect.any(String),
    '16-pipe.conf': expect.any(String),
    '20-0.conf': 'EFBIG',
  });
  const chain = describeChain({ files, plugins: [] });
  expect(chain.effective?.name).toBe('10-a.conflist');
});

test('a configuration that changes while it is read is read until it rests, or is said to be restless', async () => {
  write({ '10-a.conflist': list(['p']) }, { p: says('"0.4.0"') });
  const path = join(confDir, '10-a.conflist');
  const restless = spawn('sh', [
    '-c',
    `while :; do echo '${list(['p'])}' > ${path}.t; mv ${path}.t ${path}; echo '${list(['p', 'p'])}' > ${path}.t; mv ${path}.t ${path}; done`,
  ]);
  try {
    const { changing, files } = await readCni();
    expect(changing).toEqual(['10-a.conflist']);
    expect(describeChain({ files, plugins: [], changing: changing ?? [] }).problems.map(({ code }) => code)).toContain(
      'ML2027',
    );
  } finally {
    restless.kill('SIGKILL');
    await new Promise((resolve) => restless.once('close', resolve));
  }
  expect((await readCni()).changing).toBeUndefined();
});

test('what Multus delegates to is asked too, and judged by its own version', async () => {
  write(
    {
      '00-multus.conf': JSON.stringify({
        cniVersion: '0.3.1',
        name: 'multus',
        type: 'multus',
        clusterNetwork: '/host/etc/cni/multus/net.d/10-old.conflist',
      }),
    },
    { multus: says('"0.3.1","0.4.0"'), oldnet: says('"0.2.0"') },
  );
  mkdirSync(join(host, 'etc/cni/multus/net.d'), { recursive: true });
  writeFileSync(join(host, 'etc/cni/multus/net.d/10-old.conflist'), list(['oldnet'], '0.2.0'));
  const result = await readCni();
  rmSync(join(host, 'etc/cni/multus'), { recursive: true });
  expect(result.plugins.map(({ type }) => type)).toEqual(['multus', 'oldnet']);
  const chain = describeChain(result);
  expect(chain.problems).toEqual([]);
  expect(chain.plugins[0]?.calls).toMatchObject([
    {
      file: '/etc/cni/multus/net.d/10-old.conflist',
      cniVersion: '0.2.0',
      plugins: [{ type: 'oldnet', path: '/opt/cni/bin/oldnet' }],
    },
  ]);
});

test('leases, flannel’s file and a cache of results tell of the network', async () => {
  const conf = {
    cniVersion: '0.4.0',
    name: 'podnet',
    plugins: [
      {
        type: 'bridge',
        bridge: 'mlbr9',
        mtu: 1400,
        ipam: { type: 'host-local', ranges: [[{ subnet: '10.9.0.0/24' }]] },
      },
    ],
  };
  write({ '10-a.conflist': JSON.stringify(conf) }, { bridge: says('"0.4.0"'), 'host-local': says('"0.4.0"') });
  const put = (path: string, text = '') => {
    mkdirSync(join(host, path, '..'), { recursive: true });
    writeFileSync(join(host, path), text);
  };
  put(
    'run/flannel/subnet.env',
    'FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.3.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
  );
  for (const name of ['10.9.0.2', '10.9.0.3', 'last_reserved_ip.0', 'lock']) put(`var/lib/cni/networks/podnet/${name}`);
  put('var/lib/cni/networks/old/10.9.0.4');
  put(`var/lib/cni/results/podnet-${'a'.repeat(64)}-eth0`, '{}');
  const result = await readCni();
  for (const path of ['run', 'var']) rmSync(join(host, path), { recursive: true });
  expect(result.network).toEqual({
    subnets: [
      { subnet: '10.9.0.0/24', source: '10-a.conflist' },
      { subnet: '10.244.3.0/24', source: '/run/flannel/subnet.env' },
    ],
    mtu: { value: 1400, source: '10-a.conflist' },
    bridge: { name: 'mlbr9', addresses: [] },
    flannel: {
      FLANNEL_NETWORK: '10.244.0.0/16',
      FLANNEL_SUBNET: '10.244.3.1/24',
      FLANNEL_MTU: '1450',
      FLANNEL_IPMASQ: 'true',
    },
    leases: [
      { network: 'old', used: 1, sample: '10.9.0.4' },
      { network: 'podnet', used: 2, of: 253, sample: '10.9.0.2' },
    ],
  });
  expect(result.cachedNetworks).toEqual(['podnet']);
  expect(describeChain(result).problems).toMatchObject([{ code: 'ML2023', severity: 'error' }]);
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
