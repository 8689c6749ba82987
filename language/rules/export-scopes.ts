import { readExportScopes } from '../../mesh/export-scopes.ts';
import type { Scopes } from '../../mesh/export-scopes.ts';
import type { Resource } from '../resource.ts';

export { isSeenBy, scopesOverlap } from '../../mesh/export-scopes.ts';
export type { Scopes } from '../../mesh/export-scopes.ts';

/**
 * What a resource's `exportTo` says.
 * @param otherwise what holds where nothing is said; everybody, unless the mesh config says otherwise.
 */
export function exportScopes({ spec, namespace }: Resource, otherwise: readonly string[] = []): Scopes {
  const said = spec.at('exportTo').items.flatMap(({ string }) => string ?? []);
  return readExportScopes(said, namespace, otherwise);
}
