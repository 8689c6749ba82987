import { describe } from 'vitest';
import { testVerdicts } from '../verdicts.fixture.ts';
import type { Verdict } from '../verdicts.fixture.ts';

const header = 'apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: { name: api, namespace: shop }';
type Case = readonly [string, Verdict, string];

const tlsPort = 'ports: [{ number: 443, name: tls, protocol: TLS }]';
const httpPort = 'ports: [{ number: 80, name: http, protocol: HTTP }]';
const entry = (text: string) => `spec: { ${text} }`;
const hosts = (names: string, more = '') => entry(`hosts: [${names}], ${tlsPort}${more}`);
const resolved = (resolution: string, more: string) =>
  entry(`hosts: [api.example.com], ${httpPort}, resolution: ${resolution}, ${more}`);
const ports = (...texts: string[]) =>
  entry(`hosts: [api.example.com], resolution: DNS, ports: [${texts.map((text) => `{ ${text} }`).join(', ')}]`);
const labelled = (labels: string, text: string) =>
  `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: { name: api, namespace: shop, labels: { ${labels} } }\n${entry(text)}`;

describe('hosts', () => {
  const accepted = [
    "'*.example.com'",
    'api.example.com',
    'api',
    'api.example.com.',
    'API.Example.com',
    "'1.example.com'",
  ];
  const refused = [
    ...[
      "'*'",
      "''",
      "'a.*.com'",
      "'a*.com'",
      "'-a.com'",
      "'a..b'",
      "'a_b.com'",
      'https://a.com',
      "'a.com:443'",
      'a.com/x',
    ],
    ...['10.0.0.1', "'fd00::1'", '10.0.0.0/8', `${'a'.repeat(64)}.com`, "'**.com'", "'*.*.com'"],
  ];
  testVerdicts(header, [
    ...accepted.map((text): Case => [text, 'accepted', hosts(text)]),
    ...refused.map((text): Case => [text, 'refused', hosts(text)]),
    ['no spec', 'refused', ''],
    ['no hosts', 'refused', entry(tlsPort)],
    ['an empty list of hosts', 'refused', hosts('')],
    ['a wildcard that is no whole label', 'warned', hosts("'*example.com'")],
    ['a wildcard with "-"', 'warned', hosts("'*-api.example.com'")],
    ['several hosts with TLS', 'accepted', hosts('a.example.com, b.example.com', ', resolution: DNS')],
    ['no ports', 'accepted', entry('hosts: [api.example.com]')],
    ['location MESH_INTERNAL', 'accepted', hosts('a.example.com', ', location: MESH_INTERNAL')],
    ['an unknown location', 'refused', hosts('a.example.com', ', location: INTERNAL')],
    ['an unknown resolution', 'refused', hosts('a.example.com', ', resolution: dns')],
    ['subjectAltNames', 'accepted', hosts('a.example.com', ", subjectAltNames: ['spiffe://cluster.local/ns/a/sa/b']")],
  ]);
});

describe('addresses', () => {
  const addresses = (text: string, resolution: string) =>
    hosts('a.example.com', `, addresses: [${text}], resolution: ${resolution}`);
  testVerdicts(header, [
    ...['10.0.0.1', "'fd00::1'", '10.0.0.0/8', "'fd00::/8'", '10.1.2.3/16', '0.0.0.0/0'].flatMap((text): Case[] => [
      [`${text} with NONE`, 'accepted', addresses(text, 'NONE')],
      [`${text} with STATIC`, 'accepted', addresses(text, 'STATIC')],
    ]),
    ['an address with DNS', 'accepted', addresses('10.0.0.1', 'DNS')],
    ['an IPv6 address with DNS_ROUND_ROBIN', 'accepted', addresses("'fd00::1'", 'DNS_ROUND_ROBIN')],
    ['a CIDR with DNS', 'refused', addresses('10.0.0.0/8', 'DNS')],
    ['a CIDR of one address with DNS', 'refused', addresses('10.0.0.1/32', 'DNS')],
    ['a CIDR with DNS_ROUND_ROBIN', 'refused', addresses('10.0.0.0/8', 'DNS_ROUND_ROBIN')],
    ['a CIDR without resolution', 'accepted', hosts('a.example.com', ', addresses: [10.0.0.0/8]')],
    ['a name', 'refused', addresses('a.example.com', 'STATIC')],
    ['too large a mask', 'refused', addresses('10.0.0.0/33', 'NONE')],
    ['half an address', 'refused', addresses('10.0.0', 'NONE')],
    ['an empty address', 'refused', addresses("''", 'NONE')],
    ['two slashes', 'refused', addresses('10.0.0.0/8/8', 'NONE')],
    ['an address with port', 'refused', addresses("'10.0.0.1:80'", 'NONE')],
  ]);
});

