import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as l10n from '@vscode/l10n';
import type { ReadAgentResult } from '../../contract/cni-plugin.ts';
import type {
  CniFile,
  CniPluginProbe,
  InspectPodResult,
  IptablesTool,
  ReadCniResult,
} from '../../contract/node-helper.ts';
import { isObject, type ApiObject, type JsonObject } from './api-object.ts';
import type { RecordedProxy } from './recorded-proxy.ts';

/** The format of a directory; a reader refuses a higher one. See recordings/README.md; one file is format 2, docs/recordings.md. */
export const recordingFormat = 1;

/** A cluster at one moment, as it lies on disk. */
export interface Recording {
  objects: ApiObject[];
  node: RecordedNode;
  /** By `<namespace>_<pod>`. */
  rules: Map<string, RecordedRules>;
  /** Of a recording in one file: every node that was asked, `node` among them. Absent: `node` is the only one. */
  nodes?: readonly RecordedNode[];
  /** Whole answers about pods, by `<namespace>_<pod>`; they count more than `rules`. */
  inspected?: ReadonlyMap<string, InspectPodResult>;
  /** What pods answer at their proxies' ports, by `<namespace>_<pod>`. */
  proxies?: ReadonlyMap<string, RecordedProxy>;
  /** What could not be read, in words that name the file. The rest is usable. */
  problems: string[];
}

/** What a program on the node would see there. */
export interface RecordedNode {
  /** Absent when node.json could not be read; then the recording's only Node is meant. */
  name?: string;
  kernel: string;
  confDir: string;
  binDirs: string[];
  plugins: CniPluginProbe[];
  files: CniFile[];
  iptables: IptablesTool[];
  /** Why no new pod gets a network, with `{verb}` for `add` or `delete`. Absent: pods start. */
  podNetworkError?: string;
  notes: string[];
  /** All that the helper told of the directory, where that was recorded. */
  read?: ReadCniResult;
  /** What the plugin's agent told. */
  agent?: ReadAgentResult;
}

/** `iptables-save -c` text per family, and what is wrong with it. */
export interface RecordedRules {
  v4?: string;
  v6?: string;
  notes: string[];
}

/** The recording is not usable at all. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
  /** The file that is in the way. */
  readonly file: string;
  constructor(file: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.file = file;
  }
}

/**
 * Reads one state.
 * @param directory that holds `resources.json`.
 * @throws {RecordingError} when there are no resources to serve or the format is newer. Everything else that is broken or
 * missing is told in `problems`, and again by the node helper where it concerns its answer.
 */
export async function readRecording(directory: string): Promise<Recording> {
  const problems: string[] = [];
  const [objects, node, rules, proxies] = await Promise.all([
    readResources(directory, problems),
    readNode(directory, problems),
    readAllRules(directory, problems),
    readProxies(directory, problems),
  ]);
  return { objects, node, rules, proxies, problems };
}

