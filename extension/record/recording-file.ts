/**
 * A recording in one file: a cluster at one moment, with what the node helper told of its nodes and pods. Written by *Record
 * Cluster*, replayed by the demo cluster; docs/recordings.md describes every field. A file comes from anywhere, so that what
 * is read is checked, bounded, and never run.
 */
import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import * as l10n from '@vscode/l10n';
import type { ReadAgentResult } from '../../contract/cni-plugin.ts';
import type { HelloResult, InspectPodResult, ReadCniResult } from '../../contract/node-helper.ts';
import { isPlainObject, type PlainObject } from '../../contract/cluster-layer.ts';
import { takeTurns } from '../cluster/take-turns.ts';

/** Grows by one when an old reader could misunderstand a new file. 1 is the directory form of the demo's own recordings. */
export const recordingFileVersion = 2;
export const recordingType = 'meshloom-recording';

/** How completely a kind was read. `absent`: the cluster does not serve it. */
export type RecordedKindState = 'complete' | 'partial' | 'absent' | 'refused' | 'failed';

export interface RecordedKind {
  /** `Pod`, `networking.istio.io/Gateway`. */
  kind: string;
  state: RecordedKindState;
  objects: number;
  /** Why it is not complete. */
  says?: string;
}

/** What the helper on one node told; a part that is not there could not be read, and `notes` says why. */
export interface RecordedNodeAnswers {
  node: string;
  hello?: HelloResult;
  cni?: ReadCniResult;
  agent?: ReadAgentResult;
  notes: string[];
}

/** What the helper saw in one pod's network namespace. */
export interface RecordedPodRules {
  namespace: string;
  name: string;
  uid: string;
  result: InspectPodResult;
}

export interface RecordingFile {
  type: typeof recordingType;
  formatVersion: number;
  /** ISO 8601. */
  recordedAt: string;
  /** `meshloom 0.1.0` */
  writtenBy: string;
  cluster: { name: string; namespace?: string };
  /** One namespace (with what the control plane's says for it), or everything. */
  scope: { namespace?: string };
  anonymized: boolean;
  kinds: RecordedKind[];
  /** What is missing, and why. */
  notes: string[];
  resources: PlainObject[];
  nodes: RecordedNodeAnswers[];
  pods: RecordedPodRules[];
}

/** Beyond these a file is no recording that somebody means to look at. */
export const recordingLimits = {
  fileBytes: 64 * 1024 * 1024,
  textBytes: 384 * 1024 * 1024,
  resources: 200_000,
  nodes: 10_000,
  pods: 100_000,
  depth: 100,
} as const;

/** The file cannot be replayed. The message says why, and what to do. */
export class RecordingFileError extends Error {
  override readonly name = 'RecordingError';
  readonly file: string;
  constructor(file: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.file = file;
  }
}

/** The bytes of a file of this name: compressed when it ends in `.gz`. A few milliseconds at a time, however big it is. */
export async function printRecordingFile(recording: RecordingFile, name: string): Promise<Uint8Array> {
  const isPacked = name.endsWith('.gz');
  const printed: Buffer[] = [];
  for (const piece of printPieces(recording, isPacked ? 0 : 1)) {
    printed.push(Buffer.from(piece, 'utf8'));
    const turn = takeTurns();
    if (turn) await turn;
  }
  const bytes = Buffer.concat(printed);
  return isPacked ? await promisify(gzip)(bytes) : bytes;
}

/** What `JSON.stringify` would print, an item of its lists at a time. @param indent by so many spaces; 0: in one line. */
function* printPieces(recording: RecordingFile, indent: 0 | 1): Generator<string> {
  const line = (depth: number) => (indent ? `\n${' '.repeat(depth)}` : '');
  const print = (value: unknown, depth: number) =>
    JSON.stringify(value, undefined, indent).replaceAll('\n', line(depth) || '\n');
  const colon = indent ? ': ' : ':';
  let before = '{';
  for (const [key, value] of Object.entries(recording)) {
    if (value === undefined) continue;
    yield `${before}${line(1)}${JSON.stringify(key)}${colon}`;
    before = ',';
    if (!Array.isArray(value) || value.length === 0) {
      yield print(value, 1);
      continue;
    }
    for (const [at, item] of (value as unknown[]).entries()) yield `${at === 0 ? '[' : ','}${line(2)}${print(item, 2)}`;
    yield `${line(1)}]`;
  }
  yield `${line(0)}}\n`;
}

