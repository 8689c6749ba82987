/**
 * Stand-alone mode: a configuration of our own beside the one in force, for a delegating plugin (Multus, Galaxy) to call.
 *
 * Runtimes, Multus and Galaxy all look for files with the same three endings (libcni’s `ConfFiles` with .conf, .conflist,
 * .json), so no ending hides the file from the runtime and not from them. What keeps it out of force is its place: after
 * everything else that loads, and never alone.
 */
import * as l10n from '@vscode/l10n';
import type { PluginVersions } from './cni-chain.ts';
import {
  asPlanProblem,
  type CniDirectoryEntry,
  type CniPlan,
  emptyPlan,
  loadable,
  type PlanProblem,
  refuse,
  wholeList,
} from './cni-plan.ts';
import { compareCniVersions, findCommonVersion } from './cni-versions.ts';
import { memberOf, locateJson, replaceText } from './json-text.ts';
import { type CniNetworkList, listLoadedFiles, parseCniFile } from './parse-cni-file.ts';
import { canonical, isOurText, placesOf, type TouchedFile } from './plan-installation.ts';
import { pluginRole } from './plugin-roles.ts';
import { describeChain } from './read-chain.ts';

export interface StandaloneInput {
  entries: readonly CniDirectoryEntry[];
  /** What the plugins of the chain in force answered to VERSION. */
  probes: readonly PluginVersions[];
  ours: PluginVersions;
  /** JSON text of our entry. */
  entryText: string;
  touched?: readonly TouchedFile[];
  /** How many files the runtime loads, 0 for all (containerd’s `max_conf_num`); absent: the first alone. */
  maxNetworks?: number;
}

/** Names to choose from, the first that comes after everything else. */
const names = (type: string) => [`99-${type}.conf`, `zz-${type}.conf`, `~${type}.conf`];

/** Decides what stand-alone mode writes. The file in force stays as it is. */
export function planStandalone(input: StandaloneInput): CniPlan {
  const { entries, probes, ours, entryText } = input;
  const own = loadable(entries).filter((entry) => isStandalone(entry, ours.type));
  const others = loadable(entries).filter((entry) => !own.includes(entry));
  const chain = describeChain({ files: entries.filter((entry) => !own.includes(entry)), plugins: probes });
  const [first] = others;
  const chained = probes.some(({ type }) => type === ours.type) ? probes : [...probes, ours];
  const plan: CniPlan = {
    ...emptyPlan(entries, chained),
    problems: chain.problems.filter(({ code, plugin }) => code !== 'ML2007' && plugin !== ours.type).map(asPlanProblem),
    ...(loadable(entries)[0] && { effective: loadable(entries)[0]!.name }),
  };
  const list = first && parseCniFile(first).list;
  if (!first || !list) return refuse(plan, wouldBeAlone(first, ours.type));
  const obstacle = obstacleTo(input, others, list);
  if (obstacle) return refuse(plan, obstacle);
  const version = versionFor(list, probes, ours);
  if (typeof version !== 'string') return refuse(plan, version);
  const content = standaloneText(entryText, ours.type, version);
  const name = chooseName(ours.type, others, own);
  if (name === undefined) return refuse(plan, noNameLeft(ours.type, others));
  const there = own.find((entry) => entry.name === name);
  const isThere = there !== undefined && isSame(there, content);
  const removes = own.filter((entry) => entry.name !== name).map((entry) => entry.name);
  return {
    ...plan,
    action: isThere && removes.length === 0 ? 'none' : 'insert',
    result: first.name,
    cniVersion: version,
    writes: isThere ? [] : [{ name, content }],
    removes,
    problems: [...plan.problems, ...warnings(list, first.name, name)],
  };
}

/** Whether a file holds our plugin and nothing else: a configuration for a delegating plugin, never a network of its own. */
export function isStandalone(entry: CniDirectoryEntry, type: string): boolean {
  if (entry.directory || entry.content === undefined) return false;
  const { list } = parseCniFile(entry);
  return list !== undefined && list.plugins.every((plugin) => plugin.type === type);
}

