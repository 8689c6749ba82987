import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** A `typed_config` names its type, and Istio must know it. */
export const badTypedConfig = defineRefusal('EnvoyFilter', {
  id: 'envoy-filter/bad-typed-config',
  why: 'A typed_config names its type in "@type", so that Istio can read it; types of Envoy’s old API (v2) are gone. Istio refuses the EnvoyFilter otherwise.',
  *check({ spec, incomplete }) {
    for (const value of spec.at('configPatches').items.map((entry) => entry.at('patch', 'value')))
      yield* findIn(value, incomplete, 0);
  },
});

/** Configurations that may be of any type: one, or a map of them. */
const typed = ['typed_config', 'typedConfig'];
const typedMaps = [
  'typed_per_filter_config',
  'typedPerFilterConfig',
  'typed_extension_protocol_options',
  'typedExtensionProtocolOptions',
];
/** Below these anything goes. */
const free = ['metadata', 'filter_metadata', 'filterMetadata'];
const deepest = 100;

function* findIn(value: Located, incomplete: boolean, depth: number): Iterable<Finding> {
  if (depth > deepest) return;
  for (const item of value.items) yield* findIn(item, incomplete, depth + 1);
  const type = value.at('@type');
  if (/(^|[./])(TypedStruct|google\.protobuf\.Struct)$/.test(type.string ?? '')) return;
  if (type.string && isOldType(type.string))
    yield finding(
      type,
      l10n.t(
        '"{0}" is a type of Envoy’s old API (v2), which Istio no longer knows: it refuses it. Use the type of v3.',
        type.string,
      ),
    );
  for (const { key, value: field } of value.entries) {
    const name = String(key.value);
    if (free.includes(name)) continue;
    const configs = typed.includes(name)
      ? [field]
      : typedMaps.includes(name)
        ? field.entries.map((entry) => entry.value)
        : [];
    for (const config of configs) {
      if (incomplete || config.entries.length === 0 || config.at('@type').isSet) continue;
      yield finding(
        config.key ?? config,
        l10n.t('"{0}" does not name its type: Istio refuses it without "@type".', String(config.key?.value ?? name)),
      );
    }
    yield* findIn(field, incomplete, depth + 1);
  }
}

/** `envoy.config.filter.http.lua.v2.Lua`, `envoy.api.v2.Cluster` */
export function isOldType(type: string): boolean {
  return /(^|\/)envoy\.(api\.v2\.|([a-z0-9_]+\.)*v2(alpha)?\.[A-Za-z0-9]+$)/.test(type);
}
