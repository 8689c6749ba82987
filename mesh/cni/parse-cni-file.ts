/**
 * One file of a CNI configuration directory, read as libcni reads it. Its JSON is Go's: a byte order mark or text after
 * the value makes the file invalid, CRLF is fine, of duplicate keys the last wins, and field names of a plugin's own
 * configuration match in any case.
 *
 * Sample (`10-bridge.conflist`):
 *
 *     {"cniVersion":"0.4.0","name":"podnet","plugins":[{"type":"bridge","ipam":{"type":"host-local"}},{"type":"portmap"}]}
 */
import * as l10n from '@vscode/l10n';
import { compareCniVersions, impliedCniVersion, isCniVersion, publishedCniVersions } from './cni-versions.ts';

/** A file as it was found; the node helper's `CniFile` fits. */
export interface CniFileText {
  name: string;
  /** Absent when the file could not be read (`error` says why) or is none that a runtime reads. */
  content?: string;
  error?: string;
  mode?: number;
  linkTarget?: string;
  /** Milliseconds since 1970 of the last write. */
  modified?: number;
  /** Runtimes step over a directory, whatever its name; not over a link to one. */
  directory?: boolean;
}

/** By extension alone, as runtimes do: what the content looks like does not count. `other`: no runtime reads it. */
export type CniFileKind = 'conf' | 'conflist' | 'other';

export interface CniPluginEntry {
  /** `bridge`: the name of the program in the binary directory. */
  type: string;
  /** A list's entry seldom has one; a converted single configuration keeps it (`galaxy`). */
  name?: string;
  /** `host-local`: the program that hands out addresses. */
  ipam?: string;
  /** Types that a delegating plugin (Multus) names in its own configuration. */
  delegates: string[];
  /** Programs that it calls in the list's own version: Flannel leaves the work to `bridge` and `host-local`. */
  helpers: string[];
  config: Record<string, unknown>;
}

export interface CniNetworkList {
  /** `podnet`; empty when there was none. */
  name: string;
  /** The version that every plugin is asked for: `0.4.0`. */
  cniVersion: string;
  /** Whether the file itself says a version. */
  hasVersion: boolean;
  /** Every version that the file says it can be run with, `cniVersions` included; the runtime takes the highest it knows. */
  offered: string[];
  plugins: CniPluginEntry[];
  /** The runtime is not to call CHECK, or GC. */
  disableCheck: boolean;
  disableGC: boolean;
  /** Plugins of the folder beside the file are left out; libraries before CNI 1.3 never take them in. */
  onlyInlined: boolean;
}

/**
 * How old the CNI library inside the runtime is. `1.1` and before know neither `cniVersions` nor a `disableCheck` that is
 * text; `1.2` knows both; `1.3` also takes in the plugins of a folder beside the file.
 */
export type CniLibrary = '1.1' | '1.2' | '1.3';

export type CniFileFault =
  | 'unreadable'
  | 'byte-order-mark'
  | 'json'
  | 'list-in-conf'
  | 'conf-in-list'
  | 'no-type'
  | 'no-plugins'
  | 'folder'
  | 'no-name'
  | 'bad-name'
  | 'bad-field';

export interface CniFileProblem {
  fault: CniFileFault;
  message: string;
  /** The runtime does not load such a file at all. Otherwise it loads, and fails when a pod comes. */
  blocksLoading: boolean;
}

export interface ParsedCniFile {
  name: string;
  kind: CniFileKind;
  /** The network that a list names, also when the list does not load. */
  network?: string;
  /** Absent when the file does not load. */
  list?: CniNetworkList;
  problems: CniFileProblem[];
}

/** Which of the two forms a runtime expects in a file of this name: `.conf` and `.json` hold one plugin, `.conflist` a list. */
export function cniFileKind(name: string): CniFileKind {
  if (name.endsWith('.conflist')) return 'conflist';
  return name.endsWith('.conf') || name.endsWith('.json') ? 'conf' : 'other';
}

