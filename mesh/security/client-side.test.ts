import { describe, expect, it } from 'vitest';
import { clientTls } from './client-tls.ts';
import { compareOutsider, compareSides } from './compare-sides.ts';
import { findClientRules, ruleName } from './find-client-rule.ts';
import type { DestinationRule } from './security-objects.ts';
import { dr, explained, meshPod, pa, service, world } from './security.fixture.ts';

const host = 'reviews.shop.svc.cluster.local';
const root = 'istio-system';
const used = (rules: DestinationRule[], clientNamespace = 'web') =>
  findClientRules({ host, clientNamespace, serviceNamespace: 'shop' }, world({ destinationRules: rules })).rules.map(
    ruleName,
  );

describe('the DestinationRule that clients use', () => {
  const cases: [title: string, rules: DestinationRule[], found: string[], client?: string][] = [
    ['none', [], []],
    [
      'of the client’s namespace before the service’s',
      [dr('a', { host }, 'shop'), dr('b', { host }, 'web')],
      ['web/b'],
    ],
    ['of the service’s namespace, by its short name', [dr('a', { host: 'reviews' })], ['shop/a']],
    ['not by a short name from another namespace', [dr('a', { host: 'reviews' }, 'web')], []],
    ['of the root namespace at last', [dr('a', { host: '*.local' }, root)], [`${root}/a`]],
    [
      'of the service’s namespace before the root’s',
      [dr('a', { host: '*.local' }, root), dr('b', { host })],
      ['shop/b'],
    ],
    ['not of any other namespace', [dr('a', { host }, 'other')], []],
    ['not one that is not exported to them', [dr('a', { host, exportTo: ['.'] })], []],
    ['one that is exported to them by name', [dr('a', { host, exportTo: ['web'] })], ['shop/a']],
    ['of their own namespace whatever its exportTo', [dr('a', { host, exportTo: ['other'] }, 'web')], ['web/a']],
    [
      'the exact host before the wildcard',
      [dr('a', { host: '*.shop.svc.cluster.local' }), dr('b', { host })],
      ['shop/b'],
    ],
    [
      'the longer wildcard before the shorter',
      [dr('a', { host: '*.cluster.local' }), dr('b', { host: '*.shop.svc.cluster.local' })],
      ['shop/b'],
    ],
    [
      'a wildcard of their own before the exact host of the service’s',
      [dr('a', { host }), dr('b', { host: '*.local' }, 'web')],
      ['web/b'],
    ],
    [
      'for clients in the root namespace, the service’s before what the root exports',
      [dr('a', { host: '*.local' }, root), dr('b', { host })],
      ['shop/b'],
      root,
    ],
    [
      'for clients in the root namespace, its private one first',
      [dr('a', { host, exportTo: ['.'] }, root), dr('b', { host })],
      [`${root}/a`],
      root,
    ],
  ];
  it.each(cases)('%s', (_, rules, found, client) => expect(used(rules, client)).toEqual(found));
});

describe('what clients send', () => {
  const called = { namespace: 'shop', port: 80 };
  const sends = (spec: Omit<NonNullable<DestinationRule['spec']>, 'host'>, parts = {}) =>
    clientTls([dr('r', { host, ...spec })], called, world(parts)).map(({ sends: what, subset }) =>
      subset ? `${subset}: ${what}` : what,
    );
  const tls = (mode: string) => ({ tls: { mode } });
  const onPort = (number: number, rest = {}) => ({ portLevelSettings: [{ port: { number }, ...rest }] });

  it.each([
    ['ISTIO_MUTUAL', 'mesh'],
    ['DISABLE', 'plain'],
    ['SIMPLE', 'tls'],
    ['MUTUAL', 'own'],
  ])('%s: %s', (mode, what) => expect(sends({ trafficPolicy: tls(mode) })).toEqual([what]));

  it('is automatic where nobody says anything', () => {
    expect(clientTls([], called, world({}))).toMatchObject([{ sends: 'auto' }]);
    expect(sends({ trafficPolicy: {} })).toEqual(['auto']);
  });

  it('of a port replaces that of the host, also by saying nothing', () => {
    expect(sends({ trafficPolicy: { ...tls('DISABLE'), ...onPort(80, tls('ISTIO_MUTUAL')) } })).toEqual(['mesh']);
    expect(sends({ trafficPolicy: { ...tls('DISABLE'), ...onPort(80) } })).toEqual(['auto']);
    expect(sends({ trafficPolicy: { ...tls('DISABLE'), ...onPort(81, tls('ISTIO_MUTUAL')) } })).toEqual(['plain']);
  });

  it('to a subset may be otherwise', () => {
    const subsets = [{ name: 'v1', trafficPolicy: tls('DISABLE') }, { name: 'v2', trafficPolicy: {} }, { name: 'v3' }];
    expect(sends({ trafficPolicy: tls('ISTIO_MUTUAL'), subsets })).toEqual(['mesh', 'v1: plain']);
  });

  it('is plain text without enableAutoMtls', () => {
    expect(sends({}, { settings: { enableAutoMtls: false } })).toEqual(['plain']);
    expect(sends({ trafficPolicy: tls('ISTIO_MUTUAL') }, { settings: { enableAutoMtls: false } })).toEqual(['mesh']);
  });

  it('is plain text to all of a namespace that says DISABLE, also to a workload that says STRICT', () => {
    const peerAuthentications = [
      pa('ns', { mtls: { mode: 'DISABLE' } }),
      pa('own', { selector: { matchLabels: { app: 'reviews' } }, mtls: { mode: 'STRICT' } }),
    ];
    const { services } = explained(
      { kind: 'Service', namespace: 'shop', name: 'reviews' },
      { peerAuthentications, pods: [meshPod('reviews')], services: [service('reviews')] },
    );
    expect(services[0]?.clients[0]?.calls[0]).toMatchObject({
      takes: 'STRICT',
      tls: { sends: 'plain' },
      agreement: { outcome: 'fails' },
    });
  });
});

describe('what both sides come to', () => {
  const table = `
            STRICT   PERMISSIVE  DISABLE  NONE     BYPASSED  OWN
    auto    mutual   mutual      plain    plain    fails     depends
    mesh    mutual   mutual      fails    fails    fails     depends
    plain   fails    plain       plain    plain    plain     depends
    tls     fails    depends     depends  depends  depends   depends
    own     depends  depends     depends  depends  depends   depends`;
  const [head = [], ...rows] = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const cases = rows.flatMap(([sends = '', ...outcomes]) =>
    outcomes.map((outcome, at) => [sends, head[at] ?? '', outcome]),
  );
  it.each(cases)('%s to %s: %s', (sends, takes, outcome) => {
    expect(compareSides(sends as 'auto', takes as 'STRICT').outcome).toBe(outcome);
  });

  it('fails without a proxy under STRICT only', () => {
    expect(
      (['STRICT', 'PERMISSIVE', 'DISABLE', 'NONE'] as const).map((takes) => compareOutsider(takes).outcome),
    ).toEqual(['fails', 'plain', 'plain', 'plain']);
  });
});
