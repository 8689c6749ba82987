import { readMeshData } from '../mesh-config.ts';
import type { MeshSettings } from '../mesh-config.ts';
import { lookUp } from '../lookup.ts';
import { rememberPerResource } from '../remember.ts';
import type { Resource } from '../resource.ts';
import type { RuleContext } from '../rule.ts';

const settingsOf = rememberPerResource(({ root }): MeshSettings | undefined => {
  const mesh = root.at('data', 'mesh').string;
  const networks = root.at('data', 'meshNetworks').string;
  if (mesh === undefined && networks === undefined) return undefined;
  try {
    return readMeshData(mesh, networks);
  } catch {
    return undefined;
  }
});

const byNamespace = ({ namespace }: Resource) => [namespace];

/**
 * The mesh's settings: those that were named apart, else as ConfigMap `istio` (or `istio-<revision>`) of the root namespace
 * holds them. Several revisions have several; none when nobody knows.
 */
export function meshConfigs(configMaps: readonly Resource[], context: RuleContext): MeshSettings[] {
  if (context.meshConfig) return [context.meshConfig];
  return meshConfigMaps(configMaps, context).map(({ settings }) => settings);
}

/** The ConfigMaps that hold a mesh's settings, with what they say. */
export function meshConfigMaps(
  configMaps: readonly Resource[],
  { rootNamespace, clusterDomain }: RuleContext,
): { configMap: Resource; settings: MeshSettings }[] {
  return lookUp(configMaps, byNamespace, { clusterDomain })
    .get(rootNamespace)
    .filter(({ name }) => /^istio(-|$)/.test(name))
    .flatMap((configMap) => {
      const settings = settingsOf(configMap, clusterDomain);
      return settings ? [{ configMap, settings }] : [];
    });
}
