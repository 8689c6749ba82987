import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { findGatewayProxies } from '../gateways.ts';
import type { GatewayProxies } from '../gateways.ts';
import type { Lookup } from '../../lookup.ts';
import type { Resource } from '../../resource.ts';
import { PodIndex } from '../pods.ts';
import { portsBefore, selectingServices } from '../service-ports.ts';

/** The proxy listens, but nothing leads there: clients come in by the Service's ports. */
export const portNotOnService = defineRule({
  id: 'gateway/port-not-on-service',
  code: 'IST0162',
  severity: 'warning',
  docs: istioDocs('IST0162'),
  why: 'A server port of a Gateway that is neither port nor targetPort of a Service in front of its proxies is reached by nobody from outside. In lenient mode it is reported only where such a Service is at hand.',
  reads: ['Gateway', 'AnyPod', 'Service'],
  subject: ['Gateway'],
  *check({ Gateway, AnyPod, Service }, context) {
    if (Gateway.length === 0) return;
    const pods = new PodIndex(AnyPod);
    const services = selectingServices(Service);
    for (const gateway of Gateway) {
      const proxies = findGatewayProxies(gateway, pods, context);
      if (!proxies) continue;
      const open = openPorts(proxies, services);
      if (
        !context.knowsAll('AnyPod', 'Service') &&
        (open.size === 0 || proxies.assumedPorts || context.mayBeHidden('Service'))
      )
        continue;
      for (const server of gateway.spec.at('servers').items) {
        const number = server.at('port', 'number');
        if (number.number === undefined || number.number === 0 || open.has(number.number)) continue;
        yield finding(
          number,
          open.size === 0
            ? l10n.t(
                'No Service leads to the proxies of Gateway {0}: nobody reaches port {1} from outside. Define a Service that selects them.',
                gateway.name,
                number.number,
              )
            : l10n.t(
                'No Service in front of the proxies of Gateway {0} has port {1}, they have {2}: nobody reaches it from outside. Add the port to the Service.',
                gateway.name,
                number.number,
                [...open].sort((a, b) => a - b).join(', '),
              ),
        );
      }
    }
  },
});

/** Ports and target ports of the TCP ports that lead to the proxies. */
function openPorts({ pods, assumedPorts }: GatewayProxies, services: Lookup<Resource>): Set<number> {
  const open = new Set(assumedPorts);
  for (const { protocol, port, target } of pods.flatMap((pod) => portsBefore(pod, services))) {
    if (protocol !== 'TCP') continue;
    open.add(port);
    if (/^\d+$/.test(target)) open.add(Number(target));
  }
  return open;
}
