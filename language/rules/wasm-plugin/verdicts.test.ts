import { describe } from 'vitest';
import { testVerdicts } from '../verdicts.fixture.ts';

const header = 'apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: { name: auth, namespace: shop }';
const url = (text: string) => `spec: { url: '${text}' }`;
const plugin = (text: string) => `spec: { url: oci://a.com/auth:v1, ${text} }`;
const env = (...variables: string[]) => plugin(`vmConfig: { env: [${variables.map((text) => `{ ${text} }`).join()}] }`);
const sha = '0123456789abcdef'.repeat(4);

describe('the address of the module', () => {
  const good = [
    ...[
      'oci://a.com/b:v1',
      'oci://registry:5000/b:v1',
      'a.com/b:v1',
      'a.com/b@sha256:abc',
      'b',
      'http://a.com/b.wasm',
      'HTTPS://a.com/b.wasm',
    ],
    ...[
      'file:///opt/b.wasm',
      '/opt/b.wasm',
      'file:b',
      'oci:b',
      'http://',
      'oci://a.com:5000',
      'gcr.io/a_b/c',
      './b',
      'ns/a:1.2.3',
    ],
  ];
  const bad = [
    ...[
      '',
      'ftp://a.com/b',
      'gs://a/b',
      'htps://a.com',
      'registry:5000/b:v1',
      'localhost:5000/b',
      'a.com/%zz',
      'docker://a.com/b',
      's3://a',
      'oci+http://a',
    ],
    ...['b:v1', 'a b', 'C:/b.wasm'],
  ];
  testVerdicts(header, [
    ['no url', 'refused', 'spec: {}'],
    ['no spec', 'refused', ''],
    ['a url that is null', 'refused', 'spec: { url: null }'],
    ['a url as list', 'refused', 'spec: { url: [a] }'],
    ...good.map((text) => [text, 'accepted', url(text)] as const),
    ...bad.map((text) => [`"${text}"`, 'refused', url(text)] as const),
  ]);
});

describe('the module', () => {
  testVerdicts(header, [
    ['a checksum', 'accepted', plugin(`sha256: ${sha}`)],
    ['an empty checksum', 'accepted', plugin("sha256: ''")],
    ['a checksum in capitals', 'refused', plugin(`sha256: ${sha.toUpperCase()}`)],
    ['a short checksum', 'refused', plugin(`sha256: ${sha.slice(1)}`)],
    ['a long checksum', 'refused', plugin(`sha256: ${sha}0`)],
    ['a checksum of other letters', 'refused', plugin(`sha256: ${sha.replace('a', 'g')}`)],
    ['a checksum with its kind', 'refused', plugin(`sha256: sha256:${sha}`)],
    ['a secret', 'accepted', plugin('imagePullSecret: registry')],
    ['an empty secret', 'refused', plugin("imagePullSecret: ''")],
    ['a secret too long', 'refused', plugin(`imagePullSecret: ${'a'.repeat(254)}`)],
    ...['UNSPECIFIED_POLICY', 'IfNotPresent', 'Always'].map(
      (text) => [`pull policy ${text}`, 'accepted', plugin(`imagePullPolicy: ${text}`)] as const,
    ),
    ...['Never', 'always'].map(
      (text) => [`pull policy ${text}`, 'refused', plugin(`imagePullPolicy: ${text}`)] as const,
    ),
    ...['UNSPECIFIED_PHASE', 'AUTHN', 'AUTHZ', 'STATS'].map(
      (text) => [`phase ${text}`, 'accepted', plugin(`phase: ${text}`)] as const,
    ),
    ['phase authn', 'refused', plugin('phase: authn')],
    ...['FAIL_CLOSE', 'FAIL_OPEN', 'FAIL_RELOAD'].map(
      (text) => [text, 'accepted', plugin(`failStrategy: ${text}`)] as const,
    ),
    ['an unknown strategy', 'refused', plugin('failStrategy: OPEN')],
    ...['UNSPECIFIED_PLUGIN_TYPE', 'HTTP', 'NETWORK'].map(
      (text) => [`type ${text}`, 'accepted', plugin(`type: ${text}`)] as const,
    ),
    ['type TCP', 'refused', plugin('type: TCP')],
    ...['0', '-10', '2147483647', 'null'].map(
      (text) => [`priority ${text}`, 'accepted', plugin(`priority: ${text}`)] as const,
    ),
    ...['1.5', "'1'", '2147483648'].map(
      (text) => [`priority ${text}`, 'refused', plugin(`priority: ${text}`)] as const,
    ),
    ['any configuration', 'accepted', plugin('pluginConfig: { a: [1, { b: null }], c: x }')],
    ['a configuration as text', 'refused', plugin('pluginConfig: a')],
    ['a name', 'accepted', plugin('pluginName: auth')],
    ['an empty name', 'refused', plugin("pluginName: ''")],
    ['a name too long', 'refused', plugin(`pluginName: ${'a'.repeat(257)}`)],
    ['a key', 'accepted', plugin('verificationKey: a')],
  ]);
});

