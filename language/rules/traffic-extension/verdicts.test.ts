import { describe } from 'vitest';
import { testVerdicts } from '../verdicts.fixture.ts';

const header =
  'apiVersion: extensions.istio.io/v1alpha1\nkind: TrafficExtension\nmetadata: { name: auth, namespace: shop }';
const wasm = (text: string) => `spec: { wasm: { url: oci://a.com/b, ${text} } }`;
const lua = (text: string) => `spec: { lua: { inlineCode: 'function envoy_on_request(h) end' }, ${text} }`;
const url = (text: string) => `spec: { wasm: { url: '${text}' } }`;

testVerdicts(header, [
  ['no spec', 'refused', ''],
  ['an empty spec', 'refused', 'spec: {}'],
  ['a phase alone', 'refused', 'spec: { phase: AUTHN }'],
  ['wasm that is null', 'refused', 'spec: { wasm: null }'],
  ['a script', 'accepted', lua('')],
  ['an empty script', 'refused', "spec: { lua: { inlineCode: '' } }"],
  ['a script without code', 'refused', 'spec: { lua: {} }'],
  ['a script as text', 'refused', "spec: { lua: 'end' }"],
  ['a script that does not parse, which nobody checks', 'accepted', "spec: { lua: { inlineCode: 'function' } }"],
  ['the longest script', 'accepted', `spec: { lua: { inlineCode: '${'a'.repeat(65536)}' } }`],
  ['a script too long', 'refused', `spec: { lua: { inlineCode: '${'a'.repeat(65537)}' } }`],
  ['a module and a script', 'refused', 'spec: { wasm: { url: a.com/b }, lua: { inlineCode: a } }'],
  ['a module and a script that is null', 'accepted', 'spec: { wasm: { url: a.com/b }, lua: null }'],
  ['a module', 'accepted', wasm('')],
  ['a module without url', 'refused', 'spec: { wasm: {} }'],
  ...['oci://a/b', 'https://a/b', 'file:///a', 'a.com/b:v1'].map((text) => [text, 'accepted', url(text)] as const),
  ...['', 'ftp://a/b', 'registry:5000/b', 'a/%zz'].map((text) => [`"${text}"`, 'refused', url(text)] as const),
  ['a checksum', 'accepted', wasm(`sha256: ${'a'.repeat(64)}`)],
  ['a bad checksum', 'refused', wasm('sha256: abc')],
  ['a variable', 'accepted', wasm('vmConfig: { env: [{ name: A, value: b }] }')],
  ['a variable twice', 'refused', wasm('vmConfig: { env: [{ name: A }, { name: A }] }')],
  ['a value of HOST', 'refused', wasm('vmConfig: { env: [{ name: A, valueFrom: HOST, value: b }] }')],
  ['a type', 'accepted', wasm('type: NETWORK')],
  ['a url beside the module', 'refused', 'spec: { url: a.com/b }'],
  ...['UNSPECIFIED', 'AUTHN', 'AUTHZ', 'STATS'].map(
    (text) => [`phase ${text}`, 'accepted', lua(`phase: ${text}`)] as const,
  ),
  ['the phase of a WasmPlugin', 'refused', lua('phase: UNSPECIFIED_PHASE')],
  ['a priority', 'accepted', lua('priority: -5')],
  ['a priority as text', 'refused', lua("priority: '5'")],
  ['a match', 'accepted', lua('match: [{ mode: CLIENT, ports: [{ number: 80 }] }]')],
  ['port 0', 'refused', lua('match: [{ ports: [{ number: 0 }] }]')],
  ['a selector', 'accepted', lua('selector: { matchLabels: { app: a } }')],
  ['an empty selector', 'warned', lua('selector: {}')],
  ['a wildcard', 'refused', lua("selector: { matchLabels: { app: 'a*' } }")],
  ['an empty name of a label', 'refused', lua("selector: { matchLabels: { '': a } }")],
  ['targets', 'accepted', lua('targetRefs: [{ kind: Service, name: a }]')],
  ['a targetRef, which it does not have', 'refused', lua('targetRef: { kind: Service, name: a }')],
  ['a target of another kind', 'refused', lua('targetRefs: [{ kind: Pod, name: a }]')],
  [
    'a target and a selector',
    'refused',
    lua('selector: { matchLabels: { app: a } }, targetRefs: [{ kind: Service, name: a }]'),
  ],
  [
    'dry-run',
    'refused',
    `${header.replace('namespace: shop', "namespace: shop, annotations: { istio.io/dry-run: 'true' }")}\n${lua('')}`,
  ],
]);

describe('version', () => {
  testVerdicts(header, [['v1beta1', 'refused', `${header.replace('v1alpha1', 'v1beta1')}\n${lua('')}`]]);
});
