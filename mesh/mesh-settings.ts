/** What a mesh was told at installation, read from an already parsed MeshConfig. Absent fields: Istio's default holds. */

/** What a ServiceEntry, a VirtualService or a DestinationRule is seen by when it has no `exportTo`. */
export interface DefaultExports {
  service: readonly string[];
  virtualService: readonly string[];
  destinationRule: readonly string[];
}

/** An entry of `extensionProviders`: who gets telemetry, who is asked for authorization. */
export interface ExtensionProvider {
  name: string;
  /** Which field configures it: `prometheus`, `lightstep`, `envoyExtAuthzHttp`; empty when none does. */
  kind: string;
}

/** One network of `meshNetworks` with the registries its endpoints come from. */
export interface MeshNetwork {
  name: string;
  fromRegistries: readonly string[];
}

/** What analysis and the views take from a mesh's configuration. */
export interface MeshSettings {
  /** Where policies apply to the whole mesh. */
  rootNamespace?: string;
  trustDomain?: string;
  trustDomainAliases?: readonly string[];
  /** `REGISTRY_ONLY`, `ALLOW_ANY` */
  outboundTrafficPolicy?: string;
  accessLogFile?: string;
  /** False: clients send mutual TLS only where a DestinationRule tells them to. */
  enableAutoMtls?: boolean;
  /** False: a scrape of the app's metrics goes to the app, not to the proxy. */
  enablePrometheusMerge?: boolean;
  /** `meshMTLS.minProtocolVersion`: `TLSV1_3` */
  minProtocolVersion?: string;
  /** How many `discoverySelectors` there are; none: the control plane looks at every namespace. */
  discoverySelectors?: readonly unknown[];
  /** `defaultConfig.proxyMetadata`: environment variables of all proxies. */
  proxyMetadata?: Readonly<Record<string, string>>;
  /** `defaultConfig.holdApplicationUntilProxyStarts` */
  holdApplicationUntilProxyStarts?: boolean;
  /** `defaultConfig.interceptionMode`: `TPROXY` */
  interceptionMode?: string;
  /** `defaultConfig.discoveryAddress` */
  discoveryAddress?: string;
  /** The image type of all proxies (`distroless`), from `defaultConfig.image.imageType`. */
  imageType?: string;
  /** `defaultProviders`, by what they are the default for. */
  defaultProviders?: Readonly<Record<'accessLogging' | 'metrics' | 'tracing', readonly string[]>>;
  extensionProviders?: readonly ExtensionProvider[];
  defaultExports?: DefaultExports;
  networks?: readonly MeshNetwork[];
}

type Fields = Record<string, unknown>;

/** Reads a MeshConfig. What is not of the expected type counts as not said. */
export function readMeshSettings(config: Readonly<Fields>): MeshSettings {
  const defaults = asMap(config['defaultConfig']);
  const metadata = asMap(defaults?.['proxyMetadata']);
  const providers = asMap(config['defaultProviders']);
  const outbound = text(asMap(config['outboundTrafficPolicy'])?.['mode']);
  const imageType = text(asMap(defaults?.['image'])?.['imageType']);
  const minProtocolVersion = text(asMap(config['meshMTLS'])?.['minProtocolVersion']);
  const aliases = list(config['trustDomainAliases']);
  const selectors = config['discoverySelectors'];
  const exports = readExports(config);
  const networks = readMeshNetworks(config['networks']);
  return {
    ...texts(config, 'rootNamespace', 'trustDomain', 'accessLogFile'),
    ...texts(defaults ?? {}, 'interceptionMode', 'discoveryAddress'),
    ...flags(config, 'enableAutoMtls', 'enablePrometheusMerge'),
    ...flags(defaults ?? {}, 'holdApplicationUntilProxyStarts'),
    ...(aliases.length > 0 && { trustDomainAliases: aliases }),
    ...(outbound && { outboundTrafficPolicy: outbound }),
    ...(minProtocolVersion && { minProtocolVersion }),
    ...(Array.isArray(selectors) && selectors.length > 0 && { discoverySelectors: selectors as unknown[] }),
    ...(imageType && { imageType }),
    ...(metadata && { proxyMetadata: Object.fromEntries(Object.entries(metadata).map(([k, v]) => [k, String(v)])) }),
    ...(providers && {
      defaultProviders: {
        accessLogging: list(providers['accessLogging']),
        metrics: list(providers['metrics']),
        tracing: list(providers['tracing']),
      },
    }),
    ...(Array.isArray(config['extensionProviders']) && {
      extensionProviders: config['extensionProviders'].flatMap(readProvider),
    }),
    ...(exports && { defaultExports: exports }),
    ...(networks && { networks }),
  };
}

/** Reads `networks` of a MeshNetworks; undefined when there are none. */
export function readMeshNetworks(value: unknown): MeshNetwork[] | undefined {
  const networks = asMap(value);
  if (!networks) return undefined;
  return Object.entries(networks).map(([name, network]) => {
    const endpoints = asMap(network)?.['endpoints'];
    const all: unknown[] = Array.isArray(endpoints) ? endpoints : [];
    return { name, fromRegistries: all.flatMap((endpoint) => text(asMap(endpoint)?.['fromRegistry']) ?? []) };
  });
}

function readProvider(value: unknown): ExtensionProvider[] {
  const provider = asMap(value);
  const name = text(provider?.['name']);
  if (!provider || !name) return [];
  return [{ name, kind: Object.keys(provider).find((key) => key !== 'name' && asMap(provider[key])) ?? '' }];
}

function readExports(config: Fields): DefaultExports | undefined {
  const [service, virtualService, destinationRule] = [
    list(config['defaultServiceExportTo']),
    list(config['defaultVirtualServiceExportTo']),
    list(config['defaultDestinationRuleExportTo']),
  ];
  if (service.length + virtualService.length + destinationRule.length === 0) return undefined;
  return { service, virtualService, destinationRule };
}

function texts<Key extends string>(config: Fields, ...keys: Key[]): Partial<Record<Key, string>> {
  const found: Partial<Record<Key, string>> = {};
  for (const key of keys) {
    const value = text(config[key]);
    if (value) found[key] = value;
  }
  return found;
}

function flags<Key extends string>(config: Fields, ...keys: Key[]): Partial<Record<Key, boolean>> {
  const found: Partial<Record<Key, boolean>> = {};
  for (const key of keys) {
    const value = config[key];
    if (typeof value === 'boolean') found[key] = value;
  }
  return found;
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function asMap(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
