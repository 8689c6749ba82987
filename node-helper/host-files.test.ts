import { expect, test } from 'vitest';
import { fakeHost } from './fake-host.ts';
import { resolveInRoot } from './host-files.ts';

const host = fakeHost({
  files: {
    '/host/etc/cni/net.d/10-a.conf': '{}',
    '/host/etc/cni/current': '-> /etc/cni/net.d',
    '/host/etc/cni/up': '-> ../../../../etc/cni/net.d',
    '/host/etc/cni/loop': '-> loop2',
    '/host/etc/cni/loop2': '-> /etc/cni/loop',
  },
});

test.each([
  ['/etc/cni/net.d/10-a.conf', '/host/etc/cni/net.d/10-a.conf'],
  ['/etc/cni/current/10-a.conf', '/host/etc/cni/net.d/10-a.conf'],
  ['/etc/cni/up', '/host/etc/cni/net.d'],
  ['/etc//cni/./net.d/../net.d/', '/host/etc/cni/net.d'],
  ['/../../../etc/cni/net.d', '/host/etc/cni/net.d'],
  ['/no/such/file', '/host/no/such/file'],
])('%s of the host lies at %s, links and dots never lead out', (path, expected) => {
  expect(resolveInRoot(host, '/host', path)).toBe(expected);
});

test('gives up on links in a circle', () => {
  expect(() => resolveInRoot(host, '/host', '/etc/cni/loop')).toThrow('ELOOP');
});
