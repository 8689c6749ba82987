import { badRequest, invalid, type NamedResource } from './api-error.ts';
import { isEqual, isObject, type JsonObject } from './api-object.ts';
import { associativeItems } from './associative-lists.ts';

/** RFC 7386: a map merges, `null` removes, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(result, key);
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** Like a merge patch, but lists such as `containers` merge item by item; `$patch: delete|replace` is honoured. */
export function strategicMergePatch(target: unknown, patch: unknown, field = ''): unknown {
  if (Array.isArray(patch)) return mergeItems(target, patch, field);
  if (!isObject(patch)) return patch;
  const { $patch: directive, ...rest } = patch;
  const result: JsonObject = isObject(target) && directive !== 'replace' ? { ...target } : {};
  for (const [key, value] of Object.entries(rest)) {
    if (key.startsWith('$')) continue;
    if (value === null) Reflect.deleteProperty(result, key);
    else result[key] = strategicMergePatch(result[key], value, key);
  }
  return result;
}

function mergeItems(target: unknown, patch: unknown[], field: string): unknown {
  const wanted = associativeItems(field, patch);
  const present = associativeItems(field, target ?? []);
  if (!wanted || !present) return patch;
  const merged = new Map<string, unknown>(present.map(({ key, value }) => [key, value]));
  for (const { key, value } of wanted) {
    if (value.$patch === 'delete') merged.delete(key);
    else merged.set(key, strategicMergePatch(merged.get(key), value));
  }
  return [...merged.values()];
}

/** RFC 6902. @throws {ApiError} 422 when an operation does not fit the object. */
export function jsonPatch(resource: NamedResource, name: string, target: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw badRequest('error decoding patch: a JSON patch is a list of operations');
  const fail = (message: string) => invalid(resource, name, [{ field: 'patch', reason: 'FieldValueInvalid', message }]);
  let result = structuredClone(target);
  for (const operation of operations as JsonObject[]) {
    const path = pointer(operation.path);
    switch (operation.op) {
      case 'add':
        result = write(result, path, operation.value, true, fail);
        break;
      case 'replace':
        read(result, path, fail);
        result = write(result, path, operation.value, false, fail);
        break;
      case 'remove':
        result = erase(result, path, fail);
        break;
      case 'copy':
        result = write(result, path, structuredClone(read(result, pointer(operation.from), fail)), true, fail);
        break;
      case 'move': {
        const value = read(result, pointer(operation.from), fail);
        result = write(erase(result, pointer(operation.from), fail), path, value, true, fail);
        break;
      }
      case 'test':
        if (!isEqual(read(result, path, fail), operation.value))
          throw fail(`testing value ${String(operation.path)} failed`);
        break;
      default:
        throw badRequest(`error decoding patch: unexpected kind: ${String(operation.op)}`);
    }
  }
  return result;
}

type Fail = (message: string) => Error;

/** RFC 6901: `/metadata/labels/app.kubernetes.io~1name` */
function pointer(text: unknown): string[] {
  if (typeof text !== 'string' || (text !== '' && !text.startsWith('/')))
    throw badRequest(`error decoding patch: bad path ${String(text)}`);
  const parts = text.split('/').slice(1);
  return parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(value: unknown, path: string[], fail: Fail): unknown {
  return path.reduce((at, key) => {
    const index = Array.isArray(at) ? Number(key) : key;
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, index))
      throw fail(`the path ${['', ...path].join('/')} does not exist`);
    return (at as Record<string | number, unknown>)[index];
  }, value);
}

function write(root: unknown, path: string[], value: unknown, insert: boolean, fail: Fail): unknown {
  const last = path.at(-1);
  if (last === undefined) return value;
  const parent = read(root, path.slice(0, -1), fail);
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : Number(last);
    if (!Number.isInteger(index) || index < 0 || index > parent.length)
      throw fail(`the index ${last} is out of bounds`);
    parent.splice(index, insert ? 0 : 1, value);
  } else if (isObject(parent)) parent[last] = value;
  else throw fail(`the path ${['', ...path].join('/')} does not exist`);
  return root;
}

function erase(root: unknown, path: string[], fail: Fail): unknown {
  read(root, path, fail);
  const last = path.at(-1);
  if (last === undefined) throw fail('the whole object cannot be removed');
  const parent = read(root, path.slice(0, -1), fail);
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else if (isObject(parent)) Reflect.deleteProperty(parent, last);
  return root;
}
