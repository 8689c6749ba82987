import type { ConfigMap } from '../kubernetes.ts';
import type { YamlParser } from './annotation-values.ts';

/**
 * How an injected pod's traffic is to reach its proxy: `REDIRECT`, `TPROXY` or `NONE`. The annotation wins, then the
 * pod's proxy.istio.io/config, then the mesh's defaultConfig. Undefined: nobody says, so REDIRECT.
 * Source: the sidecar template of the istiod chart, `annotation … "sidecar.istio.io/interceptionMode" .ProxyConfig.InterceptionMode`.
 */
export function findInterceptionMode(
  annotations: Record<string, string>,
  revision: string,
  { configMaps = [], parseYaml }: { configMaps?: readonly ConfigMap[]; parseYaml?: YamlParser },
): string | undefined {
  const annotated = annotations['sidecar.istio.io/interceptionMode'];
  if (annotated !== undefined || !parseYaml) return annotated;
  const own = annotations['proxy.istio.io/config'];
  return (
    modeIn(own, [], parseYaml) ??
    modeIn(findMeshConfig(configMaps, revision)?.data?.['mesh'], ['defaultConfig'], parseYaml)
  );
}

/** The ConfigMap `istio`, or `istio-canary` for a revision; the only one there is serves every revision. */
function findMeshConfig(configMaps: readonly ConfigMap[], revision: string): ConfigMap | undefined {
  const all = configMaps.filter(
    ({ metadata, data }) => /^istio(-|$)/.test(metadata?.name ?? '') && typeof data?.['mesh'] === 'string',
  );
  const wanted = revision === 'default' ? 'istio' : `istio-${revision}`;
  return all.find(({ metadata }) => metadata?.name === wanted) ?? (all.length === 1 ? all[0] : undefined);
}

function modeIn(yaml: string | undefined, path: string[], parseYaml: YamlParser): string | undefined {
  if (yaml === undefined) return undefined;
  try {
    let value = parseYaml(yaml);
    for (const key of [...path, 'interceptionMode']) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
      value = (value as Record<string, unknown>)[key];
    }
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined; // It is told elsewhere that this is no YAML.
  }
}