/** Few states have any. */
async function readProxies(directory: string, problems: string[]): Promise<Map<string, RecordedProxy>> {
  const folder = join(directory, 'proxies');
  const proxies = new Map<string, RecordedProxy>();
  for (const name of await readdir(folder).catch(() => [])) {
    const file = join(folder, name);
    try {
      const proxy = parseJson(file, await readOrThrow(file)) as RecordedProxy;
      if (isObject(proxy.answers)) proxies.set(name.replace(/\.json$/, ''), proxy);
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  return proxies;
}

async function readResources(directory: string, problems: string[]): Promise<ApiObject[]> {
  const file = join(directory, 'resources.json');
  const text = await readOrThrow(file);
  const list = parseJson(file, text);
  if (!isObject(list) || !Array.isArray(list.items)) {
    throw new RecordingError(
      file,
      l10n.t(
        'The recording cannot be replayed: {0} is not a Kubernetes List. Choose another state of the demo cluster.',
        file,
      ),
    );
  }
  return list.items.flatMap((item: unknown, index) => {
    if (isApiObject(item)) return [item];
    problems.push(l10n.t('{0}: item {1} has no apiVersion, kind or name and is left out.', file, index));
    return [];
  });
}

async function readNode(directory: string, problems: string[]): Promise<RecordedNode> {
  const file = join(directory, 'node.json');
  const notes: string[] = [];
  const node = await readNodeFile(file, notes);
  const cni = asObject(node.cni);
  const { files, problem } = await readConfDir(join(directory, 'net.d'));
  if (problem) notes.push(problem);
  problems.push(...notes);
  return {
    ...(typeof node.node === 'string' && { name: node.node }),
    kernel: text(node.kernel),
    confDir: text(cni.confDir) || '/etc/cni/net.d',
    binDirs: texts(cni.binDirs),
    plugins: objects(cni.plugins).filter((plugin) => typeof plugin.type === 'string') as unknown as CniPluginProbe[],
    files,
    iptables: objects(node.iptables).filter((tool) => typeof tool.path === 'string') as unknown as IptablesTool[],
    ...(typeof node.podNetworkError === 'string' && { podNetworkError: node.podNetworkError }),
    notes,
  };
}

/** An unreadable node.json costs what it holds; a newer format costs the recording, since the rest may mean something else. */
async function readNodeFile(file: string, notes: string[]): Promise<JsonObject> {
  let node: unknown;
  try {
    node = parseJson(file, await readOrThrow(file));
  } catch (error) {
    notes.push((error as Error).message);
    return {};
  }
  if (!isObject(node)) {
    notes.push(l10n.t('The recording is damaged: {0} is not a JSON object.', file));
    return {};
  }
  if (typeof node.format === 'number' && node.format > recordingFormat) {
    throw new RecordingError(
      file,
      l10n.t(
        'The recording has format {0}, this extension reads {1} ({2}). Update the extension.',
        node.format,
        recordingFormat,
        file,
      ),
    );
  }
  return node;
}

async function readConfDir(directory: string): Promise<{ files: CniFile[]; problem?: string }> {
  let names: string[];
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  } catch (error) {
    return {
      files: [],
      problem: l10n.t('The recording is incomplete: {0} could not be read ({1}).', directory, codeOf(error)),
    };
  }
  const files = names.sort(inByteOrder).map(async (name): Promise<CniFile> => {
    try {
      return { name, content: await readFile(join(directory, name), 'utf8') };
    } catch (error) {
      return { name, error: codeOf(error) };
    }
  });
  return { files: await Promise.all(files) };
}

async function readAllRules(directory: string, problems: string[]): Promise<Map<string, RecordedRules>> {
  const folder = join(directory, 'rules');
  const rules = new Map<string, RecordedRules>();
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    problems.push(l10n.t('The recording is incomplete: {0} could not be read ({1}).', folder, codeOf(error)));
    return rules;
  }
  for (const name of names.sort(inByteOrder)) {
    const [, pod, family] = /^(.+)\.(v4|v6)\.save$/.exec(name) ?? [];
    if (pod === undefined) continue;
    const entry = rules.get(pod) ?? { notes: [] };
    rules.set(pod, entry);
    const file = join(folder, name);
    try {
      const saved = await readFile(file, 'utf8');
      entry[family as 'v4' | 'v6'] = saved;
      if (isCutOff(saved))
        entry.notes.push(l10n.t('The recording is cut off: {0} does not end with COMMIT, rules are missing.', file));
    } catch (error) {
      entry.notes.push(l10n.t('The recording is incomplete: {0} could not be read ({1}).', file, codeOf(error)));
    }
    problems.push(...entry.notes.slice(-1).filter((note) => note.includes(file)));
  }
  return rules;
}

/** `iptables-save` closes every table that it opens. */
function isCutOff(save: string): boolean {
  const marks = save.match(/^(?:\*.*|COMMIT)$/gm) ?? [];
  return marks.some((mark, index) => (index % 2 === 0) !== mark.startsWith('*')) || marks.length % 2 !== 0;
}

async function readOrThrow(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new RecordingError(
      file,
      l10n.t('The recording is incomplete: {0} could not be read ({1}).', file, codeOf(error)),
      { cause: error },
    );
  }
}

function parseJson(file: string, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new RecordingError(
      file,
      l10n.t('The recording is damaged or cut off: {0} is not JSON ({1}).', file, (error as Error).message),
      { cause: error },
    );
  }
}

/** What was recorded of a node; undefined: nothing. */
export function findRecordedNode(
  { node, nodes }: Pick<Recording, 'node' | 'nodes'>,
  name: string,
): RecordedNode | undefined {
  if (nodes) return nodes.find((each) => each.name === name);
  return node.name === undefined || node.name === name ? node : undefined;
}

function isApiObject(item: unknown): item is ApiObject {
  return (
    isObject(item) &&
    typeof item.apiVersion === 'string' &&
    typeof item.kind === 'string' &&
    isObject(item.metadata) &&
    typeof item.metadata.name === 'string' &&
    item.metadata.name !== ''
  );
}

/** As a container runtime sorts its configuration directory, whatever the machine's language is. */
function inByteOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
