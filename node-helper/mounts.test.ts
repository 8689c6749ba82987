import { expect, test } from 'vitest';
import { fakeHost } from './fake-host.ts';
import { findMount } from './mounts.ts';
import { readCni } from './read-cni.ts';

const mountinfo = `22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:25 / /opt rw,relatime shared:2 - ext4 /dev/sdb1 rw,errors=remount-ro
31 30 0:26 / /opt/cni/bin rw,nosuid,noexec - tmpfs tmpfs ro
32 22 0:27 / /with\\040blank rw - tmpfs tmpfs rw
`;

test('finds the mount that holds a path, with the options of both the mount and its file system', () => {
  const host = fakeHost({ files: { '/proc/9/mountinfo': mountinfo, '/proc/9/root/bin': '-> /opt/cni/bin' } });
  const find = (path: string) => findMount(host, '/proc/9/root', path);
  expect(find('/opt/cni/bin/bridge')).toEqual({ point: '/opt/cni/bin', options: ['rw', 'nosuid', 'noexec', 'ro'] });
  expect(find('/opt/cni/binary')?.point).toBe('/opt');
  expect(find('/bin/bridge')?.point).toBe('/opt/cni/bin');
  expect(find('/with blank/x')?.point).toBe('/with blank');
  expect(find('/etc')?.point).toBe('/');
  expect(findMount(host, '/host', '/opt')).toBeUndefined();
});

test('a program on a file system without “exec” is not started', async () => {
  const host = fakeHost({
    files: {
      '/proc/self/ns/mnt': '-> mnt:[1]',
      '/proc/self/mountinfo': mountinfo,
      '/proc/1/cgroup': '0::/',
      '/etc/cni/net.d/a.conf': '{"name":"a","type":"bridge"}',
      '/opt/cni/bin/bridge': '\x7fELF',
    },
    run: () => ({ stdout: '{"supportedVersions":["0.1.0"]}' }),
  });
  const { plugins, notes } = await readCni(host, {});
  expect(notes).toEqual([expect.stringContaining('/opt/cni/bin lies on a file system that is mounted read-only')]);
  expect(plugins).toMatchObject([{ fault: 'noexec', error: expect.stringContaining('/opt/cni/bin') }]);
  expect(host.ran).toEqual([]);
});
