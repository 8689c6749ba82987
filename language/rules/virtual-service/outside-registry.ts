import * as l10n from '@vscode/l10n';
import { lookUp } from '../../lookup.ts';
import type { Located } from '../../located.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding } from '../../rule.ts';
import type { RuleContext } from '../../rule.ts';
import { readMeshData } from '../../mesh-config.ts';
import { sharedRegistry } from '../shared-registry.ts';
import { appliesToMesh } from './applies-to.ts';
import { destinations } from './destinations.ts';

const meshConfigName = ({ name, namespace }: Resource) => (/^istio(-|$)/.test(name) ? [namespace] : []);
const isRegistryOnly = (configMaps: readonly Resource[]) =>
  configMaps.some(({ root }) => {
    try {
      return readMeshData(root.at('data', 'mesh').string, undefined).outboundTrafficPolicy === 'REGISTRY_ONLY';
    } catch {
      return false;
    }
  });

/** With REGISTRY_ONLY a host that nobody registered leads into the BlackHoleCluster, whatever routes there are for it. */
export const outsideRegistry = defineRule({
  id: 'virtual-service/outside-registry',
  code: 'ML0208',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/tasks/traffic-management/egress/egress-control/#change-to-the-blocking-by-default-policy',
  why: 'Where the mesh lets traffic out to registered hosts only (outboundTrafficPolicy REGISTRY_ONLY), a VirtualService for an outside host needs a ServiceEntry of that host: without it proxies drop the connection.',
  reads: ['VirtualService', 'Service', 'ServiceEntry', 'ConfigMap'],
  subject: ['VirtualService'],
  *check({ VirtualService, Service, ServiceEntry, ConfigMap }, context) {
    const said = context.meshConfig
      ? context.meshConfig.outboundTrafficPolicy === 'REGISTRY_ONLY'
      : lookUp(ConfigMap, meshConfigName, context).tell(context.rootNamespace, isRegistryOnly);
    if (!said || context.mayBeHidden('ServiceEntry')) return;
    const registry = sharedRegistry(Service, ServiceEntry, context);
    for (const virtualService of VirtualService) {
      for (const host of hostsOf(virtualService, context)) {
        const name = host.string!;
        if (!isOutside(name, context) || registry.find(name, virtualService.namespace)) continue;
        const [service, namespace] = name.split('.');
        // `reviews.shop`, meant as a Service: not an outside host, whatever else it is.
        if (registry.find(`${service}.${namespace}.svc.${context.clusterDomain}`, virtualService.namespace)) continue;
        yield finding(
          host,
          l10n.t(
            'The mesh lets traffic out to registered hosts only (REGISTRY_ONLY), and no ServiceEntry has {0}: proxies drop connections to it. Add a ServiceEntry.',
            name,
          ),
        );
      }
    }
  },
});

/** The hosts that sidecars are to know; destinations are told as IST0101 where that is certain. */
function hostsOf(virtualService: Resource, context: RuleContext): Located[] {
  const { spec } = virtualService;
  const hosts = appliesToMesh(spec) ? spec.at('hosts').items.filter(({ string }) => string) : [];
  if (context.knowsAll('Service', 'ServiceEntry')) return hosts;
  const told = new Set(hosts.map(({ string }) => string));
  const further = destinations([virtualService], context)
    .map(({ host }) => host)
    .filter(({ string }) => !told.has(string));
  return [...hosts, ...further];
}

function isOutside(host: string, { clusterDomain }: RuleContext): boolean {
  if (!host.includes('.') || host.startsWith('*') || /^[\d.]+$|:/.test(host)) return false;
  return !host.endsWith(`.${clusterDomain}`) && !host.endsWith('.svc') && !host.endsWith('.local');
}
