import { expect, test } from 'vitest';
import { fakeHost } from './fake-host.ts';
import { belongsToPod, isContained, listHostProcesses, listProcesses, startTime } from './processes.ts';

const uid = '9f1c2a3b-0d4e-4f5a-8b6c-7d8e9f0a1b2c';
const under = uid.replaceAll('-', '_');
const id = '4be1'.repeat(16);

test.each([
  [
    'cgroup v1, cgroupfs',
    `11:memory:/kubepods/burstable/pod${uid}/${id}\n1:name=systemd:/kubepods/burstable/pod${uid}/${id}\n`,
  ],
  ['cgroup v1, guaranteed', `4:cpu,cpuacct:/kubepods/pod${uid}/${id}\n`],
  ['cgroup v2, cgroupfs', `0::/kubepods/besteffort/pod${uid}/${id}\n`],
  [
    'systemd, containerd',
    `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${under}.slice/cri-containerd-${id}.scope\n`,
  ],
  [
    'systemd, CRI-O',
    `0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${under}.slice/crio-${id}.scope\n`,
  ],
  [
    'systemd, CRI-O with a container below its scope',
    `0::/kubepods.slice/kubepods-pod${under}.slice/crio-${id}.scope/container\n`,
  ],
  ['systemd, docker', `1:name=systemd:/kubepods.slice/kubepods-pod${under}.slice/docker-${id}.scope\n`],
  [
    'containerd with mixed drivers',
    `3:memory:/system.slice/containerd.service/kubepods-burstable-pod${under}.slice:cri-containerd:${id}\n`,
  ],
  ['another cgroup namespace', `0::/../../kubepods-burstable-pod${under}.slice/cri-containerd-${id}.scope\n`],
  ['kubelet inside a container', `0::/docker/${'ab'.repeat(32)}/kubelet/kubepods/burstable/pod${uid}/${id}\n`],
  [
    'kubelet’s own slice',
    `0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod${under}.slice/cri-containerd-${id}.scope\n`,
  ],
  ['Docker inside the pod', `0::/kubepods/burstable/pod${uid}/${id}/docker/${'cd'.repeat(32)}\n`],
])('finds the pod by its UID: %s', (_, cgroup) => {
  expect(belongsToPod(cgroup, uid)).toBe(true);
  expect(belongsToPod(cgroup, uid.toUpperCase())).toBe(true);
  expect(belongsToPod(cgroup, '00000000-0d4e-4f5a-8b6c-7d8e9f0a1b2c')).toBe(false);
  expect(isContained(cgroup)).toBe(true);
});

test.each([
  ['containerd', `0::/system.slice/cri-containerd-${id}.scope`, `containerd://${id}`],
  ['CRI-O', `0::/machine.slice/crio-${id}.scope`, `cri-o://${id}`],
  ['docker', `0::/docker/${id}`, `docker://${id}`],
  ['without a scheme', `0::/machine.slice/libpod-${id}.scope/container`, id],
])('finds the pod by a container’s id where the cgroup holds no UID: %s', (_, cgroup, containerId) => {
  expect(belongsToPod(cgroup, uid, [containerId])).toBe(true);
  expect(belongsToPod(cgroup, uid, [`containerd://${'00'.repeat(32)}`, ''])).toBe(false);
});

test('finds a static pod by the hash that is its UID on the node', () => {
  const hash = '8d1bd9e0a1c24f0f9a0b1c2d3e4f5a6b';
  expect(belongsToPod(`0::/kubepods.slice/kubepods-burstable-pod${hash}.slice/cri-containerd-${id}.scope`, hash)).toBe(
    true,
  );
});

test('does not take a pod whose UID only begins alike, nor a monitor that lives on the host', () => {
  expect(belongsToPod(`0::/kubepods/pod${uid}0/${id}`, uid)).toBe(false);
  expect(belongsToPod(`0::/kubepods/pod${uid}-x/${id}`, uid)).toBe(false);
  expect(belongsToPod(`0::/kubepods.slice/kubepods-pod${under}.slice/crio-conmon-${id}.scope`, uid, [id])).toBe(false);
  expect(belongsToPod('0::/\n', uid, [])).toBe(false);
  expect(belongsToPod('', uid)).toBe(false);
});

test('takes the kubelet before PID 1 for the host, and no runtime that itself runs in a pod', () => {
  const host = fakeHost({
    files: {
      '/proc/1/cgroup': '0::/init.scope',
      '/proc/1/comm': 'systemd\n',
      '/proc/2/cgroup': '0::/',
      '/proc/2/comm': 'kthreadd\n',
      '/proc/70/cgroup': '0::/system.slice/containerd.service',
      '/proc/70/comm': 'containerd\n',
      '/proc/80/cgroup': '0::/system.slice/kubelet.service',
      '/proc/80/comm': 'kubelet\n',
      '/proc/90/cgroup': `0::/kubepods/pod${uid}/${id}`,
      '/proc/90/comm': 'dockerd\n',
      '/proc/95/comm': 'gone',
      '/proc/self/cgroup': '0::/',
    },
  });
  expect(listHostProcesses(host, listProcesses(host)).map(({ pid }) => pid)).toEqual([80, 70, 2, 1]);
});

test('reads the start time behind a program’s name with blanks and brackets', () => {
  const rest = Array.from({ length: 30 }, (_, i) => i + 3).join(' ');
  expect(startTime(fakeHost({ files: { '/proc/7/stat': `7 (a b) c) ${rest}` } }), 7)).toBe(22);
});