/** The files that a runtime considers, in its order: byte order of the names, so `10-x.conf` comes before `10-x.conflist`. */
export function listLoadedFiles<File extends { name: string; directory?: boolean }>(files: readonly File[]): File[] {
  return files
    .filter(({ name, directory }) => !directory && cniFileKind(name) !== 'other')
    .sort((a, b) => compareBytes(a.name, b.name));
}

/** Every program that a chain needs, in order and each once: plugins, their address managers, and what they delegate to. */
export function listPluginTypes(list: CniNetworkList): string[] {
  return [
    ...new Set(
      list.plugins.flatMap(({ type, ipam, helpers, delegates }) => [
        type,
        ...(ipam ? [ipam] : []),
        ...helpers,
        ...delegates,
      ]),
    ),
  ];
}

/** The files of the folder that is named like a network, beside the file in which the network stands. */
export type FolderOf = (network: string) => readonly CniFileText[];

/**
 * Reads one file.
 * @param library the newest, when it is not known.
 * @param folderOf what lies beside the file. Given, a list is judged together with the plugins that a library of CNI 1.3
 *   appends to it: one that holds none itself may get all of them from there, and one of them that is broken breaks it. They
 *   are not among the list's `plugins`.
 * @returns what was understood and every problem found; never throws.
 */
export function parseCniFile(file: CniFileText, library: CniLibrary = '1.3', folderOf?: FolderOf): ParsedCniFile {
  const kind = cniFileKind(file.name);
  const parsed: ParsedCniFile = { name: file.name, kind, problems: [] };
  if (kind === 'other') return parsed;
  try {
    parsed.list =
      kind === 'conflist'
        ? readList(readObject(file), parsed, library, library === '1.3' ? folderOf : undefined)
        : readSingle(readObject(file), parsed, library);
  } catch (error) {
    if (!(error instanceof NotLoadable)) throw error;
    parsed.problems.push({ fault: error.fault, message: error.message, blocksLoading: true });
  }
  return parsed;
}

