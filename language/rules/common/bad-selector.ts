import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** A selector compares labels exactly: `*` selects nobody, so Istio refuses it rather than let it look like a pattern. */
export const badSelector = defineRefusal(
  [
    'AuthorizationPolicy',
    'DestinationRule',
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
    id: 'common/bad-selector',
    why: 'A selector compares labels exactly, so Istio refuses "*" and an empty name in it: it would select nobody.',
    *check({ spec }) {
      const labels = [
        spec.at('selector', 'matchLabels'),
        spec.at('workloadSelector', 'labels'),
        spec.at('workloadSelector', 'matchLabels'),
      ];
      for (const { key, value } of labels.flatMap(({ entries }) => entries)) {
        const name = String(key.value ?? '');
        if (name === '') {
          yield finding(key, l10n.t('A label in a selector needs a name: Istio refuses an empty one.'));
        } else if (name.includes('*') || value.string?.includes('*')) {
          yield finding(
            name.includes('*') ? key : value,
            l10n.t(
              '"*" is no pattern in a selector: Istio refuses it. Name the label and its value in full, or leave it out.',
            ),
          );
        }
      }
    },
  },
);
