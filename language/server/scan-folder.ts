import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compileGlob } from '../glob.ts';
import { kustomizationFile } from '../kustomize.ts';
import { listFiles, manifestFile } from '../list-manifests.ts';
import { largestFile } from '../parse.ts';

/** Enough to keep a disk busy, few enough that typing gets its turn in between. */
const filesAtOnce = 16;

/** A test for paths below a folder, with `/` between names. */
export function compileExcludes(globs: readonly string[]): (path: string) => boolean {
  const tests = globs.map(compileGlob);
  return (path) => tests.some((test) => test(path));
}

/** Walks a folder and hands over each file that looks like a manifest, until it is told to stop. */
export async function scanFolder(
  folder: string,
  isExcluded: (path: string) => boolean,
  onManifest: (path: string, text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  for await (const names of listFiles(folder, isExcluded)) {
    const files = names.filter((name) => manifestFile.test(name)).map((name) => join(folder, name));
    for (let from = 0; from < files.length; from += filesAtOnce) {
      const batch = files.slice(from, from + filesAtOnce);
      const texts = await Promise.all(batch.map(readManifest));
      if (signal.aborted) return;
      for (const [index, text] of texts.entries()) if (text !== undefined) onManifest(batch[index]!, text);
    }
    if (signal.aborted) return;
  }
}

/** The text of a file that has something of Kubernetes in it; undefined for any other, and for what cannot be read. */
export async function readManifest(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    // A link may lead to a pipe, which would keep us waiting.
    if (!found.isFile() || found.size > largestFile) return undefined;
    const text = await readFile(path, 'utf8');
    const isOurs =
      kustomizationFile.test(path.replaceAll('\\', '/')) || (text.includes('apiVersion') && text.includes('kind'));
    return isOurs ? text : undefined;
  } catch {
    return undefined;
  }
}
