import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** Without a program there is nothing to extend the traffic with. */
export const noExtension = defineRefusal('TrafficExtension', {
  id: 'traffic-extension/no-extension',
  why: 'A TrafficExtension runs a Wasm module or a Lua script; Istio refuses one that names neither.',
  *check({ spec, incomplete }) {
    if (incomplete || spec.type !== 'map' || spec.at('wasm').isSet || spec.at('lua').isSet) return;
    yield finding(spec, l10n.t('This extension runs nothing: Istio refuses it. Add "wasm" or "lua".'));
  },
});
