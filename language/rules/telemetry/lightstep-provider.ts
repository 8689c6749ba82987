import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { meshConfigs } from '../mesh-config-map.ts';

/** Envoy's own Lightstep tracer is gone; the vendor takes OpenTelemetry. */
export const lightstepProvider = defineRule({
  id: 'telemetry/lightstep-provider',
  code: 'IST0002',
  severity: 'warning',
  docs: istioDocs('IST0002'),
  why: 'A tracing provider that the mesh config defines with lightstep is deprecated: the OpenTelemetry provider sends to the same place.',
  reads: ['Telemetry', 'ConfigMap'],
  subject: ['Telemetry'],
  *check({ Telemetry, ConfigMap }, context) {
    if (Telemetry.length === 0) return;
    const lightstep = new Set(
      meshConfigs(ConfigMap, context)
        .flatMap(({ extensionProviders }) => extensionProviders ?? [])
        .filter(({ kind }) => kind === 'lightstep')
        .map(({ name }) => name),
    );
    if (lightstep.size === 0) return;
    for (const provider of Telemetry.flatMap(({ spec }) => spec.at('tracing').items).flatMap(
      (tracing) => tracing.at('providers').items,
    )) {
      const name = provider.at('name');
      if (!lightstep.has(name.string ?? '')) continue;
      yield finding(
        name,
        l10n.t(
          'The mesh config defines {0} with lightstep, which is deprecated. Define it with opentelemetry.',
          name.string!,
        ),
      );
    }
  },
});
