/**
 * What a client in namespace `web` and the pods of Service `reviews` in `shop` come to, case by case, with the reason. Each
 * row: the objects, what the pod's port 8080 takes, what the client sends, what comes of it.
 */
import { expect, it } from 'vitest';
import type { DestinationRule, MeshPod, PeerAuthentication, SecurityWorld } from './security-objects.ts';
import { dr, explained, meshPod, pa, service } from './security.fixture.ts';

const root = 'istio-system';
const host = 'reviews.shop.svc.cluster.local';
const app = { selector: { matchLabels: { app: 'reviews' } } };
const mtls = (mode: string) => ({ mtls: { mode } });
const strict = pa('strict', mtls('STRICT'));
const ports = (mode: string, port = 8080) => ({ portLevelMtls: { [port]: { mode } } });
const rule = (mode: string | undefined, more: Partial<NonNullable<DestinationRule['spec']>> = {}, namespace = 'shop') =>
  dr(`r-${mode}`, { host, ...(mode !== undefined && { trafficPolicy: { tls: { mode } } }), ...more }, namespace);
const aged = <T extends { metadata?: object }>(object: T, creationTimestamp: string): T => ({
  ...object,
  metadata: { ...object.metadata, creationTimestamp },
});
const named = <T extends { metadata?: object }>(object: T, name: string): T => ({
  ...object,
  metadata: { ...object.metadata, name },
});
const sidecar = meshPod('reviews');
const running = (labels: Record<string, string>, standing: MeshPod['standing'] = 'sidecar') =>
  meshPod('reviews', { standing, container: { name: 'istio-proxy' }, labels: { app: 'reviews', ...labels } });
const labelled = { 'security.istio.io/tlsMode': 'istio' };
const hbone = { 'networking.istio.io/tunnel': 'http' };
const ambient = meshPod('reviews', { standing: 'ambient' });
const annotated = (annotations: Record<string, string>) => meshPod('reviews', { annotations });
const client = (labels: Record<string, string> = {}) => meshPod('client', { namespace: 'web', labels });

interface Case extends Partial<Omit<SecurityWorld, 'pods'>> {
  pas?: PeerAuthentication[];
  drs?: DestinationRule[];
  pod?: MeshPod;
  client?: MeshPod;
  more?: MeshPod[];
  headless?: boolean;
}

