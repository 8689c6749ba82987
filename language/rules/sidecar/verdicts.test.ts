import { describe } from 'vitest';
import { testVerdicts } from '../verdicts.fixture.ts';
import type { Verdict } from '../verdicts.fixture.ts';

const header = 'apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: { name: default, namespace: shop }';
type Case = readonly [string, Verdict, string];
const sidecar = (text: string) => `spec: { ${text} }`;
const ingress = (...texts: string[]) => sidecar(`ingress: [${texts.map((text) => `{ ${text} }`).join(', ')}]`);
const egress = (...texts: string[]) => sidecar(`egress: [${texts.map((text) => `{ ${text} }`).join(', ')}]`);
const hosts = (text: string) => egress(`hosts: [${text}]`);
const http = 'port: { number: 80, protocol: HTTP, name: http }';
const all = "hosts: ['*/*']";

describe('as a whole', () => {
  testVerdicts(header, [
    ['no spec', 'refused', ''],
    ['an empty spec', 'refused', 'spec: {}'],
    ['a selector alone', 'refused', sidecar('workloadSelector: { labels: { app: a } }')],
    ['empty lists', 'refused', sidecar('ingress: [], egress: []')],
    ['nulls', 'refused', sidecar('ingress: null, egress: null, outboundTrafficPolicy: null')],
    ['an egress', 'accepted', egress(all)],
    ['an ingress', 'accepted', ingress(http)],
    ['an empty outboundTrafficPolicy', 'accepted', sidecar('outboundTrafficPolicy: {}')],
    ['an inboundConnectionPool', 'accepted', sidecar('inboundConnectionPool: { tcp: { maxConnections: 1 } }')],
    ['a selector', 'accepted', sidecar(`workloadSelector: { labels: { app: a } }, egress: [{ ${all} }]`)],
    ['a selector without labels', 'warned', sidecar(`workloadSelector: {}, egress: [{ ${all} }]`)],
    ['a selector with empty labels', 'warned', sidecar(`workloadSelector: { labels: {} }, egress: [{ ${all} }]`)],
    ['a selector with "*"', 'refused', sidecar(`workloadSelector: { labels: { app: 'a*' } }, egress: [{ ${all} }]`)],
    [
      'a selector with an empty key',
      'refused',
      sidecar(`workloadSelector: { labels: { '': a } }, egress: [{ ${all} }]`),
    ],
    ['an ingress that is null', 'refused', sidecar('ingress: [null]')],
    ['an egress that is null', 'refused', sidecar('egress: [null]')],
  ]);
});

describe('hosts of an egress', () => {
  const accepted = [
    ...["'*/*'", './*', '~/*', 'prod/*', "'*/a.example.com'", "'prod/*.example.com'", 'prod/a.prod.svc.cluster.local'],
    ...[
      './a.example.com',
      '~prod/a.example.com',
      "'*/*.com'",
      'prod/a.b.',
      './*, istio-system/*',
      "'*/a.b', 'prod/a.b'",
    ],
  ];
  const refused = [
    ...["'*'", 'a.example.com', 'prod/a', './a', '/a.example.com', 'prod/', '/', "''", 'prod_1/*', 'a.b/*', "'**/*'"],
    ...[
      "'prod/*a.com'",
      "'prod/*-a.com'",
      "'prod/a.*.com'",
      "'prod/a*.com'",
      'prod/a/b.c',
      'prod/http://a.com',
      "'prod/a.com:80'",
    ],
    ...['prod/10.0.0.1', "'prod/a..b'", 'prod/a_b.com'],
  ];
  testVerdicts(header, [
    ...accepted.map((text): Case => [text, 'accepted', hosts(text)]),
    ...refused.map((text): Case => [text, 'refused', hosts(text)]),
    ['no hosts', 'refused', egress('port: { number: 80, protocol: HTTP, name: a }')],
    ['an empty list', 'refused', hosts('')],
    ['one host twice', 'warned', hosts('prod/a.com, prod/a.com')],
    ['a host in its namespace', 'warned', hosts('prod/*, prod/a.com')],
    ['a namespace after its host', 'warned', hosts('prod/a.com, prod/*')],
    ['the own namespace by both names', 'warned', hosts('./a.com, shop/a.com')],
    ['a namespace beside everything', 'warned', hosts("'*/*', prod/*")],
    ['everything behind a namespace', 'warned', hosts("./*, '*/*'")],
    ['a host of any namespace beside everything', 'warned', hosts("'*/*', '*/a.com'")],
    ['exclusions beside everything', 'accepted', hosts("'*/*', ~prod/a.com")],
    [
      'the same hosts in two egresses',
      'accepted',
      egress(`port: { number: 80, protocol: HTTP, name: a }, ${all}`, all),
    ],
  ]);
});

