/** For each CEL rule of the CRDs, specs that it refuses and specs close by that it takes; the API server says which is which. */
import type { Kind } from '../../language/kinds.ts';

const long = (length: number) => 'p'.repeat(length);
const source = (fields: string) => `{ rules: [{ from: [{ source: { ${fields} } }] }] }`;
const jwt = (fields: string) => `{ jwtRules: [{ issuer: a, ${fields} }] }`;
const tags = (tag: string) =>
  `{ metrics: [{ providers: [{ name: prometheus }], overrides: [{ match: { metric: REQUEST_COUNT }, tagOverrides: { a: ${tag} } }] }] }`;
const entry = (fields: string) =>
  `{ hosts: [a.example.com], ports: [{ number: 80, name: http, protocol: HTTP }], ${fields} }`;
const ports = (list: string) => `{ hosts: [a.example.com], resolution: DNS, ports: [${list}] }`;
const pool = (fields: string) => `{ inboundConnectionPool: ${fields}, egress: [{ hosts: ["*/*"] }] }`;
const balancer = (fields: string) => `{ host: a, trafficPolicy: { loadBalancer: ${fields} } }`;
const probe = (scheme: string) => `{ template: {}, probe: { httpGet: { port: 80, scheme: ${scheme} } } }`;

export const celCases: [kind: Kind, ...specs: string[]][] = [
  [
    'AuthorizationPolicy',
    ...[
      'serviceAccounts: [a]',
      'serviceAccounts: [a], namespaces: [b]',
      'notServiceAccounts: [a], principals: [b]',
    ].map(source),
    ...[
      'serviceAccounts: [], notNamespaces: [b]',
      'serviceAccounts: ~, notPrincipals: [b]',
      'notServiceAccounts: [a], notPrincipals: [b]',
    ].map(source),
    ...[
      '{ selector: { matchLabels: { a: "b*" } } }',
      '{ selector: { matchLabels: { "a*": b } } }',
      '{ selector: { matchLabels: { "": b } } }',
    ],
    ...[
      '{ selector: { matchLabels: { a: b } }, targetRef: ~ }',
      '{ selector: {}, targetRefs: [] }',
      '{ targetRef: { kind: Service, name: a }, targetRefs: [{ kind: Service, name: a }] }',
    ],
  ],
  [
    'RequestAuthentication',
    ...[
      'jwksUri: "https://a/b"',
      'jwks: "{}", jwksUri: "https://a/b"',
      'jwks_uri: "https://a/b", jwksUri: "https://a/b"',
    ].map(jwt),
    ...[
      'jwksUri: "ftp://a/b"',
      'jwksUri: a',
      'jwksUri: "/a"',
      'jwks_uri: "ftp://a/b"',
      'jwksUri: "HTTPS://a"',
      'jwksUri: "http://a b"',
    ].map(jwt),
    ...[
      'jwksUri: "https://a/%zz"',
      'jwksUri: "https://[::1]/a"',
      'timeout: 0s',
      'timeout: 1ms',
      'timeout: 5',
      'timeout: ""',
    ].map(jwt),
  ],
  [
    'Telemetry',
    ...['{ operation: UPSERT, value: b }', '{ operation: UPSERT }', '{ operation: UPSERT, value: "" }'].map(tags),
    ...[
      '{ operation: REMOVE, value: b }',
      '{ operation: REMOVE, value: "" }',
      '{ operation: REMOVE }',
      '{ value: b }',
    ].map(tags),
    ...['5s', '0s', '999us', '1d'].map((time) => `{ metrics: [{ reportingInterval: ${time} }] }`),
  ],
  [
    'EnvoyFilter',
    '{ workloadSelector: { labels: { a: "b*" } } }',
    '{ workloadSelector: { labels: { a: b } }, targetRefs: [] }',
    '{ workloadSelector: ~, targetRefs: [{ kind: Gateway, group: gateway.networking.k8s.io, name: a }] }',
    ...[
      '{ kind: Gateway, name: a }',
      '{ kind: Service, group: apps, name: a }',
      '{ kind: Service, name: a, namespace: b }',
    ].map((ref) => `{ targetRefs: [${ref}] }`),
  ],
  [
    'Sidecar',
    '{ workloadSelector: { labels: { a: "*" } }, egress: [{ hosts: ["*/*"] }] }',
    ...['{ tcp: { connectTimeout: 0s } }', '{ tcp: { idleTimeout: 0s } }', '{ http: { idleTimeout: 1us } }'].map(pool),
    ...['{ tcp: { tcpKeepalive: { time: 0s } } }', '{ http: { http2KeepAlive: { interval: 0s, timeout: 1s } } }'].map(
      pool,
    ),
  ],
  [
    'ServiceEntry',
    ...['{ hosts: ["*"], resolution: NONE }', '{ hosts: ["*.example.com"], resolution: NONE }'],
    ...[
      ...[
        'resolution: STATIC, endpoints: [{ address: 10.0.0.1 }]',
        'resolution: NONE, endpoints: [{ address: 10.0.0.1 }]',
      ],
      ...[
        'endpoints: []',
        'resolution: NONE, endpoints: []',
        'resolution: STATIC, endpoints: [], workloadSelector: { labels: { a: b } }',
      ],
      ...[
        'resolution: STATIC, workloadSelector: { labels: { a: b } }',
        'resolution: STATIC, workloadSelector: { labels: { a: "b*" } }',
      ],
      ...['DNS', 'STATIC', 'NONE', 'DNS_ROUND_ROBIN'].map((how) => `resolution: ${how}, addresses: [10.0.0.0/8]`),
      ...['resolution: DNS, addresses: [10.0.0.1]', 'resolution: DNS_ROUND_ROBIN, endpoints: [{ address: a.b }]'],
      'resolution: DNS_ROUND_ROBIN, endpoints: [{ address: a.b }, { address: c.d }]',
      ...[
        '{}',
        '{ network: a }',
        '{ address: 10.0.0.1, ports: { http: 0 } }',
        '{ address: 10.0.0.1, ports: { "-": 80 } }',
      ].map((endpoint) => `resolution: STATIC, endpoints: [${endpoint}]`),
      ...['unix:///a', 'unix://a', 'unix:///a/', 'unix://@a'].map(
        (at) => `resolution: STATIC, endpoints: [{ address: "${at}" }]`,
      ),
    ].map(entry),
    ...['{ number: 0, name: a }', '{ number: 65536, name: a }', '{ number: 80, name: a, targetPort: 0 }'].map(ports),
    ...[
      '{ number: 80, name: a, targetPort: 65536 }',
      '{ number: 80, name: a, protocol: HTTP }, { number: 80, name: b, protocol: HTTP }',
    ].map(ports),
  ],
  [
    'WorkloadEntry',
    ...[
      '{}',
      '{ network: a }',
      '{ address: 10.0.0.1 }',
      '{ address: ~, network: ~ }',
      '{ address: "unix:///a" }',
      '{ address: "unix://" }',
    ],
    ...[
      '{ address: "unix://a" }',
      '{ address: "unix:///a/" }',
      '{ address: "unix:///a", ports: {} }',
      '{ address: "unix:///a", ports: { http: 1 } }',
    ],
    ...[62, 63].map((length) => `{ address: 10.0.0.1, ports: { ${long(length)}: 80 } }`),
    ...['http: 80', 'http_1: 80', '"": 80', 'a: 0', 'a: 65536', 'a: 65535'].map(
      (port) => `{ address: 10.0.0.1, ports: { ${port} } }`,
    ),
  ],
  [
    'WorkloadGroup',
    ...['HTTP', 'HTTPS', 'http', '""', 'TCP'].map(probe),
    ...[
      '{ template: { address: "unix://a" } }',
      '{ template: { ports: { http_1: 80 } } }',
      '{ template: { ports: { a: 70000 } } }',
    ],
  ],
  [
    'PeerAuthentication',
    ...['80', '0', '65536', 'http'].map(
      (port) => `{ selector: { matchLabels: { a: b } }, portLevelMtls: { ${port}: { mode: STRICT } } }`,
    ),
    ...[
      '{ portLevelMtls: { 80: {} } }',
      '{ selector: {}, portLevelMtls: { 80: {} } }',
      '{ selector: { matchLabels: {} }, portLevelMtls: { 80: {} } }',
    ],
  ],
  [
    'WasmPlugin',
    ...[
      'a',
      'a/b:1',
      'oci://a/b',
      'https://a',
      'file:///a',
      'ftp://a',
      'unix://a',
      '%zz',
      'a b',
      'localhost:5000/a',
    ].map((url) => `{ url: "${url}" }`),
    ...[
      'value: b',
      'valueFrom: HOST',
      'valueFrom: HOST, value: b',
      'valueFrom: HOST, value: ""',
      'valueFrom: INLINE, value: b',
    ].map((env) => `{ url: a, vmConfig: { env: [{ name: a, ${env} }] } }`),
  ],
  [
    'TrafficExtension',
    ...[
      '{ wasm: { url: "ftp://a" } }',
      '{ wasm: { url: a, vmConfig: { env: [{ name: a, valueFrom: HOST, value: b }] } } }',
    ],
    '{ lua: { inlineCode: "function envoy_on_request(handle) end" }, selector: {}, targetRefs: [] }',
  ],
  [
    'DestinationRule',
    ...[
      '{ warmupDurationSecs: 5s }',
      '{ warmupDurationSecs: 0s }',
      '{ warmup: { duration: 0s } }',
      '{ warmupDurationSecs: 5s, warmup: { duration: 5s } }',
    ].map(balancer),
    ...[
      '{ consistentHash: { httpCookie: { name: a, ttl: 0s } } }',
      '{ warmupDurationSecs: ~, warmup: { duration: 5s } }',
    ].map(balancer),
    '{ host: a, trafficPolicy: { connectionPool: { tcp: { idleTimeout: 0s } } } }',
    '{ host: a, trafficPolicy: { outlierDetection: { interval: 0s } } }',
  ],
  [
    'VirtualService',
    ...['0s', '1ms', '1us', '5', '1h1m1s', '+5s', '.5s', '-1s', '999999999h', '0', '1D', '""'].map(
      (time) => `{ hosts: [a], http: [{ timeout: ${time}, route: [{ destination: { host: a } }] }] }`,
    ),
  ],
  ['ProxyConfig', '{ selector: { matchLabels: { "a*": b } } }', '{ selector: { matchLabels: { a: b } } }'],
];
