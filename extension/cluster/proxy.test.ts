import { expect, it } from 'vitest';
import { findEnvironmentProxy } from './proxy.ts';

const environment = {
  HTTPS_PROXY: 'proxy.example:3128',
  no_proxy: 'internal.example,.corp,10.0.0.0/8,*.lan,odd.example:8443',
};

it.each([
  ['https://api.example', 'http://proxy.example:3128'],
  ['http://api.example', undefined],
  ['https://localhost:6443', undefined],
  ['https://127.0.0.1:6443', undefined],
  ['https://[::1]:6443', undefined],
  ['https://internal.example', undefined],
  ['https://a.internal.example', undefined],
  ['https://notinternal.example', 'http://proxy.example:3128'],
  ['https://a.corp', undefined],
  ['https://corp', 'http://proxy.example:3128'],
  ['https://a.lan', undefined],
  ['https://10.1.2.3:6443', undefined],
  ['https://11.1.2.3:6443', 'http://proxy.example:3128'],
  ['https://odd.example:8443', undefined],
  ['https://odd.example', 'http://proxy.example:3128'],
])('goes to %s through %s', (server, proxy) => {
  expect(findEnvironmentProxy(new URL(server), environment)).toBe(proxy);
});

it('goes directly when no proxy is named, or all hosts are excepted', () => {
  expect(findEnvironmentProxy(new URL('https://a'), {})).toBeUndefined();
  expect(findEnvironmentProxy(new URL('https://a'), { https_proxy: 'http://p', NO_PROXY: '*' })).toBeUndefined();
});
