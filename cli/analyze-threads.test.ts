import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { run } from './run.ts';
import { verbs } from './verbs.ts';

// A second thread is used where there is a second processor; the findings must not depend on that.
vi.mock('node:os', async (original) => ({ ...(await original<object>()), availableParallelism: () => 2 }));

const root = join(import.meta.dirname, '..');
let folder = '';
let program = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshloom-threads-'));
  program = join(folder, 'cli.js');
  await build({
    entryPoints: [join(root, 'cli/main.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    mainFields: ['module', 'main'],
    loader: { '.yaml': 'text' },
    logLevel: 'silent',
  });
  const files = join(folder, 'files');
  await cp(join(root, 'sample'), join(files, 'sample'), { recursive: true });
  await cp(join(root, 'language/rules'), join(files, 'fixtures'), {
    recursive: true,
    filter: (name) => !/\.ts$/.test(name),
  });
  await writeFile(join(files, 'kustomization.yaml'), 'kind: Kustomization\npatches: [{ path: patch.yaml }]\n');
  await writeFile(
    join(files, 'patch.yaml'),
    'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: { name: a }\nspec: { subset: x }\n',
  );
  await writeFile(join(files, 'broken.yaml'), 'apiVersion: v1\nkind: Pod\nmetadata: [x\n');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function analyze(args: string[], helper?: string) {
  let [out, err] = ['', ''];
  const code = await run(
    verbs,
    {
      args: ['analyze', ...args],
      cwd: folder,
      stdin: () => Promise.resolve(''),
      out: (text) => (out += text),
      err: (text) => (err += text),
      color: false,
      ...(helper !== undefined && { helper: { program: helper, fromFiles: 100 } }),
    },
    () => '1.0.0',
  );
  return { code, out, err };
}

test('there are enough files for a second thread', async () => {
  const files = await readdir(join(folder, 'files'), { recursive: true });
  expect(files.filter((name) => name.endsWith('.yaml')).length).toBeGreaterThan(250);
});

test.each([
  ['json', ['--format', 'json']],
  ['text', []],
  ['sarif, whose fixes are edits', ['--format', 'sarif']],
  ['strict, in a namespace', ['--format', 'json', '--strict', '-n', 'shop']],
])(
  'two threads find what one finds: %s',
  async (_, flags) => {
    const alone = await analyze([...flags, 'files']);
    expect(alone.out.length).toBeGreaterThan(10_000);
    expect(await analyze([...flags, 'files'], program)).toEqual(alone);
  },
  60_000,
);

test.each([
  ['does not start', 'absent.js', undefined],
  ['throws', 'throws.js', 'throw new Error("no")'],
  ['ends without a word', 'ends.js', ''],
  [
    'takes work and ends',
    'takes.js',
    'Atomics.add(require("node:worker_threads").workerData.taken, 0, 5); process.exit(1)',
  ],
])(
  'one thread does everything when the other one %s',
  async (_, name, text) => {
    if (text !== undefined) await writeFile(join(folder, name), text);
    const alone = await analyze(['--format', 'json', 'files']);
    expect(await analyze(['--format', 'json', 'files'], join(folder, name))).toEqual(alone);
  },
  60_000,
);
