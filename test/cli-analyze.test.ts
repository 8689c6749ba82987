import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import type { Log } from 'sarif';
import { beforeAll, describe, expect, test } from 'vitest';

const sound =
  'apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: default, namespace: shop }\nspec: { mtls: { mode: STRICT } }\n';
const wrongMode = sound.replace('STRICT', 'STRCIT');
const routes = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: front, namespace: shop }
spec:
  hosts: [front.example.com]
  gateways: [edge]
  http:
    - route:
        - destination: { host: front, subset: v1 }
          weight: 80
        - destination: { host: back }
          weight: 30
`;

let cli = '';
let folder = '';

beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), 'meshloom-cli-'));
  folder = join(root, 'work');
  await mkdir(join(folder, 'nested/deep'), { recursive: true });
  const files = {
    'sound.yaml': sound,
    'mode.yaml': wrongMode,
    'routes.yaml': routes,
    'nested/mode.yml': wrongMode,
    'nested/deep/mode.json': JSON.stringify({
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'x' },
      spec: { mtls: { mode: 'NO' } },
    }),
    'nested/notes.txt': wrongMode,
    'broken.yaml': 'apiVersion: v1\nkind: Pod\nmetadata: [x\n',
    'binary.yaml': '\0\u0001\u0002',
    'template.yaml': 'apiVersion: v1\nkind: Pod\nmetadata: {{ .x }}\n',
    'big.yaml': `# ${'x'.repeat(10 * 1024 * 1024)}`,
    'mesh.yaml': 'rootNamespace: mesh-root\n',
    'mesh-broken.yaml': '[a',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  await symlink(folder, join(folder, 'nested/circle'));
  cli = join(root, 'dist/cli.js');
  await writeFile(join(root, 'package.json'), '{"version":"1.2.3"}');
  const entryPoints = [join(import.meta.dirname, '../cli/main.ts')];
  await build({
    entryPoints,
    outfile: cli,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    mainFields: ['module', 'main'],
    logLevel: 'error',
  });
  return () => rm(root, { recursive: true, force: true });
});

interface Ran {
  code: number;
  out: string;
  err: string;
}

function analyze(args: string[], input?: string, env: Record<string, string> = {}): Promise<Ran> {
  return new Promise((done) => {
    const child = execFile(
      process.execPath,
      [cli, 'analyze', ...args],
      { cwd: folder, maxBuffer: 1e8, env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: undefined, ...env } },
      (error, out, err) => {
        done({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err });
      },
    );
    child.stdin?.end(input ?? '');
  });
}

interface Item {
  code: string;
  level: string;
  message: string;
  file: string;
  refType?: string;
  fixes: string[];
}

async function items(...args: string[]): Promise<Item[]> {
  return JSON.parse((await analyze(['--format', 'json', ...args])).out) as Item[];
}

