import { expect, test } from 'vitest';
import { describeChain } from '../mesh/cni/read-chain.ts';
import { fakeHost, type FakeHostOptions } from './fake-host.ts';
import { readCni, readVersionReply } from './read-cni.ts';

const list = (types: string[], version = '0.4.0') =>
  JSON.stringify({ cniVersion: version, name: 'n', plugins: types.map((type) => ({ type })) });
const versions = (supportedVersions: string[]) => ({
  stdout: JSON.stringify({ cniVersion: '1.0.0', supportedVersions }),
});
const modern = ['0.3.1', '0.4.0', '1.0.0'];
const node = { '/proc/self/ns/mnt': '-> mnt:[1]', '/proc/1/cgroup': '0::/' };

function on(files: Record<string, string>, options: Partial<FakeHostOptions> = {}) {
  return fakeHost({ files: { ...node, ...files }, run: () => versions(modern), ...options });
}

test('reads what runtimes read, and lists the rest by name', async () => {
  const files = {
    '/etc/cni/net.d/10-a.conflist': list(['bridge']),
    '/etc/cni/net.d/README': 'secret',
    '/etc/cni/net.d/05-link.conf': '-> /etc/elsewhere.conf',
    '/etc/elsewhere.conf': '{"name":"x","type":"ptp"}',
    '/etc/cni/net.d/07-dangling.conf': '-> nowhere',
    '/etc/cni/net.d/08-closed.conf': '!EACCES',
    '/opt/cni/bin/bridge': '\x7fELF',
    '/opt/cni/bin/ptp': '\x7fELF',
  };
  const result = await readCni(on(files, { modes: { '/etc/cni/net.d/10-a.conflist': 0o600 } }), {});
  expect(result).toMatchObject({ confDir: '/etc/cni/net.d', binDirs: ['/opt/cni/bin'], notes: [] });
  expect(result.files).toEqual([
    { name: '05-link.conf', mode: 0o644, linkTarget: '/etc/elsewhere.conf', content: '{"name":"x","type":"ptp"}' },
    { name: '07-dangling.conf', mode: 0o644, linkTarget: 'nowhere', error: expect.stringContaining('ENOENT') },
    { name: '08-closed.conf', error: expect.stringContaining('EACCES') },
    { name: '10-a.conflist', mode: 0o600, content: list(['bridge']) },
    { name: 'README', mode: 0o644 },
  ]);
});

test('reads below the prefix under which the host’s directories are mounted, links included', async () => {
  const files = {
    '/host/etc/cni/net.d': '-> /var/lib/cni/conf',
    '/host/var/lib/cni/conf/10-a.conflist': list(['bridge']),
    '/host/opt/cni/bin/bridge': '\x7fELF',
  };
  const host = on(files, { hostRoot: '/host' });
  const result = await readCni(host, {});
  expect(result.files.map(({ name }) => name)).toEqual(['10-a.conflist']);
  expect(result.plugins).toEqual([{ type: 'bridge', path: '/opt/cni/bin/bridge', supportedVersions: modern }]);
  expect(host.ran).toEqual(['/host/opt/cni/bin/bridge']);
});

test('finds a directory that is not mounted through a host process', async () => {
  const files = {
    '/proc/50/cgroup': '0::/system.slice/k3s.service',
    '/proc/50/comm': 'k3s-server',
    '/proc/50/ns/mnt': '-> mnt:[2]',
    '/proc/50/root/var/lib/k3s/net.d/10-a.conflist': list(['flannel']),
    '/proc/50/root/var/lib/k3s/bin/flannel': '\x7fELF',
    '/proc/50/root/var/lib/k3s/bin/bridge': '\x7fELF',
    '/proc/50/root/var/lib/k3s/bin/host-local': '\x7fELF',
  };
  const host = on(files, { hostRoot: '/host' });
  const result = await readCni(host, { confDir: '/var/lib/k3s/net.d', binDirs: ['/var/lib/k3s/bin'] });
  expect(result.plugins).toMatchObject([
    { type: 'flannel', path: '/var/lib/k3s/bin/flannel', supportedVersions: modern },
    // Flannel leaves its work to these, in the same version.
    { type: 'bridge', path: '/var/lib/k3s/bin/bridge' },
    { type: 'host-local', path: '/var/lib/k3s/bin/host-local' },
  ]);
  expect([...host.stillOpen]).toEqual([]);
});

