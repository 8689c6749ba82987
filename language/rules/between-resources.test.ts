import { describe } from 'vitest';
import { parseMeshSettings } from '../mesh-config.ts';
import { testCases } from './between-resources.fixture.ts';

/** One resource a line: the line says which. A name is `name.namespace`; without namespace it is in `shop`. */
function resource(apiVersion: string, kind: string, name: string, rest: string, metadata = ''): string {
  const [own, namespace = 'shop'] = name.split('.');
  const more = metadata === '' ? '' : `, ${metadata}`;
  return `{ apiVersion: ${apiVersion}, kind: ${kind}, metadata: { name: ${own}, namespace: ${namespace}${more} }, ${rest} }`;
}
const net = (kind: string) => (name: string, spec: string) =>
  resource('networking.istio.io/v1', kind, name, `spec: { ${spec} }`);
const [vs, dr, se, gw, sidecar] = [
  net('VirtualService'),
  net('DestinationRule'),
  net('ServiceEntry'),
  net('Gateway'),
  net('Sidecar'),
];
const policy = (name: string, spec: string) =>
  resource('security.istio.io/v1', 'AuthorizationPolicy', name, `spec: { ${spec} }`);
const requestAuth = (name: string, spec: string) =>
  resource('security.istio.io/v1', 'RequestAuthentication', name, `spec: { ${spec} }`);
const telemetry = (name: string, spec: string) =>
  resource('telemetry.istio.io/v1', 'Telemetry', name, `spec: { ${spec} }`);
const service = (name: string, spec = 'ports: [{ port: 80, name: http }]', annotations = '') =>
  resource('v1', 'Service', name, `spec: { ${spec} }`, annotations && `annotations: { ${annotations} }`);
const deployment = (name: string, labels: string, pod = 'containers: [{ name: app, image: example/app }]') =>
  resource(
    'apps/v1',
    'Deployment',
    name,
    `spec: { template: { metadata: { labels: { ${labels} } }, spec: { ${pod} } } }`,
  );
const namespace = (name: string, labels = '') =>
  `{ apiVersion: v1, kind: Namespace, metadata: { name: ${name}, labels: { ${labels} } } }`;
const secret = (name: string) => resource('v1', 'Secret', name, 'type: kubernetes.io/tls');
const route = (destination: string) => `http: [{ route: [{ destination: { ${destination} } }] }]`;
const all = (...resources: string[]) => resources.join('\n---\n');
/** The line of the n-th resource. */
const line = (nth: number) => nth * 2 - 1;

