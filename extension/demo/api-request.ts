import { parse as parseYaml } from 'yaml';
import { badRequest, pathNotFound } from './api-error.ts';
import { isObject, type ApiObject } from './api-object.ts';
import { apiVersionOf, type ApiResource, type ApiResources } from './api-resources.ts';

/** What a path below `/api` or `/apis` addresses. */
export interface ResourcePath {
  resource: ApiResource;
  /** The version asked for; objects are answered in it. */
  version: string;
  namespace?: string;
  name?: string;
  subresource?: string;
}

/** One request, read whole. */
export interface ApiRequest {
  method: string;
  path: ResourcePath;
  query: URLSearchParams;
  /** Without parameters: `application/apply-patch+yaml`. */
  mediaType: string;
  body: string;
  /** Who writes, when the request does not name its field manager: the first word of the User-Agent. */
  userAgent: string;
}

/**
 * `/apis/apps/v1/namespaces/shop/daemonsets/web/status` and all its shorter forms.
 * @throws {ApiError} 404 for a path that addresses no resource we serve.
 */
export function parseResourcePath(pathname: string, resources: ApiResources): ResourcePath {
  const segments = pathname.split('/').slice(1).map(decode);
  const core = segments[0] === 'api';
  const group = core ? '' : (segments[1] ?? '');
  const version = segments[core ? 1 : 2] ?? '';
  const rest = segments.slice(core ? 2 : 3);
  if (rest.at(-1) === '') rest.pop();
  const find = (plural: string | undefined) => resources.findByPath(group, version, plural ?? '');

  if (rest[0] === 'namespaces' && rest.length >= 3) {
    const resource = find(rest[2]);
    if (resource?.namespaced) return toPath(resource, version, rest[1], rest[3], rest[4], rest.length - 3);
  }
  const resource = find(rest[0]);
  // A namespaced object has no address without its namespace; only the list of all namespaces has.
  if (!resource || (resource.namespaced && rest.length > 1)) throw pathNotFound();
  return toPath(resource, version, undefined, rest[1], rest[2], rest.length - 1);
}

function toPath(
  resource: ApiResource,
  version: string,
  namespace: string | undefined,
  name: string | undefined,
  subresource: string | undefined,
  length: number,
): ResourcePath {
  if (length > 2 || (subresource !== undefined && !resource.subresources.includes(subresource))) throw pathNotFound();
  return {
    resource,
    version,
    ...(namespace && { namespace }),
    ...(name && { name }),
    ...(subresource && { subresource }),
  };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`invalid URL escape in "${segment}"`);
  }
}

/** JSON, or YAML where the media type says so; JSON is YAML, so a patch may be either. @throws {ApiError} 400 */
export function parseBody(text: string, mediaType: string): unknown {
  try {
    return mediaType.includes('yaml') ? parseYaml(text) : JSON.parse(text);
  } catch (error) {
    throw badRequest(`the object provided is unrecognized (must be of type Object): ${(error as Error).message}`);
  }
}

/**
 * The object in a body, held against the path it was sent to.
 * @throws {ApiError} 400 when it is no object or of another kind, namespace or name than the path says.
 */
export function parseObject(request: ApiRequest): ApiObject {
  const { resource, version, namespace, name } = request.path;
  const value = parseBody(request.body, request.mediaType);
  if (!isObject(value)) throw badRequest('the object provided is unrecognized (must be of type Object)');
  const apiVersion = apiVersionOf(resource, version);
  if (value.kind !== resource.kind || value.apiVersion !== apiVersion) {
    throw badRequest(
      `${String(value.kind)} in version "${String(value.apiVersion)}" cannot be handled as a ${resource.kind}: the path is of ${apiVersion} ${resource.kind}`,
    );
  }
  const metadata = isObject(value.metadata) ? value.metadata : {};
  if (namespace && metadata.namespace && metadata.namespace !== namespace) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }
  if (name && metadata.name && metadata.name !== name) {
    throw badRequest(
      `the name of the object (${String(metadata.name as string)}) does not match the name on the URL (${name})`,
    );
  }
  return {
    ...value,
    apiVersion,
    kind: resource.kind,
    metadata: { ...metadata, ...(namespace && { namespace }), ...(name && { name }) },
  } as ApiObject;
}

/** Whether the request only asks what would happen. @throws {ApiError} 400 for a value other than `All`. */
export function isDryRun(values: string[]): boolean {
  const unknown = values.find((value) => value !== 'All');
  if (unknown !== undefined) throw badRequest(`invalid dryRun value: "${unknown}", must be "All"`);
  return values.length > 0;
}
