import * as l10n from '@vscode/l10n';
import type { PodSource, Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import type { RuleContext } from '../../rule.ts';
import { isAmbient, isInMesh, namespaceLabel, namespacesByName } from '../in-mesh.ts';
import { labelsOf, mayAssertNoPod, PodIndex, podsMayBeHidden, printLabels, selectorLabels } from '../pods.ts';

/** Proxies enforce policies: a pod without one, or a policy without pods, protects nothing. */
export const noWorkloads = defineRule({
  id: 'authorization-policy/no-workloads',
  code: 'IST0127',
  severity: 'warning',
  docs: istioDocs('IST0127'),
  why: 'An AuthorizationPolicy that applies to no pod of the mesh protects nothing. In lenient mode it is reported only where pods of its namespace are at hand, and pods of a namespace that is not count as in the mesh.',
  reads: ['AuthorizationPolicy', 'AnyPod', 'Namespace'],
  subject: ['AuthorizationPolicy'],
  *check({ AuthorizationPolicy, AnyPod, Namespace }, context) {
    if (AuthorizationPolicy.length === 0) return;
    const namespaces = namespacesByName(Namespace);
    const pods = new PodIndex(AnyPod);
    const knowsAll = context.knowsAll('AnyPod');
    const counts = (pod: PodSource) => {
      const home = namespaces.get(pod.namespace);
      return (!home && !context.knowsAll('Namespace')) || isMember(pod, home, context);
    };
    for (const { spec, metadata, namespace, name } of AuthorizationPolicy) {
      if (['targetRef', 'targetRefs'].some((field) => spec.at(field).isSet)) continue;
      const isMeshWide = namespace === context.rootNamespace;
      const selector = spec.at('selector', 'matchLabels');
      const labels = selectorLabels(selector);
      if (isMeshWide ? !labels : false) continue;
      if (isMeshWide ? !context.knowsAll('AnyPod') : !mayAssertNoPod(pods, namespace, context)) continue;
      if (podsMayBeHidden(context)) continue;
      if (pods.matching(labels ?? {}, isMeshWide ? undefined : namespace).some(counts)) continue;
      yield finding(labels ? selector : metadata.at('name'), describe(labels, { namespace, name }, knowsAll));
    }
  },
});

function describe(
  labels: Record<string, string> | undefined,
  { namespace, name }: { namespace: string; name: string },
  knowsAll: boolean,
): string {
  if (!labels) return l10n.t('Namespace {0} has no pod of the mesh: policy {1} protects nothing.', namespace, name);
  return knowsAll
    ? l10n.t(
        'No pod of the mesh has the labels {0}: policy {1} protects nothing. Compare them with the labels in the pod templates, and whether those pods get a proxy.',
        printLabels(labels),
        name,
      )
    : l10n.t(
        'No pod of the mesh in these files has the labels {0}. If there is none elsewhere either, policy {1} protects nothing: compare them with the labels in the pod templates, and whether those pods get a proxy.',
        printLabels(labels),
        name,
      );
}

/**
 * What will get its proxy from a revision is a member, too, once it runs. Istio does not look at revisions, and a Pod is for the
 * strict what it is: there as written.
 */
function isMember(pod: PodSource, namespace: Resource | undefined, { strictness }: RuleContext): boolean {
  if (isInMesh(pod, namespace) || isAmbient(pod, namespace)) return true;
  if (strictness === 'strict' && pod.resource.kind === 'Pod') return false;
  return (
    namespaceLabel(namespace, 'istio.io/rev') !== undefined && labelsOf(pod)['sidecar.istio.io/inject'] !== 'false'
  );
}
