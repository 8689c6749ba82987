/**
 * `read-cni`: the directory that the runtime reads, which versions the plugins named there speak, and what surrounds them.
 * Nothing is written, and no plugin gets another command than VERSION.
 */
import type { CniFile, CniFolder, CniPluginProbe, ReadCniResult, RuntimeCni } from '../contract/node-helper.ts';
import { folderBeside, listWantedFolders } from '../mesh/cni/delegates.ts';
import {
  cniFileKind,
  type CniPluginEntry,
  listLoadedFiles,
  listPluginTypes,
  type ParsedCniFile,
  parseCniFile,
} from '../mesh/cni/parse-cni-file.ts';
import { type ChainPlugin, describeChain } from '../mesh/cni/read-chain.ts';
import { attempt, errorCode } from './failure.ts';
import { resolveInRoot } from './host-files.ts';
import type { Host } from './host.ts';
import { findMount } from './mounts.ts';
import { type PlacedEntry, readNetworkFacts } from './network-facts.ts';
import { probePlugin, type PluginSearch } from './probe-plugin.ts';
import { listHostProcesses, listProcesses } from './processes.ts';
import { readCredentials } from './read-credentials.ts';
import { describeRuntime, type RuntimeOptions } from './runtime/describe-runtime.ts';
import { findHostPlace, ownPlace } from './tools.ts';

export { probeProgram, probeProgramAt, readVersionReply } from './probe-plugin.ts';

const defaultConfDir = '/etc/cni/net.d';
const defaultBinDirs = ['/opt/cni/bin'];
/** Bytes of one file. A real one has a few hundred. */
const maxFileSize = 1024 * 1024;
/** Of all files of one directory together: the answer has to travel. */
const maxTotalSize = 4 * 1024 * 1024;
/** Names in one directory that are looked at. */
const maxFiles = 500;
/** Programs that are asked; a real chain has two to five. */
const maxPlugins = 32;
const maxFolders = 8;
/** Readings more than two until two in a row are the same. */
const maxReadings = 3;
/** Milliseconds between readings of a directory that has just changed. */
const restTime = 40;

interface Search extends PluginSearch {
  notes: string[];
}

/** Where nothing is asked for, the runtime's own directories are read. */
export async function readCni(
  host: Host,
  request: { confDir?: string; binDirs?: string[] },
  runtimeOptions: Pick<RuntimeOptions, 'socket'> = {},
): Promise<ReadCniResult> {
  const notes: string[] = [];
  const runtimeCni = await describeRuntime(host, { ...runtimeOptions, notes }).catch((error: unknown) => {
    notes.push(`The container runtime could not be looked at: ${(error as Error).message}`);
    return undefined;
  });
  const confDir = request.confDir ?? runtimeCni?.confDir ?? defaultConfDir;
  const asked = request.binDirs?.length ? request.binDirs : undefined;
  const binDirs = asked ?? (runtimeCni?.binDirs.length ? runtimeCni.binDirs : defaultBinDirs);
  const hostProcesses = listHostProcesses(host, listProcesses(host));
  const hostPlace = findHostPlace(host, hostProcesses);
  const search: Search = {
    host,
    roots: [host.hostRoot, ...(hostPlace ? [hostPlace.root] : [])],
    places: [ownPlace(), ...(hostPlace ? [hostPlace] : [])],
    notes,
  };
  try {
    const { reading, plugins, changing } = await readUntilSteady(search, confDir, binDirs, runtimeCni);
    const { files, folders } = reading;
    const entries = listEntries(reading, plugins);
    // Only through a host process is everything of the host's to be seen; and where its root is ours.
    const whole = search.roots.filter((root) => root === '' || root !== host.hostRoot);
    const credentials = readCredentials(
      host,
      whole,
      entries.map(({ entry }) => entry),
    );
    const pid = hostProcesses.find((candidate) => candidate.pid !== 1)?.pid;
    const network = readNetworkFacts({ host, roots: search.roots, pid }, entries);
    const cachedNetworks = readCachedNetworks(search);
    for (const directory of [confDir, ...binDirs]) noteReadOnly(search, whole[0], directory);
    return {
      confDir,
      binDirs,
      files,
      plugins,
      notes,
      ...(runtimeCni && { runtimeCni }),
      ...(network && { network }),
      ...(folders.length > 0 && { folders }),
      ...(credentials.length > 0 && { credentials }),
      ...(cachedNetworks.length > 0 && { cachedNetworks }),
      ...(changing.length > 0 && { changing }),
    };
  } finally {
    for (const file of hostPlace?.files ?? []) file.close();
  }
}

interface SteadyReading {
  reading: Reading & { folders: CniFolder[] };
  plugins: CniPluginProbe[];
  changing: string[];
}

