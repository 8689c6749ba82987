import { describe } from 'vitest';
import { testVerdicts } from '../verdicts.fixture.ts';

const header = 'apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: { name: telemetry, namespace: shop }';
const tracing = (text: string) => `spec: { tracing: [{ ${text} }] }`;
const tag = (text: string) => tracing(`customTags: { a: { ${text} } }`);
const metrics = (text: string) => `spec: { metrics: [{ ${text} }] }`;
const override = (text: string) => metrics(`overrides: [{ ${text} }]`);
const tagOverride = (text: string, name = 'a') => override(`tagOverrides: { ${name}: { ${text} } }`);
const logging = (text: string) => `spec: { accessLogging: [{ ${text} }] }`;
const filter = (text: string) =>
  `spec:\n  accessLogging:\n    - filter:\n        expression: ${JSON.stringify(text)}\n`;

describe('tracing', () => {
  testVerdicts(header, [
    ['no spec', 'accepted', ''],
    ['an empty spec', 'accepted', 'spec: {}'],
    ['an empty list', 'accepted', 'spec: { tracing: [] }'],
    ['an empty entry', 'accepted', tracing('')],
    ['an entry that is null', 'refused', 'spec: { tracing: [null] }'],
    ['two entries', 'warned', 'spec: { tracing: [{ randomSamplingPercentage: 1 }, { randomSamplingPercentage: 2 }] }'],
    ['a provider', 'accepted', tracing('providers: [{ name: zipkin }]')],
    ['two providers', 'warned', tracing('providers: [{ name: zipkin }, { name: otel }]')],
    ['a provider without name', 'refused', tracing('providers: [{}]')],
    ['a provider with an empty name', 'refused', tracing("providers: [{ name: '' }]")],
    ['a provider as text', 'refused', tracing('providers: [zipkin]')],
    ['no providers', 'accepted', tracing('providers: []')],
    ...['0', '0.01', '10', '99.99', '100', '100.0', 'null'].map(
      (text) => [`sampling ${text}`, 'accepted', tracing(`randomSamplingPercentage: ${text}`)] as const,
    ),
    ...['-1', '100.1', '101', "'10'", 'all'].map(
      (text) => [`sampling ${text}`, 'refused', tracing(`randomSamplingPercentage: ${text}`)] as const,
    ),
    ['a literal', 'accepted', tag('literal: { value: a }')],
    ['an empty literal', 'refused', tag("literal: { value: '' }")],
    ['a literal without value', 'refused', tag('literal: {}')],
    ['a header', 'accepted', tag('header: { name: a, defaultValue: b }')],
    ['a header without name', 'refused', tag('header: { defaultValue: b }')],
    ['an empty header', 'refused', tag("header: { name: '' }")],
    ['an environment variable', 'accepted', tag('environment: { name: A }')],
    ['an environment variable without name', 'refused', tag('environment: {}')],
    ['a formatter', 'accepted', tag("formatter: { value: '%REQ(a)%' }")],
    ['an empty formatter', 'refused', tag("formatter: { value: '' }")],
    ['a tag of nothing', 'accepted', tag('')],
    ['a tag of two kinds', 'refused', tag('literal: { value: a }, header: { name: a }')],
    ['a tag without name', 'refused', tracing("customTags: { '': { literal: { value: a } } }")],
    ['a tag as text', 'refused', tracing('customTags: { a: b }')],
    ['a mode', 'accepted', tracing('match: { mode: CLIENT }')],
    ['a wrong mode', 'refused', tracing('match: { mode: BOTH }')],
    [
      'nothing reported',
      'accepted',
      tracing('disableSpanReporting: true, useRequestIdForTraceSampling: false, enableIstioTags: null'),
    ],
  ]);
});

describe('metrics', () => {
  testVerdicts(header, [
    ['providers', 'accepted', metrics('providers: [{ name: prometheus }, { name: stackdriver }]')],
    ['a provider without name', 'refused', metrics('providers: [{}]')],
    ['two entries', 'accepted', 'spec: { metrics: [{}, {}] }'],
    ['an override of nothing', 'accepted', override('')],
    ['a metric', 'accepted', override('match: { metric: REQUEST_COUNT, mode: SERVER }, disabled: true')],
    ['an unknown metric', 'refused', override('match: { metric: REQUESTS }')],
    ['a metric of its own', 'accepted', override('match: { customMetric: a }')],
    ['an empty metric of its own', 'refused', override("match: { customMetric: '' }")],
    ['two metrics', 'refused', override('match: { metric: REQUEST_COUNT, customMetric: a }')],
    ['a value', 'accepted', tagOverride('value: request.host')],
    ['UPSERT with a value', 'accepted', tagOverride('operation: UPSERT, value: request.host')],
    ['UPSERT without value', 'refused', tagOverride('operation: UPSERT')],
    ['UPSERT with an empty value', 'refused', tagOverride("operation: UPSERT, value: ''")],
    ['nothing', 'refused', tagOverride('')],
    ['an empty value', 'refused', tagOverride("value: ''")],
    ['REMOVE', 'accepted', tagOverride('operation: REMOVE')],
    ['REMOVE with a value', 'refused', tagOverride('operation: REMOVE, value: a')],
    ['REMOVE with an empty value', 'refused', tagOverride("operation: REMOVE, value: ''")],
    ['REMOVE with a value that is null', 'accepted', tagOverride('operation: REMOVE, value: null')],
    ['an operation that is null', 'accepted', tagOverride('operation: null, value: a')],
    ['an unknown operation', 'refused', tagOverride('operation: ADD, value: a')],
    ['a value that is no expression, which nobody checks', 'accepted', tagOverride("value: 'a b ('")],
    ['a tag without name', 'warned', tagOverride('value: a', "''")],
    ...['5s', '1ms', '1m30s'].map(
      (text) => [`an interval of ${text}`, 'accepted', metrics(`reportingInterval: ${text}`)] as const,
    ),
    ...["''", '0s', '500us', "'5'", '5', '-1s', 'often'].map(
      (text) => [`an interval of ${text}`, 'refused', metrics(`reportingInterval: ${text}`)] as const,
    ),
  ]);
});

