import { expect, test } from 'vitest';
import { fakeHost } from '../fake-host.ts';
import type { FileFacts, Host } from '../host.ts';
import type { RuntimeSocket, RuntimeStatus } from './ask-socket.ts';
import { describeRuntime } from './describe-runtime.ts';

/** `pid → [comm, command line, cgroup]`; a file named like a socket is one. */
function node(
  processes: Record<number, [comm: string, command: string, cgroup?: string]>,
  files: Record<string, string> = {},
  hostRoot = '/host',
): Host {
  const all = { ...files };
  for (const [pid, [comm, command, cgroup = '0::/system.slice/x.service']] of Object.entries(processes)) {
    all[`/proc/${pid}/cgroup`] = cgroup;
    all[`/proc/${pid}/comm`] = `${comm}\n`;
    all[`/proc/${pid}/cmdline`] = `${command.replaceAll(' ', '\0')}\0`;
  }
  const host = fakeHost({ files: all, hostRoot });
  const facts = (path: string): FileFacts => {
    const found = host.facts(path);
    return path.endsWith('.sock') ? { ...found, kind: 'other' } : found;
  };
  return { ...host, facts };
}

const containerd = (cni: object, more: Partial<RuntimeStatus> = {}): RuntimeStatus => ({
  name: 'containerd',
  version: 'v1.7.2',
  network: { ready: true, message: '' },
  info: { config: JSON.stringify({ cni }), lastCNILoadStatus: 'OK' },
  ...more,
});

/** By path: what it says, or why not. */
function sockets(answers: Record<string, RuntimeStatus | string>, crio?: string): RuntimeSocket & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    status: (path) => {
      asked.push(path);
      const answer = answers[path] ?? 'nobody listens on it';
      return typeof answer === 'string' ? Promise.reject(new Error(answer)) : Promise.resolve(answer);
    },
    crioConfig: () => (crio === undefined ? Promise.reject(new Error('it answered 404')) : Promise.resolve(crio)),
  };
}

test('believes what containerd says of itself before its file', async () => {
  const host = node(
    { 40: ['containerd', '/usr/bin/containerd --config /etc/c.toml'] },
    {
      '/proc/40/root/run/containerd/containerd.sock': '',
      '/proc/40/root/etc/c.toml': '[plugins."io.containerd.grpc.v1.cri".cni]\nconf_dir = "/stale"\n',
    },
  );
  const status = containerd(
    { binDir: '/opt/cni/bin', confDir: '/etc/cni/net.d', maxConfNum: 1 },
    {
      info: {
        lastCNILoadStatus: 'cni config load failed: x',
        cniconfig: JSON.stringify({
          PluginDirs: ['/a/bin', '/b/bin'],
          PluginConfDir: '/a/net.d',
          Networks: [
            { IFName: 'lo', Config: { Name: 'cni-loopback' } },
            { IFName: 'eth0', Config: { Name: 'podnet', Source: '{"name":"podnet"}' } },
          ],
        }),
      },
    },
  );
  const socket = sockets({ '/proc/40/root/run/containerd/containerd.sock': status });
  expect(await describeRuntime(host, { socket })).toEqual({
    program: 'containerd',
    version: 'v1.7.2',
    source: 'status',
    confDir: '/a/net.d',
    binDirs: ['/a/bin', '/b/bin'],
    lastLoad: 'cni config load failed: x',
    loaded: ['podnet'],
    loadedTexts: ['{"name":"podnet"}'],
  });
});

test('asks the runtime that kubelet uses, not Docker’s own containerd', async () => {
  const host = node(
    {
      30: ['containerd', 'containerd --config /var/run/docker/containerd/containerd.toml'],
      31: ['kubelet', '/usr/bin/kubelet --config=/var/lib/kubelet/config.yaml --v=2'],
    },
    {
      '/proc/30/root/run/containerd/containerd.sock': '',
      '/proc/31/root/var/lib/kubelet/config.yaml':
        'kind: KubeletConfiguration\ncontainerRuntimeEndpoint: unix:///run/k8s/own.sock\n',
      '/proc/31/root/run/k8s/own.sock': '',
    },
  );
  const socket = sockets({
    '/proc/31/root/run/k8s/own.sock': containerd({ binDirs: ['/own/bin'], confDir: '/own/conf/' }),
    '/proc/30/root/run/containerd/containerd.sock': containerd({ binDir: '/x', confDir: '/x' }),
  });
  expect(await describeRuntime(host, { socket })).toMatchObject({
    confDir: '/own/conf',
    binDirs: ['/own/bin'],
    lastLoad: '',
  });
});

