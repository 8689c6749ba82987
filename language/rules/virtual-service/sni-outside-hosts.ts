import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isIpAddress, isWithinHost, whyNoWildcardHost } from '../values/hosts.ts';
import { sniHosts } from './sni-hosts.ts';

/** Only connections for the VirtualService's own hosts ever come to its rules. */
export const sniOutsideHosts = defineRefusal('VirtualService', {
  id: 'virtual-service/sni-outside-hosts',
  why: 'A tls rule is asked only for the hosts of its VirtualService: Istio refuses an SNI host that none of them covers.',
  *check({ spec }) {
    const hosts = spec.at('hosts').items.flatMap(({ string }) => string ?? []);
    if (hosts.length === 0) return;
    for (const sni of sniHosts(spec)) {
      const name = sni.string!;
      if (isIpAddress(name) || whyNoWildcardHost(name) || hosts.some((host) => isWithinHost(name, host))) continue;
      yield finding(
        sni,
        l10n.t(
          'SNI host "{0}" is within none of the hosts of this VirtualService ({1}): Istio refuses it. Add it to "hosts".',
          name,
          hosts.join(', '),
        ),
      );
    }
  },
});
