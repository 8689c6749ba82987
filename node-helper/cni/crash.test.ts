/** Stops the program before every single operation on the disk, and looks what is there and whether running again mends it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Disk, realDisk } from '../host-disk.ts';
import { install } from './install.ts';
import { repair } from './repair.ts';
import { Crash, crashingDisk, failingDisk, type Layout, placeProgram, type TestNode, testNode } from './test-node.ts';
import { uninstall } from './uninstall.ts';

const entry = { type: 'meshloom-cni', text: '{"type":"meshloom-cni","level":1.0}' };
const old = ['0.1.0', '0.2.0'];
const modern = [...old, '0.3.0', '0.3.1', '0.4.0', '1.0.0'];
const plugins = { 'galaxy-sdn': old, bridge: modern, portmap: modern };

const galaxy = '{"name":"galaxy","type":"galaxy-sdn","capabilities":{"portMappings":true}}\n';
const podnet =
  '{\n  "cniVersion": "0.4.0",\n  "name": "podnet",\n  "plugins": [\n    { "type": "bridge", "mtu": 1.50e3 },\n    { "type": "portmap" }\n  ]\n}\n';
const layouts: Record<string, Layout> = {
  'a single configuration': { '00-galaxy.conf': [galaxy, 0o600] },
  'a single configuration through a link': {
    '00-galaxy.conf': `-> ${galaxy}`,
    '99-loopback.conf': '{"name":"lo","type":"loopback"}',
  },
  'a list': { '10-podnet.conflist': [podnet, 0o640], README: 'hello' },
  'a list through a link, others behind it': { '10-podnet.conflist': `-> ${podnet}`, '20-x.conf': galaxy, sub: '/' },
  'a single configuration that ends in .json': { '05-b.json': '{"cniVersion":"0.3.1","name":"b","type":"bridge"}' },
};

const nodes: TestNode[] = [];
afterEach(() => {
  for (const node of nodes.splice(0)) node.remove();
});

function nodeWith(layout: Layout, { replaced = false } = {}): TestNode & { program: string } {
  const node = testNode(layout, plugins);
  nodes.push(node);
  const program = join(node.root, 'our-program');
  placeProgram(program, modern);
  if (replaced) placeProgram(join(node.binDir, entry.type), [...old, '0.4.0']);
  return { ...node, program };
}

type Verb = (node: TestNode & { program: string }, disk?: Disk) => Promise<{ exit: number }>;
const chained: Verb = (node, disk) => install(node.world(disk), { entry, program: node.program });
const standalone: Verb = (node, disk) =>
  install(node.world(disk), { entry, program: node.program, mode: 'standalone' });
const doInstall = chained;
const doUninstall: Verb = (node, disk) => uninstall(node.world(disk), {});

/** How many operations a verb needs, and which. */
async function operationsOf(verb: Verb, node: TestNode & { program: string }): Promise<string[]> {
  const told: string[] = [];
  await verb(node, crashingDisk(Infinity, told));
  return told;
}

