import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isWithinHost } from '../values/hosts.ts';

/** Only connections for the VirtualService's own hosts ever come to its rules. */
export const sniOutsideHosts = defineRefusal('VirtualService', {
  id: 'virtual-service/sni-outside-hosts',
  why: 'A tls rule is asked only for the hosts of its VirtualService: Istio refuses an SNI host that none of them covers.',
  *check({ spec }) {
    const hosts = spec.at('hosts').items.flatMap(({ string }) => string ?? []);
    for (const match of spec.at('tls').items.flatMap((tls) => tls.at('match').items)) {
      for (const sni of match.at('sniHosts').items) {
        if (sni.string === undefined || hosts.length === 0 || hosts.some((host) => isWithinHost(sni.string!, host)))
          continue;
        yield finding(
          sni,
          l10n.t(
            'SNI host "{0}" is within none of the hosts of this VirtualService ({1}): Istio refuses it. Add it to "hosts".',
            sni.string,
            hosts.join(', '),
          ),
        );
      }
    }
  },
});
