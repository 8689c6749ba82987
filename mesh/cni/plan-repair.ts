/**
 * Healing a directory that makes pods fail: what Istio’s installer leaves of a single configuration, entries whose program is
 * gone or that stand there twice, and the same network as `.conf` and `.conflist`.
 */
import * as l10n from '@vscode/l10n';
import type { PluginVersions } from './cni-chain.ts';
import { chooseVersion } from './choose-version.ts';
import {
  applySteps,
  asPlanProblem,
  type CniAction,
  type CniDirectoryEntry,
  type CniPlan,
  emptyPlan,
  instantsOf,
  loadable,
  type PlanProblem,
  refuse,
  wholeList,
} from './cni-plan.ts';
import { pluginText, removePlugins, setCniVersion } from './edit-cni-text.ts';
import { UnreadableJson } from './json-text.ts';
import { type CniNetworkList, listPluginTypes, type ParsedCniFile, parseCniFile } from './parse-cni-file.ts';
import { findChainTarget, listInlineTargets, setInlineVersion } from './chain-target.ts';
import { canonical, placesOf } from './plan-installation.ts';
import { chooseName, isStandalone } from './plan-standalone.ts';
import { pluginRole } from './plugin-roles.ts';
import { describeChain } from './read-chain.ts';

export interface RepairInput {
  entries: readonly CniDirectoryEntry[];
  /** Answers of every program that {@link listTypesToAsk} names. */
  probes: readonly PluginVersions[];
  /** As the host names the directory, for paths that a delegating plugin names. */
  confDir?: string;
  /** Our plugin. Default: `meshloom-cni`. */
  type?: string;
}

/** One thing that is put right. */
interface Fix extends Pick<CniPlan, 'writes' | 'removes'> {
  action: CniAction;
}

interface Case {
  entries: readonly CniDirectoryEntry[];
  probes: readonly PluginVersions[];
  first: CniDirectoryEntry;
  file: ParsedCniFile;
  confDir: string | undefined;
  type: string;
}

/** Programs of every file, those included that stand in a file of the wrong extension. */
export function listTypesToAsk(entries: readonly CniDirectoryEntry[]): string[] {
  const lists = loadable(entries).flatMap((entry) => listIn(entry) ?? []);
  return [...new Set(lists.flatMap((list) => listPluginTypes(wholeList(list, entries))))];
}

/** Decides what a repair writes; `none` when nothing is wrong. Refuses when all that is wrong is beyond it. */
export function planRepair({ entries, probes, confDir, type = 'meshloom-cni' }: RepairInput): CniPlan {
  const files = loadable(entries);
  const before = describeChain({ files, plugins: probes });
  const plan: CniPlan = {
    ...emptyPlan(entries, probes),
    problems: before.problems.map(asPlanProblem),
    ...(files[0] && { effective: files[0].name }),
  };
  let now = entries;
  let action: CniAction = 'none';
  try {
    // Each fix may lay the next one bare; a directory has no more faults than names and entries.
    for (let round = 0; round < 20; round++) {
      const [first] = loadable(now);
      const fix = first && findFix({ entries: now, probes, first, file: parseCniFile(first), confDir, type });
      if (!fix) break;
      now = applySteps(now, fix);
      action = rank(fix.action) > rank(action) ? fix.action : action;
    }
  } catch (error) {
    if (!(error instanceof UnreadableJson)) throw error;
    return refuse(plan, { severity: 'error', code: 'ML2004', message: error.message });
  }
  const healed = { ...plan, action, ...difference(entries, now) };
  const [last] = loadable(now);
  const list = last && parseCniFile(last).list;
  if (last && isStandalone(last, type)) return refuse(plan, onlyOursIsLeft(last.name));
  if (action === 'none') return beyondUs(plan, list && wholeList(list, entries), probes);
  if (!isSafe(entries, healed)) {
    return refuse(plan, {
      severity: 'error',
      code: 'ML2007',
      message: l10n.t(
        'On the way to the repaired state the runtime would find a file that does not load. Correct the first file of the directory by hand.',
      ),
    });
  }
  return { ...healed, ...(last && { result: last.name }), ...(list && { cniVersion: list.cniVersion }) };
}

/** Which of several fixes names the whole: giving back what was there says more than a changed version. */
function rank(action: CniAction): number {
  return ['none', 'remove', 'convert', 'restore'].indexOf(action);
}

const fixes: ((found: Case) => Fix | undefined)[] = [
  standaloneInForce,
  listInConf,
  besideDelegating,
  staleOrDouble,
  backToSingle,
  otherVersion,
  calledVersion,
  twin,
];

