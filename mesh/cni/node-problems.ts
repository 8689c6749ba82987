/** What can be wrong although files and programs look right: what the runtime made of them, and what surrounds them. */
import * as l10n from '@vscode/l10n';
import {
  type ChainPlugin,
  type ChainProblem,
  chainProblem,
  type CniCredential,
  type NetworkLeases,
  type RuntimeFacts,
} from './cni-chain.ts';
import { compareCniVersions, publishedCniVersions } from './cni-versions.ts';
import { type JsonNode, locateJson } from './json-text.ts';
import type { CniFileText, CniLibrary, CniNetworkList, ParsedCniFile } from './parse-cni-file.ts';
import { pluginRole } from './plugin-roles.ts';
import { newestVersionOf } from './runtime-library.ts';

/** Kubeconfigs of the plugins in the chain. @param now milliseconds since 1970; absent: nothing is said about time. */
export function credentialProblems(
  credentials: readonly CniCredential[],
  types: readonly string[],
  now: number | undefined,
): ChainProblem[] {
  return credentials
    .filter(({ plugin }) => types.includes(plugin))
    .flatMap(({ plugin, path, state, expires }) => {
      const about = { plugin, file: path };
      if (state === 'missing') {
        const message = l10n.t(
          '“{0}” needs {1}, which is not there: every pod fails with “stat {1}: no such file or directory”. Its own pod writes it, and a reboot takes it away.',
          plugin,
          path,
        );
        return [chainProblem('ML2020', 'error', message, about)];
      }
      if (expires === undefined || now === undefined || expires * 1000 > now) return [];
      const message = l10n.t(
        'The token in {1}, with which “{0}” talks to the API server, ended at {2}: every pod fails with “Unauthorized”.',
        plugin,
        path,
        new Date(expires * 1000).toISOString(),
      );
      return [chainProblem('ML2020', 'error', message, about)];
    });
}

/** What the runtime says of its last reading, against what the files say now. */
export function loadProblems(
  runtime: RuntimeFacts | undefined,
  file: CniFileText,
  chosen: ParsedCniFile,
): ChainProblem[] {
  if (!runtime) return [];
  if (runtime.lastLoad) {
    const message = l10n.t(
      '{0} says of its last reading of {1}: “{2}”. In the file “{3}” as it stands now nothing is found that would explain it.',
      runtime.program,
      runtime.confDir,
      runtime.lastLoad,
      chosen.name,
    );
    return [chainProblem('ML2024', 'error', message, { file: chosen.name })];
  }
  return [...readyProblems(runtime, chosen), ...staleProblems(runtime, file, chosen)];
}

/** Loaded, and not ready all the same. */
function readyProblems({ notReady, program }: RuntimeFacts, chosen: ParsedCniFile): ChainProblem[] {
  if (!notReady) return [];
  const message = l10n.t(
    '{0} has loaded “{1}”, but the network is not ready, because a plugin of it says so: “{2}”. The node stays NotReady, and no new pod starts on it.',
    program,
    chosen.name,
    notReady,
  );
  return [chainProblem('ML2038', 'error', message, { file: chosen.name })];
}

function staleProblems(runtime: RuntimeFacts, file: CniFileText, chosen: ParsedCniFile): ChainProblem[] {
  const [loaded] = runtime.loadedTexts ?? [];
  if (loaded === undefined || file.content === undefined || isSameNetwork(loaded, file.content)) return [];
  const [name = ''] = runtime.loaded ?? [];
  return [
    chainProblem(
      'ML2025',
      'error',
      l10n.t(
        '{0} still runs the network “{1}” as it loaded it earlier; “{2}” says something else now.',
        runtime.program,
        name,
        chosen.name,
      ),
      { file: chosen.name },
    ),
  ];
}

/** Text aside: the runtime tells a single configuration as a list of one. */
function isSameNetwork(loaded: string, content: string): boolean {
  try {
    const [runs, says] = [JSON.parse(loaded) as Fields, JSON.parse(content) as Fields];
    if (isSame(runs, says)) return true;
    return !('plugins' in says) && Array.isArray(runs.plugins) && isSame(runs.plugins, [says]);
  } catch {
    // What cannot be compared is not said to differ.
    return true;
  }
}

type Fields = Record<string, unknown>;

function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const [left, right] = [Object.entries(a), b as Fields];
  return (
    Array.isArray(a) === Array.isArray(b) &&
    left.length === Object.keys(b).length &&
    left.every(([key, value]) => Object.hasOwn(right, key) && isSame(value, right[key]))
  );
}