describe('access logs', () => {
  const good = [
    ...[
      'response.code >= 400',
      "request.url_path.contains('v1beta3')",
      '!connection.mtls',
      'has(request.auth.principal)',
    ],
    ...[
      "response.code >= 500 || connection.termination_details == '' && request.total_size > 1024",
      'true',
      '1 + 2 * -3 % 4',
    ],
    ...[
      '!has(response.code) || response.code >= 400',
      "request.headers['x-a'] in ['b', \"c\",]",
      'a ? b : c ? d : e',
      'x.y.z(1)[2].w',
    ],
    ...[
      "[1, 2].all(x, x > 0) && ['a'].exists(x, x == 'a')",
      "{'a': 1, 'b': 2}['a'] == 1",
      'timestamp("2024-01-01T00:00:00Z") < now',
      '// all\ntrue',
    ],
    ...[
      "a.b{c: 1, d: 'x'}.e",
      'r"\\d+".matches(a)',
      'b\'abc\' == b"\\x61"',
      '0x1F == 31u',
      '1e3 > .5',
      'unknown.names == are.nobodys',
      'a.if',
      '\n  true\n',
    ],
    ...["'''a'b\nc'''", 'a.?b'.replace('?', ''), "xds.cluster_name.startsWith('outbound')"],
  ];
  const bad = [
    ...[
      '',
      ' ',
      'response.code >=',
      'response.code = 400',
      'response.code >= 400 and true',
      'a || ',
      '&& a',
      'a & b',
      'a | b',
      '(a',
      'a)',
      '[1, 2',
    ],
    ...[
      "'a",
      'a == \'b"',
      'a.',
      '.',
      'a[',
      'a[]',
      'f(1,)',
      'f(,1)',
      'a b',
      'a ? b',
      'a ? b :',
      'a === b',
      'a <> b',
      '$a',
      '@a',
      'a;',
      '`a`',
      '#a',
    ],
    ...[
      'if',
      'a.in',
      'in',
      'a in',
      'has(a)',
      'has(a, b) && has(1)',
      '[1].all(1, true)',
      '[1].exists(a.b, true)',
      "'\\q'",
      "'\\ud800'",
      '9223372036854775808',
    ],
    ...['{1, 2}', '{a: }', '{a: 1,,}', '-!a', '1a', 'a.1b', '1.', 'a..b', "'a\nb'", '%REQ(a)%', 'a.?b', '"{a}" + $b'],
  ];
  testVerdicts(header, [
    ['an empty entry', 'accepted', logging('')],
    ['disabled', 'accepted', logging('disabled: true')],
    ['two entries', 'accepted', 'spec: { accessLogging: [{}, {}] }'],
    ['two providers', 'accepted', logging('providers: [{ name: a }, { name: b }]')],
    ['a provider without name', 'refused', logging('providers: [{}]')],
    ['a filter without expression', 'refused', logging('filter: {}')],
    ['an expression that is null', 'refused', logging('filter: { expression: null }')],
    ['a filter that is null', 'accepted', logging('filter: null')],
    ['a number', 'refused', logging('filter: { expression: 1 }')],
    ...good.map((text) => [`the filter ${JSON.stringify(text)}`, 'accepted', filter(text)] as const),
    ...bad.map((text) => [`the filter ${JSON.stringify(text)}`, 'refused', filter(text)] as const),
  ]);
});

describe('whom it is for', () => {
  testVerdicts(header, [
    ['a selector', 'accepted', 'spec: { selector: { matchLabels: { app: a } } }'],
    ['an empty selector', 'warned', 'spec: { selector: {} }'],
    ['a wildcard', 'refused', "spec: { selector: { matchLabels: { app: 'a*' } } }"],
    ['a target', 'accepted', 'spec: { targetRefs: [{ kind: Gateway, group: gateway.networking.k8s.io, name: a }] }'],
    ['a target without group', 'refused', 'spec: { targetRefs: [{ kind: Gateway, name: a }] }'],
    [
      'a target and a selector',
      'refused',
      'spec: { selector: { matchLabels: { a: b } }, targetRefs: [{ kind: Service, name: a }] }',
    ],
    ['version v1alpha1', 'accepted', `${header.replace('/v1', '/v1alpha1')}\nspec: {}`],
  ]);
});
