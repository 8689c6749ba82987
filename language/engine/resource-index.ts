import { podTemplatePaths } from '../kinds.ts';
import type { Kind } from '../kinds.ts';
import { findPodSource } from '../resource.ts';
import type { PodSource, Resource } from '../resource.ts';
import type { ByKind, Readable, Rule } from '../rule.ts';
import type { Item } from '../lookup.ts';
import { PlainPodSource, PlainResource } from './plain-resource.ts';
import { LiveList } from './live-list.ts';
import type { Doubts } from './reactive.ts';

export const podKinds = Object.keys(podTemplatePaths) as Kind[];
const makesPods: ReadonlySet<Kind> = new Set(podKinds);

/** Where a resource stands among all: files by name, then the cluster. */
export interface Place {
  uri: string;
  /** Among the resources of its file. */
  ordinal: number;
  /** Whether the templates of a workload count as pods: in a cluster, the pods themselves are there. */
  isPodSource: boolean;
}

/** All resources that count, by kind, in an order that depends on nothing but what is there. */
export class ResourceIndex {
  private readonly doubts: Doubts;
  private readonly places = new Map<Resource, Place>();
  private readonly lists = new Map<Readable, LiveList<Item>>();
  private readonly pods = new WeakMap<Resource, PodSource | null>();

  constructor(doubts: Doubts) {
    this.doubts = doubts;
  }

  add(resource: Resource, place: Place): void {
    this.places.set(resource, place);
    this.list(resource.kind).add(resource);
    const pod = place.isPodSource ? this.podSourceOf(resource) : undefined;
    if (pod) this.list('AnyPod').add(pod);
  }

  remove(resource: Resource): void {
    const place = this.places.get(resource);
    if (!place) return;
    this.list(resource.kind).remove(resource);
    const pod = place.isPodSource ? this.podSourceOf(resource) : undefined;
    if (pod) this.list('AnyPod').remove(pod);
    this.places.delete(resource);
  }

  has(resource: Resource): boolean {
    return this.places.has(resource);
  }

  /** The file it stands in, or its address in the cluster; empty for one that is not here. */
  uriOf(resource: Resource): string {
    return this.places.get(resource)?.uri ?? '';
  }

  /** Its number among the resources of its file, when others came or went before it. */
  move(resource: Resource, ordinal: number): void {
    const place = this.places.get(resource);
    if (place) place.ordinal = ordinal;
  }

  all(): Iterable<Resource> {
    return this.places.keys();
  }

  podSourceOf(resource: Resource): PodSource | undefined {
    if (!makesPods.has(resource.kind)) return undefined;
    let source = this.pods.get(resource);
    if (source === undefined) this.pods.set(resource, (source = podSourceOf(resource) ?? null));
    return source ?? undefined;
  }

  /** Whole lists, for rules that compare everything with everything. */
  everything(reads: Rule['reads']): ByKind {
    return byKind(reads, (read) => this.list(read).handle);
  }

  /** What rules are handed of one resource to judge, and of everything else to look up. */
  about(resource: Resource): (rule: Rule) => ByKind {
    const own = new Map<Readable, readonly Item[]>();
    const only = (read: Readable): readonly Item[] => {
      let list = own.get(read);
      if (!list) own.set(read, (list = this.only(resource, read)));
      return list;
    };
    return ({ reads, subject }) =>
      byKind(reads, (read) => (subject?.includes(read) ? only(read) : this.list(read).handle));
  }

  private only(resource: Resource, read: Readable): readonly Item[] {
    const item = read === 'AnyPod' ? this.podSourceOf(resource) : resource.kind === read ? resource : undefined;
    const list = this.list(read);
    return item ? list.only(item) : list.only();
  }

  private list(read: Readable): LiveList<Item> {
    let list = this.lists.get(read);
    if (!list) this.lists.set(read, (list = new LiveList<Item>(this.inOrder, this.doubts)));
    return list;
  }

  private readonly inOrder = (a: Item, b: Item): number => {
    const [one, other] = [this.places.get(resourceOf(a))!, this.places.get(resourceOf(b))!];
    if (one.uri === other.uri) return one.ordinal - other.ordinal;
    const isBehind = Number(isClusterUri(one.uri)) - Number(isClusterUri(other.uri));
    return isBehind || (one.uri < other.uri ? -1 : 1);
  };
}

function podSourceOf(resource: Resource): PodSource | undefined {
  const path = podTemplatePaths[resource.kind];
  return resource instanceof PlainResource && path ? new PlainPodSource(resource, path) : findPodSource(resource);
}

/** Whether this is the address of something in the cluster: no editor can open it. */
export function isClusterUri(uri: string): boolean {
  return uri.startsWith('cluster:');
}

function resourceOf(item: Item): Resource {
  return 'resource' in item ? item.resource : item;
}

function byKind(reads: Rule['reads'], listOf: (read: Readable) => readonly Item[]): ByKind {
  const lists: Partial<Record<Readable, readonly Item[]>> = {};
  for (const read of reads) lists[read] = listOf(read);
  return lists as ByKind;
}
