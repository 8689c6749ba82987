/** Which networks a delegating plugin calls, as far as the node's own files tell. */
import * as l10n from '@vscode/l10n';
import type { CniFolder } from './cni-chain.ts';
import {
  type CniFileText,
  type CniNetworkList,
  type CniPluginEntry,
  listLoadedFiles,
  type ParsedCniFile,
  parseCniFile,
} from './parse-cni-file.ts';

/** One network that a delegating plugin calls. */
export interface Delegation {
  /** As the configuration names it: `/host/etc/cni/net.d/10-calico.conflist`, `podnet`. */
  named: string;
  /** Path of the file that it was found in; absent when it stands in the configuration itself. */
  file?: string;
  /** What was found; its `list` is absent when that does not load. */
  parsed?: ParsedCniFile;
  /** Why the node's files do not tell. */
  unresolved?: string;
  /** It is a fault that nothing was found; else it only stands elsewhere. */
  missing?: boolean;
}

/** What is on the node besides the configuration directory's own files. */
export interface DelegationFiles {
  confDir: string;
  files: readonly CniFileText[];
  folders: readonly CniFolder[];
}

const multusDirectory = '/etc/cni/multus/net.d';

/** Directories that this list needs besides the one in which it stands. */
export function listWantedFolders(list: CniNetworkList, confDir: string): string[] {
  const folders = list.plugins.flatMap(({ type, config }) => {
    if (!isMultus(type)) return [];
    const own = typeof config.confDir === 'string' ? config.confDir : multusDirectory;
    const named = references(config)
      .filter((reference) => reference.startsWith('/'))
      .map(withoutHostPrefix)
      .flatMap((path) => (/\.(conf|conflist|json)$/.test(path) ? [path.slice(0, path.lastIndexOf('/'))] : [path]));
    return [withoutHostPrefix(own), ...named];
  });
  return [...new Set([...folderBeside(list.name, confDir), ...folders])].filter(
    (path) => path !== confDir && path !== '',
  );
}

/** The folder from which libraries append plugins to a network; none for a name that is no folder's. */
export function folderBeside(network: string, confDir: string): string[] {
  return /^[^/\0]+$/.test(network) && !/^\.+$/.test(network) ? [`${confDir}/${network}`] : [];
}

/** What one entry of a list calls; empty for a plugin that does its work itself. */
export function findDelegations(entry: CniPluginEntry, on: DelegationFiles): Delegation[] {
  const { type, config } = entry;
  const inline = inlineDelegates(config);
  if (isMultus(type)) {
    const named = references(config).map((reference) => findNetwork(reference, config, on));
    return inline.length + named.length > 0 ? [...inline, ...named] : [elsewhere(type, multusElsewhere())];
  }
  switch (type) {
    case 'galaxy-sdn':
      return [elsewhere(type, galaxyElsewhere())];
    case 'danm':
      return [elsewhere(type, l10n.t('in the cluster’s DanmNet resources, which only the API server knows'))];
    case 'genie':
      return genieDelegates(config, on);
    default:
      return inline;
  }
}

function isMultus(type: string): boolean {
  return type === 'multus' || type === 'multus-cni' || type === 'multus-shim';
}

function references({ clusterNetwork, defaultNetworks }: Record<string, unknown>): string[] {
  return [clusterNetwork, ...(Array.isArray(defaultNetworks) ? (defaultNetworks as unknown[]) : [])].filter(
    (reference): reference is string => typeof reference === 'string' && reference !== '',
  );
}

/** Whole configurations, single ones or lists, under `delegates`. */
function inlineDelegates({ delegates }: Record<string, unknown>): Delegation[] {
  if (!Array.isArray(delegates)) return [];
  return delegates.filter(isRecord).map((delegate) => {
    const name = 'plugins' in delegate ? 'delegates.conflist' : 'delegates.conf';
    const content = JSON.stringify({ name: 'delegate', ...delegate });
    const named =
      typeof delegate.name === 'string' ? delegate.name : typeof delegate.type === 'string' ? delegate.type : '?';
    return { named, parsed: parseCniFile({ name, content }) };
  });
}

/** Multus looks for a resource first, then for a network of this name, a directory, a file. */
function findNetwork(reference: string, config: Record<string, unknown>, on: DelegationFiles): Delegation {
  if (reference.startsWith('/')) return findByPath(reference, on);
  const own = withoutHostPrefix(typeof config.confDir === 'string' ? config.confDir : multusDirectory);
  const places = [...on.folders.filter(({ path }) => path === own), { path: on.confDir, files: on.files }];
  for (const { path, files } of places) {
    const found = listLoadedFiles(files)
      .map((file) => parseCniFile(file))
      .find(({ list }) => list?.name === reference);
    if (found) return { named: reference, file: `${path}/${found.name}`, parsed: found };
  }
  return {
    named: reference,
    unresolved: l10n.t(
      'no file of this node holds a network of this name: it is a NetworkAttachmentDefinition of the cluster, which only the API server knows',
    ),
  };
}

function findByPath(reference: string, { confDir, files, folders }: DelegationFiles): Delegation {
  const path = withoutHostPrefix(reference);
  const at = path.lastIndexOf('/');
  const folder = (directory: string) =>
    directory === confDir ? { files } : folders.find((candidate) => candidate.path === directory);
  const whole = folder(path);
  const file = whole
    ? listLoadedFiles(whole.files)[0]
    : folder(path.slice(0, at))?.files.find(({ name }) => name === path.slice(at + 1));
  if (file) {
    const parsed = parseCniFile(file);
    return { named: reference, file: whole ? `${path}/${file.name}` : path, parsed };
  }
  return { named: reference, unresolved: l10n.t('there is no such file on this node'), missing: true };
}

/** The helper, like Multus' pod, sees the host's directories below `/host`. */
function withoutHostPrefix(path: string): string {
  return (path.startsWith('/host/') ? path.slice('/host'.length) : path).replace(/(?<=.)\/+$/, '');
}

/** Genie asks the other files of the directory by their plugin's name. */
function genieDelegates(config: Record<string, unknown>, { confDir, files }: DelegationFiles): Delegation[] {
  const names = typeof config.default_plugin === 'string' ? config.default_plugin.split(',') : [];
  const wanted = names.map((name) => name.trim()).filter(Boolean);
  if (wanted.length === 0) return [elsewhere('genie', l10n.t('in each pod’s annotation “cni”'))];
  const parsed = listLoadedFiles(files).map((file) => parseCniFile(file));
  return wanted.map((named) => {
    const found = parsed.find(({ list }) => list?.plugins.some(({ type }) => type === named));
    if (found) return { named, file: `${confDir}/${found.name}`, parsed: found };
    return { named, unresolved: l10n.t('no file of this node names such a plugin'), missing: true };
  });
}

function elsewhere(named: string, unresolved: string): Delegation {
  return { named, unresolved };
}

function multusElsewhere(): string {
  return l10n.t(
    'in the configuration of Multus’ own pods (ConfigMap “multus-daemon-config”) and in each pod’s annotation',
  );
}

function galaxyElsewhere(): string {
  return l10n.t(
    'in the ConfigMap “kube-system/galaxy-etc” (“DefaultNetworks”); a pod’s annotation “k8s.v1.cni.cncf.io/networks” replaces them',
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
