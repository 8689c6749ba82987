import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** One listener for a port. */
export const duplicatePort = defineRefusal('Sidecar', {
  id: 'sidecar/duplicate-port',
  why: 'Every ingress and every egress with a port becomes a listener of its own: Istio refuses two of one side on the same port, whatever they are bound to, and two egress listeners on one unix socket.',
  *check({ spec }) {
    const { ingress, egress } = { ingress: spec.at('ingress').items, egress: spec.at('egress').items };
    yield* findTwice(ingress.map((listener) => listener.at('port', 'number')));
    yield* findTwice(egress.map((listener) => listener.at('port', 'number')));
    const sockets = egress.filter((listener) => listener.at('port').isSet && !listener.at('port', 'number').number);
    yield* findTwice(sockets.map((listener) => listener.at('bind')));
  },
});

function* findTwice(values: Located[]): Iterable<Finding> {
  const seen = new Map<unknown, Located>();
  for (const at of values) {
    if (!at.value) continue;
    const first = seen.get(at.value);
    if (!first) seen.set(at.value, at);
    else
      yield finding(
        at,
        at.string === undefined
          ? l10n.t('Port {0} is here twice: Istio refuses it. Remove one.', at.text)
          : l10n.t('Two listeners are bound to "{0}": Istio refuses it. Remove one.', at.string),
        { related: [{ at: first, message: l10n.t('First defined here') }] },
      );
  }
}
