import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applySteps, type CniDirectoryEntry, loadable } from './cni-plan.ts';
import { parseCniFile } from './parse-cni-file.ts';
import { planInstallation } from './plan-installation.ts';
import { planRemoval } from './plan-removal.ts';

const entryText = '{\n  "type": "meshloom-cni",\n  "level": 1.0\n}\n';
const all = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0'];
const speaking = (versions: Record<string, string[]>) =>
  Object.entries(versions).map(([type, supportedVersions]) => ({
    type,
    path: `/opt/cni/bin/${type}`,
    supportedVersions,
  }));
const ours = (supportedVersions = all) => ({
  type: 'meshloom-cni',
  path: '/opt/cni/bin/meshloom-cni',
  supportedVersions,
});

function planOn(files: Record<string, string>, versions: Record<string, string[]> = {}, own = all) {
  const entries = Object.entries(files).map(([name, content]) => ({ name, content }));
  return planInstallation({
    entries,
    probes: speaking({ bridge: all, portmap: all, 'galaxy-sdn': ['0.1.0', '0.2.0'], ...versions }),
    ours: ours(own),
    entryText,
  });
}

describe('the version', () => {
  test('of a single configuration without one is one that the old plugin speaks', () => {
    expect(planOn({ '00-galaxy.conf': '{"name":"galaxy","type":"galaxy-sdn"}' })).toMatchObject({
      action: 'convert',
      effective: '00-galaxy.conf',
      result: '00-galaxy.conflist',
      cniVersion: '0.2.0',
      removes: ['00-galaxy.conf'],
    });
  });

  test('stays what it was', () => {
    const plan = planOn({ '10.conflist': '{"cniVersion":"0.3.1","name":"n","plugins":[{"type":"bridge"}]}' });
    expect(plan).toMatchObject({ action: 'insert', cniVersion: '0.3.1', problems: [] });
  });

  test('is not changed for our sake: a chain that works names us as the one in the way', () => {
    const plan = planOn({ '10.conflist': '{"cniVersion":"0.3.1","name":"n","plugins":[{"type":"bridge"}]}' }, {}, [
      '1.0.0',
    ]);
    expect(plan).toMatchObject({
      action: 'refuse',
      problems: [{ code: 'ML2001', plugin: 'meshloom-cni' }],
      writes: [],
    });
  });

  test('that nobody shares is refused, and who is in the way is named', () => {
    const plan = planOn({ '00.conf': '{"name":"g","type":"galaxy-sdn"}' }, {}, ['1.0.0']);
    expect(plan.action).toBe('refuse');
    expect(plan.problems.map(({ plugin }) => plugin)).toContain('meshloom-cni');
  });
});

describe('of a list that offers several', () => {
  const list = (versions: string) => `{"cniVersion":"0.4.0",${versions}"name":"n","plugins":[{"type":"bridge"}]}`;

  test('the highest stays where everybody speaks it, and every word of the list', () => {
    const flags =
      '"cniVersions":["0.4.0", "1.0.0"], "disableCheck":"true","disableGC":true,"loadOnlyInlinedPlugins":true,';
    const plan = planOn({ '10.conflist': list(flags) });
    expect(plan).toMatchObject({ action: 'insert', cniVersion: '1.0.0' });
    expect(plan.writes[0]!.content).toBe(
      list(flags).replace('{"type":"bridge"}', '{"type":"bridge"},{"type": "meshloom-cni","level": 1.0}'),
    );
  });

  test('those that somebody does not speak are taken out, and the highest that is left counts', () => {
    const plan = planOn({ '10.conflist': list('"cniVersions":["0.4.0", "1.0.0", "1.1.0"],') });
    expect(plan).toMatchObject({ action: 'insert', cniVersion: '1.0.0' });
    expect(plan.writes[0]!.content).toContain('"cniVersion":"0.4.0","cniVersions":["0.4.0", "1.0.0"],');
    const old = planOn({ '10.conflist': list('"cniVersions":["0.3.1","1.0.0"],') }, { bridge: all.slice(0, 4) });
    expect(old).toMatchObject({ action: 'insert', cniVersion: '0.3.1' });
    expect(old.writes[0]!.content).toContain('"cniVersion":"0.3.1","cniVersions":["0.3.1"],');
  });
});