describe('egress listeners', () => {
  const port = (number: number, more = '') =>
    `port: { number: ${number}, protocol: HTTP, name: p${number} }, ${all}${more}`;
  testVerdicts(header, [
    ['a catch-all at the end', 'accepted', egress(port(80), all)],
    ['a catch-all before others', 'refused', egress(all, port(80))],
    ['two catch-alls', 'refused', egress(all, all)],
    ['a port that is null', 'accepted', egress(`port: null, ${all}`)],
    ['two ports', 'accepted', egress(port(80), port(81))],
    ['one port twice', 'refused', egress(port(80), port(80))],
    [
      'one port twice on different addresses',
      'refused',
      egress(port(80, ', bind: 10.0.0.1'), port(80, ', bind: 10.0.0.2')),
    ],
    ['bound to an address', 'accepted', egress(port(80, ', bind: 127.0.0.1'))],
    ['bound to an IPv6 address', 'accepted', egress(port(80, ", bind: '::1'"))],
    ['bound to a name', 'refused', egress(port(80, ', bind: localhost'))],
    ['a port bound to a socket', 'refused', egress(port(80, ", bind: 'unix:///a'"))],
    ['a socket', 'accepted', egress(port(0, ", bind: 'unix:///a'"))],
    ['an abstract socket', 'accepted', egress(port(0, ", bind: 'unix://@a'"))],
    ['a socket of a port without number', 'accepted', egress(`port: { protocol: HTTP }, bind: 'unix:///a', ${all}`)],
    ['a socket with a relative path', 'refused', egress(port(0, ", bind: 'unix://a'"))],
    ['a directory', 'refused', egress(port(0, ", bind: 'unix:///a/'"))],
    ['number 0 without socket', 'refused', egress(port(0))],
    ['number 0 on an address', 'refused', egress(port(0, ', bind: 127.0.0.1'))],
    ['a port without number and bind', 'refused', egress(`port: { protocol: HTTP }, ${all}`)],
    ['an empty port', 'refused', egress(`port: {}, ${all}`)],
    ['two sockets', 'accepted', egress(port(0, ", bind: 'unix:///a'"), port(0, ", bind: 'unix:///b'"))],
    ['one socket twice', 'refused', egress(port(0, ", bind: 'unix:///a'"), port(0, ", bind: 'unix:///a'"))],
    ['a socket with captureMode NONE', 'accepted', egress(port(0, ", bind: 'unix:///a', captureMode: NONE"))],
    ['a socket with captureMode DEFAULT', 'accepted', egress(port(0, ", bind: 'unix:///a', captureMode: DEFAULT"))],
    ['a socket with captureMode IPTABLES', 'refused', egress(port(0, ", bind: 'unix:///a', captureMode: IPTABLES"))],
    ['a port with captureMode IPTABLES', 'accepted', egress(port(80, ', captureMode: IPTABLES'))],
    ['an unknown captureMode', 'refused', egress(port(80, ', captureMode: TPROXY'))],
    ['number 65536', 'refused', egress(port(65536))],
    ['no protocol', 'accepted', egress(`port: { number: 80, name: a }, ${all}`)],
    ['an unknown protocol', 'refused', egress(`port: { number: 80, protocol: HTPP }, ${all}`)],
    ['no name', 'accepted', egress(`port: { number: 80, protocol: HTTP }, ${all}`)],
    ['a name that is no DNS label', 'refused', egress(`port: { number: 80, protocol: HTTP, name: a_b }, ${all}`)],
    ['targetPort', 'refused', egress(`port: { number: 80, protocol: HTTP, targetPort: 8080 }, ${all}`)],
  ]);
});

