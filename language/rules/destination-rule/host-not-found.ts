import * as l10n from '@vscode/l10n';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import { rename } from '../../edits.ts';
import { findServiceOf, fullHost, hostCovers } from '../../hosts.ts';
import { lookUp } from '../../lookup.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { sharedRegistry } from '../shared-registry.ts';

const byNamespace = ({ namespace }: Resource) => [namespace];

/** Its settings are for a host nobody calls. As with destinations, only `strict` asserts it. */
export const destinationRuleHostNotFound = defineRule({
  id: 'destination-rule/host-not-found',
  code: 'IST0174',
  severity: 'warning',
  docs: istioDocs('IST0174'),
  why: 'A DestinationRule for a host that is neither a Service nor a host of a ServiceEntry is without effect. What is there but not exported to the namespace of the DestinationRule is always told; what is nowhere, in strict mode and with a cluster only, as it may live outside of the files.',
  reads: ['DestinationRule', 'Service', 'ServiceEntry'],
  subject: ['DestinationRule'],
  *check({ DestinationRule, Service, ServiceEntry }, context) {
    const knowsAll = context.knowsAll('Service', 'ServiceEntry');
    const { clusterDomain } = context;
    const registry = sharedRegistry(Service, ServiceEntry, context);
    for (const { spec, namespace } of DestinationRule) {
      const host = spec.at('host');
      if (!host.string) continue;
      const full = fullHost(host.string, namespace, clusterDomain);
      const hidden = registry.findHidden(full, namespace)?.resource;
      // From the root namespace it serves clients that do see the host.
      if (hidden && namespace !== context.rootNamespace) {
        yield finding(
          host,
          l10n.t(
            '{0} {1} is not exported to namespace {2}: for clients there, this DestinationRule is without effect. Add {2} to its exportTo.',
            hidden.kind,
            `${hidden.namespace}/${hidden.name}`,
            namespace,
          ),
          { related: [{ at: hidden.metadata.at('name'), message: l10n.t('The service') }] },
        );
        continue;
      }
      if (hidden || !knowsAll || registry.find(full, namespace)) continue;
      if (full.startsWith('*') && coversSome(full)) continue;
      const neighbours = lookUp(Service, byNamespace, context)
        .get(namespace)
        .map(({ name }) => name);
      const meant = findServiceOf(full, clusterDomain) ? findNearMiss(host.string, neighbours) : undefined;
      const message = l10n.t(
        'No Service and no ServiceEntry has the host "{0}": this DestinationRule is without effect.',
        host.string,
      );
      yield finding(host, meant ? `${message} ${l10n.t('Did you mean "{0}"?', meant)}` : message, {
        fixes: meant
          ? [{ title: l10n.t('Change to host "{0}"', meant), preferred: true, edits: () => rename(host, meant) }]
          : [],
      });
    }

    function coversSome(pattern: string): boolean {
      const hosts = ServiceEntry.flatMap(({ spec }) => spec.at('hosts').items.map(({ string }) => string ?? ''));
      return (
        Service.some(({ name, namespace }) => hostCovers(pattern, `${name}.${namespace}.svc.${clusterDomain}`)) ||
        hosts.some((host) => hostCovers(pattern, host))
      );
    }
  },
});
