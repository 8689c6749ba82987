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
  private byLabel: Map<string, PodSource[]> | undefined;
  private readonly bySelector = new Map<string, readonly PodSource[]>();

  constructor(pods: readonly PodSource[]) {
    this.all = pods;
  }

  in(namespace: string): readonly PodSource[] {
    this.byNamespace ??= groupBy(this.all, (pod) => pod.namespace);
    return this.byNamespace.get(namespace) ?? [];
  }

  /** Those with all of these labels; no labels select every pod. `namespace` undefined: of all namespaces. */
  matching(wanted: Labels, namespace?: string): readonly PodSource[] {
    // Many resources say the same selector.
    const key = `${namespace ?? '*'} ${printLabels(wanted)}`;
    let found = this.bySelector.get(key);
    if (!found) {
      const pods = namespace === undefined ? this.candidates(wanted) : this.in(namespace);
      this.bySelector.set(key, (found = pods.filter((pod) => matchesLabels(wanted, labelsOf(pod)))));
    }
    return found;
  }

  /** The pods with the rarest of these labels: all that can have all of them. */
  private candidates(wanted: Labels): readonly PodSource[] {
    if (!this.byLabel) {
      this.byLabel = new Map();
      for (const pod of this.all) {
        for (const [label, value] of Object.entries(labelsOf(pod))) {
          const known = this.byLabel.get(`${label}=${value}`);
          if (known) known.push(pod);
          else this.byLabel.set(`${label}=${value}`, [pod]);
        }
      }
    }
    let rarest = this.all;
    for (const [label, value] of Object.entries(wanted)) {
      const pods = this.byLabel.get(`${label}=${value}`) ?? [];
      if (pods.length < rarest.length) rarest = pods;
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
