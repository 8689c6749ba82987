import { expect, test } from 'vitest';
import type { CniFolder } from './cni-chain.ts';
import { listWantedFolders } from './delegates.ts';
import { parseCniFile } from './parse-cni-file.ts';
import { type ChainInput, describeChain, type PluginVersions } from './read-chain.ts';

const modern = ['0.3.1', '0.4.0', '1.0.0'];
const programs = (more: Record<string, string[]> = {}): PluginVersions[] =>
  Object.entries({
    multus: modern,
    'multus-shim': modern,
    bridge: modern,
    calico: modern,
    'istio-cni': modern,
    flannel: modern,
    ...more,
  }).map(([type, supportedVersions]) => ({ type, path: `/opt/cni/bin/${type}`, supportedVersions }));
const conf = (value: object) => JSON.stringify({ cniVersion: '0.4.0', name: 'm', ...value });
const list = (types: string[], name: string, cniVersion = '0.4.0') =>
  JSON.stringify({ cniVersion, name, plugins: types.map((type) => ({ type })) });

function chain(files: Record<string, string>, more: Partial<ChainInput> = {}) {
  return describeChain({
    files: Object.entries(files).map(([name, content]) => ({ name, content })),
    plugins: programs(),
    ...more,
  });
}
const folder = (path: string, files: Record<string, string>): CniFolder => ({
  path,
  files: Object.entries(files).map(([name, content]) => ({ name, content })),
});

test.each([
  ['its file', '/host/etc/cni/net.d/10-calico.conflist', []],
  [
    'its file in another directory',
    '/run/multus/10-calico.conflist',
    [folder('/run/multus', { '10-calico.conflist': list(['calico', 'istio-cni'], 'net') })],
  ],
  [
    'its directory',
    '/run/multus/',
    [folder('/run/multus', { 'a.txt': '', '05-calico.conflist': list(['calico', 'istio-cni'], 'net') })],
  ],
  ['its network', 'net', []],
  [
    'its network in Multus’ own directory',
    'own',
    [folder('/etc/cni/multus/net.d', { '1.conflist': list(['calico', 'istio-cni'], 'own') })],
  ],
])('Multus’ default network is found by %s', (_, clusterNetwork, folders) => {
  const { plugins, problems } = chain(
    {
      '00-multus.conf': conf({ type: 'multus', clusterNetwork }),
      '10-calico.conflist': list(['calico', 'istio-cni'], 'net'),
    },
    { folders },
  );
  expect(plugins[0]?.calls).toMatchObject([
    { named: clusterNetwork, plugins: [{ type: 'calico' }, { type: 'istio-cni', role: 'mesh' }] },
  ]);
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
});

test('what stands in the cluster alone is said to stand there', () => {
  const { plugins, problems } = chain({
    '00-multus.conf': conf({ type: 'multus-shim', clusterNetwork: 'default/macvlan' }),
  });
  expect(plugins[0]?.calls).toMatchObject([
    { unresolved: expect.stringContaining('NetworkAttachmentDefinition'), plugins: [] },
  ]);
  expect(problems).toEqual([]);
  const galaxy = chain({ '00-galaxy.conf': conf({ type: 'galaxy-sdn' }) });
  expect(galaxy.plugins[0]?.calls).toMatchObject([{ unresolved: expect.stringContaining('galaxy-etc') }]);
});

test('a delegate is judged by the version of its own configuration', () => {
  const own = {
    type: 'multus',
    delegates: [
      { cniVersion: '0.2.0', name: 'old', type: 'old' },
      { name: 'x', type: 'bridge' },
    ],
  };
  const judged = (versions: string[]) =>
    chain({ '00-multus.conf': conf(own) }, { plugins: programs({ old: versions }) }).problems.map(
      ({ code, plugin }) => [code, plugin],
    );
  expect(judged(['0.1.0', '0.2.0'])).toEqual([]);
  expect(judged(['0.4.0'])).toEqual([['ML2001', 'old']]);
});

test('Flannel’s helpers are asked in the list’s own version', () => {
  const { problems } = chain(
    { '10-flannel.conflist': list(['flannel'], 'cbr0', '1.0.0') },
    { plugins: programs({ bridge: ['0.4.0'] }) },
  );
  expect(problems).toMatchObject([{ code: 'ML2001', plugin: 'bridge' }]);
});

test('networks that call each other end somewhere', () => {
  const { plugins } = chain({
    '00-multus.conf': conf({ type: 'multus', clusterNetwork: '/etc/cni/net.d/00-multus.conf' }),
  });
  expect(JSON.stringify(plugins).length).toBeLessThan(5_000);
});

test('names the directories that must be read, and none by a trick', () => {
  const wanted = (value: object) =>
    listWantedFolders(parseCniFile({ name: 'a.conf', content: conf(value) }).list!, '/etc/cni/net.d');
  expect(wanted({ type: 'bridge' })).toEqual(['/etc/cni/net.d/m']);
  expect(wanted({ type: 'multus', confDir: '/host/x/', clusterNetwork: '/host/run/m/10.conflist' })).toEqual([
    '/etc/cni/net.d/m',
    '/x',
    '/run/m',
  ]);
  expect(wanted({ type: 'bridge', name: '..' })).toEqual([]);
  expect(wanted({ type: 'bridge', name: '../../root' })).toEqual([]);
});

const containerd = (version: string) => ({
  program: 'containerd',
  version,
  confDir: '/etc/cni/net.d',
  binDirs: ['/opt/cni/bin'],
});
const beside = (files: Record<string, string>, version: string, more: object = {}) =>
  chain(
    { '10-a.conflist': JSON.stringify({ cniVersion: '0.4.0', name: 'net', plugins: [{ type: 'bridge' }], ...more }) },
    { folders: [folder('/etc/cni/net.d/net', files)], runtimeCni: containerd(version) },
  );
const extra = { '50-mesh.conf': '{"type":"istio-cni"}', '60-more.conf.off': 'x', '70-list.conflist': 'x' };

test('plugins of the folder beside a list run where the library knows it', () => {
  const taken = beside(extra, '2.1.4');
  expect(taken.plugins.map(({ type, from }) => [type, from])).toEqual([
    ['bridge', undefined],
    ['istio-cni', 'net/50-mesh.conf'],
  ]);
  expect(taken.problems).toEqual([]);
  expect(beside(extra, '2.1.4', { loadOnlyInlinedPlugins: true }).plugins).toHaveLength(1);
  expect(beside(extra, '1.7.2').problems).toMatchObject([{ code: 'ML2029', severity: 'error', plugin: 'istio-cni' }]);
  expect(beside({ 'x.conf': '{' }, '2.1.0').problems).toMatchObject([{ code: 'ML2029', severity: 'error' }]);
});
