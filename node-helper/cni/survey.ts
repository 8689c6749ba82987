/** What is found before anything is planned: the directory’s files, the answers of its plugins, what we did here earlier. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { PluginVersions } from '../../mesh/cni/cni-chain.ts';
import { type CniDirectoryEntry, loadable } from '../../mesh/cni/cni-plan.ts';
import { cniFileKind, listPluginTypes, parseCniFile } from '../../mesh/cni/parse-cni-file.ts';
import { attempt, errorCode } from '../failure.ts';
import type { Disk } from '../host-disk.ts';
import type { Host } from '../host.ts';
import { probeProgram, probeProgramAt } from '../read-cni.ts';
import { type CniPaths, Refused } from './node-paths.ts';

export interface World {
  host: Host;
  disk: Disk;
  paths: CniPaths;
}

/** The entry to chain. */
export interface PluginEntry {
  type: string;
  text: string;
}

const largestFile = 1024 * 1024;
const largestProgram = 512 * 1024 * 1024;
const mostPlugins = 32;

/** Every name of the directory, with the content of those that a runtime reads. @throws {Refused} when it cannot be read. */
export function readEntries({ disk, paths: { confDir } }: World): CniDirectoryEntry[] {
  let names: string[];
  try {
    names = disk.list(confDir);
  } catch (cause) {
    throw new Refused(
      errorCode(cause),
      `The configuration directory ${confDir} could not be read: ${(cause as Error).message}`,
      { cause },
    );
  }
  return names.sort().map((name) => readEntry(disk, confDir, name));
}

function readEntry(disk: Disk, confDir: string, name: string): CniDirectoryEntry {
  const path = join(confDir, name);
  try {
    const own = disk.look(path);
    if (own?.kind === 'directory') return { name, directory: true };
    if (cniFileKind(name) === 'other') return { name };
    const behind = disk.lookBehind(path);
    if (behind?.kind !== 'file') return { name, error: behind ? 'it is no regular file' : 'ENOENT: it leads nowhere' };
    const bytes = disk.read(path, largestFile);
    const content = bytes.toString('utf8');
    // An edit of such a text would not keep every other byte.
    if (!Buffer.from(content, 'utf8').equals(bytes)) return { name, error: 'it is not UTF-8 text' };
    return { name, content };
  } catch (error) {
    return { name, error: error instanceof Error ? error.message : String(error) };
  }
}

/** Asks the plugins of the file in force, and those of the files that would be in force without it. */
export async function probeChain(
  { host, paths: { binDir } }: World,
  entries: readonly CniDirectoryEntry[],
): Promise<PluginVersions[]> {
  const list = loadable(entries)
    .map((entry) => parseCniFile(entry).list)
    .find((found) => found !== undefined);
  const types = list ? listPluginTypes(list).slice(0, mostPlugins) : [];
  return Promise.all(types.map((type) => probeProgram(host, type, [binDir])));
}

/** Asks our own plugin, where it is now. */
export async function probeOurs(
  { host, paths: { binDir } }: World,
  type: string,
  program?: string,
): Promise<PluginVersions> {
  if (program === undefined) return probeProgram(host, type, [binDir]);
  return { type, path: join(binDir, type), ...(await probeProgramAt(host, program)) };
}

/** @throws {Refused} when there is none. */
export function readProgram(disk: Disk, path: string): Buffer {
  try {
    return disk.read(path, largestProgram);
  } catch (cause) {
    throw new Refused(errorCode(cause), `The plugin’s program ${path} could not be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}

export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Of a program in the binary directory; undefined when there is none. */
export function hashAt(disk: Disk, path: string): string | undefined {
  return disk.look(path) && attempt(() => hashOf(disk.read(path, largestProgram)));
}

/** Whether two readings of a directory found the same. */
export function isSame(a: readonly CniDirectoryEntry[], b: readonly CniDirectoryEntry[]): boolean {
  const relevant = (entries: readonly CniDirectoryEntry[]) => JSON.stringify(loadable(entries));
  return relevant(a) === relevant(b);
}
