import { describe, expect, test } from 'vitest';
import { testVerdicts, verdictOf } from '../verdicts.fixture.ts';
import type { Verdict } from '../verdicts.fixture.ts';

// Istio warns of every EnvoyFilter, so `warned` is the best there is; what it warns of beside is told apart below.
const header =
  'apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: { name: patches, namespace: shop }';
type Case = readonly [string, Verdict, string];
const patches = (...texts: string[]) => `spec: { configPatches: [${texts.map((text) => `{ ${text} }`).join(', ')}] }`;
const remove = 'patch: { operation: REMOVE }';
const matching = (applyTo: string, match: string) => patches(`applyTo: ${applyTo}, match: { ${match} }, ${remove}`);
const filter = (applyTo: string, text: string) =>
  matching(applyTo, `listener: { filterChain: { filter: { ${text} } } }`);
const manager = 'name: envoy.filters.network.http_connection_manager';
const value = (applyTo: string, text: string, operation = 'MERGE') =>
  patches(`applyTo: ${applyTo}, patch: { operation: ${operation}, value: { ${text} } }`);
const lua = "'@type': type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua";

const unremarkable: [string, string][] = [
  ['no spec', ''],
  ['an empty spec', 'spec: {}'],
  ['no patches', 'spec: { configPatches: [] }'],
  ['a selector', 'spec: { workloadSelector: { labels: { app: a } }, configPatches: [] }'],
  ['a priority', 'spec: { priority: -10, configPatches: [] }'],
  ['targets', 'spec: { targetRefs: [{ kind: Gateway, group: gateway.networking.k8s.io, name: a }] }'],
  ['an empty value', value('CLUSTER', '')],
  ['durations in seconds', value('CLUSTER', 'connect_timeout: 5s, dnsRefreshRate: 0.5s')],
  ['a field that is null', value('CLUSTER', 'name: null, connect_timeout: null')],
  ['lists', value('VIRTUAL_HOST', "name: a, domains: ['*'], routes: []")],
  ['REMOVE without value', patches(`applyTo: CLUSTER, ${remove}`)],
  ['REMOVE with a value', value('CLUSTER', 'name: a', 'REMOVE')],
  ...['MERGE', 'ADD', 'INSERT_FIRST', 'INSERT_BEFORE', 'INSERT_AFTER', 'REPLACE'].map((name): [string, string] => [
    name,
    value('VIRTUAL_HOST', 'name: a', name),
  ]),
  ['an empty match', matching('CLUSTER', '')],
  ['a match of a context', matching('HTTP_FILTER', 'context: SIDECAR_INBOUND')],
  ...['LISTENER', 'FILTER_CHAIN', 'NETWORK_FILTER', 'HTTP_FILTER', 'LISTENER_FILTER'].map((name): [string, string] => [
    `${name} matched by listener`,
    matching(name, 'listener: { portNumber: 80, filterChain: { sni: a.example.com } }'),
  ]),
  ...['ROUTE_CONFIGURATION', 'VIRTUAL_HOST', 'HTTP_ROUTE'].map((name): [string, string] => [
    `${name} matched by routeConfiguration`,
    matching(name, "routeConfiguration: { vhost: { name: 'a:80', route: { action: ANY } } }"),
  ]),
  ['CLUSTER matched by cluster', matching('CLUSTER', 'cluster: { service: a.b.svc.cluster.local, subset: v1 }')],
  ['BOOTSTRAP matched by anything', matching('BOOTSTRAP', 'cluster: { name: a }')],
  ['EXTENSION_CONFIG matched by anything', matching('EXTENSION_CONFIG', 'listener: { portNumber: 80 }')],
  ['a filter by name', filter('NETWORK_FILTER', 'name: envoy.filters.network.tcp_proxy')],
  [
    'an HTTP filter inside the manager',
    filter('HTTP_FILTER', `${manager}, subFilter: { name: envoy.filters.http.router }`),
  ],
  ['the manager alone', filter('HTTP_FILTER', manager)],
  ['a subFilter that is null', filter('NETWORK_FILTER', `${manager}, subFilter: null`)],
  ['a filter of a name of its own', filter('NETWORK_FILTER', 'name: istio.stats')],
  ['proxyVersion', matching('CLUSTER', "proxy: { proxyVersion: '^1\\\\.2[0-9].*' }".replace('\\\\', '\\'))],
  ['an empty proxyVersion', matching('CLUSTER', "proxy: { proxyVersion: '' }")],
  ['metadata of the proxy', matching('CLUSTER', 'proxy: { metadata: { a: b } }')],
  ['a filter with its configuration', value('HTTP_FILTER', `name: a, typed_config: { ${lua} }`, 'INSERT_FIRST')],
  ['a filter with typedConfig', value('HTTP_FILTER', `name: a, typedConfig: { ${lua} }`, 'INSERT_FIRST')],
  ['an empty typed_config', value('HTTP_FILTER', 'name: a, typed_config: {}', 'INSERT_FIRST')],
  ['a filter found elsewhere', value('HTTP_FILTER', 'name: a, config_discovery: { type_urls: [a] }', 'INSERT_FIRST')],
  [
    'a TypedStruct',
    value(
      'HTTP_FILTER',
      "name: a, typed_config: { '@type': type.googleapis.com/xds.type.v3.TypedStruct, type_url: a, value: { typed_config: { b: c } } }",
    ),
  ],
  [
    'metadata with typed_config in it',
    value('CLUSTER', 'metadata: { filter_metadata: { a: { typed_config: { b: c } } } }'),
  ],
  [
    'a filterClass',
    patches(
      `applyTo: HTTP_FILTER, patch: { operation: ADD, filterClass: AUTHN, value: { name: a, typed_config: { ${lua} } } }`,
    ),
  ],
  [
    'a transport socket',
    value(
      'CLUSTER',
      "transport_socket: { name: tls, typed_config: { '@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext } }",
    ),
  ],
];