describe('in strict mode', () => {
  testCases({ strictness: 'strict' }, [
    // Hosts of destinations: IST0101, IST0112
    ['a destination by short name', all(service('reviews'), vs('a', `hosts: [a], ${route('host: reviews')}`)), []],
    [
      'a destination by full name',
      all(service('reviews'), vs('a.client', `hosts: [a], ${route('host: reviews.shop.svc.cluster.local')}`)),
      [],
    ],
    [
      'a short name means the own namespace',
      all(service('reviews'), vs('a.client', `hosts: [a], ${route('host: reviews')}`)),
      [`IST0101 VirtualService/a.client ${line(2)} (host)`],
    ],
    [
      'a destination that nobody defines',
      all(vs('a', `hosts: [a], ${route('host: reviews')}`)),
      [`IST0101 VirtualService/a.shop ${line(1)} (host)`],
    ],
    [
      'a host of a ServiceEntry',
      all(
        se(
          'e.other',
          'hosts: [x.example.com], ports: [{ number: 443, name: https, protocol: HTTPS }], resolution: DNS',
        ),
        vs('a', `hosts: [a], ${route('host: x.example.com')}`),
      ),
      [],
    ],
    [
      'a host within the wildcard of a ServiceEntry',
      all(
        se('e', "hosts: ['*.example.com'], ports: [{ number: 443, name: https, protocol: HTTPS }], resolution: NONE"),
        vs('a', `hosts: [a], ${route('host: x.example.com')}`),
      ),
      [],
    ],
    [
      'a ServiceEntry for its own namespace only',
      all(
        se(
          'e.other',
          "hosts: [x.example.com], exportTo: ['.'], ports: [{ number: 443, name: https, protocol: HTTPS }], resolution: DNS",
        ),
        vs('a', `hosts: [a], ${route('host: x.example.com')}`),
        vs('b.other', `hosts: [b], ${route('host: x.example.com')}`),
      ),
      [`IST0101 VirtualService/a.shop ${line(2)} (host)`],
    ],
    [
      'a Service that is exported to some',
      all(
        service('reviews', 'ports: [{ port: 80, name: http }]', 'networking.istio.io/exportTo: "client"'),
        vs('a.client', `hosts: [a], ${route('host: reviews.shop.svc.cluster.local')}`),
        vs('b.other', `hosts: [b], ${route('host: reviews.shop.svc.cluster.local')}`),
      ),
      [`IST0101 VirtualService/b.other ${line(3)} (host)`],
    ],
    [
      'an ExternalName Service is a Service',
      all(
        service('out', 'type: ExternalName, externalName: example.com, ports: [{ port: 443, name: https }]'),
        vs('a', `hosts: [a], ${route('host: out')}`),
      ),
      [],
    ],
    [
      'mirrors are destinations',
      all(
        service('reviews'),
        vs(
          'a',
          'hosts: [a], http: [{ route: [{ destination: { host: reviews } }], mirror: { host: some }, mirrors: [{ destination: { host: other } }] }]',
        ),
      ),
      [
        `IST0101 VirtualService/a.shop ${line(2)} (mirror host)`,
        `IST0101 VirtualService/a.shop ${line(2)} (mirror host)`,
      ],
    ],
    [
      'tcp and tls routes have destinations',
      all(
        vs(
          'a',
          'hosts: [a.example.com], tls: [{ match: [{ sniHosts: [a.example.com] }], route: [{ destination: { host: x } }] }], tcp: [{ route: [{ destination: { host: yonder } }] }]',
        ),
      ),
      [`IST0101 VirtualService/a.shop ${line(1)} (host)`, `IST0101 VirtualService/a.shop ${line(1)} (host)`],
    ],
    [
      'a port that the Service has',
      all(service('reviews'), vs('a', `hosts: [a], ${route('host: reviews, port: { number: 80 }')}`)),
      [],
    ],
    [
      'a port that the Service does not have',
      all(service('reviews'), vs('a', `hosts: [a], ${route('host: reviews, port: { number: 8080 }')}`)),
      [`IST0101 VirtualService/a.shop ${line(2)} (host:port)`],
    ],
    [
      'no port where there are two',
      all(
        service('reviews', 'ports: [{ port: 80, name: http }, { port: 90, name: grpc }]'),
        vs('a', `hosts: [a], ${route('host: reviews')}`),
      ),
      [`IST0112 VirtualService/a.shop ${line(2)}`],
    ],
    [
      'a port that one of two ServiceEntries of the host has',
      all(
        se('e', 'hosts: [x.example.com], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: DNS'),
        se('f', 'hosts: [x.example.com], ports: [{ number: 443, name: https, protocol: HTTPS }], resolution: DNS'),
        vs('a', `hosts: [a], ${route('host: x.example.com, port: { number: 443 }')}`),
      ),
      [],
    ],
    // Subsets: IST0101
    [
      'a subset that a DestinationRule defines',
      all(
        service('reviews', 'selector: { app: r }, ports: [{ port: 80, name: http }]'),
        deployment('r', 'app: r, version: v1'),
        dr('r', 'host: reviews, subsets: [{ name: v1, labels: { version: v1 } }]'),
        vs('a', `hosts: [a], ${route('host: reviews.shop.svc.cluster.local, subset: v1')}`),
      ),
      [],
    ],
    [
      'a subset that nobody defines',
      all(service('reviews'), vs('a', `hosts: [a], ${route('host: reviews, subset: v1')}`)),
      [`IST0101 VirtualService/a.shop ${line(2)} (host+subset in destinationrule)`],
    ],
    [
      'a mirror to a subset that nobody defines',
      all(
        service('reviews'),
        vs(
          'a',
          'hosts: [a], http: [{ route: [{ destination: { host: reviews } }], mirror: { host: reviews, subset: v1 } }]',
        ),
      ),
      [`IST0101 VirtualService/a.shop ${line(2)} (mirror+subset in destinationrule)`],
    ],
    // Gateways: IST0101, IST0132, IST0145, IST0138, IST0162
    [
      'a gateway that is not there',
      all(service('reviews'), vs('a', `hosts: [a.example.com], gateways: [gone], ${route('host: reviews')}`)),
      [`IST0132 VirtualService/a.shop ${line(2)}`, `IST0101 VirtualService/a.shop ${line(2)} (gateway)`].sort(),
    ],
    [
      'the mesh is no Gateway',
      all(service('reviews'), vs('a', `hosts: [reviews], gateways: [mesh], ${route('host: reviews')}`)),
      [],
    ],
    [
      'a Gateway of the Gateway API',
      all(
        service('reviews'),
        resource(
          'gateway.networking.k8s.io/v1',
          'Gateway',
          'edge',
          "spec: { gatewayClassName: istio, listeners: [{ name: http, port: 80, protocol: HTTP, hostname: '*.example.com' }] }",
        ),
        vs('a', `hosts: [a.example.com], gateways: [edge], ${route('host: reviews')}`),
        vs('b', `hosts: [a.example.org], gateways: [edge], ${route('host: reviews')}`),
      ),
      [`IST0132 VirtualService/b.shop ${line(4)}`],
    ],
    [
      'the default ingress gateway counts as there, with its ports',
      all(
        gw(
          'g',
          "selector: { istio: ingressgateway }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }, { port: { number: 8081, name: http-2, protocol: HTTP }, hosts: ['*'] }]",
        ),
      ),
      [`IST0162 Gateway/g.shop ${line(1)}`],
    ],
    [
      'a Gateway whose proxies nobody runs',
      all(
        gw(
          'g',
          "selector: { istio: nobody }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }]",
        ),
      ),
      [`IST0101 Gateway/g.shop ${line(1)} (selector)`],
    ],
    [
      'a port by target or by number, of Services in front of the proxies',
      all(
        deployment('edge.ingress', 'istio: edge'),
        service(
          'edge.ingress',
          'selector: { istio: edge }, ports: [{ port: 80, targetPort: 8080, name: http, protocol: TCP }]',
        ),
        service('udp.ingress', 'selector: { istio: edge }, ports: [{ port: 90, name: dns, protocol: UDP }]'),
        service('far', 'selector: { istio: edge }, ports: [{ port: 91, name: http }]'),
        gw(
          'g',
          "selector: { istio: edge }, servers: [{ port: { number: 80, name: a, protocol: HTTP }, hosts: ['*'] }, { port: { number: 8080, name: b, protocol: HTTP }, hosts: ['*'] }, { port: { number: 90, name: c, protocol: HTTP }, hosts: ['*'] }, { port: { number: 91, name: d, protocol: HTTP }, hosts: ['*'] }]",
        ),
      ),
      [`IST0162 Gateway/g.shop ${line(5)}`, `IST0162 Gateway/g.shop ${line(5)}`],
    ],
    [
      'two Gateways with one host, told of each',
      all(
        deployment('edge', 'istio: edge'),
        service('edge', 'selector: { istio: edge }, ports: [{ port: 80, name: http }]'),
        gw(
          'a',
          'selector: { istio: edge }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [x.example.com] }]',
        ),
        gw(
          'b',
          'selector: { istio: edge }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [x.example.com] }]',
        ),
        gw(
          'c',
          'selector: { istio: edge }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [y.example.com] }]',
        ),
      ),
      [`IST0145 Gateway/a.shop ${line(3)}`, `IST0145 Gateway/b.shop ${line(4)}`],
    ],
    [
      'a certificate twice, told of the Gateway whose selector is part of the other',
      all(
        deployment('edge', 'istio: edge, zone: a'),
        service('edge', 'selector: { istio: edge }, ports: [{ port: 443, name: https }]'),
        secret('cert'),
        gw(
          'a',
          'selector: { istio: edge }, servers: [{ port: { number: 443, name: https, protocol: HTTPS }, hosts: [x.example.com], tls: { mode: SIMPLE, credentialName: cert } }]',
        ),
        gw(
          'b',
          'selector: { istio: edge, zone: a }, servers: [{ port: { number: 443, name: https, protocol: HTTPS }, hosts: [y.example.com], tls: { mode: SIMPLE, credentialName: cert } }]',
        ),
      ),
      [`IST0138 Gateway/a.shop ${line(4)}`],
    ],
    [
      'a Secret must be where the proxies are',
      all(
        deployment('edge.ingress', 'istio: edge'),
        service('edge.ingress', 'selector: { istio: edge }, ports: [{ port: 443, name: https }]'),
        secret('here.ingress'),
        secret('there'),
        gw(
          'a',
          'selector: { istio: edge }, servers: [{ port: { number: 443, name: https, protocol: HTTPS }, hosts: [x.example.com], tls: { mode: SIMPLE, credentialName: here } }]',
        ),
        gw(
          'b',
          'selector: { istio: edge }, servers: [{ port: { number: 443, name: https, protocol: HTTPS }, hosts: [y.example.com], tls: { mode: SIMPLE, credentialName: there } }]',
        ),
        gw(
          'c',
          'selector: { istio: edge }, servers: [{ port: { number: 443, name: https, protocol: HTTPS }, hosts: [z.example.com], tls: { mode: SIMPLE, credentialName: nowhere } }]',
        ),
      ),
      [`IST0101 Gateway/b.shop ${line(6)} (credentialName)`, `IST0101 Gateway/c.shop ${line(7)} (credentialName)`],
    ],
    // Within the mesh: IST0109, IST0140
    [
      'two VirtualServices for one host of the mesh',
      all(
        service('reviews'),
        vs('a', `hosts: [reviews], ${route('host: reviews')}`),
        vs('b', `hosts: [reviews.shop.svc.cluster.local], gateways: [mesh], ${route('host: reviews')}`),
      ),
      [`IST0109 VirtualService/a.shop ${line(2)}`, `IST0109 VirtualService/b.shop ${line(3)}`],
    ],
    [
      'each for its own namespace',
      all(
        service('reviews'),
        vs('a', `hosts: [x.example.com], exportTo: ['.'], ${route('host: reviews')}`),
        vs('b.other', `hosts: [x.example.com], exportTo: ['.'], ${route('host: reviews.shop.svc.cluster.local')}`),
      ),
      [],
    ],
    [
      'one for all, one for its own namespace',
      all(
        service('reviews'),
        vs('a', `hosts: [x.example.com], exportTo: ['*'], ${route('host: reviews')}`),
        vs('b.other', `hosts: [x.example.com], exportTo: ['.'], ${route('host: reviews.shop.svc.cluster.local')}`),
      ),
      [`IST0109 VirtualService/a.shop ${line(2)}`, `IST0109 VirtualService/b.other ${line(3)}`],
    ],
    // Selectors: IST0101, IST0110, IST0111, IST0159, IST0160, IST0167
    [
      'Sidecars that select pods, and none',
      all(
        deployment('r', 'app: r'),
        sidecar('a', "workloadSelector: { labels: { app: r } }, egress: [{ hosts: ['*/*'] }]"),
        sidecar('b', "workloadSelector: { labels: { app: x } }, egress: [{ hosts: ['*/*'] }]"),
        sidecar('c.other', "workloadSelector: { labels: { app: r } }, egress: [{ hosts: ['*/*'] }]"),
      ),
      [`IST0101 Sidecar/b.shop ${line(3)} (selector)`, `IST0101 Sidecar/c.other ${line(4)} (selector)`],
    ],
    [
      'a pod of two Sidecars',
      all(
        deployment('r', 'app: r, version: v1'),
        sidecar('a', "workloadSelector: { labels: { app: r } }, egress: [{ hosts: ['*/*'] }]"),
        sidecar('b', "workloadSelector: { labels: { version: v1 } }, egress: [{ hosts: ['*/*'] }]"),
      ),
      [`IST0110 Sidecar/a.shop ${line(2)}`, `IST0110 Sidecar/b.shop ${line(3)}`],
    ],
    [
      'two Sidecars for a whole namespace, and for an ambient one',
      all(
        namespace('calm', 'istio.io/dataplane-mode: ambient'),
        sidecar('a', "egress: [{ hosts: ['*/*'] }]"),
        sidecar('b', "egress: [{ hosts: ['*/*'] }]"),
        sidecar('a.calm', "egress: [{ hosts: ['*/*'] }]"),
        sidecar('b.calm', "egress: [{ hosts: ['*/*'] }]"),
      ),
      [
        `IST0111 Sidecar/a.shop ${line(2)}`,
        `IST0111 Sidecar/b.shop ${line(3)}`,
        `IST0167 Sidecar/a.calm ${line(4)}`,
        `IST0167 Sidecar/b.calm ${line(5)}`,
      ],
    ],
    [
      'Telemetries of one workload, and of a namespace',
      all(
        deployment('r', 'app: r, version: v1'),
        telemetry('a', 'selector: { matchLabels: { app: r } }'),
        telemetry('b', 'selector: { matchLabels: { version: v1 } }'),
        telemetry('c', 'metrics: [{ providers: [{ name: prometheus }] }]'),
        telemetry('d', 'metrics: [{ providers: [{ name: prometheus }] }]'),
      ),
      [
        `IST0159 Telemetry/a.shop ${line(2)}`,
        `IST0159 Telemetry/b.shop ${line(3)}`,
        `IST0160 Telemetry/c.shop ${line(4)}`,
        `IST0160 Telemetry/d.shop ${line(5)}`,
      ],
    ],
    // Policies: IST0127, IST0101, IST0149
    [
      'policies with and without pods of the mesh',
      all(
        namespace('shop', 'istio-injection: enabled'),
        namespace('plain'),
        deployment('r', 'app: r'),
        deployment('r.plain', 'app: r'),
        policy('a', 'selector: { matchLabels: { app: r } }'),
        policy('b', 'selector: { matchLabels: { app: x } }'),
        policy('c.plain', 'selector: { matchLabels: { app: r } }'),
        policy('d.plain', 'rules: [{}]'),
        policy('e.istio-system', 'rules: [{}]'),
        policy('f.istio-system', 'selector: { matchLabels: { app: r } }'),
        policy('g.istio-system', 'selector: { matchLabels: { app: x } }'),
      ),
      [
        `IST0127 AuthorizationPolicy/b.shop ${line(6)}`,
        `IST0127 AuthorizationPolicy/c.plain ${line(7)}`,
        `IST0127 AuthorizationPolicy/d.plain ${line(8)}`,
        `IST0127 AuthorizationPolicy/g.istio-system ${line(11)}`,
      ],
    ],
    [
      'source namespaces by name, in any case, with a wildcard at either end',
      all(
        namespace('shop', 'istio-injection: enabled'),
        deployment('r', 'app: r'),
        policy('a', "rules: [{ from: [{ source: { namespaces: [SHOP, 'sh*', '*op', '*'] } }] }]"),
        policy('b', 'rules: [{ from: [{ source: { namespaces: [nowhere], notNamespaces: [gone] } }] }]'),
      ),
      [
        `IST0101 AuthorizationPolicy/b.shop ${line(4)} (namespace)`,
        `IST0101 AuthorizationPolicy/b.shop ${line(4)} (namespace)`,
      ],
    ],
    [
      'claims at a gateway with and without authentication',
      all(
        service('reviews'),
        deployment('edge', 'istio: edge'),
        deployment('side', 'istio: side'),
        service('edge', 'selector: { istio: edge }, ports: [{ port: 80, name: http }]'),
        service('side', 'selector: { istio: side }, ports: [{ port: 80, name: http }]'),
        gw(
          'a',
          'selector: { istio: edge }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [x.example.com] }]',
        ),
        gw(
          'b',
          'selector: { istio: side }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [y.example.com] }]',
        ),
        requestAuth(
          'jwt',
          'selector: { matchLabels: { istio: edge } }, jwtRules: [{ issuer: me, jwksUri: https://example.com/jwks }]',
        ),
        vs(
          'v',
          "hosts: [x.example.com], gateways: [a], http: [{ match: [{ headers: { '@request.auth.claims.group': { exact: x } } }], route: [{ destination: { host: reviews } }] }]",
        ),
        vs(
          'w',
          "hosts: [y.example.com], gateways: [b], http: [{ match: [{ headers: { '@request.auth.claims.group': { exact: x } } }], route: [{ destination: { host: reviews } }] }]",
        ),
      ),
      [`IST0149 VirtualService/w.shop ${line(10)}`],
    ],
    // DestinationRules: IST0173, IST0174
    [
      'hosts that nobody has, and subsets that select nobody',
      all(
        service('reviews', 'selector: { app: r }, ports: [{ port: 80, name: http }]'),
        deployment('r', 'app: r, version: v1'),
        dr(
          'a',
          'host: reviews, subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]',
        ),
        dr('b', 'host: reviws'),
      ),
      [`IST0173 DestinationRule/a.shop ${line(3)}`, `IST0174 DestinationRule/b.shop ${line(4)}`],
    ],
    // ServiceEntries: IST0134, IST0177
    [
      'TCP without addresses, by default or by name',
      all(
        se('a', 'hosts: [a.example.com], ports: [{ number: 1, name: x, protocol: TCP }], resolution: DNS'),
        se('b', 'hosts: [b.example.com], ports: [{ number: 1, name: x }], resolution: DNS'),
        se(
          'c',
          'hosts: [c.example.com], addresses: [10.0.0.1], ports: [{ number: 1, name: x, protocol: TCP }], resolution: DNS',
        ),
        se('d', 'hosts: [d.example.com], ports: [{ number: 1, name: x, protocol: HTTP }], resolution: DNS'),
      ),
      [`IST0134 ServiceEntry/a.shop ${line(1)}`, `IST0134 ServiceEntry/b.shop ${line(2)}`],
    ],
    [
      'one port with two protocols',
      all(
        se('a', 'hosts: [a.example.com], ports: [{ number: 80, name: x, protocol: HTTP }], resolution: DNS'),
        se('b', 'hosts: [a.example.com], ports: [{ number: 80, name: x, protocol: TLS }], resolution: DNS'),
        se(
          'c',
          "hosts: [c.example.com], exportTo: ['.'], ports: [{ number: 80, name: x, protocol: HTTP }], resolution: DNS",
        ),
        se(
          'c.other',
          "hosts: [c.example.com], exportTo: ['.'], ports: [{ number: 80, name: x, protocol: TLS }], resolution: DNS",
        ),
      ),
      [`IST0177 ServiceEntry/a.shop ${line(1)}`, `IST0177 ServiceEntry/b.shop ${line(2)}`],
    ],
    // Deployments: IST0116, IST0137
    [
      'ports of Deployments, in the mesh only',
      all(
        namespace('shop', 'istio-injection: enabled'),
        namespace('plain'),
        deployment('a', 'app: a'),
        service('a-1', 'selector: { app: a }, ports: [{ port: 80, name: http, protocol: TCP }]'),
        service('a-2', 'selector: { app: a }, ports: [{ port: 80, name: dns, protocol: UDP }]'),
        deployment('b', 'app: b'),
        service('b-1', 'selector: { app: b }, ports: [{ port: 80, targetPort: 8080, name: http }]'),
        service('b-2', 'selector: { app: b }, ports: [{ port: 81, targetPort: 8080, name: http }]'),
        deployment('b.plain', 'app: b'),
        service('b-1.plain', 'selector: { app: b }, ports: [{ port: 80, targetPort: 8080, name: http }]'),
        service('b-2.plain', 'selector: { app: b }, ports: [{ port: 81, targetPort: 8080, name: http }]'),
      ),
      [`IST0116 Deployment/a.shop ${line(3)}`, `IST0137 Deployment/b.shop ${line(6)}`],
    ],
    // Service ports: IST0118, IST0150
    [
      'names of ports',
      all(
        service(
          'a',
          'ports: [{ port: 80, name: web }, { port: 81 }, { port: 3306 }, { port: 82, name: HTTP-x }, { port: 83, name: grpc-web-x }]',
        ),
        service(
          'b',
          'ports: [{ port: 80, name: web, appProtocol: http }, { port: 81, name: http, appProtocol: nonsense }]',
        ),
        service(
          'c',
          'type: ExternalName, externalName: example.com, ports: [{ port: 80, name: tcp }, { port: 81, name: http }]',
        ),
      ),
      [
        `IST0118 Service/a.shop ${line(1)}`,
        `IST0118 Service/a.shop ${line(1)}`,
        `IST0118 Service/b.shop ${line(2)}`,
        `IST0150 Service/c.shop ${line(3)}`,
      ],
    ],
    // Copies
    [
      'the same resource twice contradicts nothing',
      all(
        service('reviews'),
        vs('a', `hosts: [reviews], ${route('host: reviews')}`),
        vs('a', `hosts: [reviews], ${route('host: reviews')}`),
        sidecar('s', "egress: [{ hosts: ['*/*'] }]"),
        sidecar('s', "egress: [{ hosts: ['*/*'] }]"),
      ),
      [],
    ],
  ]);
});