/** @throws RecordingFileError for anything that is no recording of ours, is damaged, too big or too new. */
export async function readRecordingFile(file: string): Promise<{ recording: RecordingFile; problems: string[] }> {
  const bytes = await readBytes(file);
  return parseRecordingFile(file, bytes);
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    const { size } = await stat(file);
    if (size > recordingLimits.fileBytes) throw tooBig(file, size, recordingLimits.fileBytes);
    return await readFile(file);
  } catch (error) {
    if (error instanceof RecordingFileError) throw error;
    throw new RecordingFileError(
      file,
      l10n.t(
        'The recording {0} could not be read ({1}). Check that the file is there and that you may read it.',
        file,
        (error as NodeJS.ErrnoException).code ?? String(error),
      ),
      { cause: error },
    );
  }
}

/** Reads what a file holds, compressed or not: told by its first bytes, since names lie. */
export async function parseRecordingFile(
  file: string,
  bytes: Uint8Array,
): Promise<{ recording: RecordingFile; problems: string[] }> {
  const value = parseJson(file, await textOf(file, bytes));
  if (!isPlainObject(value) || value['type'] !== recordingType)
    throw new RecordingFileError(
      file,
      l10n.t(
        '{0} is no recording of Meshloom (it has no “type”: “{1}”). Choose a file that Record Cluster wrote.',
        file,
        recordingType,
      ),
    );
  const { formatVersion } = value;
  if (typeof formatVersion !== 'number' || !Number.isInteger(formatVersion) || formatVersion < 2)
    throw damaged(file, 'formatVersion');
  if (formatVersion > recordingFileVersion)
    throw new RecordingFileError(
      file,
      l10n.t(
        'The recording has format {0}, this extension reads {1} ({2}). Update the extension.',
        formatVersion,
        recordingFileVersion,
        file,
      ),
    );
  return readParts(file, value);
}

async function textOf(file: string, bytes: Uint8Array): Promise<string> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return Buffer.from(bytes).toString('utf8');
  try {
    const unpacked = await promisify(gunzip)(bytes, { maxOutputLength: recordingLimits.textBytes });
    return unpacked.toString('utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooBig(file, undefined, recordingLimits.textBytes);
    throw new RecordingFileError(
      file,
      l10n.t('The recording {0} is damaged or cut off: it cannot be unpacked ({1}).', file, code ?? String(error)),
      { cause: error },
    );
  }
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RecordingFileError(
      file,
      l10n.t(
        'The recording is damaged or cut off: {0} is not JSON ({1}).',
        file,
        (error as Error).message.slice(0, 200),
      ),
      { cause: error },
    );
  }
}

function readParts(file: string, value: PlainObject): { recording: RecordingFile; problems: string[] } {
  const { resources, nodes = [], pods = [] } = value;
  for (const [name, list, most] of [
    ['resources', resources, recordingLimits.resources],
    ['nodes', nodes, recordingLimits.nodes],
    ['pods', pods, recordingLimits.pods],
  ] as const) {
    if (!Array.isArray(list)) throw damaged(file, name);
    if (list.length > most) throw tooMany(file, name, list.length, most);
  }
  if (isDeeperThan(value, recordingLimits.depth)) throw damaged(file, 'resources');
  const problems: string[] = [];
  const kept = <T>(name: string, list: unknown, read: (item: unknown) => T | undefined): T[] =>
    (list as unknown[]).flatMap((item, index) => {
      const found = read(item);
      if (found !== undefined) return [found];
      problems.push(l10n.t('{0}: {1}[{2}] cannot be understood and is left out.', file, name, index));
      return [];
    });
  const cluster = isPlainObject(value['cluster']) ? value['cluster'] : {};
  const scope = isPlainObject(value['scope']) ? value['scope'] : {};
  const recording: RecordingFile = {
    type: recordingType,
    formatVersion: recordingFileVersion,
    recordedAt: stringOf(value['recordedAt']),
    writtenBy: stringOf(value['writtenBy']),
    cluster: {
      name: stringOf(cluster['name']),
      ...(typeof cluster['namespace'] === 'string' && { namespace: cluster['namespace'] }),
    },
    scope: typeof scope['namespace'] === 'string' ? { namespace: scope['namespace'] } : {},
    anonymized: value['anonymized'] === true,
    kinds: [],
    notes: stringsOf(value['notes']),
    resources: kept('resources', resources, readResource),
    nodes: kept('nodes', nodes, readNodeAnswers),
    pods: kept('pods', pods, readPodRules),
  };
  return { recording, problems };
}

/** As the API server's own paths need it: nothing of it may lead out of them. */
const pathWord = /^[A-Za-z0-9](?:[A-Za-z0-9._:-]*[A-Za-z0-9])?$/;

