/** What is found before anything is planned: the directory’s files, the answers of its plugins, what we did here earlier. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { PluginVersions } from '../../mesh/cni/cni-chain.ts';
import type { RuntimeCni } from '../../contract/node-helper.ts';
import { type ChainSurroundings, findChainTarget, isDelegating } from '../../mesh/cni/chain-target.ts';
import { listWantedFolders } from '../../mesh/cni/delegates.ts';
import { type CniDirectoryEntry, loadable, wholeList } from '../../mesh/cni/cni-plan.ts';
import { cniFileKind, listPluginTypes, parseCniFile } from '../../mesh/cni/parse-cni-file.ts';
import { attempt, errorCode } from '../failure.ts';
import type { Disk } from '../host-disk.ts';
import type { Host } from '../host.ts';
import { probeProgram, probeProgramAt } from '../read-cni.ts';
import { type CniPaths, Refused } from './node-paths.ts';

export interface World {
  host: Host;
  /** The host's, with paths as the host names them. */
  disk: Disk;
  paths: CniPaths;
  /** Where the program to be placed lies, when that is another root than the host's: the helper's own container. */
  here?: Disk;
  /** What the container runtime says of itself now. Absent: it is not asked. */
  askRuntime?: () => Promise<RuntimeCni | undefined>;
  /** What it said at the beginning, if it reads this very directory. */
  runtime?: RuntimeCni;
  /** Answers of plugins, kept while one verb is at work; by their program’s name or path. */
  answers?: Map<string, Promise<PluginVersions>>;
  /** Milliseconds between two questions to the runtime. */
  patience?: number;
  /** Now, ISO 8601: for the journal. */
  clock?: () => string;
}

/** The entry to chain. */
export interface PluginEntry {
  type: string;
  text: string;
}

const largestFile = 1024 * 1024;
const largestProgram = 512 * 1024 * 1024;
const mostPlugins = 32;
const mostReadings = 10;

/** Every name of the directory, with the content of those that a runtime reads. @throws {Refused} when it cannot be read. */
export function readEntries({ disk, paths: { confDir } }: World): CniDirectoryEntry[] {
  let names = listNames(disk, confDir);
  // Names that come or go meanwhile: half of an old directory and half of a new one was never there.
  for (let left = mostReadings; ; left--) {
    const entries = names.map((name) => readEntry(disk, confDir, name));
    const now = listNames(disk, confDir);
    if (left <= 1 || now.join('\0') === names.join('\0')) return entries;
    names = now;
  }
}

function listNames(disk: Disk, confDir: string): string[] {
  try {
    return disk.list(confDir).sort();
  } catch (cause) {
    throw new Refused(
      errorCode(cause),
      `The configuration directory ${confDir} could not be read: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function readEntry(disk: Disk, confDir: string, name: string): CniDirectoryEntry {
  const path = join(confDir, name);
  try {
    const own = disk.look(path);
    if (own?.kind === 'directory') return { name, directory: true, ...readInside(disk, path) };
    if (cniFileKind(name) === 'other') return { name };
    const behind = disk.lookBehind(path);
    if (behind?.kind !== 'file')
      return {
        name,
        error: behind ? 'it is no regular file' : `ENOENT: it links to ${disk.readLink(path)}, which is not there`,
      };
    const bytes = disk.read(path, largestFile);
    const content = bytes.toString('utf8');
    // An edit of such a text would not keep every other byte.
    if (!Buffer.from(content, 'utf8').equals(bytes)) return { name, error: 'it is not UTF-8 text' };
    return { name, content };
  } catch (error) {
    return { name, error: error instanceof Error ? error.message : String(error) };
  }
}

/** A directory may be named like a network, whose plugins it then holds. Only names that runtimes read are looked at. */
function readInside(disk: Disk, path: string): Pick<CniDirectoryEntry, 'inside'> {
  const names = (attempt(() => disk.list(path)) ?? []).filter((name) => name.endsWith('.conf')).sort();
  const inside = names.slice(0, mostPlugins).map((name) => readEntry(disk, path, name));
  return inside.length > 0 ? { inside } : {};
}

/** Asks the plugins of the file in force, and those of the files that would be in force without it. */
export async function probeChain(world: World, entries: readonly CniDirectoryEntry[]): Promise<PluginVersions[]> {
  const { host, paths } = world;
  const file = loadable(entries)
    .map((entry) => parseCniFile(entry))
    .find(({ list }) => list !== undefined);
  if (!file?.list) return [];
  const target = findChainTarget(entries, file, surroundingsOf(world, entries));
  const called = target && target.kind !== 'elsewhere' ? listPluginTypes(target.list) : [];
  const types = [...new Set([...listPluginTypes(wholeList(file.list, entries)), ...called])].slice(0, mostPlugins);
  const directories = programDirectories(paths);
  return Promise.all(types.map((type) => once(world, type, () => probeProgram(host, type, directories))));
}

/** What a delegating plugin in force finds in directories of its own. */
export function surroundingsOf(
  { disk, paths: { confDir } }: World,
  entries: readonly CniDirectoryEntry[],
): ChainSurroundings {
  const [first] = loadable(entries);
  const list = first && parseCniFile(first).list;
  const beside = list ? `${confDir}/${list.name}` : confDir;
  const directories = list?.plugins.some(isDelegating) ? listWantedFolders(list, confDir) : [];
  const ownNetworks = directories
    .filter((directory) => directory !== beside)
    .flatMap((directory) =>
      (attempt(() => disk.list(directory)) ?? []).map(
        (name) => parseCniFile(readEntry(disk, directory, name)).list?.name,
      ),
    )
    .filter((name) => name !== undefined);
  return { confDir, ownNetworks };
}

/** Where plugins are looked for. */
export function programDirectories({ binDir, binDirs }: CniPaths): readonly string[] {
  return binDirs && binDirs.length > 0 ? binDirs : [binDir];
}

/** Asks our own plugin, where it is now. */
export async function probeOurs(world: World, type: string, program?: string): Promise<PluginVersions> {
  const { host, paths } = world;
  if (program === undefined) return probeProgram(host, type, [paths.binDir]);
  const answer = await once(world, program, async () => ({ type, ...(await probeProgramAt(host, program)) }));
  // Who did not answer is named where it lies, which is not where it would be put.
  return { ...answer, type, path: answer.supportedVersions ? join(paths.binDir, type) : program };
}

/** A program is asked once while one verb is at work: two answers within a second would not differ. */
function once({ answers }: World, key: string, ask: () => Promise<PluginVersions>): Promise<PluginVersions> {
  const known = answers?.get(key) ?? ask();
  answers?.set(key, known);
  return known;
}

/** The program that is to be placed, from wherever it was brought. @throws {Refused} when there is none. */
export function readSource({ disk, here = disk }: World, path: string): Buffer {
  return readProgram(here, path);
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
  const relevant = (entries: readonly CniDirectoryEntry[]) =>
    JSON.stringify([loadable(entries), entries.flatMap(({ inside }) => inside ?? [])]);
  return relevant(a) === relevant(b);
}
