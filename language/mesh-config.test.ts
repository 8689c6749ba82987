import { expect, test } from 'vitest';
import { parseMeshSettings } from './mesh-config.ts';

test('reads everything that analysis asks of a mesh configuration, plain or in its ConfigMap', () => {
  const plain = `
rootNamespace: mesh-root
trustDomain: example.org
accessLogFile: /dev/stdout
outboundTrafficPolicy: { mode: REGISTRY_ONLY }
defaultConfig:
  proxyMetadata: { ISTIO_META_DNS_CAPTURE: "true", BOOL: true }
  image: { imageType: distroless }
defaultProviders: { accessLogging: [envoy], tracing: [otel] }
extensionProviders:
- { name: old, lightstep: { service: x, port: 1 } }
- { name: authz, envoyExtAuthzHttp: { service: y, port: 2 } }
- { name: nothing }
defaultVirtualServiceExportTo: ["."]
`;
  const wanted = {
    rootNamespace: 'mesh-root',
    trustDomain: 'example.org',
    accessLogFile: '/dev/stdout',
    outboundTrafficPolicy: 'REGISTRY_ONLY',
    imageType: 'distroless',
    proxyMetadata: { ISTIO_META_DNS_CAPTURE: 'true', BOOL: 'true' },
    defaultProviders: { accessLogging: ['envoy'], metrics: [], tracing: ['otel'] },
    extensionProviders: [
      { name: 'old', kind: 'lightstep' },
      { name: 'authz', kind: 'envoyExtAuthzHttp' },
      { name: 'nothing', kind: '' },
    ],
    defaultExports: { service: [], virtualService: ['.'], destinationRule: [] },
  };
  expect(parseMeshSettings(plain)).toEqual(wanted);
  const data = {
    mesh: plain,
    meshNetworks: 'networks: { far: { endpoints: [{ fromRegistry: west }, { fromCidr: 10.0.0.0/8 }] } }',
  };
  expect(parseMeshSettings(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', data }))).toEqual({
    ...wanted,
    networks: [{ name: 'far', fromRegistries: ['west'] }],
  });
});

test('what is not said is not there, and what is no map is an error', () => {
  expect(parseMeshSettings('{}')).toEqual({});
  expect(parseMeshSettings('enableTracing: true')).toEqual({});
  expect(parseMeshSettings('{ kind: ConfigMap, data: { mesh: "" } }')).toEqual({});
  expect(
    parseMeshSettings('{ rootNamespace: 7, defaultConfig: [], extensionProviders: [1, { lightstep: {} }] }'),
  ).toEqual({
    extensionProviders: [],
  });
  expect(() => parseMeshSettings('just text')).toThrow('not a map of settings');
  expect(() => parseMeshSettings('{ kind: ConfigMap, data: { mesh: "[1]" } }')).toThrow('not a map of settings');
});