describe('ports', () => {
  const known = 'HTTP HTTPS HTTP2 GRPC GRPC-WEB TLS MONGO REDIS MYSQL UDP http tls grpc-Web'.split(' ');
  testVerdicts(header, [
    ...known.map((name): Case => [`protocol ${name}`, 'accepted', ports(`number: 80, name: a, protocol: ${name}`)]),
    ['protocol TCP', 'accepted', ports('number: 80, name: a, protocol: TCP')],
    ['no protocol', 'accepted', ports('number: 80, name: a')],
    ['an empty protocol', 'accepted', ports("number: 80, name: a, protocol: ''")],
    ['an unknown protocol', 'refused', ports('number: 80, name: a, protocol: HTTPP')],
    ['number 1', 'accepted', ports('number: 1, name: a, protocol: HTTP')],
    ['number 65535', 'accepted', ports('number: 65535, name: a, protocol: HTTP')],
    ['number 0', 'refused', ports('number: 0, name: a, protocol: HTTP')],
    ['number 65536', 'refused', ports('number: 65536, name: a, protocol: HTTP')],
    ['a negative number', 'refused', ports('number: -80, name: a, protocol: HTTP')],
    ['no number', 'refused', ports('name: a, protocol: HTTP')],
    ['no name', 'refused', ports('number: 80, protocol: HTTP')],
    ['an empty name', 'refused', ports("number: 80, name: '', protocol: HTTP")],
    ['a name with "_"', 'refused', ports('number: 80, name: a_b, protocol: HTTP')],
    ['a name with "."', 'refused', ports('number: 80, name: a.b, protocol: HTTP')],
    ['a name in capitals', 'accepted', ports('number: 80, name: HTTP, protocol: HTTP')],
    ['a targetPort', 'accepted', ports('number: 80, name: a, protocol: HTTP, targetPort: 8080')],
    ['targetPort 65536', 'refused', ports('number: 80, name: a, protocol: HTTP, targetPort: 65536')],
    ['targetPort 0', 'refused', ports('number: 80, name: a, protocol: HTTP, targetPort: 0')],
    [
      'one number twice',
      'refused',
      ports('number: 80, name: a, protocol: HTTP', 'number: 80, name: b, protocol: HTTP'),
    ],
    ['one name twice', 'refused', ports('number: 80, name: a, protocol: HTTP', 'number: 81, name: a, protocol: HTTP')],
    ['two ports', 'accepted', ports('number: 80, name: a, protocol: HTTP', 'number: 81, name: b, protocol: TCP')],
    ['a port that is null', 'refused', entry('hosts: [api.example.com], ports: [null]')],
  ]);
});