describe('formats', () => {
  test('JSON has the shape that other programs read', async () => {
    expect((await items('mode.yaml'))[0]).toEqual({
      code: 'IST0106',
      level: 'error',
      message: expect.stringContaining('Did you mean "STRICT"?'),
      resource: { kind: 'PeerAuthentication', namespace: 'shop', name: 'default' },
      file: 'mode.yaml',
      range: { start: { line: 3, character: 22 }, end: { line: 3, character: 28 } },
      docs: 'https://istio.io/latest/docs/reference/config/analysis/ist0106/',
      related: [],
      fixes: ['Change to STRICT', 'Change to DISABLE', 'Change to PERMISSIVE'],
      rule: 'structure/unknown-value',
    });
    const found = await items('routes.yaml', 'mode.yaml');
    expect(found.map(({ file, code, refType }) => [file, code, refType])).toEqual([
      ['mode.yaml', 'IST0106', undefined],
      ['routes.yaml', 'IST0101', 'gateway'],
      ['routes.yaml', 'IST0101', 'host+subset in destinationrule'],
      ['routes.yaml', 'ML0010', undefined],
    ]);
  });

  test('nothing found is an empty array, and nothing in text', async () => {
    expect(await analyze(['--format', 'json', 'sound.yaml'])).toEqual({ code: 0, out: '[]\n', err: '' });
    expect(await analyze(['sound.yaml'])).toEqual({ code: 0, out: '', err: 'Nothing found. Files: 1.\n' });
  });

  test('text counts from 1, as compilers do', async () => {
    const { out, code } = await analyze(['mode.yaml']);
    expect(out).toMatch(/^mode\.yaml:4:23: error IST0106 PeerAuthentication default\.shop: /);
    expect(code).toBe(1);
  });

  test('SARIF names rule, place and fix', async () => {
    const { out, code } = await analyze(['--format', 'sarif', 'routes.yaml', 'mode.yaml']);
    const log = JSON.parse(out) as Log;
    const [run] = log.runs;
    expect(log.version).toBe('2.1.0');
    expect(run?.results?.[0]).toMatchObject({
      ruleId: 'IST0106',
      level: 'error',
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'mode.yaml' },
            region: { startLine: 4, startColumn: 23, endLine: 4, endColumn: 29 },
          },
        },
      ],
    });
    const ids = run?.tool.driver.rules?.map(({ id }) => id) ?? [];
    expect(new Set(ids).size).toBe(ids.length);
    expect(run?.results?.every(({ ruleId }) => ids.includes(ruleId ?? ''))).toBe(true);
    expect(run?.results?.[0]?.fixes?.[0]?.artifactChanges[0]?.replacements[0]?.insertedContent?.text).toBe('STRICT');
    expect(code).toBe(1);
  });

  test('colours are for terminals, or for who asks', async () => {
    expect((await analyze(['mode.yaml'])).out).not.toContain('\u001b');
    expect((await analyze(['mode.yaml'], '', { FORCE_COLOR: '1' })).out).toContain('\u001b[31merror');
    expect((await analyze(['mode.yaml'], '', { FORCE_COLOR: '0' })).out).not.toContain('\u001b');
  });

  test('paths are GitHub’s when a step runs in a folder of the checkout', async () => {
    const env = { GITHUB_WORKSPACE: dirname(folder) };
    expect((await analyze(['--format', 'github', 'mode.yaml'], '', env)).out).toContain('file=work/mode.yaml,');
    const log = JSON.parse((await analyze(['--format', 'sarif', 'mode.yaml'], '', env)).out) as Log;
    expect(log.runs[0]?.results?.[0]?.locations?.[0]?.physicalLocation?.artifactLocation).toEqual({
      uri: 'work/mode.yaml',
      uriBaseId: '%SRCROOT%',
    });
  });

  test('GitHub annotations are one line each', async () => {
    const { out } = await analyze(['--format', 'github', 'mode.yaml']);
    expect(out).toMatch(/^::error file=mode\.yaml,line=4,endLine=4,col=23,endColumn=29,title=IST0106::.*\n$/);
  });

  test.each(['text', 'json', 'sarif', 'github'])('the exit code of %s is that of every format', async (format) => {
    expect((await analyze(['--format', format, 'mode.yaml'])).code).toBe(1);
    expect((await analyze(['--format', format, 'sound.yaml'])).code).toBe(0);
    expect((await analyze(['--format', format, '--fail-on', 'never', 'mode.yaml'])).code).toBe(0);
  });
});

describe('inputs', () => {
  test('directories are walked, circles end, other files are not read', async () => {
    expect((await items('nested')).map(({ file }) => file)).toEqual(['nested/deep/mode.json', 'nested/mode.yml']);
  });

  test('globs work without a shell, and a file named twice is read once', async () => {
    expect((await items('nested/**/*.{yml,json}', './nested/mode.yml')).map(({ file }) => file)).toEqual([
      'nested/deep/mode.json',
      'nested/mode.yml',
    ]);
    expect([...new Set((await items('m*.yaml')).map(({ file }) => file))]).toEqual(['mesh-broken.yaml', 'mode.yaml']);
  });

  test('a folder that a glob matches is walked, as if a shell had named it', async () => {
    expect((await items('nes*')).map(({ file }) => file)).toEqual(['nested/deep/mode.json', 'nested/mode.yml']);
    expect((await items('nested/**')).length).toBe(2);
    expect((await items('{nested/deep,nowhere}/*')).length).toBe(1);
    expect((await items(join(folder, 'nested/*.yml')))[0]?.file).toBe(join(folder, 'nested/mode.yml'));
  });

  test('a pipe that the shell made is read like a file', async () => {
    const ran = promisify(execFile)('bash', ['-c', `'${process.execPath}' '${cli}' analyze <(cat mode.yaml)`], {
      cwd: folder,
    });
    await expect(ran).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining('IST0106') });
  });

  test('a folder without manifests is told, and is no failure', async () => {
    await mkdir(join(folder, 'empty'), { recursive: true });
    expect(await analyze(['empty'])).toEqual({
      code: 0,
      out: '',
      err: 'There is no .yaml, .yml or .json file in empty.\nNothing found. Files: 0.\n',
    });
  });

  test('standard input stands beside files, and is read once', async () => {
    const { out } = await analyze(['--format', 'json', '-', 'nested', '-'], wrongMode);
    expect((JSON.parse(out) as Item[]).map(({ file }) => file)).toEqual([
      '-',
      'nested/deep/mode.json',
      'nested/mode.yml',
    ]);
  });

  test('who stops reading early breaks nothing', async () => {
    const command = `for i in $(seq 700); do echo ---; cat mode.yaml; done | '${process.execPath}' '${cli}' analyze --format github - | head -n 1`;
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', command], { cwd: folder });
    expect(stdout).toMatch(/^::error .*\n$/);
    expect(stderr).toBe('');
  });

  test('standard input is a file like any other', async () => {
    const { out, code } = await analyze(['--format', 'json', '-'], wrongMode);
    expect((JSON.parse(out) as Item[])[0]).toMatchObject({ file: '-', code: 'IST0106' });
    expect(code).toBe(1);
  });

  test('what cannot be read is told, and everything else is analyzed', async () => {
    const { out, err, code } = await analyze(['--format', 'json', 'missing.yaml', 'mode.yaml', 'none*.yaml']);
    expect((JSON.parse(out) as Item[]).length).toBe(1);
    expect(err).toContain('Could not read missing.yaml: there is no such file or directory.');
    expect(err).toContain('Could not read none*.yaml: no file matches.');
    expect(code).toBe(2);
  });

  test('broken, binary, huge and templated files get a clear word each', async () => {
    const { out, err, code } = await analyze(['broken.yaml', 'binary.yaml', 'big.yaml', 'template.yaml']);
    expect(out).toMatch(/^big\.yaml:1:1: info ML0003 .*\nbroken\.yaml:3:\d+: error ML0001 This is not valid YAML: /);
    expect(err).toContain('binary.yaml was not analyzed: it is binary');
    expect(err).toContain('template.yaml was not analyzed: it is a template');
    expect(code).toBe(1);
  });
});

