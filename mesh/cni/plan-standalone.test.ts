import { describe, expect, test } from 'vitest';
import { applySteps, type CniDirectoryEntry, loadable } from './cni-plan.ts';
import { planInstallation } from './plan-installation.ts';
import { planRemoval } from './plan-removal.ts';
import { planStandalone, type StandaloneInput } from './plan-standalone.ts';

const all = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0'];
const program = (type: string, supportedVersions = all) => ({ type, path: `/opt/cni/bin/${type}`, supportedVersions });
const probes = [program('galaxy-sdn', ['0.1.0', '0.2.0']), program('multus'), program('bridge')];
const ours = program('meshloom-cni', [...all, '1.1.0']);
const entryText = '{\n  "type": "meshloom-cni",\n  "level": 1.0\n}\n';
const galaxy = '{"name":"galaxy","type":"galaxy-sdn"}';

function planOn(files: Record<string, string>, more: Partial<StandaloneInput> = {}) {
  const entries = Object.entries(files).map(([name, content]): CniDirectoryEntry => ({ name, content }));
  return planStandalone({ entries, probes, ours, entryText, ...more });
}

test('writes one file after all others, in the version that the caller reads; what is in force stays', () => {
  expect(planOn({ '00-galaxy.conf': galaxy })).toMatchObject({
    action: 'insert',
    effective: '00-galaxy.conf',
    result: '00-galaxy.conf',
    cniVersion: '0.2.0',
    writes: [
      {
        name: '99-meshloom-cni.conf',
        content:
          '{\n  "cniVersion": "0.2.0",\n  "name": "meshloom-cni",\n  "type": "meshloom-cni",\n  "level": 1.0\n}\n',
      },
    ],
    removes: [],
  });
  const multus = '{"cniVersion":"0.3.1","name":"m","type":"multus","clusterNetwork":"x"}';
  expect(planOn({ '00-multus.conf': multus }).cniVersion).toBe('0.3.1');
  expect(planOn({ '00-multus.conf': multus.replace('"cniVersion":"0.3.1",', '') }).cniVersion).toBe('0.2.0');
  const newest = [program('multus', [...all, '1.1.0'])];
  expect(planOn({ '00-multus.conf': multus.replace('0.3.1', '1.1.0') }, { probes: newest }).cniVersion).toBe('1.1.0');
});

test('takes a name that comes after whatever is there, and moves when something comes after it', () => {
  const name = (files: Record<string, string>) => planOn(files).writes[0]?.name;
  expect(name({ '00.conf': galaxy, '99-z.conf': galaxy })).toBe('zz-meshloom-cni.conf');
  expect(name({ '00.conf': galaxy, 'zzz.conflist': '{' })).toBe('~meshloom-cni.conf');
  expect(planOn({ '00.conf': galaxy, '\u{1F600}.conf': galaxy })).toMatchObject({ action: 'refuse' });
  const [write] = planOn({ '00.conf': galaxy }).writes;
  const plan = planOn({ '00.conf': galaxy, [write!.name]: write!.content, '99-z.conf': galaxy });
  expect(plan).toMatchObject({ removes: ['99-meshloom-cni.conf'], writes: [{ name: 'zz-meshloom-cni.conf' }] });
});

describe('refused', () => {
  test.each<[string, Record<string, string>, Partial<StandaloneInput>, string]>([
    ['where it would be the only network', {}, {}, 'ML2011'],
    ['where only ours is left', { '99-meshloom-cni.conf': '{"name":"m","type":"meshloom-cni"}' }, {}, 'ML2011'],
    ['behind a file that some runtimes step over', { '00.conf': '{', '10.conf': galaxy }, {}, 'ML2004'],
    [
      'where it is chained',
      { '00.conflist': '{"name":"n","plugins":[{"type":"bridge"},{"type":"meshloom-cni"}]}' },
      {},
      'ML2013',
    ],
    ['where the runtime loads all files', { '00.conf': galaxy }, { maxNetworks: 0 }, 'all-loaded'],
    [
      'where both speak no version in common',
      { '00.conf': galaxy },
      { ours: program('meshloom-cni', ['1.0.0']) },
      'ML2001',
    ],
    ['behind a chain that fails', { '00.conf': galaxy.replace('"name"', '"cniVersion":"1.0.0","name"') }, {}, 'ML2001'],
    ['where our program is missing', { '00.conf': galaxy }, { ours: { type: 'meshloom-cni' } }, 'ML2002'],
  ])('%s', (_, files, more, code) => {
    const plan = planOn(files, more);
    expect(plan).toMatchObject({ action: 'refuse', writes: [], removes: [] });
    expect(plan.problems[0]!.code).toBe(code);
  });

  test('and chained mode beside it, too', () => {
    const files = { '00.conf': galaxy, '99-meshloom-cni.conf': planOn({ '00.conf': galaxy }).writes[0]!.content };
    const entries = Object.entries(files).map(([name, content]) => ({ name, content }));
    const plan = planInstallation({ entries, probes, ours, entryText });
    expect(plan).toMatchObject({ action: 'refuse', problems: [{ code: 'ML2013' }] });
  });
});

test('says what happens when the others go, and when nobody calls it', () => {
  const codes = (content: string) => planOn({ '10.conf': content }).problems.map(({ code }) => code);
  expect(codes(galaxy)).toContain('standalone-last');
  expect(codes(galaxy)).not.toContain('no-delegator');
  expect(codes('{"name":"b","type":"bridge"}')).toContain('no-delegator');
});

test('is taken back whole: with the journal, without it, and edited by somebody since', () => {
  const [write] = planOn({ '00.conf': galaxy }).writes;
  const before: CniDirectoryEntry[] = [{ name: '00.conf', content: galaxy }];
  const after = applySteps(before, { writes: [write!], removes: [] });
  const touched = [{ name: write!.name, original: null, wrote: write!.content }];
  const edited = after.map((entry) =>
    entry.name === write!.name ? { ...entry, content: entry.content!.replace('1.0', '2') } : entry,
  );
  for (const [entries, known] of [
    [after, touched],
    [after, []],
    [edited, touched],
    [edited, []],
  ] as const)
    expect(applySteps(entries, planRemoval({ entries, touched: known, type: 'meshloom-cni' }))).toEqual(before);
  // Left alone, it goes too: it connects no pod.
  const alone = after.slice(1);
  expect(loadable(applySteps(alone, planRemoval({ entries: alone, touched, type: 'meshloom-cni' })))).toEqual([]);
});
