/** A node made of real files in a temporary directory, with plugins that are not run: for tests of what installing does to it. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fakeHost } from '../fake-host.ts';
import { type Disk, realDisk, writingOperations } from '../host-disk.ts';
import type { FileFacts } from '../host.ts';
import type { World } from './survey.ts';

/** Name → text; `-> target` makes a link, `/` a directory. A number after the text is its mode. */
export type Layout = Record<string, string | [text: string, mode: number]>;

export interface TestNode {
  root: string;
  confDir: string;
  binDir: string;
  world: (disk?: Disk) => World;
  /** Every name with its kind, mode, owner and bytes. */
  snapshot: (directory?: string) => string;
  /** What the runtime would complain of; undefined when it loads and every program is there. */
  complaint: () => string | undefined;
  remove: () => void;
}

/** @param plugins type → the versions that it speaks. */
export function testNode(layout: Layout, plugins: Record<string, string[]>, onDisk = false): TestNode {
  // In memory: what is made durable thousands of times would take a disk minutes.
  const root = mkdtempSync(join(!onDisk && existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'meshloom-node-'));
  const [confDir, binDir] = [join(root, 'net.d'), join(root, 'bin')];
  for (const directory of [confDir, binDir, join(root, 'elsewhere')]) mkdirSync(directory);
  for (const [name, value] of Object.entries(layout)) place(confDir, name, value);
  for (const [type, versions] of Object.entries(plugins)) placeProgram(join(binDir, type), versions);
  const paths = { confDir, binDir, stateDir: join(root, 'var/state'), resultsDir: join(root, 'results') };
  return {
    root,
    confDir,
    binDir,
    world: (disk = realDisk()) => ({ host: hostOf(), disk, paths }),
    snapshot: (directory = confDir) => snapshot(directory),
    complaint: () => complaint(confDir, binDir),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** A program that answers VERSION when it is run; where it is not, its text says what it would answer. */
export function placeProgram(path: string, versions: string[]): void {
  const answer = JSON.stringify({ cniVersion: '1.0.0', supportedVersions: versions });
  writeFileSync(path, `#!/bin/sh\ncat >/dev/null\necho '${answer}'\n`, { mode: 0o755 });
}

function place(directory: string, name: string, value: Layout[string]): void {
  const [text, mode] = typeof value === 'string' ? [value, 0o644] : value;
  const path = join(directory, name);
  if (text === '/') mkdirSync(path);
  else if (text.startsWith('-> ')) {
    const target = join(directory, '../elsewhere', name);
    writeFileSync(target, text.slice(3));
    symlinkSync(`../elsewhere/${name}`, path);
  } else {
    writeFileSync(path, text);
    chmodSync(path, mode);
  }
}

function hostOf() {
  const facts = (path: string): FileFacts => {
    const stats = lstatSync(path);
    const kind = stats.isSymbolicLink() ? 'link' : stats.isDirectory() ? 'directory' : 'file';
    return { kind, mode: stats.mode & 0o7777, size: stats.size, inode: stats.ino };
  };
  return {
    ...fakeHost({ files: {} }),
    facts,
    readLink: (path: string) => readlinkSync(path),
    run: ({ argv }: { argv: string[] }) =>
      Promise.resolve({ code: 0, stdout: /\{.*\}/.exec(readFileSync(argv.at(-1)!, 'utf8'))![0], stderr: '' }),
  };
}

function snapshot(directory: string): string {
  return readdirSync(directory)
    .sort()
    .map((name) => {
      const path = join(directory, name);
      const { mode, uid, gid } = lstatSync(path);
      const stats = lstatSync(path);
      const what = stats.isSymbolicLink()
        ? `-> ${readlinkSync(path)}`
        : stats.isDirectory()
          ? '/'
          : readFileSync(path).toString('base64');
      return `${name} ${mode.toString(8)} ${uid}:${gid} ${what}`;
    })
    .join('\n');
}

/** Written apart from the product’s own reading of a directory, on purpose. */
function complaint(confDir: string, binDir: string): string | undefined {
  const [first] = readdirSync(confDir)
    .filter((name) => /\.(conf|conflist|json)$/.test(name) && !lstatSync(join(confDir, name)).isDirectory())
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  if (first === undefined) return 'there is no configuration';
  try {
    const value = JSON.parse(readFileSync(join(confDir, first), 'utf8')) as {
      type?: string;
      cniVersion?: string;
      plugins?: { type: string }[];
    };
    const plugins = first.endsWith('.conflist') ? value.plugins! : [{ type: value.type! }];
    if (plugins.length === 0) return `${first} names no plugin`;
    for (const { type } of plugins) {
      const answer = JSON.parse(/\{.*\}/.exec(readFileSync(join(binDir, type), 'utf8'))![0]) as {
        supportedVersions: string[];
      };
      const asked = value.cniVersion ?? '0.1.0';
      if (!answer.supportedVersions.includes(asked)) return `${first} asks ${type} for ${asked}`;
    }
    return undefined;
  } catch (error) {
    return `${first}: ${(error as Error).message}`;
  }
}

/** The program is gone: whatever it does next, it does not do. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/** A disk that stops before the n-th operation that changes something. @param told every operation that went through. */
export function crashingDisk(n: number, told: string[] = []): Disk {
  let count = 0;
  return wrap((operation, args) => {
    if (count++ >= n) throw new Crash(`before ${operation} ${args.join(' ')}`);
    told.push(`${operation} ${args.filter((arg) => typeof arg !== 'object').join(' ')}`);
  });
}

/** A disk on which the n-th changing operation fails, and with it all later ones of the same sort. */
export function failingDisk(n: number, code: string, sorts: readonly (keyof Disk)[]): Disk {
  let count = 0;
  return wrap((operation, args) => {
    if (!sorts.includes(operation) || count++ < n) return;
    throw Object.assign(new Error(`${code}: ${operation} ${args.join(' ')}`), { code });
  });
}

function wrap(before: (operation: keyof Disk, args: unknown[]) => void): Disk {
  const disk = realDisk();
  const wrapped = Object.fromEntries(
    writingOperations.map((operation) => [
      operation,
      (...args: never[]) => {
        before(operation, args);
        return (disk[operation] as (...args: never[]) => unknown)(...args);
      },
    ]),
  );
  return { ...disk, ...wrapped };
}
