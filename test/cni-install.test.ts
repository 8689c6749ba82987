/** The built program, as it is run on a node: killed at any moment, twice at once, with a directory that does not let it. */
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Journal } from '../node-helper/cni/journal.ts';
import { type Layout, placeProgram, type TestNode, testNode } from '../node-helper/cni/test-node.ts';

const trials = Number(process.env.MESHLOOM_KILL_TRIALS ?? 24);
const programs = mkdtempSync(join(tmpdir(), 'meshloom-programs-'));
const old = ['0.1.0', '0.2.0'];
const modern = [...old, '0.3.0', '0.3.1', '0.4.0', '1.0.0'];
const galaxy = '{"name":"galaxy","type":"galaxy-sdn","capabilities":{"portMappings":true}}\n';
const podnet = '{"cniVersion":"0.4.0","name":"podnet","plugins":[\n  {"type":"bridge"},\n  {"type":"portmap"}]}';
const layouts: Layout[] = [
  { '00-galaxy.conf': [galaxy, 0o600] },
  { '00-galaxy.conf': `-> ${galaxy}`, '10-podnet.conflist': podnet },
  { '10-podnet.conflist': [podnet, 0o640] },
  { '10-podnet.conflist': `-> ${podnet}` },
];

beforeAll(async () => {
  await build({
    entryPoints: {
      cli: join(import.meta.dirname, '../cli/main.ts'),
      'node-helper': join(import.meta.dirname, '../node-helper/main.ts'),
    },
    outdir: programs,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    mainFields: ['module', 'main'],
    loader: { '.yaml': 'text' },
    logLevel: 'error',
  });
});

afterAll(() => rmSync(programs, { recursive: true, force: true }));

function makeNode(layout: Layout): TestNode {
  const node = testNode(layout, { 'galaxy-sdn': old, bridge: modern, portmap: modern }, true);
  placeProgram(join(node.root, 'ours'), modern);
  writeFileSync(join(node.root, 'ours.json'), '{"type":"meshloom-cni","level":1.0}');
  return node;
}

/** Stand-alone mode needs its flag when it is installed, and nothing when it is taken back. */
type Mode = 'chained' | 'standalone';

interface Ended {
  code: number | null;
  out: string;
  ms: number;
}

/** @param kill ends the program at some moment. */
function run(
  { root, confDir, binDir }: TestNode,
  verb: string,
  kill?: (end: () => void) => () => void,
  { mode = 'chained', wrap = [] }: { mode?: Mode; wrap?: string[] } = {},
): Promise<Ended> {
  const flags = ['--format', 'json', '--conf-dir', confDir, '--bin-dir', binDir, '--state-dir', join(root, 'state')];
  const more = ['--results-dir', join(root, 'results'), '--plugin-conf', join(root, 'ours.json')];
  const program = verb === 'repair' ? [] : ['--plugin-bin', join(root, 'ours')];
  const started = performance.now();
  const argv = [process.execPath, join(programs, 'cli.js'), 'cni', verb, ...flags, ...more, ...program, '--mode', mode];
  const [command, ...args] = [...wrap, ...argv];
  const child = spawn(command!, args);
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const forget = kill?.(() => child.kill('SIGKILL'));
  return new Promise((resolve) =>
    child.on('close', (code) => {
      forget?.();
      resolve({ code, out, ms: performance.now() - started });
    }),
  );
}

test(
  `killed at any moment (${trials} times), what is there loads, and running again finishes or undoes`,
  { timeout: 600_000 },
  async () => {
    const measured = makeNode(layouts[0]!);
    const { ms } = await run(measured, 'install');
    measured.remove();
    let killed = 0;
    for (let trial = 0; trial < trials; trial++) {
      const node = makeNode(layouts[trial % layouts.length]!);
      const [conf, bin] = [node.snapshot(), node.snapshot(node.binDir)];
      const verb = trial % 3 === 2 ? 'uninstall' : 'install';
      const mode: Mode = trial % 8 < 4 ? 'chained' : 'standalone';
      if (verb === 'uninstall') await run(node, 'install', undefined, { mode });
      // Half of them at a random time, half at the n-th change that is seen in the directories: those hit the writing itself.
      const kill = trial % 2 === 0 ? atTime(Math.random() * ms) : atChange(node, trial % 11);
      const { code } = await run(node, verb, kill, { mode });
      if (code === null) killed++;
      expect([trial, node.complaint()]).toEqual([trial, undefined]);
      expect((await run(node, trial % 5 === 0 ? 'install' : 'uninstall', undefined, { mode })).code).toBe(0);
      expect([trial, node.complaint()]).toEqual([trial, undefined]);
      expect((await run(node, 'uninstall')).code).toBe(0);
      expect([trial, node.snapshot(), node.snapshot(node.binDir)]).toEqual([trial, conf, bin]);
      node.remove();
    }
    console.log(`test/cni-install: ${killed} of ${trials} runs were killed before they ended`);
    expect(killed).toBeGreaterThan(trials / 3);
  },
);