/** A version that is published, and that every plugin may speak, but not the runtime. */
export function runtimeVersionProblems(
  list: CniNetworkList,
  file: ParsedCniFile,
  runtime: RuntimeFacts | undefined,
  library: CniLibrary | undefined,
): ChainProblem[] {
  if (!runtime || !library || !(publishedCniVersions as readonly string[]).includes(list.cniVersion)) return [];
  const newest = newestVersionOf(library);
  if (compareCniVersions(list.cniVersion, newest) <= 0) return [];
  const message = l10n.t(
    '“{0}” asks for CNI {1}, and {2} {3} knows none newer than {4}: every pod fails with “unsupported CNI result version "{1}"”, after its plugins have done their work.',
    file.name,
    list.cniVersion,
    runtime.program,
    runtime.version ?? '',
    newest,
  );
  return [chainProblem('ML2028', 'error', message, { file: file.name })];
}

/** @param known names of all networks that are configured on this node. */
export function leaseProblems(
  list: CniNetworkList,
  file: ParsedCniFile,
  leases: readonly NetworkLeases[],
  known: ReadonlySet<string>,
): ChainProblem[] {
  const managed = list.plugins.filter(({ ipam, helpers }) => ipam === 'host-local' || helpers.includes('host-local'));
  if (managed.length === 0) return [];
  const subnets = managed.flatMap(({ config }) => subnetsIn(config.ipam));
  return leases
    .filter(({ network, used }) => used > 0 && !known.has(network))
    .filter(({ sample }) => !sample || subnets.length === 0 || subnets.some((subnet) => holds(subnet, sample)))
    .map(({ network, used, sample }) => {
      const message = l10n.t(
        '{0} addresses are leased under the network name “{1}”, which no configuration has any more; “{2}” hands out addresses as “{3}”. Two pods can get the same one, and those of “{1}” are never given back.',
        used,
        network,
        file.name,
        list.name,
      );
      return chainProblem('ML2023', sample && subnets.length > 0 ? 'error' : 'warning', message, {
        file: file.name,
        whatToDo: l10n.t(
          'Give the network in “{0}” its name “{1}” back. If pods were started since under “{2}”, delete those that share an address with another.',
          file.name,
          network,
          list.name,
        ),
      });
    });
}

/** host-local's `subnet`, alone or in `ranges`. */
export function subnetsIn(ipam: unknown): string[] {
  const { subnet, ranges } = asFields(ipam);
  const sets = Array.isArray(ranges) ? (ranges as unknown[]).flat() : [];
  return [subnet, ...sets.map((range) => asFields(range).subnet)].filter((text) => typeof text === 'string');
}

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** IPv4 only; of IPv6 the spelling of the first half is compared. */
function holds(subnet: string, address: string): boolean {
  const [base = '', bits = '32'] = subnet.split('/');
  const [network, wanted] = [numberOf(base), numberOf(address)];
  if (network === undefined || wanted === undefined)
    return network === wanted && base.split('::')[0] !== '' && address.startsWith(base.split('::')[0]!);
  const size = 2 ** (32 - Number(bits));
  return Math.floor(network / size) === Math.floor(wanted / size);
}

function numberOf(address: string): number | undefined {
  const parts = address.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part))) return undefined;
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}

/** Keys that stand twice in one object of the file in force. */
export function duplicateKeyProblems({ name, content }: CniFileText): ChainProblem[] {
  if (content === undefined) return [];
  try {
    return [...new Set(duplicatesIn(locateJson(content)))].map((key) =>
      chainProblem(
        'ML2035',
        'warning',
        l10n.t('In “{0}”, “{1}” stands twice in one object: the last one counts.', name, key),
        { file: name },
      ),
    );
  } catch {
    return [];
  }
}

function duplicatesIn(node: JsonNode): string[] {
  const keys = node.members.map(({ key }) => key);
  return [
    ...keys.filter((key, index) => keys.indexOf(key) !== index),
    ...[...node.members.map(({ value }) => value), ...node.items].flatMap(duplicatesIn),
  ];
}

/**
 * @param changing files that the helper saw change while it read them.
 * @param readings earlier readings, oldest first, and the present one.
 */
