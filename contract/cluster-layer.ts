/** What a live cluster holds, as the editor's side tells the language server. Lies under the files: what a file defines counts. */

/** An object as the API server returns it. */
export type PlainObject = Record<string, unknown>;

/** `meshloom/cluster`: everything, in place of what was told before. `null` instead: no cluster is connected any more. */
export interface ClusterSnapshot {
  /** The context's name, e.g. `kind-mesh`. */
  name: string;
  /** Objects with `apiVersion`, `kind` and `metadata`; also CustomResourceDefinitions, whose structure then counts. */
  resources: PlainObject[];
  /**
   * What was listed to its end and in all namespaces, e.g. `apps/Deployment`, `/Pod`, `networking.istio.io/VirtualService` (group/kind): only
   * of these may it be said that one is not there.
   */
  complete: string[];
  /** True: of a cluster that is nobody's mesh, a demo or a recording. Its names are offered, and no file is judged by it. */
  namesOnly?: boolean;
}

/** `meshloom/clusterChange`: what came, changed and went since. */
export interface ClusterChange {
  changed: PlainObject[];
  removed: ClusterReference[];
}

/** Names an object that is gone. `namespace` is empty for cluster-scoped kinds. */
export interface ClusterReference {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
}

export const clusterNotification = 'meshloom/cluster';
export const clusterChangeNotification = 'meshloom/clusterChange';
/** Objects of a snapshot that is under way, for it would be too large for one message: it begins with their sum. */
export const clusterPieceNotification = 'meshloom/clusterPiece';

/** `meshloom/clusterPiece` */
export interface ClusterPiece {
  resources: PlainObject[];
  /** What came of a snapshot before this piece belongs to one that is no longer sent. */
  isFirst: boolean;
}
/** Of the documents that show an object of a cluster as it is; the cluster's name is in the URI's `authority`, see `viewAuthority`. */
export const yamlScheme = 'meshloom-yaml';

/** A cluster's name as a part of a URI. Names that differ in their capitals only look alike. */
export function viewAuthority(cluster: string): string {
  return encodeURIComponent(cluster).replaceAll('%', '-').toLowerCase();
}

/** Since when nobody follows the cluster, in milliseconds since 1970; `null`: it is followed now. Its objects stay as they were. */
export const clusterSeenNotification = 'meshloom/clusterSeen';

/**
 * Reads `meshloom/cluster` as it came over the wire; what is no object of Kubernetes is left out.
 * @returns undefined for `null` and for anything that is no snapshot: then there is no cluster.
 */
export function parseClusterSnapshot(value: unknown): ClusterSnapshot | undefined {
  if (!isPlainObject(value) || !Array.isArray(value['resources'])) return undefined;
  const { name, resources, complete, namesOnly } = value;
  return {
    name: typeof name === 'string' ? name : '',
    resources: parseObjects(resources),
    complete: Array.isArray(complete) ? complete.filter((kind) => typeof kind === 'string') : [],
    ...(namesOnly === true && { namesOnly }),
  };
}

/** Reads `meshloom/clusterChange`; what cannot be understood is no change. */
export function parseClusterChange(value: unknown): ClusterChange {
  const { changed, removed } = isPlainObject(value) ? value : {};
  return {
    changed: parseObjects(changed),
    removed: Array.isArray(removed) ? removed.flatMap(readReference) : [],
  };
}

/** Those of a list that are objects of Kubernetes; anything but a list holds none. */
export function parseObjects(value: unknown): PlainObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function readReference(value: unknown): ClusterReference[] {
  if (!isPlainObject(value)) return [];
  const { apiVersion, kind, namespace, name } = value;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof name !== 'string') return [];
  return [{ apiVersion, kind, namespace: typeof namespace === 'string' ? namespace : '', name }];
}

function isObject(value: unknown): value is PlainObject {
  if (!isPlainObject(value) || !isPlainObject(value['metadata'])) return false;
  return (
    typeof value['apiVersion'] === 'string' &&
    typeof value['kind'] === 'string' &&
    typeof value['metadata']['name'] === 'string'
  );
}

export function isPlainObject(value: unknown): value is PlainObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