function atTime(ms: number): (end: () => void) => () => void {
  return (end) => {
    const timer = setTimeout(end, ms);
    return () => clearTimeout(timer);
  };
}

function atChange({ root, confDir, binDir }: TestNode, n: number): (end: () => void) => () => void {
  return (end) => {
    let seen = 0;
    const watchers = [root, confDir, binDir].map((directory) =>
      watch(directory, () => (seen++ >= n ? end() : undefined)),
    );
    return () => watchers.forEach((watcher) => watcher.close());
  };
}

test('two installers at once do the work once', { timeout: 60_000 }, async () => {
  for (const layout of layouts) {
    const node = makeNode(layout);
    const [conf, bin] = [node.snapshot(), node.snapshot(node.binDir)];
    const ends = await Promise.all(['install', 'install', 'install'].map((verb) => run(node, verb)));
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
    const text = readFileSync(join(node.confDir, (JSON.parse(ends[0]!.out) as { result: string }).result), 'utf8');
    expect(text.split('meshloom-cni')).toHaveLength(2);
    expect((await run(node, 'uninstall')).code).toBe(0);
    expect([node.snapshot(), node.snapshot(node.binDir)]).toEqual([conf, bin]);
    node.remove();
  }
});

test(
  'one installer of each mode at once: one of them is refused, and what is there is whole',
  { timeout: 60_000 },
  async () => {
    const node = makeNode(layouts[0]!);
    const [conf, bin] = [node.snapshot(), node.snapshot(node.binDir)];
    const modes: Mode[] = ['chained', 'standalone', 'chained', 'standalone'];
    const ends = await Promise.all(modes.map((mode) => run(node, 'install', undefined, { mode })));
    const codes = (wanted: Mode) => ends.filter((_, at) => modes[at] === wanted).map(({ code }) => code);
    expect([codes('chained'), codes('standalone')].map((both) => both.join()).sort()).toEqual(['0,0', '2,2']);
    expect(node.complaint()).toBeUndefined();
    expect((await run(node, 'uninstall')).code).toBe(0);
    expect([node.snapshot(), node.snapshot(node.binDir)]).toEqual([conf, bin]);
    node.remove();
  },
);

test.each(['chained', 'standalone'] as const)(
  'after a reboot that kept the state directory, and with a lock and leftovers of before, it goes on (%s)',
  { timeout: 60_000 },
  async (mode) => {
    const node = makeNode(layouts[0]!);
    const [conf, bin] = [node.snapshot(), node.snapshot(node.binDir)];
    expect((await run(node, 'install', undefined, { mode })).code).toBe(0);
    const state = join(node.root, 'state', readdirSync(join(node.root, 'state'))[0]!);
    const journal = JSON.parse(readFileSync(join(state, 'journal.json'), 'utf8')) as Journal;
    expect(journal).toMatchObject({ confDir: node.confDir, phase: 'installed' });
    // The process of that number lives, but it is not the one that took the lock.
    writeFileSync(join(state, `lock-${process.pid}-1-00000000-0000-0000-0000-000000000000`), '');
    writeFileSync(join(node.confDir, `.meshloom-${state.slice(-12)}-1-0.tmp`), 'half');
    expect((await run(node, 'install', undefined, { mode })).code).toBe(0);
    expect(readdirSync(node.confDir).filter((name) => name.startsWith('.'))).toEqual([]);
    expect((await run(node, 'uninstall')).code).toBe(0);
    expect([node.snapshot(), node.snapshot(node.binDir)]).toEqual([conf, bin]);
    node.remove();
  },
);

test.each(['chained', 'standalone'] as const)(
  'a disk that is full in the middle: refused, nothing changed (%s)',
  { timeout: 120_000 },
  async (mode) => {
    for (const place of ['net.d', 'bin', 'state'])
      for (const room of [1, 2, 3]) {
        const node = makeNode(layouts[0]!);
        const full = join(node.root, place);
        const made = fillUp(full, room);
        if (made === undefined) {
          console.log('test/cni-install: skipped the full disk, mounting is not allowed here');
          node.remove();
          return;
        }
        try {
          const [conf, bin] = [node.snapshot(), node.snapshot(node.binDir)];
          const { code, out } = await run(node, 'install', undefined, { mode });
          const { problems } = JSON.parse(out) as { problems: { code: string }[] };
          expect([place, room, node.complaint()]).toEqual([place, room, undefined]);
          if (code === 0) {
            expect((await run(node, 'uninstall')).code).toBe(0);
          } else expect([place, room, code, problems[0]?.code]).toEqual([place, room, 2, 'ENOSPC']);
          expect([place, room, node.snapshot(), node.snapshot(node.binDir)]).toEqual([place, room, conf, bin]);
        } finally {
          execFileSync('umount', [full]);
          node.remove();
        }
      }
  },
);

/** A file system over a directory, with its files and so many pages free. */
function fillUp(directory: string, pages: number): true | undefined {
  mkdirSync(directory, { recursive: true });
  const files = readdirSync(directory).map((name) => {
    const path = join(directory, name);
    return { path, mode: lstatSync(path).mode & 0o7777, bytes: readFileSync(path) };
  });
  try {
    // The first page is the directory itself, in some kernels.
    const size = (files.length + pages) * 4096;
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, 'tmpfs', directory], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  for (const { path, mode, bytes } of files) writeFileSync(path, bytes, { mode });
  return true;
}