describe('in lenient mode', () => {
  testCases({}, [
    [
      'what may live elsewhere is not missing',
      all(
        vs('a', `hosts: [a], gateways: [platform/edge, mesh], ${route('host: reviews')}`),
        dr('d', 'host: stock'),
        gw(
          'g',
          "selector: { istio: edge }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }]",
        ),
        sidecar('s', "workloadSelector: { labels: { app: x } }, egress: [{ hosts: ['*/*'] }]"),
        policy(
          'p',
          'selector: { matchLabels: { app: x } }, rules: [{ from: [{ source: { namespaces: [nowhere] } }] }]',
        ),
      ),
      [],
    ],
    [
      'what is hidden from here is not elsewhere',
      all(
        se(
          'e.other',
          "hosts: [x.example.com], exportTo: ['.'], ports: [{ number: 443, name: https, protocol: HTTPS }], resolution: DNS",
        ),
        vs('a', `hosts: [a], ${route('host: x.example.com')}`),
      ),
      [`IST0101 VirtualService/a.shop ${line(2)} (host)`],
    ],
    [
      'a DestinationRule for a host that is hidden from it',
      all(
        service('reviews', 'ports: [{ port: 80, name: http }]', 'networking.istio.io/exportTo: "."'),
        dr('a.client', 'host: reviews.shop.svc.cluster.local'),
        dr('b', 'host: reviews'),
        dr('c.istio-system', 'host: reviews.shop.svc.cluster.local'),
        vs(
          'v.client',
          `hosts: [x.example.com], gateways: [other/edge], ${route('host: reviews.shop.svc.cluster.local')}`,
        ),
      ),
      [`IST0174 DestinationRule/a.client ${line(2)}`],
    ],
    [
      'a Secret that lies beside the Gateway instead of beside its proxies',
      all(
        deployment('edge.ingress', 'istio: edge'),
        secret('cert'),
        gw(
          'g',
          "selector: { istio: edge }, servers: [{ port: { number: 443, name: https, protocol: HTTPS }, hosts: ['*'], tls: { mode: SIMPLE, credentialName: cert } }]",
        ),
        gw(
          'h',
          "selector: { istio: edge }, servers: [{ port: { number: 444, name: https, protocol: HTTPS }, hosts: ['*'], tls: { mode: SIMPLE, credentialName: elsewhere } }]",
        ),
      ),
      [`IST0101 Gateway/g.shop ${line(3)} (credentialName)`],
    ],
    [
      'pods of the own namespace are believed to be all of it',
      all(
        deployment('r', 'app: r'),
        sidecar('a', "workloadSelector: { labels: { app: x } }, egress: [{ hosts: ['*/*'] }]"),
        sidecar('b.other', "workloadSelector: { labels: { app: x } }, egress: [{ hosts: ['*/*'] }]"),
      ),
      [`IST0101 Sidecar/a.shop ${line(2)} (selector)`],
    ],
  ]);
});

