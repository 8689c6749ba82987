import type { ClusterChange, ClusterReference, PlainObject } from '../../contract/cluster-layer.ts';
import { isSameButVersion, sharePartsOf } from '../trees/store/share-parts.ts';

/** The objects that lie under the files, and what changed about them since it was last told. */
export class LayerObjects {
  /** By kind (`apps/Deployment`), then by namespace and name. */
  readonly #kinds = new Map<string, Map<string, PlainObject>>();
  #changed = new Map<PlainObject, true>();
  #removed = new Map<string, ClusterReference>();

  get size(): number {
    return [...this.#kinds.values()].reduce((sum, objects) => sum + objects.size, 0);
  }

  /**
   * Takes a list in the place of all that was there of the kind.
   * @param within the only namespace that was listed; the others stay as they are.
   */
  replace(kind: string, objects: Iterable<PlainObject>, within?: string): void {
    const gone = new Set(this.#in(kind).keys());
    if (within !== undefined) for (const key of gone) if (!key.startsWith(`${within}/`)) gone.delete(key);
    for (const object of objects) {
      gone.delete(keyOf(object));
      this.put(kind, object);
    }
    for (const key of gone) this.remove(kind, this.#in(kind).get(key)!);
  }

  /** Nothing has changed when it says nothing that the held one does not say. @param came is written to. */
  put(kind: string, came: PlainObject): void {
    const key = keyOf(came);
    const objects = this.#in(kind);
    const before = objects.get(key);
    const object = before ? sharePartsOf(before, came) : came;
    if (before && (before === object || isSameVersion(before, object) || isSameButVersion(before, object))) return;
    objects.set(key, object);
    if (before) this.#changed.delete(before);
    this.#changed.set(object, true);
    this.#removed.delete(`${kind} ${key}`);
  }

  remove(kind: string, object: PlainObject): void {
    const key = keyOf(object);
    const before = this.#in(kind).get(key);
    if (!before) return;
    this.#in(kind).delete(key);
    this.#changed.delete(before);
    this.#removed.set(`${kind} ${key}`, referenceTo(before));
  }

  /** What is new since the last time; undefined when nothing is. */
  takeChange(): ClusterChange | undefined {
    if (this.#changed.size === 0 && this.#removed.size === 0) return undefined;
    const change = { changed: [...this.#changed.keys()], removed: [...this.#removed.values()] };
    this.#changed = new Map();
    this.#removed = new Map();
    return change;
  }

  all(): PlainObject[] {
    return [...this.#kinds.values()].flatMap((objects) => [...objects.values()]);
  }

  clear(): void {
    this.#kinds.clear();
    this.#changed = new Map();
    this.#removed = new Map();
  }

  #in(kind: string): Map<string, PlainObject> {
    let objects = this.#kinds.get(kind);
    if (!objects) this.#kinds.set(kind, (objects = new Map()));
    return objects;
  }
}

interface Metadata {
  name?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
}

function metadataOf(object: PlainObject): Metadata {
  return (object['metadata'] ?? {}) as Metadata;
}

function keyOf(object: PlainObject): string {
  const { name = '', namespace = '' } = metadataOf(object);
  return `${namespace}/${name}`;
}

/** Without a version nothing can be told: taken as another. */
function isSameVersion(a: PlainObject, b: PlainObject): boolean {
  const { uid, resourceVersion } = metadataOf(a);
  return (
    resourceVersion !== undefined && resourceVersion === metadataOf(b).resourceVersion && uid === metadataOf(b).uid
  );
}

function referenceTo(object: PlainObject): ClusterReference {
  const { name = '', namespace = '' } = metadataOf(object);
  return { apiVersion: String(object['apiVersion']), kind: String(object['kind']), namespace, name };
}
