import { describe } from 'vitest';
import { testVerdicts } from '../verdicts.fixture.ts';
import type { Verdict } from '../verdicts.fixture.ts';

const header = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: shop }`;

type Case = readonly [title: string, verdict: Verdict, text: string];

/** Cases of one shape: `frame` puts each text where it belongs. */
function testFramed(frame: (text: string) => string, cases: readonly Case[]): void {
  testVerdicts(
    header,
    cases.map(([title, verdict, text]) => [title, verdict, frame(text)] as const),
  );
}

const spec = (fields: string) => `spec: { host: reviews, ${fields} }`;
const policy = (fields: string) => spec(`trafficPolicy: { ${fields} }`);

/** The same cases at every place where settings of this kind may stand. */
function testEverywhere(frame: (text: string) => string, cases: readonly Case[]): void {
  describe('of the host', () => testFramed((text) => policy(frame(text)), cases));
  describe('of a port', () =>
    testFramed((text) => policy(`portLevelSettings: [{ port: { number: 80 }, ${frame(text)} }]`), cases));
  describe('of a subset', () =>
    testFramed((text) => spec(`subsets: [{ name: v1, trafficPolicy: { ${frame(text)} } }]`), cases));
  describe('of a port of a subset', () =>
    testFramed(
      (text) =>
        spec(
          `subsets: [{ name: v1, trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, ${frame(text)} }] } }]`,
        ),
      cases,
    ));
}

describe('host', () => {
  testFramed(
    (host) => `spec: { host: ${host} }`,
    [
      ['a short name', 'accepted', 'reviews'],
      ['a full name', 'accepted', 'reviews.shop.svc.cluster.local'],
      ['a wildcard', 'accepted', "'*.example.com'"],
      ['any host', 'accepted', "'*'"],
      ['a wildcard of services', 'accepted', "'*.shop.svc.cluster.local'"],
      ['a dot at the end', 'accepted', 'example.com.'],
      ['capitals', 'accepted', 'Example.com'],
      ['a lone number', 'accepted', "'123'"],
      ['an empty text', 'refused', "''"],
      ['null', 'refused', ''],
      ['an IPv4 address', 'refused', '10.0.0.1'],
      ['an IPv6 address', 'refused', "'2001:db8::1'"],
      ['an inner wildcard', 'refused', "'a.*.com'"],
      ['a URL', 'refused', "'https://example.com'"],
      ['a port', 'refused', "'reviews:80'"],
      ['an underscore', 'refused', 'my_reviews'],
      ['two dots', 'refused', 'a..b'],
      ['a top-level domain of digits', 'refused', 'example.1'],
      ['a namespace before it', 'refused', 'shop/reviews'],
      ['a list', 'refused', '[reviews]'],
    ],
  );
  testVerdicts(header, [
    ['nothing at all', 'refused', 'spec: {}'],
    ['no host', 'refused', 'spec: { subsets: [{ name: v1 }] }'],
    [
      'v1beta1',
      'accepted',
      'apiVersion: networking.istio.io/v1beta1\nkind: DestinationRule\nmetadata: { name: a }\nspec: { host: a }',
    ],
    [
      'v1alpha3',
      'accepted',
      'apiVersion: networking.istio.io/v1alpha3\nkind: DestinationRule\nmetadata: { name: a }\nspec: { host: a }',
    ],
    ['an unknown field', 'refused', spec('trafficPolicies: {}')],
  ]);
});

describe('subsets', () => {
  testFramed(
    (subsets) => spec(`subsets: [${subsets}]`),
    [
      ['none', 'accepted', ''],
      ['one', 'accepted', '{ name: v1, labels: { version: v1 } }'],
      ['one without labels', 'accepted', '{ name: v1 }'],
      ['two', 'accepted', '{ name: v1 }, { name: v2 }'],
      ['a name in capitals', 'accepted', '{ name: V1 }'],
      ['a name of digits', 'accepted', "{ name: '1' }"],
      ['a label with a prefix', 'accepted', '{ name: v1, labels: { app.kubernetes.io/version: v1.2_3 } }'],
      ['an empty value', 'accepted', "{ name: v1, labels: { version: '' } }"],
      ['no name', 'refused', '{ labels: { version: v1 } }'],
      ['an empty name', 'refused', "{ name: '' }"],
      ['a name with a dot', 'refused', '{ name: v1.2 }'],
      ['a name with an underscore', 'refused', '{ name: v_1 }'],
      ['a name of 64 characters', 'refused', `{ name: ${'a'.repeat(64)} }`],
      ['a name that is a number', 'refused', '{ name: 1 }'],
      ['one name twice', 'refused', '{ name: v1 }, { name: v1 }'],
      ['names of different case', 'accepted', '{ name: v1 }, { name: V1 }'],
      ['a label that cannot be', 'refused', "{ name: v1, labels: { 'a b': c } }"],
      ['a label without name', 'refused', "{ name: v1, labels: { '': c } }"],
      ['a value that cannot be', 'refused', "{ name: v1, labels: { version: 'a b' } }"],
      ['a value that is a number', 'refused', '{ name: v1, labels: { version: 1 } }'],
      ['an empty policy', 'refused', '{ name: v1, trafficPolicy: {} }'],
      ['policy: null', 'accepted', '{ name: v1, trafficPolicy: }'],
      ['a null', 'refused', 'null'],
    ],
  );
});

describe('traffic policies', () => {
  testFramed(policy, [
    ['nothing', 'refused', ''],
    ['nulls', 'refused', 'tls: , loadBalancer: '],
    ['an empty list of ports', 'refused', 'portLevelSettings: []'],
    ['an empty load balancer', 'accepted', 'loadBalancer: {}'],
    ['an empty tls', 'accepted', 'tls: {}'],
    ['an empty outlier detection', 'accepted', 'outlierDetection: {}'],
    ['an empty pool', 'refused', 'connectionPool: {}'],
    ['a tunnel', 'accepted', 'tunnel: { targetHost: a.com, targetPort: 443 }'],
    ['the PROXY protocol', 'accepted', 'proxyProtocol: { version: V2 }'],
    ['an empty PROXY protocol', 'accepted', 'proxyProtocol: {}'],
    ['a retry budget', 'accepted', 'retryBudget: { percent: 20, minRetryConcurrency: 3 }'],
    ['a retry budget by the minute', 'accepted', 'retryBudget: { percent: 20, budgetInterval: 1m }'],
    ['a retry budget without unit', 'refused', "retryBudget: { percent: 20, budgetInterval: '10' }"],
    ['utilization', 'accepted', 'loadBalancer: { backendUtilization: { weightUpdatePeriod: 1s } }'],
    ['utilization without unit', 'refused', "loadBalancer: { backendUtilization: { weightUpdatePeriod: '1' } }"],
    ['a retry budget of 101 %', 'refused', 'retryBudget: { percent: 101 }'],
    ['an unknown version of the PROXY protocol', 'refused', 'proxyProtocol: { version: V3 }'],
    ['a tunnel and the PROXY protocol', 'refused', 'tunnel: { targetHost: a.com, targetPort: 443 }, proxyProtocol: {}'],
    ['a port', 'accepted', 'portLevelSettings: [{ port: { number: 80 }, tls: {} }]'],
    ['a port without settings', 'refused', 'portLevelSettings: [{ port: { number: 80 } }]'],
    ['settings without port', 'refused', 'portLevelSettings: [{ tls: {} }]'],
    ['port: null', 'refused', 'portLevelSettings: [{ port: , tls: {} }]'],
    ['a port without number', 'accepted', 'portLevelSettings: [{ port: {}, tls: {} }]'],
    ['a port out of range', 'accepted', 'portLevelSettings: [{ port: { number: 70000 }, tls: {} }]'],
    [
      'a port twice',
      'accepted',
      'portLevelSettings: [{ port: { number: 80 }, tls: {} }, { port: { number: 80 }, tls: {} }]',
    ],
    [
      'a tunnel of a port',
      'refused',
      'portLevelSettings: [{ port: { number: 80 }, tunnel: { targetHost: a, targetPort: 1 } }]',
    ],
    ['a null among the ports', 'refused', 'portLevelSettings: [null]'],
  ]);
  testVerdicts(header, [['trafficPolicy: null', 'accepted', spec('trafficPolicy: ')]]);
});

describe('tunnels', () => {
  testFramed(
    (tunnel) => policy(`tunnel: { ${tunnel} }`),
    [
      ['CONNECT', 'accepted', 'protocol: CONNECT, targetHost: a.com, targetPort: 443'],
      ['POST', 'accepted', 'protocol: POST, targetHost: a.com, targetPort: 443'],
      ['no protocol', 'accepted', 'targetHost: a.com, targetPort: 443'],
      ['an empty protocol', 'accepted', "protocol: '', targetHost: a.com, targetPort: 443"],
      ['an address', 'accepted', 'targetHost: 10.0.0.1, targetPort: 443'],
      ['an IPv6 address', 'accepted', "targetHost: '2001:db8::1', targetPort: 443"],
      ['a short name', 'accepted', 'targetHost: reviews, targetPort: 443'],
      ['the last port', 'accepted', 'targetHost: a.com, targetPort: 65535'],
      ['another protocol', 'refused', 'protocol: GET, targetHost: a.com, targetPort: 443'],
      ['small letters', 'refused', 'protocol: connect, targetHost: a.com, targetPort: 443'],
      ['a wildcard', 'refused', "targetHost: '*.a.com', targetPort: 443"],
      ['any host', 'refused', "targetHost: '*', targetPort: 443"],
      ['an empty host', 'refused', "targetHost: '', targetPort: 443"],
      ['a host with a port', 'refused', "targetHost: 'a.com:443', targetPort: 443"],
      ['an address with a prefix length', 'refused', 'targetHost: 10.0.0.1/8, targetPort: 443'],
      ['no host', 'refused', 'targetPort: 443'],
      ['no port', 'refused', 'targetHost: a.com'],
      ['port 0', 'refused', 'targetHost: a.com, targetPort: 0'],
      ['port 65536', 'refused', 'targetHost: a.com, targetPort: 65536'],
    ],
  );
});

describe('connection pools', () => {
  testEverywhere(
    (pool) => `connectionPool: { ${pool} }`,
    [
      ['limits', 'accepted', 'tcp: { maxConnections: 10 }, http: { http1MaxPendingRequests: 1, http2MaxRequests: 1 }'],
      ['an empty tcp', 'accepted', 'tcp: {}'],
      ['an empty http', 'accepted', 'http: {}'],
      ['zeros', 'accepted', 'tcp: { maxConnections: 0 }, http: { maxRetries: 0, maxRequestsPerConnection: 0 }'],
      ['nothing', 'refused', ''],
      ['negative connections', 'refused', 'tcp: { maxConnections: -1 }'],
      ['negative pending requests', 'refused', 'http: { http1MaxPendingRequests: -1 }'],
      ['negative requests', 'refused', 'http: { http2MaxRequests: -1 }'],
      ['negative requests per connection', 'refused', 'http: { maxRequestsPerConnection: -1 }'],
      ['negative retries', 'refused', 'http: { maxRetries: -1 }'],
      ['negative streams', 'refused', 'http: { maxConcurrentStreams: -1 }'],
      ['timeouts', 'accepted', 'tcp: { connectTimeout: 30ms, maxConnectionDuration: 1h }, http: { idleTimeout: 15s }'],
      ['idleTimeout 0s of tcp', 'accepted', 'tcp: { idleTimeout: 0s }'],
      ['a connect timeout of 0', 'refused', 'tcp: { connectTimeout: 0s }'],
      ['a connect timeout of microseconds', 'refused', 'tcp: { connectTimeout: 500us }'],
      ['a negative duration', 'refused', 'tcp: { maxConnectionDuration: -1s }'],
      ['a duration without unit', 'refused', "http: { idleTimeout: '15' }"],
      ['a duration too fine', 'refused', 'http: { idleTimeout: 1.0005s }'],
      ['a keepalive below a millisecond', 'refused', 'tcp: { tcpKeepalive: { time: 100us } }'],
      ['a keepalive of a fraction', 'accepted', 'tcp: { tcpKeepalive: { time: 1.5ms } }'],
      ['TCP keepalive', 'accepted', 'tcp: { tcpKeepalive: { probes: 3, time: 7200s, interval: 75s } }'],
      ['an upgrade', 'accepted', 'http: { h2UpgradePolicy: UPGRADE }'],
      [
        'an upgrade without the client protocol',
        'accepted',
        'http: { h2UpgradePolicy: UPGRADE, useClientProtocol: false }',
      ],
      ['the client protocol', 'accepted', 'http: { h2UpgradePolicy: DO_NOT_UPGRADE, useClientProtocol: true }'],
      ['an upgrade of the client protocol', 'refused', 'http: { h2UpgradePolicy: UPGRADE, useClientProtocol: true }'],
      ['an unknown upgrade', 'refused', 'http: { h2UpgradePolicy: ALWAYS }'],
      ['HTTP/2 keepalive', 'accepted', 'http: { http2KeepAlive: { interval: 30s, timeout: 5s } }'],
      ['an empty HTTP/2 keepalive', 'refused', 'http: { http2KeepAlive: {} }'],
      ['an HTTP/2 keepalive without timeout', 'refused', 'http: { http2KeepAlive: { interval: 30s } }'],
      ['an HTTP/2 keepalive without interval', 'refused', 'http: { http2KeepAlive: { timeout: 5s } }'],
    ],
  );
});

describe('outlier detection', () => {
  testEverywhere(
    (outlier) => `outlierDetection: { ${outlier} }`,
    [
      ['nothing', 'accepted', ''],
      ['counters', 'accepted', 'consecutive5xxErrors: 7, consecutiveGatewayErrors: 5'],
      ['a counter of 0', 'accepted', 'consecutive5xxErrors: 0'],
      ['times', 'accepted', 'interval: 5m, baseEjectionTime: 15m'],
      ['shares', 'accepted', 'maxEjectionPercent: 100, minHealthPercent: 0'],
      ['local failures apart', 'accepted', 'splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 5'],
      ['no local failures', 'accepted', 'splitExternalLocalOriginErrors: false, consecutiveLocalOriginFailures: 0'],
      ['the old counter', 'warned', 'consecutiveErrors: 5'],
      ['the old counter at 0', 'accepted', 'consecutiveErrors: 0'],
      ['101 %', 'refused', 'maxEjectionPercent: 101'],
      ['-1 %', 'refused', 'minHealthPercent: -1'],
      ['a counter below 0', 'refused', 'consecutive5xxErrors: -1'],
      ['an interval of 0', 'refused', 'interval: 0s'],
      ['a time too fine', 'refused', 'baseEjectionTime: 1.5ms'],
      ['local failures not told apart', 'refused', 'consecutiveLocalOriginFailures: 5'],
      [
        'local failures told not apart',
        'refused',
        'splitExternalLocalOriginErrors: false, consecutiveLocalOriginFailures: 5',
      ],
    ],
  );
});

describe('load balancers', () => {
  testEverywhere(
    (balancer) => `loadBalancer: { ${balancer} }`,
    [
      ['LEAST_REQUEST', 'accepted', 'simple: LEAST_REQUEST'],
      ['ROUND_ROBIN', 'accepted', 'simple: ROUND_ROBIN'],
      ['an unknown one', 'refused', 'simple: FASTEST'],
      ['two ways at once', 'refused', 'simple: RANDOM, consistentHash: { useSourceIp: true }'],
      ['a header', 'accepted', 'consistentHash: { httpHeaderName: x-user }'],
      ['a parameter', 'accepted', 'consistentHash: { httpQueryParameterName: user }'],
      ['a header and an address', 'refused', 'consistentHash: { httpHeaderName: x-user, useSourceIp: true }'],
      ['a cookie', 'accepted', 'consistentHash: { httpCookie: { name: user, ttl: 0s } }'],
      ['a cookie without ttl', 'accepted', 'consistentHash: { httpCookie: { name: user, path: / } }'],
      ['a cookie without name', 'refused', 'consistentHash: { httpCookie: { ttl: 0s } }'],
      ['a cookie with an empty name', 'refused', "consistentHash: { httpCookie: { name: '', ttl: 0s } }"],
      [
        'attributes',
        'accepted',
        'consistentHash: { httpCookie: { name: a, attributes: [{ name: Secure }, { name: SameSite, value: Lax }] } }',
      ],
      [
        'one attribute twice',
        'refused',
        'consistentHash: { httpCookie: { name: a, attributes: [{ name: b }, { name: b }] } }',
      ],
      [
        'an attribute with an empty name',
        'refused',
        "consistentHash: { httpCookie: { name: a, attributes: [{ name: '' }] } }",
      ],
      ['a ring', 'accepted', 'consistentHash: { useSourceIp: true, ringHash: { minimumRingSize: 1024 } }'],
      ['an empty ring', 'accepted', 'consistentHash: { useSourceIp: true, ringHash: {} }'],
      ['a table', 'accepted', 'consistentHash: { useSourceIp: true, maglev: { tableSize: 65537 } }'],
      ['a small table', 'accepted', 'consistentHash: { useSourceIp: true, maglev: { tableSize: 2 } }'],
      ['the largest table', 'accepted', 'consistentHash: { useSourceIp: true, maglev: { tableSize: 4999999 } }'],
      ['a table of 1', 'refused', 'consistentHash: { useSourceIp: true, maglev: { tableSize: 1 } }'],
      ['a table of 1000', 'refused', 'consistentHash: { useSourceIp: true, maglev: { tableSize: 1000 } }'],
      ['a table of 5000011', 'refused', 'consistentHash: { useSourceIp: true, maglev: { tableSize: 5000011 } }'],
      ['a table above the limit', 'refused', 'consistentHash: { useSourceIp: true, maglev: { tableSize: 5000077 } }'],
      [
        'a ring and a table',
        'refused',
        'consistentHash: { useSourceIp: true, maglev: { tableSize: 7 }, ringHash: {} }',
      ],
      ['the old size of the ring', 'warned', 'consistentHash: { useSourceIp: true, minimumRingSize: 1024 }'],
      ['the old size at 0', 'accepted', 'consistentHash: { useSourceIp: true, minimumRingSize: 0 }'],
      [
        'the old size and a ring',
        'refused',
        'consistentHash: { useSourceIp: true, minimumRingSize: 1024, ringHash: {} }',
      ],
      [
        'the old size and a table',
        'refused',
        'consistentHash: { useSourceIp: true, minimumRingSize: 1024, maglev: { tableSize: 7 } }',
      ],
      ['warmup', 'accepted', 'warmup: { duration: 30s, minimumPercent: 10, aggression: 1 }'],
      ['warmup by its duration alone', 'accepted', 'warmup: { duration: 30s }'],
      ['the old warmup and the new one', 'refused', 'warmupDurationSecs: 30s, warmup: { duration: 30s }'],
      ['a warmup of 0', 'refused', 'warmup: { duration: 0s }'],
      ['the old warmup', 'accepted', 'warmupDurationSecs: 30s'],
      ['warmup without duration', 'refused', 'warmup: { aggression: 1 }'],
      ['a minimum of 101 %', 'refused', 'warmup: { duration: 30s, minimumPercent: 101 }'],
      ['no aggression', 'refused', 'warmup: { duration: 30s, aggression: 0 }'],
      ['negative aggression', 'refused', 'warmup: { duration: 30s, aggression: -1 }'],
      ['aggression: null', 'accepted', 'warmup: { duration: 30s, aggression: }'],
    ],
  );
});

describe('localities', () => {
  testEverywhere(
    (locality) => `outlierDetection: {}, loadBalancer: { localityLbSetting: { ${locality} } }`,
    [
      ['nothing', 'accepted', ''],
      ['switched off', 'accepted', 'enabled: false'],
      ['shares', 'accepted', 'distribute: [{ from: us/*, to: { us/*: 80, eu/*: 20 } }]'],
      ['one share', 'accepted', 'distribute: [{ from: us, to: { us: 100 } }]'],
      ['any origin', 'accepted', "distribute: [{ from: '*', to: { us: 100 } }]"],
      [
        'parts of regions',
        'accepted',
        'distribute: [{ from: a1/*, to: { a: 100 } }, { from: a2/*, to: { a: 100 } }, { from: a3/b3/c3, to: { a: 100 } }, { from: a4/b4, to: { a: 100 } }, { from: a5/b5/*, to: { a: 100 } }]',
      ],
      ['two zones of a region', 'accepted', 'distribute: [{ from: a/b, to: { a/b: 50, a/c: 50 } }]'],
      ['two parts of a zone', 'accepted', 'distribute: [{ from: a, to: { a/b/c: 50, a/b/d: 50 } }]'],
      ['shares of 110', 'refused', 'distribute: [{ from: us, to: { us: 80, eu: 30 } }]'],
      ['shares of 90', 'refused', 'distribute: [{ from: us, to: { us: 80, eu: 10 } }]'],
      ['a share of 0', 'refused', 'distribute: [{ from: us, to: { us: 100, eu: 0 } }]'],
      ['a share of 101', 'refused', 'distribute: [{ from: us, to: { us: 101 } }]'],
      ['a share below 0', 'refused', 'distribute: [{ from: us, to: { us: 110, eu: -10 } }]'],
      ['no shares', 'refused', 'distribute: [{ from: us, to: {} }]'],
      ['shares of null', 'refused', 'distribute: [{ from: us }]'],
      ['no origin', 'refused', 'distribute: [{ to: { us: 100 } }]'],
      ['an empty part', 'refused', 'distribute: [{ from: us//c, to: { us: 100 } }]'],
      ['a slash at the end', 'refused', 'distribute: [{ from: us/, to: { us: 100 } }]'],
      ['an empty part of a share', 'refused', 'distribute: [{ from: us, to: { us//c: 100 } }]'],
      ['two wildcards', 'refused', "distribute: [{ from: '*/b/*', to: { us: 100 } }]"],
      ['a wildcard before the end', 'refused', "distribute: [{ from: '*/b', to: { us: 100 } }]"],
      [
        'any origin and another',
        'refused',
        "distribute: [{ from: '*', to: { us: 100 } }, { from: a/b/c, to: { us: 100 } }]",
      ],
      [
        'a region and a part of it',
        'refused',
        'distribute: [{ from: a, to: { us: 100 } }, { from: a/b/c, to: { us: 100 } }]',
      ],
      [
        'a part of a region and the region',
        'refused',
        'distribute: [{ from: a/b/c, to: { us: 100 } }, { from: a, to: { us: 100 } }]',
      ],
      [
        'a wildcard and a zone of it',
        'refused',
        'distribute: [{ from: a/*, to: { us: 100 } }, { from: a/b/c, to: { us: 100 } }]',
      ],
      [
        'a zone and a part of it',
        'refused',
        'distribute: [{ from: a/b, to: { us: 100 } }, { from: a/b/c, to: { us: 100 } }]',
      ],
      [
        'a wildcard of a zone and a part of it',
        'refused',
        'distribute: [{ from: a/b/*, to: { us: 100 } }, { from: a/b/c, to: { us: 100 } }]',
      ],
      [
        'one origin twice',
        'refused',
        'distribute: [{ from: a/b/c, to: { us: 100 } }, { from: a/b/c, to: { us: 100 } }]',
      ],
      ['shares of a region and a zone of it', 'refused', 'distribute: [{ from: us, to: { a: 50, a/b: 50 } }]'],
      ['failover', 'accepted', 'failover: [{ from: us, to: eu }]'],
      [
        'failover by labels',
        'accepted',
        'failoverPriority: [topology.kubernetes.io/region, topology.istio.io/network]',
      ],
      [
        'failover and other labels',
        'accepted',
        'failover: [{ from: us, to: eu }], failoverPriority: [topology.istio.io/network]',
      ],
      [
        'failover and the region',
        'refused',
        'failover: [{ from: us, to: eu }], failoverPriority: [topology.kubernetes.io/region]',
      ],
      [
        'failover and the zone',
        'refused',
        'failover: [{ from: us, to: eu }], failoverPriority: [topology.kubernetes.io/zone]',
      ],
      [
        'failover and the subzone',
        'refused',
        'failover: [{ from: us, to: eu }], failoverPriority: [topology.istio.io/subzone]',
      ],
      ['failover to itself', 'refused', 'failover: [{ from: us, to: us }]'],
      ['failover from nowhere to nowhere', 'refused', 'failover: [{}]'],
      ['failover of a zone', 'refused', 'failover: [{ from: us/a, to: eu }]'],
      ['failover to a zone', 'refused', 'failover: [{ from: us, to: eu/a }]'],
      ['failover to any region', 'refused', "failover: [{ from: us, to: '*' }]"],
      [
        'shares and failover',
        'refused',
        'distribute: [{ from: us, to: { us: 100 } }], failover: [{ from: us, to: eu }]',
      ],
      ['shares and labels', 'accepted', 'distribute: [{ from: us, to: { us: 100 } }], failoverPriority: [a]'],
    ],
  );
  testFramed(policy, [
    [
      'failover without outlier detection',
      'warned',
      'loadBalancer: { localityLbSetting: { failover: [{ from: us, to: eu }] } }',
    ],
    ['labels without outlier detection', 'warned', 'loadBalancer: { localityLbSetting: { failoverPriority: [a] } }'],
    [
      'shares without outlier detection',
      'accepted',
      'loadBalancer: { localityLbSetting: { distribute: [{ from: us, to: { us: 100 } }] } }',
    ],
    [
      'an empty failover without outlier detection',
      'accepted',
      'loadBalancer: { localityLbSetting: { failover: [] } }',
    ],
    [
      'outlier detection of a port alone',
      'warned',
      'loadBalancer: { localityLbSetting: { failoverPriority: [a] } }, portLevelSettings: [{ port: { number: 80 }, outlierDetection: {} }]',
    ],
    ['zones', 'accepted', 'loadBalancer: { zoneAwareLbSetting: { enabled: true, minClusterSize: 6 } }'],
    ['zones and localities', 'refused', 'loadBalancer: { zoneAwareLbSetting: {}, localityLbSetting: {} }'],
    ['zones and localities: null', 'accepted', 'loadBalancer: { zoneAwareLbSetting: {}, localityLbSetting: }'],
  ]);
});

describe('TLS', () => {
  testEverywhere(
    (tls) => `tls: { ${tls} }`,
    [
      ['DISABLE', 'accepted', 'mode: DISABLE'],
      ['ISTIO_MUTUAL', 'accepted', 'mode: ISTIO_MUTUAL'],
      ['SIMPLE', 'accepted', 'mode: SIMPLE, sni: a.com'],
      ['SIMPLE with a CA', 'accepted', 'mode: SIMPLE, caCertificates: /etc/ca.pem, subjectAltNames: [a.com]'],
      ['SIMPLE with a credential', 'accepted', 'mode: SIMPLE, credentialName: ca'],
      ['SIMPLE with a credential and names', 'accepted', 'mode: SIMPLE, credentialName: ca, subjectAltNames: [a.com]'],
      [
        'MUTUAL with files',
        'accepted',
        'mode: MUTUAL, clientCertificate: a.pem, privateKey: b.pem, caCertificates: c.pem',
      ],
      ['MUTUAL without a CA', 'accepted', 'mode: MUTUAL, clientCertificate: a.pem, privateKey: b.pem'],
      ['MUTUAL with a credential', 'accepted', 'mode: MUTUAL, credentialName: client'],
      ['an unknown mode', 'refused', 'mode: OPTIONAL'],
      ['a mode in small letters', 'refused', 'mode: simple'],
      ['MUTUAL without anything', 'refused', 'mode: MUTUAL'],
      ['MUTUAL without a key', 'refused', 'mode: MUTUAL, clientCertificate: a.pem'],
      ['MUTUAL without a certificate', 'refused', 'mode: MUTUAL, privateKey: b.pem'],
      ['MUTUAL with an empty credential', 'refused', "mode: MUTUAL, credentialName: ''"],
      ['MUTUAL with empty files', 'refused', "mode: MUTUAL, clientCertificate: '', privateKey: ''"],
      ['a credential and a CA', 'refused', 'mode: SIMPLE, credentialName: ca, caCertificates: c.pem'],
      ['a credential and a certificate', 'refused', 'mode: MUTUAL, credentialName: a, clientCertificate: a.pem'],
      ['a credential and a key', 'refused', 'mode: MUTUAL, credentialName: a, privateKey: b.pem'],
      ['a credential and a revocation list', 'refused', 'mode: MUTUAL, credentialName: a, caCrl: b.pem'],
      [
        'a credential and files of another mode',
        'accepted',
        'mode: ISTIO_MUTUAL, credentialName: a, privateKey: b.pem',
      ],
      ['no verification', 'accepted', 'mode: SIMPLE, insecureSkipVerify: true'],
      ['verification', 'accepted', 'mode: SIMPLE, insecureSkipVerify: false, caCertificates: c.pem'],
      ['no verification and a CA', 'refused', 'mode: SIMPLE, insecureSkipVerify: true, caCertificates: c.pem'],
      ['no verification and names', 'refused', 'mode: SIMPLE, insecureSkipVerify: true, subjectAltNames: [a.com]'],
      ['no verification and no names', 'accepted', 'mode: SIMPLE, insecureSkipVerify: true, subjectAltNames: []'],
      ['no verification and a credential', 'refused', 'mode: SIMPLE, insecureSkipVerify: true, credentialName: ca'],
      [
        'no verification and a client credential',
        'accepted',
        'mode: MUTUAL, insecureSkipVerify: true, credentialName: a',
      ],
      [
        'no verification of MUTUAL and a CA',
        'refused',
        'mode: MUTUAL, insecureSkipVerify: true, caCertificates: c.pem, clientCertificate: a, privateKey: b',
      ],
      [
        'no verification of another mode',
        'accepted',
        'mode: ISTIO_MUTUAL, insecureSkipVerify: true, subjectAltNames: [a.com]',
      ],
      ['a ConfigMap of the own namespace', 'accepted', "mode: SIMPLE, credentialName: 'configmap://shop/ca'"],
      ['a ConfigMap by its name', 'accepted', "mode: SIMPLE, credentialName: 'configmap://ca'"],
      ['a ConfigMap of another namespace', 'refused', "mode: SIMPLE, credentialName: 'configmap://other/ca'"],
    ],
  );
});

describe('exportTo and workloadSelector', () => {
  testFramed(spec, [
    ['the own namespace', 'accepted', 'exportTo: [.]'],
    ['all', 'accepted', "exportTo: ['*']"],
    ['namespaces', 'accepted', 'exportTo: [a, b]'],
    ['nothing', 'accepted', 'exportTo: []'],
    ['all and one', 'refused', "exportTo: ['*', a]"],
    ['nobody', 'refused', "exportTo: ['~']"],
    ['one twice', 'refused', 'exportTo: [a, a]'],
    ['no namespace', 'refused', 'exportTo: [a_b]'],
    ['a selector', 'accepted', 'workloadSelector: { matchLabels: { app: a } }'],
    ['a selector for the own namespace', 'accepted', 'workloadSelector: { matchLabels: { app: a } }, exportTo: [.]'],
    [
      'a selector for the own namespace by name',
      'accepted',
      'workloadSelector: { matchLabels: { app: a } }, exportTo: [shop]',
    ],
    ['a selector for all', 'refused', "workloadSelector: { matchLabels: { app: a } }, exportTo: ['*']"],
    ['a selector for another namespace', 'refused', 'workloadSelector: { matchLabels: { app: a } }, exportTo: [other]'],
    [
      'a selector for the own namespace and another',
      'refused',
      'workloadSelector: { matchLabels: { app: a } }, exportTo: [., other]',
    ],
    ['a selector without labels', 'warned', 'workloadSelector: {}'],
    ['a selector with empty labels', 'warned', 'workloadSelector: { matchLabels: {} }'],
    ['workloadSelector: null', 'accepted', 'workloadSelector: '],
    ['a wildcard in a selector', 'refused', "workloadSelector: { matchLabels: { app: 'a*' } }"],
    ['a wildcard for a label', 'refused', "workloadSelector: { matchLabels: { '*': a } }"],
    ['a label without name', 'refused', "workloadSelector: { matchLabels: { '': a } }"],
  ]);
});
