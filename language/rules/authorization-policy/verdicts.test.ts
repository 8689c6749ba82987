import { describe } from 'vitest';
import { testVerdicts } from '../verdicts.fixture.ts';

const header =
  'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: policy, namespace: shop }';
const rule = (text: string, more = '') => `spec: { ${more}rules: [${text}] }`;
const source = (text: string, more = '') => rule(`{ from: [{ source: { ${text} } }] }`, more);
const operation = (text: string, more = '') => rule(`{ to: [{ operation: { ${text} } }] }`, more);
const path = (text: string) => operation(`paths: ['${text}']`);
const when = (text: string, more = '') => rule(`{ when: [{ ${text} }] }`, more);
const key = (name: string) => when(`key: '${name}', values: [a]`);
const custom = 'action: CUSTOM, provider: { name: ext }, ';
const deny = 'action: DENY, ';
const annotated = (annotations: string, spec = 'spec: { rules: [{}] }') =>
  `${header.replace('namespace: shop', `namespace: shop, annotations: { ${annotations} }`)}\n${spec}`;

describe('actions', () => {
  testVerdicts(header, [
    ['no spec', 'accepted', ''],
    ['an empty spec, which allows nothing', 'accepted', 'spec: {}'],
    ['a spec that is null', 'accepted', 'spec:'],
    ['an empty rule', 'accepted', rule('{}')],
    ['an empty list of rules', 'accepted', 'spec: { rules: [] }'],
    ['a rule that is null', 'refused', rule('null')],
    ['ALLOW without rules', 'accepted', 'spec: { action: ALLOW }'],
    ['AUDIT without rules', 'accepted', 'spec: { action: AUDIT }'],
    ['an action that is null', 'accepted', 'spec: { action: null, rules: [{}] }'],
    ['an action in small letters', 'refused', 'spec: { action: deny, rules: [{}] }'],
    ['DENY with an empty rule', 'accepted', rule('{}', deny)],
    ['DENY without rules', 'refused', 'spec: { action: DENY }'],
    ['DENY with an empty list of rules', 'refused', 'spec: { action: DENY, rules: [] }'],
    ['DENY with rules that are null', 'refused', 'spec: { action: DENY, rules: null }'],
    ['CUSTOM with a provider and a rule', 'accepted', rule('{}', custom)],
    ['CUSTOM without rules', 'refused', 'spec: { action: CUSTOM, provider: { name: ext } }'],
    ['CUSTOM without a provider', 'refused', rule('{}', 'action: CUSTOM, ')],
    ['CUSTOM with an empty provider', 'refused', rule('{}', 'action: CUSTOM, provider: {}, ')],
    ['CUSTOM with a provider without name', 'refused', rule('{}', "action: CUSTOM, provider: { name: '' }, ")],
    ['ALLOW with a provider', 'refused', rule('{}', 'action: ALLOW, provider: { name: ext }, ')],
    ['DENY with a provider', 'refused', rule('{}', 'action: DENY, provider: { name: ext }, ')],
    ['AUDIT with a provider', 'refused', rule('{}', 'action: AUDIT, provider: { name: ext }, ')],
    ['a provider without an action', 'refused', rule('{}', 'provider: { name: ext }, ')],
    ['an empty provider without an action', 'refused', rule('{}', 'provider: {}, ')],
    ['a provider that is null', 'accepted', rule('{}', 'provider: null, ')],
  ]);
});

