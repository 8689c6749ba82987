/** What containerd makes of its configuration; each case was put to a real one (test/netns/runtime-containerd2.test.ts). */
import { expect, test } from 'vitest';
import { fakeHost } from '../fake-host.ts';
import { containerdSettings, readContainerdConfig } from './configuration.ts';
import { parseToml } from './parse-toml.ts';

const second = 'plugins."io.containerd.grpc.v1.cri"';
const third = 'plugins."io.containerd.cri.v1.runtime"';

test.each([
  ['version = 4\n[plugins."io.containerd.server.v1.grpc"]\naddress = "/run/a.sock"', { address: '/run/a.sock' }],
  [`version = 3\n[${third}.cni]\nbin_dir = "/b"\nconf_dir = "/c"`, { confDir: '/c' }],
  [`version = 3\n[${second}.cni]\nbin_dir = "/b"`, { binDirs: ['/b'] }],
  [`version = 4\n[${second}.cni]\nbin_dir = "/b"`, {}],
  [`version = 2\n[${second}.cni]\nbin_dir = "/b"\nbin_dirs = ["/x"]`, { binDirs: ['/b'] }],
  [`version = 2\n[${second}.cni]\nbin_dirs = ["/x", "/y"]`, { binDirs: ['/x', '/y'] }],
  ['[plugins.cri.cni]\nconf_dir = "/c"', { confDir: '/c' }],
  ['version = 2\n[plugins.cri.cni]\nconf_dir = "/c"', {}],
  ['version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]', { disabled: true }],
])('%j', (text, expected) => {
  expect(containerdSettings(parseToml(text))).toEqual(expected);
});

function read(files: Record<string, string>) {
  const notes: string[] = [];
  const host = fakeHost({
    files: Object.fromEntries(Object.entries(files).map(([name, text]) => [`/etc/containerd/${name}`, text])),
  });
  return readContainerdConfig({ host, roots: [''], notes });
}

test('an imported file replaces the whole part in version 2, and wins key by key later', () => {
  const imports = (version: number, name: string) =>
    `version = ${version}\nimports = ["conf.d/*.toml"]\n[${name}.cni]\nconf_dir = "/c"\n`;
  const image = (version: number, name: string) => `version = ${version}\n[${name}]\nsandbox_image = "x"\n`;
  expect(read({ 'config.toml': imports(2, second), 'conf.d/a.toml': image(2, second) })).toEqual({});
  expect(read({ 'config.toml': imports(3, third), 'conf.d/a.toml': image(3, third) })).toEqual({ confDir: '/c' });
  expect(read({ 'config.toml': imports(3, third), 'conf.d/a.toml': image(2, second) })).toEqual({ confDir: '/c' });
});

test('files are read in the order of containerd: those beside each other before those that they import', () => {
  const directory = (name: string) => `[${third}.cni]\nconf_dir = "/${name}"\n`;
  expect(
    read({
      'config.toml': 'version = 3\nimports = ["one.toml", "sub/*/x.toml", "config.toml"]\n',
      'one.toml': `version = 3\nimports = ["last.toml"]\n${directory('one')}`,
      'sub/b/x.toml': `version = 3\n${directory('b')}`,
      'sub/.a/x.toml': `version = 3\n${directory('a')}[${third}.cni2]\n`,
      'last.toml': `version = 3\n${directory('last')}`,
    }),
  ).toEqual({ confDir: '/last' });
});