test('a plugin that needs the host’s libraries is started among them', async () => {
  const files = {
    '/proc/50/cgroup': '0::/system.slice/kubelet.service',
    '/proc/50/comm': 'kubelet',
    '/proc/50/ns/mnt': '-> mnt:[2]',
    '/host/etc/cni/net.d/a.conf': '{"name":"a","type":"bridge"}',
    '/host/opt/cni/bin/bridge': '\x7fELF',
  };
  const host = on(files, {
    hostRoot: '/host',
    run: ({ argv }) => (argv[0] === 'nsenter' ? versions(modern) : { stopped: 'missing' }),
  });
  expect((await readCni(host, {})).plugins[0]?.supportedVersions).toEqual(modern);
  expect(host.ran).toContain('nsenter --mount=/proc/self/fd/3 -- /opt/cni/bin/bridge');
});

test('asks with VERSION alone, and only what the runtime would run', async () => {
  const files = {
    '/etc/cni/net.d/00-a.conflist': list(['bridge', 'absent']),
    '/etc/cni/net.d/10-b.conflist': list(['ptp']),
    '/etc/cni/net.d/20-c.conflist': list(['stale']),
    '/opt/cni/bin/bridge': '\x7fELF',
    '/opt/cni/bin/ptp': '\x7fELF',
    '/opt/cni/bin/stale': '\x7fELF',
  };
  const commands: (string | undefined)[] = [];
  const host = on(files, {
    run: ({ env, stdin, timeout }) => {
      commands.push(env?.CNI_COMMAND);
      expect(stdin).toBe('{"cniVersion":"1.1.0"}');
      expect(timeout).toBe(3000);
      return versions(modern);
    },
  });
  const { plugins } = await readCni(host, {});
  expect(plugins.map(({ type, error }) => [type, error])).toEqual([
    ['bridge', undefined],
    ['absent', expect.stringContaining('/opt/cni/bin')],
    ['ptp', undefined],
  ]);
  expect(new Set(commands)).toEqual(new Set(['VERSION']));
});

test('never runs a path that poses as a plugin', async () => {
  const host = on({ '/etc/cni/net.d/a.conflist': list(['../../../bin/sh', '..']), '/bin/sh': '\x7fELF' });
  expect((await readCni(host, {})).plugins).toMatchObject([
    { error: expect.any(String) },
    { error: expect.any(String) },
  ]);
  expect(host.ran).toEqual([]);
});

test('a directory that is missing or closed is a note', async () => {
  expect(await readCni(on({}), {})).toMatchObject({
    files: [],
    plugins: [],
    notes: [expect.stringContaining('does not exist')],
  });
  expect((await readCni(on({ '/etc/cni/net.d': '!EACCES' }), {})).notes[0]).toContain('EACCES');
});

test('what is read is what the chain is judged by', async () => {
  const files = {
    '/etc/cni/net.d/00-galaxy.conflist': list(['galaxy-sdn'], '0.3.1'),
    '/opt/cni/bin/galaxy-sdn': '\x7fELF',
  };
  const result = await readCni(on(files, { run: () => versions(['0.1.0', '0.2.0']) }), {});
  expect(describeChain(result).problems).toMatchObject([{ code: 'ML2001', plugin: 'galaxy-sdn' }]);
});

test.each([
  [
    'versions',
    { code: 0, stdout: '{"cniVersion":"1.0.0","supportedVersions":["0.1.0","0.2.0"]}' },
    { supportedVersions: ['0.1.0', '0.2.0'] },
  ],
  [
    'a reply of 0.2.0 without a list',
    { code: 0, stdout: '{"cniVersion":"0.2.0"}' },
    { supportedVersions: ['0.1.0', '0.2.0'] },
  ],
  [
    'a plugin from before VERSION',
    { code: 1, stdout: '{"code":4,"msg":"unknown CNI_COMMAND: VERSION"}' },
    { supportedVersions: ['0.1.0'] },
  ],
  [
    'an error in CNI’s form',
    { code: 1, stdout: '{"code":7,"msg":"no config"}' },
    { error: expect.stringContaining('no config') },
  ],
  [
    'versions, and a failure',
    { code: 1, stdout: '{"supportedVersions":["0.4.0"]}' },
    { error: expect.stringContaining('exit code 1') },
  ],
  ['text', { code: 0, stdout: 'hello' }, { error: expect.stringContaining('hello') }],
  ['nothing', { code: 3, stdout: '' }, { error: expect.stringContaining('exit code 3') }],
  ['an empty list', { code: 0, stdout: '{"supportedVersions":[]}' }, { error: expect.any(String) }],
  ['no answer in time', { stopped: 'timeout' as const, stdout: '' }, { error: expect.stringContaining('3 seconds') }],
  ['too much', { stopped: 'output' as const, stdout: '' }, { error: expect.stringContaining('64 KB') }],
  ['not executable', { stopped: 'denied' as const, stdout: '' }, { error: expect.stringContaining('executable') }],
])('understands as answer to VERSION: %s', (_, result, expected) => {
  expect(readVersionReply({ stderr: '', ...result })).toEqual(expected);
});
