import { describe } from 'vitest';
import { testVerdicts } from '../verdicts.fixture.ts';
import type { Verdict } from '../verdicts.fixture.ts';

const header = 'apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: { name: shop, namespace: shop }';
type Case = readonly [string, Verdict, string];

/** A Gateway of these servers, each in flow style. */
function servers(...lines: string[]): string {
  return `spec:\n  selector: { istio: ingressgateway }\n  servers:\n${lines.map((line) => `    - ${line}`).join('\n')}`;
}

const http = (more: string) => servers(`{ port: { number: 80, name: http, protocol: HTTP }, ${more} }`);
const host = (text: string) => http(`hosts: ['${text}']`);
const port = (text: string, more = '') => servers(`{ port: { ${text} }, hosts: ['*']${more} }`);
const tls = (text: string, protocol = 'HTTPS') =>
  servers(`{ port: { number: 443, name: tls, protocol: ${protocol} }, hosts: ['*'], tls: { ${text} } }`);
const files = 'serverCertificate: /c.pem, privateKey: /k.pem';

describe('servers', () => {
  testVerdicts(header, [
    ['one server', 'accepted', host('*')],
    ['no spec', 'refused', ''],
    ['an empty spec', 'refused', 'spec: {}'],
    ['no servers', 'refused', 'spec: { selector: { istio: ingressgateway } }'],
    ['an empty list of servers', 'refused', 'spec: { servers: [] }'],
    ['servers that are null', 'refused', 'spec: { servers: null }'],
    ['a server that is null', 'refused', 'spec: { servers: [null] }'],
    ['no selector', 'accepted', host('*').replace(/ {2}selector.*\n/, '')],
    ['no hosts', 'refused', servers('{ port: { number: 80, name: http, protocol: HTTP } }')],
    ['an empty list of hosts', 'refused', http('hosts: []')],
    ['no port', 'refused', servers("{ hosts: ['*'] }")],
    [
      'a server with a name and a defaultEndpoint',
      'accepted',
      http("hosts: ['*'], name: x, defaultEndpoint: 127.0.0.1:80"),
    ],
    [
      'two servers with ports of different names',
      'accepted',
      servers(
        "{ port: { number: 80, name: a, protocol: HTTP }, hosts: ['*'] }",
        "{ port: { number: 80, name: b, protocol: HTTP }, hosts: ['*'] }",
      ),
    ],
    [
      'two ports of one name',
      'refused',
      servers(
        "{ port: { number: 80, name: a, protocol: HTTP }, hosts: ['*'] }",
        "{ port: { number: 81, name: a, protocol: HTTP }, hosts: ['*'] }",
      ),
    ],
  ]);
});

describe('names', () => {
  const named = (name: string) =>
    `apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: { name: ${name} }\n${host('*')}`;
  testVerdicts(header, [
    ['a name with digits and "-"', 'accepted', named('shop-1')],
    ['a name with a dot', 'refused', named('shop.example')],
    ['a name of 63 characters', 'accepted', named('a'.repeat(63))],
    ['a name of 64 characters', 'refused', named('a'.repeat(64))],
    ['a name that ends in "-"', 'refused', named('shop-')],
  ]);
});

describe('hosts', () => {
  const accepted = [
    ...['*', 'shop.example.com', '*.example.com', 'shop.example.com.', 'Shop.Example.COM', '*.com', '10.0.0.1'],
    ...['*/*', './*', 'shop/*', './shop.example.com', 'shop/*.example.com', '*/shop.example.com', 'a.b', 'x-1.y-2.z'],
  ];
  const refused = [
    ...['', 'shop', '*shop', '*shop.com', '*-shop.com', 'shop.*.com', 'shop*.com', '*.*.com', 'a..b', '.com', '-a.com'],
    ...[
      '/shop.example.com',
      'shop/',
      'shop_1/shop.example.com',
      '~/shop.example.com',
      '**/shop.example.com',
      'a.b/shop.com',
    ],
    ...[
      'http://shop.example.com',
      'shop.example.com:443',
      'shop.example.com/path',
      'shop/shop',
      'a_b.com',
      '256.1.1.1',
    ],
    ...[`${'a'.repeat(64)}.com`, `${'a.'.repeat(130)}com`],
  ];
  testVerdicts(header, [
    ...accepted.map((text): Case => [`"${text}"`, 'accepted', host(text)]),
    ...refused.map((text): Case => [`"${text}"`, 'refused', host(text)]),
  ]);
});

