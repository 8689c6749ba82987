/**
 * Chaining one more plugin into the configuration that the runtime uses: which file, which version, which bytes. Pure; the
 * node helper carries it out, and previews show it.
 */
import * as l10n from '@vscode/l10n';
import type { ChainProblem, PluginVersions } from './cni-chain.ts';
import { isMergedCopy } from './file-problems.ts';
import {
  asPlanProblem,
  type CniDirectoryEntry,
  type CniPlan,
  emptyPlan,
  instantsOf,
  loadable,
  type PlanProblem,
  refuse,
  wholeList,
} from './cni-plan.ts';
import { chooseVersion } from './choose-version.ts';
import {
  type ChainSurroundings,
  type ChainTarget,
  findChainTarget,
  insertInline,
  removeInline,
} from './chain-target.ts';
import { insertPlugin, removePlugins, setCniVersion, wrapInList } from './edit-cni-text.ts';
import { locateJson, UnreadableJson } from './json-text.ts';
import { type CniNetworkList, type ParsedCniFile, parseCniFile } from './parse-cni-file.ts';
import { pluginRole } from './plugin-roles.ts';
import { describeChain } from './read-chain.ts';

/** A file that an installation changed. */
export interface TouchedFile {
  name: string;
  /** What was there before; null: nothing. */
  original: string | null;
  /** What was put there; null: it was removed. */
  wrote: string | null;
  /** What we had put there before that; it may still stand there when the last run was stopped. */
  earlier?: string;
  /** It was removed because this file took its place. */
  follows?: string;
}

export interface InstallInput extends ChainSurroundings {
  entries: readonly CniDirectoryEntry[];
  /** What the plugins of the chain answered to VERSION. */
  probes: readonly PluginVersions[];
  /** Our own plugin’s answer. */
  ours: PluginVersions;
  /** JSON text of the entry to chain. */
  entryText: string;
  /** What earlier installations did here. */
  touched?: readonly TouchedFile[];
}

/** Decides what an installation writes. */
export function planInstallation(input: InstallInput): CniPlan {
  const { entries, probes, ours } = input;
  const files = loadable(entries);
  const [first] = files;
  const file = first && parseCniFile(first);
  const target = file && findChainTarget(entries, file, input);
  const chain = describeChain({ files, plugins: probes });
  const chained = probes.some(({ type }) => type === ours.type) ? probes : [...probes, ours];
  const plan: CniPlan = {
    ...emptyPlan(entries, chained),
    problems: chain.problems.filter(notOurs(ours.type)).filter(notCalled(target)).map(asPlanProblem),
  };
  if (!file) return refuse(plan);
  if (!file.list) return refuse(plan, notLoadable(file));
  const found: CniPlan = { ...plan, effective: file.name };
  const obstacle = obstacleIn(file, file.list, ours.type) ?? standaloneIn(entries, ours.type);
  if (obstacle) return refuse(found, obstacle);
  return target ? chainIntoDelegate(found, file, target, input) : chainInto(found, file, file.list, input);
}

/** Chains into a file that does its work itself. */
function chainInto(found: CniPlan, file: ParsedCniFile, list: CniNetworkList, input: InstallInput): CniPlan {
  const { entries, probes, ours, entryText } = input;
  const first = entries.find((entry) => entry.name === file.name)!;
  const chained = probes.some(({ type }) => type === ours.type) ? probes : [...probes, ours];
  const version = chooseVersion(withoutOurs(wholeList(list, entries), ours.type), chained, ours);
  if ('problems' in version) return refuse(withoutCodes(found, version.problems), ...version.problems);
  const copied = loadable(entries)
    .map((entry) => parseCniFile(entry))
    .find((other) => other.name !== file.name && isMergedCopy(file, other));
  const target: CniPlan = {
    ...found,
    cniVersion: version.cniVersion,
    problems: [...found.problems, ...(copied ? [madeAnew(file.name, copied.name)] : [])],
  };
  if (isChained(list, ours.type, entryText) && list.cniVersion === version.cniVersion) {
    return { ...target, result: first.name };
  }
  try {
    const edited =
      file.kind === 'conflist'
        ? insertIntoList(target, first.content!, file, list, input)
        : convertToList(target, first.content!, file, list, input);
    return edited.action === 'refuse' ? edited : proven(edited, input, version.cniVersion, file.name);
  } catch (error) {
    if (!(error instanceof UnreadableJson)) throw error;
    return refuse(target, problem('ML2004', l10n.t('“{0}” cannot be edited: {1}', first.name, error.message)));
  }
}

