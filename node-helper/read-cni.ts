/** `read-cni`: the directory that the runtime reads, and which versions the plugins named there speak. */
import type { CniFile, CniPluginProbe, ReadCniResult } from '../contract/node-helper.ts';
import { cniFileKind, listLoadedFiles, listPluginTypes, parseCniFile } from '../mesh/cni/parse-cni-file.ts';
import { attempt, errorCode } from './failure.ts';
import { resolveInRoot } from './host-files.ts';
import type { CommandResult, Host } from './host.ts';
import { listHostProcesses, listProcesses } from './processes.ts';
import { findHostPlace, ownPlace, type Place, runIn } from './tools.ts';

const defaultConfDir = '/etc/cni/net.d';
const defaultBinDirs = ['/opt/cni/bin'];
/** Bytes of one file. A real one has a few hundred. */
const maxFileSize = 1024 * 1024;
/** Names in one directory that are looked at. */
const maxFiles = 500;
/** Programs that are asked; a real chain has two to five. */
const maxPlugins = 32;

interface Search {
  host: Host;
  /** Prefixes below which the host's directories may be seen, best first. */
  roots: string[];
  places: Place[];
  notes: string[];
}

/** Reads one directory and asks the plugins of the files in force. Nothing is written, no plugin gets another command than VERSION. */
export async function readCni(host: Host, request: { confDir?: string; binDirs?: string[] }): Promise<ReadCniResult> {
  const confDir = request.confDir ?? defaultConfDir;
  const binDirs = request.binDirs && request.binDirs.length > 0 ? request.binDirs : defaultBinDirs;
  const hostPlace = findHostPlace(host, listHostProcesses(host, listProcesses(host)));
  const search: Search = {
    host,
    roots: [host.hostRoot, ...(hostPlace ? [hostPlace.root] : [])],
    places: [ownPlace(), ...(hostPlace ? [hostPlace] : [])],
    notes: [],
  };
  try {
    const files = readConfDir(search, confDir);
    return { confDir, binDirs, files, plugins: await probeEffective(search, files, binDirs), notes: search.notes };
  } finally {
    for (const file of hostPlace?.files ?? []) file.close();
  }
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
      return names.slice(0, maxFiles).map((name) => readConfFile(host, root, confDir, name));
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

function readConfFile(host: Host, root: string, confDir: string, name: string): CniFile {
  const path = `${confDir}/${name}`;
  try {
    const inDirectory = `${resolveInRoot(host, root, confDir)}/${name}`;
    const own = host.facts(inDirectory);
    const linkTarget = own.kind === 'link' ? host.readLink(inDirectory) : undefined;
    const behind = resolveInRoot(host, root, path);
    const facts = linkTarget === undefined ? own : attempt(() => host.facts(behind));
    const entry: CniFile = { name, mode: (facts ?? own).mode, ...(linkTarget !== undefined && { linkTarget }) };
    if (cniFileKind(name) === 'other') return entry;
    if (!facts) return { ...entry, error: `ENOENT: it links to ${linkTarget}, which is not there` };
    if (facts.kind !== 'file')
      return { ...entry, error: facts.kind === 'directory' ? 'EISDIR: it is a directory' : 'it is no regular file' };
    return { ...entry, content: host.read(behind, maxFileSize) };
  } catch (error) {
    return { name, error: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Asks the plugins of the file in force. Where a plugin of it is missing or speaks other versions, some runtimes (CRI-O)
 * take the next file, so its plugins are asked too, and so on; programs that no runtime would run are not started.
 */
async function probeEffective(
  search: Search,
  files: readonly CniFile[],
  binDirs: readonly string[],
): Promise<CniPluginProbe[]> {
  const probes = new Map<string, CniPluginProbe>();
  for (const file of listLoadedFiles(files)) {
    const { list } = parseCniFile(file);
    if (!list) continue;
    const types = listPluginTypes(list).filter((type) => !probes.has(type));
    const room = types.slice(0, maxPlugins - probes.size);
    if (room.length < types.length) search.notes.push(`${file.name} names too many plugins; ${maxPlugins} were asked.`);
    for (const probe of await Promise.all(room.map((type) => probePlugin(search, type, binDirs))))
      probes.set(probe.type, probe);
    if (list.plugins.every(({ type }) => probes.get(type)?.supportedVersions?.includes(list.cniVersion))) break;
  }
  return [...probes.values()];
}

async function probePlugin(search: Search, type: string, binDirs: readonly string[]): Promise<CniPluginProbe> {
  // The runtime refuses such a name too; looking it up would run any program of the node.
  if (type.includes('/') || type.includes('\\') || type === '.' || type === '..') {
    return { type, error: 'a plugin’s type is a name, not a path' };
  }
  const found = findPlugin(search, type, binDirs);
  if (!found) return { type, error: `no program “${type}” in ${binDirs.join(', ')}` };
  const { path, here } = found;
  const [own, hostPlace] = search.places;
  let result = await askVersion(search.host, own!, here);
  // A program that is linked against the host's libraries starts only among them.
  if (hostPlace && !answered(result) && result.stopped !== 'timeout')
    result = await askVersion(search.host, hostPlace, path);
  return { type, path, ...readVersionReply(result) };
}

/** Asks one program of our own root which versions it speaks. */
export function probeProgram(host: Host, type: string, binDirs: readonly string[]): Promise<CniPluginProbe> {
  return probePlugin({ host, roots: [''], places: [ownPlace()], notes: [] }, type, binDirs);
}

/** Asks the program in a file, wherever it lies. */
export async function probeProgramAt(
  host: Host,
  path: string,
): Promise<Pick<CniPluginProbe, 'supportedVersions' | 'error'>> {
  return readVersionReply(await askVersion(host, ownPlace(), path));
}

function findPlugin(
  { host, roots }: Search,
  type: string,
  binDirs: readonly string[],
): { path: string; here: string } | undefined {
  for (const root of roots) {
    for (const directory of binDirs) {
      const path = `${directory}/${type}`;
      const here = attempt(() => resolveInRoot(host, root, path));
      // A program that does many plugins' work tells them apart by the name that it is called by: keep the link's.
      if (here && attempt(() => host.facts(here).kind) === 'file') return { path, here: root === '' ? path : here };
    }
  }
  return undefined;
}

function askVersion(host: Host, place: Place, path: string): Promise<CommandResult> {
  return runIn(host, place, undefined, [path], {
    stdin: '{"cniVersion":"1.1.0"}',
    env: {
      CNI_COMMAND: 'VERSION',
      CNI_NETNS: 'dummy',
      CNI_IFNAME: 'dummy',
      CNI_PATH: 'dummy',
      CNI_CONTAINERID: 'dummy',
    },
    timeout: 3_000,
    maxOutput: 64 * 1024,
  });
}

function answered({ stdout }: CommandResult): boolean {
  return stdout.trimStart().startsWith('{');
}

/**
 * What a VERSION reply says.
 * @returns the versions; a plugin from before VERSION existed says so and speaks 0.1.0 only.
 */
export function readVersionReply(result: CommandResult): Pick<CniPluginProbe, 'supportedVersions' | 'error'> {
  if (result.stopped === 'timeout') return { error: 'it gave no answer within 3 seconds' };
  if (result.stopped === 'output') return { error: 'it printed more than 64 KB' };
  if (result.stopped === 'denied') return { error: 'it is not executable' };
  if (result.stopped === 'missing') return { error: 'it could not be started: its interpreter or loader is missing' };
  const reply = attempt(
    () => JSON.parse(result.stdout) as { supportedVersions?: unknown; cniVersion?: unknown; msg?: unknown },
  );
  if (Array.isArray(reply?.supportedVersions)) {
    const supportedVersions = reply.supportedVersions.filter((version) => typeof version === 'string');
    if (supportedVersions.length > 0) return { supportedVersions };
  }
  if (reply && result.code === 0 && reply.cniVersion === '0.2.0') return { supportedVersions: ['0.1.0', '0.2.0'] };
  const message =
    typeof reply?.msg === 'string' ? reply.msg : (result.stderr.trim() || result.stdout.trim()).slice(0, 300);
  if (/unknown CNI_COMMAND: VERSION/i.test(message)) return { supportedVersions: ['0.1.0'] };
  return { error: `its answer to VERSION was not understood: ${message || `exit code ${result.code ?? '?'}`}` };
}
