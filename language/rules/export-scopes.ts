import type { Resource } from '../resource.ts';

/** The namespaces that see a resource: `*` for all. */
export type Scopes = ReadonlySet<string>;

/**
 * What `exportTo` says: `.` is the own namespace, `~` nobody.
 * @param otherwise what holds where nothing is said; everybody, unless the mesh config says otherwise.
 */
export function exportScopes({ spec, namespace }: Resource, otherwise: readonly string[] = []): Scopes {
  const own = spec.at('exportTo').items.flatMap(({ string }) => string ?? []);
  const said = own.length > 0 ? own : otherwise;
  if (said.length === 0) return new Set(['*']);
  return new Set(said.filter((scope) => scope !== '~').map((scope) => (scope === '.' ? namespace : scope)));
}

/** Whether some namespace sees both. */
export function scopesOverlap(a: Scopes, b: Scopes): boolean {
  if (a.size === 0 || b.size === 0) return false;
  return a.has('*') || b.has('*') || [...a].some((scope) => b.has(scope));
}

export function isSeenBy(scopes: Scopes, namespace: string): boolean {
  return scopes.has('*') || scopes.has(namespace);
}