test('a socket that hangs or talks rubbish is a note; the configuration speaks', async () => {
  const host = node(
    { 40: ['containerd', '/usr/local/bin/containerd'] },
    {
      '/host/run/containerd/containerd.sock': '',
      '/host/etc/containerd/config.toml':
        'version = 3\nimports = ["conf.d/*.toml"]\n[plugins."io.containerd.cri.v1.runtime".cni]\nbin_dirs = ["/v3/bin"]\nconf_dir = "/v3/conf"\n',
      '/host/etc/containerd/conf.d/10-cni.toml':
        '[plugins."io.containerd.cri.v1.runtime".cni]\nconf_dir = "/imported/conf"\nmax_conf_num = 0\n',
    },
  );
  const notes: string[] = [];
  const socket = sockets({ '/host/run/containerd/containerd.sock': 'it gave no answer within 2 seconds' });
  expect(await describeRuntime(host, { socket, notes })).toEqual({
    program: 'containerd',
    source: 'configuration',
    confDir: '/imported/conf',
    binDirs: ['/v3/bin'],
    maxNetworks: 0,
  });
  expect(notes).toEqual([
    'The container runtime was asked on /run/containerd/containerd.sock, but it gave no answer within 2 seconds.',
  ]);
});

test.each([
  ['1', '[plugins.cri.cni]\nbin_dir = "/b"\nconf_dir = "/c"\n'],
  [
    '2',
    'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n[plugins."io.containerd.grpc.v1.cri".cni]\nbin_dir = "/b"\nconf_dir = "/c"\n',
  ],
  [
    '3',
    "version = 3\n[plugins]\n[plugins.'io.containerd.cri.v1.runtime']\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nbin_dirs = ['/b']\nconf_dir = '/c'\n",
  ],
])('understands containerd’s configuration of version %s', async (_, text) => {
  const host = node({ 4: ['containerd', 'containerd -c /x/config.toml'] }, { '/proc/4/root/x/config.toml': text });
  expect(await describeRuntime(host, { socket: sockets({}) })).toMatchObject({
    source: 'configuration',
    confDir: '/c',
    binDirs: ['/b'],
  });
});

test('k3s’ own containerd, by the path in its command line', async () => {
  const host = node(
    {
      50: ['k3s-server', '/usr/local/bin/k3s server'],
      51: [
        'containerd',
        'containerd -c /var/lib/rancher/k3s/agent/etc/containerd/config.toml -a /run/k3s/containerd/containerd.sock',
      ],
    },
    { '/proc/51/root/run/k3s/containerd/containerd.sock': '' },
  );
  const path = '/proc/51/root/run/k3s/containerd/containerd.sock';
  const told = { binDir: '/var/lib/rancher/k3s/data/cni', confDir: '/var/lib/rancher/k3s/agent/etc/cni/net.d' };
  expect(await describeRuntime(host, { socket: sockets({ [path]: containerd(told) }) })).toMatchObject({
    program: 'containerd',
    source: 'status',
    confDir: '/var/lib/rancher/k3s/agent/etc/cni/net.d',
  });
});

const crioFiles = {
  '/host/etc/crio/crio.conf': '[crio.network]\nnetwork_dir = "/etc/cni/net.d/"\nplugin_dirs = ["/opt/cni/bin/"]\n',
  '/host/etc/crio/crio.conf.d/20-multus.conf':
    '[crio.network]\ncni_default_network = "multus"\nplugin_dirs = ["/var/lib/cni/bin"]\n',
  '/host/run/crio/crio.sock': '',
};
const crio: RuntimeStatus = {
  name: 'cri-o',
  version: '1.30.1',
  network: { ready: false, message: 'no CNI configuration file in /etc/cni/net.d/' },
  info: {},
};

test('CRI-O tells its configuration itself, or its files do', async () => {
  const host = node({ 60: ['crio', '/usr/bin/crio'] }, crioFiles);
  const own =
    '[crio.network]\nnetwork_dir = "/etc/kubernetes/cni/net.d/"\nplugin_dirs = ["/x"]\ncni_default_network = "ovn"\n';
  const answers = { '/host/run/crio/crio.sock': crio };
  expect(await describeRuntime(host, { socket: sockets(answers, own) })).toEqual({
    program: 'crio',
    version: '1.30.1',
    source: 'status',
    confDir: '/etc/kubernetes/cni/net.d',
    binDirs: ['/x'],
    defaultNetwork: 'ovn',
    lastLoad: 'no CNI configuration file in /etc/cni/net.d/',
  });
  expect(await describeRuntime(host, { socket: sockets(answers), notes: [] })).toMatchObject({
    source: 'configuration',
    confDir: '/etc/cni/net.d',
    binDirs: ['/var/lib/cni/bin'],
    defaultNetwork: 'multus',
  });
});