const cases: [reason: string, given: Case, takes: string, sends: string, outcome: string][] = [
  // ---- the server's side -------------------------------------------------------------------------------------------
  ['nobody says anything: both are taken, and clients choose mutual TLS', {}, 'PERMISSIVE', 'auto', 'mutual'],
  ['STRICT, automatic', { pas: [strict] }, 'STRICT', 'auto', 'mutual'],
  [
    'DISABLE for the namespace turns the automatic off',
    { pas: [pa('n', mtls('DISABLE'))] },
    'DISABLE',
    'plain',
    'plain',
  ],
  [
    'DISABLE for the workload: clients are told so',
    { pas: [pa('w', { ...app, ...mtls('DISABLE') })] },
    'DISABLE',
    'auto',
    'plain',
  ],
  [
    'DISABLE for the port: clients are told so',
    { pas: [pa('w', { ...app, ...mtls('STRICT'), ...ports('DISABLE') })] },
    'DISABLE',
    'auto',
    'plain',
  ],
  ['STRICT for the port alone', { pas: [pa('w', { ...app, ...ports('STRICT') })] }, 'STRICT', 'auto', 'mutual'],
  [
    'PERMISSIVE for the port of a STRICT workload',
    { pas: [pa('w', { ...app, ...mtls('STRICT'), ...ports('PERMISSIVE') })] },
    'PERMISSIVE',
    'auto',
    'mutual',
  ],
  [
    'the port of the Service is not that of the pod',
    { pas: [pa('w', { ...app, ...mtls('STRICT'), ...ports('DISABLE', 80) })] },
    'STRICT',
    'auto',
    'mutual',
  ],
  [
    'port modes without a selector count for nobody',
    { pas: [pa('n', { ...mtls('STRICT'), ...ports('DISABLE') })] },
    'STRICT',
    'auto',
    'mutual',
  ],
  [
    'mtls: {} says nothing',
    { pas: [pa('m', mtls('STRICT'), root), pa('n', { mtls: {} })] },
    'STRICT',
    'auto',
    'mutual',
  ],
  [
    'UNSET for the workload leaves it to the namespace',
    { pas: [strict, pa('w', { ...app, ...mtls('UNSET') })] },
    'STRICT',
    'auto',
    'mutual',
  ],
  [
    'UNSET for the port leaves it to the workload',
    { pas: [pa('w', { ...app, ...mtls('STRICT'), ...ports('UNSET') })] },
    'STRICT',
    'auto',
    'mutual',
  ],
  [
    'a mode that nobody knows says nothing',
    { pas: [strict, pa('w', { ...app, ...mtls('strict') })] },
    'STRICT',
    'auto',
    'mutual',
  ],
  [
    'STRICT for the mesh, DISABLE for the namespace',
    { pas: [pa('m', mtls('STRICT'), root), pa('n', mtls('DISABLE'))] },
    'DISABLE',
    'plain',
    'plain',
  ],
  [
    'a selector in the root namespace selects nobody',
    { pas: [pa('m', { ...app, ...mtls('STRICT') }, root)] },
    'PERMISSIVE',
    'auto',
    'mutual',
  ],
  [
    'another root namespace',
    { pas: [pa('m', mtls('STRICT'), 'config')], rootNamespace: 'config' },
    'STRICT',
    'auto',
    'mutual',
  ],
  [
    'istio-system is a namespace like any other then',
    { pas: [pa('m', mtls('STRICT'), root)], rootNamespace: 'config' },
    'PERMISSIVE',
    'auto',
    'mutual',
  ],
  [
    'the root namespace of the pod’s own revision',
    { pas: [pa('m', mtls('STRICT'), 'canary-config')], pod: { ...sidecar, rootNamespace: 'canary-config' } },
    'STRICT',
    'auto',
    'mutual',
  ],
  [
    'of two for the namespace the older',
    { pas: [aged(strict, '2026-02-01T00:00:00Z'), aged(pa('d', mtls('DISABLE')), '2026-01-01T00:00:00Z')] },
    'DISABLE',
    'plain',
    'plain',
  ],
  [
    'of one second: NAME.NAMESPACE, so that a-b comes before a',
    {
      pas: [aged(named(strict, 'a'), '2026-01-01T00:00:00Z'), aged(pa('a-b', mtls('DISABLE')), '2026-01-01T00:00:00Z')],
    },
    'DISABLE',
    'plain',
    'plain',
  ],
  [
    'what is only written is younger than what is there',
    { pas: [pa('d', mtls('DISABLE')), aged(strict, '2026-01-01T00:00:00Z')] },
    'STRICT',
    'auto',
    'mutual',
  ],
  [
    'of two for the workload the older, as a whole: its ports too',
    {
      pas: [
        aged(pa('a', { ...app, ...mtls('STRICT') }), '2026-01-01T00:00:00Z'),
        aged(pa('b', { ...app, ...ports('DISABLE') }), '2026-02-01T00:00:00Z'),
      ],
    },
    'STRICT',
    'auto',
    'mutual',
  ],
  [
    'a policy of another namespace is not asked',
    { pas: [pa('o', mtls('STRICT'), 'web')] },
    'PERMISSIVE',
    'auto',
    'mutual',
  ],
  // ---- ports past the proxy ------------------------------------------------------------------------------------------
  [
    'excluded: the app gets the mutual TLS',
    { pas: [strict], pod: annotated({ 'traffic.sidecar.istio.io/excludeInboundPorts': '8080' }) },
    'BYPASSED',
    'auto',
    'fails',
  ],
  [
    'excluded, and DISABLE for the port: clients send plain text',
    {
      pas: [pa('w', { ...app, ...ports('DISABLE') })],
      pod: annotated({ 'traffic.sidecar.istio.io/excludeInboundPorts': '8080' }),
    },
    'BYPASSED',
    'auto',
    'plain',
  ],
  [
    'excluded, and a rule that says DISABLE',
    { drs: [rule('DISABLE')], pod: annotated({ 'traffic.sidecar.istio.io/excludeInboundPorts': '8080' }) },
    'BYPASSED',
    'plain',
    'plain',
  ],
  [
    'not among the included ones',
    { pod: annotated({ 'traffic.sidecar.istio.io/includeInboundPorts': '9090' }) },
    'BYPASSED',
    'auto',
    'fails',
  ],
  [
    'no port is included',
    { pod: annotated({ 'traffic.sidecar.istio.io/includeInboundPorts': '' }) },
    'BYPASSED',
    'auto',
    'fails',
  ],
  [
    'interception NONE',
    { pod: annotated({ 'sidecar.istio.io/interceptionMode': 'NONE' }) },
    'BYPASSED',
    'auto',
    'fails',
  ],
  [
    'excluded for all pods by the installation: in istio-init’s arguments',
    {
      pod: {
        ...sidecar,
        pod: {
          ...sidecar.pod,
          spec: {
            ...sidecar.pod.spec,
            initContainers: [{ name: 'istio-init', args: ['istio-iptables', '-b', '*', '-d', '15090,15021,8080'] }],
          },
        },
      },
    },
    'BYPASSED',
    'auto',
    'fails',
  ],
  // ---- what clients are told -----------------------------------------------------------------------------------------
  ['an injected pod carries the label', { pas: [strict], pod: running(labelled) }, 'STRICT', 'auto', 'mutual'],
  [
    'a proxy without the label: plain text, and STRICT hangs up',
    { pas: [strict], pod: running({}) },
    'STRICT',
    'auto',
    'fails',
  ],
  [
    'the label says disabled',
    { pas: [strict], pod: running({ 'security.istio.io/tlsMode': 'disabled' }) },
    'STRICT',
    'auto',
    'fails',
  ],
  [
    'the label says disabled, PERMISSIVE',
    { pod: running({ 'security.istio.io/tlsMode': 'disabled' }) },
    'PERMISSIVE',
    'auto',
    'plain',
  ],
  [
    'the label without a proxy, left in a template',
    { pod: meshPod('reviews', { standing: 'none', labels: { app: 'reviews', ...labelled } }) },
    'NONE',
    'auto',
    'fails',
  ],
  [
    'the label without a proxy, but a policy says DISABLE',
    {
      pas: [pa('w', { ...app, ...mtls('DISABLE') })],
      pod: meshPod('reviews', { standing: 'none', labels: { app: 'reviews', ...labelled } }),
    },
    'NONE',
    'auto',
    'plain',
  ],
  ['no proxy', { pas: [strict], pod: meshPod('reviews', { standing: 'none' }) }, 'NONE', 'auto', 'plain'],
  [
    'a rule says mutual TLS to a pod without a proxy',
    { drs: [rule('ISTIO_MUTUAL')], pod: meshPod('reviews', { standing: 'none' }) },
    'NONE',
    'mesh',
    'fails',
  ],
  [
    'a gateway: its Gateway says',
    { pas: [strict], pod: meshPod('reviews', { standing: 'gateway' }) },
    'OWN',
    'auto',
    'depends',
  ],
  [
    'gRPC without a proxy, and without the label',
    { pas: [strict], pod: meshPod('reviews', { standing: 'proxyless' }) },
    'STRICT',
    'auto',
    'fails',
  ],
  [
    'gRPC without a proxy, with the label that its author has to set',
    { pas: [strict], pod: meshPod('reviews', { standing: 'proxyless', labels: { app: 'reviews', ...labelled } }) },
    'STRICT',
    'auto',
    'mutual',
  ],
  // ---- the client's side ---------------------------------------------------------------------------------------------
  ['ISTIO_MUTUAL to STRICT', { pas: [strict], drs: [rule('ISTIO_MUTUAL')] }, 'STRICT', 'mesh', 'mutual'],
  [
    'ISTIO_MUTUAL to DISABLE',
    { pas: [pa('n', mtls('DISABLE'))], drs: [rule('ISTIO_MUTUAL')] },
    'DISABLE',
    'mesh',
    'fails',
  ],
  ['DISABLE to STRICT', { pas: [strict], drs: [rule('DISABLE')] }, 'STRICT', 'plain', 'fails'],
  [
    'tls without a mode is DISABLE',
    { pas: [strict], drs: [dr('r', { host, trafficPolicy: { tls: {} } })] },
    'STRICT',
    'plain',
    'fails',
  ],
  ['SIMPLE to STRICT', { pas: [strict], drs: [rule('SIMPLE')] }, 'STRICT', 'tls', 'fails'],
  ['SIMPLE to PERMISSIVE goes through to the app', { drs: [rule('SIMPLE')] }, 'PERMISSIVE', 'tls', 'depends'],
  ['MUTUAL to STRICT hangs on the certificates', { pas: [strict], drs: [rule('MUTUAL')] }, 'STRICT', 'own', 'depends'],
  [
    'a rule without tls is automatic',
    { pas: [strict], drs: [rule(undefined, { trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } })] },
    'STRICT',
    'auto',
    'mutual',
  ],
  [
    'the port’s setting replaces the host’s, also by saying nothing',
    {
      pas: [strict],
      drs: [
        rule('DISABLE', { trafficPolicy: { tls: { mode: 'DISABLE' }, portLevelSettings: [{ port: { number: 80 } }] } }),
      ],
    },
    'STRICT',
    'auto',
    'mutual',
  ],
  [
    'a setting for another port',
    {
      pas: [strict],
      drs: [
        rule('DISABLE', {
          trafficPolicy: {
            tls: { mode: 'DISABLE' },
            portLevelSettings: [{ port: { number: 8080 }, tls: { mode: 'ISTIO_MUTUAL' } }],
          },
        }),
      ],
    },
    'STRICT',
    'plain',
    'fails',
  ],
  [
    'their own namespace before the service’s',
    { pas: [strict], drs: [rule('DISABLE'), rule('ISTIO_MUTUAL', {}, 'web')] },
    'STRICT',
    'mesh',
    'mutual',
  ],
  [
    'a wildcard of their own before the exact host of the service’s',
    { pas: [strict], drs: [rule('ISTIO_MUTUAL'), rule('DISABLE', { host: '*.local' }, 'web')] },
    'STRICT',
    'plain',
    'fails',
  ],
  [
    'the root namespace at last',
    { pas: [strict], drs: [rule('DISABLE', { host: '*.local' }, root)] },
    'STRICT',
    'plain',
    'fails',
  ],
  ['not exported to them', { pas: [strict], drs: [rule('DISABLE', { exportTo: ['.'] })] }, 'STRICT', 'auto', 'mutual'],
  [
    'exported to others: it hides the wildcard beside it all the same',
    {
      pas: [strict],
      drs: [rule('ISTIO_MUTUAL', { exportTo: ['other'] }), rule('DISABLE', { host: '*.shop.svc.cluster.local' })],
    },
    'STRICT',
    'auto',
    'mutual',
  ],
  [
    'private: it does not hide the wildcard beside it',
    {
      pas: [strict],
      drs: [rule('ISTIO_MUTUAL', { exportTo: ['.'] }), rule('DISABLE', { host: '*.shop.svc.cluster.local' })],
    },
    'STRICT',
    'plain',
    'fails',
  ],
  ['exported to nobody', { pas: [strict], drs: [rule('DISABLE', { exportTo: ['~'] })] }, 'STRICT', 'auto', 'mutual'],
  [
    'the mesh exports rules to nobody else by default',
    {
      pas: [strict],
      drs: [rule('DISABLE')],
      settings: { defaultExports: { service: [], virtualService: [], destinationRule: ['.'] } },
    },
    'STRICT',
    'auto',
    'mutual',
  ],
  [
    'a rule for some clients of another namespace',
    { pas: [strict], drs: [rule('DISABLE', { workloadSelector: { matchLabels: { app: 'client' } } })] },
    'STRICT',
    'auto',
    'mutual',
  ],
  [
    'of two rules for the host, the older one’s policy',
    {
      pas: [strict],
      drs: [aged(rule('DISABLE'), '2026-01-01T00:00:00Z'), aged(rule('ISTIO_MUTUAL'), '2026-02-01T00:00:00Z')],
    },
    'STRICT',
    'plain',
    'fails',
  ],
  [
    'an older one without a policy leaves it to the younger',
    {
      pas: [strict],
      drs: [aged(rule(undefined), '2026-01-01T00:00:00Z'), aged(rule('DISABLE'), '2026-02-01T00:00:00Z')],
    },
    'STRICT',
    'plain',
    'fails',
  ],
  [
    'exported differently they are not merged, and the younger counts',
    {
      pas: [strict],
      drs: [
        aged(rule('DISABLE'), '2026-01-01T00:00:00Z'),
        aged(rule('ISTIO_MUTUAL', { exportTo: ['web'] }), '2026-02-01T00:00:00Z'),
      ],
    },
    'STRICT',
    'mesh',
    'mutual',
  ],
  [
    'a short name is one of the rule’s own namespace',
    { pas: [strict], drs: [rule('DISABLE', { host: 'reviews' }, 'web')] },
    'STRICT',
    'auto',
    'mutual',
  ],
  [
    'a name with a dot is none of Kubernetes’',
    { pas: [strict], drs: [rule('DISABLE', { host: 'reviews.shop' }, 'web')] },
    'STRICT',
    'auto',
    'mutual',
  ],
  ['enableAutoMtls: false', { pas: [strict], settings: { enableAutoMtls: false } }, 'STRICT', 'plain', 'fails'],
  [
    'enableAutoMtls: false with a rule',
    { pas: [strict], drs: [rule('ISTIO_MUTUAL')], settings: { enableAutoMtls: false } },
    'STRICT',
    'mesh',
    'mutual',
  ],
  [
    'STRICT for a workload of a namespace that says DISABLE',
    { pas: [pa('n', mtls('DISABLE')), pa('w', { ...app, ...mtls('STRICT') })] },
    'STRICT',
    'plain',
    'fails',
  ],
  // ---- straight to the pods ------------------------------------------------------------------------------------------
  ['headless', { pas: [strict], headless: true }, 'STRICT', 'auto', 'mutual'],
  [
    'headless with a pod that takes none',
    { pas: [strict], headless: true, more: [{ ...meshPod('bare', { standing: 'none', labels: { app: 'reviews' } }) }] },
    'STRICT',
    'plain',
    'fails',
  ],
  [
    'a load balancer that passes through, with such a pod',
    {
      pas: [strict],
      drs: [rule(undefined, { trafficPolicy: { loadBalancer: { simple: 'PASSTHROUGH' } } })],
      more: [{ ...meshPod('bare', { standing: 'none', labels: { app: 'reviews' } }) }],
    },
    'STRICT',
    'plain',
    'fails',
  ],
  [
    'not headless, with such a pod: told apart',
    { pas: [strict], more: [{ ...meshPod('bare', { standing: 'none', labels: { app: 'reviews' } }) }] },
    'STRICT',
    'auto',
    'mutual',
  ],
  // ---- ambient -------------------------------------------------------------------------------------------------------
  [
    'a sidecar that speaks HBONE to ambient',
    { pas: [strict], pod: ambient, client: client(hbone) },
    'STRICT',
    'auto',
    'mutual',
  ],
  ['a sidecar that does not', { pas: [strict], pod: ambient, client: client() }, 'STRICT', 'auto', 'fails'],
  ['a sidecar that does not, PERMISSIVE', { pod: ambient, client: client() }, 'PERMISSIVE', 'auto', 'plain'],
  [
    'HBONE comes before a rule that says DISABLE',
    { pas: [strict], pod: ambient, client: client(hbone), drs: [rule('DISABLE')] },
    'STRICT',
    'plain',
    'mutual',
  ],
  [
    'ISTIO_MUTUAL without HBONE ends at the app',
    { pod: ambient, client: client(), drs: [rule('ISTIO_MUTUAL')] },
    'PERMISSIVE',
    'mesh',
    'fails',
  ],
  [
    'the mesh gives HBONE to all sidecars',
    { pas: [strict], pod: ambient, client: client(), settings: { proxyMetadata: { ISTIO_META_ENABLE_HBONE: 'true' } } },
    'STRICT',
    'auto',
    'mutual',
  ],
  [
    'ztunnel does not know DISABLE',
    { pas: [pa('w', { ...app, ...mtls('DISABLE') })], pod: ambient, client: client(hbone) },
    'PERMISSIVE',
    'auto',
    'mutual',
  ],
  [
    'ambient, STRICT for the port',
    { pas: [pa('w', { ...app, ...ports('STRICT') })], pod: ambient, client: client() },
    'STRICT',
    'auto',
    'fails',
  ],
];

