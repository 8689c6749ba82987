import { relative, sep } from 'node:path';
import { compileExcludes } from './scan-folder.ts';
import { findPath } from './uris.ts';

/** The folders of the workspace, and what in them is left out. */
export class Folders {
  private paths: string[] = [];
  isExcluded: (path: string) => boolean = () => false;

  set(uris: readonly string[]): void {
    this.paths = uris.flatMap((uri) => findPath(uri) ?? []);
  }

  change(added: readonly string[], removed: readonly string[]): void {
    const gone = new Set(removed.map(findPath));
    this.paths = [...this.paths.filter((path) => !gone.has(path)), ...added.flatMap((uri) => findPath(uri) ?? [])];
  }

  exclude(globs: readonly string[]): void {
    this.isExcluded = compileExcludes(globs);
  }

  all(): readonly string[] {
    return this.paths;
  }

  /** Whether a path lies in a folder of the workspace and is not left out there. */
  holds(path: string): boolean {
    const folder = this.folderOf(path);
    return folder !== undefined && !this.isExcluded(below(folder, path));
  }

  /** Whether a file lies in a folder of the workspace, but is left out. */
  leavesOut(uri: string): boolean {
    const path = findPath(uri);
    const folder = path === undefined ? undefined : this.folderOf(path);
    return path !== undefined && folder !== undefined && this.isExcluded(below(folder, path));
  }

  /** The workspace's folder that a path lies in. */
  folderOf(path: string): string | undefined {
    return this.paths.find(
      (folder) => path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep),
    );
  }
}

/** The path below a folder, with `/` between names. */
function below(folder: string, path: string): string {
  return relative(folder, path).replaceAll(sep, '/');
}
