import { randomUUID } from 'node:crypto';
import type { PodSpec } from '../../mesh/kubernetes.ts';
import {
  alreadyExists,
  badRequest,
  conflict,
  forbidden,
  invalid,
  methodNotAllowed,
  notFound,
  unsupportedMediaType,
} from './api-error.ts';
import { isEqual, isObject, valueAt, type ApiObject, type ApiObjectMeta, type JsonObject } from './api-object.ts';
import { inVersion } from './api-reads.ts';
import { isDryRun, parseBody, parseObject, type ApiRequest } from './api-request.ts';
import type { ApiResource, ApiResources } from './api-resources.ts';
import type { ApiStore } from './api-store.ts';
import { applyConfiguration, recordUpdate } from './managed-fields.ts';
import { jsonPatch, mergePatch, strategicMergePatch } from './patch.ts';
import { findPodSecurityViolation } from './pod-security.ts';
import { parseSelectors } from './selectors.ts';
import { validateObject } from './validate.ts';

/** What every write needs of the server. */
export interface ApiState {
  store: ApiStore;
  resources: ApiResources;
}

export interface ApiAnswer {
  code: number;
  body: object;
}

/** POST to a list. */
export function createObject(state: ApiState, request: ApiRequest): ApiAnswer {
  const { resource } = request.path;
  if (request.path.name) throw methodNotAllowed();
  if (!['', 'application/json', 'application/yaml'].includes(request.mediaType)) {
    throw unsupportedMediaType(request.mediaType, ['application/json', 'application/yaml']);
  }
  const sent = parseObject(request);
  const { generateName } = sent.metadata;
  const name = sent.metadata.name || (generateName ? generateName + randomSuffix() : '');
  if (!name)
    throw invalid(resource, '', [
      {
        field: 'metadata.name',
        reason: 'FieldValueRequired',
        message: 'Required value: name or generateName is required',
      },
    ]);
  const namespace = resource.namespaced ? (request.path.namespace ?? '') : undefined;
  if (namespace === '') throw methodNotAllowed();
  if (state.store.get(resource, namespace, name)) throw alreadyExists(resource, name);
  const object = recordUpdate(undefined, { ...sent, metadata: { ...sent.metadata, name } }, managerOf(request), now());
  return { code: 201, body: write(state, request, undefined, object) };
}

/** PUT: replaces the object, or only its status when that is what the path names. */
export function replaceObject(state: ApiState, request: ApiRequest): ApiAnswer {
  const live = liveObject(state, request);
  if (!['', 'application/json', 'application/yaml'].includes(request.mediaType)) {
    throw unsupportedMediaType(request.mediaType, ['application/json', 'application/yaml']);
  }
  const next = recordUpdate(live, withIdentity(parseObject(request), live), managerOf(request), now());
  return { code: 200, body: write(state, request, live, next) };
}

const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

/** PATCH: by the media type a server-side apply or one of the three older patches. */
export function patchObject(state: ApiState, request: ApiRequest): ApiAnswer {
  if (!request.path.name) throw methodNotAllowed();
  if (!patchTypes.includes(request.mediaType)) throw unsupportedMediaType(request.mediaType, patchTypes);
  if (request.mediaType === 'application/apply-patch+yaml') return applyObject(state, request);
  const live = liveObject(state, request);
  const patch = parseBody(request.body, request.mediaType);
  const patched = runPatch(request, live, patch);
  if (!isObject(patched) || !isObject(patched.metadata)) throw badRequest('the patch leaves no object behind');
  const next = recordUpdate(live, withIdentity(patched as ApiObject, live), managerOf(request), now());
  return { code: 200, body: write(state, request, live, next) };
}

function runPatch({ path, mediaType }: ApiRequest, live: ApiObject, patch: unknown): unknown {
  if (mediaType === 'application/json-patch+json') return jsonPatch(path.resource, path.name!, live, patch);
  if (!isObject(patch)) throw badRequest('error decoding patch: it is not an object');
  return mediaType === 'application/merge-patch+json' ? mergePatch(live, patch) : strategicMergePatch(live, patch);
}