describe('ingress listeners', () => {
  const port = (text: string, more = '') => ingress(`port: { ${text} }${more}`);
  const endpoint = (text: string) => ingress(`${http}, defaultEndpoint: '${text}'`);
  const endpoints = [
    '127.0.0.1:8080',
    '[::1]:8080',
    '0.0.0.0:8080',
    '[::]:8080',
    'unix:///run/a.sock',
    'unix://@a',
    '',
  ];
  const noEndpoints = [
    ...['10.0.0.1:8080', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:65536', '127.0.0.1:http', 'localhost:8080'],
    ...['[fd00::1]:8080', 'unix://a', 'unix:///run/', '8080', 'a.example.com:80', '127.0.0.1:', '/run/a.sock'],
  ];
  testVerdicts(header, [
    ['no port', 'refused', ingress('defaultEndpoint: 127.0.0.1:80')],
    ['a port that is null', 'refused', ingress('port: null')],
    ['a port without name', 'accepted', port('number: 80, protocol: HTTP')],
    ['a port without protocol', 'accepted', port('number: 80, name: a')],
    ['a protocol in small letters', 'accepted', port('number: 80, protocol: http')],
    ['an unknown protocol', 'refused', port('number: 80, protocol: HTPP')],
    ['a name that is no DNS label', 'refused', port('number: 80, protocol: HTTP, name: a.b')],
    ['number 0', 'refused', port('number: 0, protocol: HTTP')],
    ['no number', 'refused', port('protocol: HTTP')],
    ['number 65536', 'refused', port('number: 65536, protocol: HTTP')],
    ['targetPort', 'refused', port('number: 80, protocol: HTTP, targetPort: 8080')],
    ['targetPort 0', 'accepted', port('number: 80, protocol: HTTP, targetPort: 0')],
    ['bound to an address', 'accepted', port('number: 80, protocol: HTTP', ', bind: 10.0.0.1')],
    ['bound to a name', 'refused', port('number: 80, protocol: HTTP', ', bind: a.example.com')],
    ['bound to a socket', 'refused', port('number: 80, protocol: HTTP', ", bind: 'unix:///a'")],
    ['one port twice', 'refused', ingress(http, http)],
    ['one port twice on different addresses', 'refused', ingress(`${http}, bind: 10.0.0.1`, `${http}, bind: 10.0.0.2`)],
    ['two ports', 'accepted', ingress(http, 'port: { number: 81, protocol: TCP }')],
    ['one port in ingress and egress', 'accepted', sidecar(`ingress: [{ ${http} }], egress: [{ ${http}, ${all} }]`)],
    ['captureMode NONE', 'accepted', ingress(`${http}, captureMode: NONE`)],
    ...endpoints.map((text): Case => [`defaultEndpoint "${text}"`, 'accepted', endpoint(text)]),
    ...noEndpoints.map((text): Case => [`defaultEndpoint "${text}"`, 'refused', endpoint(text)]),
  ]);
});

describe('tls of an ingress', () => {
  const files = 'serverCertificate: /c.pem, privateKey: /k.pem';
  const tls = (text: string, protocol = 'HTTPS') =>
    ingress(`port: { number: 443, protocol: ${protocol} }, tls: { ${text} }`);
  testVerdicts(header, [
    ['SIMPLE with files', 'accepted', tls(`mode: SIMPLE, ${files}`)],
    ['MUTUAL with files', 'accepted', tls(`mode: MUTUAL, ${files}, caCertificates: /ca.pem`)],
    ['OPTIONAL_MUTUAL with files', 'accepted', tls(`mode: OPTIONAL_MUTUAL, ${files}, caCertificates: /ca.pem`)],
    ['TLS', 'accepted', tls(`mode: SIMPLE, ${files}`, 'TLS')],
    ['an empty tls', 'accepted', tls('')],
    ['HTTPS without tls', 'accepted', ingress('port: { number: 443, protocol: HTTPS }')],
    ['PASSTHROUGH', 'accepted', tls('mode: PASSTHROUGH', 'TLS')],
    ['PASSTHROUGH with files', 'warned', tls(`mode: PASSTHROUGH, ${files}`, 'TLS')],
    ['AUTO_PASSTHROUGH', 'refused', tls('mode: AUTO_PASSTHROUGH', 'TLS')],
    ['ISTIO_MUTUAL', 'refused', tls('mode: ISTIO_MUTUAL')],
    ['SIMPLE without files', 'refused', tls('mode: SIMPLE')],
    ['MUTUAL without CA', 'refused', tls(`mode: MUTUAL, ${files}`)],
    ['SIMPLE with caCrl', 'refused', tls(`mode: SIMPLE, ${files}, caCrl: /crl.pem`)],
    ['MUTUAL with caCrl', 'accepted', tls(`mode: MUTUAL, ${files}, caCertificates: /ca.pem, caCrl: /crl.pem`)],
    ['credentialName', 'refused', tls('mode: SIMPLE, credentialName: a')],
    ['an empty credentialName', 'accepted', tls(`mode: SIMPLE, ${files}, credentialName: ''`)],
    ['credentialNames', 'refused', tls('mode: SIMPLE, credentialNames: [a]')],
    ['tlsCertificates', 'refused', tls(`mode: SIMPLE, tlsCertificates: [{ ${files} }]`)],
    ['subjectAltNames', 'refused', tls(`mode: SIMPLE, ${files}, subjectAltNames: [a.example.com]`)],
    ['an empty list of subjectAltNames', 'accepted', tls(`mode: SIMPLE, ${files}, subjectAltNames: []`)],
    ['httpsRedirect', 'refused', tls(`mode: SIMPLE, ${files}, httpsRedirect: true`)],
    ['httpsRedirect false', 'accepted', tls(`mode: SIMPLE, ${files}, httpsRedirect: false`)],
    ['HTTP', 'refused', tls(`mode: SIMPLE, ${files}`, 'HTTP')],
    ['HTTP with an empty tls', 'refused', tls('', 'HTTP')],
    ['TCP', 'refused', tls(`mode: SIMPLE, ${files}`, 'TCP')],
    ['no protocol', 'refused', ingress(`port: { number: 443 }, tls: { mode: SIMPLE, ${files} }`)],
    ['an unknown cipher', 'warned', tls(`mode: SIMPLE, ${files}, cipherSuites: [X]`)],
    ['a cipher twice', 'warned', tls(`mode: SIMPLE, ${files}, cipherSuites: [AES128-SHA, AES128-SHA]`)],
    ['TLS 1.1 with default ciphers', 'warned', tls(`mode: SIMPLE, ${files}, minProtocolVersion: TLSV1_1`)],
  ]);
});

describe('connection pools', () => {
  const pool = (text: string) => sidecar(`inboundConnectionPool: { ${text} }`);
  testVerdicts(header, [
    ['an empty pool', 'refused', pool('')],
    ['an empty pool of an ingress', 'refused', ingress(`${http}, connectionPool: {}`)],
    ['a pool of an ingress', 'accepted', ingress(`${http}, connectionPool: { http: { maxRetries: 1 } }`)],
    ['an empty http', 'accepted', pool('http: {}')],
    [
      'a whole tcp',
      'accepted',
      pool(
        'tcp: { maxConnections: 1, connectTimeout: 1s, idleTimeout: 1h, maxConnectionDuration: 1h, tcpKeepalive: { probes: 1, time: 1s, interval: 1s } }',
      ),
    ],
    [
      'a whole http',
      'accepted',
      pool(
        'http: { http1MaxPendingRequests: 1, http2MaxRequests: 1, maxRequestsPerConnection: 1, maxRetries: 1, idleTimeout: 1s, maxConcurrentStreams: 1 }',
      ),
    ],
    ['zeros', 'accepted', pool('tcp: { maxConnections: 0, idleTimeout: 0s }, http: { maxRetries: 0 }')],
    ...[
      'http1MaxPendingRequests',
      'http2MaxRequests',
      'maxRequestsPerConnection',
      'maxRetries',
      'maxConcurrentStreams',
    ].map((name): Case => [`a negative ${name}`, 'refused', pool(`http: { ${name}: -1 }`)]),
    ['a negative maxConnections', 'refused', pool('tcp: { maxConnections: -1 }')],
    ['connectTimeout 0s', 'refused', pool('tcp: { connectTimeout: 0s }')],
    ['connectTimeout 1ms', 'accepted', pool('tcp: { connectTimeout: 1ms }')],
    ['a fraction of a millisecond', 'refused', pool('tcp: { connectTimeout: 1.0005s }')],
    ['a duration without unit', 'refused', pool("http: { idleTimeout: '5' }")],
    ['UPGRADE', 'accepted', pool('http: { h2UpgradePolicy: UPGRADE }')],
    ['UPGRADE with useClientProtocol', 'refused', pool('http: { h2UpgradePolicy: UPGRADE, useClientProtocol: true }')],
    [
      'UPGRADE with useClientProtocol false',
      'accepted',
      pool('http: { h2UpgradePolicy: UPGRADE, useClientProtocol: false }'),
    ],
    ['http2KeepAlive', 'accepted', pool('http: { http2KeepAlive: { interval: 1s, timeout: 1s } }')],
    ['http2KeepAlive without timeout', 'refused', pool('http: { http2KeepAlive: { interval: 1s } }')],
    ['a negative count of an ingress', 'refused', ingress(`${http}, connectionPool: { tcp: { maxConnections: -1 } }`)],
  ]);
});

describe('outboundTrafficPolicy', () => {
  const policy = (text: string) => sidecar(`outboundTrafficPolicy: { ${text} }`);
  const proxy = (text: string) => policy(`mode: ALLOW_ANY, egressProxy: { ${text} }`);
  testVerdicts(header, [
    ['ALLOW_ANY', 'accepted', policy('mode: ALLOW_ANY')],
    ['REGISTRY_ONLY', 'accepted', policy('mode: REGISTRY_ONLY')],
    ['an unknown mode', 'refused', policy('mode: DENY')],
    ['a proxy', 'accepted', proxy('host: a.example.com, port: { number: 80 }')],
    ['a proxy with a subset', 'accepted', proxy('host: a.example.com, subset: v1, port: { number: 80 }')],
    ['a proxy with a short name', 'accepted', proxy('host: a, port: { number: 80 }')],
    [
      'a proxy with REGISTRY_ONLY',
      'refused',
      policy('mode: REGISTRY_ONLY, egressProxy: { host: a.com, port: { number: 80 } }'),
    ],
    ['a proxy without mode', 'refused', policy('egressProxy: { host: a.com, port: { number: 80 } }')],
    ['a proxy without host', 'refused', proxy('port: { number: 80 }')],
    ['a proxy with an empty host', 'refused', proxy("host: '', port: { number: 80 }")],
    ['a proxy with a wildcard', 'refused', proxy("host: '*.example.com', port: { number: 80 }")],
    ['a proxy with "*"', 'refused', proxy("host: '*', port: { number: 80 }")],
    ['a proxy without port', 'refused', proxy('host: a.com')],
    ['a proxy with an empty port', 'refused', proxy('host: a.com, port: {}')],
    ['a proxy with port 0', 'refused', proxy('host: a.com, port: { number: 0 }')],
    ['a proxy with port 65536', 'refused', proxy('host: a.com, port: { number: 65536 }')],
    ['a proxy with a bad subset', 'refused', proxy('host: a.com, subset: v_1, port: { number: 80 }')],
  ]);
});