describe('CUSTOM', () => {
  testVerdicts(header, [
    ['paths', 'accepted', operation("paths: ['/a']", custom)],
    ['addresses', 'accepted', source("ipBlocks: ['10.0.0.0/8'], remoteIpBlocks: ['10.0.0.1']", custom)],
    ...[
      'namespaces',
      'notNamespaces',
      'principals',
      'notPrincipals',
      'requestPrincipals',
      'notRequestPrincipals',
      'serviceAccounts',
      'notServiceAccounts',
      'trustDomains',
      'notTrustDomains',
    ].map((field) => [field, 'refused', source(`${field}: [a]`, custom)] as const),
    ['empty namespaces beside an address', 'accepted', source("namespaces: [], ipBlocks: ['10.0.0.1']", custom)],
    ['a header as condition', 'accepted', when("key: 'request.headers[a]', values: [a]", custom)],
    ['an address as condition', 'accepted', when('key: source.ip, values: [10.0.0.1]', custom)],
    ['the SNI as condition', 'accepted', when('key: connection.sni, values: [a]', custom)],
    ...[
      'source.namespace',
      'source.principal',
      'source.serviceAccount',
      'request.auth.principal',
      'request.auth.audiences',
      'request.auth.presenter',
      'request.auth.claims[iss]',
    ].map((name) => [`the condition ${name}`, 'refused', when(`key: '${name}', values: [a]`, custom)] as const),
  ]);
});

describe('from and to', () => {
  testVerdicts(header, [
    ['an empty list of sources, which is none', 'accepted', rule('{ from: [] }')],
    ['an empty list of operations, which is none', 'accepted', rule('{ to: [] }')],
    ['from that is null', 'accepted', rule('{ from: null }')],
    ['an entry of from without source', 'refused', rule('{ from: [{}] }')],
    ['an entry of from that is null', 'refused', rule('{ from: [null] }')],
    ['an empty source', 'refused', source('')],
    ['a source that is null', 'refused', rule('{ from: [{ source: null }] }')],
    ['a source of an empty list', 'refused', source('namespaces: []')],
    ['a source of a null', 'refused', source('namespaces: null')],
    ['a source of an empty list and another', 'accepted', source('namespaces: [], principals: [a]')],
    ['an entry of to without operation', 'refused', rule('{ to: [{}] }')],
    ['an empty operation', 'refused', operation('')],
    ['an operation of empty lists', 'refused', operation('methods: [], paths: []')],
    ['several sources, one empty', 'refused', rule('{ from: [{ source: { namespaces: [a] } }, { source: {} }] }')],
    ['methods', 'accepted', operation("methods: [GET, get, '*', 'P*']")],
    ['hosts', 'accepted', operation("hosts: [a.com, '*.a.com', 'a.com:80'], notHosts: [b]")],
    ['from without a list', 'refused', rule('{ from: { source: { namespaces: [a] } } }')],
    ['operations instead of operation', 'refused', rule('{ to: [{ operations: { methods: [GET] } }] }')],
    ...[
      'namespaces',
      'principals',
      'requestPrincipals',
      'notNamespaces',
      'notPrincipals',
      'notRequestPrincipals',
    ].flatMap((field) => [
      [`${field} of any form`, 'accepted', source(`${field}: ['*', 'a*', '*a', 'a/b', spiffe]`)] as const,
      [`an empty text in ${field}`, 'refused', source(`${field}: [a, '']`)] as const,
      [`a number in ${field}`, 'refused', source(`${field}: [1]`)] as const,
    ]),
    ...['methods', 'paths', 'hosts', 'ports', 'notMethods', 'notPaths', 'notHosts', 'notPorts'].map(
      (field) => [`an empty text in ${field}`, 'refused', operation(`${field}: ['']`)] as const,
    ),
  ]);
});

describe('addresses', () => {
  const fields = ['ipBlocks', 'notIpBlocks', 'remoteIpBlocks', 'notRemoteIpBlocks'];
  const good = [
    '10.0.0.1',
    '10.0.0.0/8',
    '10.1.2.3/8',
    '0.0.0.0/0',
    '::1',
    'fd00::/8',
    '::ffff:10.0.0.1',
    'fe80::1%eth0',
  ];
  const bad = [
    '',
    '10.0.0',
    '10.0.0.256',
    '10.0.0.1/33',
    '10.0.0.1/08',
    '10.0.0.01',
    'a.com',
    '10.0.0.*',
    'fd00::/129',
    'fe80::1%a/64',
    '10.0.0.0/8/8',
    '1.2.3.4/',
  ];
  testVerdicts(header, [
    ...fields.map((field) => [`good ${field}`, 'accepted', source(`${field}: ['${good.join("', '")}']`)] as const),
    ...fields.map((field) => [`bad ${field}`, 'refused', source(`${field}: [10.0.0.1, 10.0.0.0/33]`)] as const),
    ...bad.map((text) => [`the address "${text}"`, 'refused', source(`ipBlocks: ['${text}']`)] as const),
  ]);
});

