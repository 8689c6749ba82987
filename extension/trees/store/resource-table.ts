import type { KubernetesObject } from '../../../mesh/kubernetes.ts';
import { isSameButVersion } from './share-parts.ts';

/** The objects of one kind by namespace and name; objects without a namespace are under the empty one. */
export class ResourceTable<T extends KubernetesObject> {
  readonly #byNamespace = new Map<string, Map<string, T>>();

  /**
   * Takes a whole list in the place of what was there.
   * @param within the only namespace that was listed; the others stay as they are.
   * @returns the namespaces in which anything differs from before.
   */
  replaceAll(objects: Iterable<T>, within?: string): Set<string> {
    const before = new Map(this.#byNamespace);
    const touched = new Set<string>();
    if (within === undefined) this.#byNamespace.clear();
    else this.#byNamespace.delete(within);
    for (const object of objects) this.#put(object);
    for (const namespace of new Set([...before.keys(), ...this.#byNamespace.keys()])) {
      if (differ(before.get(namespace), this.#byNamespace.get(namespace))) touched.add(namespace);
    }
    return touched;
  }

  /** @returns false when it says nothing that the held one does not say: that one then stays, with the new version. */
  set(object: T): boolean {
    const { namespace = '', name = '' } = object.metadata ?? {};
    const held = this.#byNamespace.get(namespace)?.get(name);
    if (held && isSameButVersion(held, object)) {
      const { resourceVersion } = object.metadata ?? {};
      if (held.metadata && resourceVersion !== undefined) held.metadata.resourceVersion = resourceVersion;
      return false;
    }
    this.#put(object);
    return true;
  }

  delete(object: T): void {
    const namespace = object.metadata?.namespace ?? '';
    const objects = this.#byNamespace.get(namespace);
    objects?.delete(object.metadata?.name ?? '');
    if (objects?.size === 0) this.#byNamespace.delete(namespace);
  }

  get(namespace: string, name: string): T | undefined {
    return this.#byNamespace.get(namespace)?.get(name);
  }

  in(namespace: string): Iterable<T> {
    return this.named(namespace).values();
  }

  /** Those of a namespace by their names. */
  named(namespace: string): ReadonlyMap<string, T> {
    return this.#byNamespace.get(namespace) ?? nothing;
  }

  *all(): Iterable<T> {
    for (const objects of this.#byNamespace.values()) yield* objects.values();
  }

  namespaces(): string[] {
    return [...this.#byNamespace.keys()];
  }

  #put(object: T): void {
    const { namespace = '', name = '' } = object.metadata ?? {};
    let objects = this.#byNamespace.get(namespace);
    if (!objects) this.#byNamespace.set(namespace, (objects = new Map<string, T>()));
    objects.set(name, object);
  }
}

const nothing: ReadonlyMap<string, never> = new Map<string, never>();

function differ<T extends KubernetesObject>(
  before: Map<string, T> | undefined,
  after: Map<string, T> | undefined,
): boolean {
  if (before === after) return false;
  if (before?.size !== after?.size) return true;
  for (const [name, object] of after ?? []) {
    const held = before?.get(name);
    if (held === object) continue;
    const old = held?.metadata;
    // Without a version nothing can be told: taken as changed.
    if (
      !old?.resourceVersion ||
      old.resourceVersion !== object.metadata?.resourceVersion ||
      old.uid !== object.metadata.uid
    )
      return true;
  }
  return false;
}
