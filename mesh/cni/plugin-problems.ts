/** What can be wrong with the plugins of a list: programs missing, versions that do not fit, order. */
import * as l10n from '@vscode/l10n';
import { type ChainProblem, chainProblem, type PluginVersions } from './cni-chain.ts';
import { compareCniVersions, findCommonVersion, publishedCniVersions } from './cni-versions.ts';
import type { CniNetworkList, CniPluginEntry, ParsedCniFile } from './parse-cni-file.ts';
import { pluginRole } from './plugin-roles.ts';

/** What is wrong with one program that the chain needs: the plugin itself, its address manager, or a delegate. */
export function programProblems(
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
      chainProblem(
        'ML2018',
        'error',
        l10n.t('“{0}” names the plugin “{1}”: a path, which the runtime refuses.', file.name, type),
        about,
      ),
    ];
  }
  const probe = probes.find((candidate) => candidate.type === type);
  if (!probe) return [];
  if (!probe.path)
    return [probe.elsewhere ? programElsewhere(probe.elsewhere, about) : missingProgram(type, entry, about)];
  if (probe.fault) return [programCannotRun(probe, about)];
  if (!probe.supportedVersions) {
    return [
      chainProblem(
        'ML2003',
        'warning',
        l10n.t('“{0}” ({1}) did not tell its versions: {2}', type, probe.path, probe.error ?? '?'),
        about,
      ),
    ];
  }
  // A delegating plugin speaks to its delegates in versions of their own configuration, not in the list's.
  if ((entry.delegates.includes(type) && type !== entry.type) || probe.supportedVersions.includes(list.cniVersion))
    return [];
  return [versionMismatch(type, probe.supportedVersions, list, file, probes)];
}

function programElsewhere(elsewhere: string, about: { plugin: string; file: string }): ChainProblem {
  return chainProblem(
    'ML2033',
    'error',
    l10n.t(
      '“{0}” names the plugin “{1}”. Its program lies at {2}, where the runtime does not look: no pod can start or go.',
      about.file,
      about.plugin,
      elsewhere,
    ),
    about,
  );
}

function programCannotRun(
  { path = '', error = '' }: PluginVersions,
  about: { plugin: string; file: string },
): ChainProblem {
  return chainProblem(
    'ML2019',
    'error',
    l10n.t(
      'The program of “{0}”, {1}, cannot run: {2}. Every pod fails with “fork/exec {1}”, when it starts and when it goes.',
      about.plugin,
      path,
      error,
    ),
    about,
  );
}

function missingProgram(type: string, entry: CniPluginEntry, about: { plugin: string; file: string }): ChainProblem {
  if (pluginRole(type) === 'mesh') {
    return chainProblem(
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
  return chainProblem('ML2002', 'error', message, about);
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
  return chainProblem('ML2001', 'error', isConverted(list, file) ? `${refusal} ${conversionStory(file)}` : refusal, {
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

export function duplicateEntry(type: string, file: ParsedCniFile): ChainProblem {
  const message =
    pluginRole(type) === 'mesh'
      ? l10n.t(
          '“{0}” chains “{1}” twice: its rules are written twice, and removing the mesh takes only the first entry away.',
          file.name,
          type,
        )
      : l10n.t('“{0}” chains “{1}” twice: it runs twice for every pod.', file.name, type);
  // Two `tuning` or `bandwidth` entries with different settings are a legitimate list.
  return chainProblem('ML2008', 'warning', message, { plugin: type, file: file.name });
}

export function versionProblems(
  list: CniNetworkList,
  file: ParsedCniFile,
  probes: readonly PluginVersions[],
): ChainProblem[] {
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
    chainProblem('ML2009', 'error', details, {
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

/** Holds nothing but a mesh's plugin, in the form of a single configuration. */
export function isStandalone({ kind, list }: ParsedCniFile): boolean {
  return kind === 'conf' && list !== undefined && list.plugins.every(({ type }) => pluginRole(type) === 'mesh');
}

/** More than one mesh's plugin for the same pods, those of delegates included. */
export function rivalProblems(list: CniNetworkList, file: ParsedCniFile, called: readonly string[]): ChainProblem[] {
  const meshes = [
    ...new Set([...list.plugins.flatMap(({ type, delegates }) => [type, ...delegates]), ...called]),
  ].filter((type) => pluginRole(type) === 'mesh');
  const [first, second] = meshes;
  if (first === undefined || second === undefined) return [];
  return [
    chainProblem(
      'ML2021',
      'warning',
      l10n.t(
        '“{0}” has “{1}” and “{2}” in its chain: both write redirect rules into every pod that they take for theirs.',
        file.name,
        first,
        second,
      ),
      { plugin: second, file: file.name },
    ),
  ];
}

export function orderProblems(list: CniNetworkList, file: ParsedCniFile): ChainProblem[] {
  const mesh = list.plugins.findIndex(({ type }) => pluginRole(type) === 'mesh');
  if (mesh < 0) return [];
  const { type } = list.plugins[mesh]!;
  const about = { plugin: type, file: file.name };
  const after = list.plugins.slice(mesh + 1).filter((plugin) => pluginRole(plugin.type) !== 'mesh');
  const meta = list.plugins.find((plugin) => plugin.delegates.some((delegate) => pluginRole(delegate) === 'mesh'));
  return [
    ...(after.length > 0
      ? [
          chainProblem(
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
    ...(mesh === 0 && isStandalone(file)
      ? [
          chainProblem(
            'ML2022',
            'error',
            l10n.t(
              '“{0}” is a stand-alone configuration of “{1}”, which a delegating plugin is meant to call; now it is the file in force. It makes no interface, so every pod fails.',
              file.name,
              type,
            ),
            about,
          ),
        ]
      : []),
    ...(mesh === 0 && !isStandalone(file)
      ? [
          chainProblem(
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
          chainProblem(
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
