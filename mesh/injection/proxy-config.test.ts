import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { misspeltProxyFields, refuseProxyConfig } from './proxy-config.ts';

const read = (yaml: string) => (parse(yaml) ?? {}) as Record<string, unknown>;

describe('the injector accepts', () => {
  test.each([
    '{}',
    'concurrency: 0',
    'concurrency: "2"',
    'concurrency: null',
    'interceptionMode: TPROXY',
    'interceptionMode: 1',
    'interception_mode: NONE',
    'holdApplicationUntilProxyStarts: true',
    'proxyMetadata: { ISTIO_META_DNS_CAPTURE: "true", EMPTY: "" }',
    'tracing: { sampling: 50.5, zipkin: { address: "zipkin.istio-system:9411" } }',
    'tracing: { datadog: { address: "$(HOST_IP):8126" } }',
    'tracing: {}',
    'discoveryAddress: istiod.istio-system.svc:15012',
    'discoveryAddress: "10.0.0.1:15012"',
    'discoveryAddress: "[fd00::1]:15012"',
    'drainDuration: 45s',
    'drainDuration: 1m30s',
    'terminationDrainDuration: 500ms',
    'proxyStatsMatcher: { inclusionRegexps: [".*outlier_detection.*"] }',
    'gatewayTopology: { numTrustedProxies: 2, forwardClientCertDetails: SANITIZE_SET }',
    'readinessProbe: { httpGet: { path: /, port: 8080 } }',
    'image: { imageType: distroless }',
    'statusPort: 15020',
    'proxyHeaders: { server: { disabled: true }, requestId: { disabled: false } }',
    'fieldOfTomorrow: { x: 1 }',
  ])('%s', (yaml) => {
    expect(refuseProxyConfig(read(yaml))).toBeUndefined();
  });
});

describe('the injector refuses', () => {
  test.each([
    ['concurrency: two', 'concurrency'],
    ['concurrency: 1.5', 'concurrency'],
    ['interceptionMode: redirect', 'interceptionMode'],
    ['holdApplicationUntilProxyStarts: "true"', 'holdApplicationUntilProxyStarts'],
    ['proxyMetadata: { ISTIO_META_DNS_CAPTURE: true }', 'proxyMetadata.ISTIO_META_DNS_CAPTURE'],
    ['proxyMetadata: [A=b]', 'proxyMetadata'],
    ['tracing: { sampling: many }', 'tracing.sampling'],
    ['tracing: { zipkin: { address: zipkin } }', 'tracing.zipkin.address'],
    ['tracing: { zipkin: {} }', 'tracing.zipkin.address'],
    ['tracing: { lightstep: { address: "x:80" } }', 'accessToken'],
    ['tracing: true', 'tracing'],
    ['discoveryAddress: istiod.istio-system.svc', 'discoveryAddress'],
    ['discoveryAddress: ""', 'discoveryAddress'],
    ['discoveryAddress: istiod:99999', 'discoveryAddress'],
    ['drainDuration: 45', 'drainDuration'],
    ['drainDuration: 1.5s', 'drainDuration'],
    ['drainDuration: 0s', 'drainDuration'],
    ['terminationDrainDuration: 5 seconds', 'terminationDrainDuration'],
    ['proxyStatsMatcher: { inclusionRegexps: x }', 'proxyStatsMatcher.inclusionRegexps'],
    ['extraStatTags: [1]', 'extraStatTags'],
    ['statusPort: 0', 'statusPort'],
    ['proxy_admin_port: 70000', 'proxyAdminPort'],
    ['configPath: ""', 'configPath'],
    ['controlPlaneAuthPolicy: INHERIT', 'controlPlaneAuthPolicy'],
    ['image: distroless', 'image'],
    ['meshId: 1', 'meshId'],
  ])('%s', (yaml, where) => {
    expect(refuseProxyConfig(read(yaml))).toContain(where);
  });
});

test('a field that nobody knows is dropped; what was meant is told where it can be', () => {
  const config = read(
    '{ holdApplicationUntilProxyStart: true, tracing: { samplng: 1 }, concurrency: 1, unheardOf: 1, stat_name_lenght: 3 }',
  );
  expect(misspeltProxyFields(config)).toEqual([
    { field: 'holdApplicationUntilProxyStart', meant: 'holdApplicationUntilProxyStarts' },
    { field: 'samplng', meant: 'sampling' },
    { field: 'stat_name_lenght', meant: 'statNameLength' },
  ]);
});
