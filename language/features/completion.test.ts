import { describe, expect, it } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { PlainObject } from '../../contract/cluster-layer.ts';
import { Workspace } from '../workspace.ts';
import { listCompletions } from './completion.ts';
import { Names } from './completion/names.ts';

const object = (
  apiVersion: string,
  kind: string,
  name: string,
  more: PlainObject = {},
  namespace = 'shop',
): PlainObject => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace && { namespace }), ...(more['metadata'] as PlainObject | undefined) },
  ...Object.fromEntries(Object.entries(more).filter(([key]) => key !== 'metadata')),
});
const labels = (app: string) => ({
  metadata: { labels: { app, version: 'v1' } },
  spec: { serviceAccountName: app, containers: [] },
});
const cluster: PlainObject[] = [
  object('v1', 'Namespace', 'shop', {}, ''),
  object('v1', 'Namespace', 'plain', {}, ''),
  object('v1', 'Service', 'reviews', {
    spec: {
      ports: [
        { name: 'http', port: 9080 },
        { name: 'admin', port: 9090 },
      ],
    },
  }),
  object('v1', 'Service', 'db', { spec: { ports: [{ port: 3306 }] } }, 'data'),
  object('v1', 'Pod', 'reviews-1', labels('reviews')),
  object('v1', 'Pod', 'db-1', labels('db'), 'data'),
  object('v1', 'Secret', 'shop-tls', { type: 'kubernetes.io/tls' }),
  object('networking.istio.io/v1', 'ServiceEntry', 'api', {
    spec: { hosts: ['api.example.com'], ports: [{ number: 443, name: 'https' }] },
  }),
  object('networking.istio.io/v1', 'Gateway', 'public', { spec: {} }, 'edge'),
  object(
    'admissionregistration.k8s.io/v1',
    'MutatingWebhookConfiguration',
    'i',
    { metadata: { labels: { 'istio.io/rev': '1-28-0', 'istio.io/tag': 'prod' } } },
    '',
  ),
];
const rule = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: shop }
spec:
  host: reviews
  subsets:
    - name: v1
      labels: { version: v1 }
    - { name: v2, labels: { version: v2 } }
`;

const workspace = new Workspace({ judgeCluster: false });
workspace.setCluster({ name: 'kind-mesh', resources: cluster, complete: [] });
workspace.setFile('file:///w/rules.yaml', rule);

function complete(marked: string, trigger?: string, asOf?: number) {
  const offset = marked.indexOf('█');
  const document = TextDocument.create('file:///w/open.yaml', 'yaml', 1, marked.replace('█', ''));
  const { items } = listCompletions(document, offset, {
    names: () => new Names(workspace.known(), { name: 'kind-mesh', ...(asOf !== undefined && { asOf }) }),
    ...(trigger && { trigger }),
  });
  const insert = (label: string) => {
    const edit = items.find((item) => item.label === label)?.textEdit;
    return edit && 'range' in edit ? TextDocument.applyEdits(document, [edit]) : undefined;
  };
  return { labels: items.map(({ label }) => label), items, insert };
}

const vs = (rest: string) =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: a\n  namespace: shop\nspec:\n${rest}`;
const policy = (rest: string) =>
  `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a, namespace: shop}\nspec:\n${rest}`;

