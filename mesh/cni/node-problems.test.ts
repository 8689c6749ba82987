import { expect, test } from 'vitest';
import { directoryProblems, rewriteProblems } from './node-problems.ts';
import { describeChain } from './read-chain.ts';
import { libraryOf } from './runtime-library.ts';

const k3s = {
  program: 'containerd',
  confDir: '/var/lib/rancher/k3s/agent/etc/cni/net.d',
  binDirs: ['/var/lib/rancher/k3s/data/cni'],
};

test.each([
  [
    'the common directories',
    ['/etc/cni/net.d', '/opt/cni/bin', '/var/run/istio-cni'],
    ['/etc/cni/net.d', '/opt/cni/bin'],
  ],
  ['the runtime’s', ['/var/lib/rancher/k3s/agent/etc/cni/net.d/', '/var/lib/rancher/k3s/data/cni'], []],
  ['all of the host', ['/', '/opt/cni/bin'], []],
  ['one that holds them', ['/var/lib/rancher/k3s'], []],
  ['nothing of it', ['/var/log'], []],
])('an installer that mounts %s', (_, hostPaths, wrong) => {
  const problems = directoryProblems(k3s, [{ name: 'istio-system/istio-cni-node', hostPaths }]);
  expect(problems.map(({ code }) => code)).toEqual(wrong.map(() => 'ML2026'));
  wrong.forEach((path, index) => expect(problems[index]?.message).toContain(path));
});

test('one change between two readings is nobody’s fight, two are', () => {
  const reading = (content: string, modified = 0) => [{ name: 'a.conflist', content, modified }];
  expect(rewriteProblems([], [reading('1'), reading('2')])).toEqual([]);
  expect(rewriteProblems([], [reading('1'), reading('2'), reading('1')])).toMatchObject([
    { code: 'ML2027', file: 'a.conflist' },
  ]);
  expect(rewriteProblems([], [reading('1', 1), reading('1', 2), reading('1', 3)])).toHaveLength(1);
  expect(rewriteProblems([], [reading('1'), [], reading('1')])).toHaveLength(1);
});

test('a credential counts only for a plugin of the chain, and time only where it is known', () => {
  const files = [
    {
      name: 'a.conflist',
      content: '{"cniVersion":"1.0.0","name":"n","plugins":[{"type":"bridge"},{"type":"istio-cni"}]}',
    },
  ];
  const codes = (plugin: string, state: 'there' | 'missing' | 'unreadable', now?: number) =>
    describeChain({
      files,
      plugins: [],
      credentials: [{ plugin, path: '/run/x', state, expires: 1000 }],
      ...(now !== undefined && { now }),
    }).problems.map(({ code }) => code);
  expect(codes('istio-cni', 'missing')).toEqual(['ML2020']);
  expect(codes('calico', 'missing')).toEqual([]);
  expect(codes('istio-cni', 'unreadable')).toEqual([]);
  expect(codes('istio-cni', 'there')).toEqual([]);
  expect(codes('istio-cni', 'there', 999_000)).toEqual([]);
  expect(codes('istio-cni', 'there', 1_000_001)).toEqual(['ML2020']);
});

test('CRI-O uses the network of the name that it was given, not the first file', () => {
  const list = (name: string) => JSON.stringify({ cniVersion: '1.0.0', name, plugins: [{ type: 'bridge' }] });
  const chain = describeChain({
    files: [
      { name: '00-a.conflist', content: list('a') },
      { name: '10-b.conflist', content: list('b') },
    ],
    plugins: [],
    runtimeCni: { program: 'crio', version: '1.30.0', confDir: '/etc/cni/net.d', binDirs: [], defaultNetwork: 'b' },
  });
  expect(chain.effective?.name).toBe('10-b.conflist');
  expect(chain.shadowed.map(({ name }) => name)).toEqual(['00-a.conflist']);
});

test('containerd may be told to load several files', () => {
  const list = (name: string) => JSON.stringify({ cniVersion: '1.0.0', name, plugins: [{ type: 'bridge' }] });
  const files = ['a', 'b', 'c'].map((name) => ({ name: `${name}.conflist`, content: list(name) }));
  const shadowed = (maxNetworks: number) =>
    describeChain({ files, plugins: [], runtimeCni: { ...k3s, maxNetworks } }).shadowed.map(({ name }) => name);
  expect(shadowed(1)).toEqual(['b.conflist', 'c.conflist']);
  expect(shadowed(2)).toEqual(['c.conflist']);
  expect(shadowed(0)).toEqual([]);
});

test.each([
  ['containerd', 'v1.7.27', '1.1'],
  ['containerd', '1.6.20~ds1', '1.1'],
  ['containerd', 'v2.0.5', '1.2'],
  ['containerd', 'v2.1.4-k3s1', '1.3'],
  ['crio', '1.29.1', '1.1'],
  ['crio', '1.34.0', '1.3'],
  ['kubelet', undefined, '1.1'],
  ['containerd', undefined, undefined],
])('%s %s has a library of CNI %s', (program, version, expected) => {
  expect(libraryOf({ program, confDir: '', binDirs: [], ...(version && { version }) })).toBe(expected);
});
