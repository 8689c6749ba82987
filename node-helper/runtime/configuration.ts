/** The CNI directories in the configuration files of containerd and CRI-O. */
import type { RuntimeCni } from '../../contract/node-helper.ts';
import { attempt, errorCode } from '../failure.ts';
import { resolveInRoot } from '../host-files.ts';
import type { Host } from '../host.ts';
import { optionOf, type RuntimeProcess } from './command-line.ts';
import { mergeToml, parseToml, type TomlTable, type TomlValue, tomlAt } from './parse-toml.ts';

/** What a configuration says; what it does not say is absent. */
export type CniSettings = Partial<Pick<RuntimeCni, 'confDir' | 'binDirs' | 'defaultNetwork' | 'maxNetworks'>> & {
  /** The runtime's part for Kubernetes is switched off: Docker's own containerd. */
  disabled?: boolean;
  /** The socket on which containerd listens. */
  address?: string;
};

/** Where configuration files are looked for. */
export interface ConfigFiles {
  host: Host;
  /** Prefixes below which the file may be seen, best first. */
  roots: readonly string[];
  notes: string[];
}

const largestFile = 1024 * 1024;
const mostFiles = 100;

/**
 * containerd's, of any version, with what it imports. Up to version 2 of the configuration (containerd 1) a later file
 * replaces the whole table of the runtime's part for Kubernetes; from version 3 on it wins key by key.
 */
export function readContainerdConfig(files: ConfigFiles, process?: RuntimeProcess): CniSettings {
  const path = (process && optionOf(process, 'config', 'c')) ?? '/etc/containerd/config.toml';
  const tables = readWithImports(files, path);
  const isOld = tables.every((table) => versionOf(table) < 3);
  return tables.reduce<CniSettings>((under, table) => {
    const over = containerdSettings(table);
    const { disabled, address } = under;
    const kept = isOld && speaksOfCri(table) ? { ...(disabled && { disabled }), ...(address && { address }) } : under;
    return { ...kept, ...over };
  }, {});
}

/** The file, then those that it imports, then those that these import: in the order in which containerd reads them. */
function readWithImports(files: ConfigFiles, path: string): TomlTable[] {
  const [seen, pending, tables] = [new Set<string>(), [path], [] as TomlTable[]];
  for (let next = pending.shift(); next !== undefined && seen.size < mostFiles; next = pending.shift()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const table = readTable(files, next);
    if (!table) continue;
    tables.push(table);
    const imports = texts(tomlAt(table, 'imports'));
    const absolute = imports.map((name) => (name.startsWith('/') ? name : `${directoryOf(next!)}/${name}`));
    pending.push(...absolute.flatMap((pattern) => (pattern.includes('*') ? expand(files, pattern) : [pattern])));
  }
  return tables;
}

const names = { first: 'cri', second: 'io.containerd.grpc.v1.cri', third: 'io.containerd.cri.v1.runtime' };

/** A file without a version is of the first. */
function versionOf(table: TomlTable): number {
  const version = tomlAt(table, 'version');
  return typeof version === 'number' && version > 0 ? version : 1;
}

/** The names under which a file of this version may speak of the part for Kubernetes; the first one wins. */
function namesOf(table: TomlTable): string[] {
  const version = versionOf(table);
  if (version >= 4) return [names.third];
  return version >= 2 ? [names.third, names.second] : [names.third, names.second, names.first];
}

function speaksOfCri(table: TomlTable): boolean {
  return namesOf(table).some((name) => tomlAt(table, 'plugins', name) !== undefined);
}

/**
 * Version 1 calls the plugin `cri`, 2 `io.containerd.grpc.v1.cri`, 3 and 4 `io.containerd.cri.v1.runtime`; a file of version 3
 * with the earlier name is understood since containerd 2.3.
 */
export function containerdSettings(table: TomlTable): CniSettings {
  const name = namesOf(table).find((candidate) => tomlAt(table, 'plugins', candidate, 'cni') !== undefined);
  const cni = name && tomlAt(table, 'plugins', name, 'cni');
  const disabled = texts(tomlAt(table, 'disabled_plugins')).some((found) => Object.values(names).includes(found));
  // Since version 4 the socket is a plugin's, too.
  const address =
    text(tomlAt(table, 'plugins', 'io.containerd.server.v1.grpc', 'address')) ?? text(tomlAt(table, 'grpc', 'address'));
  const about = { ...(disabled && { disabled }), ...(address && { address }) };
  if (typeof cni !== 'object' || Array.isArray(cni)) return about;
  const confDir = text(tomlAt(cni, 'conf_dir'));
  const most = tomlAt(cni, 'max_conf_num');
  const binDirs = programDirectories(cni, name === names.third);
  return {
    ...(confDir && { confDir }),
    ...(binDirs.length > 0 && { binDirs }),
    ...(typeof most === 'number' && { maxNetworks: most }),
    ...about,
  };
}

