import type { Resource } from '../resource.ts';

/**
 * Whether two resources can be in a cluster side by side. A folder may hold one twice (an overlay for each environment): such
 * copies do not contradict each other.
 */
export function isOther(one: Resource, other: Resource): boolean {
  if (one === other) return false;
  return one.name === '' || one.name !== other.name || one.namespace !== other.namespace || one.kind !== other.kind;
}
