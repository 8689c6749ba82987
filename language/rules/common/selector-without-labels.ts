import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';

/** An empty selector selects everything, which is seldom what one who wrote `selector` had in mind. */
export const selectorWithoutLabels = defineWarning(
  [
    'AuthorizationPolicy',
    'EnvoyFilter',
    'PeerAuthentication',
    'ProxyConfig',
    'RequestAuthentication',
    'ServiceEntry',
    'Sidecar',
    'Telemetry',
    'TrafficExtension',
    'WasmPlugin',
  ],
  {
    id: 'common/selector-without-labels',
    why: 'A selector without labels selects every workload of the namespace. Istio takes it and warns.',
    *check({ spec, incomplete }) {
      if (incomplete) return;
      const selectors = [
        ['selector', 'matchLabels'],
        ['workloadSelector', 'labels'],
      ] as const;
      for (const [field, labels] of selectors) {
        const entry = spec.entry(field);
        if (entry?.value.type !== 'map' || entry.value.at(labels).entries.length > 0) continue;
        yield finding(
          entry.key,
          l10n.t(
            '"{0}" has no labels, so it selects every workload. Add labels, or remove it to say so plainly.',
            field,
          ),
        );
      }
    },
  },
);