export function rewriteProblems(
  changing: readonly string[],
  readings: readonly (readonly CniFileText[])[],
): ChainProblem[] {
  const names = new Set(readings.flatMap((files) => files.map(({ name }) => name)));
  const restless = [...names].filter((name) => {
    const marks = readings.map((files) => {
      const file = files.find((candidate) => candidate.name === name);
      return file && `${file.modified ?? ''} ${file.content ?? ''}`;
    });
    return marks.filter((mark, index) => index > 0 && mark !== marks[index - 1]).length >= 2;
  });
  return [...new Set([...changing, ...restless])].map((name) =>
    chainProblem(
      'ML2027',
      'warning',
      l10n.t('“{0}” was written more than once while it was looked at: several programs take it for theirs.', name),
      { file: name },
    ),
  );
}

/** Plugins in the folder beside the file that do not run, and those of which nobody knows. */
export function folderProblems(
  folder: { path: string; parsed: readonly ParsedCniFile[] },
  list: CniNetworkList,
  file: ParsedCniFile,
  library: CniLibrary | undefined,
): ChainProblem[] {
  // Where the library takes them in they run, and a broken one keeps the whole list from loading.
  if (file.kind !== 'conflist' || library === '1.3') return [];
  const types = folder.parsed.flatMap((one) => one.list?.plugins.map(({ type }) => type) ?? []);
  if (types.length === 0 || (library === undefined && list.onlyInlined)) return [];
  const named = types.map((type) => `“${type}”`).join(', ');
  const mesh = types.find((type) => pluginRole(type) === 'mesh');
  return [
    chainProblem(
      'ML2029',
      mesh && library ? 'error' : 'warning',
      library
        ? l10n.t('{0} in {1} never run: this runtime’s library does not know such a folder.', named, folder.path)
        : l10n.t(
            '{0} in {1} run with the list in “{2}” only where the runtime’s library is new enough (containerd 2.1).',
            named,
            folder.path,
            file.name,
          ),
      { file: file.name, ...(mesh && { plugin: mesh }) },
    ),
  ];
}

/** Delegated networks that are nowhere. */
export function delegateProblems(
  plugins: readonly ChainPlugin[],
  file: ParsedCniFile,
  missing: ReadonlySet<string>,
): ChainProblem[] {
  return plugins.flatMap(({ type, calls = [] }) =>
    calls
      .filter(({ named }) => missing.has(named))
      .map(({ named, unresolved }) =>
        chainProblem(
          'ML2030',
          'error',
          l10n.t('“{0}” in “{1}” calls “{2}”, but {3}.', type, file.name, named, unresolved ?? ''),
          { plugin: type, file: file.name },
        ),
      ),
  );
}

/** Directories of the host that an installer's pods mount. */
export interface InstallerMounts {
  /** `istio-system/istio-cni-node` */
  name: string;
  hostPaths: readonly string[];
}

/** What an installer mounts against what the runtime reads; needs the API server's DaemonSets beside a node's reading. */
export function directoryProblems(
  runtime: Pick<RuntimeFacts, 'program' | 'confDir' | 'binDirs'> | undefined,
  installers: readonly InstallerMounts[],
): ChainProblem[] {
  if (!runtime) return [];
  return installers.flatMap(({ name, hostPaths }) => {
    const paths = hostPaths.map((path) => path.replace(/(?<=.)\/+$/, ''));
    const covers = (wanted: string) =>
      paths.some((path) => wanted === path || wanted.startsWith(path === '/' ? path : `${path}/`));
    const looksLike = (pattern: RegExp) => paths.filter((path) => pattern.test(path));
    const confs = looksLike(/\/(?:net\.d|cni-network)$/);
    const bins = looksLike(/\/cni\/bin$|\/bin$/);
    return [
      ...(confs.length > 0 && !covers(runtime.confDir)
        ? [otherDirectory(name, confs, runtime.program, runtime.confDir)]
        : []),
      ...(bins.length > 0 && !runtime.binDirs.some(covers)
        ? [otherDirectory(name, bins, runtime.program, runtime.binDirs.join(', '))]
        : []),
    ];
  });
}

function otherDirectory(name: string, paths: readonly string[], program: string, used: string): ChainProblem {
  return chainProblem(
    'ML2026',
    'error',
    l10n.t('{0} writes to {1} on the node, but {2} uses {3}.', name, paths.join(', '), program, used),
  );
}

/** A configuration with a mesh's plugin in the common directory, where this runtime does not look. */
export function unreadDirectoryProblem(path: string, file: string, mesh: string, runtime: RuntimeFacts): ChainProblem {
  return chainProblem(
    'ML2026',
    'error',
    l10n.t(
      '“{0}” stands in {1} with the mesh’s plugin “{2}”, but {3} reads {4}: new pods start without redirect rules.',
      file,
      path,
      mesh,
      runtime.program,
      runtime.confDir,
    ),
    { plugin: mesh, file },
  );
}