describe('variables', () => {
  testVerdicts(header, [
    ['no variables', 'accepted', plugin('vmConfig: { env: [] }')],
    ['an empty machine', 'accepted', plugin('vmConfig: {}')],
    ['a value', 'accepted', env('name: A, value: b')],
    ['a value of INLINE', 'accepted', env('name: A, value: b, valueFrom: INLINE')],
    ['INLINE without value', 'accepted', env('name: A, valueFrom: INLINE')],
    ['a name alone', 'accepted', env('name: A')],
    ['a variable of HOST', 'accepted', env('name: A, valueFrom: HOST')],
    ['a value of HOST', 'refused', env('name: A, valueFrom: HOST, value: b')],
    ['an empty value of HOST', 'refused', env("name: A, valueFrom: HOST, value: ''")],
    ['a value that is null of HOST', 'accepted', env('name: A, valueFrom: HOST, value: null')],
    ['a value from elsewhere', 'refused', env('name: A, valueFrom: SECRET')],
    ['no name', 'refused', env('value: b')],
    ['an empty name', 'refused', env("name: '', value: b")],
    ['a name twice', 'refused', env('name: A, value: b', 'name: A, value: c')],
    ['two names', 'accepted', env('name: A, value: b', 'name: a, value: c')],
    ['a number as value', 'refused', env('name: A, value: 1')],
    ['a value too long', 'refused', env(`name: A, value: ${'a'.repeat(2049)}`)],
    ['257 variables', 'refused', env(...Array.from({ length: 257 }, (_, index) => `name: A${index}`))],
  ]);
});

describe('whom it is for', () => {
  const ports = (...numbers: string[]) =>
    plugin(`match: [{ ports: [${numbers.map((number) => `{ number: ${number} }`).join()}] }]`);
  testVerdicts(header, [
    ['no matches', 'accepted', plugin('match: []')],
    ['an empty match', 'accepted', plugin('match: [{}]')],
    ['a match that is null', 'refused', plugin('match: [null]')],
    ...['UNDEFINED', 'CLIENT', 'SERVER', 'CLIENT_AND_SERVER'].map(
      (mode) => [`mode ${mode}`, 'accepted', plugin(`match: [{ mode: ${mode} }]`)] as const,
    ),
    ['mode BOTH', 'refused', plugin('match: [{ mode: BOTH }]')],
    ['ports', 'accepted', ports('80', '65535', '1')],
    ['port 0', 'refused', ports('0')],
    ['a port too high', 'refused', ports('65536')],
    ['a port twice', 'refused', ports('80', '80')],
    ['a port without number', 'refused', plugin('match: [{ ports: [{}] }]')],
    ['a port as text', 'refused', ports("'80'")],
    ['a number as port', 'refused', plugin('match: [{ ports: [80] }]')],
    ['a selector', 'accepted', plugin('selector: { matchLabels: { app: a } }')],
    ['an empty selector', 'warned', plugin('selector: {}')],
    ['a wildcard', 'refused', plugin("selector: { matchLabels: { app: '*' } }")],
    ['a target', 'accepted', plugin('targetRefs: [{ kind: Service, name: a }]')],
    ['a targetRef', 'accepted', plugin('targetRef: { kind: Gateway, group: gateway.networking.k8s.io, name: a }')],
    ['a target of another kind', 'refused', plugin('targetRefs: [{ kind: Deployment, group: apps, name: a }]')],
    [
      'a target and a selector',
      'refused',
      plugin('selector: { matchLabels: { app: a } }, targetRef: { kind: Service, name: a }'),
    ],
    [
      'dry-run',
      'refused',
      `${header.replace('namespace: shop', "namespace: shop, annotations: { istio.io/dry-run: 'true' }")}\n${plugin('')}`,
    ],
  ]);
});
