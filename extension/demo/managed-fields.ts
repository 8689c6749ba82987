/**
 * Server-side apply: who says a field owns it. The manager that stops saying it removes it, and one that says otherwise than
 * its owner is told so. https://kubernetes.io/docs/reference/using-api/server-side-apply/
 *
 * A field is a path, as `fieldsV1` writes it:
 *
 *     f:spec → f:containers → k:{"name":"app"} → f:image
 */
import { ApiError } from './api-error.ts';
import { isEqual, isObject, type ApiObject, type JsonObject, type ManagedFieldsEntry } from './api-object.ts';
import { associativeItems, atomicMaps } from './associative-lists.ts';

/** One path, as JSON text so that a Set can hold it. */
type Path = string;

/** What nobody owns: identity, and what the server writes itself. */
const unowned = ['apiVersion', 'kind', 'status'];
const unownedMetadata = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'managedFields',
  'deletionTimestamp',
];

/**
 * The object after a server-side apply.
 * @param live as stored, or `undefined` when it is to be created.
 * @throws {ApiError} 409 with one cause per field, when another manager owns it with another value and `force` is not set.
 */
export function applyConfiguration(
  live: ApiObject | undefined,
  wanted: ApiObject,
  manager: string,
  force: boolean,
  now: string,
): ApiObject {
  const configuration = withoutNulls(wanted) as ApiObject;
  const paths = pathsOf(ownable(configuration));
  const owned = readEntries(live);
  const mine = owned.find((entry) => entry.manager === manager && entry.operation === 'Apply');
  const others = owned.filter((entry) => entry !== mine);
  const conflicts = live ? listConflicts(live, configuration, paths, others) : [];
  if (conflicts.length > 0 && !force) throw conflictError(conflicts);

  let merged = merge(live ?? {}, configuration) as ApiObject;
  for (const path of mine?.paths ?? []) {
    const stillSaid = isSaid(path, paths);
    const heldByOthers = others.some((entry) => isSaid(path, entry.paths));
    if (!stillSaid && !heldByOthers) merged = remove(merged, JSON.parse(path) as string[]) as ApiObject;
  }
  for (const { path, entry } of conflicts) entry.paths.delete(path);
  const entry = { manager, operation: 'Apply' as const, apiVersion: configuration.apiVersion, paths };
  return withEntries(merged, [entry, ...others], live, now);
}

/** The object after another write than apply: what it changed belongs to its manager, and to nobody else any longer. */
export function recordUpdate(live: ApiObject | undefined, next: ApiObject, manager: string, now: string): ApiObject {
  const before = ownable(live);
  const after = ownable(next);
  const changed = new Set([...pathsOf(after)].filter((path) => !isEqual(read(before, path), read(after, path))));
  const gone = [...pathsOf(before)].filter((path) => read(after, path) === undefined);
  const entries = readEntries(live);
  for (const entry of entries) for (const path of [...changed, ...gone]) entry.paths.delete(path);
  const mine = entries.find((entry) => entry.manager === manager && entry.operation === 'Update');
  if (mine) changed.forEach((path) => mine.paths.add(path));
  else if (changed.size > 0)
    entries.push({ manager, operation: 'Update', apiVersion: next.apiVersion, paths: changed });
  return withEntries(next, entries, live, now);
}

interface Entry {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  paths: Set<Path>;
}

interface Conflict {
  path: Path;
  entry: Entry;
}

function listConflicts(live: ApiObject, configuration: ApiObject, paths: Set<Path>, others: Entry[]): Conflict[] {
  return [...paths].flatMap((path) => {
    if (isEqual(read(live, path), read(configuration, path))) return [];
    return others.filter((entry) => entry.paths.has(path)).map((entry) => ({ path, entry }));
  });
}

function conflictError(conflicts: Conflict[]): ApiError {
  const named = conflicts.map(({ path, entry }) => ({
    field: printPath(path),
    by: `conflict with "${entry.manager}" using ${entry.apiVersion}`,
  }));
  const count = named.length === 1 ? '1 conflict' : `${named.length} conflicts`;
  const words = named.map(({ field, by }) => `${by}: ${field}`).join('\n');
  return new ApiError(409, 'Conflict', `Apply failed with ${count}: ${words}`, {
    causes: named.map(({ field, by }) => ({ reason: 'FieldManagerConflict', message: by, field })),
  });
}

/** `.spec.template.spec.containers[name="app"].image` */
function printPath(path: Path): string {
  const parts = JSON.parse(path) as string[];
  return parts
    .map((part) => {
      if (part.startsWith('f:')) return `.${part.slice(2)}`;
      const identity = JSON.parse(part.slice(2)) as JsonObject;
      return `[${Object.entries(identity)
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(',')}]`;
    })
    .join('');
}

/** Said itself, or through something inside it. */
function isSaid(path: Path, paths: Set<Path>): boolean {
  if (paths.has(path)) return true;
  const inside = `${path.slice(0, -1)},`;
  for (const other of paths) if (other.startsWith(inside)) return true;
  return false;
}