describe('names are offered', () => {
  it.each<[string, string, string[]]>([
    ['hosts', vs('  hosts:\n    - █'), ['reviews', 'db.data.svc.cluster.local', 'api.example.com']],
    ['hosts in a list on one line', vs('  hosts: [█'), ['reviews', 'api.example.com']],
    ['hosts in a list on one line, closed', vs('  hosts: [reviews, █]\n  http: []'), ['reviews', 'api.example.com']],
    [
      'a destination’s host',
      vs('  http:\n    - route:\n        - destination:\n            host: rev█\n            subset: v1'),
      ['reviews'],
    ],
    ['a destination’s host in braces', vs('  http:\n  - route:\n    - destination: { host: █'), ['reviews']],
    [
      'subsets of the host beside it',
      vs('  http:\n  - route:\n    - destination: { host: reviews, subset: █ }'),
      ['v1', 'v2'],
    ],
    [
      'subsets before the host is written above',
      vs('  http:\n  - route:\n    - destination:\n        subset: █\n        host: reviews.shop.svc.cluster.local'),
      ['v1', 'v2'],
    ],
    [
      'ports of the host',
      vs('  http:\n  - route:\n    - destination:\n        host: reviews\n        port:\n          number: █'),
      ['9080', '9090'],
    ],
    [
      'ports of a ServiceEntry',
      vs('  http:\n  - route:\n    - destination: {host: api.example.com, port: {number: █}}'),
      ['443'],
    ],
    ['gateways', vs('  gateways:\n  - █'), ['edge/public', 'mesh']],
    ['namespaces', vs('  http:\n  - match:\n    - sourceNamespace: █'), ['shop', 'plain', 'data']],
    ['keys of labels', vs('  http:\n  - match:\n    - sourceLabels:\n        █'), ['app', 'version']],
    ['values of labels', vs('  http:\n  - match:\n    - sourceLabels:\n        app: █'), ['reviews', 'db']],
    [
      'principals',
      policy('  rules:\n  - from:\n    - source:\n        principals: ["█"]'),
      ['cluster.local/ns/shop/sa/reviews'],
    ],
    [
      'service accounts',
      policy('  rules:\n  - from:\n    - source:\n        serviceAccounts:\n        - █'),
      ['reviews', 'data/db'],
    ],
    ['selectors', policy('  selector:\n    matchLabels:\n      app: █'), ['reviews']],
    [
      'credentials',
      'apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: shop}\nspec:\n  servers:\n  - tls:\n      credentialName: █',
      ['shop-tls'],
    ],
    [
      'egress of a Sidecar',
      'apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: g, namespace: shop}\nspec:\n  egress:\n  - hosts:\n    - █',
      ['./*', './reviews.shop.svc.cluster.local', 'data/*'],
    ],
    [
      'revisions',
      'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  labels:\n    istio.io/rev: █',
      ['prod', '1-28-0'],
    ],
    [
      'in JSON',
      '{"apiVersion":"networking.istio.io/v1","kind":"DestinationRule","metadata":{"name":"a","namespace":"shop"},"spec":{"host":"█"}}',
      ['reviews'],
    ],
    ['in the second document', `${rule}---\n${vs('  hosts:\n  - █\n---\nkind: X\n')}`, ['reviews']],
    [
      'in a List',
      'apiVersion: v1\nkind: List\nitems:\n- apiVersion: networking.istio.io/v1\n  kind: DestinationRule\n  metadata: {name: a, namespace: shop}\n  spec:\n    host: █',
      ['reviews'],
    ],
    ['with Windows’ line ends', vs('  hosts:\n  - █\n').replaceAll('\n', '\r\n'), ['reviews']],
  ])('%s', (_what, text, expected) => {
    expect(complete(text).labels).toEqual(expect.arrayContaining(expected));
  });

  it('with where they are from, and how old that is', () => {
    const details = (asOf?: number) =>
      Object.fromEntries(
        complete(vs('  hosts: [█]'), undefined, asOf).items.map(({ label, detail }) => [label, detail]),
      );
    expect(details()).toMatchObject({
      reviews: 'cluster kind-mesh · Service',
      'api.example.com': 'cluster kind-mesh · ServiceEntry',
    });
    expect(details(new Date(2026, 0, 1, 12, 3).getTime()).reviews).toBe('cluster kind-mesh, as of 12:03 · Service');
    const [subset] = complete(vs('  http:\n  - route:\n    - destination: { host: reviews, subset: █ }')).items;
    expect(subset?.detail).toBe('file rules.yaml · version=v1');
  });
});

describe('what is chosen', () => {
  it.each([
    [
      'replaces the word',
      vs('  http:\n  - route:\n    - destination:\n        host: re█v # main'),
      'reviews',
      'host: reviews # main',
    ],
    [
      'stands behind a blank',
      vs('  http:\n  - route:\n    - destination:\n        host:█\n        subset: v1'),
      'reviews',
      'host: reviews\n        subset',
    ],
    ['stays in its quotes', vs('  hosts: ["re█"]'), 'reviews', '["reviews"]'],
    [
      'is quoted when YAML needs that',
      'apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: g}\nspec:\n  egress:\n  - hosts: [█]',
      '*/*',
      '["*/*"]',
    ],
    [
      'is quoted when it would be a boolean',
      'apiVersion: v1\nkind: Pod\nmetadata:\n  labels:\n    sidecar.istio.io/inject: █',
      'true',
      'inject: "true"',
    ],
    [
      'is a number where one belongs',
      vs('  http:\n  - route:\n    - destination:\n        host: reviews\n        port:\n          number: █'),
      '9080',
      'number: 9080',
    ],
    ['goes on with a deeper line', vs('  http:\n  - ro█'), 'route', '- route:\n      - '],
    ['goes on in braces', vs('  http:\n  - { ro█ }'), 'route', '{ route:  }'],
  ])('%s', (_what, text, label, expected) => {
    expect(complete(text).insert(label)).toContain(expected);
  });
});