it.each(cases)('%s', (_, given, takes, sends, outcome) => {
  const { pas = [], drs = [], pod = sidecar, client: from = client(labelled), more = [], headless, ...rest } = given;
  const { services } = explained(
    { kind: 'Service', namespace: 'shop', name: 'reviews' },
    {
      peerAuthentications: pas,
      destinationRules: drs,
      services: [service('reviews', headless ? { clusterIP: 'None' } : {})],
      pods: [pod, from, ...more],
      ...rest,
    },
  );
  const group = services[0]?.clients.find(({ by, namespaces }) => by === 'sidecar' && namespaces.includes('web'));
  const call = group?.calls.find(({ servers, tls }) => servers.includes('Deployment reviews') && !tls.clientLabels);
  expect([call?.takes, call?.tls.sends, call?.agreement.outcome]).toEqual([takes, sends, outcome]);
});

it('has as many cases as the reasons are many', () => expect(cases.length).toBeGreaterThanOrEqual(75));

it.each([
  ['a sidecar with HBONE', running(hbone), 'mutual'],
  ['a sidecar without, PERMISSIVE', running(labelled), 'plain'],
  ['an ambient pod', ambient, 'mutual'],
])('ztunnel to %s', (_, pod, outcome) => {
  const { services } = explained(
    { kind: 'Service', namespace: 'shop', name: 'reviews' },
    { services: [service('reviews')], pods: [pod, meshPod('z', { namespace: 'web', standing: 'ambient' })] },
  );
  expect(services[0]?.clients.find(({ by }) => by === 'ambient')?.calls[0]?.agreement.outcome).toBe(outcome);
});

