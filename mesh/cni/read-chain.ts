/**
 * The plugin chain that a node's container runtime runs for every new pod, read from the directory as the runtime reads
 * it, with everything in it that makes pods fail or lets them start outside the mesh.
 */
import * as l10n from '@vscode/l10n';
import { compareCniVersions, findCommonVersion, publishedCniVersions } from './cni-versions.ts';
import { type CniHazardCode, describeCniHazard } from './hazards.ts';
import {
  type CniFileFault,
  type CniFileProblem,
  type CniFileText,
  type CniNetworkList,
  type CniPluginEntry,
  listLoadedFiles,
  type ParsedCniFile,
  parseCniFile,
} from './parse-cni-file.ts';
import { type PluginRole, pluginRole } from './plugin-roles.ts';

/** What a plugin answered when asked for its versions; the node helper's `CniPluginProbe` fits. */
export interface PluginVersions {
  type: string;
  /** Absent: no such program in the binary directories. */
  path?: string;
  supportedVersions?: string[];
  error?: string;
}

/**
 * How the runtime treats what it cannot use: containerd gives up the whole directory when the first file is broken; CRI-O
 * and cri-dockerd step over it, silently, and also over a list whose plugins are missing or speak other versions.
 */
export type CniRuntime = 'containerd' | 'cri-o' | 'docker';

export interface ChainProblem {
  severity: 'error' | 'warning';
  code: CniHazardCode;
  /** What happened and why, with the user's names in it. */
  message: string;
  whatToDo: string;
  /** The plugin that is in the way. */
  plugin?: string;
  /** The file that it is about. */
  file?: string;
}

export interface ChainPlugin {
  type: string;
  role: PluginRole;
  /** Absent: nobody asked, or it could not answer (then `problems` says why). */
  supportedVersions?: string[];
  path?: string;
  /** `host-local`: the program that hands out the addresses. */
  ipam?: string;
  delegates: string[];
  problems: ChainProblem[];
}

export interface CniChain {
  /** The file in force; absent when the runtime has none that it loads. */
  effective?: CniFileText;
  /** Files that the runtime would load if those before them were not there. */
  shadowed: CniFileText[];
  /** The version that every plugin is asked for: `0.3.1`. */
  cniVersion?: string;
  /** The network's name: `podnet`. */
  name?: string;
  plugins: ChainPlugin[];
  /** All problems, those of single plugins too; errors first. */
  problems: ChainProblem[];
}

export interface ChainInput {
  /** The whole directory; names that no runtime reads may come without content. */
  files: readonly CniFileText[];
  /** Empty when no plugin could be asked (no node helper): then nothing is said about programs. */
  plugins: readonly PluginVersions[];
  runtime?: CniRuntime;
}

/** `containerd://1.7.2` → `containerd`. Undefined: no runtime that reads a CNI directory, or not known. */
export function cniRuntimeOf(containerRuntimeVersion: string | undefined): CniRuntime | undefined {
  const scheme = containerRuntimeVersion?.split('://')[0];
  return scheme === 'containerd' || scheme === 'cri-o' || scheme === 'docker' ? scheme : undefined;
}

/**
 * Picks the file that the runtime picks and judges the chain in it. Pure: works on a recording as on a live node.
 * @param runtime containerd when it is not known; most nodes run it.
 */
