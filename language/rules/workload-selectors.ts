import * as l10n from '@vscode/l10n';
import type { Finding } from '../finding.ts';
import type { Located } from '../located.ts';
import { lookUp } from '../lookup.ts';
import type { PodSource, Resource } from '../resource.ts';
import { finding } from '../rule.ts';
import type { RuleContext } from '../rule.ts';
import { labelsOf, mayAssertNoPod, printLabels, printNames, selectorLabels } from './pods.ts';
import type { PodIndex } from './pods.ts';
import { matchesLabels } from '../../mesh/selectors.ts';
import { isOther } from './other.ts';

/** A resource that picks pods of its namespace by labels. */
export interface Selecting {
  resource: Resource;
  /** The map of labels. */
  at: Located;
  labels: Record<string, string>;
}

/** Those that say whom they select, with the place where each says it. */
export function selecting(resources: readonly Resource[], path: readonly string[]): Selecting[] {
  return resources.flatMap((resource) => {
    const at = resource.spec.at(...path);
    const labels = selectorLabels(at);
    return labels && !resource.incomplete ? [{ resource, at, labels }] : [];
  });
}

const byNamespace = ({ namespace }: Resource) => [namespace];
const anyDomain = { clusterDomain: '' };

/** Those that select a pod which another one of their namespace selects, each with its rivals and one such pod. */
export function* findRivals(
  resources: readonly Resource[],
  path: readonly string[],
  pods: PodIndex,
  counts: (pod: PodSource) => boolean = () => true,
): Iterable<{ one: Selecting; rivals: Selecting[]; pod: PodSource }> {
  const neighbours = lookUp(resources, byNamespace, anyDomain);
  for (const one of selecting(resources, path)) {
    const { namespace } = one.resource;
    const others = selecting(
      neighbours.get(namespace).filter((other) => isOther(one.resource, other)),
      path,
    );
    if (others.length === 0) continue;
    const selected = pods.matching(one.labels, namespace).filter(counts);
    const pod = selected.find((candidate) => others.some((other) => selects(other, candidate)));
    if (!pod) continue;
    yield { one, rivals: others.filter((other) => selected.some((candidate) => selects(other, candidate))), pod };
  }
}

function selects({ labels }: Selecting, pod: PodSource): boolean {
  return matchesLabels(labels, labelsOf(pod));
}

/** IST0101 for those that select no pod of their namespace, where that may be said: a warning while there may be pods elsewhere. */
export function* findSelectingNobody(
  all: readonly Selecting[],
  pods: PodIndex,
  context: RuleContext,
): Iterable<Finding> {
  const knowsAll = context.knowsAll('AnyPod');
  for (const { resource, at, labels } of all) {
    const { namespace, name } = resource;
    if (!mayAssertNoPod(pods, namespace, context) || pods.hasMatching(labels, namespace)) continue;
    const args = [namespace, printLabels(labels), name];
    const message = knowsAll
      ? l10n.t(
          'No pod of namespace {0} has the labels {1}: {2} applies to nothing. Compare them with the labels in the pod templates.',
          ...args,
        )
      : l10n.t(
          'No pod of namespace {0} in these files has the labels {1}. If there is none elsewhere either, {2} applies to nothing: compare them with the labels in the pod templates.',
          ...args,
        );
    yield finding(at, message, { refType: 'selector', ...(!knowsAll && { severity: 'warning' }) });
  }
}

/** Those without selector that share a namespace with another one, each with the others. */
export function* findSeveralWithoutSelector(
  resources: readonly Resource[],
  field: string,
): Iterable<{ one: Resource; others: Resource[]; names: string }> {
  const neighbours = lookUp(resources, byNamespace, anyDomain);
  const isDefault = ({ spec, incomplete }: Resource) => !incomplete && !spec.at(field).isSet;
  for (const one of resources) {
    if (!isDefault(one)) continue;
    const others = neighbours.get(one.namespace).filter((other) => isOther(one, other) && isDefault(other));
    if (others.length > 0) yield { one, others, names: printNames(others) };
  }
}
