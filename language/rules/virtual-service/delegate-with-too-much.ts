import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { dropField } from '../drop-field.ts';

/** Without hosts a VirtualService is a part for others to delegate to: it has HTTP routes only, and hands them to nobody else. */
export const delegateWithTooMuch = defineRefusal('VirtualService', {
  id: 'virtual-service/delegate-with-too-much',
  why: 'A VirtualService without hosts is one that others delegate to: it may have http routes only, no gateways, and may not delegate further.',
  *check({ spec }) {
    if (spec.type !== 'map' || spec.at('hosts').items.length > 0) return;
    for (const field of ['gateways', 'tls', 'tcp']) {
      const entry = spec.entry(field);
      if (entry && entry.value.items.length > 0)
        yield finding(
          entry.key,
          l10n.t(
            'Without hosts this VirtualService is a delegate, and Istio refuses "{0}" in one. Add "hosts", or remove it.',
            field,
          ),
          { fixes: [dropField(spec, field)] },
        );
    }
    for (const http of spec.at('http').items) {
      const delegate = http.entry('delegate');
      if (delegate?.value.isSet)
        yield finding(
          delegate.key,
          l10n.t(
            'Without hosts this VirtualService is a delegate, and a delegate cannot delegate further: Istio refuses it. Route to a destination.',
          ),
        );
    }
  },
});
