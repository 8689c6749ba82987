import type { Located } from '../located.ts';

/**
 * A value as text that is the same for all ways of writing it: keys in order, absent and null fields alike.
 * @param without keys of the value itself that do not count.
 */
export function canonical(value: Located, without: readonly string[] = []): string {
  if (value.type === 'map') {
    const fields = value.entries
      .filter((entry) => entry.value.isSet && !without.includes(String(entry.key.value)))
      .map((entry) => `${JSON.stringify(String(entry.key.value))}:${canonical(entry.value)}`);
    return `{${fields.sort().join()}}`;
  }
  if (value.type === 'list') return `[${value.items.map((item) => canonical(item)).join()}]`;
  return JSON.stringify(value.value ?? null);
}