function ownable(object: ApiObject | undefined): JsonObject {
  const result: JsonObject = Object.fromEntries(Object.entries(object ?? {}).filter(([key]) => !unowned.includes(key)));
  const metadata = Object.entries(object?.metadata ?? {}).filter(([key]) => !unownedMetadata.includes(key));
  result.metadata = Object.fromEntries(metadata);
  if (metadata.length === 0) delete result.metadata;
  return result;
}

/** The paths of all values that stand on their own: scalars, empty maps, lists and maps that are replaced as one, and list items. */
function pathsOf(object: JsonObject): Set<Path> {
  const paths = new Set<Path>();
  const visit = (value: unknown, field: string, at: string[]) => {
    const items = associativeItems(field, value);
    if (items && items.length > 0) {
      for (const item of items) {
        const itemAt = [...at, `k:${item.key}`];
        paths.add(JSON.stringify(itemAt));
        for (const [key, inner] of Object.entries(item.value)) visit(inner, key, [...itemAt, `f:${key}`]);
      }
    } else if (isObject(value) && Object.keys(value).length > 0 && !atomicMaps.has(field)) {
      for (const [key, inner] of Object.entries(value)) visit(inner, key, [...at, `f:${key}`]);
    } else if (value !== undefined) paths.add(JSON.stringify(at));
  };
  for (const [key, value] of Object.entries(object)) visit(value, key, [`f:${key}`]);
  return paths;
}

function read(object: unknown, path: Path): unknown {
  let value = object;
  let field = '';
  for (const part of JSON.parse(path) as string[]) {
    if (part.startsWith('k:')) value = associativeItems(field, value)?.find(({ key }) => key === part.slice(2))?.value;
    else {
      field = part.slice(2);
      value = isObject(value) && Object.hasOwn(value, field) ? value[field] : undefined;
    }
  }
  // Of a list item its presence is what is owned; its fields have paths of their own.
  return path.endsWith('"]') && (JSON.parse(path) as string[]).at(-1)!.startsWith('k:') && value !== undefined
    ? true
    : value;
}

function merge(live: unknown, wanted: unknown, field = ''): unknown {
  const items = associativeItems(field, wanted);
  const present = associativeItems(field, live ?? []);
  if (items && present) {
    const left = new Map(present.map(({ key, value }) => [key, value]));
    const merged = items.map(({ key, value }) => {
      const result = merge(left.get(key), value);
      left.delete(key);
      return result;
    });
    return [...merged, ...left.values()];
  }
  if (!isObject(wanted) || atomicMaps.has(field)) return wanted;
  const result: JsonObject = isObject(live) ? { ...live } : {};
  for (const [key, value] of Object.entries(wanted)) result[key] = merge(result[key], value, key);
  return result;
}

function remove(value: unknown, path: string[], field = ''): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return value;
  if (part.startsWith('k:')) {
    const items = associativeItems(field, value) ?? [];
    const list = items.flatMap((item) => {
      if (item.key !== part.slice(2)) return [item.value];
      return rest.length === 0 ? [] : [remove(item.value, rest)];
    });
    return items.length > 0 ? list : value;
  }
  const key = part.slice(2);
  if (!isObject(value) || !Object.hasOwn(value, key)) return value;
  const result = { ...value };
  if (rest.length === 0) Reflect.deleteProperty(result, key);
  else result[key] = remove(result[key], rest, key);
  return result;
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined);
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutNulls(inner)]));
}

function readEntries(object: ApiObject | undefined): Entry[] {
  return (object?.metadata.managedFields ?? []).map(({ manager, operation, apiVersion, fieldsV1 }) => {
    const paths = new Set<Path>();
    const visit = (node: JsonObject, at: string[]) => {
      const children = Object.entries(node).filter(([key]) => key !== '.');
      if (at.length > 0 && (children.length === 0 || Object.hasOwn(node, '.'))) paths.add(JSON.stringify(at));
      for (const [key, child] of children) visit(isObject(child) ? child : {}, [...at, key]);
    };
    visit(fieldsV1, []);
    return { manager, operation, apiVersion, paths };
  });
}

function withEntries(object: ApiObject, entries: Entry[], live: ApiObject | undefined, now: string): ApiObject {
  const before = live?.metadata.managedFields ?? [];
  const managedFields = entries
    .filter(({ paths }) => paths.size > 0)
    .map((entry): ManagedFieldsEntry => {
      const fieldsV1 = printFields(entry.paths);
      const same = before.find(({ manager, operation }) => manager === entry.manager && operation === entry.operation);
      const time = same && isEqual(same.fieldsV1, fieldsV1) ? (same.time ?? now) : now;
      return {
        manager: entry.manager,
        operation: entry.operation,
        apiVersion: entry.apiVersion,
        time,
        fieldsType: 'FieldsV1',
        fieldsV1,
      };
    });
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, ...(managedFields.length > 0 && { managedFields }) } };
}

function printFields(paths: Set<Path>): JsonObject {
  const root: JsonObject = {};
  for (const path of paths) {
    const parts = JSON.parse(path) as string[];
    let node = root;
    for (const part of parts) node = (node[part] ??= {}) as JsonObject;
    if (parts.at(-1)!.startsWith('k:')) node['.'] = {};
  }
  return root;
}