function findFix(found: Case): Fix | undefined {
  for (const fix of fixes) {
    const fixed = fix(found);
    if (fixed) return fixed;
  }
  return undefined;
}

/** Our own configuration must be the last: where another one is left, that comes into force again. */
function standaloneInForce({ entries, first, type }: Case): Fix | undefined {
  if (!isStandalone(first, type)) return undefined;
  const others = loadable(entries).filter((entry) => !isStandalone(entry, type));
  if (!others.some((entry) => parseCniFile(entry).list)) return undefined;
  const name = chooseName(type, others, []);
  if (name === undefined) return undefined;
  return { action: 'remove', writes: [{ name, content: first.content! }], removes: [first.name] };
}

/** Beside a delegating plugin and in the network that it calls, ours would run twice: it stays in the network. */
function besideDelegating({ entries, first, file, confDir, type }: Case): Fix | undefined {
  const { list } = file;
  const places = list && file.kind === 'conflist' ? placesOf(list, type) : [];
  if (places.length === 0 || places.length === list!.plugins.length) return undefined;
  const target = findChainTarget(entries, file, confDir === undefined ? {} : { confDir });
  if (!target || target.kind === 'elsewhere' || placesOf(target.list, type).length === 0) return undefined;
  return {
    action: 'remove',
    writes: [{ name: first.name, content: removePlugins(first.content!, places) }],
    removes: [],
  };
}

/** Istio’s installer writes the list over the single file before it renames it: killed in between, nothing loads. */
function listInConf({ entries, first, file }: Case): Fix | undefined {
  if (file.list || !file.problems.some(({ fault }) => fault === 'list-in-conf')) return undefined;
  if (!listIn(first)) return undefined;
  const name = first.name.replace(/\.(conf|json)$/, '.conflist');
  const there = entries.find((entry) => entry.name === name);
  const writes = there && parseCniFile(there).list ? [] : [{ name, content: first.content! }];
  return { action: 'convert', writes, removes: [first.name] };
}

/** Entries of a mesh that is gone, and all but one of those that say the same twice. */
function staleOrDouble({ probes, first, file }: Case): Fix | undefined {
  const { list } = file;
  if (!list || file.kind !== 'conflist') return undefined;
  const places = list.plugins.flatMap((plugin, place) => {
    const probe = probes.find(({ type }) => type === plugin.type);
    const isMesh = pluginRole(plugin.type) === 'mesh';
    const isStale = isMesh && probe !== undefined && probe.path === undefined;
    const later = list.plugins.slice(place + 1).filter(({ type }) => type === plugin.type);
    const isDouble = isMesh
      ? later.length > 0
      : later.some(({ config }) => canonical(config) === canonical(plugin.config));
    return isStale || isDouble ? [place] : [];
  });
  if (places.length === 0 || places.length === list.plugins.length) return undefined;
  return {
    action: 'remove',
    writes: [{ name: first.name, content: removePlugins(first.content!, places) }],
    removes: [],
  };
}

/** The only plugin of a converted list, which does not speak the list’s version, becomes a single configuration again. */
function backToSingle({ entries, probes, first, file }: Case): Fix | undefined {
  const { list } = file;
  const [plugin] = list?.plugins ?? [];
  if (!list || !plugin || file.kind !== 'conflist' || list.plugins.length > 1) return undefined;
  if (isSpoken(list, probes) || plugin.name === undefined || plugin.name === list.name) return undefined;
  const name = first.name.replace(/\.conflist$/, '.conf');
  const single = { name, content: `${pluginText(first.content!, 0)}\n` };
  const alone = parseCniFile(single);
  if (!alone.list || alone.problems.length > 0 || !isSpoken(alone.list, probes)) return undefined;
  if (entries.some((entry) => entry.name === name)) return undefined;
  return { action: 'restore', writes: [single], removes: [first.name] };
}

function otherVersion({ entries, probes, first, file }: Case): Fix | undefined {
  const list = file.list && wholeList(file.list, entries);
  if (!list || isSpoken(list, probes)) return undefined;
  const version = chooseVersion(list, probes);
  if ('problems' in version || version.cniVersion === list.cniVersion) return undefined;
  const content = setCniVersion(first.content!, version.cniVersion);
  if (parseCniFile({ name: first.name, content }).list?.cniVersion !== version.cniVersion) return undefined;
  return { action: 'convert', writes: [{ name: first.name, content }], removes: [] };
}