describe('with a mesh configuration named apart', () => {
  testCases(
    {
      meshConfig: parseMeshSettings(`
rootNamespace: mesh-root
outboundTrafficPolicy: { mode: REGISTRY_ONLY }
defaultConfig: { proxyMetadata: { ISTIO_META_DNS_CAPTURE: "true", ISTIO_META_DNS_AUTO_ALLOCATE: "true" } }
defaultProviders: { accessLogging: [envoy] }
extensionProviders: [{ name: old, lightstep: { service: x, port: 1 } }]
`),
    },
    [
      [
        'addresses are allocated',
        all(se('a', 'hosts: [a.example.com], ports: [{ number: 1, name: x, protocol: TCP }], resolution: DNS')),
        [],
      ],
      ['access logs have a default provider', all(telemetry('t', 'accessLogging: [{ disabled: false }]')), []],
      [
        'lightstep is deprecated',
        all(telemetry('t', 'tracing: [{ providers: [{ name: old }] }]')),
        [`IST0002 Telemetry/t.shop ${line(1)}`],
      ],
      [
        'outside hosts need a ServiceEntry',
        all(vs('a', `hosts: [x.example.com], ${route('host: x.example.com')}`)),
        [`ML0208 VirtualService/a.shop ${line(1)}`],
      ],
      [
        'a DestinationRule in the root namespace is found',
        all(
          service('reviews', 'selector: { app: r }, ports: [{ port: 80, name: http }]'),
          deployment('r', 'app: r'),
          dr('a.mesh-root', 'host: reviews.shop.svc.cluster.local'),
          dr('b.istio-conf', 'host: reviews.shop.svc.cluster.local'),
          dr('c.configs', 'host: reviews.shop.svc.cluster.local'),
        ),
        [`ML0202 DestinationRule/c.configs ${line(5)}`],
      ],
    ],
  );
});