describe('flags', () => {
  test('strict says what lenient keeps to itself', async () => {
    expect((await items('--strict', 'routes.yaml')).map(({ refType }) => refType)).toContain('host');
    expect((await items('--lenient', 'routes.yaml')).map(({ refType }) => refType)).not.toContain('host');
  });

  test('--fail-on sets the level that fails', async () => {
    const args = ['--suppress', 'IST0101=*', 'routes.yaml'];
    expect((await analyze(args)).code).toBe(0);
    expect((await analyze(['--fail-on', 'warning', ...args])).code).toBe(1);
    expect((await analyze(['--fail-on', 'info', ...args])).code).toBe(1);
  });

  test.each([
    ['IST0101=VirtualService front.shop', ['ML0010']],
    ['IST0101=VirtualService *.shop', ['ML0010']],
    ['IST0101=VirtualService front.other', ['IST0101', 'IST0101', 'ML0010']],
    ['*=*', []],
  ])('--suppress "%s"', async (suppression, codes) => {
    expect((await items('-S', suppression, 'routes.yaml')).map(({ code }) => code)).toEqual(codes);
  });

  test('-n places what has no namespace, and reports on that namespace', async () => {
    expect((await items('-n', 'other', 'nested/deep/mode.json', 'mode.yaml')).map(({ file }) => file)).toEqual([
      'nested/deep/mode.json',
    ]);
    expect((await items('-n', 'other', '--all-namespaces', 'nested/deep/mode.json', 'mode.yaml')).length).toBe(2);
  });

  test('--rules lists every rule', async () => {
    const { out, code } = await analyze(['--rules']);
    expect(out).toMatch(/^virtual-service\/subset-not-found +IST0101 +error /m);
    expect(code).toBe(0);
    const json = JSON.parse((await analyze(['--rules', '--format', 'json'])).out) as Record<string, unknown>[];
    expect(json.length).toBe(out.trimEnd().split('\n').length);
    expect(json).toContainEqual({
      id: 'virtual-service/subset-not-found',
      code: 'IST0101',
      level: 'error',
      docs: 'https://istio.io/latest/docs/reference/config/analysis/ist0101/',
      why: expect.any(String),
    });
  });

  test('the mesh configuration is read, or it is said why not', async () => {
    expect((await analyze(['--meshConfigFile', 'mesh.yaml', 'sound.yaml'])).code).toBe(0);
    const { code, err } = await analyze(['--meshConfigFile', 'mesh-broken.yaml', 'sound.yaml']);
    expect([code, err]).toEqual([2, expect.stringContaining('Could not read the mesh configuration mesh-broken.yaml')]);
  });

  test.each([
    [['--context', 'kind-mesh', 'sound.yaml'], /--context chooses the cluster of --cluster/],
    [['--stric', 'sound.yaml'], /Did you mean --strict\?/],
    [['--format', 'xml', 'sound.yaml'], /--format takes text, json, sarif, github/],
    [['--fail-on', 'maybe', 'sound.yaml'], /--fail-on takes/],
    [['--suppress', 'nonsense', 'sound.yaml'], /--suppress takes CODE=/],
    [['--strict', '--lenient', 'sound.yaml'], /exclude each other/],
    [[], /Name the files/],
  ])('%j cannot be run', async (args, message) => {
    const { code, out, err } = await analyze(args);
    expect(err).toMatch(message);
    expect([code, out]).toEqual([2, '']);
  });
});

test('the sample is analyzed from the sources’ root, with all its deliberate faults', async () => {
  const codes = (await items(resolve(import.meta.dirname, '../sample'))).map(({ code }) => code);
  for (const code of ['IST0101', 'IST0106', 'IST0107', 'IST0108', 'IST0125']) expect(codes).toContain(code);
});
