import type { ApiObject } from './api-object.ts';
import type { ApiResource } from './api-resources.ts';

/** One write, as a watch tells it. */
export interface Change {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  revision: number;
  resource: ApiResource;
  object: ApiObject;
  /** What stood there before; absent for ADDED. */
  previous?: ApiObject;
}

/**
 * All objects and the last changes to them. One counter for all kinds, as in etcd: every write takes the next number, and
 * the object carries it as its `resourceVersion`. The past is what a watch can still ask for and what keeps the pages of
 * one list from showing two different moments.
 */
export class ApiStore {
  readonly #objects = new Map<string, Map<string, ApiObject>>();
  /** Lists in order, until the next write to the objects that they show. */
  readonly #sorted = new WeakMap<Map<string, ApiObject>, ApiObject[]>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #remember: number;
  #changes: Change[] = [];
  /** Nothing is known about what happened up to here. */
  #forgotten: number;
  #revision: number;

  /** @param remember how many changes back a watch may begin. */
  constructor(revision: number, remember: number) {
    this.#revision = revision;
    this.#forgotten = revision;
    this.#remember = remember;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Puts a recorded object in as it is: it was there before the server began. */
  load(resource: ApiResource, object: ApiObject): void {
    this.#of(resource).set(keyOf(object.metadata.namespace, object.metadata.name), object);
  }

  get(resource: ApiResource, namespace: string | undefined, name: string): ApiObject | undefined {
    return this.#of(resource).get(keyOf(namespace, name));
  }

  /** In no order: for who looks at everything, often. */
  each(resource: ApiResource): Iterable<ApiObject> {
    return this.#of(resource).values();
  }

  /** In the order of namespace and name; of all namespaces without one. */
  list(resource: ApiResource, namespace?: string): readonly ApiObject[] {
    const objects = this.#of(resource);
    let sorted = this.#sorted.get(objects);
    if (!sorted) this.#sorted.set(objects, (sorted = inOrder(objects)));
    return within(sorted, namespace);
  }

  /** The list as it was at that revision; `undefined` when that is further back than the store remembers. */
  listAt(resource: ApiResource, namespace: string | undefined, revision: number): readonly ApiObject[] | undefined {
    const later = this.changesAfter(revision);
    if (!later) return undefined;
    const mine = later.filter((change) => change.resource === resource);
    if (mine.length === 0) return this.list(resource, namespace);
    const objects = new Map(this.#of(resource));
    for (const change of mine.toReversed()) {
      const key = keyOf(change.object.metadata.namespace, change.object.metadata.name);
      if (change.previous) objects.set(key, change.previous);
      else objects.delete(key);
    }
    return within(inOrder(objects), namespace);
  }

  /** `undefined` when that is further back than the store remembers. */
  changesAfter(revision: number): Change[] | undefined {
    return revision < this.#forgotten ? undefined : this.#changes.filter((change) => change.revision > revision);
  }

  /** Creates or replaces. @returns the object as stored, with its new resourceVersion. */
  put(resource: ApiResource, object: ApiObject): ApiObject {
    const revision = this.#revision + 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
    const objects = this.#of(resource);
    const key = keyOf(stored.metadata.namespace, stored.metadata.name);
    const previous = objects.get(key);
    objects.set(key, stored);
    this.#sorted.delete(objects);
    this.#record({
      type: previous ? 'MODIFIED' : 'ADDED',
      revision,
      resource,
      object: stored,
      ...(previous && { previous }),
    });
    return stored;
  }

  /** @returns the object as it was last, with the resourceVersion of its deletion; `undefined` when it was not there. */
  remove(resource: ApiResource, namespace: string | undefined, name: string): ApiObject | undefined {
    const objects = this.#of(resource);
    const previous = objects.get(keyOf(namespace, name));
    if (!previous) return undefined;
    objects.delete(keyOf(namespace, name));
    this.#sorted.delete(objects);
    const revision = this.#revision + 1;
    const object = { ...previous, metadata: { ...previous.metadata, resourceVersion: String(revision) } };
    this.#record({ type: 'DELETED', revision, resource, object, previous });
    return object;
  }

  /** @returns the function that ends it. A listener may write; it hears of that after all others heard of this. */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  readonly #undelivered: Change[] = [];
  #delivering = false;

  #record(change: Change): void {
    this.#revision = change.revision;
    this.#changes.push(change);
    if (this.#changes.length > 2 * this.#remember) {
      this.#changes = this.#changes.slice(-this.#remember);
      this.#forgotten = this.#changes[0]!.revision - 1;
    }
    this.#undelivered.push(change);
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (let next = this.#undelivered.shift(); next; next = this.#undelivered.shift()) {
        for (const listener of [...this.#listeners]) listener(next);
      }
    } finally {
      this.#delivering = false;
    }
  }

  #of(resource: ApiResource): Map<string, ApiObject> {
    const key = `${resource.group}/${resource.plural}`;
    let objects = this.#objects.get(key);
    if (!objects) this.#objects.set(key, (objects = new Map()));
    return objects;
  }
}

/** A slash cannot stand in either part, and sorts before every character that can. */
export function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

function inOrder(objects: Map<string, ApiObject>): ApiObject[] {
  const entries = [...objects].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return entries.map(([, object]) => object);
}

function within(objects: readonly ApiObject[], namespace: string | undefined): readonly ApiObject[] {
  return namespace === undefined ? objects : objects.filter(({ metadata }) => metadata.namespace === namespace);
}