/** Our entry in a copy is lost when its owner makes it again. */
function madeAnew(copy: string, original: string): PlanProblem {
  return {
    severity: 'warning',
    code: 'ML2039',
    message: l10n.t(
      '“{0}” is a copy of “{1}” that Istio’s installer makes anew whenever its pod starts: what is chained into the copy is gone then. Install again after that, or switch “istioOwnedCNIConfig” off.',
      copy,
      original,
    ),
  };
}

function insertIntoList(
  plan: CniPlan,
  text: string,
  { name }: ParsedCniFile,
  list: CniNetworkList,
  { ours, entryText }: InstallInput,
): CniPlan {
  const places = placesOf(list, ours.type);
  const clean = removePlugins(text, places);
  const versioned = list.cniVersion === plan.cniVersion ? clean : setCniVersion(clean, plan.cniVersion!);
  return { ...plan, action: 'insert', result: name, writes: [{ name, content: insertPlugin(versioned, entryText) }] };
}

function convertToList(
  plan: CniPlan,
  text: string,
  { name }: ParsedCniFile,
  list: CniNetworkList,
  { entries, entryText, touched = [] }: InstallInput,
): CniPlan {
  const result = name.replace(/\.(conf|json)$/, '.conflist');
  const there = entries.find((entry) => entry.name === result);
  const isOurs = touched.some((file) => file.name === result && isOurText(file, there?.content));
  if (there && !isOurs) {
    return refuse(
      plan,
      problem(
        'ML2006',
        l10n.t(
          '“{0}” is in force and would become “{1}”, but a file of that name is there already and is not ours. Remove the one that is not meant (“meshloom cni repair” says which), then install again.',
          name,
          result,
        ),
      ),
    );
  }
  locateJson(text);
  return {
    ...plan,
    action: 'convert',
    result,
    writes: [{ name: result, content: wrapInList(text, plan.cniVersion!, list.name, entryText) }],
    // A “.json” comes after the list of the same name: it is out of force without being touched.
    removes: name.endsWith('.conf') ? [name] : [],
  };
}

/**
 * The plan, once it is sure that at no instant the runtime finds something that does not load or asks too much. What is
 * chained into may be in force itself, or be called by what is.
 */
function proven(plan: CniPlan, { entries, ours, entryText }: InstallInput, cniVersion: string, into: string): CniPlan {
  const inForce = into === plan.effective ? plan.result : plan.effective;
  const instants = instantsOf(entries, plan);
  for (const [at, instant] of instants.entries()) {
    const isLast = at === instants.length - 1;
    const [first] = loadable(instant);
    const loads = first !== undefined && parseCniFile(first).list !== undefined;
    const edited = isLast ? instant.find(({ name }) => name === plan.result) : undefined;
    const list = edited && parseCniFile(edited).list;
    const isDone = list?.cniVersion === cniVersion && isChained(list, ours.type, entryText);
    if (loads && (!isLast || (first.name === inForce && isDone))) continue;
    return refuse(
      plan,
      problem(
        'ML2007',
        l10n.t(
          '“{0}” would not be the file in force: “{1}” comes before it in byte order. Move that one away first.',
          inForce ?? '',
          first?.name ?? '',
        ),
      ),
    );
  }
  return plan;
}

/** Chains into the one network that a delegating plugin calls for every pod; the file in force stays the same one. */
function chainIntoDelegate(found: CniPlan, file: ParsedCniFile, target: ChainTarget, input: InstallInput): CniPlan {
  const { ours } = input;
  const result = file.name;
  if (placesOf(file.list!, ours.type).length > 0)
    return refuse(
      found,
      problem(
        'ML2013',
        l10n.t(
          '“{0}” stands in “{1}” beside the plugin that delegates: there it would run beside the pods’ network, and twice once it is chained into that. Take it out first (“meshloom cni repair”).',
          ours.type,
          file.name,
        ),
        ours.type,
      ),
    );
  if (target.kind === 'elsewhere') return refuse(found, problem('ML2013', target.says, target.plugin));
  if (target.kind === 'inline') return chainInline(found, file, target, input);
  // What is in force stays that: the file that it calls is another one.
  return { ...chainInto(found, target.file, target.list, input), result };
}