describe('ports', () => {
  const protocols = 'HTTP HTTP2 HTTP_PROXY GRPC GRPC-WEB TCP MONGO REDIS MYSQL UDP http Grpc-Web tcp'.split(' ');
  testVerdicts(header, [
    ...protocols.map((name): Case => [`protocol ${name}`, 'accepted', port(`number: 80, name: a, protocol: ${name}`)]),
    ['an unknown protocol', 'refused', port('number: 80, name: a, protocol: HTPP')],
    ['protocol SCTP', 'refused', port('number: 80, name: a, protocol: SCTP')],
    ['an empty protocol', 'refused', port("number: 80, name: a, protocol: ''")],
    ['no protocol', 'refused', port('number: 80, name: a')],
    ['number 1', 'accepted', port('number: 1, name: a, protocol: TCP')],
    ['number 65535', 'accepted', port('number: 65535, name: a, protocol: TCP')],
    ['number 0', 'refused', port('number: 0, name: a, protocol: TCP')],
    ['number 65536', 'refused', port('number: 65536, name: a, protocol: TCP')],
    ['a negative number', 'refused', port('number: -1, name: a, protocol: TCP')],
    ['a number in quotes', 'refused', port("number: '80', name: a, protocol: TCP")],
    ['no number', 'refused', port('name: a, protocol: TCP')],
    ['no name', 'refused', port('number: 80, protocol: TCP')],
    ['an empty name', 'refused', port("number: 80, name: '', protocol: TCP")],
    ['a name that is no DNS label', 'accepted', port('number: 80, name: a_b.c, protocol: TCP')],
    ['targetPort', 'refused', port('number: 80, name: a, protocol: TCP, targetPort: 8080')],
    ['targetPort 0', 'accepted', port('number: 80, name: a, protocol: TCP, targetPort: 0')],
    ['bound to an address', 'accepted', port('number: 80, name: a, protocol: TCP', ', bind: 10.0.0.1')],
    ['bound to 0.0.0.0', 'accepted', port('number: 80, name: a, protocol: TCP', ', bind: 0.0.0.0')],
    ['bound to an IPv6 address', 'accepted', port('number: 80, name: a, protocol: TCP', ", bind: 'fd00::1'")],
    ['bound to "::"', 'accepted', port('number: 80, name: a, protocol: TCP', ", bind: '::'")],
    ['an empty bind', 'accepted', port('number: 80, name: a, protocol: TCP', ", bind: ''")],
    ['bound to a name', 'refused', port('number: 80, name: a, protocol: TCP', ', bind: localhost')],
    ['bound to a CIDR', 'refused', port('number: 80, name: a, protocol: TCP', ', bind: 10.0.0.0/8')],
    ['bound to an address with port', 'refused', port('number: 80, name: a, protocol: TCP', ', bind: 10.0.0.1:80')],
    ['bound to a socket', 'accepted', port('number: 0, name: a, protocol: HTTP', ", bind: 'unix:///run/a.sock'")],
    ['bound to an abstract socket', 'accepted', port('number: 0, name: a, protocol: HTTP', ", bind: 'unix://@a'")],
    [
      'bound to a socket with a port',
      'refused',
      port('number: 80, name: a, protocol: HTTP', ", bind: 'unix:///run/a.sock'"),
    ],
    [
      'bound to a socket with a relative path',
      'refused',
      port('number: 0, name: a, protocol: HTTP', ", bind: 'unix://run/a'"),
    ],
    ['bound to a directory', 'refused', port('number: 0, name: a, protocol: HTTP', ", bind: 'unix:///run/'")],
    ['bound to nothing behind unix://', 'refused', port('number: 0, name: a, protocol: HTTP', ", bind: 'unix://'")],
    ['bound with unix: and one slash', 'refused', port('number: 0, name: a, protocol: HTTP', ", bind: 'unix:/run/a'")],
  ]);
});