describe('several hosts', () => {
  const several = (protocol: string, more = '') =>
    entry(`hosts: [a.example.com, b.example.com], ports: [{ number: 80, name: a${protocol} }]${more}`);
  testVerdicts(header, [
    ...['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB', 'HTTP_PROXY', 'TLS', 'HTTPS'].map((name): Case => {
      return [`${name} with DNS`, 'accepted', several(`, protocol: ${name}`, ', resolution: DNS')];
    }),
    ...['TCP', 'MONGO', 'REDIS', 'MYSQL', 'UDP'].map((name): Case => {
      return [`${name} with DNS`, 'refused', several(`, protocol: ${name}`, ', resolution: DNS')];
    }),
    ['no protocol with STATIC', 'refused', several('', ', resolution: STATIC')],
    ['TCP with NONE', 'accepted', several(', protocol: TCP', ', resolution: NONE')],
    ['TCP without resolution', 'accepted', several(', protocol: TCP')],
  ]);
});

describe('resolution NONE', () => {
  testVerdicts(header, [
    ['nothing else', 'accepted', resolved('NONE', 'addresses: [10.0.0.1]')],
    ['endpoints', 'refused', resolved('NONE', 'endpoints: [{ address: 10.0.0.1 }]')],
    ['endpoints without resolution', 'refused', hosts('a.example.com', ', endpoints: [{ address: 10.0.0.1 }]')],
    ['an empty list of endpoints', 'refused', resolved('NONE', 'endpoints: []')],
    ['endpoints that are null', 'accepted', resolved('NONE', 'endpoints: null')],
    ['a selector', 'warned', resolved('NONE', 'workloadSelector: { labels: { app: a } }')],
    ['a selector without resolution', 'warned', hosts('a.example.com', ', workloadSelector: { labels: { app: a } }')],
    ['a wildcard', 'accepted', hosts("'*.example.com'", ', resolution: NONE')],
  ]);
});

describe('resolution STATIC', () => {
  const endpoints = (...texts: string[]) =>
    resolved('STATIC', `endpoints: [${texts.map((text) => `{ ${text} }`).join(', ')}]`);
  testVerdicts(header, [
    ['no endpoints', 'accepted', resolved('STATIC', 'addresses: [10.0.0.1]')],
    ['IP addresses', 'accepted', endpoints('address: 10.0.0.1', "address: 'fd00::1'")],
    ['a name', 'refused', endpoints('address: a.example.com')],
    [
      'an endpoint with everything',
      'accepted',
      endpoints('address: 10.0.0.1, labels: { app: a }, network: net, locality: a/b, weight: 5, serviceAccount: s'),
    ],
    ['no address', 'refused', endpoints('labels: { app: a }')],
    ['an empty address', 'refused', endpoints("address: ''")],
    ['an endpoint that is null', 'refused', resolved('STATIC', 'endpoints: [null]')],
    ['a network and no address', 'warned', endpoints('network: vms')],
    ['a known port', 'accepted', endpoints('address: 10.0.0.1, ports: { http: 8080 }')],
    ['an unknown port', 'refused', endpoints('address: 10.0.0.1, ports: { https: 8443 }')],
    ['port 0', 'refused', endpoints('address: 10.0.0.1, ports: { http: 0 }')],
    ['port 65536', 'refused', endpoints('address: 10.0.0.1, ports: { http: 65536 }')],
    ['labels that Kubernetes does not take', 'refused', endpoints("address: 10.0.0.1, labels: { '-a': b }")],
    ['a label value that Kubernetes does not take', 'refused', endpoints("address: 10.0.0.1, labels: { a: '~b' }")],
    ['a label with prefix', 'accepted', endpoints('address: 10.0.0.1, labels: { example.com/a: b }')],
    ['an empty label value', 'accepted', endpoints("address: 10.0.0.1, labels: { a: '' }")],
    ['a socket', 'accepted', endpoints("address: 'unix:///run/a.sock'")],
    ['an abstract socket', 'accepted', endpoints("address: 'unix://@a'")],
    ['a socket with a relative path', 'refused', endpoints("address: 'unix://./a.sock'")],
    ['a directory', 'refused', endpoints("address: 'unix:///run/'")],
    ['no path', 'refused', endpoints("address: 'unix://'")],
    ['a socket with ports', 'refused', endpoints("address: 'unix:///run/a.sock', ports: { http: 80 }")],
    [
      'a socket for two ports',
      'refused',
      entry(
        "hosts: [a.example.com], resolution: STATIC, ports: [{ number: 80, name: a, protocol: HTTP }, { number: 81, name: b, protocol: HTTP }], endpoints: [{ address: 'unix:///a' }]",
      ),
    ],
    ['a selector', 'accepted', resolved('STATIC', 'workloadSelector: { labels: { app: a } }')],
    ['a selector without labels', 'warned', resolved('STATIC', 'workloadSelector: {}')],
    ['a selector with "*"', 'refused', resolved('STATIC', "workloadSelector: { labels: { app: '*' } }")],
    ['a selector with an empty key', 'refused', resolved('STATIC', "workloadSelector: { labels: { '': a } }")],
    ['a selector with an empty value', 'accepted', resolved('STATIC', "workloadSelector: { labels: { app: '' } }")],
    [
      'a selector and endpoints',
      'refused',
      resolved('STATIC', 'workloadSelector: { labels: { app: a } }, endpoints: [{ address: 10.0.0.1 }]'),
    ],
    ['a wildcard', 'accepted', hosts("'*.example.com'", ', resolution: STATIC, endpoints: [{ address: 10.0.0.1 }]')],
  ]);
});

