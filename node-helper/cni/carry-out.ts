/** A plan made real, in the order that keeps the directory loadable at every instant. */
import { join } from 'node:path';
import type { CniPlan } from '../../mesh/cni/cni-plan.ts';
import { attempt } from '../failure.ts';
import type { Disk } from '../host-disk.ts';
import type { JournalFile } from './journal.ts';
import type { StatePlaces } from './node-paths.ts';
import { type Owner, putFile, putSaved, removeFile, type SavedName } from './put-file.ts';
import type { World } from './survey.ts';

/** Remembers a name as it is now. Null: there is none. */
export function saveName(disk: Disk, path: string): SavedName | null {
  const own = disk.look(path);
  if (!own) return null;
  const content = disk.read(path, 64 * 1024 * 1024).toString('base64');
  const { mode, uid, gid } = own;
  return { content, mode, uid, gid, ...(own.kind === 'link' && { link: disk.readLink(path) }) };
}

/**
 * Writes, then removes. What goes back to how it was gets its mode, owner or link back as well.
 * @param done is told each step that changed the directory.
 */
export function carryOut(
  { disk, paths: { confDir } }: World,
  places: StatePlaces,
  plan: CniPlan,
  saved: readonly JournalFile[],
  done: () => void = () => undefined,
): void {
  for (const { name, content } of plan.writes) {
    const bytes = Buffer.from(content);
    const original = saved.find((file) => file.name === name)?.original;
    if (original && original.content === bytes.toString('base64'))
      putSaved(disk, places, join(confDir, name), original);
    else putFile(disk, places, join(confDir, name), bytes, ownerFor(disk, confDir, name, plan));
    done();
  }
  for (const name of plan.removes) {
    if (disk.look(join(confDir, name))) removeFile(disk, join(confDir, name));
    done();
  }
}

/**
 * containerd ignores files that are created or moved in; a file that is written or goes away makes it look again. The name is
 * one that no runtime loads.
 */
export function makeRuntimeLook({ disk, paths: { confDir } }: World, places: StatePlaces): void {
  const path = places.temporary(confDir);
  const file = disk.create(path);
  try {
    attempt(() => disk.write(file, Buffer.from('\n')));
  } finally {
    disk.close(file);
    disk.unlink(path);
  }
}

/** A new file looks like the one whose place it takes. */
function ownerFor(disk: Disk, confDir: string, name: string, { effective }: CniPlan): Owner {
  return (
    disk.lookBehind(join(confDir, name)) ??
    (effective === undefined ? undefined : disk.lookBehind(join(confDir, effective))) ?? {
      mode: 0o644,
      uid: process.getuid!(),
      gid: process.getgid!(),
    }
  );
}
