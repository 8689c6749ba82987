import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { meshConfigs } from '../mesh-config-map.ts';

/** Who is to write the log is either said here or is the mesh's default; there is no third place. */
export const noAccessLogProvider = defineRule({
  id: 'telemetry/no-access-log-provider',
  code: 'IST0157',
  severity: 'warning',
  docs: istioDocs('IST0157'),
  why: 'An accessLogging entry without providers uses those of defaultProviders.accessLogging in the mesh config. Where it has none, nothing is logged.',
  reads: ['Telemetry', 'ConfigMap'],
  subject: ['Telemetry'],
  *check({ Telemetry, ConfigMap }, context) {
    if (Telemetry.length === 0) return;
    const hasDefault = meshConfigs(ConfigMap, context).some(
      ({ defaultProviders }) => (defaultProviders?.accessLogging.length ?? 0) > 0,
    );
    if (hasDefault) return;
    for (const { spec } of Telemetry) {
      for (const entry of spec.at('accessLogging').items) {
        if (entry.at('disabled').boolean || entry.at('providers').items.length > 0) continue;
        yield finding(
          entry,
          l10n.t(
            'This access log has no provider, and the mesh config names no default one: nothing is logged. Add providers, e.g. envoy.',
          ),
        );
      }
    }
  },
});