export function describeChain({ files, plugins: probes, runtime = 'containerd' }: ChainInput): CniChain {
  const inOrder = listLoadedFiles(files);
  const parsed = inOrder.map(parseCniFile);
  const chosen = findEffective(parsed, probes, runtime);
  const list = chosen?.list;
  const plugins = list ? describePlugins(list, chosen, probes) : [];
  const shadowed = chosen ? inOrder.slice(parsed.indexOf(chosen) + 1) : [];
  const problems = [
    ...plugins.flatMap((plugin) => plugin.problems),
    ...(list ? versionProblems(list, chosen, probes) : []),
    ...(list ? orderProblems(list, chosen) : []),
    ...fileProblems(parsed, chosen, runtime),
    ...(runtime === 'containerd' ? [] : steppedOverProblems(parsed, chosen, probes)),
    ...shadowProblems(parsed, chosen),
    ...otherFileProblems(files, list),
    ...(inOrder.length === 0 ? [noConfiguration()] : []),
  ].sort((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error'));
  return {
    ...(chosen && { effective: inOrder[parsed.indexOf(chosen)] }),
    shadowed,
    ...(list && { cniVersion: list.cniVersion, name: list.name }),
    plugins,
    problems,
  };
}

function problem(
  code: CniHazardCode,
  severity: ChainProblem['severity'],
  message: string,
  details: Partial<Pick<ChainProblem, 'plugin' | 'file' | 'whatToDo'>> = {},
): ChainProblem {
  return { severity, code, message, whatToDo: describeCniHazard(code).whatToDo, ...details };
}

function findEffective(
  parsed: ParsedCniFile[],
  probes: readonly PluginVersions[],
  runtime: CniRuntime,
): ParsedCniFile | undefined {
  if (runtime === 'containerd') return parsed[0]?.list && parsed[0];
  return parsed.find(({ list }) => list && listObstacles(list, probes).length === 0);
}

/** Plugins for which CRI-O and cri-dockerd step over the whole file: program missing, or another version. */
function listObstacles(list: CniNetworkList, probes: readonly PluginVersions[]): string[] {
  return list.plugins
    .map(({ type }) => type)
    .filter((type) => {
      const probe = probes.find((candidate) => candidate.type === type);
      return probe && (!probe.path || (probe.supportedVersions && !probe.supportedVersions.includes(list.cniVersion)));
    });
}

function describePlugins(list: CniNetworkList, file: ParsedCniFile, probes: readonly PluginVersions[]): ChainPlugin[] {
  return list.plugins.map((entry, index) => {
    const { type, ipam, delegates } = entry;
    const probe = probes.find((candidate) => candidate.type === type);
    const first = list.plugins.findIndex((other) => other.type === type) === index;
    return {
      type,
      role: pluginRole(type),
      ...(probe?.supportedVersions && { supportedVersions: probe.supportedVersions }),
      ...(probe?.path && { path: probe.path }),
      ...(ipam && { ipam }),
      delegates,
      problems: first
        ? [type, ...(ipam ? [ipam] : []), ...delegates].flatMap((name) =>
            programProblems(name, entry, list, file, probes),
          )
        : [duplicateEntry(type, file)],
    };
  });
}

/** What is wrong with one program that the chain needs: the plugin itself, its address manager, or a delegate. */
function programProblems(
  type: string,
  entry: CniPluginEntry,
  list: CniNetworkList,
  file: ParsedCniFile,
  probes: readonly PluginVersions[],
): ChainProblem[] {
  const about = { plugin: type, file: file.name };
  // libcni refuses a type with a separator before it looks for the program.
  if (type.includes('/') || type.includes('\\')) {
    return [
      problem(
        'ML2018',
        'error',
        l10n.t('“{0}” names the plugin “{1}”: a path, which the runtime refuses.', file.name, type),
        about,
      ),
    ];
  }
  const probe = probes.find((candidate) => candidate.type === type);
  if (!probe) return [];
  if (!probe.path) return [missingProgram(type, entry, about)];
  if (!probe.supportedVersions) {
    return [
      problem(
        'ML2003',
        'warning',
        l10n.t('“{0}” ({1}) did not tell its versions: {2}', type, probe.path, probe.error ?? '?'),
        about,
      ),
    ];
  }
  // A delegating plugin speaks to its delegates in versions of their own configuration, not in the list's.
  if (entry.delegates.includes(type) || probe.supportedVersions.includes(list.cniVersion)) return [];
  return [versionMismatch(type, probe.supportedVersions, list, file, probes)];
}

function missingProgram(type: string, entry: CniPluginEntry, about: { plugin: string; file: string }): ChainProblem {
  if (pluginRole(type) === 'mesh') {
    return problem(
      'ML2012',
      'error',
      l10n.t(
        '“{0}” still chains “{1}”, but that program is gone from the node: the mesh was removed and its entry stayed. Every new pod fails with “failed to find plugin "{1}"”, and pods being deleted hang for the same reason.',
        about.file,
        type,
      ),
      about,
    );
  }
  const message =
    type === entry.type
      ? l10n.t(
          '“{0}” names the plugin “{1}”, but there is no such program in the CNI binary directories: no pod can start or go.',
          about.file,
          type,
        )
      : l10n.t(
          'The plugin “{0}” in “{1}” needs the program “{2}”, but it is not in the CNI binary directories.',
          entry.type,
          about.file,
          type,
        );
  return problem('ML2002', 'error', message, about);
}

function versionMismatch(
  type: string,
  supported: string[],
  list: CniNetworkList,
  file: ParsedCniFile,
  probes: readonly PluginVersions[],
): ChainProblem {
  const asked = list.hasVersion
    ? l10n.t('“{0}” asks every plugin for CNI {1}', file.name, list.cniVersion)
    : l10n.t('“{0}” says no version, which means CNI {1}', file.name, list.cniVersion);
  const refusal = l10n.t(
    '{0}, but “{1}” speaks only {2}. It therefore refuses both to connect and to disconnect pods: new pods hang in ContainerCreating, deleted ones in Terminating, with “incompatible CNI versions”.',
    asked,
    type,
    supported.join(', '),
  );
  return problem('ML2001', 'error', isConverted(list, file) ? `${refusal} ${conversionStory(file)}` : refusal, {
    plugin: type,
    file: file.name,
    whatToDo: versionRemedy(type, list, file, probes),
  });
}

/**
 * Istio's installer turns a lone `.conf` into a list, forces version 0.3.1 and the network name `k8s-pod-network` on it,
 * and leaves the list when it is removed. The plugin's own `name` inside the list is what it had before.
 */
function isConverted(list: CniNetworkList, file: ParsedCniFile): boolean {
  const [first] = list.plugins;
  return (
    file.kind === 'conflist' &&
    list.name === 'k8s-pod-network' &&
    list.cniVersion === '0.3.1' &&
    first?.name !== undefined &&
    first.name !== list.name
  );
}

function conversionStory(file: ParsedCniFile): string {
  return l10n.t(
    'This is what Istio’s CNI installer makes of a single configuration: it turned “{0}” into this list, forced version 0.3.1 and the name “k8s-pod-network” on it, and leaves it behind when Istio is removed.',
    singleFileName(file),
  );
}

function versionRemedy(
  type: string,
  list: CniNetworkList,
  file: ParsedCniFile,
  probes: readonly PluginVersions[],
): string {
  const withoutMesh = list.plugins.filter((plugin) => pluginRole(plugin.type) !== 'mesh');
  const [only] = withoutMesh;
  if (isConverted(list, file) && list.plugins.length === 1 && only) {
    return l10n.t(
      'Write the plugin’s entry back as “{0}” (name “{1}”, no “cniVersion”), then remove “{2}”. The runtime notices within seconds, nothing needs a restart; delete the pods that still hang.',
      singleFileName(file),
      only.name ?? '',
      file.name,
    );
  }
  const supported = list.plugins.map((plugin) => probes.find((probe) => probe.type === plugin.type)?.supportedVersions);
  const known = supported.filter((versions) => versions !== undefined);
  const common = known.length === supported.length ? findCommonVersion(known) : undefined;
  if (common) {
    return l10n.t(
      'Set “cniVersion” in “{0}” to “{1}”: the highest version that every plugin of this list speaks. Then delete the pods that hang.',
      file.name,
      common,
    );
  }
  return l10n.t(
    'Upgrade “{0}” to a release that speaks CNI {1}: there is no version that all plugins of “{2}” are known to share.',
    type,
    list.cniVersion,
    file.name,
  );
}

function singleFileName(file: ParsedCniFile): string {
  return file.name.replace(/\.conflist$/, '.conf');
}

function duplicateEntry(type: string, file: ParsedCniFile): ChainProblem {
  const message =
    pluginRole(type) === 'mesh'
      ? l10n.t(
          '“{0}” chains “{1}” twice: its rules are written twice, and removing the mesh takes only the first entry away.',
          file.name,
          type,
        )
      : l10n.t('“{0}” chains “{1}” twice: it runs twice for every pod.', file.name, type);
  // Two `tuning` or `bandwidth` entries with different settings are a legitimate list.
  return problem('ML2008', 'warning', message, { plugin: type, file: file.name });
}

function versionProblems(list: CniNetworkList, file: ParsedCniFile, probes: readonly PluginVersions[]): ChainProblem[] {
  if ((publishedCniVersions as readonly string[]).includes(list.cniVersion)) return [];
  const known = list.plugins.map(({ type }) => probes.find((probe) => probe.type === type)?.supportedVersions ?? []);
  const common = findCommonVersion(known);
  const newest = publishedCniVersions.at(-1)!;
  const details =
    compareCniVersions(list.cniVersion, newest) > 0
      ? l10n.t(
          '“{0}” asks for CNI {1}, which does not exist: the newest is {2}. Plugins refuse a version that they do not know.',
          file.name,
          list.cniVersion,
          newest,
        )
      : l10n.t(
          '“{0}” asks for CNI “{1}”, which was never published ({2} are). Plugins refuse a version that they do not know.',
          file.name,
          list.cniVersion,
          publishedCniVersions.join(', '),
        );
  return [
    problem('ML2009', 'error', details, {
      file: file.name,
      ...(common && {
        whatToDo: l10n.t(
          'Set “cniVersion” in “{0}” to “{1}”, which every plugin of the list speaks.',
          file.name,
          common,
        ),
      }),
    }),
  ];
}

function orderProblems(list: CniNetworkList, file: ParsedCniFile): ChainProblem[] {
  const mesh = list.plugins.findIndex(({ type }) => pluginRole(type) === 'mesh');
  if (mesh < 0) return [];
  const { type } = list.plugins[mesh]!;
  const about = { plugin: type, file: file.name };
  const after = list.plugins.slice(mesh + 1).filter((plugin) => pluginRole(plugin.type) !== 'mesh');
  const meta = list.plugins.find((plugin) => plugin.delegates.some((delegate) => pluginRole(delegate) === 'mesh'));
  return [
    ...(after.length > 0
      ? [
          problem(
            'ML2016',
            'warning',
            l10n.t(
              'In “{0}”, {1} runs after “{2}”.',
              file.name,
              after.map((plugin) => `“${plugin.type}”`).join(', '),
              type,
            ),
            about,
          ),
        ]
      : []),
    ...(mesh === 0
      ? [
          problem(
            'ML2016',
            'error',
            l10n.t(
              'In “{0}”, “{1}” comes first, with no network to work on: a mesh’s plugin needs the result of the plugin that connects the pod.',
              file.name,
              type,
            ),
            about,
          ),
        ]
      : []),
    ...(meta
      ? [
          problem(
            'ML2013',
            'warning',
            l10n.t(
              '“{0}” chains “{1}” both in the list and among the delegates of “{2}”: it runs twice for every pod.',
              file.name,
              type,
              meta.type,
            ),
            about,
          ),
        ]
      : []),
  ];
}

/** Faults in the files that the runtime reaches: up to and including the one in force. Later ones do no harm yet. */
function fileProblems(parsed: ParsedCniFile[], chosen: ParsedCniFile | undefined, runtime: CniRuntime): ChainProblem[] {
  const reached = chosen ? parsed.indexOf(chosen) : runtime === 'containerd' ? 0 : parsed.length - 1;
  return parsed.flatMap((file, index) =>
    file.problems.map((fault) => {
      const blocks = fault.blocksLoading && index === 0 && runtime === 'containerd';
      return problem(
        codeOfFault[fault.fault],
        index <= reached && (blocks || !fault.blocksLoading || !chosen) ? 'error' : 'warning',
        consequence(fault, file, blocks, index < reached),
        {
          file: file.name,
        },
      );
    }),
  );
}

function consequence(fault: CniFileProblem, file: ParsedCniFile, blocks: boolean, steppedOver: boolean): string {
  if (blocks) {
    return `${fault.message} ${l10n.t('It is the first file of the directory, and containerd then loads none at all: the node turns NotReady and no pod starts, whatever the other files say.')}`;
  }
  if (fault.blocksLoading && steppedOver) {
    return `${fault.message} ${l10n.t('The runtime steps over “{0}” without a word and uses the next file.', file.name)}`;
  }
  return fault.message;
}

const codeOfFault: Record<CniFileFault, CniHazardCode> = {
  unreadable: 'ML2015',
  'byte-order-mark': 'ML2004',
  json: 'ML2004',
  'list-in-conf': 'ML2005',
  'conf-in-list': 'ML2005',
  'no-type': 'ML2004',
  'no-plugins': 'ML2004',
  'no-name': 'ML2010',
  'bad-name': 'ML2010',
  'bad-field': 'ML2004',
};

/** Where the runtime checks plugins when it loads, a wrong version fails no pod: it quietly selects the next file. */
function steppedOverProblems(
  parsed: ParsedCniFile[],
  chosen: ParsedCniFile | undefined,
  probes: readonly PluginVersions[],
): ChainProblem[] {
  const reached = chosen ? parsed.indexOf(chosen) : -1;
  const candidates = chosen ? parsed.slice(0, reached) : parsed;
  return candidates.flatMap((file) => {
    const { list } = file;
    if (!list || file === chosen) return [];
    return [...new Set(listObstacles(list, probes))].flatMap((type) => {
      const entry = list.plugins.find((plugin) => plugin.type === type)!;
      return programProblems(type, entry, list, file, probes).map((found) => ({
        ...found,
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

function shadowProblems(parsed: ParsedCniFile[], chosen: ParsedCniFile | undefined): ChainProblem[] {
  if (!chosen?.list) return [];
  const has = (file: ParsedCniFile) => file.list?.plugins.find(({ type }) => pluginRole(type) === 'mesh')?.type;
  return parsed.slice(parsed.indexOf(chosen) + 1).map((file) => {
    const mesh = has(file);
    if (mesh && !has(chosen)) {
      return problem(
        'ML2007',
        'error',
        l10n.t(
          '“{0}” is in force, so “{1}” with the mesh’s plugin “{2}” is not: new pods start without redirect rules.',
          chosen.name,
          file.name,
          mesh,
        ),
        { plugin: mesh, file: file.name },
      );
    }
    return stemOf(file) === stemOf(chosen)
      ? problem(
          'ML2006',
          'warning',
          l10n.t(
            '“{0}” and “{1}” stand side by side; “{0}” is in force, because it comes first in byte order.',
            chosen.name,
            file.name,
          ),
          {
            file: file.name,
          },
        )
      : problem(
          'ML2007',
          'warning',
          l10n.t('“{0}” is not used: “{1}” comes before it in byte order.', file.name, chosen.name),
          {
            file: file.name,
          },
        );
  });
}

function stemOf({ name }: ParsedCniFile): string {
  return name.replace(/\.(conf|conflist|json)$/, '');
}

/** Names that no runtime loads, but that tell what happened here. */
function otherFileProblems(files: readonly CniFileText[], list: CniNetworkList | undefined): ChainProblem[] {
  const chained = list?.plugins.some(({ type }) => type === 'istio-cni') ?? false;
  return files.flatMap(({ name }) => {
    if (name.endsWith('.cilium_bak')) {
      return [
        problem(
          'ML2014',
          'warning',
          l10n.t(
            'Cilium has put “{0}” out of force: in exclusive mode it renames every other configuration, a mesh’s too.',
            name,
          ),
          { file: name },
        ),
      ];
    }
    if (name.endsWith('istio-cni-kubeconfig') && list && !chained) {
      return [
        problem(
          'ML2017',
          'warning',
          l10n.t(
            '“{0}” is left over from an istio-cni that is no longer in the chain; it holds a credential for the API server.',
            name,
          ),
          { file: name },
        ),
      ];
    }
    return [];
  });
}

function noConfiguration(): ChainProblem {
  return problem(
    'ML2011',
    'error',
    l10n.t(
      'The directory holds no “.conf”, “.conflist” or “.json”: the runtime reports the network as not ready, and no pod starts on this node.',
    ),
  );
}