describe('Istio says of these what it says of every EnvoyFilter, and no more', () => {
  test.each(unremarkable)('%s', (_, text) => {
    const { verdict, messages } = verdictOf(`${header}\n${text}`);
    expect(messages).toEqual([expect.stringMatching(/^envoy-filter\/always-warned: /)]);
    expect(verdict).toBe('warned');
  });
});

const remarkable: [string, string][] = [
  ['a selector without labels', 'spec: { workloadSelector: {} }'],
  ['a filter for LISTENER', filter('LISTENER', 'name: envoy.filters.network.tcp_proxy')],
  ['a filter for FILTER_CHAIN', filter('FILTER_CHAIN', 'name: envoy.filters.network.tcp_proxy')],
  ['the old name of a network filter', filter('NETWORK_FILTER', 'name: envoy.tcp_proxy')],
  ['the old name of the manager', filter('HTTP_FILTER', 'name: envoy.http_connection_manager, subFilter: { name: a }')],
  ['the old name of an HTTP filter', filter('HTTP_FILTER', `${manager}, subFilter: { name: envoy.router }`)],
  ['an HTTP filter without configuration', value('HTTP_FILTER', 'name: a', 'INSERT_FIRST')],
  ['a network filter without configuration', value('NETWORK_FILTER', 'name: a', 'INSERT_FIRST')],
  ['an extension without configuration', value('EXTENSION_CONFIG', 'name: a', 'ADD')],
  ['a transport socket without configuration', value('CLUSTER', 'transport_socket: { name: a }')],
];

describe('Istio warns of something beside', () => {
  test.each(remarkable)('%s', (_, text) => {
    const { verdict, messages } = verdictOf(`${header}\n${text}`);
    expect(verdict).toBe('warned');
    expect(messages).toHaveLength(2);
  });
});

