import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planRepair } from './plan-repair.ts';

const old = ['0.1.0', '0.2.0'];
const modern = [...old, '0.3.0', '0.3.1', '0.4.0', '1.0.0'];
const versions: Record<string, string[]> = { 'galaxy-sdn': old, bridge: modern, portmap: modern, 'istio-cni': modern };

function repair(files: Record<string, string>, missing: string[] = []) {
  const probes = Object.entries(versions).map(([type, supportedVersions]) =>
    missing.includes(type) ? { type } : { type, path: `/opt/cni/bin/${type}`, supportedVersions },
  );
  return planRepair({ entries: Object.entries(files).map(([name, content]) => ({ name, content })), probes });
}

const broken = readFileSync(join(import.meta.dirname, 'fixtures/broken/net.d/00-galaxy.conflist'), 'utf8');

test('what Istio’s installer left of a single configuration becomes that again', () => {
  const plan = repair({ '00-galaxy.conflist': broken });
  expect(plan).toMatchObject({
    action: 'restore',
    effective: '00-galaxy.conflist',
    result: '00-galaxy.conf',
    removes: ['00-galaxy.conflist'],
  });
  expect(plan.problems).toMatchObject([{ severity: 'error', code: 'ML2001', plugin: 'galaxy-sdn' }]);
  expect(JSON.parse(plan.writes[0]!.content)).toEqual({
    name: 'galaxy',
    type: 'galaxy-sdn',
    capabilities: { portMappings: true },
  });
});

test('while Istio’s plugin is in the list too, the list gets the version that both speak', () => {
  const list = broken.replace(/\n {2}\]/, ',\n    { "type": "istio-cni" }\n  ]');
  const plan = repair({ '00-galaxy.conflist': list });
  expect(plan).toMatchObject({ action: 'convert', result: '00-galaxy.conflist', cniVersion: '0.2.0', removes: [] });
  expect(plan.writes[0]!.content).toBe(list.replace('0.3.1', '0.2.0'));
});

test('an entry whose program is gone goes, and with it the list that was made for it', () => {
  const list = broken.replace(/\n {2}\]/, ',\n    { "type": "istio-cni" }\n  ]');
  expect(repair({ '00-galaxy.conflist': list }, ['istio-cni'])).toMatchObject({
    action: 'restore',
    result: '00-galaxy.conf',
  });
});

test('of entries that stand there twice one stays; two of a kind with other settings are left in peace', () => {
  const list = (plugins: string) => `{"cniVersion":"0.4.0","name":"n","plugins":[${plugins}]}`;
  const double =
    '{"type":"bridge"},{"type":"istio-cni","a":1},{"type":"istio-cni"},{"type":"portmap","x":1},{"x":1,"type":"portmap"}';
  expect(repair({ '10.conflist': list(double) }).writes).toEqual([
    { name: '10.conflist', content: list('{"type":"bridge"},{"type":"istio-cni"},{"x":1,"type":"portmap"}') },
  ]);
  expect(repair({ '10.conflist': list('{"type":"bridge"},{"type":"portmap","a":1},{"type":"portmap"}') }).action).toBe(
    'none',
  );
});

test('of twins the one in force stays, but for a list of the same network that works and chains a mesh', () => {
  const conf = '{"name":"galaxy","type":"galaxy-sdn"}';
  expect(repair({ '00-galaxy.conf': conf, '00-galaxy.conflist': broken })).toMatchObject({
    action: 'remove',
    removes: ['00-galaxy.conflist'],
    writes: [],
  });
  const meant = `{"cniVersion":"0.2.0","name":"galaxy","plugins":[${conf},{"type":"istio-cni"}]}`;
  expect(repair({ '00-galaxy.conf': conf, '00-galaxy.conflist': meant })).toMatchObject({
    removes: ['00-galaxy.conf'],
    result: '00-galaxy.conflist',
  });
  const other = '{"cniVersion":"0.4.0","name":"n","plugins":[{"type":"bridge"}]}';
  expect(repair({ '00-galaxy.conf': conf, '00-galaxy.conflist': other }).action).toBe('none');
});

