import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineWarning } from '../define-webhook-rule.ts';

const whole = ['NETWORK_FILTER', 'HTTP_FILTER', 'LISTENER_FILTER', 'EXTENSION_CONFIG'];
const parts = ['transport_socket', 'transportSocket', 'cluster_type', 'clusterType'];
const configs = ['typed_config', 'typedConfig', 'config_discovery', 'configDiscovery'];

/** Envoy finds an extension by the type of its configuration; the name says nothing to it. */
export const missingTypedConfig = defineWarning('EnvoyFilter', {
  id: 'envoy-filter/missing-typed-config',
  why: 'Envoy finds an extension by the type of its typed_config, no longer by its name alone; Istio warns of one without.',
  *check({ spec, incomplete }) {
    if (incomplete) return;
    for (const entry of spec.at('configPatches').items) {
      const applyTo = entry.at('applyTo').string ?? '';
      const value = entry.at('patch', 'value');
      if (whole.includes(applyTo)) yield* findMissing(value);
      else if (['CLUSTER', 'FILTER_CHAIN'].includes(applyTo))
        for (const part of parts) yield* findMissing(value.at(part));
    }
  },
});

function* findMissing(extension: Located): Iterable<Finding> {
  if (extension.type !== 'map' || configs.some((name) => extension.at(name).isSet)) return;
  const name = extension.at('name');
  yield finding(
    name.exists ? name : (extension.key ?? extension),
    name.string
      ? l10n.t(
          'Envoy does not find "{0}" by its name alone: Istio warns. Add "typed_config" with its "@type".',
          name.string,
        )
      : l10n.t(
          'Envoy finds an extension by the type of its configuration: Istio warns. Add "typed_config" with its "@type".',
        ),
  );
}
