import * as l10n from '@vscode/l10n';
import { replaceValue } from '../../edits.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { sharedRegistry } from '../shared-registry.ts';
import { destinations } from './destinations.ts';

/** The port of a destination is the Service's port, not the container's: one it does not have ends in 503. */
export const portNotFound = defineRule({
  id: 'virtual-service/port-not-found',
  code: 'IST0101',
  severity: 'error',
  docs: istioDocs('IST0101'),
  why: 'The port of a destination must be one of its Service (not of its containers): otherwise there is no cluster to route to, and requests fail with 503.',
  reads: ['VirtualService', 'Service', 'ServiceEntry'],
  subject: ['VirtualService'],
  *check({ VirtualService, Service, ServiceEntry }, context) {
    const registry = sharedRegistry(Service, ServiceEntry, context);
    for (const { virtualService, destination, host, fullHost } of destinations(VirtualService, context)) {
      const port = destination.entry('port')?.value.at('number');
      const [entry, ...others] = !port?.number ? [] : registry.all(fullHost, virtualService.namespace);
      if (
        !port ||
        !entry ||
        [entry, ...others].some(({ resource, ports }) => resource.incomplete || ports.length === 0)
      )
        continue;
      if ([entry, ...others].some(({ ports }) => ports.some(({ number }) => number === port.number))) continue;
      const numbers = entry.ports.map(({ number }) => number);
      yield finding(
        port,
        l10n.t(
          '{0} {1} has no port {2}; it has {3}. Requests fail with 503.',
          entry.resource.kind,
          host.string!,
          port.text,
          numbers.join(', '),
        ),
        {
          refType: 'host:port',
          related: entry.ports.map(({ at }) => ({ at, message: l10n.t('A port it has') })),
          fixes: numbers.slice(0, 5).map((number) => ({
            title: l10n.t('Change to port {0}', number),
            preferred: numbers.length === 1,
            edits: () => replaceValue(port, String(number)),
          })),
        },
      );
    }
  },
});