describe('fields and values of the structure', () => {
  it.each<[string, string, string[], string[]]>([
    ['fields, without those that are there', vs('  hosts: [a]\n  █'), ['http', 'gateways'], ['hosts', 'mtls']],
    ['fields of an item', vs('  http:\n  - █'), ['route', 'match'], ['hosts']],
    [
      'fields of an item, further down',
      vs('  http:\n  - match: []\n    █\n  tls: []'),
      ['route', 'timeout'],
      ['match'],
    ],
    [
      'enumerations',
      'apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a}\nspec:\n  mtls:\n    mode: █',
      ['STRICT', 'PERMISSIVE'],
      [],
    ],
    [
      'booleans',
      'apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: a}\nspec:\n  servers:\n  - tls: {httpsRedirect: █',
      ['true', 'false'],
      [],
    ],
    [
      'labels of a Namespace',
      'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  labels:\n    █',
      ['istio-injection', 'istio.io/rev'],
      ['sidecar.istio.io/inject'],
    ],
    [
      'annotations of a pod template',
      'apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    metadata:\n      annotations:\n        traffic.█',
      ['traffic.sidecar.istio.io/excludeOutboundPorts'],
      ['istio-injection'],
    ],
  ])('%s', (_what, text, expected, not) => {
    const { labels: found } = complete(text);
    expect(found).toEqual(expect.arrayContaining(expected));
    for (const label of not) expect(found).not.toContain(label);
  });

  it('pod annotations are not offered on the workload itself', () => {
    const { labels: found } = complete(
      'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  annotations:\n    █\nspec: {}',
    );
    expect(found.filter((label) => label.startsWith('traffic.'))).toEqual([]);
  });
});

describe('nothing is offered', () => {
  it.each([
    ['in a comment', vs('  hosts:\n  - a # █')],
    ['in a line of comment', vs('  # host: █')],
    ['in a text of several lines', vs('  http:\n  - name: |\n      host: █')],
    ['in a kind that nobody knows', 'apiVersion: v1\nkind: Unknown\nspec:\n  host: █'],
    ['in a file without a kind', 'host: █'],
    ['in a template', vs('  {{- if █ }}')],
    ['on the border of documents', `${rule}--█-\n`],
    ['in an empty file', '█'],
  ])('%s', (_what, text) => expect(complete(text).labels).toEqual([]));

  it('for blanks of the indentation', () => expect(complete(vs('  █'), ' ').labels).toEqual([]));
});

it('never fails, whatever is typed so far', () => {
  const whole = `${rule}---\n${vs('  http:\n  - match: [{uri: {prefix: "/a"}}]\n    route:\n    - destination: {host: reviews, port: {number: 1}}\n  exportTo: ["."]\n')}`;
  let seed = 1;
  const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
  const bits = ['{', '}', '[', ']', ':', ' ', '\n', '- ', '"', "'", '#', '|', ',', '\t', '{{', '---\n', '*a', '&a '];
  for (let run = 0; run < 1500; run++) {
    let text = whole;
    for (let edits = random(4); edits >= 0; edits--) {
      const at = random(text.length + 1);
      text = text.slice(0, at) + bits[random(bits.length)]! + text.slice(at + random(6));
    }
    const at = random(text.length + 1);
    expect(() => complete(`${text.slice(0, at)}█${text.slice(at)}`)).not.toThrow();
  }
});

it('is fast among two thousand resources, and in hostile texts', () => {
  const big = new Workspace({ judgeCluster: false });
  const many = Array.from({ length: 1000 }, (_, at) => [
    object('v1', 'Service', `svc-${at}`, { spec: { ports: [{ port: at + 1 }] } }),
    object('v1', 'Pod', `pod-${at}`, labels(`app-${at}`)),
  ]).flat();
  big.setCluster({ name: 'c', resources: many, complete: [] });
  const time = (text: string) => {
    const offset = text.indexOf('█');
    const document = TextDocument.create('file:///w/open.yaml', 'yaml', 1, text.replace('█', ''));
    const started = performance.now();
    listCompletions(document, offset, { names: () => new Names(big.known(), { name: 'c' }) });
    return performance.now() - started;
  };
  const usual = [
    vs('  hosts: [█]'),
    vs('  http:\n  - match:\n    - sourceLabels:\n        app: █'),
    policy('  rules:\n  - from:\n    - source: {principals: [█]}'),
  ];
  for (const text of usual) time(text);
  const times = usual.map((text) => Math.min(time(text), time(text), time(text)));
  console.log(`completion among 2,000 resources: ${times.map((each) => each.toFixed(1)).join(', ')} ms`);
  expect(Math.max(...times)).toBeLessThan(100);
  for (const text of [
    '['.repeat(50_000),
    '{a: '.repeat(20_000),
    '- '.repeat(20_000),
    '"'.repeat(50_000),
    `${'a'.repeat(100_000)}:`,
    `${'a: '.repeat(30_000)}`,
    ' '.repeat(100_000),
  ])
    expect(time(`${vs('  ')}${text}█`)).toBeLessThan(3000);
});

it('what hides something in itself is no name', () => {
  const hiding = new Workspace({ judgeCluster: false });
  const entry = (host: string) =>
    object('networking.istio.io/v1', 'ServiceEntry', host.slice(0, 3), { spec: { hosts: [host] } });
  hiding.setCluster({ name: 'c', resources: [entry('api.example.com'), entry('evil\u202emoc.example')], complete: [] });
  expect(new Names(hiding.known(), undefined).hosts('shop').map(({ name }) => name)).toEqual(['api.example.com']);
});
