import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { listCniHazards } from './hazards.ts';
import type { CniFileText } from './parse-cni-file.ts';
import { type ChainInput, cniRuntimeOf, describeChain, type PluginVersions } from './read-chain.ts';

const modern = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0'];
const all: PluginVersions[] = ['bridge', 'host-local', 'portmap', 'istio-cni', 'galaxy-sdn', 'multus'].map((type) => ({
  type,
  path: `/opt/cni/bin/${type}`,
  supportedVersions: type === 'galaxy-sdn' ? ['0.1.0', '0.2.0'] : modern,
}));
const without = (type: string): PluginVersions[] =>
  all.map((plugin) => (plugin.type === type ? { type, error: 'not found' } : plugin));

function recorded(state: string): CniFileText[] {
  const directory = new URL(`./fixtures/${state}/`, import.meta.url);
  return readdirSync(directory).map((name) => ({ name, content: readFileSync(new URL(name, directory), 'utf8') }));
}

function list(types: string[], version = '0.4.0', name = 'podnet'): string {
  return JSON.stringify({ cniVersion: version, name, plugins: types.map((type) => ({ type })) });
}

function codes(input: Partial<ChainInput> & { files: CniFileText[] }): string[] {
  return describeChain({ plugins: all, ...input }).problems.map(({ code, severity }) => `${code} ${severity}`);
}

test.each(['before-cni/net.d', 'with-cni/net.d', 'with-cni/net.d-after-uninstall'])(
  'finds nothing wrong with the recorded %s',
  (state) => {
    const chain = describeChain({ files: recorded(state), plugins: all });
    expect(chain.problems).toEqual([]);
    expect(chain).toMatchObject({
      effective: { name: '10-bridge.conflist' },
      name: 'podnet',
      cniVersion: '0.4.0',
      shadowed: [],
    });
  },
);

test('shows the recorded chain with the mesh in order, with roles and versions', () => {
  const { plugins } = describeChain({ files: recorded('with-cni/net.d'), plugins: all });
  expect(plugins.map(({ type, role }) => [type, role])).toEqual([
    ['bridge', 'network'],
    ['portmap', 'adjust'],
    ['istio-cni', 'mesh'],
  ]);
  expect(plugins[0]).toMatchObject({ ipam: 'host-local', path: '/opt/cni/bin/bridge', supportedVersions: modern });
});

test('tells the story of the converted list, and how to get out of it', () => {
  const { problems, plugins } = describeChain({ files: recorded('broken/net.d'), plugins: all });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatchObject({
    severity: 'error',
    code: 'ML2001',
    plugin: 'galaxy-sdn',
    file: '00-galaxy.conflist',
  });
  expect(problems[0]?.message).toContain('asks every plugin for CNI 0.3.1');
  expect(problems[0]?.message).toContain('“galaxy-sdn” speaks only 0.1.0, 0.2.0');
  expect(problems[0]?.message).toContain('ContainerCreating');
  expect(problems[0]?.message).toContain('Istio’s CNI installer');
  expect(problems[0]?.whatToDo).toContain('00-galaxy.conf');
  expect(plugins[0]?.problems).toEqual(problems);
});

test('with Istio still there, the way out is the version that both speak', () => {
  const files = [{ name: '00-galaxy.conflist', content: list(['galaxy-sdn', 'istio-cni'], '0.3.1') }];
  const { problems } = describeChain({ files, plugins: all });
  expect(problems[0]?.whatToDo).toContain('“0.2.0”');
});

test('says nothing about programs that nobody asked', () => {
  expect(codes({ files: recorded('broken/net.d'), plugins: [] })).toEqual([]);
});

test('a mesh plugin without program is a leftover; another is a missing program', () => {
  const files = [{ name: '10.conflist', content: list(['bridge', 'portmap', 'istio-cni']) }];
  expect(codes({ files, plugins: without('istio-cni') })).toEqual(['ML2012 error']);
  expect(codes({ files, plugins: without('portmap') })).toEqual(['ML2002 error']);
  const ipam = JSON.stringify({
    cniVersion: '0.4.0',
    name: 'n',
    plugins: [{ type: 'bridge', ipam: { type: 'host-local' } }],
  });
  expect(
    describeChain({ files: [{ name: '10.conflist', content: ipam }], plugins: without('host-local') }).problems,
  ).toMatchObject([{ code: 'ML2002', plugin: 'host-local' }]);
});

test('a plugin that could not be asked is a warning with its reason', () => {
  const silent = [{ type: 'bridge', path: '/opt/cni/bin/bridge', error: 'no answer within 3 s' }];
  const { problems } = describeChain({ files: [{ name: '1.conflist', content: list(['bridge']) }], plugins: silent });
  expect(problems).toMatchObject([
    { code: 'ML2003', severity: 'warning', message: expect.stringContaining('no answer within 3 s') },
  ]);
});

