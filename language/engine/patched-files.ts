import { kustomizationFile, listPatches } from '../kustomize.ts';
import type { ParsedFile } from '../parse.ts';

/** The files that kustomizations lay over others: pieces of resources, not resources. */
export class PatchedFiles {
  private readonly byKustomization = new Map<string, ReadonlySet<string>>();
  private readonly counts = new Map<string, number>();

  has(uri: string): boolean {
    return this.counts.has(uri);
  }

  /**
   * Notes a file that came, changed or went.
   * @returns the files that became a patch or ceased to be one by it.
   */
  replace(uri: string, file: ParsedFile | undefined): string[] {
    if (!kustomizationFile.test(uri)) return [];
    const before = this.byKustomization.get(uri) ?? new Set();
    const now = new Set(file ? listPatches(file) : []);
    if (now.size > 0) this.byKustomization.set(uri, now);
    else this.byKustomization.delete(uri);
    const all = new Set([...before, ...now]);
    const changed = [...all].filter((patch) => before.has(patch) !== now.has(patch));
    return changed.filter((patch) => this.count(patch, now.has(patch) ? 1 : -1));
  }

  /** @returns whether that made or unmade a patch of it. */
  private count(uri: string, by: 1 | -1): boolean {
    const before = this.counts.get(uri) ?? 0;
    if (before + by > 0) this.counts.set(uri, before + by);
    else this.counts.delete(uri);
    return before > 0 !== before + by > 0;
  }
}
