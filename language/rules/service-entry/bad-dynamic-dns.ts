import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** Protocols that carry the name which is to be looked up. */
const withHostName = ['HTTP', 'HTTP2', 'GRPC', 'TLS'];

/** DYNAMIC_DNS looks up the host that each request names: it takes wildcards, and needs protocols that carry the host. */
export const badDynamicDns = defineRefusal('ServiceEntry', {
  id: 'service-entry/bad-dynamic-dns',
  why: 'Resolution DYNAMIC_DNS looks up the host that each request names. Istio takes it for wildcard hosts without addresses, on ports with protocol HTTP, HTTP2, GRPC or TLS, and not for MESH_INTERNAL behind a waypoint.',
  *check({ spec, metadata }) {
    if (spec.at('resolution').string !== 'DYNAMIC_DNS') return;
    for (const host of spec.at('hosts').items) {
      if (!host.string || host.string.startsWith('*')) continue;
      yield finding(
        host,
        l10n.t('Resolution DYNAMIC_DNS is for wildcard hosts: Istio refuses "{0}" with it. Use DNS.', host.string),
      );
    }
    const addresses = spec.at('addresses');
    if (addresses.items.length > 0)
      yield finding(
        addresses,
        l10n.t('With resolution DYNAMIC_DNS a service has no addresses of its own: Istio refuses them. Remove them.'),
      );
    for (const port of spec.at('ports').items) {
      const protocol = port.at('protocol');
      if (port.type !== 'map' || withHostName.includes((protocol.string ?? '').toUpperCase())) continue;
      yield finding(
        protocol.isSet ? protocol : port,
        l10n.t('With resolution DYNAMIC_DNS Istio takes protocol {0} only.', withHostName.join(', ')),
      );
    }
    const waypoint = metadata.at('labels').entry('istio.io/use-waypoint');
    if (spec.at('location').string === 'MESH_INTERNAL' && waypoint?.value.string && waypoint.value.string !== 'none')
      yield finding(
        spec.at('location'),
        l10n.t(
          'Behind a waypoint Istio takes resolution DYNAMIC_DNS for MESH_EXTERNAL only. Change the location, or remove the label "istio.io/use-waypoint".',
        ),
      );
  },
});
