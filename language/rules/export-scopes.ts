import type { Resource } from '../resource.ts';

/** The namespaces that see a resource: `*` for all. */
export type Scopes = ReadonlySet<string>;

/** What `exportTo` says; nothing said is everybody, `.` the own namespace, `~` nobody. */
export function exportScopes({ spec, namespace }: Resource): Scopes {
  const said = spec.at('exportTo').items.flatMap(({ string }) => string ?? []);
  if (said.length === 0) return new Set(['*']);
  return new Set(said.filter((scope) => scope !== '~').map((scope) => (scope === '.' ? namespace : scope)));
}

/** Whether some namespace sees both. */
export function scopesOverlap(a: Scopes, b: Scopes): boolean {
  if (a.size === 0 || b.size === 0) return false;
  return a.has('*') || b.has('*') || [...a].some((scope) => b.has(scope));
}