describe('ports', () => {
  testVerdicts(header, [
    ['a port', 'accepted', operation("ports: ['80'], notPorts: ['8080']")],
    ['port 0', 'accepted', operation("ports: ['0']")],
    ['the last port', 'accepted', operation("ports: ['65535']")],
    ['zeros before a port', 'accepted', operation("ports: ['000080']")],
    ['a port too high', 'refused', operation("ports: ['65536']")],
    ['a negative port', 'refused', operation("notPorts: ['-1']")],
    ['a port with a sign', 'refused', operation("ports: ['+80']")],
    ['a port by its name', 'refused', operation('ports: [http]')],
    ['a range of ports', 'refused', operation("ports: ['80-90']")],
    ['a port without quotes', 'refused', operation('ports: [80]')],
    ['a wildcard port', 'refused', operation("ports: ['*']")],
  ]);
});

describe('service accounts and trust domains', () => {
  const long = `a/${'b'.repeat(319)}`;
  testVerdicts(header, [
    ['accounts', 'accepted', source('serviceAccounts: [cart, shop/cart], notServiceAccounts: [x/y]')],
    ['an account with a wildcard', 'refused', source("serviceAccounts: ['*']")],
    ['an account with a wildcard at its end', 'refused', source("serviceAccounts: ['shop/*']")],
    ['an account with two slashes', 'refused', source('serviceAccounts: [a/b/c]')],
    ['an account without namespace before its slash', 'refused', source('serviceAccounts: [/a]')],
    ['an account without name', 'refused', source('notServiceAccounts: [a/]')],
    ['an empty account', 'refused', source("serviceAccounts: ['']")],
    ['an account as long as can be', 'accepted', source(`serviceAccounts: [${long.slice(1)}]`.replace('/', 'a'))],
    ['an account too long', 'refused', source(`serviceAccounts: [${long}]`)],
    ['16 accounts', 'accepted', source(`serviceAccounts: [${Array(16).fill('a').join()}]`)],
    ['17 accounts', 'refused', source(`serviceAccounts: [${Array(17).fill('a').join()}]`)],
    ['accounts and principals', 'refused', source('serviceAccounts: [a], principals: [a]')],
    ['accounts and namespaces', 'refused', source('serviceAccounts: [a], namespaces: [a]')],
    ['accounts and notNamespaces', 'refused', source('serviceAccounts: [a], notNamespaces: [a]')],
    ['notServiceAccounts and notPrincipals', 'refused', source('notServiceAccounts: [a], notPrincipals: [a]')],
    ['accounts and addresses', 'accepted', source('serviceAccounts: [a], ipBlocks: [10.0.0.1]')],
    ['accounts and request principals', 'accepted', source("serviceAccounts: [a], requestPrincipals: ['*']")],
    [
      'accounts in one source, namespaces in the next',
      'accepted',
      rule('{ from: [{ source: { serviceAccounts: [a] } }, { source: { namespaces: [a] } }] }'),
    ],
    ['trust domains', 'accepted', source("trustDomains: [cluster.local, '*', 'a*', '*a'], notTrustDomains: [b]")],
    ['a trust domain with a wildcard within', 'refused', source("trustDomains: ['a*b']")],
    ['a trust domain with two wildcards', 'refused', source("trustDomains: ['*a*']")],
    ['a trust domain of two wildcards', 'refused', source("trustDomains: ['**']")],
    ['a trust domain with a slash', 'refused', source('notTrustDomains: [cluster.local/ns]')],
    ['an empty trust domain', 'refused', source("trustDomains: ['']")],
  ]);
});

