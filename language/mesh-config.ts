import { parse } from 'yaml';

/** What analysis takes from a mesh's configuration. */
export interface MeshSettings {
  /** Where policies apply to the whole mesh. */
  rootNamespace?: string;
}

/**
 * Reads MeshConfig: plain, or wrapped in the ConfigMap `istio` as it lies in a cluster.
 * @throws {Error} when the text is not YAML or no map.
 */
export function parseMeshSettings(text: string): MeshSettings {
  let config = asMap(parse(text));
  const wrapped = asMap(config?.['data'])?.['mesh'];
  if (typeof wrapped === 'string') config = asMap(parse(wrapped));
  if (!config) throw new Error('not a map of settings');
  const { rootNamespace } = config;
  return typeof rootNamespace === 'string' && rootNamespace !== '' ? { rootNamespace } : {};
}

function asMap(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