/** A directory that changes while it is read and judged may show a state that never was: it is read until two readings agree. */
async function readUntilSteady(
  search: Search,
  confDir: string,
  binDirs: readonly string[],
  runtimeCni: RuntimeCni | undefined,
): Promise<SteadyReading> {
  const changed = new Map<string, number>();
  const probes = new Map<string, CniPluginProbe>();
  let files = readConfDir(search, confDir);
  for (let left = maxReadings; ; left--) {
    const folders = readFolders(search, confDir, files, runtimeCni);
    const reading = { files, folders, confDir, ...(runtimeCni && { runtimeCni }) };
    await probeEffective(search, reading, binDirs, probes);
    if (left < maxReadings) await new Promise((resolve) => setTimeout(resolve, restTime));
    const again = readConfDir({ ...search, notes: [] }, confDir);
    const names = changedNames(files, again);
    for (const name of names) changed.set(name, (changed.get(name) ?? 0) + 1);
    if (names.length === 0 || left === 0) {
      // Once may be anybody's honest change.
      const changing = [...changed].flatMap(([name, times]) => (times > 1 ? [name] : []));
      return { reading, plugins: [...probes.values()], changing };
    }
    files = again;
  }
}

function changedNames(before: readonly CniFile[], after: readonly CniFile[]): string[] {
  const marks = (files: readonly CniFile[]) => new Map(files.map((file) => [file.name, JSON.stringify(file)]));
  const [old, now] = [marks(before), marks(after)];
  return [...new Set([...old.keys(), ...now.keys()])].filter(
    (name) => old.get(name) !== now.get(name) && cniFileKind(name) !== 'other',
  );
}

function readConfDir(search: Search, confDir: string): CniFile[] {
  const { host, notes } = search;
  const errors: string[] = [];
  for (const root of search.roots) {
    try {
      const directory = resolveInRoot(host, root, confDir);
      const names = host.list(directory).sort();
      if (names.length > maxFiles)
        notes.push(`${confDir} holds ${names.length} names; the first ${maxFiles} are shown.`);
      let room = maxTotalSize;
      return names.slice(0, maxFiles).map((name) => {
        const file = readConfFile(host, root, confDir, name, Math.min(maxFileSize, room));
        room -= file.content?.length ?? 0;
        return file;
      });
    } catch (error) {
      errors.push(errorCode(error));
    }
  }
  notes.push(
    errors.every((code) => code === 'ENOENT')
      ? `The directory ${confDir} does not exist on this node.`
      : `The directory ${confDir} could not be read (${errors.join(', ')}).`,
  );
  return [];
}

function readConfFile(host: Host, root: string, confDir: string, name: string, limit: number): CniFile {
  const path = `${confDir}/${name}`;
  try {
    const inDirectory = `${resolveInRoot(host, root, confDir)}/${name}`;
    const own = host.facts(inDirectory);
    const linkTarget = own.kind === 'link' ? host.readLink(inDirectory) : undefined;
    const behind = resolveInRoot(host, root, path);
    const facts = linkTarget === undefined ? own : attempt(() => host.facts(behind));
    const { mode, modified } = facts ?? own;
    const entry: CniFile = {
      name,
      mode,
      ...(linkTarget !== undefined && { linkTarget }),
      ...(modified !== undefined && { modified }),
    };
    if (own.kind === 'directory') return { ...entry, directory: true, error: 'EISDIR: it is a directory' };
    if (cniFileKind(name) === 'other') return entry;
    if (!facts) return { ...entry, error: `ENOENT: it links to ${linkTarget}, which is not there` };
    if (facts.kind !== 'file')
      return { ...entry, error: facts.kind === 'directory' ? 'EISDIR: it is a directory' : 'it is no regular file' };
    return { ...entry, content: host.read(behind, limit) };
  } catch (error) {
    return { name, error: error instanceof Error ? error.message : String(error) };
  }
}

/** The folders that the lists name, and the common directory where the runtime uses another; only those that are there. */
function readFolders(search: Search, confDir: string, files: readonly CniFile[], runtimeCni?: RuntimeCni): CniFolder[] {
  const named = listLoadedFiles(files).flatMap((file) => {
    const { list, network } = parseCniFile(file);
    // One without plugins of its own may have all of them in its folder.
    return list ? listWantedFolders(list, confDir) : network === undefined ? [] : folderBeside(network, confDir);
  });
  const common = runtimeCni && runtimeCni.confDir === confDir && confDir !== defaultConfDir ? [defaultConfDir] : [];
  const wanted = [...new Set([...named, ...common])];
  return wanted.slice(0, maxFolders).flatMap((path) => {
    const found = readConfDir({ ...search, notes: [] }, path);
    return found.length > 0 ? [{ path, files: found }] : [];
  });
}

