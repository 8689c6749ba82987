/** Several plugins installed by us in one directory: each comes and goes by itself, in whatever order. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { install } from './install.ts';
import { otherInstallations } from './journal.ts';
import { StatePlaces } from './node-paths.ts';
import { readEntries } from './survey.ts';
import { crashingDisk, placeProgram, type TestNode, testNode } from './test-node.ts';
import { uninstall } from './uninstall.ts';

const modern = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0'];
const types = ['meshloom-cni', 'aaa', 'bbb'];
const single = '{"cniVersion":"0.3.1","name":"podnet","type":"bridge"}\n';
const list = '{"cniVersion":"0.4.0","name":"podnet","plugins":[\n  {"type":"bridge"},\n  {"type":"portmap"}\n]}\n';

const nodes: TestNode[] = [];
afterEach(() => nodes.splice(0).forEach((node) => node.remove()));

function nodeWith(name: string, text: string) {
  const node = testNode({ [name]: text }, { bridge: modern, portmap: modern });
  nodes.push(node);
  const programs = Object.fromEntries(types.map((type) => [type, join(node.root, `program-${type}`)]));
  types.forEach((type, at) => placeProgram(programs[type]!, [...modern, `9.9.${at}`]));
  const request = (type: string) => ({ entry: { type, text: JSON.stringify({ type }) }, program: programs[type]! });
  const chain = () => {
    const [first] = readdirSync(node.confDir).sort();
    const text = readFileSync(join(node.confDir, first!), 'utf8');
    return [...text.matchAll(/"type":\s*"([^"]+)"/g)].map(([, type]) => type);
  };
  return { node, request, chain };
}

function ordersOf(items: readonly string[]): string[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item) => ordersOf(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}

test.each([
  ['10.conf', single],
  ['10.conflist', list],
])('%s: whoever goes takes only itself along, and the last one gives the directory back', async (name, text) => {
  for (const going of ordersOf(types)) {
    const { node, request, chain } = nodeWith(name, text);
    const before = [node.snapshot(), node.snapshot(node.binDir)];
    for (const type of ['aaa', 'meshloom-cni', 'bbb'])
      expect((await install(node.world(), request(type))).exit).toBe(0);
    for (const [at, type] of going.entries()) {
      expect((await uninstall(node.world(), { type })).exit).toBe(0);
      const left = types.filter((each) => !going.slice(0, at + 1).includes(each));
      expect(
        chain()
          .filter((each) => types.includes(each!))
          .sort(),
      ).toEqual([...left].sort());
    }
    expect([node.snapshot(), node.snapshot(node.binDir)], going.join()).toEqual(before);
  }
});

test('who names no plugin takes back ours, else the one that came last', async () => {
  const { node, request, chain } = nodeWith('10.conflist', list);
  for (const type of ['aaa', 'meshloom-cni', 'bbb']) await install(node.world(), request(type));
  const left = [];
  for (let count = 0; count < 3; count++) {
    await uninstall(node.world(), {});
    left.push(chain().slice(2));
  }
  expect(left).toEqual([['aaa', 'bbb'], ['aaa'], []]);
});

test('what one was killed at, the next one undoes first', async () => {
  let halves = 0;
  for (let at = 0; at < 60; at++) {
    const { node, request, chain } = nodeWith('10.conf', single);
    const before = node.snapshot();
    await install(node.world(crashingDisk(at)), request('aaa')).catch(() => undefined);
    const { disk, paths } = node.world();
    const own = new StatePlaces(disk, paths, 'bbb');
    if (otherInstallations(disk, paths, own)[0]?.journal.phase !== 'installing') continue;
    halves++;
    expect(await install(node.world(), request('bbb'))).toMatchObject({ exit: 0, plan: { action: 'convert' } });
    expect(chain()).toEqual(['bridge', 'bbb']);
    expect(otherInstallations(disk, paths, own)).toEqual([]);
    await uninstall(node.world(), {});
    expect(node.snapshot()).toBe(before);
  }
  expect(halves).toBeGreaterThan(5);
});

test('a name that goes while the directory is read is no file that cannot be read', () => {
  const { node } = nodeWith('10.conf', single);
  const world = node.world();
  let isGone = false;
  const look: typeof world.disk.look = (path) => {
    if (!isGone) rmSync(join(node.confDir, '10.conf'));
    isGone = true;
    return world.disk.look(path);
  };
  expect(readEntries({ ...world, disk: { ...world.disk, look } })).toEqual([]);
});
