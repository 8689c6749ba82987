import { describe, expect, test } from 'vitest';
import { parse } from '../parse.ts';
import { structureFindings } from './check-structure.ts';
import { istioKinds, istioStructures } from './structure.ts';
import type { Kind } from '../kinds.ts';

const groups = Object.fromEntries(istioKinds.map((kind) => [kind, istioStructures[kind]!]));

/** What is said of `spec`, as `fault: message`. */
function faultsIn(kind: Kind, spec: string, version = groups[kind]!.versions[0]!): string[] {
  const manifest = `apiVersion: ${groups[kind]!.group}/${version}\nkind: ${kind}\nmetadata: { name: a }\nspec: ${spec}\n`;
  const [resource] = parse(manifest, 'file:///a.yaml').documents[0]!.resources;
  return structureFindings(resource!).map(({ fault, message }) => `${fault}: ${message}`);
}

/** Held against a real API server in test/cluster/structure.cluster.test.ts; here are the answers that it gave. */
describe('is accepted', () => {
  test.each<[string, Kind, string]>([
    ['null for a field', 'VirtualService', '{ hosts: ~, http: null }'],
    ['null where null is a value', 'VirtualService', '{ http: [{ corsPolicy: { allowCredentials: null } }] }'],
    ['null in a map', 'VirtualService', '{ http: [{ match: [{ headers: { a: null } }] }] }'],
    [
      'null beside the other one of a choice',
      'VirtualService',
      '{ http: [{ match: [{ uri: { exact: ~, prefix: / } }] }] }',
    ],
    ['none of a choice', 'VirtualService', '{ http: [{ match: [{ uri: {} }] }] }'],
    ['a spec that is empty', 'EnvoyFilter', '{}'],
    ['a spec that is not there', 'PeerAuthentication', '~'],
    [
      '1.0 for a whole number',
      'DestinationRule',
      '{ host: a, trafficPolicy: { connectionPool: { tcp: { maxConnections: 1.0 } } } }',
    ],
    [
      '0x10 for a whole number',
      'DestinationRule',
      '{ host: a, trafficPolicy: { connectionPool: { tcp: { maxConnections: 0x10 } } } }',
    ],
    [
      'any field where any may be',
      'EnvoyFilter',
      '{ configPatches: [{ patch: { value: { a: [1, null, { b: yes }] } } }] }',
    ],
    [
      'a name in the old style that the CRD keeps',
      'RequestAuthentication',
      '{ jwtRules: [{ issuer: a, jwks_uri: "https://a/b" }] }',
    ],
    ['padded Base64', 'VirtualService', '{ http: [{ directResponse: { status: 200, body: { bytes: aGk= } } }] }'],
    ['256 hosts', 'ServiceEntry', `{ hosts: [${Array.from({ length: 256 }, (_, n) => `h${n}.a`).join()}] }`],
    [
      '63 characters outside of ASCII',
      'PeerAuthentication',
      `{ selector: { matchLabels: { a: ${'💡'.repeat(63)} } } }`,
    ],
    ['an integer with its nullable left out', 'ProxyConfig', '{ concurrency: null }'],
  ])('%s', (_, kind, spec) => {
    expect(faultsIn(kind, spec)).toEqual([]);
  });
});