describe('tls', () => {
  const sources = ['credentialName: a', 'credentialNames: [a, b]', `tlsCertificates: [{ ${files} }]`];
  testVerdicts(header, [
    ['HTTPS without tls', 'refused', port('number: 443, name: a, protocol: HTTPS')],
    ['TLS without tls', 'refused', port('number: 443, name: a, protocol: TLS')],
    ['https in small letters without tls', 'refused', port('number: 443, name: a, protocol: https')],
    ['HTTPS with tls null', 'refused', port('number: 443, name: a, protocol: HTTPS', ', tls: null')],
    ['an empty tls', 'accepted', tls('')],
    ['mode PASSTHROUGH', 'accepted', tls('mode: PASSTHROUGH', 'TLS')],
    ['mode AUTO_PASSTHROUGH', 'accepted', tls('mode: AUTO_PASSTHROUGH', 'TLS')],
    ['mode ISTIO_MUTUAL', 'accepted', tls('mode: ISTIO_MUTUAL', 'TLS')],
    ['an unknown mode', 'refused', tls('mode: DISABLE')],
    ['SIMPLE with files', 'accepted', tls(`mode: SIMPLE, ${files}`)],
    ['SIMPLE without anything', 'refused', tls('mode: SIMPLE')],
    ['SIMPLE without key', 'refused', tls('mode: SIMPLE, serverCertificate: /c.pem')],
    ['SIMPLE without certificate', 'refused', tls('mode: SIMPLE, privateKey: /k.pem')],
    ['SIMPLE with an empty key', 'refused', tls("mode: SIMPLE, serverCertificate: /c.pem, privateKey: ''")],
    ['SIMPLE with an empty credentialName', 'refused', tls("mode: SIMPLE, credentialName: ''")],
    ...['SIMPLE', 'MUTUAL', 'OPTIONAL_MUTUAL'].map((mode): Case => [
      `${mode} with credentialName`,
      'accepted',
      tls(`mode: ${mode}, credentialName: a`),
    ]),
    ['SIMPLE with credentialNames', 'accepted', tls('mode: SIMPLE, credentialNames: [a, b]')],
    ['SIMPLE with three credentialNames', 'refused', tls('mode: SIMPLE, credentialNames: [a, b, c]')],
    ['SIMPLE with tlsCertificates', 'accepted', tls(`mode: SIMPLE, tlsCertificates: [{ ${files} }]`)],
    ['tlsCertificates without key', 'refused', tls('mode: SIMPLE, tlsCertificates: [{ serverCertificate: /c.pem }]')],
    ['tlsCertificates without certificate', 'refused', tls('mode: SIMPLE, tlsCertificates: [{ privateKey: /k.pem }]')],
    ['MUTUAL with files', 'accepted', tls(`mode: MUTUAL, ${files}, caCertificates: /ca.pem`)],
    ['MUTUAL without CA', 'refused', tls(`mode: MUTUAL, ${files}`)],
    ['OPTIONAL_MUTUAL with files', 'accepted', tls(`mode: OPTIONAL_MUTUAL, ${files}, caCertificates: /ca.pem`)],
    ['OPTIONAL_MUTUAL without CA', 'refused', tls(`mode: OPTIONAL_MUTUAL, ${files}`)],
    ['MUTUAL without certificate', 'refused', tls('mode: MUTUAL, caCertificates: /ca.pem')],
    [
      'MUTUAL with credentialName and a CA file',
      'accepted',
      tls('mode: MUTUAL, credentialName: a, caCertificates: /ca.pem'),
    ],
    [
      'SIMPLE with subjectAltNames',
      'accepted',
      tls('mode: SIMPLE, credentialName: a, subjectAltNames: [b.example.com]'),
    ],
    ...sources.flatMap((one, index): Case[] =>
      sources
        .slice(index + 1)
        .map((other) => [`${one} with ${other}`, 'refused', tls(`mode: SIMPLE, ${one}, ${other}`)]),
    ),
    ['credentialName with files', 'refused', tls(`mode: SIMPLE, credentialName: a, ${files}`)],
    [
      'credentialName with half a pair of files',
      'accepted',
      tls('mode: SIMPLE, credentialName: a, privateKey: /k.pem'),
    ],
    [
      'tlsCertificates with a file',
      'refused',
      tls(`mode: SIMPLE, privateKey: /k.pem, tlsCertificates: [{ ${files} }]`),
    ],
    ['ISTIO_MUTUAL with credentialName', 'refused', tls('mode: ISTIO_MUTUAL, credentialName: a')],
    ['ISTIO_MUTUAL with credentialNames', 'refused', tls('mode: ISTIO_MUTUAL, credentialNames: [a]')],
    ['ISTIO_MUTUAL with tlsCertificates', 'refused', tls(`mode: ISTIO_MUTUAL, tlsCertificates: [{ ${files} }]`)],
    ['ISTIO_MUTUAL with a certificate', 'refused', tls('mode: ISTIO_MUTUAL, serverCertificate: /c.pem')],
    ['ISTIO_MUTUAL with a key', 'refused', tls('mode: ISTIO_MUTUAL, privateKey: /k.pem')],
    ['ISTIO_MUTUAL with a CA', 'refused', tls('mode: ISTIO_MUTUAL, caCertificates: /ca.pem')],
    ['PASSTHROUGH with credentialName', 'warned', tls('mode: PASSTHROUGH, credentialName: a')],
    ['no mode with credentialName', 'warned', tls('credentialName: a')],
    ['PASSTHROUGH with files', 'warned', tls(`mode: PASSTHROUGH, ${files}`, 'TLS')],
    ['AUTO_PASSTHROUGH with a CA', 'warned', tls('mode: AUTO_PASSTHROUGH, caCertificates: /ca.pem', 'TLS')],
    ['PASSTHROUGH with caCrl', 'warned', tls('mode: PASSTHROUGH, caCrl: /crl.pem')],
    ['SIMPLE with caCrl', 'refused', tls(`mode: SIMPLE, ${files}, caCrl: /crl.pem`)],
    ['MUTUAL with caCrl', 'accepted', tls(`mode: MUTUAL, ${files}, caCertificates: /ca.pem, caCrl: /crl.pem`)],
    ['MUTUAL with credentialName and caCrl', 'refused', tls('mode: MUTUAL, credentialName: a, caCrl: /crl.pem')],
    ['HTTP with httpsRedirect', 'accepted', tls('httpsRedirect: true', 'HTTP')],
    ['HTTP2 with httpsRedirect', 'accepted', tls('httpsRedirect: true', 'HTTP2')],
    ['HTTP with an empty tls', 'accepted', tls('', 'HTTP')],
    ['HTTP with mode SIMPLE', 'refused', tls('mode: SIMPLE, credentialName: a', 'HTTP')],
    ['HTTP with mode ISTIO_MUTUAL', 'refused', tls('mode: ISTIO_MUTUAL', 'HTTP')],
    ['HTTP with files', 'refused', tls(`httpsRedirect: true, ${files}`, 'HTTP')],
    ['GRPC with a CA', 'refused', tls('caCertificates: /ca.pem', 'GRPC')],
    ['HTTP with credentialName and no mode', 'warned', tls('httpsRedirect: true, credentialName: a', 'HTTP')],
    ['TCP with tls', 'refused', tls('mode: SIMPLE, credentialName: a', 'TCP')],
    ['TCP with an empty tls', 'refused', tls('', 'TCP')],
    ['MONGO with PASSTHROUGH', 'refused', tls('mode: PASSTHROUGH', 'MONGO')],
    ['HTTPS with httpsRedirect', 'warned', tls('mode: SIMPLE, credentialName: a, httpsRedirect: true')],
    ['TLS with httpsRedirect', 'warned', tls('mode: PASSTHROUGH, httpsRedirect: true', 'TLS')],
    ['HTTPS with httpsRedirect false', 'accepted', tls('mode: SIMPLE, credentialName: a, httpsRedirect: false')],
  ]);
});

