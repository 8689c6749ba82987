/**
 * Chaining one more plugin into the configuration that the runtime uses: which file, which version, which bytes. Pure; the
 * node helper carries it out, and previews show it.
 */
import * as l10n from '@vscode/l10n';
import type { ChainProblem, PluginVersions } from './cni-chain.ts';
import {
  asPlanProblem,
  type CniDirectoryEntry,
  type CniPlan,
  emptyPlan,
  instantsOf,
  loadable,
  type PlanProblem,
  refuse,
} from './cni-plan.ts';
import { chooseVersion } from './choose-version.ts';
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

export interface InstallInput {
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
  const { entries, probes, ours, entryText } = input;
  const files = loadable(entries);
  const chain = describeChain({ files, plugins: probes });
  const chained = probes.some(({ type }) => type === ours.type) ? probes : [...probes, ours];
  const plan: CniPlan = {
    ...emptyPlan(entries, chained),
    problems: chain.problems.filter(notOurs(ours.type)).map(asPlanProblem),
  };
  const [first] = files;
  if (!first) return refuse(plan);
  const file = parseCniFile(first);
  if (!file.list) return refuse(plan, notLoadable(file));
  const found: CniPlan = { ...plan, effective: first.name };
  const obstacle = obstacleIn(file, file.list);
  if (obstacle) return refuse(found, obstacle);
  const { list } = file;
  const version = chooseVersion(withoutOurs(list, ours.type), chained, ours);
  if ('problems' in version) return refuse(withoutCodes(found, version.problems), ...version.problems);
  const target: CniPlan = { ...found, cniVersion: version.cniVersion };
  if (isChained(list, ours.type, entryText) && list.cniVersion === version.cniVersion) {
    return { ...target, result: first.name };
  }
  try {
    const edited =
      file.kind === 'conflist'
        ? insertIntoList(target, first.content!, file, list, input)
        : convertToList(target, first.content!, file, list, input);
    return edited.action === 'refuse' ? edited : proven(edited, input, version.cniVersion);
  } catch (error) {
    if (!(error instanceof UnreadableJson)) throw error;
    return refuse(target, problem('ML2004', l10n.t('“{0}” cannot be edited: {1}', first.name, error.message)));
  }
}

function insertIntoList(
  plan: CniPlan,
  text: string,
  { name }: ParsedCniFile,
  list: CniNetworkList,
  { ours, entryText }: InstallInput,
): CniPlan {
  const places = placesOf(list, ours.type);
  if (places.length === list.plugins.length) {
    return refuse(
      plan,
      problem(
        'ML2016',
        l10n.t('“{0}” holds no plugin but “{1}”: nothing connects the pods.', name, ours.type),
        ours.type,
      ),
    );
  }
  const clean = removePlugins(text, places);
  const versioned = list.cniVersion === plan.cniVersion ? clean : setCniVersion(clean, plan.cniVersion!);
  return { ...plan, action: 'insert', result: name, writes: [{ name, content: insertPlugin(versioned, entryText) }] };
}

function convertToList(
  plan: CniPlan,
  text: string,
  { name }: ParsedCniFile,
  list: CniNetworkList,
  { entries, entryText, touched = [], ours }: InstallInput,
): CniPlan {
  if (list.plugins[0]!.type === ours.type) {
    return refuse(
      plan,
      problem(
        'ML2016',
        l10n.t('“{0}” holds no plugin but “{1}”: nothing connects the pods.', name, ours.type),
        ours.type,
      ),
    );
  }
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

/** The plan, once it is sure that at no instant the runtime finds something that does not load or asks too much. */
function proven(plan: CniPlan, { entries, ours, entryText }: InstallInput, cniVersion: string): CniPlan {
  for (const [at, instant] of instantsOf(entries, plan).entries()) {
    const [first] = loadable(instant);
    const list = first && parseCniFile(first).list;
    const isLast = at === plan.writes.length + plan.removes.length - 1;
    if (
      !list ||
      (isLast &&
        (first.name !== plan.result || list.cniVersion !== cniVersion || !isChained(list, ours.type, entryText)))
    ) {
      return refuse(
        plan,
        problem(
          'ML2007',
          l10n.t(
            '“{0}” would not be the file in force: “{1}” comes before it in byte order. Move that one away first.',
            plan.result ?? '',
            first?.name ?? '',
          ),
        ),
      );
    }
  }
  return plan;
}

/** Where a plugin must not be chained although the file loads. */
function obstacleIn(file: ParsedCniFile, list: CniNetworkList): PlanProblem | undefined {
  const blocking = file.problems[0];
  if (blocking) return problem('ML2010', l10n.t('{0} Pods fail already; correct that first.', blocking.message));
  const delegating = list.plugins.find(
    ({ type, delegates, config }) =>
      type.startsWith('multus') ||
      delegates.length > 0 ||
      'clusterNetwork' in config ||
      Array.isArray(config.delegates),
  );
  if (delegating) {
    return problem(
      'ML2013',
      l10n.t(
        '“{0}” only calls other plugins: chained behind it in “{1}”, ours would run beside the networks that it delegates to, and twice where one of them chains it too. Chain it into the network that “{0}” delegates to.',
        delegating.type,
        file.name,
      ),
      delegating.type,
    );
  }
  const path = list.plugins.find(({ type }) => /[/\\]/.test(type));
  if (path)
    return problem(
      'ML2018',
      l10n.t('“{0}” names the plugin “{1}”: a path, which the runtime refuses.', file.name, path.type),
      path.type,
    );
  return undefined;
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