describe('paths', () => {
  const good = [
    ...[
      '/',
      '*',
      '/a',
      '/a*',
      '*/a',
      '*a',
      'a',
      '/a/b?c',
      '/a//b',
      '/{*}',
      '/{**}',
      '{*}',
      '/{*}/',
      '/a/{*}/b',
      '/a/{*}/{*}',
    ],
    ...['/a/{**}', '/{*}/a/{**}', '/{**}/a', '/{**}/a.wasm', '/a-b_c.d~e%20!$&()+,;:@=/{*}', '//a/{*}//'],
  ];
  const bad = [
    ...[
      '',
      '/{a}',
      '/{',
      '/}',
      '/a{*}',
      '/{*}a',
      '/{***}',
      '/{*}{*}',
      '/{**}/{*}',
      '/{**}/{**}',
      '/{**}/a/{*}',
      '/{*}/*',
      '/*/{*}',
    ],
    ...['/a*/{*}', '/a//{*}', '/{*}/a b', '/{*}/a?b', '/{*}/<a>', '/{*}/{a}', '/{a}/{*}', '/{*', '/ü/{*}', '/{name=*}'],
  ];
  testVerdicts(header, [
    ...good.map((text) => [`the path ${text}`, 'accepted', path(text)] as const),
    ...bad.map((text) => [`the path "${text}"`, 'refused', path(text)] as const),
    ['a bad template in notPaths', 'refused', operation("notPaths: ['/{a}']")],
    ['braces in a host', 'accepted', operation("hosts: ['{a}']")],
  ]);
});

describe('conditions', () => {
  const good = [
    ...[
      'source.namespace',
      'source.principal',
      'source.serviceAccount',
      'request.auth.principal',
      'request.auth.audiences',
    ],
    ...[
      'request.auth.presenter',
      'connection.sni',
      'request.headers[a]',
      'request.headers[:method]',
      'request.auth.claims[a]',
    ],
    ...[
      'request.auth.claims[a][b]',
      'experimental.envoy.filters.network.mysql_proxy[db.table]',
      'experimental.envoy.filters.a[b]',
    ],
  ];
  const bad = [
    ...[
      '',
      'source',
      'source.',
      'source.ips',
      'source.user',
      'source.labels[app]',
      'source.name',
      'destination.name',
      'destination.user',
    ],
    ...[
      'destination.namespace',
      'destination.labels[app]',
      'destination.labels',
      'request.headers',
      'request.headers[]',
      'request.headers[a',
    ],
    ...[
      'request.headers.a',
      'request.auth.claims',
      'request.auth.claims[]',
      'request.auth.claim[a]',
      'request.path',
      'request.method',
    ],
    ...[
      'experimental.envoy.filters.a',
      'experimental.envoy[a]',
      'Source.ip',
      'connection.SNI',
      'remote.port',
      'request.auth.audience',
      '[a]',
    ],
  ];
  testVerdicts(header, [
    ...good.map((name) => [`the key ${name}`, 'accepted', key(name)] as const),
    ...bad.map((name) => [`the key "${name}"`, 'refused', key(name)] as const),
    ['no key', 'refused', when('values: [a]')],
    ['no values', 'refused', when('key: source.namespace')],
    ['empty values', 'refused', when('key: source.namespace, values: []')],
    ['values that are null', 'refused', when('key: source.namespace, values: null')],
    ['empty values and notValues', 'refused', when('key: source.namespace, values: [], notValues: []')],
    ['notValues', 'accepted', when('key: source.namespace, notValues: [a]')],
    ['both', 'accepted', when('key: source.namespace, values: [a], notValues: [b]')],
    ['an empty value', 'refused', when("key: source.namespace, values: [a, '']")],
    ['an empty notValue', 'refused', when("key: 'request.headers[a]', notValues: ['']")],
    ['a number as value', 'refused', when("key: 'request.headers[a]', values: [1]")],
    ['an address', 'accepted', when('key: source.ip, values: [10.0.0.1, 10.0.0.0/8]')],
    ['no address', 'refused', when('key: source.ip, values: [a]')],
    ['a remote address', 'accepted', when("key: remote.ip, notValues: ['::1']")],
    ['no remote address', 'refused', when('key: remote.ip, notValues: [10.0.0.0/33]')],
    ['no destination address', 'refused', when('key: destination.ip, values: [a.com]')],
    ['a destination port', 'accepted', when("key: destination.port, values: ['80', '0']")],
    ['no destination port', 'refused', when("key: destination.port, values: ['80-90']")],
    ['a destination port too high', 'refused', when("key: destination.port, notValues: ['65536']")],
    ['an empty list of conditions', 'accepted', rule('{ when: [] }')],
    [
      'two conditions, one bad',
      'refused',
      rule('{ when: [{ key: source.ip, values: [10.0.0.1] }, { key: a, values: [b] }] }'),
    ],
    ['a templated path as a value', 'accepted', when("key: 'request.headers[:path]', values: ['/{a}']")],
  ]);
});