describe('versions and cipher suites', () => {
  const simple = (text: string) => tls(`mode: SIMPLE, credentialName: a, ${text}`);
  testVerdicts(header, [
    ['known ciphers', 'accepted', simple('cipherSuites: [ECDHE-ECDSA-AES128-GCM-SHA256, ECDHE-RSA-AES256-GCM-SHA384]')],
    ['ALL', 'accepted', simple('cipherSuites: [ALL]')],
    [
      'an expression',
      'accepted',
      simple("cipherSuites: ['[ECDHE-ECDSA-AES128-GCM-SHA256|AES128-SHA]', '-ALL', '!aNULL']"),
    ],
    ['an unknown cipher', 'warned', simple('cipherSuites: [ECDHE-ECDSA-AES128-GCM-SHA257]')],
    ['a cipher of another naming', 'warned', simple('cipherSuites: [TLS_RSA_WITH_AES_256_CBC_SHA]')],
    ['a cipher in small letters', 'warned', simple('cipherSuites: [ecdhe-rsa-aes256-gcm-sha384]')],
    ['a cipher twice', 'warned', simple('cipherSuites: [AES128-SHA, AES128-SHA]')],
    ['an unknown cipher with PASSTHROUGH', 'warned', tls('mode: PASSTHROUGH, cipherSuites: [X]', 'TLS')],
    ['an unknown cipher with ISTIO_MUTUAL', 'warned', tls('mode: ISTIO_MUTUAL, cipherSuites: [X]', 'TLS')],
    ['TLS 1.2 and later', 'accepted', simple('minProtocolVersion: TLSV1_2, maxProtocolVersion: TLSV1_3')],
    ['TLS_AUTO', 'accepted', simple('minProtocolVersion: TLS_AUTO')],
    ['TLS 1.1 with default ciphers', 'warned', simple('minProtocolVersion: TLSV1_1')],
    ['TLS 1.0 with default ciphers', 'warned', simple('minProtocolVersion: TLSV1_0')],
    ['TLS 1.0 with ciphers', 'accepted', simple('minProtocolVersion: TLSV1_0, cipherSuites: [ECDHE-RSA-AES128-SHA]')],
    ['an unknown version', 'refused', simple('minProtocolVersion: TLSV1_4')],
  ]);
});