/** The earlier plugins had one, `bin_dir`, and it wins; the later one knows `bin_dirs` alone. */
function programDirectories(cni: TomlTable, isLater: boolean): string[] {
  const binDir = text(tomlAt(cni, 'bin_dir'));
  return binDir && !isLater ? [binDir] : texts(tomlAt(cni, 'bin_dirs'));
}

/** CRI-O's file, then its directory of further ones, then its arguments: the later one wins. */
export function readCrioConfig(files: ConfigFiles, process?: RuntimeProcess): CniSettings {
  const option = (...names: string[]) => process && optionOf(process, ...names);
  const directory = option('config-dir', 'd') ?? '/etc/crio/crio.conf.d';
  const paths = [option('config', 'c') ?? '/etc/crio/crio.conf', ...expand(files, `${directory}/*`)];
  const table = paths.reduce<TomlTable>((under, path) => mergeToml(under, readTable(files, path) ?? {}), {});
  const [confDir, network] = [option('cni-config-dir'), option('cni-default-network')];
  const binDirs = option('cni-plugin-dir')?.split(',');
  return {
    ...crioSettings(table),
    ...(confDir && { confDir }),
    ...(binDirs && { binDirs }),
    ...(network && { defaultNetwork: network }),
  };
}

export function crioSettings(table: TomlTable): CniSettings {
  const setting = (name: string) => tomlAt(table, 'crio', 'network', name);
  const [confDir, binDir, network] = ['network_dir', 'plugin_dir', 'cni_default_network'].map((name) =>
    text(setting(name)),
  );
  const binDirs = [...texts(setting('plugin_dirs')), ...(binDir ? [binDir] : [])];
  return {
    ...(confDir && { confDir }),
    ...(binDirs.length > 0 && { binDirs }),
    ...(network && { defaultNetwork: network }),
  };
}

/** Dockershim's kubelet and cri-dockerd take the directories as arguments alone. */
export function argumentSettings(process: RuntimeProcess): CniSettings {
  const confDir = optionOf(process, 'cni-conf-dir');
  const binDirs = optionOf(process, 'cni-bin-dir')?.split(',').filter(Boolean);
  return { ...(confDir && { confDir }), ...(binDirs && binDirs.length > 0 && { binDirs }) };
}

/** A missing file is none: most runtimes run without. */
function readTable({ host, roots, notes }: ConfigFiles, path: string): TomlTable | undefined {
  for (const root of roots) {
    try {
      return parseToml(host.read(resolveInRoot(host, root, path), largestFile));
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ESRCH'].includes(errorCode(error))) continue;
      notes.push(`The runtime’s configuration ${path} could not be read: ${(error as Error).message}`);
      return undefined;
    }
  }
  return undefined;
}

/** A path whose parts may hold `*` and `?`; the paths that fit, in order. */
function expand({ host, roots }: ConfigFiles, pattern: string): string[] {
  for (const root of roots) {
    const found = pattern
      .split('/')
      .slice(1)
      .reduce<string[]>((paths, part) => paths.flatMap((path) => step(host, root, path, part)), ['']);
    if (found.length > 0) return found.slice(0, mostFiles);
  }
  return [];
}

/** One part of a path further; a name without a wildcard is taken for granted. */
function step(host: Host, root: string, path: string, part: string): string[] {
  if (!/[*?]/.test(part)) return [`${path}/${part}`];
  const escaped = part.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  const fits = new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
  const names = attempt(() => host.list(resolveInRoot(host, root, path || '/'))) ?? [];
  return names
    .filter((name) => fits.test(name))
    .sort()
    .slice(0, mostFiles)
    .map((name) => `${path}/${name}`);
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function text(value: TomlValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function texts(value: TomlValue | undefined): string[] {
  return Array.isArray(value) ? (value.filter((item) => typeof item === 'string' && item !== '') as string[]) : [];
}
