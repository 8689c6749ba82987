import { expect, test } from 'vitest';
import type { PodTarget } from '../contract/node-helper.ts';
import { Failure } from './failure.ts';
import { fakeHost, type FakeFiles } from './fake-host.ts';
import { findPodNetns, findProcessNetns } from './find-pod.ts';

const uid = '9f1c2a3b-0d4e-4f5a-8b6c-7d8e9f0a1b2c';
const pod: PodTarget = { uid, namespace: 'shop', name: 'reviews-1', ips: ['10.88.0.7'] };
const hostNs = 4026531840;

/** One process: its netns' inode, its address there, when it started. */
function process(
  pid: number,
  netns: number | string,
  options: { cgroup?: string; ip?: string; start?: number; program?: string } = {},
): FakeFiles {
  const { cgroup = `/kubepods/pod${uid}/${'4b'.repeat(32)}`, ip, start = pid, program = 'app' } = options;
  return {
    [`/proc/${pid}/cgroup`]: `0::${cgroup}\n`,
    [`/proc/${pid}/comm`]: `${program}\n`,
    [`/proc/${pid}/cmdline`]: `/usr/bin/${program}\0--flag\0`,
    [`/proc/${pid}/stat`]: `${pid} (${program}) S ${Array.from({ length: 18 }, () => 0).join(' ')} ${start} 0`,
    [`/proc/${pid}/ns/net`]: typeof netns === 'string' ? netns : `-> net:[${netns}]`,
    ...(ip && { [`/proc/${pid}/net/fib_trie`]: `  |-- ${ip}\n     /32 host LOCAL\n` }),
  };
}

const node = {
  ...process(1, '!EACCES', { cgroup: '/', program: 'init' }),
  ...process(50, hostNs, { cgroup: '/system.slice/kubelet.service', program: 'kubelet' }),
};

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Failure) return error.answer.code;
    throw error;
  }
  return 'found';
}

test('takes the oldest process of the pod and holds its netns open', () => {
  const host = fakeHost({
    files: { ...node, ...process(101, 4001, { ip: '10.88.0.7', start: 900 }), ...process(205, 4001, { start: 300 }) },
  });
  const found = findPodNetns(host, pod);
  expect(found).toMatchObject({ pid: 205, name: 'net:[4001]', podPids: [101, 205], notes: [] });
  expect([...host.stillOpen]).toEqual(['/proc/205/ns/net']);
});

test('of several network namespaces takes the one that holds the pod’s address, even if another is older', () => {
  const files = {
    ...node,
    ...process(101, 4001, { ip: '172.17.0.1', start: 100 }),
    ...process(102, 4002, { ip: '10.88.0.7', start: 200 }),
    ...process(103, 4002, { ip: '10.88.0.7', start: 250 }),
  };
  expect(findPodNetns(fakeHost({ files }), pod)).toMatchObject({ pid: 102, name: 'net:[4002]', notes: [] });
});

test('says so when no network namespace holds the address', () => {
  const found = findPodNetns(fakeHost({ files: { ...node, ...process(101, 4001, { ip: '10.88.0.99' }) } }), pod);
  expect(found.pid).toBe(101);
  expect(found.notes.join()).toContain('10.88.0.7');
});

test('recognises an IPv6 address in any spelling', () => {
  const files = {
    ...node,
    ...process(101, 4001),
    ...process(102, 4002),
    '/proc/102/net/if_inet6': 'fd000000000000000000000000000007 02 40 00 80 eth0\n',
  };
  expect(findPodNetns(fakeHost({ files }), { ...pod, ips: ['FD00:0::7'] }).pid).toBe(102);
});

test('a pod on the host’s network is refused, not shown with the node’s rules', () => {
  expect(codeOf(() => findPodNetns(fakeHost({ files: { ...node, ...process(101, hostNs) } }), pod))).toBe(
    'host-network',
  );
  expect(codeOf(() => findProcessNetns(fakeHost({ files: { ...node, ...process(101, hostNs) } }), 101))).toBe(
    'host-network',
  );
});

test('a helper process of the runtime on the host’s network does not make the pod one', () => {
  expect(
    findPodNetns(fakeHost({ files: { ...node, ...process(101, hostNs, { start: 1 }), ...process(102, 4002) } }), pod)
      .pid,
  ).toBe(102);
});

test('tells a pod without processes, a closed one and a sandbox apart', () => {
  expect(codeOf(() => findPodNetns(fakeHost({ files: node }), pod))).toBe('pod-not-found');
  expect(codeOf(() => findPodNetns(fakeHost({ files: { ...node, ...process(101, '!EACCES') } }), pod))).toBe(
    'not-permitted',
  );
  const sandbox = {
    ...process(101, 4001, { program: 'qemu-system-x86_64' }),
    ...process(102, 4001, { program: 'virtiofsd' }),
  };
  expect(codeOf(() => findPodNetns(fakeHost({ files: { ...node, ...sandbox } }), pod))).toBe('sandboxed');
});

test('a sandbox whose runtime sits in the pod’s cgroup beside it is one, too', () => {
  const sandbox = {
    ...process(101, 4001, { program: 'containerd-shim-kata-v2' }),
    ...process(102, 4001, { program: 'cloud-hypervisor' }),
  };
  expect(codeOf(() => findPodNetns(fakeHost({ files: { ...node, ...sandbox } }), pod))).toBe('sandboxed');
});

test('a pod whose app is a virtual machine is no sandbox', () => {
  const files = {
    ...node,
    ...process(101, 4001, { program: 'qemu-system-x86_64' }),
    ...process(102, 4001, { program: 'virt-launcher' }),
  };
  expect(codeOf(() => findPodNetns(fakeHost({ files }), pod))).toBe('found');
});

test('notices a process number that was given to another process meanwhile', () => {
  const host = fakeHost({ files: { ...node, ...process(101, 4001) } });
  const open = host.open;
  host.open = (path) => ({ ...open(path), inode: 4999 });
  expect(codeOf(() => findPodNetns(host, pod))).toBe('pod-not-found');
});
