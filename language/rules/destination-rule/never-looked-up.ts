import * as l10n from '@vscode/l10n';
import { rename } from '../../edits.ts';
import { lookUp } from '../../lookup.ts';
import type { PodSource, Resource } from '../../resource.ts';
import { defineRule, finding } from '../../rule.ts';
import { ruledHost } from '../destination-rules.ts';
import { podsMayBeHidden } from '../pods.ts';
import { sharedRegistry } from '../shared-registry.ts';

const byNamespace = ({ namespace }: Resource | PodSource) => [namespace];
const everything = () => [''];
const areSome = ({ length }: readonly unknown[]) => length > 0;

/** client's namespace → service's namespace → root namespace: what lies elsewhere is found by nobody. */
export const neverLookedUp = defineRule({
  id: 'destination-rule/never-looked-up',
  code: 'ML0202',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration',
  why: "A proxy looks for the DestinationRule of a host in its own namespace, in that of the service and in the mesh's root namespace, nowhere else. In a namespace without clients, for a service of another one, it is never found. Reported where the service and some pods are at hand, and the namespace has neither pods nor gateways.",
  reads: [
    'DestinationRule',
    'Service',
    'ServiceEntry',
    'AnyPod',
    'WorkloadEntry',
    'WorkloadGroup',
    'Gateway',
    'K8sGateway',
  ],
  subject: ['DestinationRule'],
  *check({ DestinationRule, Service, ServiceEntry, AnyPod, ...others }, context) {
    const registry = sharedRegistry(Service, ServiceEntry, context);
    for (const rule of DestinationRule) {
      const { spec, namespace, metadata, name } = rule;
      if (namespace === context.rootNamespace || isForGateways(namespace)) continue;
      const service = registry.find(ruledHost(rule, context.clusterDomain), namespace)?.resource;
      if (!service || service.namespace === namespace) continue;
      if (
        !context.knowsAll('AnyPod') &&
        (podsMayBeHidden(context) || !lookUp(AnyPod, everything, context).tell('', areSome))
      )
        continue;
      if (hasClients(namespace)) continue;
      const written = metadata.at('namespace');
      yield finding(
        written.isSet ? written : metadata.at('name'),
        l10n.t(
          'No proxy finds {0}: for {1} it is looked for in the namespace of the client, in {2} and in {3}, and {4} has no clients. Move it to {2}.',
          name,
          spec.at('host').string!,
          service.namespace,
          context.rootNamespace,
          namespace,
        ),
        {
          related: [{ at: service.metadata.at('name'), message: l10n.t('The service') }],
          fixes: written.isSet
            ? [
                {
                  title: l10n.t('Move to namespace {0}', service.namespace),
                  preferred: true,
                  edits: () => rename(written, service.namespace),
                },
              ]
            : [],
        },
      );
    }

    function hasClients(namespace: string): boolean {
      if (lookUp(AnyPod, byNamespace, context).tell(namespace, areSome)) return true;
      return Object.values(others).some((list) => lookUp(list, byNamespace, context).tell(namespace, areSome));
    }
  },
});

/** Where charts put gateways, whose pods are seldom among the files. */
function isForGateways(namespace: string): boolean {
  return namespace.startsWith('istio-') || /gateway|ingress|egress/.test(namespace);
}
