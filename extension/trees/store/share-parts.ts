import type { KubernetesObject } from '../../../mesh/kubernetes.ts';

/** Deeper than any object of Kubernetes; who nests on purpose shares nothing below. */
const deepest = 40;

/**
 * What came, with every part taken from what is held already where the two are equal. Ten thousand pods of a few hundred
 * templates are then held once each, and a part that did not change is the very same one: who computed something from it
 * sees at a glance that nothing is to do.
 * @param held another object of the kind: the same one as it was before, or its sibling. It stays as it is.
 * @param came is written to.
 * @returns `held` itself when the two are equal in everything.
 */
export function sharePartsOf<T>(held: unknown, came: T, depth = 0): T {
  if (held === came || typeof came !== 'object' || typeof held !== 'object' || held === null || came === null)
    return came;
  if (depth > deepest || Array.isArray(held) !== Array.isArray(came)) return came;
  const [before, after] = [held as Record<string, unknown>, came as Record<string, unknown>];
  const [keys, oldKeys] = [Object.keys(after), Object.keys(before)];
  let isEqual = keys.length === oldKeys.length;
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at]!;
    // Mostly the same keys in the same order; what an object inherits is not its own.
    const old = oldKeys[at] === key || Object.hasOwn(before, key) ? before[key] : undefined;
    const now = after[key];
    if (old === now) {
      // Equal texts are two in memory.
      if (typeof now === 'string' && now.length > shortest) after[key] = old;
      continue;
    }
    const shared = sharePartsOf(old, now, depth + 1);
    if (shared === old) after[key] = shared;
    else isEqual = false;
  }
  return isEqual ? (held as T) : came;
}

/** The engine keeps short texts of JSON once by itself. */
const shortest = 10;

/**
 * Whether an object came again that says nothing new: a node's heartbeat, or something that is not kept of it. It has then
 * gone through {@link sharePartsOf}, so that equal parts are the same.
 */
export function isSameButVersion(held: KubernetesObject, came: KubernetesObject): boolean {
  return isSame(held, came, 'metadata') && isSame(held.metadata ?? {}, came.metadata ?? {}, 'resourceVersion');
}

/** Whether all properties are the very same, but for one. */
function isSame(a: object, b: object, except: string): boolean {
  const keys = Object.keys(b);
  if (keys.length !== Object.keys(a).length) return false;
  return keys.every((key) => key === except || (a as Loose)[key] === (b as Loose)[key]);
}

type Loose = Record<string, unknown>;

/** More are not remembered at a time. */
const mostSiblings = 500;

/** Finds, for an object that has just come, one that is made of the same parts: of the same owner, about the same thing. */
export class Siblings {
  readonly #latest = new Map<string, KubernetesObject>();

  /** @returns the object that came, with the parts of its sibling. */
  share<T extends KubernetesObject>(came: T): T {
    const key = familyOf(came);
    const sibling = this.#latest.get(key);
    const shared = sibling ? sharePartsOf(sibling, came) : came;
    // Lists are in the order of names, and names begin with the owner's: only few families are met at a time.
    if (this.#latest.size >= mostSiblings) this.#latest.clear();
    this.#latest.set(key, shared);
    return shared;
  }
}

function familyOf(object: KubernetesObject & { involvedObject?: { uid?: string } }): string {
  const { ownerReferences } = object.metadata ?? {};
  const owner = Array.isArray(ownerReferences) ? ownerReferences[0]?.uid : undefined;
  return owner ?? object.involvedObject?.uid ?? object.kind ?? '';
}