describe('resolution by DNS', () => {
  const endpoint = (text: string) => resolved('DNS', `endpoints: [{ ${text} }]`);
  const wildcard = (more: string) => hosts("'*.example.com'", more);
  testVerdicts(header, [
    ['no endpoints', 'accepted', hosts('a.example.com', ', resolution: DNS')],
    ['a wildcard without endpoints', 'refused', wildcard(', resolution: DNS')],
    ['a wildcard and DNS_ROUND_ROBIN without endpoints', 'refused', wildcard(', resolution: DNS_ROUND_ROBIN')],
    ['a partial wildcard without endpoints', 'refused', hosts("'*a.com'", ', resolution: DNS')],
    ['a wildcard with a selector', 'refused', wildcard(', resolution: DNS, workloadSelector: { labels: { a: b } }')],
    ['a wildcard with endpoints', 'accepted', wildcard(', resolution: DNS, endpoints: [{ address: a.example.com }]')],
    ['a name', 'accepted', endpoint('address: a.example.com')],
    ['a short name', 'accepted', endpoint('address: a')],
    ['an IP address', 'accepted', endpoint('address: 10.0.0.1')],
    ['an IPv6 address', 'accepted', endpoint("address: 'fd00::1'")],
    ['a wildcard as endpoint', 'refused', endpoint("address: '*.example.com'")],
    ['a socket', 'refused', endpoint("address: 'unix:///run/a.sock'")],
    ['a URL', 'refused', endpoint('address: http://a.example.com')],
    ['an address with port', 'refused', endpoint("address: 'a.example.com:80'")],
    ['no address', 'refused', endpoint('labels: { a: b }')],
    ['a network and no address', 'refused', endpoint('network: vms')],
    ['a known port', 'accepted', endpoint('address: a.example.com, ports: { http: 8080 }')],
    ['an unknown port', 'refused', endpoint('address: a.example.com, ports: { tcp: 8080 }')],
    ['port 0', 'refused', endpoint('address: a.example.com, ports: { http: 0 }')],
    ['bad labels', 'refused', endpoint("address: a.example.com, labels: { 'a b': c }")],
    ['several endpoints', 'accepted', resolved('DNS', 'endpoints: [{ address: a.com }, { address: b.com }]')],
    ['DNS_ROUND_ROBIN with one', 'accepted', resolved('DNS_ROUND_ROBIN', 'endpoints: [{ address: a.com }]')],
    ['DNS_ROUND_ROBIN with none', 'accepted', hosts('a.example.com', ', resolution: DNS_ROUND_ROBIN')],
    [
      'DNS_ROUND_ROBIN with two',
      'refused',
      resolved('DNS_ROUND_ROBIN', 'endpoints: [{ address: a.com }, { address: b.com }]'),
    ],
    ['no protocol and no addresses', 'accepted', ports('number: 3306, name: a')],
    [
      'TCP without addresses while none are allocated',
      'warned',
      labelled(
        "networking.istio.io/enable-autoallocate-ip: 'False'",
        'hosts: [db.example.com], resolution: DNS, ports: [{ number: 3306, name: tcp, protocol: TCP }]',
      ),
    ],
    [
      'HTTP without addresses while none are allocated',
      'accepted',
      labelled(
        "networking.istio.io/enable-autoallocate-ip: 'false'",
        `hosts: [a.example.com], resolution: DNS, ${httpPort}`,
      ),
    ],
    [
      'TCP without addresses while they are allocated',
      'accepted',
      labelled(
        "networking.istio.io/enable-autoallocate-ip: 'true'",
        'hosts: [db.example.com], resolution: DNS, ports: [{ number: 3306, name: tcp, protocol: TCP }]',
      ),
    ],
  ]);
});