/** The file’s text: the entry with a name and a version of its own, every other byte as it was given. */
export function standaloneText(entryText: string, type: string, cniVersion: string): string {
  let text = entryText.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
  for (const [key, value] of [
    ['name', type],
    ['cniVersion', cniVersion],
  ] as const) {
    const root = locateJson(text);
    const there = memberOf(root, key);
    if (there && key === 'cniVersion') text = replaceText(text, there.start, there.end, JSON.stringify(value));
    if (there) continue;
    const space = /^[ \t\r\n]*/.exec(text.slice(root.start + 1))![0];
    const member = `${space}${JSON.stringify(key)}:${space === '' ? '' : ' '}${JSON.stringify(value)},`;
    text = replaceText(text, root.start + 1, root.start + 1, member);
  }
  return `${text}\n`;
}

function isSame({ content }: CniDirectoryEntry, wanted: string): boolean {
  return (
    content !== undefined && canonical(JSON.parse(content) as unknown) === canonical(JSON.parse(wanted) as unknown)
  );
}

/** A name of the file that comes after all others; undefined: there is none. */
export function chooseName(
  type: string,
  others: readonly CniDirectoryEntry[],
  own: readonly CniDirectoryEntry[],
): string | undefined {
  // A name that is in use and still last stays: a delegating plugin may have been told it.
  const candidates = [...own.map(({ name }) => name).filter((name) => name.endsWith('.conf')), ...names(type)];
  const isFree = (name: string) => !others.some((entry) => entry.name === name);
  return candidates.find((name) => isFree(name) && listLoadedFiles([...others, { name }]).at(-1)!.name === name);
}

/**
 * The version of the world that calls it: what its configuration says, where both sides speak that; else the highest that
 * both speak. Galaxy reads results of 0.2.0 and nothing newer.
 */
function versionFor(
  list: CniNetworkList,
  probes: readonly PluginVersions[],
  ours: PluginVersions,
): string | PlanProblem {
  const caller = list.plugins.find(({ type }) => pluginRole(type) === 'meta') ?? list.plugins[0]!;
  const speaks = probes.find(({ type }) => type === caller.type)?.supportedVersions;
  const own = ours.supportedVersions;
  if (!own?.length) return silent(ours);
  if (list.hasVersion && own.includes(list.cniVersion)) return list.cniVersion;
  const known = (speaks ?? [list.cniVersion]).filter((version) => compareCniVersions(version, '1.0.0') <= 0);
  // Without a version the caller is asked for 0.1.0, and reads results of that form.
  const alike = known.filter((version) => list.hasVersion || compareCniVersions(version, '0.2.0') <= 0);
  const common = findCommonVersion([alike, own]) ?? findCommonVersion([known, own]);
  if (common) return common;
  return {
    severity: 'error',
    code: 'ML2001',
    plugin: ours.type,
    message: l10n.t(
      '“{0}” speaks {1}, “{2}”, which would call it, {3}: there is no CNI version for both. Use a release of “{0}” that speaks one of them.',
      ...[ours.type, own.join(', '), caller.type, known.join(', ') || '?'],
    ),
  };
}

function silent({ type, path, error }: PluginVersions): PlanProblem {
  return path === undefined
    ? {
        severity: 'error',
        code: 'ML2002',
        plugin: type,
        message: l10n.t(
          'The plugin “{0}” is not in the CNI binary directory: a delegating plugin would call a program that does not exist. Install it first.',
          type,
        ),
      }
    : {
        severity: 'error',
        code: 'ML2003',
        plugin: type,
        message: l10n.t(
          '“{0}” ({1}) did not tell which CNI versions it speaks: {2}. A plugin that may refuse is not called.',
          ...[type, path, error ?? '?'],
        ),
      };
}