/** Leaves the reading of this file: the runtime would not load it. */
class NotLoadable extends Error {
  override readonly name = 'NotLoadable';
  readonly fault: CniFileFault;
  constructor(fault: CniFileFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

function readObject({ name, content, error }: CniFileText): Record<string, unknown> {
  if (content === undefined) {
    throw new NotLoadable('unreadable', l10n.t('“{0}” could not be read: {1}', name, error ?? l10n.t('no content')));
  }
  if (content.startsWith('\uFEFF')) {
    throw new NotLoadable(
      'byte-order-mark',
      l10n.t('“{0}” begins with a byte order mark, which is not JSON: save it as UTF-8 without one.', name),
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (cause) {
    throw new NotLoadable('json', l10n.t('“{0}” is not valid JSON: {1}', name, (cause as Error).message));
  }
  if (!isRecord(value)) throw new NotLoadable('json', l10n.t('“{0}” holds JSON, but not an object.', name));
  const number = endlessNumberIn(content);
  if (number !== undefined) {
    const why = l10n.t('The number {0} is larger than the runtime can read.', number);
    throw new NotLoadable('json', l10n.t('“{0}” is not valid JSON: {1}', name, why));
  }
  return value;
}

/** Go reads every number as float64 and refuses the whole file when one does not fit. @param json is known to be valid. */
function endlessNumberIn(json: string): string | undefined {
  if (!/[eE]\+?\d{3}|\d{300}/.test(json)) return undefined;
  for (const [token] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g))
    if (!token.startsWith('"') && !Number.isFinite(Number(token)))
      return token.length > 40 ? `${token.slice(0, 40)}…` : token;
  return undefined;
}

function readSingle(config: Record<string, unknown>, file: ParsedCniFile, library: CniLibrary): CniNetworkList {
  if (!stringField(config, 'type') && 'plugins' in config) {
    throw new NotLoadable(
      'list-in-conf',
      l10n.t(
        '“{0}” holds a list of plugins, but its name ends like that of a single plugin: it must end in “.conflist”.',
        file.name,
      ),
    );
  }
  const plugin = readPlugin(config, file, library);
  const version = textInOrder(config, 'cniVersion');
  const name = textInOrder(config, 'name') ?? '';
  if (name === '') {
    file.problems.push({
      fault: 'no-name',
      message: l10n.t('“{0}” gives the network no name: every pod fails with “missing network name”.', file.name),
      blocksLoading: false,
    });
  } else checkName(name, file);
  return {
    name,
    cniVersion: version || impliedCniVersion,
    hasVersion: Boolean(version),
    offered: version ? [version] : [],
    plugins: [plugin],
    disableCheck: false,
    disableGC: false,
    onlyInlined: true,
  };
}

function readList(
  list: Record<string, unknown>,
  file: ParsedCniFile,
  library: CniLibrary,
  folderOf: FolderOf | undefined,
): CniNetworkList {
  const { name } = list;
  if (typeof name === 'string') file.network = name;
  const beside = typeof name === 'string' ? pluginFiles(folderOf?.(name) ?? []) : [];
  const onlyInlined = library !== '1.3' || flagOf(list, 'loadOnlyInlinedPlugins', file, library);
  const isFilledFromFolder = !('plugins' in list) && !onlyInlined && beside.length > 0;
  if (!('plugins' in list) && !isFilledFromFolder && stringField(list, 'type')) {
    throw new NotLoadable(
      'conf-in-list',
      l10n.t('“{0}” holds a single plugin, but its name ends like that of a list: it must end in “.conf”.', file.name),
    );
  }
  if (name === undefined) throw new NotLoadable('no-name', l10n.t('“{0}” gives the network no name.', file.name));
  if (typeof name !== 'string') throw new NotLoadable('bad-field', l10n.t('In “{0}”, “name” is not text.', file.name));
  const plugins = isFilledFromFolder ? [] : list.plugins;
  if (!Array.isArray(plugins)) throw new NotLoadable('no-plugins', l10n.t('“{0}” has no list “plugins”.', file.name));
  if (plugins.length === 0 && !isFilledFromFolder)
    throw new NotLoadable('no-plugins', l10n.t('The list “plugins” in “{0}” is empty.', file.name));
  if (name === '') {
    file.problems.push({
      fault: 'no-name',
      message: l10n.t('“{0}” gives the network an empty name: every pod fails with “missing network name”.', file.name),
      blocksLoading: false,
    });
  } else checkName(name, file);
  const version = listVersion(list, file, library);
  if (!onlyInlined) refuseBroken(beside, name, file);
  return {
    name,
    disableCheck: flagOf(list, 'disableCheck', file, library),
    disableGC: library !== '1.1' && flagOf(list, 'disableGC', file, library),
    onlyInlined,
    cniVersion: version || impliedCniVersion,
    hasVersion: Boolean(version),
    offered: [
      ...new Set([list.cniVersion, ...(Array.isArray(list.cniVersions) ? (list.cniVersions as unknown[]) : [])]),
    ].filter((value) => typeof value === 'string' && value !== '') as string[],
    plugins: plugins.map((plugin) => {
      if (!isRecord(plugin))
        throw new NotLoadable('bad-field', l10n.t('An entry of “plugins” in “{0}” is not an object.', file.name));
      return readPlugin(plugin, file, library);
    }),
  };
}

/** One plugin in the folder that cannot be read, and the library loads nothing of the whole list. */
function refuseBroken(beside: readonly CniFileText[], network: string, file: ParsedCniFile): void {
  for (const one of beside) {
    const { list, problems } = parseCniFile(one);
    if (!list)
      throw new NotLoadable(
        'folder',
        l10n.t(
          '{0}/{1} belongs to the list in “{2}” and cannot be loaded, so the whole list is not: {3}',
          network,
          one.name,
          file.name,
          problems.map(({ message }) => message).join(' '),
        ),
      );
  }
}

/** Those of a folder that a library appends to the list. */
function pluginFiles(files: readonly CniFileText[]): CniFileText[] {
  return listLoadedFiles(files.filter(({ name }) => name.endsWith('.conf')));
}

/** Since CNI 1.1 a list may offer several versions (`cniVersions`); the highest that the library knows wins. */
function listVersion(list: Record<string, unknown>, file: ParsedCniFile, library: CniLibrary): string | undefined {
  const { cniVersion, cniVersions } = list;
  if (cniVersion !== undefined && typeof cniVersion !== 'string') {
    throw new NotLoadable('bad-field', l10n.t('In “{0}”, “cniVersion” is not text: write it in quotes.', file.name));
  }
  if (cniVersions === undefined || library === '1.1') return cniVersion;
  if (!Array.isArray(cniVersions) || cniVersions.some((version) => typeof version !== 'string')) {
    throw new NotLoadable('bad-field', l10n.t('In “{0}”, “cniVersions” is not a list of texts.', file.name));
  }
  const offered = [...(cniVersions as string[]), ...(cniVersion ? [cniVersion] : [])];
  const odd = offered.find((version) => !isCniVersion(version));
  if (odd !== undefined) {
    throw new NotLoadable(
      'bad-field',
      l10n.t('In “{0}”, “{1}” among the versions is none: write three numbers, like 1.0.0.', file.name, odd),
    );
  }
  const known = offered.filter((version) => compareCniVersions(version, publishedCniVersions.at(-1)!) <= 0);
  // Of two that are equal (1.0 and 1.0.0) the library takes the first.
  return (
    known.reduce<string | undefined>(
      (best, version) => (best !== undefined && compareCniVersions(version, best) <= 0 ? best : version),
      undefined,
    ) ?? cniVersion
  );
}

/** Since CNI 1.1 also as text, in any case; before, text makes the whole file invalid. */
function flagOf(list: Record<string, unknown>, name: string, file: ParsedCniFile, library: CniLibrary): boolean {
  const value = list[name];
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  const word = typeof value === 'string' && library !== '1.1' ? value.toLowerCase() : '';
  if (word === 'true' || word === 'false') return word === 'true';
  throw new NotLoadable(
    'bad-field',
    library === '1.1'
      ? l10n.t('In “{0}”, “{1}” is neither true nor false: this runtime takes no text there.', file.name, name)
      : l10n.t('In “{0}”, “{1}” is neither true nor false.', file.name, name),
  );
}

function readPlugin(config: Record<string, unknown>, file: ParsedCniFile, library: CniLibrary): CniPluginEntry {
  for (const field of ['type', 'name', 'cniVersion']) {
    if (fieldsOf(config, field).some((value) => typeof value !== 'string')) {
      throw new NotLoadable('bad-field', l10n.t('In “{0}”, “{1}” is not text: write it in quotes.', file.name, field));
    }
  }
  const type = stringField(config, 'type');
  if (!type)
    throw new NotLoadable(
      'no-type',
      l10n.t('A plugin in “{0}” has no “type”: nobody knows which program to run.', file.name),
    );
  checkFields(config, file, library);
  // Twice there, the second fills the same structure once more: what it does not say stays.
  const ipamType = fieldsOf(config, 'ipam')
    .map((ipam) => (isRecord(ipam) ? stringField(ipam, 'type') : undefined))
    .findLast((found) => found !== undefined);
  const name = stringField(config, 'name');
  return {
    type,
    ...(name && { name }),
    ...(ipamType && { ipam: ipamType }),
    delegates: delegatesOf(config),
    helpers: helpersOf(type, config),
    config,
  };
}

/** Whether a value, which is not null, has the form that libcni's own type has there. */
type Form = (value: unknown) => boolean;

const isText: Form = (value) => typeof value === 'string';
const membersAre =
  (form: Form): Form =>
  (value) =>
    isRecord(value) && Object.values(value).every((member) => member == null || form(member));
const fieldsAre =
  (forms: Record<string, Form>): Form =>
  (value) =>
    isRecord(value) && Object.entries(forms).every(([name, form]) => fieldsOf(value, name).every(form));
const isTexts: Form = (value) => Array.isArray(value) && value.every((item) => item == null || isText(item));

/** What libcni reads of every plugin, beside its names: the runtime loads nothing where one of these is another thing. */
const readFields: readonly { field: string; form: Form; like: string }[] = [
  { field: 'ipam', form: fieldsAre({ type: isText }), like: '{"type": "host-local"}' },
  { field: 'capabilities', form: membersAre((value) => typeof value === 'boolean'), like: '{"portMappings": true}' },
  {
    field: 'dns',
    form: fieldsAre({ nameservers: isTexts, domain: isText, search: isTexts, options: isTexts }),
    like: '{"nameservers": ["10.96.0.10"]}',
  },
  { field: 'prevResult', form: isRecord, like: '{}' },
];

/** Since CNI 1.1: what a runtime adds when it calls GC. */
const attachments: (typeof readFields)[number] = {
  field: 'cni.dev/valid-attachments',
  form: (value) =>
    Array.isArray(value) &&
    value.every((item) => item == null || fieldsAre({ containerID: isText, ifname: isText })(item)),
  like: '[]',
};

function checkFields(config: Record<string, unknown>, file: ParsedCniFile, library: CniLibrary): void {
  for (const { field, form, like } of library === '1.1' ? readFields : [...readFields, attachments])
    if (!fieldsOf(config, field).every(form))
      throw new NotLoadable(
        'bad-field',
        l10n.t('In “{0}”, the runtime cannot read “{1}”: write it like {2}.', file.name, field, like),
      );
}

/** Multus lists whole configurations (single ones, or lists) under `delegates`. */
function delegatesOf(config: Record<string, unknown>): string[] {
  const { delegates } = config;
  if (!Array.isArray(delegates)) return [];
  return delegates.filter(isRecord).flatMap((delegate) => {
    const plugins = Array.isArray(delegate.plugins) ? delegate.plugins.filter(isRecord) : [delegate];
    return plugins.flatMap((plugin) => stringField(plugin, 'type') ?? []);
  });
}

/** Flannel writes the rest of its configuration itself: `bridge` with `host-local`, unless its `delegate` names another. */
function helpersOf(type: string, config: Record<string, unknown>): string[] {
  if (type !== 'flannel') return [];
  const delegate = isRecord(config.delegate) ? config.delegate : {};
  const ipam = isRecord(delegate.ipam) ? delegate.ipam : {};
  return [stringField(delegate, 'type') ?? 'bridge', stringField(ipam, 'type') ?? 'host-local'];
}

function checkName(name: string, file: ParsedCniFile): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) return;
  file.problems.push({
    fault: 'bad-name',
    message: l10n.t(
      'The network name “{0}” in “{1}” has characters that CNI refuses: use letters, digits, “_”, “.” and “-”, and begin with a letter or digit.',
      name,
      file.name,
    ),
    blocksLoading: false,
  });
}

function stringField(config: Record<string, unknown>, name: string): string | undefined {
  const value = fieldsOf(config, name).at(-1);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Of a single configuration the library reads these before it makes a list of it, which puts keys in byte order. */
function textInOrder(config: Record<string, unknown>, name: string): string | undefined {
  const value = valuesOf(Object.entries(config), name).findLast((found) => found !== null);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * Go fills a structure from keys in any case, and the last one counts; `null` changes nothing. The library has printed a
 * plugin's configuration anew before, with its keys in byte order: `Type` comes before `type`, wherever they stood.
 */
function fieldsOf(config: Record<string, unknown>, name: string): unknown[] {
  const entries = Object.entries(config).sort(([a], [b]) => compareBytes(a, b));
  return valuesOf(entries, name).filter((value) => value !== null);
}

function valuesOf(entries: readonly (readonly [string, unknown])[], name: string): unknown[] {
  return entries.flatMap(([key, value]) => (key.toLowerCase() === name.toLowerCase() ? [value] : []));
}

function compareBytes(a: string, b: string): number {
  // Code points order as their UTF-8 bytes do; JavaScript's own order is by UTF-16 units, which differs for emoji.
  const [left, right] = [[...a], [...b]];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
