import { describe, expect, test } from 'vitest';
import { Workspace } from '../../workspace.ts';
import { rules } from '../index.ts';
import { testVerdicts } from '../verdicts.fixture.ts';
import type { Verdict } from '../verdicts.fixture.ts';

const header = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: shop }`;

type Case = readonly [title: string, verdict: Verdict, text: string];

/** Cases of one shape: `frame` puts each text where it belongs. */
function testFramed(frame: (text: string) => string, cases: readonly Case[]): void {
  testVerdicts(
    header,
    cases.map(([title, verdict, text]) => [title, verdict, frame(text)] as const),
  );
}

const to = 'destination: { host: reviews }';
const spec = (fields: string) => `spec: { ${fields} }`;
const http = (rule: string) => spec(`hosts: [reviews], http: [{ ${rule} }]`);
const routed = (rule: string) => http(`${rule}, route: [{ ${to} }]`);
const matched = (match: string) => routed(`match: [{ ${match} }]`);
const mesh = `http: [{ route: [{ ${to} }] }]`;

describe('hosts', () => {
  testFramed(
    (host) => spec(`hosts: [${host}], gateways: [shop], ${mesh}`),
    [
      ['a short name', 'accepted', 'reviews'],
      ['a full name', 'accepted', 'reviews.shop.svc.cluster.local'],
      ['a name with a dot at its end', 'accepted', 'example.com.'],
      ['a name in capitals', 'accepted', 'Example.COM'],
      ['a wildcard', 'accepted', "'*.example.com'"],
      ['a wildcard within the first label', 'accepted', "'*-api.example.com'"],
      ['a wildcard before a label', 'accepted', "'*api.example.com'"],
      ['a lone wildcard at a gateway', 'accepted', "'*'"],
      ['an IPv4 address', 'accepted', '10.0.0.1'],
      ['an IPv6 address', 'accepted', "'2001:db8::1'"],
      ['a lone number', 'accepted', "'123'"],
      ['a label of 63 characters', 'accepted', 'a'.repeat(63)],
      ['a label of 64 characters', 'refused', 'a'.repeat(64)],
      ['a name of 256 characters', 'refused', Array.from({ length: 64 }, () => 'abc').join('.') + '.'],
      ['an empty text', 'refused', "''"],
      ['a URL', 'refused', "'http://example.com'"],
      ['a name with a port', 'refused', "'example.com:80'"],
      ['a name with a path', 'refused', 'example.com/a'],
      ['an underscore', 'refused', 'my_service'],
      ['two dots', 'refused', 'example..com'],
      ['a dot at the beginning', 'refused', '.example.com'],
      ['an inner wildcard', 'refused', "'api.*.com'"],
      ['a wildcard at the end', 'refused', "'example.*'"],
      ['a wildcard in the middle of a label', 'refused', "'a*.example.com'"],
      ['two wildcards', 'refused', "'*.*.com'"],
      ['a top-level domain of digits', 'refused', 'example.123'],
      ['a CIDR', 'refused', '10.0.0.0/8'],
      ['an address with a port', 'refused', "'10.0.0.1:80'"],
      ['a dash at the beginning', 'refused', '-a.example.com'],
      ['a wildcard and a dash alone', 'refused', "'*-'"],
      ['a namespace before the host', 'refused', 'shop/reviews'],
      ['two names', 'accepted', 'a.example.com, b.example.com'],
      ['the same name twice', 'refused', 'a.example.com, a.example.com'],
      ['a name within a wildcard', 'refused', "a.example.com, '*.example.com'"],
      ['a wildcard within a wildcard', 'refused', "'*.example.com', '*.com'"],
      ['a wildcard and its parent domain', 'accepted', "'*.example.com', example.com"],
      ['any host and another', 'refused', "'*', a.example.com"],
      ['a short and a full name of one service', 'accepted', 'reviews, reviews.shop.svc.cluster.local'],
      ['two addresses', 'accepted', '10.0.0.1, 10.0.0.2'],
      ['an address twice', 'refused', '10.0.0.1, 10.0.0.1'],
    ],
  );
  testVerdicts(header, [
    ['any host in the mesh', 'refused', spec(`hosts: ['*'], ${mesh}`)],
    ['any host with gateway mesh', 'refused', spec(`hosts: ['*'], gateways: [mesh], ${mesh}`)],
    ['any host with mesh among the gateways', 'refused', spec(`hosts: ['*'], gateways: [shop, mesh], ${mesh}`)],
    ['a wildcard in the mesh', 'accepted', spec(`hosts: ['*.example.com'], ${mesh}`)],
    ['an empty list of gateways', 'refused', spec(`hosts: ['*'], gateways: [], ${mesh}`)],
  ]);
});

describe('routes at all', () => {
  testVerdicts(header, [
    ['none', 'refused', 'spec: { hosts: [reviews] }'],
    ['empty lists', 'refused', 'spec: { hosts: [reviews], http: [], tcp: [], tls: [] }'],
    ['http: null', 'refused', 'spec: { hosts: [reviews], http: }'],
    ['tcp alone', 'accepted', spec(`hosts: [reviews], tcp: [{ route: [{ ${to} }] }]`)],
    [
      'all three',
      'accepted',
      spec(
        `hosts: [a.com], ${mesh}, tcp: [{ route: [{ ${to} }] }], tls: [{ match: [{ sniHosts: [a.com] }], route: [{ ${to} }] }]`,
      ),
    ],
    ['a null in http', 'refused', 'spec: { hosts: [reviews], http: [null] }'],
  ]);
});

describe('delegates (no hosts)', () => {
  testVerdicts(header, [
    ['one with http', 'accepted', spec(mesh)],
    ['an empty list of hosts', 'accepted', spec(`hosts: [], ${mesh}`)],
    ['one with gateways', 'refused', spec(`gateways: [shop], ${mesh}`)],
    ['one with gateway mesh', 'refused', spec(`gateways: [mesh], ${mesh}`)],
    ['one with tcp', 'refused', spec(`tcp: [{ route: [{ ${to} }] }]`)],
    ['one with tls', 'refused', spec(`${mesh}, tls: [{ match: [{ sniHosts: [a.com] }], route: [{ ${to} }] }]`)],
    ['one that delegates', 'refused', spec('http: [{ delegate: { name: other } }]')],
    ['one that delegates and routes', 'refused', spec(`http: [{ delegate: { name: other }, route: [{ ${to} }] }]`)],
    ['one with a regex', 'accepted', spec(`http: [{ match: [{ uri: { regex: '/a.*' } }], route: [{ ${to} }] }]`)],
    ['one with a redirect', 'accepted', spec('http: [{ redirect: { uri: / } }]')],
    ['one without a way out', 'refused', spec('http: [{ match: [{ uri: { prefix: / } }] }]')],
  ]);
});

describe('gateways', () => {
  testFramed(
    (gateway) => spec(`hosts: [reviews], gateways: [${gateway}], ${mesh}`),
    [
      ['mesh', 'accepted', 'mesh'],
      ['a name', 'accepted', 'shop'],
      ['a namespace and a name', 'accepted', 'ingress/shop'],
      ['mesh and a name', 'accepted', 'mesh, ingress/shop'],
      ['a dotted name', 'warned', 'shop.ingress'],
      ['a full dotted name', 'warned', 'shop.ingress.svc.cluster.local'],
      ['an empty namespace', 'refused', '/shop'],
      ['an empty name', 'refused', 'ingress/'],
      ['a slash', 'refused', '/'],
      ['two slashes', 'refused', 'a/b/c'],
      ['a dotted name in a namespace', 'refused', 'ingress/shop.example'],
      ['an underscore', 'refused', 'my_gateway'],
      ['a wildcard', 'refused', "'*'"],
      ['a wildcard for the name', 'refused', "'ingress/*'"],
      ['an empty text', 'refused', "''"],
      ['a number', 'refused', "'123'"],
      ['a name with a tilde', 'refused', 'shop/a~istio-autogenerated-k8s-gateway~b'],
      ['a generated name', 'accepted', 'shop/a-istio-autogenerated-k8s-gateway-b'],
    ],
  );
  testVerdicts(header, [
    ['one of an http match', 'accepted', matched('gateways: [ingress/shop]')],
    ['a wrong one of an http match', 'refused', matched('gateways: [ingress/]')],
    [
      'a wrong one of a tcp match',
      'refused',
      spec(`hosts: [reviews], tcp: [{ match: [{ gateways: [a_b] }], route: [{ ${to} }] }]`),
    ],
    [
      'a dotted one of a tcp match',
      'warned',
      spec(`hosts: [reviews], tcp: [{ match: [{ gateways: [a.b] }], route: [{ ${to} }] }]`),
    ],
    [
      'a wrong one of a tls match',
      'refused',
      spec(`hosts: [a.com], tls: [{ match: [{ sniHosts: [a.com], gateways: [a/b/c] }], route: [{ ${to} }] }]`),
    ],
  ]);
});

describe('the way out of an http rule', () => {
  testFramed(http, [
    ['none', 'refused', 'name: nowhere'],
    ['an empty list', 'refused', 'route: []'],
    ['a mirror alone', 'refused', 'mirror: { host: ratings }'],
    ['a redirect', 'accepted', 'redirect: { uri: / }'],
    ['a redirect and an empty route', 'accepted', 'redirect: { uri: / }, route: []'],
    ['a redirect and a null route', 'accepted', 'redirect: { uri: / }, route: '],
    ['a redirect and a route', 'refused', `redirect: { uri: / }, route: [{ ${to} }]`],
    ['a redirect and a fault', 'refused', 'redirect: { uri: / }, fault: { abort: { httpStatus: 500 } }'],
    ['a redirect and a rewrite', 'refused', 'redirect: { uri: / }, rewrite: { uri: / }'],
    ['a redirect and an answer', 'refused', 'redirect: { uri: / }, directResponse: { status: 200 }'],
    ['a redirect and CORS', 'accepted', 'redirect: { uri: / }, corsPolicy: { allowMethods: [GET] }'],
    ['an answer', 'accepted', 'directResponse: { status: 200 }'],
    ['an answer and a route', 'refused', `directResponse: { status: 200 }, route: [{ ${to} }]`],
    ['an answer and a fault', 'refused', 'directResponse: { status: 200 }, fault: { abort: { httpStatus: 500 } }'],
    ['an answer and a rewrite', 'refused', 'directResponse: { status: 200 }, rewrite: { uri: / }'],
    ['an answer and headers', 'accepted', 'directResponse: { status: 200 }, headers: { response: { set: { a: b } } }'],
    ['a delegate', 'accepted', 'delegate: { name: other, namespace: shop }'],
    ['a delegate and a redirect', 'refused', 'delegate: { name: other }, redirect: { uri: / }'],
    ['a delegate and a route', 'refused', `delegate: { name: other }, route: [{ ${to} }]`],
    ['a delegate and a rewrite', 'accepted', 'delegate: { name: other }, rewrite: { uri: / }'],
    ['a delegate and a fault', 'accepted', 'delegate: { name: other }, fault: { abort: { httpStatus: 500 } }'],
    ['a delegate and an answer', 'accepted', 'delegate: { name: other }, directResponse: { status: 200 }'],
    [
      'a delegate, an answer and a route',
      'refused',
      `delegate: { name: a }, directResponse: { status: 200 }, route: [{ ${to} }]`,
    ],
    ['a mirror', 'accepted', `mirror: { host: ratings }, route: [{ ${to} }]`],
    ['mirrors', 'accepted', `mirrors: [{ destination: { host: ratings } }], route: [{ ${to} }]`],
    [
      'a mirror and mirrors',
      'refused',
      `mirror: { host: a }, mirrors: [{ destination: { host: a } }], route: [{ ${to} }]`,
    ],
    ['a mirror and no mirrors', 'accepted', `mirror: { host: a }, mirrors: [], route: [{ ${to} }]`],
    [
      'a delegate with a mirror and mirrors',
      'accepted',
      'delegate: { name: a }, mirror: { host: a }, mirrors: [{ destination: { host: a } }]',
    ],
  ]);
});

describe('destinations', () => {
  testFramed(
    (destination) => http(`route: [{ destination: { ${destination} } }]`),
    [
      ['a short name', 'accepted', 'host: reviews'],
      ['a wildcard', 'accepted', "host: '*.example.com'"],
      ['a subset', 'accepted', 'host: reviews, subset: v1'],
      ['an empty subset', 'accepted', "host: reviews, subset: ''"],
      ['a subset in capitals', 'accepted', 'host: reviews, subset: V1'],
      ['a port', 'accepted', 'host: reviews, port: { number: 9080 }'],
      ['the last port', 'accepted', 'host: reviews, port: { number: 65535 }'],
      ['port: null', 'accepted', 'host: reviews, port: '],
      ['no host', 'refused', 'subset: v1'],
      ['host: null', 'refused', 'host: '],
      ['an empty host', 'refused', "host: ''"],
      ['any host', 'refused', "host: '*'"],
      ['an IPv4 address', 'refused', 'host: 10.0.0.1'],
      ['an IPv6 address', 'refused', "host: '::1'"],
      ['a URL', 'refused', "host: 'http://reviews'"],
      ['a name with a port', 'refused', "host: 'reviews:9080'"],
      ['a subset with a dot', 'refused', 'host: reviews, subset: v1.2'],
      ['a subset with an underscore', 'refused', 'host: reviews, subset: v_1'],
      ['port 0', 'refused', 'host: reviews, port: { number: 0 }'],
      ['an empty port', 'refused', 'host: reviews, port: {}'],
      ['port 65536', 'refused', 'host: reviews, port: { number: 65536 }'],
      ['a port in quotes', 'refused', "host: reviews, port: { number: '80' }"],
      ['a port by name', 'refused', 'host: reviews, port: { name: http }'],
    ],
  );
  testFramed(http, [
    ['a wrong mirror', 'refused', `mirror: { host: '*' }, route: [{ ${to} }]`],
    ['a mirror with a port out of range', 'refused', `mirror: { host: a, port: { number: 0 } }, route: [{ ${to} }]`],
    ['a wrong one of mirrors', 'refused', `mirrors: [{ destination: { host: a_b } }], route: [{ ${to} }]`],
    ['mirrors without destination', 'refused', `mirrors: [{ percentage: { value: 1 } }], route: [{ ${to} }]`],
    ['a route without destination', 'refused', 'route: [{ weight: 100 }]'],
  ]);
});

describe('weights', () => {
  testFramed(
    (weights) =>
      http(
        `route: [${weights
          .split(' ')
          .map((weight) => `{ ${to}${weight === '-' ? '' : `, weight: ${weight}`} }`)
          .join(', ')}]`,
      ),
    [
      ['one without', 'accepted', '-'],
      ['one with 0', 'accepted', '0'],
      ['one with 100', 'accepted', '100'],
      ['one with 7', 'accepted', '7'],
      ['50 and 50', 'accepted', '50 50'],
      ['100 and 0', 'accepted', '100 0'],
      ['30 and 30', 'accepted', '30 30'],
      ['100 and none', 'accepted', '100 -'],
      ['1000 and 1', 'accepted', '1000 1'],
      ['0 and 0', 'refused', '0 0'],
      ['two without', 'refused', '- -'],
      ['0 and none', 'refused', '0 -'],
      ['a negative one alone', 'refused', '-1'],
      ['a negative one among others', 'refused', '-10 110'],
      ['a fraction', 'refused', '0.5 0.5'],
    ],
  );
  testVerdicts(header, [
    ['two without in tcp', 'refused', spec(`hosts: [reviews], tcp: [{ route: [{ ${to} }, { ${to} }] }]`)],
    [
      'a negative one in tls',
      'refused',
      spec(`hosts: [a.com], tls: [{ match: [{ sniHosts: [a.com] }], route: [{ ${to}, weight: -1 }] }]`),
    ],
    [
      '25 and 75 in tcp',
      'accepted',
      spec(`hosts: [reviews], tcp: [{ route: [{ ${to}, weight: 25 }, { ${to}, weight: 75 }] }]`),
    ],
  ]);
});

describe('http matches', () => {
  testFramed(matched, [
    ['an exact path', 'accepted', 'uri: { exact: /a }'],
    ['an empty exact path', 'accepted', "uri: { exact: '' }"],
    ['a prefix', 'accepted', 'uri: { prefix: / }'],
    ['an empty prefix of the path', 'accepted', "uri: { prefix: '' }"],
    ['an empty prefix of the method', 'refused', "method: { prefix: '' }"],
    ['an empty prefix of the scheme', 'refused', "scheme: { prefix: '' }"],
    ['an empty prefix of the authority', 'refused', "authority: { prefix: '' }"],
    ['an empty prefix of a header', 'refused', "headers: { x-a: { prefix: '' } }"],
    ['an empty prefix of a parameter', 'refused', "queryParams: { a: { prefix: '' } }"],
    ['a regex', 'accepted', "uri: { regex: '^/v[0-9]+/.*$' }"],
    ['a regex with flags', 'accepted', "uri: { regex: '(?i)/a' }"],
    ['an empty regex', 'refused', "uri: { regex: '' }"],
    ['an empty regex of the method', 'refused', "method: { regex: '' }"],
    ['an empty regex of a header', 'refused', "headers: { x-a: { regex: '' } }"],
    ['an empty regex in withoutHeaders', 'refused', "withoutHeaders: { x-a: { regex: '' } }"],
    ['an empty regex of a parameter', 'refused', "queryParams: { a: { regex: '' } }"],
    ['a regex that looks ahead', 'refused', "uri: { regex: '/(?!a).*' }"],
    ['a regex that looks behind', 'refused', "headers: { x-a: { regex: '(?<=a)b' } }"],
    ['a regex with a back-reference', 'refused', "uri: { regex: '(a)\\1' }"],
    ['a regex with an open group', 'refused', "authority: { regex: '(a' }"],
    ['a glob as regex', 'refused', "authority: { regex: '*.example.com' }"],
    ['a regex of 1024 characters', 'accepted', `uri: { regex: ${'a'.repeat(1024)} }`],
    ['a regex of 1025 characters', 'refused', `uri: { regex: ${'a'.repeat(1025)} }`],
    ['a regex of 400 characters of three bytes', 'refused', `uri: { regex: ${'中'.repeat(400)} }`],
    ['an empty match', 'accepted', ''],
    ['an empty uri', 'accepted', 'uri: {}'],
    ['two ways to compare at once', 'refused', 'uri: { exact: /a, prefix: /a }'],
    ['a header that is there', 'accepted', 'headers: { x-a: {} }'],
    ['a header of the request line', 'accepted', "headers: { ':authority': { exact: a } }"],
    ['a header in capitals', 'accepted', 'headers: { X-User: { exact: a } }'],
    ['a header without name', 'refused', "headers: { '': { exact: a } }"],
    ['a header without name in withoutHeaders', 'refused', "withoutHeaders: { '': { exact: a } }"],
    ['ignoreUriCase', 'accepted', 'uri: { prefix: /a }, ignoreUriCase: true'],
    ['a port', 'accepted', 'port: 80'],
    ['port 0', 'accepted', 'port: 0'],
    ['port 65536', 'refused', 'port: 65536'],
    ['port -1', 'refused', 'port: -1'],
    ['labels', 'accepted', 'sourceLabels: { app: a, app.kubernetes.io/name: b }'],
    ['a label with an empty value', 'accepted', "sourceLabels: { app: '' }"],
    ['a label that cannot be', 'refused', "sourceLabels: { 'a b': c }"],
    ['a value that cannot be', 'refused', "sourceLabels: { app: 'a b' }"],
    ['a namespace', 'accepted', 'sourceNamespace: shop'],
    ['an empty namespace', 'accepted', "sourceNamespace: ''"],
    ['a namespace that cannot be', 'refused', 'sourceNamespace: shop.a'],
    ['a wildcard for a namespace', 'refused', "sourceNamespace: '*'"],
    ['statPrefix', 'accepted', 'statPrefix: a'],
  ]);
  testVerdicts(header, [
    ['a claim in the mesh', 'refused', matched("headers: { '@request.auth.claims.group': { exact: a } }")],
    ['a claim in brackets in the mesh', 'refused', matched("headers: { '@request.auth.claims[group]': { exact: a } }")],
    ['a claim in capitals in the mesh', 'refused', matched("headers: { '@Request.Auth.Claims.group': { exact: a } }")],
    ['a claim in withoutHeaders', 'refused', matched("withoutHeaders: { '@request.auth.claims.group': { exact: a } }")],
    ['what only looks like a claim', 'accepted', matched("headers: { '@request.auth.claims': { exact: a } }")],
    ['a claim with an open bracket', 'accepted', matched("headers: { '@request.auth.claims[a': { exact: a } }")],
    [
      'a claim at a gateway',
      'accepted',
      spec(
        `hosts: [a.com], gateways: [shop], http: [{ match: [{ headers: { '@request.auth.claims.group': { exact: a } } }], route: [{ ${to} }] }]`,
      ),
    ],
    [
      'a claim at a gateway and in the mesh',
      'accepted',
      spec(
        `hosts: [a.com], gateways: [mesh, shop], http: [{ match: [{ headers: { '@request.auth.claims.group': { exact: a } } }], route: [{ ${to} }] }]`,
      ),
    ],
    [
      'a claim in a delegate',
      'refused',
      spec(`http: [{ match: [{ headers: { '@request.auth.claims.group': { exact: a } } }], route: [{ ${to} }] }]`),
    ],
  ]);
});

describe('redirect', () => {
  testFramed(
    (redirect) => http(`redirect: { ${redirect} }`),
    [
      ['a path', 'accepted', 'uri: /a'],
      ['a host', 'accepted', 'authority: a.com'],
      ['a scheme', 'accepted', 'scheme: https'],
      ['a port', 'accepted', 'port: 8443'],
      ['port 0', 'accepted', 'port: 0'],
      ['a derived port', 'accepted', 'derivePort: FROM_REQUEST_PORT'],
      ['a prefix', 'accepted', 'prefixRewrite: /b'],
      ['a status', 'accepted', 'uri: /a, redirectCode: 308'],
      ['status 0', 'accepted', 'uri: /a, redirectCode: 0'],
      ['status 300', 'accepted', 'uri: /a, redirectCode: 300'],
      ['status 399', 'accepted', 'uri: /a, redirectCode: 399'],
      ['nothing', 'refused', ''],
      ['a status alone', 'refused', 'redirectCode: 301'],
      ['empty texts', 'refused', "uri: '', authority: ''"],
      ['status 299', 'refused', 'uri: /a, redirectCode: 299'],
      ['status 400', 'refused', 'uri: /a, redirectCode: 400'],
      ['scheme ftp', 'refused', 'scheme: ftp'],
      ['a scheme in capitals', 'refused', 'scheme: HTTPS'],
      ['port 65536', 'refused', 'port: 65536'],
      ['a port and a derived one', 'refused', 'port: 80, derivePort: FROM_REQUEST_PORT'],
      ['a path and a prefix', 'refused', 'uri: /a, prefixRewrite: /b'],
    ],
  );
  testFramed(http, [
    ['a prefix for an exact match', 'refused', 'match: [{ uri: { exact: /a } }], redirect: { prefixRewrite: /b }'],
    ['a prefix for a regex', 'refused', "match: [{ uri: { regex: '/a.*' } }], redirect: { prefixRewrite: /b }"],
    ['a prefix for a prefix', 'accepted', 'match: [{ uri: { prefix: /a } }], redirect: { prefixRewrite: /b }'],
    ['a path for a regex', 'accepted', "match: [{ uri: { regex: '/a.*' } }], redirect: { uri: /b }"],
  ]);
});

describe('direct responses', () => {
  testFramed(
    (response) => http(`directResponse: { ${response} }`),
    [
      ['a status', 'accepted', 'status: 503'],
      ['status 200', 'accepted', 'status: 200'],
      ['status 600', 'accepted', 'status: 600'],
      ['status 199', 'refused', 'status: 199'],
      ['status 601', 'refused', 'status: 601'],
      ['status 0', 'refused', 'status: 0'],
      ['no status', 'refused', 'body: { string: a }'],
      ['a body', 'accepted', 'status: 200, body: { string: hello }'],
      ['an empty body', 'accepted', 'status: 200, body: {}'],
      ['bytes', 'accepted', 'status: 200, body: { bytes: aGVsbG8= }'],
      ['a text and bytes', 'refused', 'status: 200, body: { string: a, bytes: aGVsbG8= }'],
      ['bytes that are no Base64', 'refused', "status: 200, body: { bytes: 'a b!' }"],
      ['100 kB', 'accepted', `status: 200, body: { string: ${'a'.repeat(102_400)} }`],
      ['one byte more', 'warned', `status: 200, body: { string: ${'a'.repeat(102_401)} }`],
      ['100 kB in Base64', 'accepted', `status: 200, body: { bytes: ${'QUFB'.repeat(34_133)} }`],
      ['more in Base64', 'warned', `status: 200, body: { bytes: ${'QUFB'.repeat(34_134)} }`],
      ['letters of three bytes', 'warned', `status: 200, body: { string: ${'中'.repeat(40_000)} }`],
      ['1 MB', 'warned', `status: 200, body: { string: ${'a'.repeat(1_048_576)} }`],
      ['more than 1 MB', 'refused', `status: 200, body: { string: ${'a'.repeat(1_048_577)} }`],
    ],
  );
});

describe('rewrite', () => {
  testFramed(
    (rewrite) => routed(`rewrite: { ${rewrite} }`),
    [
      ['a path', 'accepted', 'uri: /'],
      ['a host', 'accepted', 'authority: a.com'],
      ['both', 'accepted', 'uri: /, authority: a.com'],
      ['a regex', 'accepted', "uriRegexRewrite: { match: '^/a/(.*)', rewrite: '/b/\\1' }"],
      ['a regex and a host', 'accepted', 'uriRegexRewrite: { match: ^/a, rewrite: /b }, authority: a.com'],
      ['nothing', 'refused', ''],
      ['an empty path', 'refused', "uri: ''"],
      ['a path and a regex', 'refused', 'uri: /, uriRegexRewrite: { match: ^/a, rewrite: /b }'],
      ['a regex that looks ahead', 'refused', "uriRegexRewrite: { match: '(?=a)', rewrite: /b }"],
      ['a regex without match', 'refused', 'uriRegexRewrite: { rewrite: /b }'],
      ['a regex without rewrite', 'refused', 'uriRegexRewrite: { match: ^/a }'],
      ['a regex over the limit', 'refused', `uriRegexRewrite: { match: ${'a'.repeat(1025)}, rewrite: /b }`],
    ],
  );
});

describe('retries', () => {
  testFramed(
    (retries) => routed(`retries: { ${retries} }`),
    [
      ['attempts', 'accepted', 'attempts: 3'],
      ['nothing', 'accepted', ''],
      ['none', 'accepted', 'attempts: 0'],
      ['a timeout', 'accepted', 'attempts: 3, perTryTimeout: 2s'],
      ['conditions', 'accepted', 'attempts: 3, retryOn: "5xx,gateway-error,reset,connect-failure,refused-stream"'],
      [
        'conditions of gRPC',
        'accepted',
        'attempts: 3, retryOn: "cancelled,deadline-exceeded,internal,resource-exhausted,unavailable"',
      ],
      ['statuses', 'accepted', 'attempts: 3, retryOn: "503,connect-failure,429"'],
      ['reset-before-request', 'accepted', 'attempts: 3, retryOn: reset-before-request'],
      [
        'retriable headers and statuses',
        'accepted',
        'attempts: 3, retryOn: "retriable-headers,retriable-status-codes,retriable-4xx"',
      ],
      ['http3-post-connect-failure', 'accepted', 'attempts: 3, retryOn: http3-post-connect-failure'],
      ['an empty condition', 'accepted', "attempts: 0, retryOn: ''"],
      ['other localities', 'accepted', 'attempts: 3, retryRemoteLocalities: true'],
      ['other hosts', 'accepted', 'attempts: 3, retryIgnorePreviousHosts: false'],
      ['a backoff', 'accepted', 'attempts: 3, backoff: 25ms'],
      ['-1', 'refused', 'attempts: -1'],
      ['an unknown condition', 'refused', 'attempts: 3, retryOn: "5xx,invalid policy"'],
      ['a condition in capitals', 'refused', 'attempts: 3, retryOn: 5XX'],
      ['status 600', 'refused', 'attempts: 3, retryOn: "600,connect-failure"'],
      ['a status that nobody knows', 'refused', 'attempts: 3, retryOn: "599"'],
      ['a space between conditions', 'refused', 'attempts: 3, retryOn: "5xx, reset"'],
      ['a comma at the end', 'refused', 'attempts: 3, retryOn: "5xx,"'],
      ['conditions and no attempts', 'refused', 'retryOn: 5xx'],
      ['a timeout and 0 attempts', 'refused', 'attempts: 0, perTryTimeout: 2s'],
      ['other localities and 0 attempts', 'refused', 'attempts: 0, retryRemoteLocalities: false'],
      ['retryRemoteLocalities: null and 0 attempts', 'accepted', 'attempts: 0, retryRemoteLocalities: '],
      ['a timeout below a millisecond', 'refused', 'attempts: 3, perTryTimeout: 999ns'],
      ['a timeout without unit', 'refused', "attempts: 3, perTryTimeout: '2'"],
      ['attempts in quotes', 'refused', "attempts: '3'"],
    ],
  );
});

describe('timeouts', () => {
  testFramed(
    (timeout) => routed(`timeout: ${timeout}`),
    [
      ['seconds', 'accepted', '5s'],
      ['milliseconds', 'accepted', '1ms'],
      ['mixed units', 'accepted', '1h2m3.5s'],
      ['null', 'accepted', 'null'],
      ['0s', 'refused', '0s'],
      ['a negative one', 'refused', '-1s'],
      ['half a millisecond', 'refused', '0.5ms'],
      ['a millisecond and a half', 'refused', '1.5ms'],
      ['no unit', 'refused', "'5'"],
      ['a number', 'refused', '5'],
      ['days', 'refused', '1d'],
    ],
  );
});

describe('faults', () => {
  testFramed(
    (fault) => routed(`fault: { ${fault} }`),
    [
      ['an abort', 'accepted', 'abort: { httpStatus: 500, percentage: { value: 50 } }'],
      ['an abort without percentage', 'accepted', 'abort: { httpStatus: 500 }'],
      ['an abort without status', 'accepted', 'abort: { percentage: { value: 50 } }'],
      ['status 200', 'accepted', 'abort: { httpStatus: 200 }'],
      ['status 600', 'accepted', 'abort: { httpStatus: 600 }'],
      ['a gRPC status', 'accepted', 'abort: { grpcStatus: UNAVAILABLE }'],
      ['the gRPC status OK', 'accepted', 'abort: { grpcStatus: OK }'],
      ['a delay', 'accepted', 'delay: { fixedDelay: 5s, percentage: { value: 0.1 } }'],
      ['both', 'accepted', 'delay: { fixedDelay: 5s }, abort: { httpStatus: 500 }'],
      ['the least percentage', 'accepted', 'abort: { httpStatus: 500, percentage: { value: 0.0001 } }'],
      ['0 %', 'accepted', 'abort: { httpStatus: 500, percentage: { value: 0 } }'],
      ['an empty percentage', 'accepted', 'abort: { httpStatus: 500, percentage: {} }'],
      ['100 %', 'accepted', 'delay: { fixedDelay: 5s, percentage: { value: 100 } }'],
      ['nothing', 'refused', ''],
      ['nulls', 'refused', 'abort: , delay: '],
      ['less than the least percentage', 'refused', 'abort: { httpStatus: 500, percentage: { value: 0.00001 } }'],
      ['101 %', 'refused', 'abort: { httpStatus: 500, percentage: { value: 101 } }'],
      ['-1 %', 'refused', 'delay: { fixedDelay: 5s, percentage: { value: -1 } }'],
      ['status 199', 'refused', 'abort: { httpStatus: 199 }'],
      ['status 9000', 'refused', 'abort: { httpStatus: 9000 }'],
      ['an unknown gRPC status', 'refused', 'abort: { grpcStatus: BAD_STATUS }'],
      ['a gRPC status in small letters', 'refused', 'abort: { grpcStatus: unavailable }'],
      ['a gRPC status by number', 'refused', "abort: { grpcStatus: '14' }"],
      ['an empty gRPC status', 'refused', "abort: { grpcStatus: '' }"],
      ['an error of HTTP/2', 'refused', 'abort: { http2Error: NO_ERROR }'],
      ['two kinds of abort', 'refused', 'abort: { httpStatus: 500, grpcStatus: OK }'],
      ['an exponential delay', 'refused', 'delay: { exponentialDelay: 5s }'],
      ['a delay of 0', 'refused', 'delay: { fixedDelay: 0s }'],
      ['a delay of nanoseconds', 'refused', 'delay: { fixedDelay: 100ns }'],
    ],
  );
});

describe('CORS', () => {
  testFramed(
    (cors) => routed(`corsPolicy: { ${cors} }`),
    [
      ['nothing', 'accepted', ''],
      ['origins', 'accepted', "allowOrigins: [{ exact: 'https://a.com' }, { prefix: 'https://' }, { regex: '.*' }]"],
      ['any origin', 'accepted', "allowOrigins: [{ exact: '*' }]"],
      ['the old list of origins', 'accepted', "allowOrigin: ['*']"],
      ['an empty exact origin', 'refused', "allowOrigins: [{ exact: '' }]"],
      ['an empty prefix of an origin', 'refused', "allowOrigins: [{ prefix: '' }]"],
      ['an empty regex of an origin', 'refused', "allowOrigins: [{ regex: '' }]"],
      ['an empty origin', 'refused', 'allowOrigins: [{}]'],
      ['a glob as regex', 'refused', "allowOrigins: [{ regex: '*.a.com' }]"],
      ['methods', 'accepted', 'allowMethods: [GET, HEAD, POST, PUT, PATCH, DELETE, CONNECT, OPTIONS, TRACE]'],
      ['any method', 'accepted', "allowMethods: ['*']"],
      ['an unknown method', 'refused', 'allowMethods: [PUTT]'],
      ['a method in small letters', 'refused', 'allowMethods: [get]'],
      ['an empty method', 'refused', "allowMethods: ['']"],
      ['headers', 'accepted', 'allowHeaders: [x-a], exposeHeaders: [x-b]'],
      ['any header', 'accepted', "allowHeaders: ['*']"],
      ['a header without name', 'refused', "allowHeaders: ['']"],
      ['an exposed header without name', 'refused', "exposeHeaders: ['']"],
      ['an age', 'accepted', 'maxAge: 24h'],
      ['an age of two seconds', 'accepted', 'maxAge: 2s'],
      ['an age of a fraction', 'refused', 'maxAge: 1.5s'],
      ['an age of milliseconds', 'refused', 'maxAge: 500ms'],
      ['an age that is none', 'refused', 'maxAge: never'],
      ['credentials', 'accepted', 'allowCredentials: true'],
      ['preflights', 'accepted', 'unmatchedPreflights: IGNORE'],
      ['unknown preflights', 'refused', 'unmatchedPreflights: ALLOW'],
    ],
  );
});

describe('mirrored shares', () => {
  testFramed(routed, [
    ['50 %', 'accepted', 'mirror: { host: a }, mirrorPercentage: { value: 50 }'],
    ['0 %', 'accepted', 'mirror: { host: a }, mirrorPercentage: { value: 0 }'],
    ['a tiny share', 'accepted', 'mirror: { host: a }, mirrorPercentage: { value: 0.00001 }'],
    ['a share without mirror', 'accepted', 'mirrorPercentage: { value: 50 }'],
    ['the old share', 'accepted', 'mirror: { host: a }, mirrorPercent: 50'],
    ['the old share in its older spelling', 'accepted', 'mirror: { host: a }, mirror_percent: 50'],
    ['100.5 %', 'refused', 'mirror: { host: a }, mirrorPercentage: { value: 100.5 }'],
    ['-1 %', 'refused', 'mirror: { host: a }, mirrorPercentage: { value: -1 }'],
    ['an old share of 101', 'refused', 'mirror: { host: a }, mirrorPercent: 101'],
    ['an older share of 101', 'refused', 'mirror: { host: a }, mirror_percent: 101'],
    ['a share of one of mirrors', 'accepted', 'mirrors: [{ destination: { host: a }, percentage: { value: 1 } }]'],
    ['101 % of one of mirrors', 'refused', 'mirrors: [{ destination: { host: a }, percentage: { value: 101 } }]'],
  ]);
});

describe('headers', () => {
  const cases: Case[] = [
    ['set and added', 'accepted', 'request: { set: { x-a: b }, add: { x-c: d } }, response: { set: { x-a: b } }'],
    ['removed', 'accepted', 'request: { remove: [x-a] }, response: { remove: [x-b] }'],
    ['an empty value', 'accepted', "request: { set: { x-a: '' } }"],
    ['a variable', 'accepted', "request: { set: { x-a: '%REQ(user)%' } }"],
    ['text around a variable', 'accepted', "request: { set: { x-a: 'a %HOSTNAME% b' } }"],
    ['a doubled percent sign', 'accepted', "request: { set: { x-a: '100%%' } }"],
    ['a format in a variable', 'accepted', "request: { set: { x-a: '%START_TIME(%s)%' } }"],
    ['a lone percent sign', 'refused', "request: { set: { x-a: '100%' } }"],
    ['a variable that never ends', 'refused', "response: { add: { x-a: '%HOSTNAME' } }"],
    ['a percent sign too many', 'refused', "response: { add: { x-a: '%HOSTNAME%%' } }"],
    ['a tab', 'accepted', 'request: { set: { x-a: "a\\tb" } }'],
    ['a line break', 'refused', 'request: { set: { x-a: "a\\nb" } }'],
    ['a bell', 'refused', 'response: { set: { x-a: "\\a" } }'],
    ['an empty name set', 'refused', "request: { set: { '': b } }"],
    ['an empty name added', 'refused', "response: { add: { '': b } }"],
    ['an empty name removed', 'refused', "request: { remove: [''] }"],
    ['the host of a request', 'accepted', 'request: { set: { Host: a } }'],
    ['the authority of a request', 'accepted', "request: { set: { ':authority': a } }"],
    ['the authority added', 'accepted', "request: { add: { ':authority': a } }"],
    ['the path of a request', 'refused', "request: { set: { ':path': /a } }"],
    ['the method added', 'refused', "request: { add: { ':method': GET } }"],
    ['the host removed', 'refused', 'request: { remove: [Host] }'],
    ['the authority removed', 'refused', "request: { remove: [':authority'] }"],
    ['the host of a response', 'refused', 'response: { set: { host: a } }'],
    ['the status of a response', 'refused', "response: { set: { ':status': '200' } }"],
    ['the status removed', 'refused', "response: { remove: [':status'] }"],
    ['a number as value', 'refused', 'request: { set: { x-a: 1 } }'],
  ];
  describe('of a rule', () => testFramed((headers) => routed(`headers: { ${headers} }`), cases));
  describe('of a destination', () =>
    testFramed((headers) => http(`route: [{ ${to}, headers: { ${headers} } }]`), cases));
  testFramed(routed, [
    ['authority rewritten and set', 'refused', 'rewrite: { authority: a }, headers: { request: { set: { Host: b } } }'],
    [
      'authority rewritten and added',
      'refused',
      "rewrite: { authority: a }, headers: { request: { add: { ':authority': b } } }",
    ],
    ['authority set and added', 'refused', 'headers: { request: { set: { host: a }, add: { host: b } } }'],
    ['authority set by both names', 'refused', "headers: { request: { set: { host: a, ':authority': b } } }"],
    ['path rewritten and authority set', 'accepted', 'rewrite: { uri: / }, headers: { request: { set: { host: a } } }'],
    [
      'authority rewritten, another header set',
      'accepted',
      'rewrite: { authority: a }, headers: { request: { set: { x-a: b } } }',
    ],
  ]);
});

describe('tls rules', () => {
  const tls = (rule: string) => spec(`hosts: ['*.example.com'], gateways: [shop], tls: [{ ${rule} }]`);
  const sni = (hosts: string, more = '') => tls(`match: [{ sniHosts: [${hosts}]${more} }], route: [{ ${to} }]`);
  testVerdicts(header, [
    ['a host', 'accepted', sni('api.example.com')],
    ['a wildcard', 'accepted', sni("'*.example.com'")],
    ['a narrower wildcard', 'accepted', sni("'*.api.example.com'")],
    ['two hosts', 'accepted', sni('a.example.com, b.example.com')],
    ['a wider wildcard', 'refused', sni("'*.com'")],
    ['another host', 'refused', sni('api.example.org')],
    ['the parent domain', 'refused', sni('example.com')],
    ['any host', 'refused', sni("'*'")],
    ['a URL', 'refused', sni("'https://api.example.com'")],
    ['an empty text', 'refused', sni("''")],
    ['an address', 'warned', sni('10.0.0.1')],
    ['an IPv6 address', 'warned', sni("'::1'")],
    ['no host', 'refused', sni('')],
    ['sniHosts: null', 'refused', tls(`match: [{ sniHosts: }], route: [{ ${to} }]`)],
    ['no match', 'refused', tls(`route: [{ ${to} }]`)],
    ['an empty list of matches', 'refused', tls(`match: [], route: [{ ${to} }]`)],
    ['no route', 'refused', tls('match: [{ sniHosts: [a.example.com] }]')],
    ['an empty route', 'refused', tls('match: [{ sniHosts: [a.example.com] }], route: []')],
    ['a subnet', 'accepted', sni('a.example.com', ', destinationSubnets: [10.0.0.0/8]')],
    ['a wrong subnet', 'refused', sni('a.example.com', ', destinationSubnets: [10.0.0.0/33]')],
    ['a port', 'accepted', sni('a.example.com', ', port: 443')],
    ['a port out of range', 'refused', sni('a.example.com', ', port: 65536')],
    ['a label that cannot be', 'refused', sni('a.example.com', ", sourceLabels: { 'a b': c }")],
    ['a namespace of any form', 'accepted', sni('a.example.com', ', sourceNamespace: a.b')],
  ]);
});

describe('tcp rules', () => {
  const tcp = (rule: string) => spec(`hosts: [reviews], tcp: [{ ${rule} }]`);
  const match = (fields: string) => tcp(`match: [{ ${fields} }], route: [{ ${to} }]`);
  testVerdicts(header, [
    ['no match', 'accepted', tcp(`route: [{ ${to} }]`)],
    ['an empty match', 'accepted', match('')],
    ['a port', 'accepted', match('port: 27017')],
    ['a port out of range', 'refused', match('port: 100000')],
    ['an address', 'accepted', match('destinationSubnets: [10.0.0.1]')],
    ['a CIDR with host bits', 'accepted', match('destinationSubnets: [10.1.2.3/8]')],
    ['a CIDR of IPv6', 'accepted', match("destinationSubnets: ['2001:db8::/32']")],
    ['an IPv6 address', 'accepted', match("destinationSubnets: ['::1']")],
    ['a name for a subnet', 'refused', match('destinationSubnets: [example.com]')],
    ['two prefix lengths', 'refused', match('destinationSubnets: [10.0.0.0/8/8]')],
    ['an empty subnet', 'refused', match("destinationSubnets: ['']")],
    ['a source subnet', 'accepted', match('sourceSubnet: anything')],
    ['no route', 'refused', tcp('match: [{ port: 80 }]')],
    ['an empty route', 'refused', tcp('route: []')],
    ['a destination that is none', 'refused', tcp("route: [{ destination: { host: '*' } }]")],
    ['a value that cannot be', 'refused', match("sourceLabels: { app: 'a b' }")],
  ]);
});

describe('exportTo', () => {
  testFramed(
    (names) => spec(`hosts: [reviews], exportTo: [${names}], ${mesh}`),
    [
      ['nothing', 'accepted', ''],
      ['the own namespace', 'accepted', '.'],
      ['all', 'accepted', "'*'"],
      ['namespaces', 'accepted', 'a, b'],
      ['the own one and another', 'accepted', '., other'],
      ['all and one', 'refused', "'*', a"],
      ['one twice', 'refused', 'a, a'],
      ['the own one by both names', 'refused', '., shop'],
      ['nobody', 'refused', "'~'"],
      ['no namespace', 'refused', 'a.b'],
      ['an empty text', 'refused', "''"],
    ],
  );
});

describe('protobuf and Kubernetes', () => {
  testVerdicts(header, [
    ['null for lists', 'accepted', spec(`hosts: [reviews], gateways: , tls: , tcp: , exportTo: , ${mesh}`)],
    ['an unknown field', 'refused', spec(`hosts: [reviews], ${mesh}, htpp: []`)],
    ['a host that is no list', 'refused', spec(`hosts: reviews, ${mesh}`)],
    [
      'v1beta1',
      'accepted',
      `apiVersion: networking.istio.io/v1beta1\nkind: VirtualService\nmetadata: { name: a }\n${http(`route: [{ ${to} }]`)}`,
    ],
    [
      'v1alpha3',
      'accepted',
      `apiVersion: networking.istio.io/v1alpha3\nkind: VirtualService\nmetadata: { name: a }\n${http(`route: [{ ${to} }]`)}`,
    ],
    [
      'v2',
      'refused',
      `apiVersion: networking.istio.io/v2\nkind: VirtualService\nmetadata: { name: a }\n${http(`route: [{ ${to} }]`)}`,
    ],
  ]);
});

describe('routes that are never reached', () => {
  const only = rules.filter(({ code }) => code === 'IST0130' || code === 'IST0131');
  const route = `route: [{ ${to} }]`;
  const two = (a: string, b: string) => `http: [{ match: [{ ${a} }], ${route} }, { match: [{ ${b} }], ${route} }]`;

  test.each([
    ['different prefixes', [], two('uri: { prefix: /a }', 'uri: { prefix: /b }')],
    ['a narrower prefix first', [], two('uri: { prefix: /a/b }', 'uri: { prefix: /a }')],
    ['a wider prefix first', ['IST0131'], two('uri: { prefix: /a }', 'uri: { prefix: /a/b }')],
    ['any path first', ['IST0131'], two('uri: { prefix: / }', 'uri: { prefix: /a }')],
    ['any path before an exact one', [], two('uri: { prefix: / }', 'uri: { exact: /a }')],
    [
      'a wider prefix of another method',
      [],
      two('uri: { prefix: /a }, method: { exact: GET }', 'uri: { prefix: /a/b }'),
    ],
    [
      'a wider prefix of any method',
      ['IST0131'],
      two('uri: { prefix: /a }', 'uri: { prefix: /a/b }, method: { exact: GET }'),
    ],
    ['a wider prefix with a port', [], two('uri: { prefix: /a }, port: 80', 'uri: { prefix: /a/b }')],
    [
      'a wider prefix with the same port',
      ['IST0131'],
      two('uri: { prefix: /a }, port: 80', 'uri: { prefix: /a/b }, port: 80'),
    ],
    [
      'a wider prefix with other headers',
      [],
      two('uri: { prefix: /a }, headers: { x: { exact: a } }', 'uri: { prefix: /a/b }, headers: { x: { exact: b } }'),
    ],
    [
      'a wider prefix with fewer headers',
      ['IST0131'],
      two(
        'uri: { prefix: /a }, headers: { x: { exact: a } }',
        'uri: { prefix: /a/b }, headers: { x: { exact: a }, y: { exact: b } }',
      ),
    ],
    [
      'a wider prefix with more headers',
      [],
      two(
        'uri: { prefix: /a }, headers: { x: { exact: a }, y: { exact: b } }',
        'uri: { prefix: /a/b }, headers: { x: { exact: a } }',
      ),
    ],
    [
      'a wider prefix with parameters',
      [],
      two('uri: { prefix: /a }, queryParams: { x: { exact: a } }', 'uri: { prefix: /a/b }'),
    ],
    [
      'a wider prefix for some callers',
      [],
      two('uri: { prefix: /a }, sourceLabels: { app: a }', 'uri: { prefix: /a/b }'),
    ],
    ['a wider prefix at one gateway', [], two('uri: { prefix: /a }, gateways: [shop]', 'uri: { prefix: /a/b }')],
    [
      'a wider prefix without regard to case below',
      [],
      two('uri: { prefix: /a }', 'uri: { prefix: /a/b }, ignoreUriCase: true'),
    ],
    ['the same match', ['IST0131', 'IST0130'], two('uri: { exact: /a }', 'uri: { exact: /a }')],
    ['the same regex', ['IST0131', 'IST0130'], two("uri: { regex: '/a.*' }", "uri: { regex: '/a.*' }")],
    [
      'the same match with a name',
      ['IST0131', 'IST0130'],
      two('uri: { exact: /a }', 'name: again, uri: { exact: /a }'),
    ],
    [
      'the same match with zeros',
      ['IST0131', 'IST0130'],
      two('uri: { exact: /a }', 'uri: { exact: /a }, port: 0, ignoreUriCase: false, headers: {}'),
    ],
    [
      'the same match in another order',
      ['IST0131', 'IST0130'],
      two('uri: { exact: /a }, method: { exact: GET }', 'method: { exact: GET }, uri: { exact: /a }'),
    ],
    [
      'one of two matches the same',
      ['IST0131'],
      `http: [{ match: [{ uri: { exact: /a } }], ${route} }, { match: [{ uri: { exact: /a } }, { uri: { exact: /b } }], ${route} }]`,
    ],
    ['no match last', [], `http: [{ match: [{ uri: { exact: /a } }], ${route} }, { ${route} }]`],
    ['no match twice', ['IST0130'], `http: [{ ${route} }, { ${route} }]`],
    ['no match first', ['IST0130'], `http: [{ ${route} }, { match: [{ uri: { exact: /a } }], ${route} }]`],
    ['tcp without match twice', ['IST0130'], `tcp: [{ ${route} }, { ${route} }]`],
    [
      'tcp with the same port',
      ['IST0131', 'IST0130'],
      `tcp: [{ match: [{ port: 80 }], ${route} }, { match: [{ port: 80 }], ${route} }]`,
    ],
    ['tcp with other ports', [], `tcp: [{ match: [{ port: 80 }], ${route} }, { match: [{ port: 81 }], ${route} }]`],
    [
      'tls with the same SNI',
      ['IST0131', 'IST0130'],
      `tls: [{ match: [{ sniHosts: [a.com] }], ${route} }, { match: [{ sniHosts: [a.com] }], ${route} }]`,
    ],
    [
      'tls with other SNI',
      [],
      `tls: [{ match: [{ sniHosts: [a.com] }], ${route} }, { match: [{ sniHosts: [b.com] }], ${route} }]`,
    ],
  ])('%s: %j', (_, codes, routes) => {
    const workspace = new Workspace({ rules: only });
    workspace.setFile('file:///a.yaml', `${header}\n${spec(`hosts: [a.com], gateways: [shop], ${routes}`)}`);
    expect(
      workspace
        .findings()
        .map(({ code }) => code)
        .sort(),
    ).toEqual([...codes].sort());
  });
});