test('dockershim and cri-dockerd: their arguments', async () => {
  const shim = node({
    70: ['kubelet', 'kubelet --network-plugin=cni --cni-conf-dir=/k/net.d --cni-bin-dir=/k/bin,/opt/cni/bin'],
    71: ['dockerd', '/usr/bin/dockerd'],
    72: ['containerd', 'containerd --config /var/run/docker/containerd/containerd.toml'],
  });
  expect(await describeRuntime(shim, { socket: sockets({}) })).toEqual({
    program: 'kubelet',
    source: 'arguments',
    confDir: '/k/net.d',
    binDirs: ['/k/bin', '/opt/cni/bin'],
  });
  const docker = node(
    { 73: ['cri-dockerd', '/usr/bin/cri-dockerd --network-plugin=cni --cni-conf-dir /d/net.d'] },
    { '/host/run/cri-dockerd.sock': '' },
  );
  const status = { name: 'docker', version: '24.0.5', network: { ready: true, message: '' }, info: {} };
  expect(await describeRuntime(docker, { socket: sockets({ '/host/run/cri-dockerd.sock': status }) })).toEqual({
    program: 'cri-dockerd',
    version: '24.0.5',
    source: 'arguments',
    confDir: '/d/net.d',
    binDirs: ['/opt/cni/bin'],
    lastLoad: '',
  });
});

test('the usual places of a distribution, when nobody tells', async () => {
  const host = node(
    { 80: ['containerd', '/snap/microk8s/1/bin/containerd'] },
    {
      '/host/var/snap/microk8s/current/args/cni-network/10-calico.conflist': '{}',
      '/host/var/snap/microk8s/current/opt/cni/bin/calico': '',
    },
  );
  expect(await describeRuntime(host, { socket: sockets({}) })).toEqual({
    program: 'containerd',
    source: 'usual',
    confDir: '/var/snap/microk8s/current/args/cni-network',
    binDirs: ['/var/snap/microk8s/current/opt/cni/bin'],
  });
});

test('a link to the socket is followed inside the host’s root', async () => {
  const host = node(
    { 40: ['containerd', 'containerd'] },
    { '/proc/40/root/run/containerd/containerd.sock': '', '/proc/40/root/var/run': '-> /run', '/proc/9/x': '' },
  );
  const kubelet = node(
    { 40: ['kubelet', 'kubelet --container-runtime-endpoint unix:///var/run/containerd/containerd.sock'] },
    { '/proc/40/root/run/containerd/containerd.sock': '', '/proc/40/root/var/run': '-> /run' },
  );
  for (const one of [host, kubelet]) {
    const socket = sockets({});
    await describeRuntime(one, { socket, notes: [] });
    expect(socket.asked).toContain('/proc/40/root/run/containerd/containerd.sock');
  }
});

test('a container runtime inside a pod is nobody’s, and a node without any has none', async () => {
  const nested = node({ 90: ['containerd', 'containerd', '0::/kubepods/burstable/pod1/2'] });
  expect(await describeRuntime(nested, { socket: sockets({}) })).toBeUndefined();
  expect(await describeRuntime(node({}), { socket: sockets({}) })).toBeUndefined();
});

test('a network that is loaded and not ready is no failed load; a directory of a runtime class is told', async () => {
  const path = '/host/run/containerd/containerd.sock';
  const host = node({ 40: ['containerd', '/usr/local/bin/containerd'] }, { [path]: '' });
  const kata = { cni: { confDir: '/c', binDirs: ['/b'] }, containerd: { runtimes: { kata: { cniConfDir: '/k' } } } };
  const status = containerd({}, { network: { ready: false, message: 'no addresses left' } });
  const notes: string[] = [];
  const socket = sockets({ [path]: { ...status, info: { ...status.info, config: JSON.stringify(kata) } } });
  expect(await describeRuntime(host, { socket, notes })).toMatchObject({ lastLoad: '', notReady: 'no addresses left' });
  expect(notes).toEqual([expect.stringContaining('“kata” by /k')]);
});
