import { describe, expect, it } from 'vitest';
import { decideServerMtls } from './decide-server-mtls.ts';
import type { Taken } from './decide-server-mtls.ts';
import { summarizeServer } from './describe-mtls.ts';
import type { MeshPod, PeerAuthentication } from './security-objects.ts';
import { meshPod, pa, service, world } from './security.fixture.ts';

const strict = { mtls: { mode: 'STRICT' } };
const disable = { mtls: { mode: 'DISABLE' } };
const unset = { mtls: { mode: 'UNSET' } };
const reviews = { selector: { matchLabels: { app: 'reviews' } } };
const root = 'istio-system';

function serverOf(policies: PeerAuthentication[], pod: MeshPod = meshPod('reviews')) {
  return decideServerMtls(pod, world({ peerAuthentications: policies, services: [service('reviews')] }));
}

describe('which PeerAuthentication wins', () => {
  const cases: [title: string, policies: PeerAuthentication[], takes: Taken, by: string | undefined][] = [
    ['nobody: PERMISSIVE', [], 'PERMISSIVE', undefined],
    ['the mesh', [pa('default', strict, root)], 'STRICT', `${root}/default`],
    ['the namespace before the mesh', [pa('default', strict, root), pa('ns', disable)], 'DISABLE', 'shop/ns'],
    [
      'the workload before the namespace',
      [pa('ns', strict), pa('own', { ...reviews, ...disable })],
      'DISABLE',
      'shop/own',
    ],
    [
      'the namespace where the workload says UNSET',
      [pa('ns', strict), pa('own', { ...reviews, ...unset })],
      'STRICT',
      'shop/ns',
    ],
    [
      'the mesh where namespace and workload say nothing',
      [pa('m', strict, root), pa('ns', {}), pa('own', reviews)],
      'STRICT',
      `${root}/m`,
    ],
    ['nobody of another namespace', [pa('ns', strict, 'other')], 'PERMISSIVE', undefined],
    [
      'nobody who selects other labels',
      [pa('own', { selector: { matchLabels: { app: 'ratings' } }, ...strict })],
      'PERMISSIVE',
      undefined,
    ],
    [
      'nobody with a selector in the root namespace',
      [pa('own', { ...reviews, ...strict }, root)],
      'PERMISSIVE',
      undefined,
    ],
    ['one with an empty selector, for the namespace', [pa('ns', { selector: {}, ...strict })], 'STRICT', 'shop/ns'],
    [
      'the older of two',
      [pa('a', strict, 'shop', '2026-02-01T00:00:00Z'), pa('b', disable, 'shop', '2026-01-01T00:00:00Z')],
      'DISABLE',
      'shop/b',
    ],
    [
      'the first name of two of one second',
      [pa('b', strict, 'shop', '2026-01-01T00:00:00Z'), pa('a', disable, 'shop', '2026-01-01T00:00:00Z')],
      'DISABLE',
      'shop/a',
    ],
    ['the first of the files, which have no age', [pa('b', strict), pa('a', disable)], 'STRICT', 'shop/b'],
  ];
  it.each(cases)('%s', (_, policies, takes, by) => {
    const server = serverOf(policies);
    expect([server.takes, server.ports[0]?.policy]).toEqual([takes, by]);
    expect(server.steps.filter(({ verdict }) => verdict === 'decides')).toHaveLength(1);
  });

  it('says which one was ignored, and why', () => {
    const { steps } = serverOf([
      pa('a', strict, 'shop', '2026-02-01T00:00:00Z'),
      pa('b', disable, 'shop', '2026-01-01T00:00:00Z'),
    ]);
    expect(steps.find(({ check }) => check === 'overruled')?.says).toMatch(/shop\/a is ignored.*shop\/b/);
  });

  it('of a pod in the root namespace is the one for the mesh', () => {
    const pod = meshPod('istiod', { namespace: root });
    const { takes, steps } = serverOf(
      [pa('m', strict, root), pa('own', { selector: { matchLabels: { app: 'istiod' } }, ...disable }, root)],
      pod,
    );
    expect(takes).toBe('STRICT');
    expect(steps.map(({ check }) => check)).toContain('root-selector');
  });
});

describe('a port', () => {
  const ports = (mode: string | undefined) => ({
    ...reviews,
    ...strict,
    portLevelMtls: { '8080': mode === undefined ? {} : { mode } },
  });

  it('has the mode that the workload’s policy says for it', () => {
    const server = serverOf([pa('own', ports('DISABLE'))]);
    expect(server.ports).toMatchObject([
      { port: 8080, takes: 'DISABLE', level: 'port', behind: [{ service: 'reviews', port: 80 }] },
    ]);
    expect(summarizeServer(server)).toBe('STRICT; 8080: DISABLE');
  });

  it('inherits from the workload when it is UNSET', () => {
    for (const mode of ['UNSET', undefined]) expect(serverOf([pa('own', ports(mode))]).ports[0]?.takes).toBe('STRICT');
  });

  it('is not that of the Service', () => {
    const own = { ...reviews, ...strict, portLevelMtls: { '80': { mode: 'DISABLE' } } };
    const { ports: found, steps } = serverOf([pa('own', own)]);
    expect(found.map(({ port, takes }) => [port, takes])).toEqual([
      [80, 'DISABLE'],
      [8080, 'STRICT'],
    ]);
    expect(steps.find(({ check }) => check === 'port')?.says).toContain('8080');
  });

  it('that nobody declares has its mode all the same', () => {
    const own = { ...reviews, portLevelMtls: { '9999': { mode: 'STRICT' } } };
    expect(serverOf([pa('own', own)]).ports.find(({ port }) => port === 9999)).toMatchObject({
      takes: 'STRICT',
      behind: [],
    });
  });

  it('in a policy for the whole namespace is without effect', () => {
    expect(serverOf([pa('ns', { ...strict, portLevelMtls: { '8080': { mode: 'DISABLE' } } })]).ports[0]?.takes).toBe(
      'STRICT',
    );
  });

  it.each([
    ['traffic.sidecar.istio.io/excludeInboundPorts', '9090, 8080'],
    ['traffic.sidecar.istio.io/includeInboundPorts', '9090'],
    ['sidecar.istio.io/interceptionMode', 'NONE'],
  ])('that is not redirected (%s) is the app’s own', (annotation, value) => {
    const pod = meshPod('reviews', { annotations: { [annotation]: value } });
    expect(serverOf([pa('ns', strict)], pod).ports[0]?.takes).toBe('BYPASSED');
  });

  it('of the proxy itself, or of UDP, is not listed', () => {
    const container = {
      ports: [{ containerPort: 15020 }, { containerPort: 53, protocol: 'UDP' }, { containerPort: 8080, name: 'http' }],
    };
    expect(serverOf([], meshPod('reviews', { container })).ports.map(({ port }) => port)).toEqual([8080]);
  });
});

describe('a pod that is no sidecar', () => {
  it.each([
    ['none', 'NONE'],
    ['gateway', 'OWN'],
    ['waypoint', 'OWN'],
    ['ambient', 'STRICT'],
    ['proxyless', 'STRICT'],
  ] as const)('%s takes %s under STRICT', (standing, takes) => {
    expect(serverOf([pa('ns', strict)], meshPod('reviews', { standing })).takes).toBe(takes);
  });

  it('is PERMISSIVE in ambient where a policy says DISABLE, which ztunnel does not know', () => {
    const { takes, ports } = serverOf([pa('ns', disable)], meshPod('reviews', { standing: 'ambient' }));
    expect(takes).toBe('PERMISSIVE');
    expect(ports[0]?.says).toMatch(/ztunnel/);
  });
});