describe('is refused', () => {
  test.each<[string, Kind, string, string | RegExp]>([
    ['a list for a map', 'VirtualService', '[]', /^wrong-type: "spec" must be a map of fields, not a list/],
    ['text for a map', 'VirtualService', '""', /^wrong-type/],
    ['null in a list', 'VirtualService', '{ http: [null] }', /^wrong-type/],
    ['a number for text', 'VirtualService', '{ hosts: [8080] }', /^wrong-type/],
    ['text for a number', 'WorkloadGroup', '{ template: { weight: "1" } }', /^wrong-type/],
    ['half of a whole number', 'ProxyConfig', '{ concurrency: 1.5 }', /^wrong-type/],
    [
      'more than 64 bits',
      'DestinationRule',
      '{ host: a, trafficPolicy: { loadBalancer: { consistentHash: { maglev: { tableSize: 99999999999999999999 } } } } }',
      /^wrong-type/,
    ],
    ['infinity', 'Telemetry', '{ tracing: [{ randomSamplingPercentage: .inf }] }', /^wrong-type/],
    [
      'a word for true',
      'Gateway',
      '{ servers: [{ port: { number: 80, name: a, protocol: HTTP }, hosts: [a.b], tls: { httpsRedirect: "true" } }] }',
      /^wrong-type/,
    ],
    ['more than 32 bits', 'WasmPlugin', '{ url: a, priority: 2147483648 }', /^out-of-bounds: .*at most 2147483647/],
    ['less than 32 bits', 'EnvoyFilter', '{ priority: -2147483649 }', /^out-of-bounds/],
    ['less than nothing', 'WorkloadEntry', '{ address: a, weight: -1 }', /^out-of-bounds/],
    ['more than 100 percent', 'Telemetry', '{ tracing: [{ randomSamplingPercentage: 100.1 }] }', /^out-of-bounds/],
    [
      'an empty text',
      'RequestAuthentication',
      '{ jwtRules: [{ issuer: "" }] }',
      /^out-of-bounds: This must not be empty/,
    ],
    [
      'a text too long',
      'PeerAuthentication',
      `{ selector: { matchLabels: { a: ${'x'.repeat(64)} } } }`,
      /64 characters, at most 63/,
    ],
    ['a text of another form', 'WasmPlugin', '{ url: a, sha256: abc }', /^out-of-bounds/],
    [
      'a list too long',
      'AuthorizationPolicy',
      `{ targetRefs: [${'{ kind: Service, name: a },'.repeat(17)}] }`,
      /17 entries; at most 16/,
    ],
    ['a list too short', 'ServiceEntry', '{ hosts: [] }', /at least 1/],
    ['an empty map', 'PeerAuthentication', '{ selector: { matchLabels: { a: b } }, portLevelMtls: {} }', /at least 1/],
    ['no padding', 'VirtualService', '{ http: [{ directResponse: { status: 200, body: { bytes: aGk } } }] }', /Base64/],
    [
      'two of one name',
      'ServiceEntry',
      '{ hosts: [a.b], ports: [{ name: a, number: 1 }, { name: a, number: 2 }] }',
      /"a" stands here twice/,
    ],
    [
      'two of one number',
      'WasmPlugin',
      '{ url: a, match: [{ ports: [{ number: 80 }, { number: 80 }] }] }',
      /"80" stands here twice/,
    ],
    ['another word', 'PeerAuthentication', '{ mtls: { mode: strict } }', /^unknown-value: .*Did you mean "STRICT"/],
    ['a number for a word', 'PeerAuthentication', '{ mtls: { mode: 1 } }', /^wrong-type/],
    ['a missing field', 'DestinationRule', '{}', /^missing-field: "host" is required/],
    ['null for a field that must be there', 'DestinationRule', '{ host: ~ }', /^missing-field/],
    ['no spec where one must be', 'ServiceEntry', '~', /^missing-field: "spec" is required/],
    [
      'two of a choice',
      'VirtualService',
      '{ http: [{ match: [{ uri: { exact: /, prefix: / } }] }] }',
      /^exclusive-fields/,
    ],
    [
      'two of a choice among several',
      'DestinationRule',
      '{ host: a, trafficPolicy: { loadBalancer: { consistentHash: { ringHash: {}, maglev: {} } } } }',
      /^exclusive-fields/,
    ],
  ])('%s', (_, kind, spec, message) => {
    expect(faultsIn(kind, spec)).toEqual([expect.stringMatching(message)]);
  });
});

describe('an unknown field', () => {
  test.each<[string, Kind, string, RegExp]>([
    ['is held against its neighbours', 'VirtualService', '{ hots: [a] }', /Did you mean "hosts"/],
    [
      'is known without its underscores',
      'VirtualService',
      '{ http: [{ mirror_percentage: { value: 1 } }] }',
      /Did you mean "mirrorPercentage"/,
    ],
    [
      'may be one level too high',
      'VirtualService',
      '{ http: [{ route: [{ destination: { host: a }, subset: v1 }] }] }',
      /a field of "destination": move it there/,
    ],
    [
      'may be too deep',
      'VirtualService',
      '{ http: [{ route: [{ destination: { host: a }, timeout: 5s }] }] }',
      /a field of "http" further up/,
    ],
    ['may be in no place at all', 'PeerAuthentication', '{ tls: { mode: STRICT } }', /Did you mean "mtls"|Fields here/],
  ])('%s', (_, kind, spec, message) => {
    expect(faultsIn(kind, spec)).toEqual([expect.stringMatching(/^unknown-field/)]);
    expect(faultsIn(kind, spec)[0]).toMatch(message);
  });
});

test.each(istioKinds.flatMap((kind) => groups[kind]!.versions.map((version) => [kind, version] as const)))(
  '%s is served as %s',
  (kind, version) => {
    expect(faultsIn(kind, '{ nothing: 1 }', version)[0]).toMatch(/^unknown-field/);
  },
);

test.each(istioKinds)('%s is not served as v1alpha2 or v2', (kind) => {
  for (const version of ['v1alpha2', 'v2']) expect(faultsIn(kind, '{}', version)[0]).toMatch(/^unknown-version/);
});
