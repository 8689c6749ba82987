import * as l10n from '@vscode/l10n';
import { rename } from '../../edits.ts';
import { findServiceOf } from '../../hosts.ts';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import type { Located } from '../../located.ts';
import { lookUp } from '../../lookup.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { sharedRegistry } from '../shared-registry.ts';
import { appliesToMesh } from './applies-to.ts';
import { destinations } from './destinations.ts';

const byNamespace = ({ namespace }: Resource) => [namespace];

/**
 * A destination must be in the mesh's registry: a Kubernetes Service or a ServiceEntry. Otherwise Envoy gets a route to a
 * cluster that does not exist and answers 503. Only `strict` asserts it: a lenient reader knows that services live elsewhere too.
 */
export const hostNotFound = defineRule({
  id: 'virtual-service/host-not-found',
  code: 'IST0101',
  severity: 'error',
  docs: istioDocs('IST0101'),
  why: 'A destination that is neither a Service nor a host of a ServiceEntry has no endpoints: requests to it fail with 503. What is there but not exported to the namespace of the VirtualService is always told; what is nowhere, in strict mode and with a cluster only, as it may live outside of the files.',
  reads: ['VirtualService', 'Service', 'ServiceEntry'],
  subject: ['VirtualService'],
  *check({ VirtualService, Service, ServiceEntry }, context) {
    const knowsAll = context.knowsAll('Service', 'ServiceEntry');
    const registry = sharedRegistry(Service, ServiceEntry, context);
    for (const { virtualService, host, fullHost, isMirror } of destinations(VirtualService, context)) {
      const refType = isMirror ? 'mirror host' : 'host';
      const hidden = registry.findHidden(fullHost, virtualService.namespace)?.resource;
      // Istio asks whether the VirtualService sees it; a gateway elsewhere may, so that is no certain fault.
      if (hidden && !knowsAll && !appliesToMesh(virtualService.spec)) continue;
      if (hidden) {
        yield finding(host, describeHidden(hidden, virtualService), {
          refType,
          related: [{ at: whereExported(hidden), message: l10n.t('Says who sees it') }],
        });
        continue;
      }
      if (!knowsAll || registry.find(fullHost, virtualService.namespace)) continue;
      const service = findServiceOf(fullHost, context.clusterDomain);
      const neighbours = lookUp(Service, byNamespace, context)
        .get(service?.namespace ?? virtualService.namespace)
        .map(({ name }) => name);
      const meant = host.string!.includes('.') ? undefined : findNearMiss(host.string!, neighbours);
      const message = service
        ? l10n.t(
            'There is no Service "{0}" in namespace {1} and no ServiceEntry for it: requests fail with 503.',
            service.name,
            service.namespace,
          )
        : l10n.t(
            'No Service and no ServiceEntry has the host "{0}": requests fail with 503. A ServiceEntry makes an outside host known.',
            host.string!,
          );
      yield finding(host, meant ? `${message} ${l10n.t('Did you mean "{0}"?', meant)}` : message, {
        refType,
        fixes: meant
          ? [{ title: l10n.t('Change to host "{0}"', meant), preferred: true, edits: () => rename(host, meant) }]
          : [],
      });
    }
  },
});

function describeHidden({ kind, namespace, name }: Resource, virtualService: Resource): string {
  return l10n.t(
    '{0} {1} is not exported to namespace {2}, so its clients do not know this host: requests fail with 503. Add {2} to its exportTo.',
    kind,
    `${namespace}/${name}`,
    virtualService.namespace,
  );
}

function whereExported({ kind, metadata, spec }: Resource): Located {
  return kind === 'Service' ? metadata.at('annotations', 'networking.istio.io/exportTo') : spec.at('exportTo');
}