describe('DENY rules of HTTP fields alone', () => {
  const both = (from: string, to: string) =>
    rule(`{ from: [{ source: { ${from} } }], to: [{ operation: { ${to} } }] }`, deny);
  testVerdicts(header, [
    ['methods', 'warned', operation('methods: [GET]', deny)],
    ['paths', 'warned', operation("paths: ['/a']", deny)],
    ['hosts', 'warned', operation('hosts: [a]', deny)],
    ['methods and ports', 'accepted', operation("methods: [GET], ports: ['80']", deny)],
    ['methods and notPorts', 'accepted', operation("methods: [GET], notPorts: ['80']", deny)],
    ['ports', 'accepted', operation("ports: ['80']", deny)],
    ['methods of ALLOW', 'accepted', operation('methods: [GET]')],
    ['methods of AUDIT', 'accepted', operation('methods: [GET]', 'action: AUDIT, ')],
    ['namespaces', 'accepted', source('namespaces: [a]', deny)],
    ['principals', 'accepted', source('notPrincipals: [a]', deny)],
    ['addresses', 'accepted', source('ipBlocks: [10.0.0.1]', deny)],
    ['request principals', 'warned', source('requestPrincipals: [a]', deny)],
    ['no request principals', 'warned', source("notRequestPrincipals: ['*']", deny)],
    ['request principals and namespaces', 'accepted', source('requestPrincipals: [a], namespaces: [a]', deny)],
    ['namespaces and methods', 'warned', both('namespaces: [a]', 'methods: [GET]')],
    ['request principals and ports', 'accepted', both('requestPrincipals: [a]', "ports: ['80']")],
    ['a header as condition', 'accepted', when("key: 'request.headers[a]', values: [b]", deny)],
    [
      'one operation with ports, one without',
      'accepted',
      rule("{ to: [{ operation: { methods: [GET] } }, { operation: { ports: ['80'] } }] }", deny),
    ],
    [
      'a second rule',
      'warned',
      rule("{ to: [{ operation: { ports: ['80'] } }] }, { to: [{ operation: { paths: [a] } }] }", deny),
    ],
  ]);
});