test('names a version that was never published', () => {
  const files = [{ name: '00-galaxy.conflist', content: list(['bridge'], '1.2.0') }];
  const { problems } = describeChain({ files, plugins: all });
  expect(problems.map(({ code }) => code)).toContain('ML2009');
  expect(problems.find(({ code }) => code === 'ML2009')).toMatchObject({
    message: expect.stringContaining('the newest is 1.1.0'),
    whatToDo: expect.stringContaining('“1.0.0”'),
  });
});

test('twins: the .conf is in force', () => {
  const files = [
    { name: '00-galaxy.conflist', content: list(['galaxy-sdn', 'istio-cni'], '0.2.0') },
    { name: '00-galaxy.conf', content: '{"name":"galaxy","type":"galaxy-sdn"}' },
  ];
  const chain = describeChain({ files, plugins: all });
  expect(chain.effective?.name).toBe('00-galaxy.conf');
  expect(chain.shadowed.map(({ name }) => name)).toEqual(['00-galaxy.conflist']);
  expect(chain.problems).toMatchObject([{ code: 'ML2034', severity: 'error', plugin: 'istio-cni' }]);
  expect(
    codes({
      files: [
        { name: 'a.conf', content: '{"name":"a","type":"bridge"}' },
        { name: 'a.conflist', content: list(['bridge']) },
        { name: 'b.conflist', content: list(['bridge']) },
      ],
    }),
  ).toEqual(['ML2006 warning', 'ML2007 warning']);
});

test('a file that Multus reads itself is in force through it, and a lone loopback is no rival', () => {
  const multus = (more: object) => ({
    name: '00-multus.conf',
    content: JSON.stringify({ cniVersion: '0.3.1', name: 'm', type: 'multus', ...more }),
  });
  const mesh = { name: '10-calico.conflist', content: list(['bridge', 'istio-cni'], '0.4.0', 'k8s-pod-network') };
  expect(codes({ files: [multus({ clusterNetwork: '/host/etc/cni/net.d/10-calico.conflist' }), mesh] })).toEqual([]);
  expect(codes({ files: [multus({ clusterNetwork: 'k8s-pod-network' }), mesh] })).toEqual([]);
  expect(codes({ files: [multus({}), mesh] })).toEqual(['ML2007 warning']);
  const copied = (types: string[]) => multus({ delegates: [JSON.parse(list(types, '0.4.0', 'k8s-pod-network'))] });
  expect(codes({ files: [copied(['bridge', 'istio-cni']), mesh] })).toEqual([]);
  expect(codes({ files: [copied(['bridge']), mesh] })).toEqual(['ML2039 error']);
  const loopback = { name: '99-loopback.conf', content: '{"cniVersion":"0.4.0","name":"lo","type":"loopback"}' };
  expect(codes({ files: [{ name: '10-a.conflist', content: list(['bridge']) }, loopback] })).toEqual([]);
});

test('a broken first file stops containerd, and is stepped over by CRI-O', () => {
  const files = [
    { name: '00-new.conflist', content: '{"name":"a",' },
    { name: '10-old.conflist', content: list(['bridge']) },
  ];
  const containerd = describeChain({ files, plugins: all });
  expect(containerd.effective).toBeUndefined();
  expect(containerd.problems).toMatchObject([
    { code: 'ML2004', severity: 'error', message: expect.stringContaining('NotReady') },
  ]);
  const crio = describeChain({ files, plugins: all, runtime: 'cri-o' });
  expect(crio.effective?.name).toBe('10-old.conflist');
  expect(crio.problems).toMatchObject([
    { code: 'ML2004', severity: 'warning', message: expect.stringContaining('steps over') },
  ]);
});

test('a directory of any name is stepped over, a link to one is not', () => {
  const good = { name: '10-a.conflist', content: list(['bridge']) };
  const directory = { name: '00-d.conf', directory: true, error: 'EISDIR: it is a directory' };
  expect(describeChain({ files: [directory, good], plugins: all })).toMatchObject({
    effective: { name: '10-a.conflist' },
    problems: [],
  });
  const link = { name: '00-d.conf', linkTarget: '/etc', error: 'EISDIR: it is a directory' };
  expect(codes({ files: [link, good] })).toEqual(['ML2015 error']);
});

test('a broken later file does no harm yet', () => {
  const files = [
    { name: '10-old.conflist', content: list(['bridge']) },
    { name: '20-new.conf', content: list(['bridge']) },
  ];
  expect(codes({ files })).toEqual(['ML2005 warning', 'ML2007 warning']);
});

