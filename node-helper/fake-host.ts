/** A host in memory, for tests: files by their path, programs by a function. */
import type { Command, CommandResult, FileFacts, Host } from './host.ts';

/** Text of a file; `-> target` of a link; `!EACCES` for one that fails with this code. */
export type FakeFiles = Record<string, string>;

export interface FakeHostOptions {
  files: FakeFiles;
  /** Octal bits by path; `0o755` for what begins like a binary, `0o644` otherwise. */
  modes?: Record<string, number>;
  /** What a program prints. Default: it is missing. */
  run?: (command: Command) => Partial<CommandResult>;
  hostRoot?: string;
}

export interface FakeHost extends Host {
  /** Every command that was run, as one line. */
  ran: string[];
  /** Files that were opened and not closed. */
  stillOpen: Set<string>;
}

export function fakeHost({ files, modes = {}, run, hostRoot = '' }: FakeHostOptions): FakeHost {
  const ran: string[] = [];
  const stillOpen = new Set<string>();
  let clock = 0;
  const entry = (path: string): string => {
    const content = files[path];
    if (content === undefined) throw failure('ENOENT', path);
    if (content.startsWith('!')) throw failure(content.slice(1), path);
    return content;
  };
  const isDirectory = (path: string) => Object.keys(files).some((name) => name.startsWith(`${path}/`));
  const facts = (path: string): FileFacts => {
    const mode = modes[path] ?? (files[path]?.startsWith('\x7fELF') ? 0o755 : 0o644);
    if (files[path] === undefined && isDirectory(path)) return { kind: 'directory', mode, size: 0, inode: 1 };
    const content = files[path]?.startsWith('!') ? '' : entry(path);
    return { kind: content.startsWith('-> ') ? 'link' : 'file', mode, size: content.length, inode: inodeOf(content) };
  };
  const host: FakeHost = {
    identity: { version: '1.2.3', hash: '0123456789ab' },
    node: 'n1',
    kernel: '6.1.0',
    littleEndian: true,
    proc: '/proc',
    hostRoot,
    ran,
    stillOpen,
    list: (path) => {
      if (files[path]?.startsWith('!')) entry(path);
      if (!isDirectory(path)) throw failure('ENOENT', path);
      const names = Object.keys(files).filter((name) => name.startsWith(`${path}/`));
      return [...new Set(names.map((name) => name.slice(path.length + 1).split('/')[0]!))];
    },
    read: (path, limit = Infinity) => {
      const content = entry(path);
      if (content.length > limit) throw failure('EFBIG', path);
      return content;
    },
    readStart: (path, bytes) => Buffer.from(entry(path), 'latin1').subarray(0, bytes),
    readLink: (path) => {
      const content = entry(path);
      if (!content.startsWith('-> ')) throw failure('EINVAL', path);
      return content.slice(3);
    },
    facts,
    factsBehind: (path) => {
      if (files[path] !== undefined) entry(path);
      return facts(path);
    },
    open: (path) => {
      const inode = facts(path).kind === 'directory' ? 1 : inodeOf(entry(path));
      stillOpen.add(path);
      return { fd: 100 + stillOpen.size, inode, close: () => stillOpen.delete(path) };
    },
    run: (command) => {
      ran.push(command.argv.join(' '));
      const result = run?.(command) ?? { stopped: 'missing' as const };
      return Promise.resolve({ stdout: '', stderr: '', ...(!result.stopped && { code: 0 }), ...result });
    },
    now: () => (clock += 5),
  };
  return host;
}

/** `-> net:[4026532281]` names its inode itself. */
function inodeOf(content: string): number {
  return Number(/\[(\d+)\]/.exec(content)?.[1] ?? 1);
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
