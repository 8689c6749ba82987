/** What the node around an installation can do to it, short of a crash. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { checkProgram, mountOf, processorOf } from './check-program.ts';
import { install, plan } from './install.ts';
import { StatePlaces } from './node-paths.ts';
import { planRepairs, repair } from './repair.ts';
import { readRepairs } from './repair-notes.ts';
import type { World } from './survey.ts';
import { type Layout, placeProgram, type TestNode, testNode } from './test-node.ts';
import { uninstall } from './uninstall.ts';

const entry = { type: 'meshloom-cni', text: '{"type":"meshloom-cni"}' };
const modern = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0'];
const podnet = '{"cniVersion":"0.4.0","name":"podnet","plugins":[{"type":"bridge"},{"type":"portmap"}]}';

const nodes: TestNode[] = [];
afterEach(() => nodes.splice(0).forEach((node) => node.remove()));

function nodeWith(layout: Layout, more: Partial<World> = {}) {
  const node = testNode(layout, {
    bridge: modern,
    portmap: modern,
    'galaxy-sdn': modern.slice(0, 2),
    'istio-cni': modern,
  });
  nodes.push(node);
  const program = join(node.root, 'ours');
  placeProgram(program, modern);
  return { ...node, program, own: (): World => ({ ...node.world(), ...more }) };
}

describe('another program that writes the file back', () => {
  test('is written over some times, then named with the file’s owner; later, or after uninstalling, it begins anew', async () => {
    let at = Date.parse('2026-01-01T00:00:00Z');
    const node = nodeWith({ '10-podnet.conflist': podnet }, { clock: () => new Date((at += 1000)).toISOString() });
    const request = { entry, program: node.program };
    const writeBack = () => writeFileSync(join(node.confDir, '10-podnet.conflist'), podnet);
    for (let fight = 0; fight <= 10; fight++) {
      expect((await install(node.own(), request)).exit).toBe(0);
      writeBack();
    }
    const refused = await install(node.own(), request);
    expect(refused).toMatchObject({ exit: 2, plan: { action: 'refuse', problems: [{ code: 'fight' }] } });
    expect(refused.plan.problems[0]!.message).toMatch(/10-podnet\.conflist|belongs to \d+:\d+/);
    expect(readFileSync(join(node.confDir, '10-podnet.conflist'), 'utf8')).toBe(podnet);
    at += 11 * 60_000;
    expect((await install(node.own(), request)).exit).toBe(0);
    expect((await uninstall(node.own(), {})).exit).toBe(0);
    expect((await install(node.own(), request)).exit).toBe(0);
  });

  test('while we read is waited out, then named', async () => {
    const node = nodeWith({ '10-podnet.conflist': podnet });
    const before = node.world();
    let count = 0;
    const run: World['host']['run'] = (command) => {
      // Whenever the plugin is asked in its place, the file changes.
      if (command.argv.at(-1)!.startsWith(node.binDir))
        writeFileSync(join(node.confDir, '10-podnet.conflist'), podnet + ' '.repeat(++count));
      return before.host.run(command);
    };
    const done = await install({ ...before, host: { ...before.host, run } }, { entry, program: node.program });
    expect(done).toMatchObject({ exit: 2, plan: { problems: [{ code: 'changed' }] } });
    expect(done.plan.problems[0]!.message).toContain('10-podnet.conflist');
  });
});

describe('the state directory', () => {
  const layout: Layout = { '10-podnet.conflist': [podnet, 0o640] };

  test.each(['chained', 'standalone'] as const)('lost after %s: our entry goes all the same', async (mode) => {
    const node = nodeWith(layout);
    const [conf, bin] = [node.snapshot(), node.snapshot(node.binDir)];
    await install(node.own(), { entry, program: node.program, mode });
    rmSync(node.world().paths.stateDir, { recursive: true });
    expect((await uninstall(node.own(), { program: node.program })).exit).toBe(0);
    expect([node.snapshot(), node.snapshot(node.binDir)]).toEqual([conf, bin]);
  });

  test('spoilt: refused with its name, nothing changed', async () => {
    const node = nodeWith(layout);
    await install(node.own(), { entry, program: node.program });
    const conf = node.snapshot();
    for (const spoilt of [
      '{',
      '',
      'null',
      '{"version":1,"phase":"installed","type":"x","files":[{"name":"a"},null]}',
    ]) {
      writeFileSync(new StatePlaces(node.world().disk, node.world().paths).journal, spoilt);
      await expect(uninstall(node.own(), {})).rejects.toThrow(/journal\.json.*move it away/s);
      expect(node.snapshot()).toBe(conf);
    }
  });
});

test('a program that is gone, or that is another one by now, is told and put back', async () => {
  const node = nodeWith({ '10-podnet.conflist': podnet });
  const request = { entry, program: node.program };
  await install(node.own(), request);
  const placed = join(node.binDir, entry.type);
  for (const [spoil, code] of [
    [() => rmSync(placed), 'ML2002'],
    [() => placeProgram(placed, modern.slice(0, 3)), 'program'],
  ] as const) {
    spoil();
    expect((await plan(node.own(), request)).plan).toMatchObject({ action: 'none', problems: [{ code }] });
    expect(await install(node.own(), request)).toMatchObject({ exit: 0 });
    expect(readFileSync(placed).equals(readFileSync(node.program))).toBe(true);
    expect((await plan(node.own(), request)).plan.problems).toEqual([]);
  }
});

describe('before anything is written', () => {
  const layout: Layout = { '10-podnet.conflist': podnet };

  test('a program for another processor is refused', async () => {
    const node = nodeWith(layout);
    const elf = Buffer.alloc(64);
    elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
    elf.writeUInt16LE(process.arch === 'arm64' ? 62 : 183, 18);
    expect(processorOf(elf)).toBe(process.arch === 'arm64' ? 'x64' : 'arm64');
    // What it answers is behind its head: a machine that translates would run it.
    writeFileSync(node.program, Buffer.concat([elf, readFileSync(node.program)]));
    const { exit, plan } = await install(node.own(), { entry, program: node.program });
    expect([exit, plan.problems[0]?.code]).toEqual([2, 'processor']);
  });

  test('a binary directory that is mounted noexec, or is not there, is refused', async () => {
    const node = nodeWith(layout);
    const world = node.own();
    const table = `21 1 8:1 / / rw - ext4 x rw\n22 21 0:9 / ${node.root} rw,nosuid,noexec - tmpfs x rw\n`;
    const read = (path: string, limit?: number) =>
      path === '/proc/self/mountinfo' ? table : world.host.read(path, limit);
    const mounted = await install({ ...world, host: { ...world.host, read } }, { entry, program: node.program });
    expect(mounted.exit).toBe(2);
    expect(mounted.plan.problems[0]!.message).toContain('noexec');
    expect(checkProgram({ ...world, host: { ...world.host, read } }, undefined)).toMatchObject([{ code: 'noexec' }]);
    expect(mountOf(table, `${node.root}/bin`)?.point).toBe(node.root);
    const absent = { ...world, paths: { ...world.paths, binDir: join(node.root, 'none'), binDirs: [node.binDir] } };
    const missing = await install(absent, { entry, program: node.program });
    expect([missing.exit, missing.plan.problems[0]?.code]).toEqual([2, 'ENOENT']);
  });
});

describe('a repair', () => {
  test('leaves a note of what it did, and its preview writes nothing', async () => {
    const list = '{"cniVersion":"0.4.0","name":"n","plugins":[{"type":"bridge"},{"type":"gone-cni"}]}'.replace(
      'gone-cni',
      'linkerd-cni',
    );
    const node = nodeWith({ '10-n.conflist': list }, { clock: () => '2026-01-01T00:00:00.000Z' });
    const before = node.snapshot();
    expect((await planRepairs(node.own())).plan.action).toBe('remove');
    expect(node.snapshot()).toBe(before);
    expect((await repair(node.own())).exit).toBe(0);
    const world = node.own();
    const [note] = readRepairs(world, new StatePlaces(world.disk, world.paths));
    expect(note).toMatchObject({
      at: '2026-01-01T00:00:00.000Z',
      action: 'remove',
      wrote: ['10-n.conflist'],
      removed: [],
    });
    expect(note!.problems.join()).toContain('linkerd-cni');
  });

  test('moves a stand-alone configuration behind the others, and says when it is the only one left', async () => {
    const own = '{"cniVersion":"0.4.0","name":"meshloom-cni","type":"meshloom-cni"}';
    const node = nodeWith({ '99-meshloom-cni.conf': own, '99-podnet.conflist': podnet });
    placeProgram(join(node.binDir, 'meshloom-cni'), modern);
    const { plan } = await repair(node.own());
    expect(plan).toMatchObject({ result: '99-podnet.conflist', removes: ['99-meshloom-cni.conf'] });
    rmSync(join(node.confDir, '99-podnet.conflist'));
    const alone = await repair(node.own());
    expect([alone.exit, alone.plan.problems[0]?.code]).toEqual([2, 'ML2011']);
  });
});

test('a directory that is named like the network, and names with line ends, are no obstacle', async () => {
  const node = nodeWith({ '10-podnet.conflist': podnet, 'a\nb.conf.bak': 'x', '20-\n.conf': '{' });
  mkdirSync(join(node.confDir, 'podnet'));
  writeFileSync(join(node.confDir, 'podnet/5-x.conf'), '{"name":"x","type":"portmap"}');
  const before = node.snapshot();
  expect((await install(node.own(), { entry, program: node.program })).exit).toBe(0);
  expect((await uninstall(node.own(), {})).exit).toBe(0);
  expect(node.snapshot()).toBe(before);
});
