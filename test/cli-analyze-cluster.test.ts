import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { startTestServer } from '../extension/demo/testing.ts';
import type { Fault } from '../extension/demo/faults.ts';

const route = (host: string) => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: front, namespace: shop }
spec:
  hosts: [reviews]
  http: [{ route: [{ destination: { host: ${host} } }] }]
`;

let folder = '';
let closeServer = () => Promise.resolve();
let kubeconfig = '';
let setFaults: (faults: Fault[]) => void = () => undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshloom-cluster-'));
  await writeFile(join(folder, 'sound.yaml'), route('ratings'));
  await writeFile(join(folder, 'wrong.yaml'), route('ratigns'));
  await writeFile(join(folder, 'package.json'), '{"version":"1.2.3"}');
  const root = join(import.meta.dirname, '..');
  await build({
    entryPoints: {
      cli: join(root, 'cli/main.ts'),
      'cluster-snapshot': join(root, 'extension/cluster/snapshot-program.ts'),
    },
    outdir: join(folder, 'dist'),
    ...({ bundle: true, platform: 'node', format: 'cjs', target: 'node22', logLevel: 'error' } as const),
    mainFields: ['module', 'main'],
    alias: { undici: join(root, 'extension/cluster/no-undici.ts') },
  });
  const server = await startTestServer('with-cni');
  closeServer = () => server.close();
  setFaults = (faults) => server.setFaults(faults);
  kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, server.kubeconfig);
  return async () => {
    await closeServer();
    await rm(folder, { recursive: true, force: true });
  };
}, 60_000);

afterEach(() => setFaults([]));

interface Ran {
  code: number | null;
  out: string;
  err: string;
}

function analyze(args: string[], { config = kubeconfig, input = '', killAfter = 0 } = {}): Promise<Ran> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [join(folder, 'dist/cli.js'), 'analyze', ...args], {
      cwd: folder,
      env: { ...process.env, KUBECONFIG: config, HOME: folder },
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.on('close', (code) => done({ code, out, err }));
    child.stdin.end(input);
    if (killAfter > 0) setTimeout(() => child.kill('SIGKILL'), killAfter);
  });
}

test('what the files do not define is looked up in the cluster, and what is not there either is told', async () => {
  expect(await analyze(['--cluster', '--fail-on', 'info', 'sound.yaml'])).toMatchObject({ code: 0, out: '' });
  const { code, out } = await analyze(['--cluster', 'wrong.yaml']);
  expect(code).toBe(1);
  expect(out).toMatch(/^wrong\.yaml:\d+:\d+: error IST0101 .*"ratigns".*Did you mean "ratings"\?/);
  // Alone, the file says too little for that.
  expect((await analyze(['wrong.yaml'])).code).toBe(0);
});

test('a kind that may not be read is not said to lack anything', async () => {
  setFaults([{ for: '/services', status: 403 }]);
  const { code, err, out } = await analyze(['--cluster', 'wrong.yaml']);
  expect({ code, out }).toEqual({ code: 0, out: '' });
  expect(err).toContain('nothing is said to be missing');
  expect(err).toContain('services');
});

test('of chosen namespaces is said that only they were read, and nothing is missing elsewhere', async () => {
  const args = ['--cluster', '--namespaces', 'shop,istio-system'];
  const { code, err, out } = await analyze([...args, 'wrong.yaml']);
  expect({ code, out }).toEqual({ code: 0, out: '' });
  expect(err).toContain('Only these namespaces were read, so nothing is said to be missing: istio-system, shop.');
  expect(err).not.toContain('Of what could not be read');
  expect(await analyze(['--cluster', '--namespaces=shpo', 'wrong.yaml'])).toMatchObject({
    ...{ code: 2, out: '', err: expect.stringMatching(/no namespace “shpo” in “demo”.*shop/) },
  });
  expect((await analyze(['--cluster', '--namespaces', '../x', 'wrong.yaml'])).err).toMatch(/No name of a namespace: /);
  expect((await analyze(['--namespaces', 'shop', 'wrong.yaml'])).code).toBe(2);
});

test('without files the cluster itself is judged; standard input lies over it like any file', async () => {
  const { out, code } = await analyze(['--cluster', '--format', 'json', '-n', 'shop']);
  const found = JSON.parse(out) as { file: string; resource: { kind: string; namespace: string } }[];
  expect(found.length).toBeGreaterThan(0);
  expect(found.every(({ file }) => file.startsWith('cluster:demo/'))).toBe(true);
  expect([0, 1]).toContain(code);
  const piped = await analyze(['--cluster', '--format', 'json', '-'], { input: route('ratigns') });
  expect((JSON.parse(piped.out) as { file: string }[])[0]?.file).toBe('-');
});

test.each<[title: string, args: string[], config: string | undefined, faults: Fault[], says: RegExp]>([
  ['no kubeconfig', [], '/nowhere/config', [], /None of the files in \$KUBECONFIG exists: \/nowhere\/config/],
  ['an unknown context', ['--context', 'dmo'], undefined, [], /no context “dmo” in .*--context: demo/],
  ['a login that is refused', [], undefined, [{ status: 401 }], /401|log in|credentials/i],
  ['a connection that breaks', [], undefined, [{ refuse: true }], /Could not list namespaces/],
])('%s ends with exit code 2 and says what to do', async (_, args, config, faults, says) => {
  setFaults(faults);
  const { code, out, err } = await analyze(
    ['--cluster', ...args, 'sound.yaml'],
    config === undefined ? {} : { config },
  );
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toMatch(says);
});

const hasPty = spawnSync('script', ['-qec', 'true', '/dev/null'], { stdio: 'ignore' }).status === 0;
if (!hasPty) console.log('Skipped the login in a terminal: there is no script(1) of util-linux that makes one.');

test.skipIf(!hasPty)(
  'a login program may ask in the terminal that the command line stands in',
  async () => {
    const file = JSON.parse(await readFile(kubeconfig, 'utf8')) as {
      users: { name: string; user: { token?: string } }[];
    };
    const [{ name, user }] = file.users as [(typeof file.users)[number]];
    const token = user.token ?? '';
    const printed = { kind: 'ExecCredential', apiVersion: 'client.authentication.k8s.io/v1', status: { token } };
    const args = [
      '-c',
      `printf 'Badge: ' >/dev/tty; read -r badge; test "$badge" = A-1 && echo '${JSON.stringify(printed)}'`,
    ];
    const exec = { apiVersion: printed.apiVersion, interactiveMode: 'Always', command: 'sh', args };
    const config = join(folder, 'asking');
    await writeFile(config, JSON.stringify({ ...file, users: [{ name, user: { exec } }] }));
    const line = `'${process.execPath}' '${join(folder, 'dist/cli.js')}' analyze --cluster wrong.yaml`;
    const child = spawn('script', ['-qec', line, '/dev/null'], {
      cwd: folder,
      env: { ...process.env, KUBECONFIG: config, HOME: folder },
    });
    let screen = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (!screen.includes('Badge: ') && `${screen}${text}`.includes('Badge: ')) child.stdin.write('A-1\n');
      screen += text;
    });
    const code = await new Promise((done) => child.on('close', done));
    expect(screen).toMatch(/IST0101 .*"ratigns"/);
    expect(screen).not.toContain(token);
    expect(code).toBe(1);
    // Without one it is told of, not run.
    expect((await analyze(['--cluster', 'wrong.yaml'], { config })).err).toContain('asks questions in a terminal');
  },
  30_000,
);

test('the program that reads the cluster does not outlive the one that asked', async () => {
  setFaults([{ for: '/pods', hang: true }]);
  await analyze(['--cluster', 'sound.yaml'], { killAfter: 1_500 });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const { stdout } = spawn('pgrep', ['-f', join(folder, 'dist/cluster-snapshot.js')]);
  let running = '';
  for await (const text of stdout) running += String(text);
  expect(running).toBe('');
});
