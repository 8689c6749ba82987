import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { whyNoHost, isIpAddress } from '../values/hosts.ts';
import { isUnixSocket, isWrongPort } from '../values/ports.ts';

/** What an endpoint may be follows from how the service is found. */
export const badEndpoint = defineRefusal('ServiceEntry', {
  id: 'service-entry/bad-endpoint',
  why: 'Endpoints are addresses with resolution STATIC, addresses or full names with DNS, at most one with DNS_ROUND_ROBIN, none with NONE (the default); their ports are named in ports. Istio refuses the rest.',
  *check({ spec }) {
    const { resolution, endpoints, ports } = {
      resolution: spec.at('resolution').string ?? 'NONE',
      endpoints: spec.at('endpoints'),
      ports: spec.at('ports'),
    };
    const names = ports.items.flatMap((port) => port.at('name').string ?? []);
    if (resolution === 'NONE' && endpoints.items.length > 0)
      yield finding(
        endpoints,
        l10n.t(
          'With resolution NONE (the default) traffic goes to the address that the client chose: Istio refuses "endpoints". Set "resolution" to STATIC or DNS.',
        ),
      );
    if (resolution === 'DNS_ROUND_ROBIN' && endpoints.items.length > 1)
      yield finding(
        endpoints,
        l10n.t(
          'With resolution DNS_ROUND_ROBIN there is at most one endpoint, and here are {0}: Istio refuses it. Use DNS.',
          endpoints.items.length,
        ),
      );
    for (const endpoint of endpoints.items) {
      const address = endpoint.at('address');
      const reason = address.string && resolution !== 'NONE' ? whyNoAddress(address.string, resolution) : undefined;
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
      for (const { key, value } of endpoint.at('ports').entries) {
        if (!names.includes(String(key.value)))
          yield finding(
            key,
            l10n.t(
              'No port of this ServiceEntry is named "{0}": Istio refuses it. Its ports are {1}.',
              String(key.value),
              names.join(', '),
            ),
          );
        else if (isWrongPort(value.number))
          yield finding(value, l10n.t('{0} is no port: Istio takes 1 to 65535.', value.text));
      }
    }
  },
});

function whyNoAddress(address: string, resolution: string): string | undefined {
  if (isIpAddress(address)) return undefined;
  if (resolution === 'STATIC') return isUnixSocket(address) ? undefined : l10n.t('it must be an IP address');
  return resolution.startsWith('DNS') && resolution !== 'DYNAMIC_DNS' ? whyNoHost(address) : undefined;
}