it.each([
  ['outside, nobody says anything', 'MESH_EXTERNAL', undefined, 'plain', 'plain'],
  ['outside, with TLS', 'MESH_EXTERNAL', 'SIMPLE', 'tls', 'depends'],
  ['outside, with the mesh’s mutual TLS', 'MESH_EXTERNAL', 'ISTIO_MUTUAL', 'mesh', 'fails'],
  ['outside is the default', undefined, undefined, 'plain', 'plain'],
  ['inside, a machine with a proxy', 'MESH_INTERNAL', undefined, 'auto', 'mutual'],
])('a ServiceEntry: %s', (_, location, mode, sends, outcome) => {
  const entry = {
    metadata: { name: 'vm', namespace: 'shop' },
    spec: {
      hosts: ['vm.example.com'],
      ...(location && { location }),
      resolution: 'STATIC',
      ports: [{ number: 443, name: 'tls', protocol: 'TLS' }],
      endpoints: [{ address: '10.0.0.9', labels: { app: 'vm', ...labelled } }],
    },
  };
  const drs = mode ? [dr('r', { host: 'vm.example.com', trafficPolicy: { tls: { mode } } })] : [];
  for (const subject of [
    { kind: 'ServiceEntry', namespace: 'shop', name: 'vm' },
    ...(mode ? [{ kind: 'DestinationRule', namespace: 'shop', name: 'r' }] : []),
  ]) {
    const { services } = explained(subject, { serviceEntries: [entry], destinationRules: drs, pods: [client()] });
    const call = services[0]?.clients[0]?.calls[0];
    expect([call?.tls.sends, call?.agreement.outcome]).toEqual([sends, outcome]);
  }
});

