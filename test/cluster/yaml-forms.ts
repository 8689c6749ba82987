/** What YAML makes of unquoted words and numbers, and where the API server minds. */

const subset = (label: string) => `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a }
spec:
  host: reviews
  subsets:
    - name: v1
      labels: { version: ${label} }
`;
const limit = (number: string) => `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a }
spec:
  host: reviews
  trafficPolicy:
    connectionPool: { tcp: { maxConnections: ${number} } }
`;
const redirect = (flag: string) => `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: a }
spec:
  servers:
    - port: { number: 80, name: http, protocol: HTTP }
      hosts: [a.example.com]
      tls: { httpsRedirect: ${flag} }
`;
const labels = (map: string) => `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a, labels: ${map} }
spec: { host: reviews }
`;

const words = [
  'v1',
  'yes',
  'on',
  'y',
  'No',
  'True',
  '~',
  'null',
  '',
  '1',
  '1.0',
  '1e3',
  '0x1F',
  '0o17',
  '017',
  '1_000',
];
const more = [
  '.inf',
  '-.inf',
  '.nan',
  '1:30',
  '2026-01-31',
  '2026-01-31T00:00:00Z',
  '"1"',
  "'yes'",
  '+1',
  '-1',
  '.5',
  '5.',
];
const tagged = ['!!str 1', '[1]', '{ a: 1 }', '|\n        text', '0b11', '1e400', '99999999999999999999'];
const all = [...words, ...more, ...tagged];

export const yamlForms: [title: string, manifest: string][] = [
  ...all.map((word): [string, string] => [`the label ${JSON.stringify(word)}`, subset(word)]),
  ...all.map((word): [string, string] => [`the number ${JSON.stringify(word)}`, limit(word)]),
  ...all.map((word): [string, string] => [`the flag ${JSON.stringify(word)}`, redirect(word)]),
  ...['{ y: a }', '{ 1: a }', '{ on: b }', '{ a: yes }', '{ a: 1 }', '{ ~: a }', '{ a: }'].map(
    (map): [string, string] => [`the labels ${map}`, labels(map)],
  ),
];