function applyObject(state: ApiState, request: ApiRequest): ApiAnswer {
  const { resource, name, namespace } = request.path;
  const manager = request.query.get('fieldManager');
  if (!manager) {
    throw invalid({ ...resource, kind: 'PatchOptions', group: 'meta.k8s.io' }, '', [
      { field: 'fieldManager', reason: 'FieldValueRequired', message: 'Required value: is required for apply patch' },
    ]);
  }
  const wanted = parseObject(request);
  if (wanted.metadata.managedFields) throw badRequest('metadata.managedFields must be nil');
  const live = state.store.get(resource, namespace, name!);
  if (!live && request.path.subresource) throw notFound(resource, name!);
  if (wanted.metadata.uid && wanted.metadata.uid !== live?.metadata.uid) {
    throw conflict(
      resource,
      name!,
      `Precondition failed: UID in precondition: ${wanted.metadata.uid}, UID in object meta: ${live?.metadata.uid ?? ''}`,
    );
  }
  const next = applyConfiguration(live, wanted, manager, request.query.get('force') === 'true', now());
  return { code: live ? 200 : 201, body: write(state, request, live, next) };
}

/** DELETE of one object. */
export function deleteObject(state: ApiState, request: ApiRequest): ApiAnswer {
  const { resource, version, name } = request.path;
  const live = liveObject(state, request);
  const options = parseDeleteOptions(request);
  const { uid, resourceVersion } = options.preconditions;
  if (uid !== undefined && uid !== live.metadata.uid) {
    throw conflict(
      resource,
      name!,
      `Precondition failed: UID in precondition: ${String(uid)}, UID in object meta: ${live.metadata.uid ?? ''}`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== live.metadata.resourceVersion) {
    throw conflict(
      resource,
      name!,
      `Precondition failed: ResourceVersion in precondition: ${String(resourceVersion)}, ResourceVersion in object meta: ${live.metadata.resourceVersion ?? ''}`,
    );
  }
  const left = options.dryRun ? undefined : beginDeletion(state, resource, live, options);
  if (left) return { code: 200, body: inVersion(resource, version, left) };
  return {
    code: 200,
    body: {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: {
        name,
        ...(resource.group && { group: resource.group }),
        kind: resource.plural,
        uid: live.metadata.uid,
      },
    },
  };
}

/** DELETE of a list: everything that the selectors take. */
export function deleteCollection(state: ApiState, request: ApiRequest): ApiAnswer {
  const { resource, namespace } = request.path;
  if ((resource.namespaced && !namespace) || resource.kind === 'Namespace') throw methodNotAllowed();
  const options = parseDeleteOptions(request);
  const matches = parseSelectors(resource, request.query);
  for (const object of state.store.list(resource, namespace).filter(matches)) {
    if (!options.dryRun) beginDeletion(state, resource, object, options);
  }
  return { code: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' } };
}

export interface DeleteOptions {
  dryRun: boolean;
  gracePeriodSeconds?: number;
  propagation: 'Background' | 'Foreground' | 'Orphan';
  preconditions: JsonObject;
}

/**
 * Takes an object away, or marks it when somebody has to finish that: the kubelet for a pod, the namespace's controller, the
 * owner of a finalizer, the garbage collector.
 * @returns the marked object; `undefined` when it is gone.
 */
export function beginDeletion(
  { store, resources }: ApiState,
  resource: ApiResource,
  live: ApiObject,
  options: Partial<DeleteOptions> = {},
): ApiObject | undefined {
  const { namespace, name } = live.metadata;
  const grace = options.gracePeriodSeconds ?? Number(live.spec?.terminationGracePeriodSeconds ?? 30);
  const runs = live.kind === 'Pod' && resource.group === '' && grace > 0 && live.spec?.nodeName !== undefined;
  const finalizers = [...(live.metadata.finalizers ?? [])];
  if (options.propagation === 'Foreground' && !finalizers.includes('foregroundDeletion'))
    finalizers.push('foregroundDeletion');
  if (options.propagation === 'Orphan') orphanDependents({ store, resources }, live);
  const isNamespace = live.kind === 'Namespace' && resource.group === '';
  if (!runs && !isNamespace && finalizers.length === 0) {
    store.remove(resource, namespace, name);
    return undefined;
  }
  if (live.metadata.deletionTimestamp && isEqual(finalizers, live.metadata.finalizers ?? [])) return live;
  const metadata: ApiObjectMeta = {
    ...live.metadata,
    deletionTimestamp: live.metadata.deletionTimestamp ?? now(),
    deletionGracePeriodSeconds: runs ? grace : 0,
    ...(finalizers.length > 0 && { finalizers }),
  };
  return store.put(resource, {
    ...live,
    metadata,
    ...(isNamespace && { status: { ...live.status, phase: 'Terminating' } }),
  });
}

function orphanDependents({ store, resources }: ApiState, owner: ApiObject): void {
  for (const resource of resources.all()) {
    for (const object of store.list(resource)) {
      const owners = object.metadata.ownerReferences ?? [];
      const others = owners.filter(({ uid }) => uid !== owner.metadata.uid);
      if (others.length < owners.length)
        store.put(resource, { ...object, metadata: { ...object.metadata, ownerReferences: others } });
    }
  }
}

function parseDeleteOptions({ body, mediaType, query }: ApiRequest): DeleteOptions {
  const parsed = body === '' ? {} : parseBody(body, mediaType);
  const options = isObject(parsed) ? parsed : {};
  const grace = query.has('gracePeriodSeconds') ? Number(query.get('gracePeriodSeconds')) : options.gracePeriodSeconds;
  const propagation = query.get('propagationPolicy') ?? options.propagationPolicy ?? 'Background';
  if (propagation !== 'Background' && propagation !== 'Foreground' && propagation !== 'Orphan') {
    throw badRequest(`invalid propagationPolicy: ${String(propagation)}`);
  }
  return {
    dryRun: isDryRun([
      ...query.getAll('dryRun'),
      ...(Array.isArray(options.dryRun) ? (options.dryRun as string[]) : []),
    ]),
    ...(typeof grace === 'number' && { gracePeriodSeconds: grace }),
    propagation,
    preconditions: isObject(options.preconditions) ? options.preconditions : {},
  };
}

function liveObject({ store }: ApiState, { path: { resource, namespace, name } }: ApiRequest): ApiObject {
  if (!name) throw methodNotAllowed();
  const live = store.get(resource, namespace, name);
  if (!live) throw notFound(resource, name);
  return live;
}

/** Everything between a wanted object and the stored one: admission, defaults, validation, the store. */
function write(state: ApiState, request: ApiRequest, live: ApiObject | undefined, wanted: ApiObject): ApiObject {
  const { resource, version, subresource } = request.path;
  const given = wanted.metadata.resourceVersion;
  if (live && given && given !== live.metadata.resourceVersion) {
    throw conflict(
      resource,
      wanted.metadata.name,
      'the object has been modified; please apply your changes to the latest version and try again',
    );
  }
  const next = complete(resource, live, wanted, subresource);
  validateObject(resource, next, live);
  admit(state, resource, live, next);
  if (isDryRun(request.query.getAll('dryRun'))) return inVersion(resource, version, next);
  if (
    live &&
    isEqual({ ...next, metadata: { ...next.metadata, resourceVersion: live.metadata.resourceVersion } }, live)
  )
    return inVersion(resource, version, live);
  if (next.metadata.deletionTimestamp && !next.metadata.finalizers?.length && live?.metadata.finalizers?.length) {
    state.store.remove(resource, next.metadata.namespace, next.metadata.name);
    return inVersion(resource, version, next);
  }
  const stored = state.store.put(resource, next);
  if (stored.kind === 'CustomResourceDefinition') state.resources.learnFromDefinition(stored);
  return inVersion(resource, version, stored);
}

/** What the server and not the user decides: identity, generation, status; and the defaults of the kinds that run here. */
function complete(
  resource: ApiResource,
  live: ApiObject | undefined,
  wanted: ApiObject,
  subresource: string | undefined,
): ApiObject {
  if (live && subresource === 'status') {
    const { managedFields } = wanted.metadata;
    return {
      ...live,
      metadata: { ...live.metadata, ...(managedFields && { managedFields }) },
      ...(wanted.status && { status: wanted.status }),
    };
  }
  // Debug containers come in by their own door alone, and nothing else comes in by it.
  if (live && subresource === 'ephemeralcontainers') {
    const { ephemeralContainers } = wanted.spec ?? {};
    return { ...live, spec: { ...live.spec, ...(ephemeralContainers !== undefined && { ephemeralContainers }) } };
  }
  const object: ApiObject = live ? wanted : withDefaults(wanted);
  const changed = live && !isEqual(withoutStatus(live), withoutStatus(object));
  const generation = live ? (live.metadata.generation ?? 1) + (changed ? 1 : 0) : 1;
  const metadata: ApiObjectMeta = {
    ...object.metadata,
    uid: live?.metadata.uid ?? randomUUID(),
    creationTimestamp: live?.metadata.creationTimestamp ?? now(),
    ...(object.spec && (!live || live.metadata.generation !== undefined || changed) && { generation }),
  };
  if (resource.namespaced === false) delete metadata.namespace;
  if (!live) delete metadata.deletionTimestamp;
  if (!live) delete metadata.resourceVersion;
  const result = { ...object, metadata };
  if (live?.status) result.status = live.status;
  else if (object.kind !== 'Namespace' && object.kind !== 'Pod') delete result.status;
  return result;
}

function withoutStatus({ metadata: _metadata, status: _status, ...rest }: ApiObject): object {
  return rest;
}

function withDefaults(object: ApiObject): ApiObject {
  switch (object.kind) {
    case 'Namespace': {
      const labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
      return {
        ...object,
        metadata: { ...object.metadata, labels },
        spec: { finalizers: ['kubernetes'] },
        status: { phase: 'Active' },
      };
    }
    case 'Pod':
      return {
        ...object,
        spec: {
          restartPolicy: 'Always',
          terminationGracePeriodSeconds: 30,
          serviceAccountName: 'default',
          ...object.spec,
        },
        status: { phase: 'Pending', qosClass: 'BestEffort' },
      };
    case 'DaemonSet':
      return {
        ...object,
        spec: {
          revisionHistoryLimit: 10,
          updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
          ...object.spec,
        },
      };
    default:
      return object;
  }
}

function admit(
  { store, resources }: ApiState,
  resource: ApiResource,
  live: ApiObject | undefined,
  next: ApiObject,
): void {
  if (!resource.namespaced || live) return;
  const namespaces = resources.findByKind('v1', 'Namespace')!;
  const name = next.metadata.namespace ?? '';
  const namespace = store.get(namespaces, undefined, name);
  if (!namespace) throw notFound(namespaces, name);
  if (valueAt(namespace, 'status.phase') === 'Terminating') {
    throw forbidden(
      resource,
      next.metadata.name,
      `unable to create new content in namespace ${name} because it is being terminated`,
    );
  }
  const violation =
    next.kind === 'Pod' ? findPodSecurityViolation(namespace, next.spec as PodSpec | undefined) : undefined;
  if (violation) throw forbidden(resource, next.metadata.name, violation);
}

/** A write cannot change who the object is. */
function withIdentity(object: ApiObject, live: ApiObject): ApiObject {
  const {
    name,
    namespace,
    uid,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    generation,
    managedFields,
  } = live.metadata;
  const kept = {
    uid,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    generation,
    managedFields,
    namespace,
  };
  const present = Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined));
  return {
    ...object,
    apiVersion: live.apiVersion,
    kind: live.kind,
    metadata: { ...object.metadata, ...present, name },
  };
}

function managerOf({ query, userAgent }: ApiRequest): string {
  return query.get('fieldManager') || userAgent || 'unknown';
}

/** As Kubernetes does it: letters and digits that cannot form a word. */
export function randomSuffix(length = 5): string {
  const letters = 'bcdfghjklmnpqrstvwxz2456789';
  return Array.from({ length }, () => letters[Math.floor(Math.random() * letters.length)]).join('');
}

/** In whole seconds, as Kubernetes' timestamps are. */
export function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}