test('plugins in the folder of the network’s name belong to the chain, unless the list says otherwise', () => {
  const list = (flag: string) => `{"cniVersion":"0.4.0","name":"n",${flag}"plugins":[{"type":"bridge"}]}`;
  const plan = (flag: string) =>
    planInstallation({
      entries: [
        { name: '10.conflist', content: list(flag) },
        { name: 'n', directory: true, inside: [{ name: '5.conf', content: '{"name":"x","type":"galaxy-sdn"}' }] },
      ],
      probes: speaking({ bridge: all, 'galaxy-sdn': ['0.1.0', '0.2.0'] }),
      ours: ours(),
      entryText,
    });
  expect(plan('')).toMatchObject({ action: 'insert', cniVersion: '0.2.0' });
  expect(plan('"loadOnlyInlinedPlugins":true,')).toMatchObject({ action: 'insert', cniVersion: '0.4.0' });
});

describe('refused', () => {
  const refused: [string, Record<string, string>, string][] = [
    ['no configuration at all', {}, 'ML2011'],
    ['a byte order mark', { '10.conflist': '\uFEFF{"name":"n","plugins":[{"type":"bridge"}]}' }, 'ML2004'],
    ['text after the value', { '10.conf': '{"name":"n","type":"bridge"} x' }, 'ML2004'],
    ['a list that calls itself single', { '10.conf': '{"name":"n","plugins":[{"type":"bridge"}]}' }, 'ML2004'],
    ['no network name', { '10.conf': '{"type":"bridge"}' }, 'ML2010'],
    [
      'a number that the runtime cannot read in a list',
      { '10.conf': '{"name":"n","type":"bridge","mtu":1e999}' },
      'ML2004',
    ],
    ['a plugin that is missing', { '10.conf': '{"name":"n","type":"absent"}' }, 'ML2002'],
    ['Multus', { '00.conf': '{"name":"n","type":"multus","delegates":[{"type":"bridge"}]}' }, 'ML2013'],
    ['a foreign list of the same name', { '10.conf': '{"name":"n","type":"bridge"}', '10.conflist': '{}' }, 'ML2006'],
    [
      'a file between the old name and the new',
      { '10.conf': '{"name":"n","type":"bridge"}', '10.conf.conf': '{"name":"n","type":"bridge"}' },
      'ML2007',
    ],
  ];
  test.each(refused)('%s', (_, files, code) => {
    const plan = planOn(files);
    expect(plan.action).toBe('refuse');
    expect(plan.problems.map((problem) => problem.code)).toContain(code);
    expect([plan.writes, plan.removes]).toEqual([[], []]);
  });
});

test('one element is added, every other byte stays: indentation, CRLF, spelling of numbers, keys that stand twice', () => {
  const before =
    '{ "plugins": [],\r\n\t"name":"a","name": "n", "cniVersion":"0.4.0", "x": 1.50e+3,\r\n\t"plugins": [\r\n\t\t{ "type":"bridge" }\r\n\t]\r\n}\r\n\r\n';
  const [write] = planOn({ '10.conflist': before }).writes;
  const at = write!.content.indexOf(',\r\n\t\t{"type": "meshloom-cni","level": 1.0}');
  expect(at).toBe(before.indexOf(' }\r\n\t]') + 2);
  expect(write!.content.replace(',\r\n\t\t{"type": "meshloom-cni","level": 1.0}', '')).toBe(before);
});

const space = fc.constantFrom('', ' ', '\n  ', '\r\n\t', '\t');
const version = fc.constantFrom(undefined, '0.1.0', '0.2.0', '0.3.1', '0.4.0', '0.4.0', '1.0.0', '1.0.0', '9.9.9');
const plugin = fc.record({
  type: fc.constantFrom('bridge', 'bridge', 'bridge', 'bridge', 'portmap', 'portmap', 'galaxy-sdn', 'absent'),
  s: space,
  n: fc.constantFrom('1', '1.0', '1e3', '"\\u00e9"', 'null'),
});
const pluginTextOf = ({ type, s, n }: { type: string; s: string; n: string }) =>
  `{${s}"type":${s}"${type}",${s}"n":${n}${s}}`;
