/** Putting one file in place, so that every reader finds either what was there before or the whole new one. */
import { dirname } from 'node:path';
import type { Disk, Look } from '../host-disk.ts';
import { attempt } from '../failure.ts';
import type { CniPaths, StatePlaces } from './node-paths.ts';
import type { World } from './survey.ts';

export type Owner = Pick<Look, 'mode' | 'uid' | 'gid'>;

/** A name as it was: content and everything about it. */
export interface SavedName extends Owner {
  /** Base64; of a link, what it led to when it was saved. */
  content: string;
  /** It was a link to there. */
  link?: string;
}

/** Written aside, made durable, moved into place, and that made durable too. */
export function putFile(disk: Disk, places: StatePlaces, path: string, bytes: Uint8Array, owner: Owner): void {
  const aside = places.temporary(dirname(path));
  const file = disk.create(aside);
  let isOpen = true;
  try {
    disk.write(file, bytes);
    // Root alone may give files away; who keeps their own need not.
    const made = disk.look(aside);
    if (made?.uid !== owner.uid || made.gid !== owner.gid) disk.setOwner(file, owner.uid, owner.gid);
    disk.setMode(file, owner.mode);
    disk.sync(file);
    isOpen = false;
    disk.close(file);
    disk.rename(aside, path);
  } catch (error) {
    if (isOpen) attempt(() => disk.close(file));
    attempt(() => disk.unlink(aside));
    throw error;
  }
  disk.syncDirectory(dirname(path));
}

/** Gives a name back as it was saved. */
export function putSaved(disk: Disk, places: StatePlaces, path: string, saved: SavedName): void {
  if (saved.link === undefined) return putFile(disk, places, path, Buffer.from(saved.content, 'base64'), saved);
  const aside = places.temporary(dirname(path));
  disk.link(saved.link, aside);
  try {
    const made = disk.look(aside);
    if (made?.uid !== saved.uid || made.gid !== saved.gid) disk.setLinkOwner(aside, saved.uid, saved.gid);
    disk.rename(aside, path);
  } catch (error) {
    attempt(() => disk.unlink(aside));
    throw error;
  }
  disk.syncDirectory(dirname(path));
}

export function removeFile(disk: Disk, path: string): void {
  disk.unlink(path);
  disk.syncDirectory(dirname(path));
}

/** Takes away what an interrupted run left behind. Only with the lock: a living one's files look the same. */
export function sweep({ disk, paths }: World, places: StatePlaces): void {
  for (const path of leftovers(disk, paths, places)) attempt(() => disk.unlink(path));
}

export function hasLeftovers({ disk, paths }: World, places: StatePlaces): boolean {
  return leftovers(disk, paths, places).length > 0;
}

function leftovers(disk: Disk, { confDir, binDir }: CniPaths, places: StatePlaces): string[] {
  return [confDir, binDir, places.directory].flatMap((directory) =>
    (attempt(() => disk.list(directory)) ?? [])
      .filter((name) => places.isTemporary(name))
      .map((name) => `${directory}/${name}`),
  );
}
