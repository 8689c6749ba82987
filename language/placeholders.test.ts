import { describe, expect, test } from 'vitest';
import { hasPlaceholder } from './placeholders.ts';
import { Workspace } from './workspace.ts';

function said(...texts: string[]): string[] {
  const workspace = new Workspace();
  for (const [index, text] of texts.entries()) workspace.setFile(`file:///${index}.yaml`, text);
  return workspace.findings().map(({ code, range }) => `${code} ${range.start.line + 1}`);
}

describe('what is filled in before it is applied', () => {
  test.each(['${HOST}', 'shop.${DOMAIN:=example.com}', '$HOST', '${{PORT}}', '$(HOST)', '${var.host}'])(
    '%s is a placeholder',
    (text) => expect(hasPlaceholder(text)).toBe(true),
  );

  test.each(['^/shop$', '/a|b$', '%REQ(:PATH)%', '$1', 'a$', '$', '(\\$|a)', 'shop.example.com'])(
    '%s is none',
    (text) => expect(hasPlaceholder(text)).toBe(false),
  );

  test('what is never closed is read in no time', () => {
    const start = performance.now();
    expect(hasPlaceholder('${a'.repeat(100_000))).toBe(false);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  const virtualService = (host: string, timeout: string) => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop }
spec:
  hosts:
    - ${host}
  http:
    - timeout: ${timeout}
      route: [{ destination: { host: shop } }]
`;

  test('nothing is said of it, and of all else as ever', () => {
    expect(said(virtualService('shop_', '5'))).toEqual(['IST0106 6', 'IST0106 8']);
    expect(said(virtualService('${HOST}', '5'))).toEqual(['IST0106 8']);
    expect(said(virtualService('"${HOST}"', '${TIMEOUT}'))).toEqual([]);
  });

  test('what is no YAML before it is filled in is a template', () => {
    expect(said(virtualService('shop', '5s').replace('host: shop', 'host: shop, port: { number: ${PORT} }'))).toEqual(
      [],
    );
    expect(said(virtualService('shop', '5s').replace('host: shop', 'host: shop, port: { number: } }'))).not.toEqual([]);
  });

  test('so are the sources of ytt', () => {
    expect(said(virtualService('#@ data.values.host', '5s'))).toEqual([]);
    expect(said(virtualService('# @ a comment', '5s'))).not.toEqual([]);
  });

  test('who waits for its name may be the one that another resource names', () => {
    const gateway = (name: string) => `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: "${name}" }
spec: { selector: { app: a }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }] }
`;
    const routed = virtualService('shop', '5s').replace('  http:', '  gateways: [main]\n  http:');
    expect(said(routed, gateway('other'))).toEqual(['IST0101 7']);
    expect(said(routed, gateway('${GATEWAY}'))).toEqual([]);
  });
});