it('finds the pods of a Service without a selector by its EndpointSlices', () => {
  const slice = {
    metadata: { name: 'x', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'reviews' } },
    endpoints: [{ addresses: ['10.0.0.1'], targetRef: { kind: 'Pod', name: 'reviews-1' } }],
  };
  const parts = { services: [service('reviews', { selector: {} })], pods: [sidecar] };
  const subject = { kind: 'Deployment', namespace: 'shop', name: 'reviews' };
  expect(explained(subject, parts).services).toEqual([]);
  expect(explained(subject, { ...parts, endpointSlices: [slice] }).services[0]?.name).toBe('reviews');
});

it.each([
  ['on the Service', { labels: { 'istio.io/use-waypoint': 'w' } }, {}, 'mutual'],
  ['on the namespace', {}, { 'istio.io/use-waypoint': 'w' }, 'mutual'],
  [
    'refused by the Service',
    { labels: { 'istio.io/use-waypoint': 'none' } },
    { 'istio.io/use-waypoint': 'w' },
    'fails',
  ],
  ['nowhere', {}, {}, 'fails'],
])('a waypoint between ambient clients and a STRICT sidecar, %s', (_, metadata, labels, outcome) => {
  const own = service('reviews');
  const { services } = explained(
    { kind: 'Service', namespace: 'shop', name: 'reviews' },
    {
      services: [{ ...own, metadata: { ...own.metadata, ...metadata } }],
      namespaces: [{ metadata: { name: 'shop', labels } }],
      peerAuthentications: [strict],
      pods: [running(labelled), meshPod('z', { namespace: 'web', standing: 'ambient' })],
    },
  );
  expect(services[0]?.clients.find(({ by }) => by === 'ambient')?.calls[0]?.agreement.outcome).toBe(outcome);
});

it('tells a part of a policy that is about a whole mesh, and says how much it leaves out', () => {
  const pods = Array.from({ length: 50 }, (__, at) => meshPod(`w${at}`));
  const subject = { kind: 'PeerAuthentication', namespace: root, name: 'm' };
  const { servers, notes } = explained(subject, { pods, peerAuthentications: [pa('m', mtls('STRICT'), root)] });
  expect([servers.length, notes.some((note) => note.includes('20 more'))]).toEqual([30, true]);
});
