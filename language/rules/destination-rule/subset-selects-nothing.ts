import * as l10n from '@vscode/l10n';
import { matchesLabels } from '../../../mesh/selectors.ts';
import { fullHost } from '../../hosts.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { mayAssertNoPod, PodIndex, printLabels } from '../pods.ts';
import { sharedRegistry } from '../shared-registry.ts';

/** Nodes lend their pods these labels when Istio looks for a subset's endpoints. */
const fromNodes = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone', 'topology.istio.io/subzone'];

/** A subset without endpoints answers 503, "no healthy upstream". */
export const subsetSelectsNothing = defineRule({
  id: 'destination-rule/subset-selects-nothing',
  code: 'IST0173',
  severity: 'error',
  docs: istioDocs('IST0173'),
  why: 'A subset whose labels no pod has is empty: requests to it fail with 503. In lenient mode it is a warning, and only where other pods of the service are at hand: those of the subset may be defined elsewhere.',
  reads: ['DestinationRule', 'Service', 'ServiceEntry', 'WorkloadEntry', 'AnyPod', 'Node'],
  subject: ['DestinationRule'],
  *check({ DestinationRule, Service, ServiceEntry, WorkloadEntry, AnyPod, Node }, context) {
    const registry = sharedRegistry(Service, ServiceEntry, context);
    const pods = new PodIndex(AnyPod);
    const knowsAll = context.knowsAll('AnyPod');
    const nodes = Node.map(({ metadata }) => metadata.at('labels').strings);
    for (const { spec, namespace } of DestinationRule) {
      const subsets = spec.at('subsets').items;
      if (subsets.length === 0) continue;
      const host = fullHost(spec.at('host').string ?? '', namespace, context.clusterDomain);
      const service = registry.find(host, namespace)?.resource;
      if (!service || service.incomplete || !mayAssertNoPod(pods, service.namespace, context)) continue;
      const own = selectorOf(service);
      if (!knowsAll && (!own || !pods.hasMatching(own, service.namespace))) continue;
      for (const subset of subsets) {
        const labels = subset.at('labels');
        const wanted = { ...(service.kind === 'ServiceEntry' && own), ...labels.strings };
        if (labels.entries.length === 0 || isKnown(wanted, service)) continue;
        yield knowsAll
          ? finding(
              labels,
              l10n.t(
                'No pod has the labels {0} of subset "{1}": requests to it fail with 503. Compare them with the labels in the pod templates of {2}.',
                printLabels(labels.strings),
                subset.at('name').string ?? '',
                service.name,
              ),
            )
          : finding(
              labels,
              l10n.t(
                'No pod in these files has the labels {0} of subset "{1}". If there are none elsewhere either, requests to it fail with 503: compare them with the labels in the pod templates of {2}.',
                printLabels(labels.strings),
                subset.at('name').string ?? '',
                service.name,
              ),
              { severity: 'warning' },
            );
      }
    }

    function isKnown(wanted: Record<string, string>, service: Resource): boolean {
      const { onNode, onPod } = splitLabels(wanted);
      if (!nodesHave(onNode)) return false;
      if (pods.hasMatching(onPod)) return true;
      const endpoints = [
        ...service.spec.at('endpoints').items.map((endpoint) => endpoint.at('labels').strings),
        ...WorkloadEntry.map((entry) => entry.spec.at('labels').strings),
      ];
      return endpoints.some((labels) => matchesLabels(wanted, labels));
    }

    /** Where pods of templates will run, nobody knows yet: some node must have the labels, or no nodes are at hand. */
    function nodesHave(wanted: Record<string, string>): boolean {
      return nodes.length === 0 || nodes.some((labels) => matchesLabels(wanted, labels));
    }
  },
});

function splitLabels(labels: Record<string, string>) {
  const entries = Object.entries(labels);
  return {
    onNode: Object.fromEntries(entries.filter(([key]) => fromNodes.includes(key))),
    onPod: Object.fromEntries(entries.filter(([key]) => !fromNodes.includes(key))),
  };
}

function selectorOf({ kind, spec }: Resource): Record<string, string> | undefined {
  const selector = kind === 'Service' ? spec.at('selector') : spec.at('workloadSelector', 'labels');
  return selector.entries.length > 0 ? selector.strings : undefined;
}
