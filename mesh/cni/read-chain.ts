/**
 * The plugin chain that a node's container runtime runs for every new pod, read from the directory as the runtime reads
 * it, with everything in it that makes pods fail or lets them start outside the mesh.
 */
import * as l10n from '@vscode/l10n';
import type {
  ChainPlugin,
  ChainProblem,
  CniChain,
  CniCredential,
  CniFolder,
  CniRuntime,
  DelegateCall,
  NetworkLeases,
  PluginVersions,
  RuntimeFacts,
} from './cni-chain.ts';
import { chainProblem } from './cni-chain.ts';
import { type Delegation, findDelegations } from './delegates.ts';
import { fileProblems, noConfiguration, otherFileProblems, shadowProblems } from './file-problems.ts';
import {
  credentialProblems,
  delegateProblems,
  duplicateKeyProblems,
  folderProblems,
  leaseProblems,
  loadProblems,
  rewriteProblems,
  runtimeVersionProblems,
  unreadDirectoryProblem,
} from './node-problems.ts';
import {
  type CniFileText,
  type CniLibrary,
  type CniNetworkList,
  type CniPluginEntry,
  listLoadedFiles,
  type ParsedCniFile,
  parseCniFile,
} from './parse-cni-file.ts';
import { duplicateEntry, orderProblems, programProblems, rivalProblems, versionProblems } from './plugin-problems.ts';
import { pluginRole } from './plugin-roles.ts';
import { libraryOf, runtimeOfProgram } from './runtime-library.ts';

export type {
  ChainPlugin,
  ChainProblem,
  CniChain,
  CniCredential,
  CniFolder,
  CniRuntime,
  DelegateCall,
  NetworkLeases,
  PluginFault,
  PluginVersions,
  RuntimeFacts,
} from './cni-chain.ts';

/** What was found on a node; the node helper's `ReadCniResult` fits as it is. */
export interface ChainInput {
  /** The whole directory; names that no runtime reads may come without content. */
  files: readonly CniFileText[];
  /** Empty when no plugin could be asked (no node helper): then nothing is said about programs. */
  plugins: readonly PluginVersions[];
  /** Absent: as `runtimeCni` tells. */
  runtime?: CniRuntime;
  runtimeCni?: RuntimeFacts | undefined;
  /** Where the files lie; absent: the common place. */
  confDir?: string;
  folders?: readonly CniFolder[];
  credentials?: readonly CniCredential[];
  /** Networks with which pods of this node were connected. */
  cachedNetworks?: readonly string[];
  /** Files that changed while they were read. */
  changing?: readonly string[];
  network?: { leases?: readonly NetworkLeases[] };
  /** The files of earlier readings, oldest first. */
  earlier?: readonly (readonly CniFileText[])[];
  /** Milliseconds since 1970. Absent: nothing is said about what ends with time. */
  now?: number;
}

/** `containerd://1.7.2` → `containerd`. Undefined: no runtime that reads a CNI directory, or not known. */
export function cniRuntimeOf(containerRuntimeVersion: string | undefined): CniRuntime | undefined {
  const scheme = containerRuntimeVersion?.split('://')[0];
  return scheme === 'containerd' || scheme === 'cri-o' || scheme === 'docker' ? scheme : undefined;
}

/** What everything below is judged by. */
interface Case {
  input: ChainInput;
  runtime: CniRuntime;
  library: CniLibrary | undefined;
  confDir: string;
  folders: readonly CniFolder[];
  probes: readonly PluginVersions[];
}

/**
 * Picks the file that the runtime picks and judges the chain in it. Pure: works on a recording as on a live node. The
 * program that reads the directory decides how; containerd when it is not known, since most nodes run it.
 */
