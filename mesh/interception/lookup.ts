/**
 * A value by a name that comes from a text. A plain `record[name]` would find what every object has, such as
 * `constructor`, and pasted text holds any word.
 */
export function lookup<T>(record: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