type Reading = Pick<ReadCniResult, 'files' | 'folders' | 'confDir' | 'runtimeCni'>;

/**
 * Asks the plugins of the file in force, and those that they call. Where a plugin of it is missing or speaks other
 * versions, some runtimes (CRI-O) take the next file, so its plugins are asked too, and so on; programs that no runtime
 * would run are not started.
 */
async function probeEffective(
  search: Search,
  reading: Reading,
  binDirs: readonly string[],
  probes: Map<string, CniPluginProbe>,
): Promise<void> {
  const ask = async (wanted: readonly string[], source: string) => {
    const types = [...new Set(wanted)].filter((type) => !probes.has(type));
    const room = types.slice(0, maxPlugins - probes.size);
    if (room.length < types.length) search.notes.push(`${source} names too many plugins; ${maxPlugins} were asked.`);
    for (const probe of await Promise.all(room.map((type) => probePlugin(search, type, binDirs))))
      probes.set(probe.type, probe);
  };
  for (const file of inRuntimeOrder(reading)) {
    const { list } = file;
    if (!list) continue;
    await ask(listPluginTypes(list), file.name);
    if (list.plugins.every(({ type }) => probes.get(type)?.supportedVersions?.includes(list.cniVersion))) break;
  }
  const chain = describeChain({ ...reading, plugins: [...probes.values()] });
  await ask(chain.plugins.flatMap(typesOf), chain.effective?.name ?? reading.confDir);
}

/** A network that CRI-O is told to use by its name comes first. */
function inRuntimeOrder({ files, runtimeCni }: Reading): ParsedCniFile[] {
  const parsed = listLoadedFiles(files).map((file) => parseCniFile(file));
  const name = runtimeCni?.defaultNetwork;
  return name === undefined
    ? parsed
    : [...parsed].sort((a, b) => Number(b.list?.name === name) - Number(a.list?.name === name));
}

function typesOf({ type, ipam, delegates, calls = [] }: ChainPlugin): string[] {
  return [type, ...(ipam ? [ipam] : []), ...delegates, ...calls.flatMap(({ plugins }) => plugins.flatMap(typesOf))];
}

/** Every entry of the chain in force and of the networks that it calls, with the file in which it stands. */
function listEntries(reading: Reading, plugins: readonly CniPluginProbe[]): PlacedEntry[] {
  const chain = describeChain({ ...reading, plugins });
  const { confDir, folders = [] } = reading;
  const places = [{ path: confDir, files: reading.files }, ...folders];
  const called = chain.plugins.flatMap(({ calls = [] }) => calls.flatMap(({ file }) => file ?? []));
  const wanted = [...(chain.effective ? [`${confDir}/${chain.effective.name}`] : []), ...called];
  return [...new Set(wanted)].flatMap((path) => {
    const at = path.lastIndexOf('/');
    const file = places
      .find((place) => place.path === path.slice(0, at))
      ?.files.find(({ name }) => name === path.slice(at + 1));
    const list = file && parseCniFile(file).list;
    return list ? list.plugins.flatMap((entry) => placed(entry, file.name, list.name)) : [];
  });
}

/** With the configurations that Multus carries in itself. */
function placed(entry: CniPluginEntry, source: string, network: string): PlacedEntry[] {
  const { delegates } = entry.config;
  const inside = Array.isArray(delegates) ? (delegates as unknown[]) : [];
  return [
    { entry, source, network },
    ...inside.flatMap((delegate) => {
      const isList = typeof delegate === 'object' && delegate !== null && 'plugins' in delegate;
      const content = JSON.stringify({ name: network, ...(delegate as object) });
      const { list } = parseCniFile({ name: isList ? 'x.conflist' : 'x.conf', content });
      return list?.plugins.map((inner) => ({ entry: inner, source, network: list.name })) ?? [];
    }),
  ];
}

/** Said once here: it is no fault of the chain, but nothing can be installed there. */
function noteReadOnly({ host, notes }: Search, root: string | undefined, directory: string): void {
  const mount = root === undefined ? undefined : findMount(host, root, directory);
  if (mount?.options.includes('ro'))
    notes.push(
      `${directory} lies on a file system that is mounted read-only (${mount.point}): nothing can be installed there.`,
    );
}

/** libcni keeps one file `<network>-<container id>-<interface>` for each pod that it has connected. */
function readCachedNetworks({ host, roots }: Search): string[] {
  for (const root of roots) {
    const names = attempt(() => host.list(resolveInRoot(host, root, '/var/lib/cni/results')));
    if (!names) continue;
    const networks = names.flatMap((name) => /^(.+)-[0-9a-f]{64}-[^-]+$/.exec(name)?.[1] ?? []);
    return [...new Set(networks)]
      .filter((name) => name !== 'cni-loopback')
      .sort()
      .slice(0, 20);
  }
  return [];
}
