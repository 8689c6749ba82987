import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Files that may hold manifests. */
export const manifestFile = /\.(ya?ml|json)$/i;

/** Where nobody keeps manifests of a mesh, but thousands of files. */
const neverEntered = new Set(['node_modules', '.git']);

/**
 * Walks a folder and names every file below it, folder by folder. What cannot be opened is passed over, and so are
 * pipes and sockets, which would keep a reader waiting. Links to folders
 * are not followed, so a circle cannot trap it.
 * @param isExcluded asked with the path below the folder, with `/` between names.
 * @param onFailure told of a folder below that cannot be opened; empty for the folder itself.
 * @returns paths below the folder, `/` between names, each folder's in the order of their names.
 */
export async function* listFiles(
  folder: string,
  isExcluded: (path: string) => boolean = () => false,
  onFailure: (path: string, error: unknown) => void = () => undefined,
): AsyncIterable<string[]> {
  const folders = [''];
  for (let next = folders.shift(); next !== undefined; next = folders.shift()) {
    const files: string[] = [];
    const entries = await readdir(join(folder, next), { withFileTypes: true }).catch((error: unknown) => {
      onFailure(next, error);
      return [];
    });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = next === '' ? entry.name : `${next}/${entry.name}`;
      if (isExcluded(path)) continue;
      if (entry.isFile() || entry.isSymbolicLink()) files.push(path);
      else if (!entry.isDirectory()) continue;
      else if (!neverEntered.has(entry.name)) folders.push(path);
    }
    yield files;
  }
}
