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

/** containerd's, of any version, with what it imports. */
export function readContainerdConfig(files: ConfigFiles, process?: RuntimeProcess): CniSettings {
  const path = (process && optionOf(process, 'config', 'c')) ?? '/etc/containerd/config.toml';
  const table = readImports(files, path, new Set());
  return table ? containerdSettings(table) : {};
}

function readImports(files: ConfigFiles, path: string, seen: Set<string>): TomlTable | undefined {
  if (seen.has(path) || seen.size >= mostFiles) return undefined;
  seen.add(path);
  const table = readTable(files, path);
  const imports = table && texts(tomlAt(table, 'imports'));
  return (
    imports
      ?.flatMap((pattern) => expand(files, pattern.startsWith('/') ? pattern : `${directoryOf(path)}/${pattern}`))
      .reduce((under, imported) => mergeToml(under, readImports(files, imported, seen) ?? {}), table!) ?? table
  );
}

/** Version 1 calls the plugin `cri`, 2 `io.containerd.grpc.v1.cri`, 3 `io.containerd.cri.v1.runtime`. */
export function containerdSettings(table: TomlTable): CniSettings {
  const names = ['io.containerd.cri.v1.runtime', 'io.containerd.grpc.v1.cri', 'cri'];
  const cni = names.map((name) => tomlAt(table, 'plugins', name, 'cni')).find((found) => found !== undefined);
  const disabled = texts(tomlAt(table, 'disabled_plugins')).some((name) => names.includes(name));
  const address = text(tomlAt(table, 'grpc', 'address'));
  const about = { ...(disabled && { disabled }), ...(address && { address }) };
  if (typeof cni !== 'object' || Array.isArray(cni)) return about;
  const confDir = text(tomlAt(cni, 'conf_dir'));
  const binDir = text(tomlAt(cni, 'bin_dir'));
  const several = texts(tomlAt(cni, 'bin_dirs'));
  const binDirs = several.length > 0 ? several : binDir ? [binDir] : [];
  const most = tomlAt(cni, 'max_conf_num');
  return {
    ...(confDir && { confDir }),
    ...(binDirs.length > 0 && { binDirs }),
    ...(typeof most === 'number' && { maxNetworks: most }),
    ...about,
  };
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

/** A path whose last part may hold `*` and `?`; the names that fit, in order. */
function expand({ host, roots }: ConfigFiles, pattern: string): string[] {
  const [directory, name] = [directoryOf(pattern), pattern.slice(pattern.lastIndexOf('/') + 1)];
  if (!/[*?]/.test(name)) return [pattern];
  const matches = new RegExp(
    `^${name
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
  for (const root of roots) {
    const names = attempt(() => host.list(resolveInRoot(host, root, directory)));
    if (names)
      return names
        .filter((found) => matches.test(found) && !found.startsWith('.'))
        .sort()
        .slice(0, mostFiles)
        .map((found) => `${directory}/${found}`);
  }
  return [];
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