describe('resolution DYNAMIC_DNS', () => {
  const dynamic = (more: string) => `hosts: ['*.example.com'], resolution: DYNAMIC_DNS, ${more}`;
  const onPort = (protocol: string) => entry(dynamic(`ports: [{ number: 80, name: a${protocol} }]`));
  const waypoint = 'istio.io/use-waypoint: waypoint';
  testVerdicts(header, [
    ...['HTTP', 'HTTP2', 'GRPC', 'TLS', 'http'].map((name): Case => [name, 'accepted', onPort(`, protocol: ${name}`)]),
    ...['TCP', 'UDP', 'MONGO'].map((name): Case => [name, 'refused', onPort(`, protocol: ${name}`)]),
    ['no protocol', 'refused', onPort('')],
    ['a partial wildcard', 'accepted', entry(`hosts: ['*example.com'], resolution: DYNAMIC_DNS, ${httpPort}`)],
    ['a plain host', 'refused', entry(`hosts: [a.example.com], resolution: DYNAMIC_DNS, ${httpPort}`)],
    ['everything', 'refused', entry(`hosts: ['*'], resolution: DYNAMIC_DNS, ${httpPort}`)],
    ['addresses', 'refused', entry(dynamic(`${httpPort}, addresses: [10.0.0.1]`))],
    ['endpoints', 'refused', entry(dynamic(`${httpPort}, endpoints: [{ address: 10.0.0.1 }]`))],
    ['MESH_EXTERNAL', 'accepted', entry(dynamic(`${httpPort}, location: MESH_EXTERNAL`))],
    ['MESH_INTERNAL', 'accepted', entry(dynamic(`${httpPort}, location: MESH_INTERNAL`))],
    ['MESH_INTERNAL behind a waypoint', 'refused', labelled(waypoint, dynamic(`${httpPort}, location: MESH_INTERNAL`))],
    [
      'MESH_EXTERNAL behind a waypoint',
      'accepted',
      labelled(waypoint, dynamic(`${httpPort}, location: MESH_EXTERNAL`)),
    ],
  ]);
});

describe('exportTo', () => {
  const exported = (text: string) => hosts('a.example.com', `, exportTo: [${text}]`);
  testVerdicts(header, [
    ...["'.'", "'*'", "'~'", 'prod', 'prod, stage', "'.', prod", ''].map((text): Case => [
      `[${text}]`,
      'accepted',
      exported(text),
    ]),
    ...[
      "'*', prod",
      "'*', '.'",
      "'~', prod",
      "'~', '.'",
      'prod, prod',
      "'.', shop",
      "'.', '.'",
      "'a_b'",
      "''",
      'a.b',
    ].map((text): Case => [`[${text}]`, 'refused', exported(text)]),
  ]);
});
