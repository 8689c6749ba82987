import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { whyNoWildcardHost, isIpAddress, hostsMeet } from '../values/hosts.ts';

/** One name under two hosts of a VirtualService would be one Envoy virtual host defined twice. */
export const overlappingHosts = defineRefusal('VirtualService', {
  id: 'virtual-service/overlapping-hosts',
  why: 'Every host becomes a domain in Envoy, which takes each once: Istio refuses hosts of one VirtualService of which one covers the other.',
  *check({ spec }) {
    const hosts = spec
      .at('hosts')
      .items.filter(({ string }) => string && (isIpAddress(string) || !whyNoWildcardHost(string)));
    for (const [index, host] of hosts.entries()) {
      const earlier = hosts.slice(0, index).find((other) => hostsMeet(other.string!, host.string!));
      if (!earlier) continue;
      yield finding(
        host,
        earlier.string === host.string
          ? l10n.t('Host "{0}" is here twice: Istio refuses the VirtualService. Remove one.', host.string!)
          : l10n.t(
              'Hosts "{0}" and "{1}" cover the same names: Istio refuses both in one VirtualService. Remove one.',
              earlier.string!,
              host.string!,
            ),
        { related: [{ at: earlier, message: l10n.t('The other host') }] },
      );
    }
  },
});
