/**
 * The plugin chain that a node's container runtime runs for every new pod, read from the directory as the runtime reads
 * it, with everything in it that makes pods fail or lets them start outside the mesh.
 */
import * as l10n from '@vscode/l10n';
import type { ChainPlugin, ChainProblem, CniChain, CniRuntime, PluginVersions } from './cni-chain.ts';
import { fileProblems, noConfiguration, otherFileProblems, shadowProblems } from './file-problems.ts';
import {
  type CniFileText,
  type CniNetworkList,
  listLoadedFiles,
  type ParsedCniFile,
  parseCniFile,
} from './parse-cni-file.ts';
import { duplicateEntry, orderProblems, programProblems, versionProblems } from './plugin-problems.ts';
import { pluginRole } from './plugin-roles.ts';

export type { ChainPlugin, ChainProblem, CniChain, CniRuntime, PluginVersions } from './cni-chain.ts';

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