/** A delegating plugin asks the plugins of a network in the version that this says itself, wherever it stands. */
function calledVersion({ entries, probes, first, file, confDir }: Case): Fix | undefined {
  const target = file.list && findChainTarget(entries, file, confDir === undefined ? {} : { confDir });
  if (target?.kind === 'file') {
    const there = entries.find(({ name }) => name === target.file.name)!;
    return otherVersion({ entries, probes, first: there, file: target.file, confDir, type: '' });
  }
  for (const inline of listInlineTargets(file)) {
    const version = isSpoken(inline.list, probes) ? undefined : chooseVersion(inline.list, probes);
    if (!version || 'problems' in version || version.cniVersion === inline.list.cniVersion) continue;
    const content = setInlineVersion(first.content!, inline, version.cniVersion);
    return { action: 'convert', writes: [{ name: first.name, content }], removes: [] };
  }
  return undefined;
}

/** The `.conf` is in force. The list stays only where it is the same network, works, and chains a mesh: then that was meant. */
function twin({ entries, probes, first, file }: Case): Fix | undefined {
  const other = entries.find(({ name }) => name === first.name.replace(/\.conf$/, '.conflist'));
  if (!file.list || !first.name.endsWith('.conf') || !other) return undefined;
  const { list } = parseCniFile(other);
  if (!list) return { action: 'remove', writes: [], removes: [other.name] };
  const [own] = file.list.plugins;
  const rest = list.plugins.filter(({ type }) => pluginRole(type) !== 'mesh');
  if (rest.length !== 1 || rest[0]!.type !== own!.type) return undefined;
  const continues = list.name === file.list.name && list.plugins.length > 1 && isSpoken(list, probes);
  return { action: 'remove', writes: [], removes: [continues ? first.name : other.name] };
}

function isSpoken({ plugins, cniVersion }: CniNetworkList, probes: readonly PluginVersions[]): boolean {
  return plugins.every(({ type }) =>
    probes.find((probe) => probe.type === type)?.supportedVersions?.includes(cniVersion),
  );
}

/** The list in a file, whichever extension it has. */
function listIn(entry: CniDirectoryEntry): CniNetworkList | undefined {
  return parseCniFile(entry).list ?? parseCniFile({ ...entry, name: `${entry.name}.conflist` }).list;
}

function difference(
  before: readonly CniDirectoryEntry[],
  after: readonly CniDirectoryEntry[],
): Pick<CniPlan, 'writes' | 'removes'> {
  const contentIn = (entries: readonly CniDirectoryEntry[], name: string) =>
    entries.find((entry) => entry.name === name)?.content;
  return {
    writes: after.flatMap(({ name, content }) =>
      content !== undefined && content !== contentIn(before, name) ? [{ name, content }] : [],
    ),
    removes: before.filter(({ name }) => !after.some((entry) => entry.name === name)).map(({ name }) => name),
  };
}

function isSafe(entries: readonly CniDirectoryEntry[], plan: CniPlan): boolean {
  const loads = (instant: readonly CniDirectoryEntry[]) => {
    const [first] = loadable(instant);
    return first !== undefined && parseCniFile(first).list !== undefined;
  };
  const instants = instantsOf(entries, plan);
  return loads(instants.at(-1)!) && (!loads(entries) || instants.every(loads));
}

function onlyOursIsLeft(name: string): PlanProblem {
  return {
    severity: 'error',
    code: 'ML2011',
    message: l10n.t(
      'Only “{0}” is left, which connects no pod: the network plugin’s configuration is gone. Start that plugin’s pod on this node again, it writes its file; or uninstall stand-alone mode, so that the node no longer calls itself ready.',
      name,
    ),
  };
}

function beyondUs(plan: CniPlan, list: CniNetworkList | undefined, probes: readonly PluginVersions[]): CniPlan {
  const errors = plan.problems.filter(({ severity }) => severity === 'error');
  const version = list && !isSpoken(list, probes) ? chooseVersion(list, probes) : undefined;
  const why: PlanProblem[] = version && 'problems' in version ? version.problems : [];
  if (errors.length === 0 && why.length === 0)
    return {
      ...plan,
      ...(plan.effective !== undefined && { result: plan.effective }),
      ...(list && { cniVersion: list.cniVersion }),
    };
  const said = plan.problems.filter(
    ({ code, plugin }) => !why.some((other) => other.code === code && other.plugin === plugin),
  );
  return refuse({ ...plan, problems: said }, ...why);
}
