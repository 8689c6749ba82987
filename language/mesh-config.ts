import { parse } from 'yaml';
import { readMeshNetworks, readMeshSettings } from '../mesh/mesh-settings.ts';
import type { MeshSettings } from '../mesh/mesh-settings.ts';

export type { DefaultExports, ExtensionProvider, MeshNetwork, MeshSettings } from '../mesh/mesh-settings.ts';

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
  const networks = readMeshNetworks(asMap(tryParse(meshNetworks))?.['networks']);
  return networks ? { ...settings, networks } : settings;
}

function tryParse(source: string): unknown {
  try {
    return parse(source);
  } catch {
    return undefined;
  }
}

function asMap(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
