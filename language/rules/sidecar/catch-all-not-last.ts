import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** An egress without port takes what no other took: it is the last, and there is one. */
export const catchAllNotLast = defineRefusal('Sidecar', {
  id: 'sidecar/catch-all-not-last',
  why: 'An egress without a port takes all traffic that no other takes: Istio refuses it before others, and a second one.',
  *check({ spec, incomplete }) {
    if (incomplete) return;
    const listeners = spec.at('egress').items;
    for (const listener of listeners.slice(0, -1)) {
      if (listener.type !== 'map' || listener.at('port').isSet) continue;
      yield finding(
        listener,
        l10n.t(
          'An egress without a port takes everything, so it must be the last: Istio refuses others behind it. Move it to the end, or give it a port.',
        ),
      );
    }
  },
});
