import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { sharedRegistry } from '../shared-registry.ts';
import { destinations } from './destinations.ts';

/** Without a port, Istio can only choose when the service has exactly one. */
export const portRequired = defineRule({
  id: 'virtual-service/port-required',
  code: 'IST0112',
  severity: 'error',
  docs: istioDocs('IST0112'),
  why: 'A destination without port is the only port of its service. Where the service has several, Istio does not know which one is meant.',
  reads: ['VirtualService', 'Service', 'ServiceEntry'],
  subject: ['VirtualService'],
  *check({ VirtualService, Service, ServiceEntry }, context) {
    const registry = sharedRegistry(Service, ServiceEntry, context);
    for (const { virtualService, destination, host, fullHost } of destinations(VirtualService, context)) {
      if (virtualService.incomplete || destination.at('port').isSet) continue;
      const entry = registry.find(fullHost, virtualService.namespace);
      if (!entry || entry.ports.length < 2) continue;
      const numbers = entry.ports.map(({ number }) => number);
      yield finding(
        host,
        l10n.t(
          '{0} {1} has the ports {2}: the destination must say which one is meant. Add its port.number.',
          entry.resource.kind,
          host.string!,
          numbers.join(', '),
        ),
        { related: entry.ports.map(({ at }) => ({ at, message: l10n.t('A port it has') })) },
      );
    }
  },
});
