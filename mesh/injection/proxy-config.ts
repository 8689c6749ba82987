/**
 * The structure of `ProxyConfig`, as the annotation proxy.istio.io/config and the mesh's `defaultConfig` hold it, and what
 * the injector refuses in it. Fields: https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#ProxyConfig
 *
 * The injector reads it with protobuf's freedom: names in camelCase or snake_case, numbers in quotes, null for absent. A field
 * that it does not know is dropped without a word; a value of the wrong type fails the pod.
 */
import * as l10n from '@vscode/l10n';
import { findNearMiss } from '../near-miss.ts';

type FieldType =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'number'
  | 'duration'
  | 'strings'
  | 'texts'
  /** Not looked into. */
  | 'map'
  | readonly string[]
  | Message;

interface Message {
  [field: string]: FieldType;
}

const metricsService: Message = { address: 'string', tlsSettings: 'map', tcpKeepalive: 'map' };
const keyProvider: Message = { pollDelay: 'duration', fallback: 'boolean' };
const header: Message = { disabled: 'boolean' };
const clientCert = ['UNDEFINED', 'SANITIZE', 'FORWARD_ONLY', 'APPEND_FORWARD', 'SANITIZE_SET', 'ALWAYS_FORWARD_ONLY'];

const proxyConfig: Message = {
  configPath: 'string',
  binaryPath: 'string',
  serviceCluster: 'string',
  tracingServiceName: ['APP_LABEL_AND_NAMESPACE', 'CANONICAL_NAME_ONLY', 'CANONICAL_NAME_AND_NAMESPACE'],
  drainDuration: 'duration',
  parentShutdownDuration: 'duration',
  discoveryAddress: 'string',
  discoveryRefreshDelay: 'duration',
  zipkinAddress: 'string',
  statsdUdpAddress: 'string',
  envoyMetricsServiceAddress: 'string',
  proxyAdminPort: 'integer',
  availabilityZone: 'string',
  controlPlaneAuthPolicy: ['NONE', 'MUTUAL_TLS', 'INHERIT'],
  customConfigFile: 'string',
  statNameLength: 'integer',
  concurrency: 'integer',
  proxyBootstrapTemplatePath: 'string',
  interceptionMode: ['REDIRECT', 'TPROXY', 'NONE'],
  tracing: {
    zipkin: { address: 'string' },
    lightstep: { address: 'string', accessToken: 'string' },
    datadog: { address: 'string' },
    stackdriver: 'map',
    openCensusAgent: 'map',
    customTags: 'map',
    maxPathTagLength: 'integer',
    sampling: 'number',
    tlsSettings: 'map',
    enableIstioTags: 'boolean',
  },
  sds: 'map',
  envoyAccessLogService: metricsService,
  envoyMetricsService: metricsService,
  proxyMetadata: 'texts',
  runtimeValues: 'texts',
  statusPort: 'integer',
  extraStatTags: 'strings',
  gatewayTopology: { numTrustedProxies: 'integer', forwardClientCertDetails: clientCert, proxyProtocol: 'map' },
  terminationDrainDuration: 'duration',
  meshId: 'string',
  readinessProbe: 'map',
  proxyStatsMatcher: { inclusionPrefixes: 'strings', inclusionSuffixes: 'strings', inclusionRegexps: 'strings' },
  holdApplicationUntilProxyStarts: 'boolean',
  caCertificatesPem: 'strings',
  image: { imageType: 'string' },
  privateKeyProvider: { cryptomb: keyProvider, qat: keyProvider },
  proxyHeaders: {
    forwardedClientCert: clientCert,
    setCurrentClientCertDetails: 'map',
    requestId: header,
    server: { disabled: 'boolean', value: 'string' },
    attemptCount: header,
    envoyDebugHeaders: header,
    metadataExchangeHeaders: 'map',
    preserveHttp1HeaderCase: 'boolean',
    xForwardedHost: 'map',
    xForwardedPort: 'map',
  },
  fileFlushInterval: 'duration',
  fileFlushMinSizeKb: 'integer',
  statsCompression: 'boolean',
};

