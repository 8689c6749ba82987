/**
 * CNI specification versions. One number rules a whole chain: the runtime hands the list's version to every plugin, and
 * a plugin that does not know it refuses both ADD and DEL. Versions are compared as strings there, so “1.0” is not “1.0.0”.
 */

/** Every version that was ever published, oldest first. */
export const publishedCniVersions = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;

/** What a configuration without `cniVersion` means to runtime and plugins. */
export const impliedCniVersion = '0.1.0';

/** Orders by number, not by text: `0.10.0` comes after `0.9.0`. What is no number counts as zero. */
export function compareCniVersions(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether the library takes a text for a version: up to three whole numbers. Empty means 0.1.0. */
export function isCniVersion(text: string): boolean {
  return text === '' || /^[+-]?\d{1,18}(?:\.[+-]?\d{1,18}){0,2}$/.test(text);
}

/**
 * The highest version that everybody speaks.
 * @param supported one list of versions per plugin.
 * @returns undefined when there is none, or nobody was asked.
 */
export function findCommonVersion(supported: string[][]): string | undefined {
  const [first, ...rest] = supported;
  return first
    ?.filter((version) => rest.every((versions) => versions.includes(version)))
    .sort(compareCniVersions)
    .at(-1);
}

function numbersOf(version: string): number[] {
  return (version || impliedCniVersion).split('.').map((part) => Number.parseInt(part, 10) || 0);
}
