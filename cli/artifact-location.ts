import * as native from 'node:path';
import type { ArtifactLocation } from 'sarif';
import { isClusterUri } from '../language/index.ts';

/** Where names of files begin; tests look from a Windows machine too. */
export interface Folder {
  /** Absolute: the checkout, in which other programs look files up. */
  path: string;
  /** Absolute: where the names that the user gave begin. */
  cwd: string;
  paths?: Pick<typeof native, 'isAbsolute' | 'relative' | 'resolve' | 'sep'>;
}

/**
 * GitHub looks files up from the checkout, wherever in it the step runs.
 * @param workspace `GITHUB_WORKSPACE`
 */
export function findRoot(cwd: string, workspace: string | undefined): Folder {
  return { cwd, path: workspace && isBelow(native, workspace, cwd) ? workspace : cwd };
}

/** The file's name from the root, with `/` between its parts; undefined for one that does not lie below it. */
export function findNameFromRoot(file: string, { path, cwd, paths = native }: Folder): string | undefined {
  if (file === '-') return file;
  if (isClusterUri(file)) return undefined;
  const absolute = paths.resolve(cwd, file);
  return isBelow(paths, path, absolute) ? paths.relative(path, absolute).split(paths.sep).join('/') : undefined;
}

/** The address of a file in a SARIF log: relative below the root, absolute elsewhere; strange characters encoded. */
export function describeArtifact(file: string, root: Folder): ArtifactLocation {
  const name = findNameFromRoot(file, root);
  if (name !== undefined) return { uri: encode(name), uriBaseId: '%SRCROOT%' };
  if (isClusterUri(file)) return { uri: file };
  const { paths = native, cwd } = root;
  const absolute = paths.resolve(cwd, file).split(paths.sep).join('/');
  return { uri: `file://${absolute.startsWith('/') ? '' : '/'}${encode(absolute)}` };
}

function isBelow(paths: NonNullable<Folder['paths']>, folder: string, file: string): boolean {
  const relative = paths.relative(folder, file);
  return relative !== '..' && !relative.startsWith(`..${paths.sep}`) && !paths.isAbsolute(relative);
}

/** Part by part; the letter of a drive keeps its colon, any other colon would read as the scheme of an address. */
function encode(path: string): string {
  return path
    .split('/')
    .map((part, at) => (at === 0 && /^[A-Za-z]:$/.test(part) ? part : encodeURIComponent(part)))
    .join('/');
}
