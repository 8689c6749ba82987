import { matchesLabels } from '../../mesh/selectors.ts';
import type { Kind } from '../kinds.ts';
import type { Located } from '../located.ts';
import type { PodSource, Resource } from '../resource.ts';
import type { RuleContext } from '../rule.ts';
import { groupBy } from './group-by.ts';

type Labels = Record<string, string>;

const podKinds: readonly Kind[] = [
  'Pod',
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ReplicationController',
  'Job',
  'CronJob',
];
const knownLabels = new WeakMap<PodSource, Labels>();

/** The labels a pod will have. */
export function labelsOf(pod: PodSource): Labels {
  let labels = knownLabels.get(pod);
  if (!labels) knownLabels.set(pod, (labels = pod.metadata.at('labels').strings));
  return labels;
}

/** Pods by namespace, so that who selects some does not look through all. */
export class PodIndex {
  readonly all: readonly PodSource[];
  private byNamespace: Map<string, PodSource[]> | undefined;

  constructor(pods: readonly PodSource[]) {
    this.all = pods;
  }

  in(namespace: string): readonly PodSource[] {
    this.byNamespace ??= groupBy(this.all, (pod) => pod.namespace);
    return this.byNamespace.get(namespace) ?? [];
  }

  /** Those with all of these labels; no labels select every pod. `namespace` undefined: of all namespaces. */
  matching(wanted: Labels, namespace?: string): readonly PodSource[] {
    const pods = namespace === undefined ? this.all : this.in(namespace);
    return pods.filter((pod) => matchesLabels(wanted, labelsOf(pod)));
  }
}

/** Whether pods may stand in files that could not be read. */
export function podsMayBeHidden(context: RuleContext): boolean {
  return podKinds.some((kind) => context.mayBeHidden(kind));
}

/**
 * Whether "no such pod" may be said of a namespace: strict readers have all files; lenient ones believe it where other pods
 * of that namespace are at hand.
 */
export function mayAssertNoPod(pods: PodIndex, namespace: string, context: RuleContext): boolean {
  if (context.strictness === 'strict') return true;
  return pods.in(namespace).length > 0 && !podsMayBeHidden(context);
}

/** `app=reviews,version=v1`, as a selector is written on a command line. */
export function printLabels(labels: Labels): string {
  return Object.keys(labels)
    .sort()
    .map((key) => `${key}=${labels[key]}`)
    .join(',');
}

/** The labels of a selector, if it has any. */
export function selectorLabels(selector: Located): Labels | undefined {
  return selector.entries.length > 0 ? selector.strings : undefined;
}

/** `shop/reviews, shop/ratings` */
export function printNames(resources: Iterable<Resource>): string {
  return [...resources].map(({ namespace, name }) => `${namespace}/${name}`).join(', ');
}