function obstacleTo(
  { ours, maxNetworks, probes, entries }: StandaloneInput,
  others: readonly CniDirectoryEntry[],
  list: CniNetworkList,
): PlanProblem | undefined {
  const [first] = others;
  if (placesOf(list, ours.type).length > 0)
    return {
      severity: 'error',
      code: 'ML2013',
      plugin: ours.type,
      message: l10n.t(
        '“{0}” is chained in “{1}” already: in both modes it would run twice for a pod. Uninstall it first (“meshloom cni uninstall”), then install it stand-alone.',
        ...[ours.type, first!.name],
      ),
    };
  const failing = wholeList(list, entries).plugins.find(
    ({ type }) => !probes.find((probe) => probe.type === type)?.supportedVersions?.includes(list.cniVersion),
  );
  if (failing)
    return {
      severity: 'error',
      code: 'ML2001',
      plugin: failing.type,
      message: l10n.t(
        '“{0}” asks “{1}” for CNI {2}, which that does not say it speaks: pods fail, or the runtime steps over the file and would take ours, which connects no pod. Repair it first (“meshloom cni repair”).',
        ...[first!.name, failing.type, list.cniVersion],
      ),
    };
  if (maxNetworks !== undefined && maxNetworks !== 1 && (maxNetworks === 0 || maxNetworks > others.length))
    return {
      severity: 'error',
      code: 'all-loaded',
      message: l10n.t(
        'The runtime of this node loads more than the first file (containerd’s “max_conf_num” is {0}): it would call a stand-alone configuration itself, for every pod. Set it to 1, or use chained mode.',
        String(maxNetworks),
      ),
    };
  return undefined;
}

function wouldBeAlone(first: CniDirectoryEntry | undefined, type: string): PlanProblem {
  if (first)
    return {
      severity: 'error',
      code: 'ML2004',
      message: l10n.t(
        '“{0}” comes first and does not load ({1}): some runtimes would step over it and take ours, which connects no pod. Correct it first.',
        ...[
          first.name,
          parseCniFile(first)
            .problems.map(({ message }) => message)
            .join(' '),
        ],
      ),
    };
  return {
    severity: 'error',
    code: 'ML2011',
    message: l10n.t(
      'There is no other configuration: “{0}” would become the node’s only network, and it connects no pod. Install the network plugin first.',
      type,
    ),
  };
}

function noNameLeft(type: string, others: readonly CniDirectoryEntry[]): PlanProblem {
  return {
    severity: 'error',
    code: 'ML2007',
    message: l10n.t(
      'No name for the file of “{0}” comes after “{1}”: it must be the last, so that it is never in force. Rename that one.',
      type,
      others.at(-1)!.name,
    ),
  };
}

function warnings(list: CniNetworkList, first: string, name: string): PlanProblem[] {
  const alone: PlanProblem = {
    severity: 'warning',
    code: 'standalone-last',
    message: l10n.t(
      'Should “{0}” and all others go, “{1}” would be the only file left: the runtime would call itself ready, and every new pod would fail for want of an address. Uninstall stand-alone mode before you remove the network plugin.',
      first,
      name,
    ),
  };
  if (list.plugins.some(({ type, delegates }) => pluginRole(type) === 'meta' || delegates.length > 0)) return [alone];
  return [
    alone,
    {
      severity: 'warning',
      code: 'no-delegator',
      message: l10n.t(
        'No plugin of “{0}” is known to call other networks ({1}): nobody will call ours until one does. Use chained mode where that is not Multus or Galaxy by another name.',
        first,
        list.plugins.map(({ type }) => type).join(', '),
      ),
    },
  ];
}

/** Files that stand-alone mode put there, as far as the directory and the journal tell. */
export function listStandalone(
  entries: readonly CniDirectoryEntry[],
  touched: readonly TouchedFile[],
  type: string,
): string[] {
  return entries
    .filter((entry) => isStandalone(entry, type) && entry.name.endsWith('.conf'))
    .filter(
      ({ name, content }) =>
        names(type).includes(name) || touched.some((file) => file.name === name && isOurText(file, content)),
    )
    .map(({ name }) => name);
}
