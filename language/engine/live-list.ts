import { live } from '../lookup.ts';
import type { Item, KeysOf, Lookup, Tell } from '../lookup.ts';
import { Answer, Cell } from './reactive.ts';
import type { Doubts } from './reactive.ts';

/** All items of a kind, kept through edits: as a whole in the order of their files, and by the keys that rules ask for. */
export class LiveList<T extends Item> {
  /** To be handed to a rule: whoever walks through it depends on everything in it, whoever looks up depends on what was found. */
  readonly handle: readonly T[] = this.makeHandle();
  private readonly inOrder: (a: T, b: T) => number;
  private readonly doubts: Doubts;
  private readonly cell = new Cell();
  private readonly members = new Set<T>();
  private sorted: readonly T[] = [];
  /** Since it was sorted last. */
  private readonly cameSince = new Set<T>();
  private hasLost = false;
  private readonly indexes = new Map<KeysOf<T>, LiveIndex<T>>();

  constructor(inOrder: (a: T, b: T) => number, doubts: Doubts) {
    this.inOrder = inOrder;
    this.doubts = doubts;
  }

  add(item: T): void {
    this.members.add(item);
    this.cameSince.add(item);
    for (const index of this.indexes.values()) index.add(item);
    this.cell.changed();
  }

  remove(item: T): void {
    if (!this.members.delete(item)) return;
    if (!this.cameSince.delete(item)) this.hasLost = true;
    for (const index of this.indexes.values()) index.remove(item);
    this.cell.changed();
  }

  /** In the order of their files, so that what is "first" does not depend on who was opened first. A new array after every change. */
  items(): readonly T[] {
    this.cell.read();
    if (this.cameSince.size > fewChanges) this.sorted = [...this.members].sort(this.inOrder);
    else if (this.hasLost || this.cameSince.size > 0) {
      const kept = this.sorted.filter((item) => this.members.has(item) && !this.cameSince.has(item));
      for (const item of this.cameSince) insert(item, kept, this.inOrder);
      this.sorted = kept;
    }
    this.hasLost = false;
    this.cameSince.clear();
    return this.sorted;
  }

  /** A list to walk through that holds these alone; look-ups in it find all. */
  only(...items: T[]): readonly T[] {
    return Object.assign(items, { [live]: this });
  }

  lookUp(keysOf: KeysOf<T>, clusterDomain: string): Lookup<T> {
    let index = this.indexes.get(keysOf);
    if (!index) {
      this.indexes.set(keysOf, (index = new LiveIndex(keysOf, clusterDomain, this.inOrder, this.doubts)));
      index.addAll(this.members);
    }
    return index;
  }

  private makeHandle(): readonly T[] {
    const items = () => this.items();
    return new Proxy<T[]>([], {
      get: (_, property) => {
        if (property === live) return this;
        const all = items();
        const value: unknown = Reflect.get(all, property, all);
        return typeof value === 'function' ? (value.bind(all) as unknown) : value;
      },
      // Asked by flat(), flatMap() and concat().
      has: (_, property) => property === live || Reflect.has(items(), property),
    });
  }
}

/** Above this, sorting anew is sooner done than finding the place of each. */
const fewChanges = 50;

/** Puts an item at its place in a sorted list. */
function insert<T>(item: T, sorted: T[], inOrder: (a: T, b: T) => number): void {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (inOrder(sorted[middle]!, item) <= 0) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, item);
}

interface Group<T> {
  items: T[];
  isSorted: boolean;
  cell: Cell;
  /** By who tells, and about what. */
  answers: Map<unknown, Map<string, Answer<unknown>>> | undefined;
}

class LiveIndex<T extends Item> implements Lookup<T> {
  private readonly keysOf: KeysOf<T>;
  private readonly clusterDomain: string;
  private readonly inOrder: (a: T, b: T) => number;
  private readonly doubts: Doubts;
  private readonly groups = new Map<string, Group<T>>();

  constructor(keysOf: KeysOf<T>, clusterDomain: string, inOrder: (a: T, b: T) => number, doubts: Doubts) {
    this.keysOf = keysOf;
    this.clusterDomain = clusterDomain;
    this.inOrder = inOrder;
    this.doubts = doubts;
  }

  add(item: T): void {
    for (const key of new Set(this.keysOf(item, this.clusterDomain))) {
      const group = this.group(key);
      if (group.isSorted) insert(item, group.items, this.inOrder);
      else group.items.push(item);
      group.cell.changed();
    }
  }

  /** Many at once: each group is sorted when it is first asked for. */
  addAll(items: Iterable<T>): void {
    for (const item of items) {
      for (const key of new Set(this.keysOf(item, this.clusterDomain))) {
        const group = this.group(key);
        group.items.push(item);
        group.isSorted = false;
      }
    }
  }

  remove(item: T): void {
    for (const key of new Set(this.keysOf(item, this.clusterDomain))) {
      const group = this.group(key);
      group.items.splice(group.items.indexOf(item), 1);
      group.cell.changed();
      if (group.items.length === 0 && !group.answers) this.groups.delete(key);
    }
  }

  get(key: string): readonly T[] {
    const group = this.group(key);
    group.cell.read();
    return this.inOrderOf(group);
  }

  tell<A>(key: string, tell: Tell<T, A>, about = ''): A {
    const group = this.group(key);
    group.answers ??= new Map();
    let answers = group.answers.get(tell);
    if (!answers) group.answers.set(tell, (answers = new Map()));
    let answer = answers.get(about);
    if (!answer) {
      answer = new Answer<unknown>(this.doubts, () => {
        group.cell.read();
        return tell(this.inOrderOf(group), about);
      });
      answers.set(about, answer);
    }
    return answer.get() as A;
  }

  count(key: string): number {
    return this.groups.get(key)?.items.length ?? 0;
  }

  private inOrderOf(group: Group<T>): readonly T[] {
    if (!group.isSorted) group.items.sort(this.inOrder);
    group.isSorted = true;
    return group.items;
  }

  private group(key: string): Group<T> {
    let group = this.groups.get(key);
    if (!group) this.groups.set(key, (group = { items: [], isSorted: true, cell: new Cell(), answers: undefined }));
    return group;
  }
}
