import { testVerdicts } from '../verdicts.fixture.ts';

const header = 'apiVersion: networking.istio.io/v1beta1\nkind: ProxyConfig\nmetadata: { name: small, namespace: shop }';

testVerdicts(header, [
  ['no spec', 'accepted', ''],
  ['an empty spec', 'accepted', 'spec: {}'],
  ...['0', '1', '64', 'null'].map(
    (text) => [`concurrency ${text}`, 'accepted', `spec: { concurrency: ${text} }`] as const,
  ),
  ...['-1', '1.5', "'2'", '2147483648', 'auto'].map(
    (text) => [`concurrency ${text}`, 'refused', `spec: { concurrency: ${text} }`] as const,
  ),
  ['variables', 'accepted', "spec: { environmentVariables: { ISTIO_META_DNS_CAPTURE: 'true', A: '' } }"],
  ['a variable without quotes', 'refused', 'spec: { environmentVariables: { ISTIO_META_DNS_CAPTURE: true } }'],
  ['a number as variable', 'refused', 'spec: { environmentVariables: { A: 1 } }'],
  ['a variable too long', 'refused', `spec: { environmentVariables: { A: ${'a'.repeat(2049)} } }`],
  ['variables as a list', 'refused', 'spec: { environmentVariables: [{ name: A, value: b }] }'],
  ['an image', 'accepted', 'spec: { image: { imageType: distroless } }'],
  ['any image', 'accepted', 'spec: { image: { imageType: mine } }'],
  ['an empty image', 'accepted', 'spec: { image: {} }'],
  ['an image as text', 'refused', 'spec: { image: distroless }'],
  ['a selector', 'accepted', 'spec: { selector: { matchLabels: { app: a } } }'],
  ['an empty selector', 'warned', 'spec: { selector: {} }'],
  ['a selector of no labels', 'warned', 'spec: { selector: { matchLabels: {} } }'],
  ['a wildcard in a value', 'refused', "spec: { selector: { matchLabels: { app: 'a*' } } }"],
  ['a wildcard in a name', 'refused', "spec: { selector: { matchLabels: { 'a*': b } } }"],
  ['an empty name', 'refused', "spec: { selector: { matchLabels: { '': b } } }"],
  ['labels of a workloadSelector', 'refused', 'spec: { workloadSelector: { labels: { app: a } } }'],
  ['targetRefs, which it does not have', 'refused', 'spec: { targetRefs: [{ kind: Service, name: a }] }'],
  ['a field of the mesh-wide proxy config', 'refused', 'spec: { tracing: {} }'],
  [
    'dry-run',
    'refused',
    `${header.replace('namespace: shop', "namespace: shop, annotations: { istio.io/dry-run: 'true' }")}\nspec: {}`,
  ],
  [
    'internal parents',
    'refused',
    `${header.replace('namespace: shop', 'namespace: shop, annotations: { internal.istio.io/parents: a }')}\nspec: {}`,
  ],
  ['version v1', 'refused', `${header.replace('v1beta1', 'v1')}\nspec: {}`],
]);
