import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';

const label = 'networking.istio.io/enable-autoallocate-ip';

/** istiod gives a ServiceEntry without addresses some of its own, unless told not to. */
export const noAllocatedAddress = defineWarning('ServiceEntry', {
  id: 'service-entry/no-allocated-address',
  why: 'The label networking.istio.io/enable-autoallocate-ip with "false" keeps istiod from giving the ServiceEntry addresses: a TCP port (or one without protocol) is then told by its number alone, and Istio warns.',
  *check({ spec, metadata, incomplete }) {
    const allocate = metadata.at('labels', label);
    if (incomplete || allocate.string?.toLowerCase() !== 'false' || spec.at('addresses').items.length > 0) return;
    const port = spec
      .at('ports')
      .items.find(
        (item) =>
          item.type === 'map' &&
          ['', 'TCP'].includes(item.at('protocol').isSet ? (item.at('protocol').string ?? '?') : ''),
      );
    if (!port) return;
    yield finding(
      allocate,
      l10n.t(
        'Without addresses of its own, port {0} is told by its number alone: every connection to that port goes to this host. Add "addresses", or remove the label "{1}".',
        port.at('number').text,
        label,
      ),
    );
  },
});