function chainInline(
  found: CniPlan,
  { name }: ParsedCniFile,
  target: ChainTarget & { kind: 'inline' },
  { entries, probes, ours, entryText }: InstallInput,
): CniPlan {
  const { list } = target;
  const places = placesOf(list, ours.type);
  const others = withoutOurs(list, ours.type);
  if (others.plugins.length === 0)
    return refuse(
      found,
      problem(
        'ML2016',
        l10n.t('“{0}” holds no plugin but “{1}”: nothing connects the pods.', name, ours.type),
        ours.type,
      ),
    );
  const chained = probes.some(({ type }) => type === ours.type) ? probes : [...probes, ours];
  const version = chooseVersion(others, chained, ours);
  if ('problems' in version) return refuse(withoutCodes(found, version.problems), ...version.problems);
  const plan: CniPlan = { ...found, result: name, cniVersion: version.cniVersion };
  if (target.isList && isChained(list, ours.type, entryText) && list.cniVersion === version.cniVersion) return plan;
  const text = entries.find((entry) => entry.name === name)!.content!;
  const clean = removeInline(text, target, places);
  const content = insertInline(clean, target, entryText, version.cniVersion);
  return { ...plan, action: 'insert', writes: [{ name, content }] };
}

/** Where a plugin must not be chained although the file loads. */
function obstacleIn(file: ParsedCniFile, list: CniNetworkList, type: string): PlanProblem | undefined {
  const blocking = file.problems[0];
  if (blocking) return problem('ML2010', l10n.t('{0} Pods fail already; correct that first.', blocking.message));
  if (list.plugins.every((plugin) => plugin.type === type))
    return problem(
      'ML2016',
      l10n.t('“{0}” holds no plugin but “{1}”: nothing connects the pods.', file.name, type),
      type,
    );
  const path = list.plugins.find((plugin) => /[/\\]/.test(plugin.type));
  if (path)
    return problem(
      'ML2018',
      l10n.t('“{0}” names the plugin “{1}”: a path, which the runtime refuses.', file.name, path.type),
      path.type,
    );
  return undefined;
}

/** In both modes at once the plugin would run twice for a pod. */
function standaloneIn(entries: readonly CniDirectoryEntry[], type: string): PlanProblem | undefined {
  const own = loadable(entries).find((entry) => {
    const { list, kind } = parseCniFile(entry);
    return kind === 'conf' && list?.plugins[0]!.type === type;
  });
  if (!own) return undefined;
  return problem(
    'ML2013',
    l10n.t(
      '“{0}” is installed stand-alone here (“{1}”): in both modes it would run twice for a pod. Uninstall it first (“meshloom cni uninstall”), then chain it.',
      type,
      own.name,
    ),
    type,
  );
}

/** Whether the entry stands there once, with exactly these settings. */
function isChained(list: CniNetworkList, type: string, entryText: string): boolean {
  const places = placesOf(list, type);
  return (
    places.length === 1 && canonical(list.plugins[places[0]!]!.config) === canonical(JSON.parse(entryText) as unknown)
  );
}

/** Whether this is what we wrote there, and nobody else since. */
export function isOurText(
  { wrote, earlier }: Pick<TouchedFile, 'wrote' | 'earlier'>,
  text: string | undefined,
): boolean {
  return text !== undefined && (text === wrote || text === earlier);
}

/** Where entries of a type stand in a list. */
export function placesOf({ plugins }: CniNetworkList, type: string): number[] {
  return plugins.flatMap((plugin, place) => (plugin.type === type ? [place] : []));
}

/** Equal text for equal values, whatever the order of their keys. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function withoutOurs(list: CniNetworkList, type: string): CniNetworkList {
  return { ...list, plugins: list.plugins.filter((plugin) => plugin.type !== type) };
}

function notLoadable(file: ParsedCniFile): PlanProblem {
  const why = file.problems.map(({ message }) => message).join(' ');
  return problem('ML2004', l10n.t('The runtime loads nothing now: {0} Nothing can be chained to that.', why));
}

/** Our own program may be missing before it is installed: that is no fault of the chain. */
function notOurs(type: string): (found: ChainProblem) => boolean {
  return ({ code, plugin }) =>
    !(plugin === type && (code === 'ML2012' || code === 'ML2002' || pluginRole(type) === 'unknown'));
}

/** The file that a delegating plugin calls is in use, though not the first. */
function notCalled(target: ChainTarget | undefined): (found: ChainProblem) => boolean {
  return ({ code, file }) => !(code === 'ML2007' && target?.kind === 'file' && file === target.file.name);
}

/** What a refusal says is not said twice. */
function withoutCodes(plan: CniPlan, said: readonly PlanProblem[]): CniPlan {
  return {
    ...plan,
    problems: plan.problems.filter(
      ({ code, plugin }) => !said.some((other) => other.code === code && other.plugin === plugin),
    ),
  };
}

function problem(code: string, message: string, plugin?: string): PlanProblem {
  return { severity: 'error', code, message, ...(plugin !== undefined && { plugin }) };
}
