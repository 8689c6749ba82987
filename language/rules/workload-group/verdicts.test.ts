import { testVerdicts } from '../verdicts.fixture.ts';
import type { Verdict } from '../verdicts.fixture.ts';

const header = 'apiVersion: networking.istio.io/v1\nkind: WorkloadGroup\nmetadata: { name: vms, namespace: shop }';
type Case = readonly [string, Verdict, string];
const group = (text: string) => `spec: { ${text} }`;
const template = (text: string) => group(`template: { ${text} }`);
const metadata = (text: string) => group(`template: {}, metadata: { ${text} }`);
const probe = (text: string) => group(`template: {}, probe: { ${text} }`);

testVerdicts(header, [
  ['no spec', 'refused', ''],
  ['no template', 'refused', group('metadata: { labels: { app: vm } }')],
  ['a template that is null', 'refused', group('template: null')],
  ['an empty template', 'accepted', group('template: {}')],
  [
    'a whole template',
    'accepted',
    template('serviceAccount: vm, network: vms, ports: { http: 80 }, labels: { app: vm }, weight: 1, locality: a/b'),
  ],
  ['a template with an address', 'accepted', template('address: 10.0.0.1')],
  ['a template with a socket', 'accepted', template("address: 'unix:///run/a.sock'")],
  ['a template with a socket and ports', 'refused', template("address: 'unix:///run/a.sock', ports: { http: 80 }")],
  ['a template with a directory', 'refused', template("address: 'unix:///run/'")],
  ['a template with a relative socket', 'refused', template("address: 'unix://run/a'")],
  ['a template with port 0', 'refused', template('ports: { http: 0 }')],
  ['a template with port 65536', 'refused', template('ports: { http: 65536 }')],
  ['a template with a bad port name', 'refused', template('ports: { a_b: 80 }')],
  ['labels', 'accepted', metadata('labels: { app: vm, example.com/a: b }')],
  ['annotations of any form', 'accepted', metadata("annotations: { 'a b': '***' }")],
  ['a label name that Kubernetes does not take', 'refused', metadata("labels: { '.': vm }")],
  ['a label value that Kubernetes does not take', 'refused', metadata("labels: { app: '$' }")],
  ['an empty label name', 'refused', metadata("labels: { '': vm }")],
  ['a probe that is null', 'accepted', group('template: {}, probe: null')],
  ['an empty probe', 'refused', probe('')],
  ['a probe without method', 'refused', probe('periodSeconds: 5')],
  ['a probe by HTTP', 'accepted', probe('httpGet: { port: 8080, path: /ready, host: 127.0.0.1 }')],
  ['two methods', 'refused', probe('httpGet: { port: 8080 }, tcpSocket: { port: 8080 }')],
  ['HTTP without port', 'refused', probe('httpGet: { path: /ready }')],
  ['HTTP with port 0', 'refused', probe('httpGet: { port: 0 }')],
  ['HTTP with port 65536', 'refused', probe('httpGet: { port: 65536 }')],
  ...['HTTP', 'HTTPS', "''"].map((text): Case => [
    `scheme ${text}`,
    'accepted',
    probe(`httpGet: { port: 80, scheme: ${text} }`),
  ]),
  ...['http', 'https', 'TCP'].map((text): Case => [
    `scheme ${text}`,
    'refused',
    probe(`httpGet: { port: 80, scheme: ${text} }`),
  ]),
  ['HTTP headers', 'accepted', probe('httpGet: { port: 80, httpHeaders: [{ name: X-Probe_1, value: a }] }')],
  ['an HTTP header without name', 'refused', probe("httpGet: { port: 80, httpHeaders: [{ name: '', value: a }] }")],
  ['an HTTP header with a space', 'refused', probe("httpGet: { port: 80, httpHeaders: [{ name: 'a b', value: a }] }")],
  ['an HTTP header that is null', 'refused', probe('httpGet: { port: 80, httpHeaders: [null] }')],
  ['a probe by TCP', 'accepted', probe('tcpSocket: { port: 8080, host: localhost }')],
  ['TCP without port', 'refused', probe('tcpSocket: {}')],
  ['TCP with port 0', 'refused', probe('tcpSocket: { port: 0 }')],
  ['a probe by command', 'accepted', probe('exec: { command: [cat, /ready] }')],
  ['an empty command', 'refused', probe('exec: { command: [] }')],
  ['no command', 'refused', probe('exec: {}')],
  ['an empty word in a command', 'refused', probe("exec: { command: [''] }")],
  ['a probe by gRPC', 'accepted', probe('grpc: { port: 8080, service: health }')],
  ['gRPC without port', 'refused', probe('grpc: {}')],
  ['gRPC with port 70000', 'refused', probe('grpc: { port: 70000 }')],
  ...['periodSeconds', 'initialDelaySeconds', 'timeoutSeconds', 'successThreshold', 'failureThreshold'].flatMap(
    (name): Case[] => [
      [`${name} 0`, 'accepted', probe(`tcpSocket: { port: 80 }, ${name}: 0`)],
      [`${name} -1`, 'refused', probe(`tcpSocket: { port: 80 }, ${name}: -1`)],
    ],
  ),
]);
