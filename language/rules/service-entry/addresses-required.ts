import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { meshConfigs } from '../mesh-config-map.ts';

/** Plain TCP carries no host name: without an address, the proxy knows such a connection by its port alone. */
export const addressesRequired = defineRule({
  id: 'service-entry/addresses-required',
  code: 'IST0134',
  severity: 'warning',
  docs: istioDocs('IST0134'),
  why: 'A TCP port (or one without protocol) of a ServiceEntry without addresses is told by its number alone: every connection to that port goes to this host, unless proxies capture DNS and get addresses by themselves.',
  reads: ['ServiceEntry', 'ConfigMap'],
  subject: ['ServiceEntry'],
  *check({ ServiceEntry, ConfigMap }, context) {
    if (ServiceEntry.length === 0) return;
    const allocates = meshConfigs(ConfigMap, context).some(({ proxyMetadata }) =>
      ['ISTIO_META_DNS_CAPTURE', 'ISTIO_META_DNS_AUTO_ALLOCATE'].every((name) => proxyMetadata?.[name] === 'true'),
    );
    if (allocates) return;
    for (const { spec, root, name } of ServiceEntry) {
      if (spec.at('addresses').items.length > 0 || root.at('status', 'addresses').items.length > 0) continue;
      for (const port of spec.at('ports').items) {
        const protocol = port.at('protocol');
        if (port.type !== 'map' || (protocol.isSet && protocol.string !== '' && protocol.string !== 'TCP')) continue;
        yield finding(
          protocol.isSet ? protocol : port,
          l10n.t(
            'Port {0} of {1} is TCP and the ServiceEntry has no addresses: every connection to that port goes to this host. Add addresses, or another protocol.',
            port.at('number').text,
            name,
          ),
        );
      }
    }
  },
});
