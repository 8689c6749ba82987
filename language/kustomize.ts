import type { ParsedFile } from './parse.ts';

/** Files that tell Kustomize what to build from what. */
export const kustomizationFile = /(^|\/)(kustomization\.ya?ml|Kustomization)$/;

/**
 * The files that a kustomization lays over others. A patch is a piece of a resource: what it leaves out is not missing, and
 * it is no second resource of that name.
 * @returns their addresses, resolved against the kustomization's own.
 */
export function listPatches({ uri, documents }: ParsedFile): string[] {
  const folder = uri.slice(0, uri.lastIndexOf('/') + 1);
  return documents.flatMap(({ roots }) =>
    roots.flatMap((root) => {
      const listed = ['patches', 'patchesJson6902'].flatMap((field) =>
        root.at(field).items.map((patch) => patch.at('path').string),
      );
      const merged = root.at('patchesStrategicMerge').items.map((patch) => patch.string);
      return [...listed, ...merged].flatMap((path) =>
        path && !path.includes('\n') ? resolvePath(folder, path, uri.startsWith('file:')) : [],
      );
    }),
  );
}

function resolvePath(folder: string, path: string, isUri: boolean): string {
  const resolved = folder === '' ? [] : folder.slice(0, -1).split('/');
  for (const part of path.split('/')) {
    const isParent = part === '..' && resolved.length > 0 && resolved.at(-1) !== '..';
    if (isParent) resolved.pop();
    else if (part !== '.' && part !== '') resolved.push(isUri ? encodeURIComponent(part) : part);
  }
  return resolved.join('/');
}