async function crash(verb: Verb, node: TestNode & { program: string }, at: number): Promise<void> {
  try {
    await verb(node, crashingDisk(at));
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
}

function expectClean(node: TestNode): void {
  for (const directory of [node.confDir, node.binDir]) {
    expect(readdirSync(directory).filter((name) => name.startsWith('.meshloom'))).toEqual([]);
  }
}

const modes = { chained, standalone };

describe.each(
  Object.entries(layouts).flatMap(([name, layout]) =>
    Object.entries(modes).map(([mode, verb]) => [name, mode, layout, verb] as const),
  ),
)('on a node with %s, %s', (_, mode, layout, doInstall) => {
  test.each([false, true])(
    'a crash before any operation of an installation (replacing a program: %s)',
    async (replaced) => {
      const whole = nodeWith(layout, { replaced });
      const total = (await operationsOf(doInstall, whole)).length;
      const installed = whole.snapshot();
      expect(total).toBeGreaterThan(20);
      for (let at = 0; at <= total; at++) {
        for (const next of [doInstall, doUninstall]) {
          const node = nodeWith(layout, { replaced });
          const [conf, bin] = [node.snapshot(), node.snapshot(node.binDir)];
          await crash(doInstall, node, at);
          expect([at, node.complaint()]).toEqual([at, undefined]);
          expect([at, (await next(node)).exit]).toEqual([at, 0]);
          expect([at, node.complaint()]).toEqual([at, undefined]);
          expectClean(node);
          if (next === doInstall) expect(node.snapshot()).toBe(installed);
          else expect([at, node.snapshot(), node.snapshot(node.binDir)]).toEqual([at, conf, bin]);
          if (next === doInstall) {
            expect((await doUninstall(node)).exit).toBe(0);
            expect([at, node.snapshot(), node.snapshot(node.binDir)]).toEqual([at, conf, bin]);
          }
          node.remove();
        }
      }
    },
  );

  test('a crash before any operation of an uninstallation', async () => {
    const whole = nodeWith(layout);
    await doInstall(whole);
    const installed = whole.snapshot();
    const total = (await operationsOf(doUninstall, whole)).length;
    for (let at = 0; at <= total; at++) {
      for (const next of [doInstall, doUninstall]) {
        const node = nodeWith(layout);
        const [conf, bin] = [node.snapshot(), node.snapshot(node.binDir)];
        await doInstall(node);
        await crash(doUninstall, node, at);
        expect([at, node.complaint()]).toEqual([at, undefined]);
        expect([at, (await next(node)).exit]).toEqual([at, 0]);
        expect([at, node.complaint()]).toEqual([at, undefined]);
        expectClean(node);
        if (next === doInstall) {
          expect([at, node.snapshot()]).toEqual([at, installed]);
          await doUninstall(node);
        }
        expect([at, node.snapshot(), node.snapshot(node.binDir)]).toEqual([at, conf, bin]);
        node.remove();
      }
    }
  });

  test.each(['ENOSPC', 'EROFS', 'EACCES'])(
    '%s at any operation: refused and nothing changed, or done',
    async (code) => {
      const sorts: (keyof Disk)[] =
        code === 'ENOSPC'
          ? ['create', 'write', 'makeDirectory', 'link']
          : ['create', 'write', 'rename', 'setOwner', 'setMode'];
      for (let at = 0; at < 60; at++) {
        const node = nodeWith(layout);
        const [conf, bin] = [node.snapshot(), node.snapshot(node.binDir)];
        const { exit, plan } = await install(node.world(failingDisk(at, code, sorts)), {
          entry,
          program: node.program,
          mode: mode as 'chained' | 'standalone',
        }).catch((error: NodeJS.ErrnoException) => ({ exit: error.code === code ? 2 : 1, plan: undefined }));
        expect([at, node.complaint()]).toEqual([at, undefined]);
        if (exit === 0) {
          expect(plan?.action).not.toBe('refuse');
          const written = mode === 'chained' ? plan!.result! : plan!.writes[0]!.name;
          expect(readFileSync(join(node.confDir, written), 'utf8')).toContain(entry.type);
        } else {
          expect([at, exit, node.snapshot(), node.snapshot(node.binDir)]).toEqual([at, 2, conf, bin]);
        }
        node.remove();
      }
    },
  );

  test('every file is durable before it takes its name, and the name before the next step', async () => {
    const node = nodeWith(layout);
    const told = [...(await operationsOf(doInstall, node)), ...(await operationsOf(doUninstall, node))];
    for (const [index, line] of told.entries()) {
      if (line.startsWith('rename')) {
        if (!told[index - 1]!.startsWith('setLinkOwner') && !told[index - 1]!.startsWith('link')) {
          expect(told.slice(index - 2, index).map((step) => step.split(' ')[0])).toEqual(['sync', 'close']);
        }
        expect(told[index + 1]).toMatch(/^syncDirectory /);
      }
    }
  });
});

const broken = readFileSync(
  join(import.meta.dirname, '../../mesh/cni/fixtures/broken/net.d/00-galaxy.conflist'),
  'utf8',
);

test('a crash before any operation of a repair: running again heals', async () => {
  const whole = nodeWith({ '00-galaxy.conflist': broken });
  const total = (await operationsOf((node, disk) => repair(node.world(disk)), whole)).length;
  const healed = whole.snapshot();
  expect(whole.complaint()).toBeUndefined();
  for (let at = 0; at <= total; at++) {
    const node = nodeWith({ '00-galaxy.conflist': broken });
    await crash((crashing, disk) => repair(crashing.world(disk)), node, at);
    expect([0, 2]).toContain((await repair(node.world())).exit);
    expect([at, node.snapshot(), node.complaint()]).toEqual([at, healed, undefined]);
    node.remove();
  }
});

test('keeps the program as long as the runtime’s cache names it, and takes it away later', async () => {
  const node = nodeWith({ '00-galaxy.conf': galaxy });
  const bin = node.snapshot(node.binDir);
  await doInstall(node);
  const results = join(node.root, 'results');
  mkdirSync(results);
  const config = Buffer.from(`{"plugins":[{"type":"${entry.type}"}]}`).toString('base64');
  writeFileSync(join(results, 'galaxy-abc-eth0'), JSON.stringify({ kind: 'cniCacheV1', config }));
  expect((await uninstall(node.world(), {})).plan.binaryKept).toBe(true);
  expect(existsSync(join(node.binDir, entry.type))).toBe(true);
  writeFileSync(join(results, 'galaxy-abc-eth0'), '{}');
  expect((await uninstall(node.world(), {})).plan.binaryKept).toBe(false);
  expect(node.snapshot(node.binDir)).toBe(bin);
});

test('takes only its own entry out of a list that another agent edited since', async () => {
  const node = nodeWith({ '10-podnet.conflist': podnet });
  await doInstall(node);
  const path = join(node.confDir, '10-podnet.conflist');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"podnet"', '"other"').replace('1.50e3', '1400'));
  const { plan } = await uninstall(node.world(), {});
  expect(plan.action).toBe('remove');
  expect(readFileSync(path, 'utf8')).toBe(podnet.replace('"podnet"', '"other"').replace('1.50e3', '1400'));
});

test('wins again when the network’s own installer copied the single configuration back', async () => {
  const node = nodeWith({ '00-galaxy.conf': galaxy });
  await doInstall(node);
  const installed = node.snapshot();
  writeFileSync(join(node.confDir, '00-galaxy.conf'), galaxy);
  expect((await install(node.world(), { entry, program: node.program })).plan.action).toBe('convert');
  expect(node.snapshot()).toBe(installed);
});

test('the state directory may not lie where runtimes look', async () => {
  const node = nodeWith({ '00-galaxy.conf': galaxy });
  const world = node.world();
  const inside = { ...world, paths: { ...world.paths, stateDir: join(node.confDir, 'state') } };
  await expect(install(inside, { entry, program: node.program })).rejects.toThrow('lies inside');
});

test('a better program takes the place of ours; a crash on the way leaves one of the two, and both go', async () => {
  const other = { type: entry.type, text: '{"type":"meshloom-cni","level":2}' };
  const better: Verb = (node, disk) => install(node.world(disk), { entry: other, program: `${node.program}-2` });
  const prepared = async () => {
    const node = nodeWith({ '00-galaxy.conf': galaxy });
    const bin = node.snapshot() + node.snapshot(node.binDir);
    await doInstall(node);
    placeProgram(`${node.program}-2`, [...modern, '1.1.0']);
    return { node, bin };
  };
  const total = (await operationsOf(better, (await prepared()).node)).length;
  for (let at = 0; at <= total; at++) {
    for (const next of [better, doUninstall]) {
      const { node, bin } = await prepared();
      await crash(better, node, at);
      expect([at, node.complaint()]).toEqual([at, undefined]);
      expect((await next(node)).exit).toBe(0);
      await doUninstall(node);
      expect([at, node.snapshot() + node.snapshot(node.binDir)]).toEqual([at, bin]);
      node.remove();
    }
  }
});

test('an update that cannot be written leaves everything as it was, the program too', async () => {
  const node = nodeWith({ '00-galaxy.conf': galaxy });
  const original = [node.snapshot(), node.snapshot(node.binDir)];
  await doInstall(node);
  placeProgram(`${node.program}-2`, [...modern, '1.1.0']);
  const before = [node.snapshot(), node.snapshot(node.binDir)];
  const disk = realDisk();
  const readOnly: Disk = {
    ...disk,
    rename: (from, to) => {
      if (to.startsWith(node.confDir)) throw Object.assign(new Error('EROFS: rename'), { code: 'EROFS' });
      disk.rename(from, to);
    },
  };
  const other = { type: entry.type, text: '{"type":"meshloom-cni","level":2}' };
  const { exit, plan } = await install(node.world(readOnly), { entry: other, program: `${node.program}-2` });
  expect([exit, plan.problems[0]?.code]).toEqual([2, 'EROFS']);
  expect([node.snapshot(), node.snapshot(node.binDir)]).toEqual(before);
  await doUninstall(node);
  expect([node.snapshot(), node.snapshot(node.binDir)]).toEqual(original);
});
