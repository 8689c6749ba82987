import * as l10n from '@vscode/l10n';
import { rename } from '../../edits.ts';
import { findServiceOf } from '../../hosts.ts';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { sharedRegistry } from '../shared-registry.ts';
import { destinations } from './destinations.ts';

/**
 * A destination must be in the mesh's registry: a Kubernetes Service or a ServiceEntry. Otherwise Envoy gets a route to a
 * cluster that does not exist and answers 503. Only `strict` asserts it: a lenient reader knows that services live elsewhere too.
 */
export const hostNotFound = defineRule({
  id: 'virtual-service/host-not-found',
  code: 'IST0101',
  severity: 'error',
  docs: istioDocs('IST0101'),
  why: 'A destination that is neither a Service nor a host of a ServiceEntry has no endpoints: requests to it fail with 503. Reported in strict mode and with a cluster, as the service may live outside of the files.',
  reads: ['VirtualService', 'Service', 'ServiceEntry'],
  *check({ VirtualService, Service, ServiceEntry }, context) {
    if (context.strictness === 'lenient') return;
    const registry = sharedRegistry(Service, ServiceEntry, context);
    for (const { virtualService, host, fullHost, isMirror } of destinations(VirtualService, context)) {
      if (registry.find(fullHost, virtualService.namespace)) continue;
      const service = findServiceOf(fullHost, context.clusterDomain);
      const neighbours = Service.filter(
        ({ namespace }) => namespace === (service?.namespace ?? virtualService.namespace),
      ).map(({ name }) => name);
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
        refType: isMirror ? 'mirror host' : 'host',
        fixes: meant
          ? [{ title: l10n.t('Change to host "{0}"', meant), preferred: true, edits: () => rename(host, meant) }]
          : [],
      });
    }
  },
});
