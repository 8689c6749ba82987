/**
 * The name of the agent's socket, and whose it is. Two agents may meet while a DaemonSet is rolled out: the living one is
 * left in peace, the other waits. A socket gets its name by a rename, in one step: no call finds the name empty because an
 * agent moves in, and of two that move in at once the later one has it, which the other notices and waits again.
 */
import { type Stats, chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { attempt } from '../failure.ts';

export interface OwnSocket {
  /** Whether the name still leads to us. */
  isOurs(): boolean;
  /** Takes the name away if it is still ours. */
  release(): void;
}

/** Longest path of a socket: the kernel's `sun_path`, its closing zero aside. */
const longestPath = 107;

/** Whether somebody listens there. */
export function answers(path: string, patience = 1_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const done = (answer: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => done(false), patience);
    socket.on('connect', () => done(true));
    // A full queue is no death.
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code === 'EAGAIN'));
  });
}

/** Lets the server listen under this name, whoever had it. @throws what the kernel says: a read-only directory, a full disk. */
export async function takeSocket(server: Server, path: string): Promise<OwnSocket> {
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  await removeLeftovers(path);
  const first = join(directory, `.${basename(path)}.${process.pid}.${Date.now().toString(36)}`);
  if (Buffer.byteLength(first) > longestPath)
    throw new Error(`The socket’s path is longer than the kernel takes (${longestPath} bytes): ${path}`);
  await listen(server, first);
  chmodSync(first, 0o600);
  const { ino, dev } = lstatSync(first);
  renameSync(first, path);
  const isOurs = () => {
    const there = attempt<Stats | undefined>(() => lstatSync(path));
    return there?.ino === ino && there.dev === dev;
  };
  return {
    isOurs,
    release: () => {
      if (isOurs()) attempt(() => unlinkSync(path));
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // The socket is born closed to others, before its mode is set.
    const mask = process.umask(0o177);
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
    process.umask(mask);
  });
}

/** Of agents that were killed between the two names. */
async function removeLeftovers(path: string): Promise<void> {
  const names = attempt(() => readdirSync(dirname(path))) ?? [];
  for (const name of names.filter((other) => other.startsWith(`.${basename(path)}.`))) {
    const leftover = join(dirname(path), name);
    if (!(await answers(leftover))) attempt(() => unlinkSync(leftover));
  }
}