const conflist = fc
  .record({
    plugins: fc.array(plugin, { minLength: 1, maxLength: 3 }),
    s: space,
    e: space,
    version,
    twice: fc.boolean(),
  })
  .map(
    ({ plugins, s, e, version: v, twice }) =>
      `{${s}${v === undefined ? '' : `"cniVersion":"${v}",${s}`}${twice ? `"plugins":[{"type":"old"}],${s}` : ''}"name":${s}"net",${s}"plugins":${s}[${s}${plugins.map(pluginTextOf).join(`,${e}`)}${s}]${e}}${e}`,
  );
const conf = fc
  .record({ plugin, v: version, s: space, named: fc.integer({ max: 5 }).map((n) => n !== 0) })
  .map(
    ({ plugin: own, v, s, named }) =>
      `${s}{${named ? `"name":"net",${s}` : ''}${v === undefined ? '' : `"cniVersion":"${v}",`}${pluginTextOf(own).slice(1)}${s}`,
  );
const content = fc.oneof(
  { weight: 4, arbitrary: conflist },
  { weight: 4, arbitrary: conf },
  { weight: 1, arbitrary: fc.constantFrom('', '{', 'null', '\uFEFF{}') },
);
const name = fc
  .record({
    stem: fc.constantFrom('00-a', '10-b', '10-b.conf', 'z'),
    end: fc.constantFrom('.conf', '.conflist', '.json', '.bak', ''),
  })
  .map(({ stem, end }) => stem + end);
const directory = fc.uniqueArray(fc.record({ name, content }), { selector: (entry) => entry.name, maxLength: 4 });

test('over any directory: it loads at the end, asks nobody too much, twice is once, and taking it back gives every byte back', () => {
  let changed = 0;
  fc.assert(
    fc.property(directory, (entries: CniDirectoryEntry[]) => {
      const probes = speaking({ bridge: all, portmap: all.slice(2), 'galaxy-sdn': all.slice(0, 2) });
      const input = { probes, ours: ours(), entryText };
      const plan = planInstallation({ ...input, entries });
      if (plan.action === 'refuse') {
        expect(plan.problems.some(({ severity }) => severity === 'error')).toBe(true);
        return;
      }
      changed++;
      const after = applySteps(entries, plan);
      const [first] = loadable(after);
      const { list } = parseCniFile(first!);
      expect(first!.name).toBe(plan.result);
      for (const { type } of list!.plugins) {
        const answer = [...probes, ours()].find((probe) => probe.type === type);
        expect(answer?.supportedVersions).toContain(plan.cniVersion);
      }
      expect(list!.plugins.at(-1)!.type).toBe('meshloom-cni');
      expect(planInstallation({ ...input, entries: after })).toMatchObject({ action: 'none', writes: [], removes: [] });
      const original = (wanted: string) => entries.find((entry) => entry.name === wanted)?.content ?? null;
      const touched = [
        ...plan.writes.map((write) => ({ name: write.name, original: original(write.name), wrote: write.content })),
        ...plan.removes.map((gone) => ({ name: gone, original: original(gone), wrote: null, follows: plan.result! })),
      ];
      const back = applySteps(after, planRemoval({ entries: after, touched, type: 'meshloom-cni' }));
      const sorted = (list: readonly CniDirectoryEntry[]) => [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
      expect(sorted(back)).toEqual(sorted(entries));
      // Without a journal, a list that was a list before loses exactly what it gained.
      const versionKept = original(plan.result!)?.includes(`"${plan.cniVersion}"`);
      if (plan.action === 'insert' && versionKept) {
        expect(sorted(applySteps(after, planRemoval({ entries: after, touched: [], type: 'meshloom-cni' })))).toEqual(
          sorted(entries),
        );
      }
    }),
    { numRuns: 3_000 },
  );
  expect(changed).toBeGreaterThan(600);
});
