import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { findPortFaults, whyNoSocket } from '../values/endpoints.ts';
import { whyNoHost, isIpAddress } from '../values/hosts.ts';
import { isUnixAddress } from '../values/ports.ts';

/** What an endpoint may be follows from how the service is found. */
export const badEndpoint = defineRefusal('ServiceEntry', {
  id: 'service-entry/bad-endpoint',
  why: 'Endpoints are IP addresses or unix sockets with resolution STATIC, addresses or full names with DNS; their ports are named in ports. Istio refuses the rest.',
  *check({ spec, incomplete }) {
    const resolution = spec.at('resolution').string ?? 'NONE';
    const ports = spec.at('ports');
    const names = ports.items.flatMap((port) => port.at('name').string ?? []);
    for (const endpoint of spec.at('endpoints').items) {
      const address = endpoint.at('address');
      const reason = address.string ? whyNoAddress(address.string, resolution) : undefined;
      if (reason)
        yield finding(
          address,
          l10n.t(
            '"{0}" is no address of an endpoint with resolution {1}: {2}. Istio refuses it.',
            address.string!,
            resolution,
            reason,
          ),
        );
      const needsAddress = resolution.startsWith('DNS') || !endpoint.at('network').string;
      if (!incomplete && endpoint.type === 'map' && !address.string && address.type !== 'number' && needsAddress)
        yield finding(
          address,
          endpoint.at('network').string
            ? l10n.t(
                'With resolution {0} an endpoint needs an "address": Istio refuses it without, even with "network".',
                resolution,
              )
            : l10n.t('An endpoint needs an "address": Istio refuses it without. Add an IP address or a full name.'),
        );
      if (isUnixAddress(address.string ?? '') && resolution === 'STATIC' && ports.items.length !== 1 && !incomplete)
        yield finding(
          address,
          l10n.t(
            'A unix socket stands for one port, and this ServiceEntry has {0}: Istio refuses it. Keep one port.',
            ports.items.length,
          ),
        );
      yield* findPortFaults(endpoint);
      if (incomplete) continue;
      for (const { key } of endpoint.at('ports').entries) {
        if (names.includes(String(key.value))) continue;
        yield finding(
          key,
          l10n.t(
            'No port of this ServiceEntry is named "{0}": Istio refuses it. Its ports are {1}.',
            String(key.value),
            names.join(', '),
          ),
        );
      }
    }
  },
});

function whyNoAddress(address: string, resolution: string): string | undefined {
  if (isIpAddress(address)) return undefined;
  if (isUnixAddress(address) && !resolution.startsWith('DNS')) return whyNoSocket(address);
  if (resolution === 'STATIC') return l10n.t('it must be an IP address');
  return resolution.startsWith('DNS') ? whyNoHost(address) : undefined;
}
