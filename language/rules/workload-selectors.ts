import * as l10n from '@vscode/l10n';
import type { Finding } from '../finding.ts';
import type { Located } from '../located.ts';
import type { PodSource, Resource } from '../resource.ts';
import { finding } from '../rule.ts';
import type { RuleContext } from '../rule.ts';
import { groupBy } from './group-by.ts';
import { labelsOf, mayAssertNoPod, printLabels, printNames, selectorLabels } from './pods.ts';
import type { PodIndex } from './pods.ts';
import { matchesLabels } from '../../mesh/selectors.ts';

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

/** Those of one namespace that select a pod which another of them selects, each with its rivals and one such pod. */
export function* findRivals(
  all: readonly Selecting[],
  pods: PodIndex,
  counts: (pod: PodSource) => boolean = () => true,
): Iterable<{ one: Selecting; rivals: Selecting[]; pod: PodSource }> {
  for (const [namespace, group] of groupBy(all, ({ resource }) => resource.namespace)) {
    if (group.length < 2) continue;
    const candidates = pods.in(namespace).filter(counts);
    for (const one of group) {
      const selected = candidates.filter((pod) => matchesLabels(one.labels, labelsOf(pod)));
      const shared = selected.find((pod) => group.some((other) => other !== one && selects(other, pod)));
      if (!shared) continue;
      const rivals = group.filter((other) => other !== one && selected.some((pod) => selects(other, pod)));
      yield { one, rivals, pod: shared };
    }
  }
}

function selects({ labels }: Selecting, pod: PodSource): boolean {
  return matchesLabels(labels, labelsOf(pod));
}

/** IST0101 for those that select no pod of their namespace, where that may be said. */
export function* findSelectingNobody(
  all: readonly Selecting[],
  pods: PodIndex,
  context: RuleContext,
): Iterable<Finding> {
  for (const { resource, at, labels } of all) {
    const { namespace, name } = resource;
    if (!mayAssertNoPod(pods, namespace, context) || pods.matching(labels, namespace).length > 0) continue;
    const message = l10n.t(
      'No pod of namespace {0} has the labels {1}: {2} applies to nothing. Compare them with the labels in the pod templates.',
      namespace,
      printLabels(labels),
      name,
    );
    yield finding(at, message, { refType: 'selector' });
  }
}

/** Those without selector that share a namespace with another one, each with the others. */
export function* findSeveralWithoutSelector(
  resources: readonly Resource[],
  field: string,
): Iterable<{ one: Resource; others: Resource[]; names: string }> {
  const without = resources.filter(({ spec, incomplete }) => !incomplete && !spec.at(field).isSet);
  for (const group of groupBy(without, ({ namespace }) => namespace).values()) {
    if (group.length < 2) continue;
    for (const one of group) {
      const others = group.filter((other) => other !== one);
      yield { one, others, names: printNames(others) };
    }
  }
}
