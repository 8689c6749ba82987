import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isIpAddress, isCidr } from '../values/hosts.ts';

/** Addresses by which clients reach the service. */
export const badAddress = defineRefusal('ServiceEntry', {
  id: 'service-entry/bad-address',
  why: 'addresses holds IP addresses and CIDRs; a CIDR has no single address to answer for, so Istio refuses it with any resolution but NONE and STATIC.',
  *check({ spec }) {
    const resolution = spec.at('resolution').string ?? 'NONE';
    for (const address of spec.at('addresses').items) {
      if (address.string === undefined || isIpAddress(address.string)) continue;
      if (!isCidr(address.string))
        yield finding(
          address,
          l10n.t('"{0}" is neither an IP address nor a CIDR such as 10.0.0.0/8: Istio refuses it.', address.string),
        );
      else if (resolution !== 'NONE' && resolution !== 'STATIC' && resolution !== 'DYNAMIC_DNS')
        yield finding(
          address,
          l10n.t(
            'With resolution {0} Istio refuses the CIDR "{1}": use single addresses, or resolution NONE or STATIC.',
            resolution,
            address.string,
          ),
        );
    }
  },
});
