import { parse } from 'yaml';

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

/** What analysis takes from a mesh's configuration. Absent fields: not said there, so the default of Istio holds. */
export interface MeshSettings {
  /** Where policies apply to the whole mesh. */
  rootNamespace?: string;
  trustDomain?: string;
  /** `REGISTRY_ONLY`, `ALLOW_ANY` */
  outboundTrafficPolicy?: string;
  accessLogFile?: string;
  /** `defaultConfig.proxyMetadata`: environment variables of all proxies. */
  proxyMetadata?: Readonly<Record<string, string>>;
  /** The image type of all proxies (`distroless`), from `defaultConfig.image.imageType`. */
  imageType?: string;
  /** `defaultProviders`, by what they are the default for. */
  defaultProviders?: Readonly<Record<'accessLogging' | 'metrics' | 'tracing', readonly string[]>>;
  extensionProviders?: readonly ExtensionProvider[];
  defaultExports?: DefaultExports;
  networks?: readonly MeshNetwork[];
}

/**
 * Reads MeshConfig: plain, or wrapped in the ConfigMap `istio` as it lies in a cluster, with its networks beside it.
 * @throws {Error} when the text is not YAML or no map.
 */
export function parseMeshSettings(text: string): MeshSettings {
  const config = asMap(parse(text));
  const data = asMap(config?.['data']);
  if (config?.['kind'] === 'ConfigMap' && data) return readMeshData(data['mesh'], data['meshNetworks']);
  const wrapped = data?.['mesh'];
  if (typeof wrapped === 'string') return readMeshData(wrapped, data?.['meshNetworks']);
  if (!config) throw new Error('not a map of settings');
  return readMeshSettings(config);
}

/**
 * Reads the two texts of a ConfigMap `istio`.
 * @throws {Error} when `mesh` is not YAML or no map. What cannot be read of the networks is left out.
 */
export function readMeshData(mesh: unknown, meshNetworks: unknown): MeshSettings {
  const config = typeof mesh === 'string' ? (parse(mesh) as unknown) : {};
  // An empty text is a configuration without settings.
  if (config !== null && !asMap(config)) throw new Error('not a map of settings');
  const settings = readMeshSettings(asMap(config) ?? {});
  if (typeof meshNetworks !== 'string') return settings;
  const networks = readNetworks(asMap(tryParse(meshNetworks))?.['networks']);
  return networks ? { ...settings, networks } : settings;
}

function readMeshSettings(config: Fields): MeshSettings {
  const defaults = asMap(config['defaultConfig']);
  const metadata = asMap(defaults?.['proxyMetadata']);
  const providers = asMap(config['defaultProviders']);
  const exports = readExports(config);
  const networks = readNetworks(config['networks']);
  return {
    ...texts(config, 'rootNamespace', 'trustDomain', 'accessLogFile'),
    ...(text(asMap(config['outboundTrafficPolicy'])?.['mode']) && {
      outboundTrafficPolicy: text(asMap(config['outboundTrafficPolicy'])!['mode'])!,
    }),
    ...(text(asMap(defaults?.['image'])?.['imageType']) && {
      imageType: text(asMap(defaults!['image'])!['imageType'])!,
    }),
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

function readNetworks(value: unknown): MeshNetwork[] | undefined {
  const networks = asMap(value);
  if (!networks) return undefined;
  return Object.entries(networks).map(([name, network]) => {
    const endpoints = asMap(network)?.['endpoints'];
    const all: unknown[] = Array.isArray(endpoints) ? endpoints : [];
    return { name, fromRegistries: all.flatMap((endpoint) => text(asMap(endpoint)?.['fromRegistry']) ?? []) };
  });
}

type Fields = Record<string, unknown>;

function texts<Key extends string>(config: Fields, ...keys: Key[]): Partial<Record<Key, string>> {
  const found: Partial<Record<Key, string>> = {};
  for (const key of keys) {
    const value = text(config[key]);
    if (value) found[key] = value;
  }
  return found;
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function tryParse(source: string): unknown {
  try {
    return parse(source);
  } catch {
    return undefined;
  }
}

function asMap(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