test('a wrong version makes CRI-O use the next file, so that pods lose the mesh', () => {
  const files = [
    { name: '00-galaxy.conflist', content: list(['galaxy-sdn', 'istio-cni'], '0.3.1') },
    { name: '10-bridge.conflist', content: list(['bridge']) },
  ];
  const crio = describeChain({ files, plugins: all, runtime: 'cri-o' });
  expect(crio.effective?.name).toBe('10-bridge.conflist');
  expect(crio.problems).toMatchObject([
    { code: 'ML2001', message: expect.stringContaining('uses “10-bridge.conflist”') },
  ]);
  expect(describeChain({ files, plugins: all }).effective?.name).toBe('00-galaxy.conflist');
});

test('list JSON in a .conf, a nameless .conf, an unreadable file', () => {
  expect(codes({ files: [{ name: 'a.conf', content: list(['bridge']) }] })).toEqual(['ML2005 error']);
  expect(codes({ files: [{ name: 'a.conf', content: '{"type":"bridge"}' }] })).toEqual(['ML2010 error']);
  expect(codes({ files: [{ name: 'a.conf', error: 'EACCES' }] })).toEqual(['ML2015 error']);
});

test('the mesh’s plugin twice, not last, first, or chained in two places', () => {
  const one = (types: string[]) => codes({ files: [{ name: 'a.conflist', content: list(types) }] });
  expect(one(['bridge', 'istio-cni', 'istio-cni'])).toEqual(['ML2008 warning']);
  expect(one(['bridge', 'istio-cni', 'portmap'])).toEqual(['ML2016 warning']);
  expect(one(['istio-cni'])).toEqual(['ML2016 error']);
  const multus = JSON.stringify({
    cniVersion: '0.4.0',
    name: 'm',
    plugins: [{ type: 'multus', delegates: [{ type: 'istio-cni' }] }, { type: 'istio-cni' }],
  });
  expect(codes({ files: [{ name: '00-multus.conflist', content: multus }] })).toEqual(['ML2013 warning']);
});

test('a path as a type is refused, never looked for', () => {
  expect(codes({ files: [{ name: 'a.conflist', content: list(['../../bin/sh']) }] })).toEqual(['ML2018 error']);
});

test('other files tell what happened: Cilium’s exclusive mode, a leftover credential', () => {
  const files = [
    { name: '05-cilium.conflist', content: list(['bridge']) },
    { name: '10-aws.conflist.cilium_bak' },
    { name: 'ZZZ-istio-cni-kubeconfig' },
  ];
  expect(codes({ files })).toEqual(['ML2014 warning', 'ML2017 warning']);
});

test('an empty directory is said to be one', () => {
  expect(codes({ files: [] })).toEqual(['ML2011 error']);
});

test('knows the runtime by the node’s own words', () => {
  expect(cniRuntimeOf('containerd://1.7.2')).toBe('containerd');
  expect(cniRuntimeOf('cri-o://1.30')).toBe('cri-o');
  expect(cniRuntimeOf('weird')).toBeUndefined();
});

test('every hazard has a title and a remedy', () => {
  for (const { title, whatToDo } of listCniHazards()) {
    expect(title).not.toBe('');
    expect(whatToDo).not.toBe('');
  }
});

test('Istio’s own merged copy before the network’s file is no rival of it; one that lacks a plugin is', () => {
  const file = (name: string, types: string[]) => ({
    name,
    content: JSON.stringify({ cniVersion: '1.0.0', name: 'net', plugins: types.map((type) => ({ type })) }),
  });
  const codesOf = (copy: string[]) =>
    describeChain({
      files: [file('02-istio-cni.conflist', copy), file('10-calico.conflist', ['calico', 'portmap'])],
      plugins: [],
    }).problems.map(({ code }) => code);
  expect(codesOf(['calico', 'portmap', 'istio-cni'])).toEqual([]);
  expect(codesOf(['calico', 'istio-cni'])).toEqual(['ML2007']);
});

test('CRI-O steps over a list with a plugin that does not answer; containerd runs it', () => {
  const files = ['00-a.conflist', '10-b.conflist'].map((name, index) => ({
    name,
    content: JSON.stringify({ cniVersion: '1.0.0', name: `n${index}`, plugins: [{ type: index ? 'bridge' : 'odd' }] }),
  }));
  const plugins: PluginVersions[] = [
    { type: 'odd', path: '/opt/cni/bin/odd', error: 'its answer to VERSION was not understood: hello' },
    { type: 'bridge', path: '/opt/cni/bin/bridge', supportedVersions: ['1.0.0'] },
  ];
  const chain = (runtime: 'cri-o' | 'containerd') => describeChain({ files, plugins, runtime });
  expect(chain('containerd').effective?.name).toBe('00-a.conflist');
  expect(chain('cri-o').effective?.name).toBe('10-b.conflist');
  expect(chain('cri-o').problems).toMatchObject([{ code: 'ML2003', severity: 'error', file: '00-a.conflist' }]);
});
