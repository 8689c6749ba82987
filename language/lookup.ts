import type { LiveList } from './engine/live-list.ts';
import type { PodSource, Resource } from './resource.ts';

export type Item = Resource | PodSource;

/** Under which keys an item is found. A constant of its module: it names the index. It depends on nothing but the item and the cluster's domain. */
export type KeysOf<T extends Item> = (item: T, clusterDomain: string) => Iterable<string>;

/** Items by key. */
export interface Lookup<T extends Item> {
  /** The items of a key, in the order of their files. Who asks is asked again when one of them changes in any way. */
  get(key: string): readonly T[];
  /**
   * What `tell` says of the items of a key. Who asks is asked again only when the answer changes: a namespace's label, whether
   * there is such a gateway. `tell` is a constant of its module and its answer is plain data, no place in a file.
   */
  tell<A>(key: string, tell: Tell<T, A>, about?: string): A;
  /** How many items a key has at the moment: a hint where to look first. Who asks does not depend on it. */
  count(key: string): number;
}

/** `about`: what is asked of the items, when that differs, e.g. a selector. */
export type Tell<T extends Item, A> = (items: readonly T[], about: string) => A;

/** On lists that the engine hands to rules with a `subject`: what keeps their indexes. */
export const live: unique symbol = Symbol('live');

/**
 * Finds items of a list that a rule was handed, without walking through it. Also in the list of its own subject's kind, where a walk
 * meets the subject alone, this finds all.
 */
export function lookUp<T extends Item>(
  items: readonly T[],
  keysOf: KeysOf<T>,
  { clusterDomain }: { clusterDomain: string },
): Lookup<T> {
  const list = (items as { [live]?: LiveList<T> })[live];
  return list ? list.lookUp(keysOf, clusterDomain) : plainLookup(items, keysOf, clusterDomain);
}

interface Known {
  clusterDomain: string;
  /** Of the type that its {@link KeysOf} takes. */
  lookup: unknown;
}

const plain = new WeakMap<readonly Item[], Map<unknown, Known>>();

/** For rules that are handed whole lists: the same list is sorted into keys once. */
function plainLookup<T extends Item>(items: readonly T[], keysOf: KeysOf<T>, clusterDomain: string): Lookup<T> {
  let known = plain.get(items);
  if (!known) plain.set(items, (known = new Map<unknown, Known>()));
  let entry = known.get(keysOf);
  if (entry?.clusterDomain !== clusterDomain) {
    entry = { clusterDomain, lookup: new PlainLookup(items, keysOf, clusterDomain) };
    known.set(keysOf, entry);
  }
  return entry.lookup as Lookup<T>;
}

class PlainLookup<T extends Item> implements Lookup<T> {
  private readonly groups = new Map<string, T[]>();
  private readonly answers = new Map<unknown, Map<string, unknown>>();

  constructor(items: readonly T[], keysOf: KeysOf<T>, clusterDomain: string) {
    for (const item of items) {
      for (const key of new Set(keysOf(item, clusterDomain))) {
        const group = this.groups.get(key);
        if (group) group.push(item);
        else this.groups.set(key, [item]);
      }
    }
  }

  get(key: string): readonly T[] {
    return this.groups.get(key) ?? [];
  }

  tell<A>(key: string, tell: Tell<T, A>, about = ''): A {
    const memo = `${key}\n${about}`;
    let answers = this.answers.get(tell);
    if (!answers) this.answers.set(tell, (answers = new Map()));
    if (!answers.has(memo)) answers.set(memo, tell(this.get(key), about));
    return answers.get(memo) as A;
  }

  count(key: string): number {
    return this.groups.get(key)?.length ?? 0;
  }
}
