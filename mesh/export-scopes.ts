/** The namespaces that see a resource: `*` for all. */
export type Scopes = ReadonlySet<string>;

/**
 * What `exportTo` says: `.` is the own namespace, `~` nobody.
 * @param said the entries as written; none: `otherwise` holds.
 * @param otherwise what the mesh config says for resources that say nothing; by default everybody sees them.
 */
export function readExportScopes(
  said: readonly string[],
  namespace: string,
  otherwise: readonly string[] = [],
): Scopes {
  const scopes = said.length > 0 ? said : otherwise;
  if (scopes.length === 0) return new Set(['*']);
  return new Set(scopes.filter((scope) => scope !== '~').map((scope) => (scope === '.' ? namespace : scope)));
}

/** Whether some namespace sees both. */
export function scopesOverlap(a: Scopes, b: Scopes): boolean {
  if (a.size === 0 || b.size === 0) return false;
  return a.has('*') || b.has('*') || [...a].some((scope) => b.has(scope));
}

export function isSeenBy(scopes: Scopes, namespace: string): boolean {
  return scopes.has('*') || scopes.has(namespace);
}
