import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** One listener for a port. */
export const duplicatePort = defineRefusal('Sidecar', {
  id: 'sidecar/duplicate-port',
  why: 'Every ingress and every egress with a port becomes a listener of its own: Istio refuses two ingress listeners on one port.',
  *check({ spec }) {
    const seen = new Map<number, Located>();
    for (const number of spec.at('ingress').items.map((ingress) => ingress.at('port', 'number'))) {
      if (!number.number) continue;
      const first = seen.get(number.number);
      if (!first) seen.set(number.number, number);
      else
        yield finding(number, l10n.t('Port {0} is here twice: Istio refuses it. Remove one.', number.text), {
          related: [{ at: first, message: l10n.t('First defined here') }],
        });
    }
  },
});