describe('whom it is for', () => {
  const ref = (text: string) => `spec: { targetRefs: [{ ${text} }] }`;
  const gateway = 'group: gateway.networking.k8s.io, kind: Gateway';
  testVerdicts(header, [
    ['a selector', 'accepted', 'spec: { selector: { matchLabels: { app: a } } }'],
    [
      'a selector of a name with a prefix',
      'accepted',
      'spec: { selector: { matchLabels: { app.kubernetes.io/name: a } } }',
    ],
    [
      'a selector of no label that Kubernetes takes',
      'accepted',
      "spec: { selector: { matchLabels: { 'a b': 'c d' } } }",
    ],
    ['an empty value', 'accepted', "spec: { selector: { matchLabels: { app: '' } } }"],
    ['an empty selector', 'warned', 'spec: { selector: {} }'],
    ['a selector of no labels', 'warned', 'spec: { selector: { matchLabels: {} } }'],
    ['labels that are null', 'warned', 'spec: { selector: { matchLabels: null } }'],
    ['a selector that is null', 'accepted', 'spec: { selector: null }'],
    ['a wildcard in a value', 'refused', "spec: { selector: { matchLabels: { app: 'a*' } } }"],
    ['a wildcard in a name', 'refused', "spec: { selector: { matchLabels: { 'a*': b } } }"],
    ['an empty name', 'refused', "spec: { selector: { matchLabels: { '': b } } }"],
    ['a number as value', 'refused', 'spec: { selector: { matchLabels: { app: 1 } } }'],
    ['a value too long', 'refused', `spec: { selector: { matchLabels: { app: ${'a'.repeat(64)} } } }`],
    ['a Gateway', 'accepted', ref(`${gateway}, name: a`)],
    ['a GatewayClass', 'accepted', ref('group: gateway.networking.k8s.io, kind: GatewayClass, name: a')],
    ['a Service', 'accepted', ref('kind: Service, name: a')],
    ['a Service of group core', 'accepted', ref('group: core, kind: Service, name: a')],
    ['a Service of the empty group', 'accepted', ref("group: '', kind: Service, name: a")],
    ['a ServiceEntry', 'accepted', ref('group: networking.istio.io, kind: ServiceEntry, name: a')],
    ['a targetRef', 'accepted', 'spec: { targetRef: { kind: Service, name: a } }'],
    ['a Gateway without group', 'refused', ref('kind: Gateway, name: a')],
    ['a Gateway of Istio', 'refused', ref('group: networking.istio.io, kind: Gateway, name: a')],
    ['a Service of another group', 'refused', ref('group: apps, kind: Service, name: a')],
    ['a Pod', 'refused', ref('kind: Pod, name: a')],
    ['a service in small letters', 'refused', ref('kind: service, name: a')],
    ['no name', 'refused', ref(gateway)],
    ['an empty name of a target', 'refused', ref(`${gateway}, name: ''`)],
    ['no kind', 'refused', ref('name: a')],
    ['another namespace', 'refused', ref(`${gateway}, name: a, namespace: b`)],
    ['the own namespace', 'refused', ref(`${gateway}, name: a, namespace: shop`)],
    ['an empty namespace', 'accepted', ref(`${gateway}, name: a, namespace: ''`)],
    [
      'a selector and a target',
      'refused',
      'spec: { selector: { matchLabels: { app: a } }, targetRefs: [{ kind: Service, name: a }] }',
    ],
    [
      'a targetRef and targetRefs',
      'refused',
      'spec: { targetRef: { kind: Service, name: a }, targetRefs: [{ kind: Service, name: a }] }',
    ],
    [
      'a selector and an empty list of targets',
      'refused',
      'spec: { selector: { matchLabels: { app: a } }, targetRefs: [] }',
    ],
    ['an empty list of targets', 'accepted', 'spec: { targetRefs: [] }'],
    ['16 targets', 'accepted', `spec: { targetRefs: [${Array(16).fill('{ kind: Service, name: a }').join()}] }`],
    ['17 targets', 'refused', `spec: { targetRefs: [${Array(17).fill('{ kind: Service, name: a }').join()}] }`],
  ]);
});

describe('annotations', () => {
  testVerdicts(header, [
    ...['true', 'false', 't', '1', 'TRUE', 'False', 'f', '0', 'T'].map(
      (text) => [`dry-run ${text}`, 'accepted', annotated(`istio.io/dry-run: '${text}'`)] as const,
    ),
    ...['', 'yes', 'on', 'tRue', '2', ' true'].map(
      (text) => [`dry-run "${text}"`, 'refused', annotated(`istio.io/dry-run: '${text}'`)] as const,
    ),
    ['dry-run of DENY', 'accepted', annotated("istio.io/dry-run: 'true'", rule('{}', deny))],
    ['dry-run of CUSTOM', 'refused', annotated("istio.io/dry-run: 'true'", rule('{}', custom))],
    ['dry-run of AUDIT', 'refused', annotated("istio.io/dry-run: 'false'", rule('{}', 'action: AUDIT, '))],
    ['an annotation of anybody', 'accepted', annotated("example.com/a: 'yes'")],
    ['internal parents', 'refused', annotated('internal.istio.io/parents: a')],
    ['an internal namespace', 'refused', annotated('internal.istio.io/parent-namespace: a')],
    ['always reject', 'refused', annotated("internal.istio.io/webhook-always-reject: ''")],
  ]);
});
