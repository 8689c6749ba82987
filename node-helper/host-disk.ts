/**
 * The part of the host that installing writes to. One small operation each, as the kernel has them, so that a test can stop
 * the program before every single one. Synchronous: what is done in one go is done in this order.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';

/** What a name is, its content aside. */
export interface Look {
  kind: 'file' | 'directory' | 'link' | 'other';
  mode: number;
  uid: number;
  gid: number;
}

export interface Disk {
  list: (path: string) => string[];
  /** About the name itself. Undefined: there is none. */
  look: (path: string) => Look | undefined;
  /** About what the name leads to. */
  lookBehind: (path: string) => Look | undefined;
  read: (path: string, limit: number) => Buffer;
  readLink: (path: string) => string;
  realPath: (path: string) => string;
  /** Whether names may be written in a directory; changes nothing. @throws `EROFS`, `EACCES`. */
  access: (path: string) => void;

  /** A new file, closed to others; fails when the name is taken. @returns a descriptor. */
  create: (path: string) => number;
  write: (file: number, bytes: Uint8Array) => void;
  setOwner: (file: number, uid: number, gid: number) => void;
  setMode: (file: number, mode: number) => void;
  sync: (file: number) => void;
  close: (file: number) => void;
  rename: (from: string, to: string) => void;
  unlink: (path: string) => void;
  link: (target: string, path: string) => void;
  setLinkOwner: (path: string, uid: number, gid: number) => void;
  makeDirectory: (path: string) => void;
  removeDirectory: (path: string) => void;
  syncDirectory: (path: string) => void;
}

/** Those that change something. */
export const writingOperations = [
  ...(['create', 'write', 'setOwner', 'setMode', 'sync', 'close', 'rename', 'unlink', 'link'] as const),
  ...(['setLinkOwner', 'makeDirectory', 'removeDirectory', 'syncDirectory'] as const),
] satisfies (keyof Disk)[];

export function realDisk(): Disk {
  return {
    list: (path) => readdirSync(path),
    look: (path) => lookOf(lstatSync(path, { throwIfNoEntry: false })),
    lookBehind: (path) => lookOf(statSync(path, { throwIfNoEntry: false })),
    read: readWhole,
    readLink: (path) => readlinkSync(path),
    realPath: (path) => realpathSync(path),
    access: (path) => accessSync(path, constants.W_OK | constants.X_OK),
    create: (path) => openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600),
    write: (file, bytes) => {
      for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
    },
    setOwner: (file, uid, gid) => fchownSync(file, uid, gid),
    setMode: (file, mode) => fchmodSync(file, mode),
    sync: (file) => fsyncSync(file),
    close: (file) => closeSync(file),
    rename: (from, to) => renameSync(from, to),
    unlink: (path) => unlinkSync(path),
    link: (target, path) => symlinkSync(target, path),
    setLinkOwner: (path, uid, gid) => lchownSync(path, uid, gid),
    makeDirectory: (path) => {
      if (!existsSync(path)) mkdirSync(path, { mode: 0o700 });
    },
    removeDirectory: (path) => rmdirSync(path),
    syncDirectory: (path) => {
      const directory = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        fsyncSync(directory);
      } finally {
        closeSync(directory);
      }
    },
  };
}

/** A disk that is written to only as long as this parent lives: who kills the messenger means the work. */
export function diskBoundTo(parent: number): Disk {
  const disk = realDisk();
  const bound = writingOperations.map((operation) => [
    operation,
    (...args: never[]) => {
      if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
      return (disk[operation] as (...args: never[]) => unknown)(...args);
    },
  ]);
  return { ...disk, ...(Object.fromEntries(bound) as Partial<Disk>) };
}

function lookOf(stats: ReturnType<typeof lstatSync>): Look | undefined {
  if (!stats) return undefined;
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'link' : 'other';
  return { kind, mode: Number(stats.mode) & 0o7777, uid: Number(stats.uid), gid: Number(stats.gid) };
}

function readWhole(path: string, limit: number): Buffer {
  // O_NONBLOCK: a pipe that somebody left in the directory must not wait for a writer.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size } = fstatSync(file);
    if (size > limit) throw Object.assign(new Error(`EFBIG: larger than ${limit} bytes, ${path}`), { code: 'EFBIG' });
    const bytes = Buffer.alloc(size);
    let done = 0;
    while (done < size) {
      const count = readSync(file, bytes, done, size - done, null);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  } finally {
    closeSync(file);
  }
}