test('a list that was written over a single configuration gets its extension, and its version', () => {
  expect(repair({ '00-galaxy.conf': broken })).toMatchObject({
    action: 'restore',
    result: '00-galaxy.conf',
    removes: [],
  });
  const list = '{"cniVersion":"0.4.0","name":"n","plugins":[{"type":"bridge"},{"type":"istio-cni"}]}';
  expect(repair({ '10.conf': list })).toMatchObject({
    action: 'convert',
    writes: [{ name: '10.conflist', content: list }],
    removes: ['10.conf'],
  });
});

test('what is beyond it is refused with the plugin in the way; where nothing is wrong nothing is done', () => {
  const list = '{"cniVersion":"0.4.0","name":"n","plugins":[{"type":"bridge"},{"type":"portmap"}]}';
  expect(repair({ '10.conflist': list })).toMatchObject({ action: 'none', result: '10.conflist', problems: [] });
  expect(repair({ '10.conflist': list }, ['portmap'])).toMatchObject({
    action: 'refuse',
    writes: [],
    problems: [{ plugin: 'portmap' }],
  });
  expect(repair({ '10.conf': '{' }).action).toBe('refuse');
});

test('beside a plugin that delegates, ours goes where the network that it calls chains it too', () => {
  const podnet = '{"cniVersion":"0.4.0","name":"podnet","plugins":[{"type":"bridge"},{"type":"meshloom-cni"}]}';
  const list = (more: string) =>
    `{"cniVersion":"0.4.0","name":"m","plugins":[{"type":"multus","clusterNetwork":"podnet"}${more}]}`;
  const probes = ['multus', 'bridge', 'meshloom-cni'].map((type) => ({ type, path: type, supportedVersions: modern }));
  const entries = [
    { name: '00-multus.conflist', content: list(', {"type":"meshloom-cni"}') },
    { name: '10-podnet.conflist', content: podnet },
  ];
  expect(planRepair({ entries, probes })).toMatchObject({
    action: 'remove',
    writes: [{ name: '00-multus.conflist', content: list('') }],
    removes: [],
  });
});

const multus = (more: object) => JSON.stringify({ cniVersion: '0.3.1', name: 'm', type: 'multus', ...more });

test.each([
  [
    'whole, as a single one',
    { delegates: [{ cniVersion: '1.0.0', name: 'galaxy', type: 'galaxy-sdn' }] },
    { delegates: [{ cniVersion: '0.2.0', name: 'galaxy', type: 'galaxy-sdn' }] },
  ],
  [
    'whole, as the second list',
    {
      delegates: [
        { name: 'b', type: 'bridge' },
        { cniVersion: '0.4.0', name: 'g', plugins: [{ type: 'galaxy-sdn' }] },
      ],
    },
    {
      delegates: [
        { name: 'b', type: 'bridge' },
        { cniVersion: '0.2.0', name: 'g', plugins: [{ type: 'galaxy-sdn' }] },
      ],
    },
  ],
])(
  'a network that stands in Multus’ own configuration gets a version that its plugins speak: %s',
  (_, before, after) => {
    versions.multus = modern;
    const plan = repair({ '00-multus.conf': multus(before) });
    expect(plan).toMatchObject({ action: 'convert', result: '00-multus.conf', removes: [] });
    expect(plan.writes).toEqual([{ name: '00-multus.conf', content: multus(after) }]);
    expect(repair({ '00-multus.conf': multus(after) }).action).toBe('none');
  },
);

test('a network that Multus calls by its file gets a version that its plugins speak, in that file', () => {
  versions.multus = modern;
  const list = (version: string) => `{"cniVersion":"${version}","name":"g","plugins":[{"type":"galaxy-sdn"}]}`;
  const first = multus({ clusterNetwork: '/host/etc/cni/net.d/10-g.conflist' });
  const plan = repair({ '00-multus.conf': first, '10-g.conflist': list('0.4.0') });
  expect(plan).toMatchObject({ action: 'convert', writes: [{ name: '10-g.conflist', content: list('0.2.0') }] });
});
