import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject, type ApiObject, type JsonObject } from './api-object.ts';
import type { Recording } from './recording.ts';

/**
 * What was made wrong on purpose, laid over what was recorded: `faults/resources.json` holds whole objects, or the fields of
 * recorded ones that differ; `faults/rules/` replaces the rules of pods. A state without that directory stays as it was.
 * @param directory of the recording.
 */
export async function addFaults(recording: Recording, directory: string): Promise<Recording> {
  const made = join(directory, 'faults');
  const list = await readFile(join(made, 'resources.json'), 'utf8').catch(() => undefined);
  if (list === undefined) return recording;
  const rules = new Map(recording.rules);
  for (const name of await readdir(join(made, 'rules')).catch(() => [])) {
    const [, pod, family] = /^(.+)\.(v4|v6)\.save$/.exec(name) ?? [];
    if (pod === undefined) continue;
    const saved = await readFile(join(made, 'rules', name), 'utf8');
    rules.set(pod, { notes: [], ...rules.get(pod), [family as 'v4' | 'v6']: saved });
  }
  const objects = new Map(recording.objects.map((object) => [keyOf(object), object]));
  for (const patch of (JSON.parse(list) as { items: ApiObject[] }).items) {
    const key = keyOf(patch);
    const known = objects.get(key);
    objects.set(key, known ? (merge(known, patch) as ApiObject) : patch);
  }
  return { ...recording, objects: [...objects.values()], rules };
}

function keyOf({ apiVersion, kind, metadata }: ApiObject): string {
  return JSON.stringify([apiVersion, kind, metadata.namespace, metadata.name]);
}

/** Field by field; containers by their names; any other list is replaced. */
function merge(known: JsonObject, patch: JsonObject): JsonObject {
  const merged = { ...known };
  for (const [key, value] of Object.entries(patch)) {
    const before = known[key];
    if (key === 'containers' && Array.isArray(before) && Array.isArray(value)) merged[key] = mergeByName(before, value);
    else merged[key] = isObject(before) && isObject(value) ? merge(before, value) : value;
  }
  return merged;
}

function mergeByName(before: unknown[], patches: unknown[]): unknown[] {
  const changes = new Map(patches.filter(isObject).map((patch) => [patch.name, patch]));
  return before.map((item) => {
    const patch = isObject(item) ? changes.get(item.name) : undefined;
    return isObject(item) && patch ? merge(item, patch) : item;
  });
}
