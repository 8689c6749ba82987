import { describe } from 'vitest';
import { testVerdicts } from '../verdicts.fixture.ts';

const header =
  'apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: default, namespace: shop }';
const selected = (text: string) => `spec: { selector: { matchLabels: { app: a } }, ${text} }`;
const port = (text: string, mode = 'mode: STRICT') => selected(`portLevelMtls: { ${text}: { ${mode} } }`);
const annotated = (text: string) =>
  `${header.replace('namespace: shop', `namespace: shop, annotations: { ${text} }`)}\nspec: {}`;

describe('modes', () => {
  testVerdicts(header, [
    ['no spec', 'accepted', ''],
    ['an empty spec', 'accepted', 'spec: {}'],
    ['empty mtls', 'accepted', 'spec: { mtls: {} }'],
    ['mtls that is null', 'accepted', 'spec: { mtls: null }'],
    ...['UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT'].map(
      (mode) => [mode, 'accepted', `spec: { mtls: { mode: ${mode} } }`] as const,
    ),
    ...['strict', 'Strict', 'ENABLE', 'MUTUAL', 'true', '1'].map(
      (mode) => [mode, 'refused', `spec: { mtls: { mode: ${mode} } }`] as const,
    ),
    ['an empty mode', 'refused', "spec: { mtls: { mode: '' } }"],
    ['a mode that is null', 'accepted', 'spec: { mtls: { mode: null } }'],
    ['a mode without mtls', 'refused', 'spec: { mode: STRICT }'],
    ['mtls as text', 'refused', 'spec: { mtls: STRICT }'],
  ]);
});

describe('ports', () => {
  testVerdicts(header, [
    ...['80', "'80'", '1', '65535'].map((text) => [`port ${text}`, 'accepted', port(text)] as const),
    ...['0', "'0'", '65536', '-1', "'-1'", 'http', '80.5', "''", "'80 '"].map(
      (text) => [`port ${text}`, 'refused', port(text)] as const,
    ),
    ['a port of mode DISABLE', 'accepted', port('80', 'mode: DISABLE')],
    ['a port without mode', 'accepted', port('80', '')],
    ['a port of a wrong mode', 'refused', port('80', 'mode: off')],
    ['two ports', 'accepted', selected('portLevelMtls: { 80: { mode: STRICT }, 8080: { mode: DISABLE } }')],
    ['two ports, one wrong', 'refused', selected('portLevelMtls: { 80: { mode: STRICT }, a: { mode: DISABLE } }')],
    ['no ports in portLevelMtls', 'refused', selected('portLevelMtls: {}')],
    ['portLevelMtls that is null', 'accepted', selected('portLevelMtls: null')],
    ['ports without a selector', 'refused', 'spec: { portLevelMtls: { 80: { mode: STRICT } } }'],
    ['ports with an empty selector', 'refused', 'spec: { selector: {}, portLevelMtls: { 80: { mode: STRICT } } }'],
    [
      'ports with a selector of no labels',
      'refused',
      'spec: { selector: { matchLabels: {} }, portLevelMtls: { 80: {} } }',
    ],
    ['ports with a selector that is null', 'refused', 'spec: { selector: null, portLevelMtls: { 80: {} } }'],
    ['ports as a list', 'refused', selected('portLevelMtls: [80]')],
    ['a port beside mtls', 'accepted', selected('mtls: { mode: STRICT }, portLevelMtls: { 80: { mode: DISABLE } }')],
  ]);
});

describe('the rest', () => {
  testVerdicts(header, [
    ['a selector', 'accepted', selected('mtls: { mode: STRICT }')],
    ['an empty selector', 'warned', 'spec: { selector: {} }'],
    ['a selector of no labels', 'warned', 'spec: { selector: { matchLabels: {} }, mtls: { mode: STRICT } }'],
    ['a wildcard in a value', 'refused', "spec: { selector: { matchLabels: { app: '*' } } }"],
    ['a wildcard in a name', 'refused', "spec: { selector: { matchLabels: { '*': a } } }"],
    ['an empty name', 'refused', "spec: { selector: { matchLabels: { '': a } } }"],
    ['targetRefs, which it does not have', 'refused', 'spec: { targetRefs: [{ kind: Service, name: a }] }'],
    ['dry-run', 'refused', annotated("istio.io/dry-run: 'false'")],
    ['internal parents', 'refused', annotated('internal.istio.io/parents: a')],
    ['version v1beta1', 'accepted', `${header.replace('/v1', '/v1beta1')}\nspec: {}`],
    ['version v1alpha1', 'refused', `${header.replace('/v1', '/v1alpha1')}\nspec: {}`],
  ]);
});
