import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isIpAddress, isCidr } from '../values/hosts.ts';

/** A subnet is an address with a prefix length; a lone address is one too. */
export const badSubnet = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-subnet',
  why: 'destinationSubnets holds IP addresses and CIDRs; Istio refuses anything else.',
  *check({ spec }) {
    for (const rule of [...spec.at('tls').items, ...spec.at('tcp').items]) {
      for (const subnet of rule.at('match').items.flatMap((match) => match.at('destinationSubnets').items)) {
        if (subnet.string === undefined || isIpAddress(subnet.string) || isCidr(subnet.string)) continue;
        yield finding(
          subnet,
          l10n.t('"{0}" is neither an IP address nor a CIDR such as 10.0.0.0/8: Istio refuses it.', subnet.string),
        );
      }
    }
  },
});
