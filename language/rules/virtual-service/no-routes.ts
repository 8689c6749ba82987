import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** A VirtualService without routes says nothing: Istio refuses it. */
export const noRoutes = defineRefusal('VirtualService', {
  id: 'virtual-service/no-routes',
  why: 'A VirtualService routes http, tls or tcp; Istio refuses one that has none of them.',
  *check({ spec }) {
    if (spec.type !== 'map') return;
    const lists = ['http', 'tls', 'tcp'].map((protocol) => spec.at(protocol));
    if (lists.some((list) => list.isSet && (list.type !== 'list' || list.items.length > 0))) return;
    yield finding(
      lists.find(({ exists }) => exists) ?? spec,
      l10n.t('This VirtualService has no routes: Istio refuses it. Add "http", "tls" or "tcp".'),
    );
  },
});
