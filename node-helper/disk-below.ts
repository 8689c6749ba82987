/**
 * The host's disk, seen below a prefix: paths go in and come out as the host names them, so that what is written down (the
 * journal) is true on the host, and links are followed as the host would follow them. A link to `/opt/x` means the host's
 * `/opt`, not ours; the kernel does not know that.
 */
import { basename, dirname } from 'node:path';
import { resolveInRoot } from './host-files.ts';
import type { Disk } from './host-disk.ts';

/** @param root without a slash at its end; empty: the disk as it is. */
export function diskBelow(root: string, disk: Disk): Disk {
  if (root === '') return disk;
  const behind = (path: string) => resolveInRoot({ facts: factsOf(disk), readLink: disk.readLink }, root, path);
  /** The name itself: a link at its end is not followed. */
  const itself = (path: string) => `${behind(dirname(path))}/${basename(path)}`;
  const told = <Result>(act: () => Result): Result => {
    try {
      return act();
    } catch (error) {
      if (error instanceof Error) error.message = error.message.replaceAll(`${root}/`, '/');
      throw error;
    }
  };
  return {
    list: (path) => told(() => disk.list(behind(path))),
    look: (path) => told(() => disk.look(itself(path))),
    lookBehind: (path) => told(() => disk.look(behind(path))),
    read: (path, limit) => told(() => disk.read(behind(path), limit)),
    readLink: (path) => told(() => disk.readLink(itself(path))),
    realPath: (path) =>
      told(() => {
        const found = behind(path);
        if (!disk.look(found))
          throw Object.assign(new Error(`ENOENT: no such file or directory, ${path}`), { code: 'ENOENT' });
        return found.slice(root.length) || '/';
      }),
    create: (path) => told(() => disk.create(itself(path))),
    write: (file, bytes) => disk.write(file, bytes),
    setOwner: (file, uid, gid) => disk.setOwner(file, uid, gid),
    setMode: (file, mode) => disk.setMode(file, mode),
    sync: (file) => disk.sync(file),
    close: (file) => disk.close(file),
    rename: (from, to) => told(() => disk.rename(itself(from), itself(to))),
    unlink: (path) => told(() => disk.unlink(itself(path))),
    link: (target, path) => told(() => disk.link(target, itself(path))),
    setLinkOwner: (path, uid, gid) => told(() => disk.setLinkOwner(itself(path), uid, gid)),
    makeDirectory: (path) => told(() => disk.makeDirectory(itself(path))),
    removeDirectory: (path) => told(() => disk.removeDirectory(itself(path))),
    syncDirectory: (path) => told(() => disk.syncDirectory(behind(path))),
    access: (path) => told(() => disk.access(behind(path))),
  };
}

function factsOf(disk: Disk) {
  return (path: string) => {
    const look = disk.look(path);
    if (!look) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
    return { kind: look.kind, mode: look.mode, size: 0, inode: 0 };
  };
}
