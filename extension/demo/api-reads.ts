import { badRequest, expired, notFound } from './api-error.ts';
import type { ApiObject } from './api-object.ts';
import type { ApiRequest } from './api-request.ts';
import { apiVersionOf, type ApiResource } from './api-resources.ts';
import { keyOf, type ApiStore } from './api-store.ts';
import { parseSelectors } from './selectors.ts';

/** The object in the version that was asked for. */
export function inVersion(resource: ApiResource, version: string, object: ApiObject): ApiObject {
  const apiVersion = apiVersionOf(resource, version);
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}

/** @throws {ApiError} 404 */
export function getObject(store: ApiStore, { path }: ApiRequest): ApiObject {
  const object = store.get(path.resource, path.namespace, path.name!);
  if (!object) throw notFound(path.resource, path.name!);
  return inVersion(path.resource, path.version, object);
}

/** Where the next page of a list begins, and at which moment the list was taken. */
interface Continue {
  revision: number;
  after: string;
}

/**
 * One page of a list. All pages of one list show the moment of the first one.
 * @throws {ApiError} 410 when that moment is forgotten, 400 for a query that cannot be read.
 */
export function listObjects(store: ApiStore, { path, query }: ApiRequest): object {
  const { resource, version, namespace } = path;
  const matches = parseSelectors(resource, query);
  const limit = parseNumber(query, 'limit');
  const from = parseContinue(query.get('continue'));
  const revision = from?.revision ?? exactRevision(query) ?? store.revision;
  const all =
    revision === store.revision ? store.list(resource, namespace) : store.listAt(resource, namespace, revision);
  if (!all || revision > store.revision) {
    throw expired('The provided continue parameter is too old to display a consistent list result.');
  }
  const rest = all.filter((object) => matches(object) && (!from || key(object) > from.after));
  const page = limit > 0 ? rest.slice(0, limit) : rest;
  const left = rest.length - page.length;
  const selects = query.get('labelSelector') || query.get('fieldSelector');
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource, version),
    metadata: {
      resourceVersion: String(revision),
      ...(left > 0 && { continue: printContinue({ revision, after: key(page.at(-1)!) }) }),
      ...(left > 0 && !selects && { remainingItemCount: left }),
    },
    items: page.map((object) => asItem(resource, version, object)),
  };
}

/** Items of Kubernetes' own kinds come without `kind` and `apiVersion`, those of custom resources with them. */
function asItem(resource: ApiResource, version: string, object: ApiObject): object {
  if (isCustom(resource)) return inVersion(resource, version, object);
  const { kind: _kind, apiVersion: _apiVersion, ...item } = object;
  return item;
}

function isCustom({ group }: ApiResource): boolean {
  return group.includes('.') && (!group.endsWith('.k8s.io') || group === 'gateway.networking.k8s.io');
}

function key({ metadata }: ApiObject): string {
  return keyOf(metadata.namespace, metadata.name);
}

function exactRevision(query: URLSearchParams): number | undefined {
  return query.get('resourceVersionMatch') === 'Exact' ? parseNumber(query, 'resourceVersion') : undefined;
}

/** @returns 0 when the parameter is not there. @throws {ApiError} 400 */
export function parseNumber(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? '';
  if (/^\d*$/.test(text)) return Number(text);
  throw badRequest(`invalid value for ${name}: "${text}" is not a number`);
}

function printContinue({ revision, after }: Continue): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start: after })).toString('base64url');
}

function parseContinue(token: string | null): Continue | undefined {
  if (!token) return undefined;
  try {
    const { rv, start } = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as {
      rv?: unknown;
      start?: unknown;
    };
    if (typeof rv === 'number' && typeof start === 'string') return { revision: rv, after: start };
  } catch (error) {
    throw badRequest(`continue key is not valid: ${(error as Error).message}`);
  }
  throw badRequest('continue key is not valid');
}