export function describeChain(asked: ChainInput): CniChain {
  const { files, plugins: probes, folders = [] } = asked;
  // What the runtime says of another directory tells nothing about this one.
  const { runtimeCni } = asked.confDir === undefined || asked.confDir === asked.runtimeCni?.confDir ? asked : {};
  const input = { ...asked, runtimeCni };
  const runtime = runtimeOfProgram(asked.runtimeCni?.program) ?? input.runtime ?? 'containerd';
  const library = libraryOf(asked.runtimeCni);
  const confDir = input.confDir ?? runtimeCni?.confDir ?? '/etc/cni/net.d';
  const on: Case = { input, runtime, library, confDir, folders, probes };
  const inOrder = listLoadedFiles(files);
  const folderOf = (network: string) => filesBeside(on, network);
  const parsed = inOrder.map((file) => parseCniFile(file, library, library && folderOf));
  const chosen = findEffective(on, parsed, runtimeCni?.defaultNetwork);
  const effective = chosen && inOrder[parsed.indexOf(chosen)];
  const judged = chosen?.list && judgeList(on, chosen, chosen.list);
  const unused = chosen ? notLoaded(parsed, chosen, on) : [];
  const calledFiles = new Set(judged?.plugins.flatMap(({ calls = [] }) => calls.map(({ file }) => file)));
  const problems = [
    ...(judged?.problems ?? []),
    ...(effective && chosen ? nodeProblems(on, effective, chosen, judged, parsed) : []),
    ...fileProblems(parsed, chosen, runtime, loadedAtOnce(on, parsed).length),
    ...(runtime === 'containerd' ? [] : steppedOverProblems(on, parsed, chosen)),
    ...shadowProblems(
      unused.filter(({ name }) => !calledFiles.has(`${confDir}/${name}`)),
      chosen,
    ),
    ...otherFileProblems(files, judged?.list),
    ...rewriteProblems(input.changing ?? [], [...(input.earlier ?? []), files]),
    ...(chosen ? [] : missingDefault(runtimeCni, parsed)),
    ...(inOrder.length === 0 ? [noConfiguration(input.cachedNetworks)] : []),
    ...unreadDirectories(on, judged?.list),
  ].sort((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error'));
  return {
    ...(effective && { effective }),
    shadowed: unused.map((file) => inOrder[parsed.indexOf(file)]!),
    ...(judged && { cniVersion: judged.list.cniVersion, name: judged.list.name }),
    plugins: judged?.plugins ?? [],
    ...(judged?.list.disableCheck && { disableCheck: true }),
    ...(judged?.list.disableGC && { disableGC: true }),
    problems,
  };
}

interface JudgedList {
  /** With the plugins that the runtime appends to it. */
  list: CniNetworkList;
  plugins: ChainPlugin[];
  problems: ChainProblem[];
}

function judgeList(on: Case, file: ParsedCniFile, own: CniNetworkList): JudgedList {
  const { probes, library, confDir, input } = on;
  const path = `${confDir}/${own.name}`;
  const appended = listLoadedFiles(filesBeside(on, own.name)).map((one) => parseCniFile(one, library));
  const takesIn = isFolderTaken(on, file, own);
  const list = withFolder(on, file, own);
  const missing = new Set<string>();
  const plugins = describePlugins(on, list, file, missing, 0).map((plugin, index) => {
    const from = appended.filter((one) => one.list)[index - own.plugins.length];
    return takesIn && from ? { ...plugin, from: `${own.name}/${from.name}` } : plugin;
  });
  const called = plugins.flatMap(({ calls = [] }) => calls.flatMap((call) => call.plugins));
  return {
    list,
    plugins,
    problems: [
      ...plugins.flatMap((plugin) => plugin.problems),
      ...called.flatMap((plugin) => plugin.problems),
      ...versionProblems(list, file, probes),
      ...runtimeVersionProblems(list, file, input.runtimeCni, library),
      ...orderProblems(list, file),
      ...rivalProblems(
        list,
        file,
        called.map(({ type }) => type),
      ),
      ...folderProblems({ path, parsed: appended }, own, file, library),
      ...delegateProblems(plugins, file, missing),
    ],
  };
}

function isFolderTaken({ library }: Case, file: ParsedCniFile, list: CniNetworkList): boolean {
  return file.kind === 'conflist' && library === '1.3' && !list.onlyInlined;
}

/** The list with what the library appends to it. */
function withFolder(on: Case, file: ParsedCniFile, own: CniNetworkList): CniNetworkList {
  if (!isFolderTaken(on, file, own)) return own;
  const appended = listLoadedFiles(filesBeside(on, own.name));
  const entries = appended.flatMap((one) => parseCniFile(one, on.library).list?.plugins ?? []);
  return { ...own, plugins: [...own.plugins, ...entries] };
}

/** The plugins in the folder that is named like the network. */
function filesBeside({ folders, confDir }: Case, network: string): CniFileText[] {
  const folder = folders.find(({ path }) => path === `${confDir}/${network}`);
  return folder?.files.filter(({ name }) => name.endsWith('.conf')) ?? [];
}

/** What lies outside of the files themselves. */
function nodeProblems(
  { input, folders }: Case,
  effective: CniFileText,
  chosen: ParsedCniFile,
  judged: JudgedList | undefined,
  parsed: readonly ParsedCniFile[],
): ChainProblem[] {
  if (!judged) return [];
  const called = judged.plugins.flatMap(({ calls = [] }) => calls.flatMap((call) => call.plugins));
  const types = [...judged.plugins, ...called].map(({ type }) => type);
  const others = folders.flatMap(({ files }) => files.map((file) => parseCniFile(file)));
  const known = new Set([...parsed, ...others].flatMap(({ list }) => list?.name ?? []));
  return [
    ...credentialProblems(input.credentials ?? [], types, input.now),
    ...loadProblems(input.runtimeCni, effective, chosen),
    ...leaseProblems(judged.list, chosen, input.network?.leases ?? [], known),
    ...duplicateKeyProblems(effective),
  ];
}

/** Files behind the one in force that the runtime does not load, either. */
function notLoaded(parsed: ParsedCniFile[], chosen: ParsedCniFile, on: Case): ParsedCniFile[] {
  const { runtime, input } = on;
  const behind = parsed.filter((file) => file !== chosen);
  if (runtime === 'containerd') return parsed.slice(loadedAtOnce(on, parsed).length);
  return input.runtimeCni?.defaultNetwork && runtime === 'cri-o' ? behind : parsed.slice(parsed.indexOf(chosen) + 1);
}

function missingDefault(runtime: RuntimeFacts | undefined, parsed: readonly ParsedCniFile[]): ChainProblem[] {
  if (!runtime?.defaultNetwork || parsed.length === 0) return [];
  const names = parsed.flatMap(({ list }) => (list ? [`“${list.name}”`] : []));
  const message = l10n.t(
    'CRI-O is told to use the network “{0}” (“cni_default_network”), but {1} offers {2}: the node has no network.',
    runtime.defaultNetwork,
    runtime.confDir,
    names.length > 0 ? names.join(', ') : l10n.t('none that loads'),
  );
  return [chainProblem('ML2037', 'error', message)];
}

/** The common directory, where another one is in use. */
function unreadDirectories({ input, confDir, folders }: Case, list: CniNetworkList | undefined): ChainProblem[] {
  const { runtimeCni } = input;
  const common = folders.find(({ path }) => path === '/etc/cni/net.d' && path !== confDir);
  const isMesh = (type: string) => pluginRole(type) === 'mesh';
  if (!runtimeCni || runtimeCni.confDir !== confDir || !common || list?.plugins.some(({ type }) => isMesh(type)))
    return [];
  return listLoadedFiles(common.files).flatMap((file) => {
    const mesh = parseCniFile(file).list?.plugins.find(({ type }) => isMesh(type));
    return mesh ? [unreadDirectoryProblem(common.path, file.name, mesh.type, runtimeCni)] : [];
  });
}

function findEffective(
  on: Case,
  parsed: ParsedCniFile[],
  defaultNetwork: string | undefined,
): ParsedCniFile | undefined {
  const { runtime, probes } = on;
  // It loads so many, the first is the one that makes `eth0`; and none at all when one of them is broken.
  if (runtime === 'containerd') return loadedAtOnce(on, parsed).every(({ list }) => list) ? parsed[0] : undefined;
  const byName = runtime === 'cri-o' ? defaultNetwork : undefined;
  return parsed.find(
    (file) =>
      file.list &&
      (byName === undefined || file.list.name === byName) &&
      listObstacles(withFolder(on, file, file.list), probes).length === 0,
  );
}

/** containerd’s `max_conf_num`: all of them when it is none. */
function loadedAtOnce({ input }: Case, parsed: ParsedCniFile[]): ParsedCniFile[] {
  const most = input.runtimeCni?.maxNetworks ?? 1;
  return most > 0 ? parsed.slice(0, most) : parsed;
}

/** Plugins for which CRI-O and cri-dockerd step over the whole file: program missing, no answer, or another version. */
function listObstacles(list: CniNetworkList, probes: readonly PluginVersions[]): string[] {
  return list.plugins
    .map(({ type }) => type)
    .filter((type) => {
      const probe = probes.find((candidate) => candidate.type === type);
      return probe && !probe.supportedVersions?.includes(list.cniVersion);
    });
}

/** How deep delegating plugins may call each other. */
const deepest = 3;

function describePlugins(
  on: Case,
  list: CniNetworkList,
  file: ParsedCniFile,
  missing: Set<string>,
  depth: number,
): ChainPlugin[] {
  const { probes } = on;
  return list.plugins.map((entry, index) => {
    const { type, ipam, helpers, delegates } = entry;
    const probe = probes.find((candidate) => candidate.type === type);
    const first = list.plugins.findIndex((other) => other.type === type) === index;
    const calls = depth < deepest ? describeCalls(on, entry, list, missing, depth) : [];
    return {
      type,
      role: pluginRole(type),
      ...(probe?.supportedVersions && { supportedVersions: probe.supportedVersions }),
      ...(probe?.path && { path: probe.path }),
      ...(ipam && { ipam }),
      delegates: [...helpers, ...delegates],
      ...(calls.length > 0 && { calls }),
      problems: first
        ? [type, ...(ipam ? [ipam] : []), ...helpers].flatMap((name) =>
            programProblems(name, entry, list, file, probes),
          )
        : [duplicateEntry(type, file)],
    };
  });
}

function describeCalls(
  on: Case,
  entry: CniPluginEntry,
  list: CniNetworkList,
  missing: Set<string>,
  depth: number,
): DelegateCall[] {
  const { input, confDir, folders } = on;
  return findDelegations(entry, { confDir, files: input.files, folders }).map((found) => {
    if (found.missing) missing.add(found.named);
    return describeCall(on, found, list, missing, depth);
  });
}

/** A delegate is asked in the version of its own configuration; one that says none gets the caller's. */
function describeCall(
  on: Case,
  { named, file, parsed, unresolved }: Delegation,
  caller: CniNetworkList,
  missing: Set<string>,
  depth: number,
): DelegateCall {
  const list = parsed?.list;
  const why = unresolved ?? (parsed && !list ? parsed.problems.map(({ message }) => message).join(' ') : undefined);
  if (parsed && !list) missing.add(named);
  const inline = file === undefined;
  const judged = list && { ...list, cniVersion: list.hasVersion ? list.cniVersion : caller.cniVersion };
  const about = parsed && { ...parsed, name: file ?? named };
  return {
    named,
    ...(file && { file }),
    ...(judged && { cniVersion: judged.cniVersion, ...(!inline && { network: judged.name }) }),
    plugins: judged && about ? describePlugins(on, judged, about, missing, depth + 1) : [],
    ...(why && { unresolved: why }),
  };
}

/** Where the runtime checks plugins when it loads, a wrong version fails no pod: it quietly selects the next file. */
function steppedOverProblems(on: Case, parsed: ParsedCniFile[], chosen: ParsedCniFile | undefined): ChainProblem[] {
  const { probes } = on;
  const reached = chosen ? parsed.indexOf(chosen) : -1;
  const candidates = chosen ? parsed.slice(0, reached) : parsed;
  return candidates.flatMap((file) => {
    if (!file.list || file === chosen) return [];
    const list = withFolder(on, file, file.list);
    return [...new Set(listObstacles(list, probes))].flatMap((type) => {
      const entry = list.plugins.find((plugin) => plugin.type === type)!;
      return programProblems(type, entry, list, file, probes).map((found) => ({
        ...found,
        // Whatever it is about the program: the file is not in force for it.
        severity: 'error' as const,
        message: `${found.message} ${
          chosen
            ? l10n.t(
                'On this runtime that fails no pod: it steps over “{0}” without a word and uses “{1}”.',
                file.name,
                chosen.name,
              )
            : l10n.t('On this runtime no other file is left: the node has no network.')
        }`,
      }));
    });
  });
}