function readResource(item: unknown): PlainObject | undefined {
  if (!isPlainObject(item) || !isPlainObject(item['metadata'])) return undefined;
  const { apiVersion, kind, metadata } = item;
  const { name, namespace } = metadata as PlainObject;
  if (typeof apiVersion !== 'string' || !/^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\/)?v[0-9a-z]+$/.test(apiVersion))
    return undefined;
  if (typeof kind !== 'string' || !/^[A-Za-z][A-Za-z0-9]*$/.test(kind)) return undefined;
  if (typeof name !== 'string' || name.length > 253 || !pathWord.test(name)) return undefined;
  if (namespace !== undefined && (typeof namespace !== 'string' || !pathWord.test(namespace))) return undefined;
  return item;
}

function readNodeAnswers(item: unknown): RecordedNodeAnswers | undefined {
  if (!isPlainObject(item) || typeof item['node'] !== 'string') return undefined;
  const { node, hello, cni, agent, notes } = item;
  const isCni = isPlainObject(cni) && Array.isArray(cni['files']) && Array.isArray(cni['plugins']);
  const files = isCni ? (cni['files'] as unknown[]).filter(isNamed) : [];
  return {
    node,
    ...(isPlainObject(hello) && Array.isArray(hello['iptables']) && { hello: hello as unknown as HelloResult }),
    ...(isCni && {
      cni: {
        ...cni,
        files,
        plugins: (cni['plugins'] as unknown[]).filter(
          (each) => isPlainObject(each) && typeof each['type'] === 'string',
        ),
        confDir: stringOf(cni['confDir']) || '/etc/cni/net.d',
        binDirs: stringsOf(cni['binDirs']),
        notes: stringsOf(cni['notes']),
      } as unknown as ReadCniResult,
    }),
    ...(isPlainObject(agent) &&
      Array.isArray(agent['records']) &&
      Array.isArray(agent['notes']) && { agent: agent as unknown as ReadAgentResult }),
    notes: stringsOf(notes),
  };
}

function readPodRules(item: unknown): RecordedPodRules | undefined {
  if (!isPlainObject(item) || !isPlainObject(item['result'])) return undefined;
  const { namespace, name, uid, result } = item;
  if (typeof namespace !== 'string' || typeof name !== 'string' || typeof uid !== 'string') return undefined;
  const { readings } = result as PlainObject;
  if (!Array.isArray(readings)) return undefined;
  const lists = ['interfaces', 'listening', 'policyRules', 'routes', 'notes'].map((field) => {
    const list = (result as PlainObject)[field];
    return [field, Array.isArray(list) ? list : []];
  });
  const whole = {
    pid: 0,
    netns: '',
    tookMs: 0,
    ...(result as PlainObject),
    ...(Object.fromEntries(lists) as PlainObject),
    readings: readings.filter(
      (each) =>
        isPlainObject(each) && typeof each['text'] === 'string' && (each['family'] === '4' || each['family'] === '6'),
    ),
  };
  return { namespace, name, uid, result: whole as unknown as InspectPodResult };
}

function isNamed(value: unknown): boolean {
  return isPlainObject(value) && typeof value['name'] === 'string';
}

/** Without recursion: what is being asked is whether recursion would end. */
function isDeeperThan(value: unknown, most: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > most) return true;
    const next: unknown[] = [];
    for (const each of level)
      if (typeof each === 'object' && each !== null)
        for (const child of Object.values(each)) if (typeof child === 'object' && child !== null) next.push(child);
    level = next;
  }
  return false;
}

function damaged(file: string, part: string): RecordingFileError {
  return new RecordingFileError(
    file,
    l10n.t('The recording {0} is damaged: its “{1}” cannot be understood. Record the cluster again.', file, part),
  );
}

function tooBig(file: string, size: number | undefined, most: number): RecordingFileError {
  const megabytes = (bytes: number) => Math.ceil(bytes / 1024 / 1024);
  return new RecordingFileError(
    file,
    size === undefined
      ? l10n.t('The recording {0} unpacks to more than {1} MB and is not opened.', file, megabytes(most))
      : l10n.t(
          'The file {0} has {1} MB; recordings of more than {2} MB are not opened. Record one namespace instead.',
          file,
          megabytes(size),
          megabytes(most),
        ),
  );
}

function tooMany(file: string, part: string, count: number, most: number): RecordingFileError {
  return new RecordingFileError(
    file,
    l10n.t('The recording {0} holds {1} {2}; more than {3} are not opened.', file, count, part, most),
  );
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function stringsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