test('who may not write is told so, and nothing is changed', { timeout: 60_000 }, async ({ skip }) => {
  if (process.getuid!() !== 0) skip('only root can become nobody');
  for (const place of ['net.d', 'bin', 'state']) {
    const node = makeNode(layouts[0]!);
    chmodSync(node.root, 0o755);
    for (const open of ['net.d', 'bin', 'state']) {
      mkdirSync(join(node.root, open), { recursive: true });
      chmodSync(join(node.root, open), open === place ? 0o755 : 0o777);
    }
    chmodSync(join(node.confDir, '00-galaxy.conf'), 0o644);
    const [conf, bin] = [node.snapshot(), node.snapshot(node.binDir)];
    const wrap = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];
    chmodSync(programs, 0o755);
    const { code, out } = await run(node, 'install', undefined, { wrap });
    const { problems } = JSON.parse(out) as { problems: { code: string }[] };
    expect([place, code, problems[0]?.code]).toEqual([place, 2, expect.stringMatching(/^(EACCES|EPERM)$/)]);
    expect([node.snapshot(), node.snapshot(node.binDir)]).toEqual([conf, bin]);
    node.remove();
  }
});

test('a plan writes nothing: no file, no mode, no time', { timeout: 60_000 }, async () => {
  for (const layout of layouts) {
    const node = makeNode(layout);
    const before = times(node.root);
    const { code, out } = await run(node, 'plan');
    expect([code, (JSON.parse(out) as { writes: unknown[] }).writes.length]).toEqual([0, 1]);
    expect(times(node.root)).toEqual(before);
    node.remove();
  }
});

function times(directory: string): string[] {
  return ['.', ...readdirSync(directory, { recursive: true, encoding: 'utf8' })].sort().map((name) => {
    const { mode, uid, gid, mtimeNs, ctimeNs, ino } = lstatSync(join(directory, name), { bigint: true });
    return [name, mode, uid, gid, mtimeNs, ctimeNs, ino].join(' ');
  });
}

test(
  'plugins that hang, print garbage, fail, or are directories are refused, and nothing is changed',
  { timeout: 60_000 },
  async () => {
    const bad = ['sleep 60', 'echo garbage', 'exit 137', 'yes', ''];
    await Promise.all(
      bad.map(async (script) => {
        const node = makeNode(layouts[2]!);
        const path = join(node.binDir, 'portmap');
        rmSync(path);
        if (script === '') mkdirSync(path);
        else writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
        const before = times(node.root);
        const { code, out, ms } = await run(node, 'install');
        const { action, problems } = JSON.parse(out) as { action: string; problems: { plugin?: string }[] };
        expect([script, code, action, problems[0]?.plugin]).toEqual([script, 2, 'refuse', 'portmap']);
        expect(ms).toBeLessThan(15_000);
        expect(times(node.root)).toEqual(before);
        node.remove();
      }),
    );
  },
);

test('a read-only file system is told, and nothing is changed', async ({ skip }) => {
  const node = makeNode(layouts[0]!);
  try {
    execFileSync('mount', ['--bind', node.confDir, node.confDir], { stdio: 'ignore' });
    execFileSync('mount', ['-o', 'remount,bind,ro', node.confDir], { stdio: 'ignore' });
  } catch {
    node.remove();
    skip('mounting is not allowed here');
  }
  try {
    const [conf, bin] = [node.snapshot(), node.snapshot(node.binDir)];
    const { code, out } = await run(node, 'install');
    expect(code).toBe(2);
    expect((JSON.parse(out) as { problems: { code: string }[] }).problems[0]?.code).toBe('EROFS');
    expect([node.snapshot(), node.snapshot(node.binDir)]).toEqual([conf, bin]);
  } finally {
    execFileSync('umount', [node.confDir]);
    node.remove();
  }
});

test('files that nobody can edit: 10 MB, a link in a circle, a pipe, bytes that are no text', async () => {
  const make: ((path: string) => void)[] = [
    (path) => writeFileSync(path, `{"name":"n","type":"bridge","x":"${'x'.repeat(10_000_000)}"}`),
    (path) => execFileSync('ln', ['-s', '05-a.conf', path]),
    (path) => execFileSync('mkfifo', [path]),
    (path) => writeFileSync(path, Buffer.from('{"name":"n","type":"bridge","x":"\xff"}', 'latin1')),
  ];
  for (const spoil of make) {
    const node = makeNode(layouts[2]!);
    spoil(join(node.confDir, '05-a.conf'));
    const before = times(node.root);
    const { code, out } = await run(node, 'install');
    expect([code, (JSON.parse(out) as { action: string }).action]).toEqual([2, 'refuse']);
    expect(times(node.root)).toEqual(before);
    chmodSync(node.confDir, 0o755);
    node.remove();
  }
});
