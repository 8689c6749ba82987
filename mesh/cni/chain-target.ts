/**
 * Where a plugin is chained when the file in force only delegates: the one network that Multus calls for every pod (`eth0`).
 * It stands in the same file (`delegates`), or in another file of the directory that `clusterNetwork` names by its path or
 * its network’s name; else in the cluster, where no node can edit it.
 */
import * as l10n from '@vscode/l10n';
import { type CniDirectoryEntry, loadable } from './cni-plan.ts';
import { setValue, textAt } from './edit-json-members.ts';
import { insertPlugin, removePlugins, setCniVersion } from './edit-cni-text.ts';
import { type CniNetworkList, type CniPluginEntry, type ParsedCniFile, parseCniFile } from './parse-cni-file.ts';

export type ChainTarget =
  /** Another file of the directory. */
  | { kind: 'file'; file: ParsedCniFile; list: CniNetworkList }
  /** An element of the same file: a list of plugins, or a single one. */
  | { kind: 'inline'; path: readonly (string | number)[]; list: CniNetworkList; isList: boolean }
  | { kind: 'elsewhere'; plugin: string; says: string };

/** What else tells which network a delegating plugin means. */
export interface ChainSurroundings {
  /** As the host names the directory; absent: paths are taken for this directory’s when their last part is in it. */
  confDir?: string;
  /** Networks in the delegating plugin’s own directory: it looks there first. */
  ownNetworks?: readonly string[];
}

/** Whether a plugin does nothing but call other networks that its configuration names. */
export function isDelegating({ type, delegates, config }: CniPluginEntry): boolean {
  return (
    type.startsWith('multus') || delegates.length > 0 || 'clusterNetwork' in config || Array.isArray(config.delegates)
  );
}

/**
 * Finds the network that is called for every pod.
 * @returns undefined when the file does its work itself.
 */
export function findChainTarget(
  entries: readonly CniDirectoryEntry[],
  file: ParsedCniFile,
  around: ChainSurroundings = {},
): ChainTarget | undefined {
  const place = file.list?.plugins.findIndex(isDelegating) ?? -1;
  if (place < 0) return undefined;
  const plugin = file.list!.plugins[place]!;
  const { clusterNetwork } = plugin.config;
  if (typeof clusterNetwork === 'string' && clusterNetwork !== '')
    return byReference(clusterNetwork, plugin, entries, file, around);
  const at = file.kind === 'conflist' ? ['plugins', place, 'delegates', 0] : ['delegates', 0];
  return inlineTarget(plugin, at) ?? elsewhere(plugin.type, noDelegate(plugin.type, file.name));
}

export type InlineTarget = ChainTarget & { kind: 'inline' };

/** Every network that stands whole in a file, under `delegates` of a plugin that calls it. */
export function listInlineTargets({ kind, list }: ParsedCniFile): InlineTarget[] {
  return (list?.plugins ?? []).flatMap((plugin, place) => {
    const { delegates } = plugin.config;
    const above = kind === 'conflist' ? ['plugins', place, 'delegates'] : ['delegates'];
    return (Array.isArray(delegates) ? delegates : []).flatMap(
      (_, index) => inlineTarget(plugin, [...above, index]) ?? [],
    );
  });
}

/** @param path of the delegate; its last part is the place among all. */
function inlineTarget({ config }: CniPluginEntry, path: readonly (string | number)[]): InlineTarget | undefined {
  const delegate: unknown = Array.isArray(config.delegates) ? config.delegates[Number(path.at(-1))] : undefined;
  if (typeof delegate !== 'object' || delegate === null) return undefined;
  const isList = 'plugins' in delegate;
  // Multus gives a delegate without a version its own.
  const version = 'cniVersion' in delegate ? {} : { cniVersion: config.cniVersion };
  const name = isList ? 'delegate.conflist' : 'delegate.conf';
  const { list } = parseCniFile({ name, content: JSON.stringify({ ...version, ...delegate }) });
  return list && list.name !== '' ? { kind: 'inline', path, list, isList } : undefined;
}