type Fields = Record<string, unknown>;

/** The first thing for which the injector refuses a pod, as a sentence; undefined if it accepts this ProxyConfig. */
export function refuseProxyConfig(config: Readonly<Fields>): string | undefined {
  return refuseTypes(config, proxyConfig, '') ?? refuseMeaning(camelCase(config));
}

/** Fields that the injector drops without a word, where it can be told what was meant. */
export function misspeltProxyFields(config: Readonly<Fields>): { field: string; meant: string }[] {
  return misspelt(config, proxyConfig);
}

function misspelt(config: Readonly<Fields>, message: Message): { field: string; meant: string }[] {
  return Object.entries(config).flatMap(([field, value]) => {
    const type = typeOf(message, field);
    if (type !== undefined) return isMessage(type) && isMap(value) ? misspelt(value, type) : [];
    const meant = findNearMiss(camel(field), Object.keys(message));
    return meant === undefined ? [] : [{ field, meant }];
  });
}

function refuseTypes(config: Readonly<Fields>, message: Message, path: string): string | undefined {
  for (const [field, value] of Object.entries(config)) {
    const type = typeOf(message, field);
    if (type === undefined || value === null || value === undefined) continue;
    const problem = isMessage(type)
      ? isMap(value)
        ? refuseTypes(value, type, `${path}${field}.`)
        : expected(`${path}${field}`, l10n.t('fields'), value)
      : refuseScalar(value, type, `${path}${field}`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function refuseScalar(value: unknown, type: Exclude<FieldType, Message>, path: string): string | undefined {
  if (Array.isArray(type)) {
    const words = type as readonly string[];
    // Enums may be written by number.
    if (typeof value === 'number' || words.includes(String(value))) return undefined;
    return expected(path, words.join(', '), value);
  }
  switch (type as Exclude<FieldType, Message | readonly string[]>) {
    case 'string':
      return typeof value === 'string' ? undefined : expected(path, l10n.t('a text; put it in quotes'), value);
    case 'boolean':
      return typeof value === 'boolean' ? undefined : expected(path, l10n.t('true or false, without quotes'), value);
    case 'integer':
      return /^-?\d+$/.test(numberText(value)) ? undefined : expected(path, l10n.t('a whole number'), value);
    case 'number':
      return numberText(value) !== '' && Number.isFinite(Number(numberText(value)))
        ? undefined
        : expected(path, l10n.t('a number'), value);
    case 'duration':
      return typeof value === 'string' && isDuration(value)
        ? undefined
        : expected(path, l10n.t('a duration such as 45s'), value);
    case 'strings':
      return Array.isArray(value) && value.every((item) => typeof item === 'string')
        ? undefined
        : expected(path, l10n.t('a list of texts'), value);
    case 'texts':
      return refuseTexts(value, path);
    case 'map':
      return isMap(value) ? undefined : expected(path, l10n.t('fields'), value);
  }
}

/** `proxyMetadata: { ISTIO_META_DNS_CAPTURE: true }`: the classic, as the values have to be texts. */
function refuseTexts(value: unknown, path: string): string | undefined {
  if (!isMap(value)) return expected(path, l10n.t('fields'), value);
  const [key, wrong] = Object.entries(value).find(([, text]) => typeof text !== 'string' && text !== null) ?? [];
  return key === undefined ? undefined : expected(`${path}.${key}`, l10n.t('a text; put it in quotes'), wrong);
}

function expected(path: string, what: string, value: unknown): string {
  return l10n.t('In the ProxyConfig, {0} has to be {1}; it is {2}.', path, what, JSON.stringify(value));
}

// ---- what the validator adds ----------------------------------------------------------------------------------------

function refuseMeaning(config: Readonly<Fields>): string | undefined {
  for (const field of ['configPath', 'binaryPath', 'serviceCluster'])
    if (config[field] === '') return l10n.t('In the ProxyConfig, {0} is empty.', field);
  for (const field of ['proxyAdminPort', 'statusPort']) {
    const port = config[field] == null ? 1 : Number(config[field]);
    if (port < 1 || port > 65_535)
      return l10n.t('In the ProxyConfig, {0} is {1}, which is no port from 1 to 65535.', field, port);
  }
  const drain = config['drainDuration'];
  if (typeof drain === 'string' && (toSeconds(drain) <= 0 || !Number.isInteger(toSeconds(drain))))
    return l10n.t('In the ProxyConfig, drainDuration has to be whole seconds and more than none; it is {0}.', drain);
  if (config['controlPlaneAuthPolicy'] === 'INHERIT')
    return l10n.t('In the ProxyConfig, controlPlaneAuthPolicy has to be NONE or MUTUAL_TLS.');
  return refuseAddresses(config);
}

function refuseAddresses(config: Readonly<Fields>): string | undefined {
  const tracing = asMap(config['tracing']);
  const tracers = ['zipkin', 'lightstep', 'datadog'].filter((tracer) => isMap(tracing[tracer]));
  const addresses: [path: string, address: unknown, isRequired: boolean][] = [
    ['discoveryAddress', config['discoveryAddress'], 'discoveryAddress' in config],
    ['statsdUdpAddress', config['statsdUdpAddress'], false],
    ['envoyMetricsService.address', asMap(config['envoyMetricsService'])['address'], false],
    ['envoyAccessLogService.address', asMap(config['envoyAccessLogService'])['address'], false],
    ...tracers.map((tracer): [string, unknown, boolean] => [
      `tracing.${tracer}.address`,
      asMap(tracing[tracer])['address'],
      true,
    ]),
  ];
  for (const [path, address, isRequired] of addresses) {
    const text = typeof address === 'string' ? address : '';
    if (address === null || (text === '' && !isRequired) || isAddress(text)) continue;
    return l10n.t(
      'In the ProxyConfig, {0} has to be a host and a port, such as istiod.istio-system.svc:15012; it is "{1}".',
      path,
      text,
    );
  }
  if (isMap(tracing['lightstep']) && !tracing['lightstep']['accessToken'])
    return l10n.t('In the ProxyConfig, tracing.lightstep has no accessToken.');
  return undefined;
}

function isAddress(text: string): boolean {
  // Tracers may be addressed on the pod's own node.
  const [, host = '', port = ''] = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(text.replace('$(HOST_IP)', '127.0.0.1')) ?? [];
  if (!(Number(port) >= 1 && Number(port) <= 65_535)) return false;
  return (
    /^\[[0-9a-fA-F:.]+\]$/.test(host) ||
    /^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?)*\.?$/.test(host)
  );
}

// ---- small ----------------------------------------------------------------------------------------------------------

/** What Go's time.ParseDuration takes. */
function isDuration(text: string): boolean {
  return /^[-+]?(0|(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$/.test(text);
}

function toSeconds(text: string): number {
  const units: Record<string, number> = { ns: 1e-9, us: 1e-6, µs: 1e-6, μs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };
  const sum = [...text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)].reduce(
    (total, [, count, unit]) => total + Number(count) * (units[unit!] ?? 0),
    0,
  );
  return text.startsWith('-') ? -sum : Number(sum.toFixed(9));
}

/** Protobuf's JSON takes numbers in quotes, too. */
function numberText(value: unknown): string {
  return typeof value === 'number' || typeof value === 'string' ? String(value) : '';
}

function typeOf(message: Message, field: string): FieldType | undefined {
  const name = camel(field);
  return Object.hasOwn(message, name) ? message[name] : undefined;
}

function camel(field: string): string {
  return field.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function camelCase(fields: Readonly<Fields>): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([field, value]) => [camel(field), isMap(value) ? camelCase(value) : value]),
  );
}

function isMessage(type: FieldType): type is Message {
  return typeof type === 'object' && !Array.isArray(type);
}

function isMap(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asMap(value: unknown): Fields {
  return isMap(value) ? value : {};
}
