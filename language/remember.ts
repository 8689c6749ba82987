import type { Resource } from './resource.ts';

/**
 * Makes a function of a resource remember its answers: at a keystroke one resource of thousands is new, and rules that
 * compare them all ask the others the same as before. Forgotten with the resource.
 * @param compute must depend on nothing but the resource and the cluster's domain.
 */
export function rememberPerResource<T>(compute: (resource: Resource, clusterDomain: string) => T): typeof compute {
  const known = new WeakMap<Resource, { clusterDomain: string; answer: T }>();
  return (resource, clusterDomain) => {
    let entry = known.get(resource);
    if (entry?.clusterDomain !== clusterDomain) {
      entry = { clusterDomain, answer: compute(resource, clusterDomain) };
      known.set(resource, entry);
    }
    return entry.answer;
  };
}
