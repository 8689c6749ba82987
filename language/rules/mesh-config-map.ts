import { parse } from 'yaml';
import { rememberPerResource } from '../remember.ts';
import type { Resource } from '../resource.ts';
import type { RuleContext } from '../rule.ts';

type Settings = Record<string, unknown>;

const settingsOf = rememberPerResource(({ root }): Settings | undefined => {
  const text = root.at('data', 'mesh').string;
  if (!text) return undefined;
  try {
    return asMap(parse(text));
  } catch {
    return undefined;
  }
});

/** The mesh's settings as ConfigMap `istio` (or `istio-<revision>`) of the root namespace holds them, if it is among the files. */
export function meshConfigs(configMaps: readonly Resource[], context: RuleContext): Settings[] {
  return configMaps
    .filter(({ name, namespace }) => namespace === context.rootNamespace && /^istio(-|$)/.test(name))
    .flatMap((configMap) => {
      const settings = settingsOf(configMap, context.clusterDomain);
      return settings ? [settings] : [];
    });
}

/** The value under these keys; undefined when any is not there. */
export function settingAt(settings: Settings, ...path: string[]): unknown {
  return path.reduce<unknown>((here, key) => asMap(here)?.[key], settings);
}

function asMap(value: unknown): Settings | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Settings) : undefined;
}
