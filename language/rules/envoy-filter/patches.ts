import type { Located } from '../../located.ts';
import type { Resource } from '../../resource.ts';

/** One entry of `configPatches`. */
export interface Patch {
  applyTo: string;
  operation: Located;
  /** The filter it adds or changes. */
  filter: string;
  hasProxyVersion: boolean;
}

export function patchesOf({ spec }: Resource): Patch[] {
  return spec.at('configPatches').items.map((patch) => {
    const matched = patch.at('match', 'listener', 'filterChain', 'filter');
    return {
      applyTo: patch.at('applyTo').string ?? '',
      operation: patch.at('patch', 'operation'),
      filter:
        patch.at('patch', 'value', 'name').string ??
        matched.at('subFilter', 'name').string ??
        matched.at('name').string ??
        '',
      hasProxyVersion: Boolean(patch.at('match', 'proxy', 'proxyVersion').string),
    };
  });
}

/** A patch whose outcome depends on what other patches did before, while nothing says which comes first. */
export function isRelative({ spec }: Resource, { operation }: Patch): boolean {
  const relative = ['REMOVE', 'REPLACE', 'INSERT_BEFORE', 'INSERT_AFTER'];
  return relative.includes(operation.string ?? '') && (spec.at('priority').number ?? 0) === 0;
}

/** The patches that stand before one for the same filter with `proxyVersion`, and those behind: in the order of the files. */
export function* relativePatches(
  envoyFilters: readonly Resource[],
): Iterable<{ envoyFilter: Resource; patch: Patch; followsVersion: boolean }> {
  const versioned = new Set<string>();
  for (const envoyFilter of envoyFilters) {
    for (const patch of patchesOf(envoyFilter)) {
      if (isRelative(envoyFilter, patch))
        yield { envoyFilter, patch, followsVersion: patch.filter !== '' && versioned.has(patch.filter) };
      if (patch.hasProxyVersion && patch.filter !== '') versioned.add(patch.filter);
    }
  }
}

/** What is patched stands in a listener, and is matched by it. */
export function isOfListener(applyTo: string): boolean {
  return ['LISTENER', 'FILTER_CHAIN', 'NETWORK_FILTER', 'HTTP_FILTER'].includes(applyTo);
}

/** By which object an entry of `configPatches` is matched; undefined when by none, or by several, which the CRD refuses. */
export function matchOf(entry: Located): string | undefined {
  const given = ['listener', 'routeConfiguration', 'cluster', 'waypoint'].filter(
    (name) => entry.at('match', name).isSet,
  );
  return given.length === 1 ? given[0] : undefined;
}

/** The filter that an entry of `configPatches` is matched by. */
export function filterMatch(entry: Located): Located {
  return entry.at('match', 'listener', 'filterChain', 'filter');
}
