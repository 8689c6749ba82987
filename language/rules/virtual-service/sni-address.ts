import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { isIpAddress } from '../values/hosts.ts';
import { sniHosts } from './sni-hosts.ts';

/** RFC 6066 allows no addresses in SNI, and most clients send none then. */
export const sniAddress = defineWarning('VirtualService', {
  id: 'virtual-service/sni-address',
  why: 'SNI holds DNS names only: a client that connects to an address sends none, so the match never comes true. Istio takes it and warns.',
  *check({ spec }) {
    for (const sni of sniHosts(spec).filter(({ string }) => isIpAddress(string!)))
      yield finding(
        sni,
        l10n.t(
          'Clients send names as SNI, no addresses: hardly a connection will ever match {0}. Use "destinationSubnets" in a tcp rule.',
          sni.string!,
        ),
      );
  },
});
