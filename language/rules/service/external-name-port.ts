import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { findUnnamedPorts } from './named-ports.ts';

/** A TCP port of an ExternalName has no address of its own to listen on: it captures every connection to that port. */
export const externalNamePort = defineRule({
  id: 'service/external-name-port',
  code: 'IST0150',
  severity: 'warning',
  docs: istioDocs('IST0150'),
  why: 'An ExternalName Service has no address. A TCP port of it makes the proxies listen on that port for all addresses, so that connections to other services are sent to it.',
  reads: ['Service'],
  scope: 'resource',
  *check({ Service }) {
    for (const service of Service) {
      if (service.spec.at('type').string !== 'ExternalName') continue;
      for (const { at, number } of findUnnamedPorts(service)) {
        yield finding(
          at,
          l10n.t(
            'Port {0} of the ExternalName Service {1} counts as TCP: proxies take all connections to port {0}, whatever their address, for it. Name the port after its protocol, e.g. https or tls.',
            number,
            service.name,
          ),
        );
      }
    }
  },
});
