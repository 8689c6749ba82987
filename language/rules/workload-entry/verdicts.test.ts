import { testVerdicts } from '../verdicts.fixture.ts';
import type { Verdict } from '../verdicts.fixture.ts';

const header = 'apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: { name: vm-1, namespace: shop }';
type Case = readonly [string, Verdict, string];
const entry = (text: string) => `spec: { ${text} }`;
const ports = (text: string) => entry(`address: 10.0.0.1, ports: { ${text} }`);
const labels = (text: string) => entry(`address: 10.0.0.1, labels: { ${text} }`);

testVerdicts(header, [
  ...[
    '10.0.0.1',
    "'fd00::1'",
    'vm-1.example.com',
    'vm-1',
    'vm-1.example.com.',
    "'unix:///run/a.sock'",
    "'unix://@a'",
  ].map((text): Case => [`address ${text}`, 'accepted', entry(`address: ${text}`)]),
  ...[
    ...["'*.example.com'", "'*'", 'http://vm-1', "'vm-1:80'", 'vm_1', 'vm-1/path', "'unix://'", "'unix://run/a'"],
    ...["'unix:///run/'", "'unix:///'", '10.0.0.0/8', '10.0.0.300', "'a b'", "'-a'", 'a..b', `${'a'.repeat(64)}.com`],
  ].map((text): Case => [`address ${text}`, 'refused', entry(`address: ${text}`)]),
  ['no spec', 'refused', ''],
  ['an empty spec', 'refused', 'spec: {}'],
  ['no address', 'refused', entry('labels: { app: vm }')],
  ['an empty address', 'refused', entry("address: ''")],
  ['an empty network', 'refused', entry("network: ''")],
  ['a network and no address', 'warned', entry('network: vms')],
  ['a network and an empty address', 'warned', entry("network: vms, address: ''")],
  ['a network and an address', 'accepted', entry('network: vms, address: 10.0.0.1')],
  [
    'everything',
    'accepted',
    entry(
      'address: 10.0.0.1, network: vms, locality: a/b/c, weight: 10, serviceAccount: vm, labels: { app: vm }, ports: { http: 80 }',
    ),
  ],
  ['ports', 'accepted', ports('http: 8080, tcp-1: 9000')],
  ['no ports at all', 'accepted', ports('')],
  ['port 1', 'accepted', ports('http: 1')],
  ['port 65535', 'accepted', ports('http: 65535')],
  ['port 0', 'refused', ports('http: 0')],
  ['port 65536', 'refused', ports('http: 65536')],
  ['a negative port', 'refused', ports('http: -1')],
  ['a port in quotes', 'refused', ports("http: '80'")],
  ['a port name with "_"', 'refused', ports('http_a: 80')],
  ['a port name with "."', 'refused', ports('http.a: 80')],
  ['an empty port name', 'refused', ports("'': 80")],
  ['a port name of 62 characters', 'accepted', ports(`${'a'.repeat(62)}: 80`)],
  ['a port name of 64 characters', 'refused', ports(`${'a'.repeat(64)}: 80`)],
  ['a socket with ports', 'refused', entry("address: 'unix:///run/a.sock', ports: { http: 80 }")],
  ['labels', 'accepted', labels('app: vm, example.com/version: v1.2_3, a: "", B: b')],
  ['a number as label', 'refused', labels('app: 1')],
  ['an empty label name', 'refused', labels("'': vm")],
  ['a label name with a space', 'refused', labels("'a b': vm")],
  ['a label name that begins with "-"', 'refused', labels("'-a': vm")],
  ['a label name with two slashes', 'refused', labels('a/b/c: vm')],
  ['a label name of 64 characters', 'refused', labels(`${'a'.repeat(64)}: vm`)],
  ['a label value with "*"', 'refused', labels("app: 'vm*'")],
  ['a label value that ends in "."', 'refused', labels("app: 'vm.'")],
  ['weight 0', 'accepted', entry('address: 10.0.0.1, weight: 0')],
  ['a negative weight', 'refused', entry('address: 10.0.0.1, weight: -1')],
  ['a locality of any form', 'accepted', entry("address: 10.0.0.1, locality: 'a/*/c'")],
]);
