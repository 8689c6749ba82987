import { matchesLabels } from '../../mesh/selectors.ts';
import type { Kind } from '../kinds.ts';
import type { Located } from '../located.ts';
import { lookUp } from '../lookup.ts';
import type { Lookup } from '../lookup.ts';
import type { PodSource, Resource } from '../resource.ts';
import type { RuleContext } from '../rule.ts';

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

const byNamespace = (pod: PodSource) => [pod.namespace];
const byLabel = (pod: PodSource) =>
  Object.entries(labelsOf(pod)).flatMap(([label, value]) => [
    `${label}=${value}`,
    `${pod.namespace} ${label}=${value}`,
  ]);
const isThere = (pods: readonly PodSource[]) => pods.length > 0;
const hasMatching = (pods: readonly PodSource[], selector: string) => {
  const wanted = JSON.parse(selector) as Labels;
  return pods.some((pod) => matchesLabels(wanted, labelsOf(pod)));
};
/** Labels are the same whatever the cluster's domain. */
const anyDomain = { clusterDomain: '' };

/** Pods by namespace and label, so that who selects some does not look through all. */
export class PodIndex {
  private readonly pods: readonly PodSource[];
  private readonly byNamespace: Lookup<PodSource>;
  private readonly byLabel: Lookup<PodSource>;

  constructor(pods: readonly PodSource[]) {
    this.pods = pods;
    this.byNamespace = lookUp(pods, byNamespace, anyDomain);
    this.byLabel = lookUp(pods, byLabel, anyDomain);
  }

  get all(): readonly PodSource[] {
    return this.pods;
  }

  in(namespace: string): readonly PodSource[] {
    return this.byNamespace.get(namespace);
  }

  /** Whether a namespace has pods at all. */
  isIn(namespace: string): boolean {
    return this.byNamespace.tell(namespace, isThere);
  }

  /** Those with all of these labels; no labels select every pod. `namespace` undefined: of all namespaces. */
  matching(wanted: Labels, namespace?: string): readonly PodSource[] {
    const key = this.rarest(wanted, namespace);
    if (key === undefined) return namespace === undefined ? this.pods : this.in(namespace);
    return this.byLabel.get(key).filter((pod) => matchesLabels(wanted, labelsOf(pod)));
  }

  /** Whether there is one with all of these labels. Who needs to know no more is not asked again when such a pod changes. */
  hasMatching(wanted: Labels, namespace?: string): boolean {
    const key = this.rarest(wanted, namespace);
    if (key === undefined) return namespace === undefined ? this.pods.length > 0 : this.isIn(namespace);
    return this.byLabel.tell(key, hasMatching, JSON.stringify(wanted));
  }

  /** Of these labels the one that the fewest pods have: all that have all of them are among those. */
  private rarest(wanted: Labels, namespace: string | undefined): string | undefined {
    let rarest: string | undefined;
    for (const [label, value] of Object.entries(wanted)) {
      const key = namespace === undefined ? `${label}=${value}` : `${namespace} ${label}=${value}`;
      if (rarest === undefined || this.byLabel.count(key) < this.byLabel.count(rarest)) rarest = key;
    }
    return rarest;
  }
}

/** Whether pods may stand in files that could not be read. */
export function podsMayBeHidden(context: RuleContext): boolean {
  return podKinds.some((kind) => context.mayBeHidden(kind));
}

/**
 * Whether "no such pod" may be said of a namespace: strict readers have all files, and a cluster lists all pods; lenient ones
 * believe it where other pods of that namespace are at hand.
 */
export function mayAssertNoPod(pods: PodIndex, namespace: string, context: RuleContext): boolean {
  if (context.knowsAll('AnyPod')) return true;
  return pods.isIn(namespace) && !podsMayBeHidden(context);
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

/** `shop/reviews, shop/ratings`; of many, the first few. */
export function printNames(resources: Iterable<Resource>): string {
  const all = [...resources];
  const names = firstFew(all).map(({ namespace, name }) => `${namespace}/${name}`);
  return names.length < all.length ? `${names.join(', ')}, …` : names.join(', ');
}

/** As many as a person looks at. */
export function firstFew<T>(all: readonly T[]): readonly T[] {
  return all.slice(0, 5);
}