describe('refused', () => {
  testVerdicts(header, [
    ['a patch that is null', 'refused', 'spec: { configPatches: [null] }'],
    ['no applyTo', 'refused', patches(remove)],
    ['applyTo INVALID', 'refused', patches(`applyTo: INVALID, ${remove}`)],
    ['an unknown applyTo', 'refused', patches(`applyTo: FILTER, ${remove}`)],
    ['no patch', 'refused', patches('applyTo: CLUSTER')],
    ['a patch that is null inside', 'refused', patches('applyTo: CLUSTER, patch: null')],
    ['an empty patch', 'refused', patches('applyTo: CLUSTER, patch: {}')],
    ['no operation', 'refused', patches('applyTo: CLUSTER, patch: { value: { name: a } }')],
    ['operation INVALID', 'refused', patches('applyTo: CLUSTER, patch: { operation: INVALID, value: {} }')],
    ['an unknown operation', 'refused', patches('applyTo: CLUSTER, patch: { operation: DELETE, value: {} }')],
    ...['MERGE', 'ADD', 'REPLACE', 'INSERT_FIRST'].map((name): Case => [
      `${name} without value`,
      'refused',
      patches(`applyTo: CLUSTER, patch: { operation: ${name} }`),
    ]),
    ['a value that is null', 'refused', patches('applyTo: CLUSTER, patch: { operation: MERGE, value: null }')],
    ...['LISTENER', 'FILTER_CHAIN', 'NETWORK_FILTER', 'HTTP_FILTER'].flatMap((name): Case[] => [
      [`${name} matched by cluster`, 'refused', matching(name, 'cluster: { name: a }')],
      [`${name} matched by routeConfiguration`, 'refused', matching(name, 'routeConfiguration: { name: a }')],
    ]),
    ...['ROUTE_CONFIGURATION', 'VIRTUAL_HOST', 'HTTP_ROUTE'].flatMap((name): Case[] => [
      [`${name} matched by cluster`, 'refused', matching(name, 'cluster: { name: a }')],
      [`${name} matched by listener`, 'refused', matching(name, 'listener: {}')],
    ]),
    ['CLUSTER matched by listener', 'refused', matching('CLUSTER', 'listener: { portNumber: 80 }')],
    ['CLUSTER matched by routeConfiguration', 'refused', matching('CLUSTER', 'routeConfiguration: {}')],
    ['two matches', 'refused', matching('CLUSTER', 'cluster: {}, listener: {}')],
    ['a filter without name', 'refused', filter('NETWORK_FILTER', '')],
    ['a filter with an empty name', 'refused', filter('HTTP_FILTER', "name: ''")],
    ['a subFilter for NETWORK_FILTER', 'refused', filter('NETWORK_FILTER', `${manager}, subFilter: { name: a }`)],
    ['a subFilter for LISTENER', 'refused', filter('LISTENER', `${manager}, subFilter: { name: a }`)],
    ['a subFilter of another filter', 'refused', filter('HTTP_FILTER', 'name: a, subFilter: { name: b }')],
    ['a subFilter without name', 'refused', filter('HTTP_FILTER', `${manager}, subFilter: {}`)],
    ['a proxyVersion that looks ahead', 'refused', matching('CLUSTER', "proxy: { proxyVersion: '(?!1.2)' }")],
    ['a proxyVersion that is a glob', 'refused', matching('CLUSTER', "proxy: { proxyVersion: '*' }")],
    ['a proxyVersion with an open bracket', 'refused', matching('CLUSTER', "proxy: { proxyVersion: '1.2[0-9' }")],
    [
      'a type of the old API',
      'refused',
      value(
        'HTTP_FILTER',
        "name: a, typed_config: { '@type': type.googleapis.com/envoy.config.filter.http.lua.v2.Lua }",
      ),
    ],
    [
      'a type of envoy.api.v2',
      'refused',
      value(
        'CLUSTER',
        "transport_socket: { name: a, typed_config: { '@type': type.googleapis.com/envoy.api.v2.auth.UpstreamTlsContext } }",
      ),
    ],
    ['a typed_config without type', 'refused', value('HTTP_FILTER', 'name: a, typed_config: { inlineCode: a }')],
    [
      'a typed_per_filter_config without type',
      'refused',
      value('HTTP_ROUTE', 'typed_per_filter_config: { a: { b: c } }'),
    ],
    ['a name that is no text', 'refused', value('CLUSTER', 'name: false')],
    ['a name that is a number', 'refused', value('HTTP_FILTER', `name: 5, typed_config: { ${lua} }`)],
    ['a single domain', 'refused', value('VIRTUAL_HOST', "domains: '*'")],
    ['a single filter', 'refused', value('FILTER_CHAIN', 'filters: { name: a }')],
    ['a duration in milliseconds', 'refused', value('CLUSTER', 'connect_timeout: 250ms')],
    ['a duration in minutes', 'refused', value('CLUSTER', 'connectTimeout: 5m')],
    ['a duration without unit', 'refused', value('CLUSTER', 'connect_timeout: 5')],
    ['a selector with "*"', 'refused', "spec: { workloadSelector: { labels: { app: '*' } } }"],
    ['a selector with an empty key', 'refused', "spec: { workloadSelector: { labels: { '': a } } }"],
    [
      'a selector and targets',
      'refused',
      'spec: { workloadSelector: { labels: { app: a } }, targetRefs: [{ kind: Service, name: a }] }',
    ],
    ['a target in another namespace', 'refused', 'spec: { targetRefs: [{ kind: Service, name: a, namespace: b }] }'],
    ['a target of another kind', 'refused', 'spec: { targetRefs: [{ kind: Deployment, group: apps, name: a }] }'],
    ['a target without name', 'refused', 'spec: { targetRefs: [{ kind: Service }] }'],
    ['a target with an empty name', 'refused', "spec: { targetRefs: [{ kind: Service, name: '' }] }"],
  ]);
});