function byReference(
  reference: string,
  { type }: CniPluginEntry,
  entries: readonly CniDirectoryEntry[],
  self: ParsedCniFile,
  { confDir, ownNetworks = [] }: ChainSurroundings,
): ChainTarget {
  if (ownNetworks.includes(reference)) return elsewhere(type, inOwnDirectory(type, reference));
  const files = loadable(entries).filter(({ name }) => name !== self.name);
  const found = reference.includes('/')
    ? fileAt(reference, files, confDir)
    : files.find((entry) => parseCniFile(entry).list?.name === reference);
  if (!found) return elsewhere(type, reference.includes('/') ? notHere(type, reference) : inCluster(type, reference));
  const file = parseCniFile(found);
  if (!file.list) return elsewhere(type, file.problems.map(({ message }) => message).join(' '));
  if (file.kind !== 'conflist' && reference.includes('/')) return elsewhere(type, singleByPath(type, reference));
  return { kind: 'file', file, list: file.list };
}

/** Multus’ pod sees the host’s directories below `/host`. */
function fileAt(
  reference: string,
  files: readonly CniDirectoryEntry[],
  confDir: string | undefined,
): CniDirectoryEntry | undefined {
  const path = reference.replace(/\/+$/, '');
  const plain = (text: string) => text.replace(/\/+$/, '');
  const isHere = (directory: string) =>
    confDir === undefined || [directory, directory.replace(/^\/host(?=\/)/, '')].map(plain).includes(plain(confDir));
  if (confDir !== undefined && isHere(path)) return files[0];
  const at = path.lastIndexOf('/');
  return isHere(path.slice(0, at)) ? files.find(({ name }) => name === path.slice(at + 1)) : undefined;
}

/** The text of the delegating file with a network in it that asks its plugins for another version. */
export function setInlineVersion(text: string, { path }: InlineTarget, cniVersion: string): string {
  return setValue(text, path, setCniVersion(textAt(text, path)!, cniVersion));
}

/** The text of the delegating file with our entry in its delegate, which becomes a list where it was none. */
export function insertInline(text: string, target: InlineTarget, entry: string, cniVersion: string): string {
  const delegate = textAt(text, target.path)!;
  const edited = target.isList
    ? insertPlugin(target.list.cniVersion === cniVersion ? delegate : setCniVersion(delegate, cniVersion), entry)
    : `{"cniVersion":${JSON.stringify(cniVersion)},"name":${JSON.stringify(target.list.name)},"plugins":[${delegate},${entry.trim()}]}`;
  return setValue(text, target.path, edited);
}

/** The text of the delegating file without the plugins at these places of its delegate. */
export function removeInline(text: string, target: InlineTarget, places: readonly number[]): string {
  if (places.length === 0) return text;
  return setValue(text, target.path, removePlugins(textAt(text, target.path)!, places));
}

function elsewhere(plugin: string, says: string): ChainTarget {
  return { kind: 'elsewhere', plugin, says };
}

function noDelegate(type: string, name: string): string {
  return l10n.t(
    '“{0}” in “{1}” names no network that stands on this node (“clusterNetwork”, “delegates”): chain ours into the network that its own pods’ configuration names, or use stand-alone mode.',
    type,
    name,
  );
}

function notHere(type: string, path: string): string {
  return l10n.t(
    '“{0}” delegates to “{1}”, which is no file of this directory: chain ours there, with that directory as the configuration directory.',
    type,
    path,
  );
}

function inOwnDirectory(type: string, name: string): string {
  return l10n.t(
    '“{0}” delegates to “{1}” and finds it in a directory of its own (Multus: “confDir”, else /etc/cni/multus/net.d): chain ours there, with that directory as the configuration directory.',
    type,
    name,
  );
}

function inCluster(type: string, name: string): string {
  return l10n.t(
    '“{0}” delegates to “{1}”, and no file of this directory holds a network of that name: it is a NetworkAttachmentDefinition of the cluster. Add our entry to the “plugins” in its “spec.config”.',
    type,
    name,
  );
}

function singleByPath(type: string, path: string): string {
  return l10n.t(
    '“{0}” delegates to “{1}” by its path, and that is a single configuration: as a list it would need another name. Make it a “.conflist”, name that in “clusterNetwork”, then install again.',
    type,
    path,
  );
}
