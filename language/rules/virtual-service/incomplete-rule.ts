import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** A TLS rule is chosen by SNI and a TCP rule leads somewhere: without that Envoy has nothing to do. */
export const incompleteRule = defineRefusal('VirtualService', {
  id: 'virtual-service/incomplete-rule',
  why: 'A tls rule needs matches with sniHosts, and tls and tcp rules need a route; Istio refuses empty lists as well.',
  *check({ spec }) {
    for (const tls of spec.at('tls').items) {
      const match = tls.at('match');
      if (match.type === 'list' && match.items.length === 0)
        yield finding(match, l10n.t('A tls rule needs a match: Istio refuses an empty list. Add one with "sniHosts".'));
      for (const hosts of match.items.map((item) => item.at('sniHosts'))) {
        if (hosts.type === 'list' && hosts.items.length === 0)
          yield finding(
            hosts,
            l10n.t('A match of a tls rule needs a host in "sniHosts": Istio refuses an empty list.'),
          );
      }
    }
    for (const rule of [...spec.at('tls').items, ...spec.at('tcp').items]) {
      const route = rule.at('route');
      if (rule.type !== 'map' || (route.isSet && (route.type !== 'list' || route.items.length > 0))) continue;
      yield finding(
        route.exists ? route : rule,
        l10n.t('This rule leads nowhere, so Istio refuses it. Add a "route" with a destination.'),
      );
    }
  },
});
