/**
 * Everything that the helper takes from outside itself: files, processes, network namespaces, time. One interface, one
 * real implementation here, one in memory for the tests. File access is synchronous: the program answers one request
 * and ends, and thousands of small reads of /proc are several times faster that way.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  statSync,
} from 'node:fs';
import { endianness, hostname, release } from 'node:os';
import { helperEnvironment } from '../contract/node-helper-rights.ts';
import type { HelperIdentity } from '../contract/node-helper.ts';

export interface FileFacts {
  kind: 'file' | 'directory' | 'link' | 'other';
  /** Permission bits: `0o644`. */
  mode: number;
  /** Bytes. */
  size: number;
  inode: number;
  /** Milliseconds since 1970 of the last write. */
  modified?: number;
}

/** An open file that children can inherit. A namespace that is held this way stays the same one when its process ends. */
export interface OpenFile {
  fd: number;
  inode: number;
  close: () => void;
}

export interface Command {
  /** Program and arguments. A file of {@link inherit} is reached as `/proc/self/fd/3`, `…/4`, in their order. */
  argv: string[];
  /** Environment, whole: children inherit nothing but a plain PATH. */
  env?: Record<string, string>;
  stdin?: string;
  inherit?: OpenFile[];
  /** Milliseconds after which the child and its children are killed. */
  timeout?: number;
  /** Bytes of standard output after which the child is killed. */
  maxOutput?: number;
}

export interface CommandResult {
  /** Exit code; absent when it was killed or never started. */
  code?: number;
  stdout: string;
  stderr: string;
  /** Why there is no exit code. `missing`: no such program. */
  stopped?: 'timeout' | 'output' | 'missing' | 'denied' | 'signal';
}

export interface Host {
  identity: HelperIdentity;
  /** The node's name. */
  node: string;
  /** The kernel's release. */
  kernel: string;
  /** The kernel prints socket addresses in the machine's byte order. */
  littleEndian: boolean;
  /** Where the processes of the whole node are seen: `/proc`, or where the host's is mounted. */
  proc: string;
  /** Prefix before the host's directories, without a slash at its end; empty: our own root is the host's. */
  hostRoot: string;
  /** Names in a directory, unsorted. @throws an error with a `code` such as `ENOENT`, as all below do. */
  list: (path: string) => string[];
  /** Content of a regular file or a file of /proc. @param limit bytes; longer files throw with code `EFBIG`. */
  read: (path: string, limit?: number) => string;
  /** The first bytes of a file, as they are. */
  readStart: (path: string, bytes: number) => Buffer;
  /** What a link points to, as it is written. */
  readLink: (path: string) => string;
  /** Facts about the name itself; a link is not followed. */
  facts: (path: string) => FileFacts;
  /** Facts about what the name leads to. The inode of `/proc/PID/ns/net` names its namespace. */
  factsBehind: (path: string) => FileFacts;
  open: (path: string) => OpenFile;
  run: (command: Command) => Promise<CommandResult>;
  /** Milliseconds of a clock that never goes back. */
  now: () => number;
}

const plainPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const defaultTimeout = 5_000;
const defaultMaxOutput = 16 * 1024 * 1024;
const defaultMaxRead = 4 * 1024 * 1024;

/** @param overrides what the command line says instead of the environment. */
export function realHost(overrides: Partial<Pick<Host, 'proc' | 'hostRoot'>> = {}): Host {
  const env = process.env;
  return {
    identity: { version: env[helperEnvironment.version] ?? '0.0.0', hash: hashOfFile(__filename) },
    node: env[helperEnvironment.node] ?? hostname(),
    kernel: release(),
    littleEndian: endianness() === 'LE',
    proc: overrides.proc ?? env[helperEnvironment.proc] ?? '/proc',
    hostRoot: (overrides.hostRoot ?? env[helperEnvironment.hostRoot] ?? '').replace(/\/+$/, ''),
    list: (path) => readdirSync(path),
    read: readLimited,
    readStart,
    readLink: (path) => readlinkSync(path),
    facts: (path) => factsOf(lstatSync(path)),
    factsBehind: (path) => factsOf(statSync(path)),
    open: openFile,
    run,
    now: () => performance.now(),
  };
}

/** First 12 hex digits of SHA-256, the same that names the ConfigMap in which the program was delivered. */
function hashOfFile(path: string): string {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 12);
  } catch {
    return '';
  }
}

function readLimited(path: string, limit = defaultMaxRead): string {
  // O_NONBLOCK: opening a pipe that somebody left in a configuration directory must not wait for a writer.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    // A file of /proc says size 0: read until it ends instead of asking.
    const chunks: Buffer[] = [];
    let total = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(Math.min(chunks.length === 0 ? 4096 : 256 * 1024, limit + 1 - total));
      const count = readSync(fd, chunk);
      if (count === 0) return Buffer.concat(chunks).toString('utf8');
      total += count;
      if (total > limit)
        throw Object.assign(new Error(`EFBIG: larger than ${limit} bytes, ${path}`), { code: 'EFBIG' });
      chunks.push(chunk.subarray(0, count));
    }
  } finally {
    closeSync(fd);
  }
}

function readStart(path: string, bytes: number): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const start = Buffer.alloc(bytes);
    return start.subarray(0, readSync(fd, start));
  } finally {
    closeSync(fd);
  }
}

function factsOf(stats: ReturnType<typeof lstatSync>): FileFacts {
  if (!stats) throw new Error('unreachable: lstat throws for a missing file');
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'link' : 'other';
  return {
    kind,
    mode: Number(stats.mode) & 0o7777,
    size: Number(stats.size),
    inode: Number(stats.ino),
    modified: Math.floor(Number(stats.mtimeMs)),
  };
}

function openFile(path: string): OpenFile {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { fd, inode: fstatSync(fd).ino, close: () => closeSync(fd) };
}

function run(command: Command): Promise<CommandResult> {
  const { argv, env = {}, stdin, inherit = [], timeout = defaultTimeout, maxOutput = defaultMaxOutput } = command;
  return new Promise((resolve) => {
    const [program = '', ...args] = argv;
    // A process group of its own: what times out is killed with the children that it started.
    const child = spawn(program, args, {
      detached: true,
      cwd: '/',
      env: { PATH: plainPath, LC_ALL: 'C', ...env },
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...inherit.map(({ fd }) => fd)],
    });
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    let stopped: CommandResult['stopped'];
    let size = 0;
    const stop = (reason: 'timeout' | 'output') => {
      stopped ??= reason;
      if (child.pid !== undefined) killGroup(child.pid);
    };
    const timer = setTimeout(() => stop('timeout'), timeout);
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream]?.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxOutput) stop('output');
        else output[stream].push(chunk);
      });
    }
    // A child that does not read its input ends with EPIPE here: its exit code tells more.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(stdin);
    const finish = (result: Pick<CommandResult, 'code' | 'stopped'>) => {
      clearTimeout(timer);
      resolve({
        ...result,
        stdout: Buffer.concat(output.stdout).toString('utf8'),
        stderr: Buffer.concat(output.stderr).toString('utf8'),
      });
    };
    child.on('error', (error: NodeJS.ErrnoException) =>
      finish({ stopped: error.code === 'EACCES' ? 'denied' : 'missing' }),
    );
    child.on('close', (code) => finish(code === null || stopped ? { stopped: stopped ?? 'signal' } : { code }));
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}
