import * as l10n from '@vscode/l10n';
import { hostCovers } from '../../hosts.ts';
import { lookUp } from '../../lookup.ts';
import type { Located } from '../../located.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding } from '../../rule.ts';
import type { RuleContext } from '../../rule.ts';
import { sharedRegistry } from '../shared-registry.ts';
import { appliesToMesh, namesAGateway } from './applies-to.ts';
import { destinations } from './destinations.ts';
import type { Destination } from './destinations.ts';
import { isEgressGateway } from './egress-gateways.ts';

/** VirtualServices of gateways that send on to somewhere, by their hosts. */
const sendingOn = (virtualService: Resource, clusterDomain: string) => {
  if (!namesAGateway(virtualService.spec)) return [];
  const isSending = destinations([virtualService], { clusterDomain }).some((one) => !isEgressGateway(one.fullHost));
  const hosts = virtualService.spec.at('hosts').items.flatMap(({ string }) => string ?? []);
  return isSending ? hosts.map((host) => (host.startsWith('*') ? '*' : host)) : [];
};

/** mesh → VirtualService (mesh) → egress gateway → VirtualService (gateway) → ServiceEntry: without one half nothing gets out. */
export const egressGatewayIncomplete = defineRule({
  id: 'virtual-service/egress-gateway-incomplete',
  code: 'ML0211',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/tasks/traffic-management/egress/egress-gateway/',
  why: 'Traffic that a VirtualService sends to an egress gateway needs a second route, bound to the Gateway, that sends it on, and a ServiceEntry that makes the outside host known. Without them the gateway answers 404 or 503.',
  reads: ['VirtualService', 'Service', 'ServiceEntry'],
  subject: ['VirtualService'],
  *check({ VirtualService, Service, ServiceEntry }, context) {
    if (context.mayBeHidden('VirtualService')) return;
    const onward = lookUp(VirtualService, sendingOn, context);
    const registry = sharedRegistry(Service, ServiceEntry, context);
    for (const virtualService of VirtualService) {
      if (!appliesToMesh(virtualService.spec)) continue;
      const toGateway = destinations([virtualService], context).find(
        ({ fullHost, isMirror }) => !isMirror && isEgressGateway(fullHost),
      );
      if (!toGateway) continue;
      for (const host of virtualService.spec.at('hosts').items) {
        if (!host.string || host.string === '*') continue;
        if (!isSentOn(host.string)) yield notSentOn(host, toGateway);
        else if (isOutside(host.string, context) && !registry.find(host.string, virtualService.namespace))
          yield notRegistered(host, toGateway);
      }
    }

    function isSentOn(host: string): boolean {
      const wide = onward.get('*').flatMap(({ spec }) => spec.at('hosts').items.flatMap(({ string }) => string ?? []));
      return onward.get(host).length > 0 || wide.some((one) => hostCovers(one, host));
    }
  },
});

function notSentOn(host: Located, { host: gateway }: Destination) {
  return finding(
    host,
    l10n.t(
      'Requests for {0} go to the egress gateway {1}, and no VirtualService of a Gateway sends them on: they end there with 404. Route {0} on in a VirtualService with that Gateway in its gateways.',
      host.string!,
      gateway.string!,
    ),
    { related: [{ at: gateway, message: l10n.t('Sent to the egress gateway') }] },
  );
}

function notRegistered(host: Located, { host: gateway }: Destination) {
  return finding(
    host,
    l10n.t(
      'Requests for {0} go out by the egress gateway {1}, and no ServiceEntry has this host: the gateway does not know where to send them. Add a ServiceEntry.',
      host.string!,
      gateway.string!,
    ),
  );
}

/** Whether a ServiceEntry would be needed, and one that is nowhere may be said to be missing: next to its routes it is at hand. */
function isOutside(host: string, context: RuleContext): boolean {
  return host.includes('.') && !host.endsWith(`.${context.clusterDomain}`) && !context.mayBeHidden('ServiceEntry');
}
