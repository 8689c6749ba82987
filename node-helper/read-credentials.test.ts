import { expect, test } from 'vitest';
import { parseCniFile } from '../mesh/cni/parse-cni-file.ts';
import { fakeHost } from './fake-host.ts';
import { readCredentials } from './read-credentials.ts';

const token = (exp: unknown) => `e30.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.c2ln`;
const entry = (config: object) =>
  parseCniFile({ name: 'a.conf', content: JSON.stringify({ name: 'n', ...config }) }).list!.plugins;

function read(config: object, files: Record<string, string>) {
  return readCredentials(fakeHost({ files }), ['/proc/9/root'], entry(config));
}

test.each([
  [
    'a token that stands there',
    { '/proc/9/root/run/k': `users:\n- user:\n    token: ${token(99)}\n` },
    { state: 'there', expires: 99 },
  ],
  [
    'JSON',
    { '/proc/9/root/run/k': JSON.stringify({ users: [{ user: { token: token(98) } }] }) },
    { state: 'there', expires: 98 },
  ],
  [
    'a token in a file',
    { '/proc/9/root/run/k': 'users:\n- user: {tokenFile: "/run/t"}\n', '/proc/9/root/run/t': `${token(97)}\n` },
    { state: 'there', expires: 97 },
  ],
  ['a certificate', { '/proc/9/root/run/k': 'users:\n- user:\n    client-certificate: /x\n' }, { state: 'there' }],
  ['a token that says no end', { '/proc/9/root/run/k': `token: ${token('soon')}` }, { state: 'there' }],
  ['a token that is none', { '/proc/9/root/run/k': 'token: a.b.c' }, { state: 'there' }],
  ['no file', {}, { state: 'missing' }],
  ['a closed file', { '/proc/9/root/run/k': '!EACCES' }, { state: 'unreadable' }],
])('a kubeconfig with %s', (_, files, expected) => {
  const config = { type: 'linkerd-cni', kubernetes: { kubeconfig: '/run/k' } };
  expect(read(config, files)).toEqual([{ plugin: 'linkerd-cni', path: '/run/k', ...expected }]);
});

test('Istio’s plugin names a directory, which a link may lead to', () => {
  const files = {
    '/proc/9/root/var/run': '-> /run',
    '/proc/9/root/run/istio-cni/istio-cni-kubeconfig': `token: ${token(5)}`,
  };
  expect(read({ type: 'istio-cni', cni_agent_run_dir: '/var/run/istio-cni' }, files)).toEqual([
    { plugin: 'istio-cni', path: '/var/run/istio-cni/istio-cni-kubeconfig', state: 'there', expires: 5 },
  ]);
});

test('nothing is told where the host’s files cannot be seen, and never the token itself', () => {
  expect(readCredentials(fakeHost({ files: {} }), [], entry({ type: 'x', kubeconfig: '/run/k' }))).toEqual([]);
  const told = read({ type: 'x', kubeconfig: '/run/k' }, { '/proc/9/root/run/k': `token: ${token(1)}` });
  expect(JSON.stringify(told)).not.toContain('c2ln');
});
