import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import { resourceTypes, type ResourceType } from './cluster.ts';

export interface PathParts {
  /** Absent for a namespaced kind: all namespaces. */
  namespace?: string;
  name?: string;
  /** Of the object that `name` names: `log`. */
  subresource?: string;
  /** `undefined` values are left out. */
  query?: Record<string, string | number | boolean | undefined>;
}

/**
 * `/api/v1/namespaces/shop/pods/reviews-1?…`, or `/apis/apps/v1/…` for a group that has a name.
 * @returns path and query, to be put behind the server's URL.
 */
export function resourcePath(type: ResourceType, { namespace, name, subresource, query = {} }: PathParts = {}): string {
  const segments = [groupVersionPath(type.apiVersion)];
  if (type.namespaced && namespace) segments.push('namespaces', encodeURIComponent(namespace));
  segments.push(type.plural);
  if (name) segments.push(encodeURIComponent(name));
  if (name && subresource) segments.push(subresource);
  const present = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(present.map(([key, value]): [string, string] => [key, String(value)])).toString();
  return segments.join('/') + (search && `?${search}`);
}

/** Where the API lists the kinds of a group and version. The core group has no name and a root of its own. */
export function groupVersionPath(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** The type of an object, if it is one of those that Meshloom itself writes. */
export function findResourceType({ apiVersion, kind }: KubernetesObject): ResourceType | undefined {
  return Object.values(resourceTypes).find((type) => type.apiVersion === apiVersion && type.kind === kind);
}
