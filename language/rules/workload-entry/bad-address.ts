import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { whyNoSocket } from '../values/endpoints.ts';
import { isIpAddress, whyNoHost } from '../values/hosts.ts';
import { isUnixAddress } from '../values/ports.ts';

/** Where the workload is. */
export const badAddress = defineRefusal('WorkloadEntry', {
  id: 'workload-entry/bad-address',
  why: 'A WorkloadEntry has an address: an IP address, a full name, or unix:// with an absolute path. Without one it has a network, by whose gateway it is reached. Istio refuses the rest.',
  *check({ spec, root, incomplete }) {
    const address = spec.at('address');
    if (!address.isSet || address.string === '') {
      if (!incomplete && spec.type === 'map' && !spec.at('network').string)
        yield finding(
          address.exists ? address : (spec.key ?? root.at('kind')),
          l10n.t(
            'A WorkloadEntry needs an "address": Istio refuses it without. Add an IP address, or a "network" with a gateway.',
          ),
        );
      return;
    }
    if (address.string === undefined || isIpAddress(address.string)) return;
    const reason = isUnixAddress(address.string) ? whyNoSocket(address.string) : whyNoHost(address.string);
    if (reason)
      yield finding(
        address,
        l10n.t('"{0}" is no address of a workload: {1}. Istio refuses it.', address.string, reason),
      );
  },
});
