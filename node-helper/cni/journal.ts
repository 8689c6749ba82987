/**
 * What we did to a CNI directory, written down before it is done: with it every run can finish or undo what another one began.
 * One file, replaced as a whole; it carries the originals themselves, so that it is never without them.
 */
import { join } from 'node:path';
import { attempt } from '../failure.ts';
import type { Disk } from '../host-disk.ts';
import type { TouchedFile } from '../../mesh/cni/plan-installation.ts';
import { type CniPaths, Refused, StatePlaces } from './node-paths.ts';
import { type Owner, putFile, removeFile, type SavedName } from './put-file.ts';

export interface JournalFile {
  name: string;
  /** Null: there was none. */
  original: SavedName | null;
  /** Base64 of what we put there; null: we removed it. */
  wrote: string | null;
  /** Base64 of what we had put there before that. */
  earlier?: string;
  follows?: string;
}

export interface JournalProgram {
  path: string;
  /** SHA-256 of ours. */
  hash: string;
  /** SHA-256 of our earlier one, while it is being replaced. */
  earlier?: string;
  /** What stood there before; its bytes are saved beside the journal. Null: nothing. */
  replaced: (Owner & { hash: string }) | null;
}

/** Somebody else's writing that an installation found in place of ours. */
export interface JournalFight {
  /** ISO 8601, when it was found. */
  at: string;
  name: string;
  /** `0:0`, of the file as it was found; absent: it was removed. */
  owner?: string;
}

export interface Journal {
  version: 1;
  confDir: string;
  /** `removed`: only the program is still there. */
  phase: 'installing' | 'installed' | 'removed';
  type: string;
  /** Absent: chained. */
  mode?: 'standalone';
  files: JournalFile[];
  /** How often somebody else wrote over what we had written. */
  fights?: JournalFight[];
  program?: JournalProgram;
}

const limit = 64 * 1024 * 1024;

/** @returns undefined when nothing was done here. */
export function readJournal(disk: Disk, { journal }: Pick<StatePlaces, 'journal'>): Journal | undefined {
  if (!disk.look(journal)) return undefined;
  try {
    const read = JSON.parse(disk.read(journal, limit).toString('utf8')) as Journal | null;
    if (read?.version === 1 || typeof read?.version !== 'number') return whole(read);
  } catch (cause) {
    throw new Refused(
      'journal',
      `The journal ${journal} cannot be read: ${(cause as Error).message}. It is not as we wrote it. Bring it back from a copy, or move it away and run again: then our entry goes, and what stood there before it was installed is not known any more.`,
      { cause },
    );
  }
  throw new Refused('journal', `The journal ${journal} was written by another version of Meshloom: use that one.`);
}

/** Another plugin that we have installed in the same directory. */
export interface OtherInstallation {
  places: StatePlaces;
  journal: Journal;
}

/** What was done here for plugins of other types; what cannot be read is nobody's who could be asked. */
export function otherInstallations(disk: Disk, paths: CniPaths, own: StatePlaces): OtherInstallation[] {
  return (attempt(() => disk.list(own.directory)) ?? []).flatMap((name) => {
    const path = join(own.directory, name);
    if (!/^journal(?:-[0-9a-f]{12})?\.json$/.test(name) || path === own.journal) return [];
    const journal = attempt(() => readJournal(disk, { journal: path }));
    if (!journal) return [];
    const places = new StatePlaces(disk, paths, journal.type);
    return places.journal === path ? [{ places, journal }] : [];
  });
}

/** A part of it would have us undo a part only. @throws what is wrong with it. */
function whole(read: Journal | null): Journal {
  const isTexts = (...values: unknown[]) => values.every((value) => typeof value === 'string');
  const isSaved = (saved: SavedName | null) => saved === null || isTexts(saved.content);
  const isFile = (file: JournalFile | null) =>
    file !== null && isTexts(file.name) && isSaved(file.original) && (file.wrote === null || isTexts(file.wrote));
  const isWhole =
    read?.version === 1 &&
    isTexts(read.phase, read.type) &&
    Array.isArray(read.files) &&
    read.files.every(isFile) &&
    (read.program === undefined || isTexts(read.program.path, read.program.hash));
  if (!isWhole) throw new Error('parts of it are missing');
  return read;
}

export function writeJournal(disk: Disk, places: StatePlaces, journal: Journal): void {
  const bytes = Buffer.from(`${JSON.stringify(journal, undefined, 2)}\n`);
  putFile(disk, places, places.journal, bytes, { mode: 0o600, uid: process.getuid!(), gid: process.getgid!() });
}

export function forgetJournal(disk: Disk, places: StatePlaces): void {
  if (disk.look(places.savedProgram)) removeFile(disk, places.savedProgram);
  if (disk.look(places.journal)) removeFile(disk, places.journal);
}

/** The part of it that plans are made of. */
export function touchedBy(journal: Journal | undefined): TouchedFile[] {
  return (journal?.files ?? []).map(({ name, original, wrote, earlier, follows }) => ({
    name,
    original: original === null ? null : textOf(original.content),
    wrote: wrote === null ? null : textOf(wrote),
    ...(earlier !== undefined && { earlier: textOf(earlier) }),
    ...(follows !== undefined && { follows }),
  }));
}

function textOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
