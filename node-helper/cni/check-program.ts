/** What keeps a program from being placed or run, found before anything is written. */
import { dirname } from 'node:path';
import type { PlanProblem } from '../../mesh/cni/cni-plan.ts';
import { attempt, errorCode } from '../failure.ts';
import { listHostProcesses, listProcesses } from '../processes.ts';
import { problemOf } from './outcome.ts';
import { readSource, type World } from './survey.ts';

/**
 * Looks at the binary directory and at the program, and changes nothing.
 * @param source the program to be placed; absent: ours is there already.
 */
export function checkProgram(world: World, source: string | undefined): PlanProblem[] {
  return [
    ...(source === undefined ? [] : [notWritable(world), otherProcessor(world, source)]),
    notExecutable(world),
  ].filter((problem) => problem !== undefined);
}

function notWritable({ disk, host, paths: { binDir } }: World): PlanProblem | undefined {
  const kind = attempt(() => disk.lookBehind(binDir)?.kind);
  if (kind !== 'directory') {
    const message = `The runtime’s binary directory ${binDir} ${kind === undefined ? 'does not exist' : 'is no directory'}: name the right one with --bin-dir, or install the network plugin first.`;
    return { severity: 'error', code: kind === undefined ? 'ENOENT' : 'ENOTDIR', message };
  }
  try {
    disk.access(binDir);
    return undefined;
  } catch (error) {
    const { message, ...problem } = problemOf(error);
    return { ...problem, message: `${message}${errorCode(error) === 'EROFS' ? '' : labelsOf(host)}` };
  }
}

/** Which mandatory access control may be behind a refusal. Nothing is relabelled: that is the node owner's to decide. */
export function labelsOf({ read }: Pick<World['host'], 'read'>): string {
  const own = attempt(() => read('/proc/self/attr/current').replace(/\0?\s*$/, ''));
  if (!own) return '';
  if (attempt(() => read('/sys/fs/selinux/enforce'))?.trim() === '1')
    return ` SELinux enforces here and this program runs as “${own}”: “ausearch -m avc -ts recent” tells what it denied.`;
  return own.endsWith('(enforce)')
    ? ` AppArmor’s profile “${own}” is on this program: the kernel’s log tells what it denied.`
    : '';
}

interface Mount {
  root: string;
  point: string;
  options: string[];
}

/** `noexec` on the mount below the directory: as we see it, and as the host does. */
function notExecutable({ disk, host, paths: { binDir } }: World): PlanProblem | undefined {
  const path = attempt(() => disk.realPath(binDir)) ?? binDir;
  const views = [
    { table: '/proc/self/mountinfo', path: `${host.hostRoot}${path}` },
    ...(host.hostRoot === '' ? [] : hostTables(host).map((table) => ({ table, path }))),
  ];
  for (const view of views) {
    const mount = mountOf(attempt(() => host.read(view.table)) ?? '', view.path);
    if (mount?.options.includes('noexec'))
      return {
        severity: 'error',
        code: 'noexec',
        message: `${binDir} lies on a file system that is mounted “noexec” (${mount.point}): the runtime could not start a plugin there. Mount it without, or let the runtime use another directory.`,
      };
  }
  return undefined;
}

function hostTables(host: World['host']): string[] {
  const [first] = attempt(() => listHostProcesses(host, listProcesses(host))) ?? [];
  return first ? [`${host.proc}/${first.pid}/mountinfo`] : [];
}

/** The mount that a path lies on: the longest mount point above it, and of several on one point the last. */
export function mountOf(mountinfo: string, path: string): Mount | undefined {
  const mounts = mountinfo.split('\n').flatMap((line): Mount[] => {
    const [, , , root, point, options] = line.split(' ');
    return root && point && options ? [{ root, point: unescape(point), options: options.split(',') }] : [];
  });
  for (let directory = path; ; directory = dirname(directory)) {
    const found = mounts.findLast(({ point }) => point === directory);
    if (found || directory === '/' || directory === '.') return found;
  }
}

/** The kernel writes blanks as `\040`. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

const machines: Record<number, string> = {
  3: 'ia32',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'x64',
  183: 'arm64',
  243: 'riscv64',
};

/** The processor that a program was made for; undefined: it is no ELF file, or for one that nobody here knows. */
export function processorOf(program: Uint8Array): string | undefined {
  const isElf = program[0] === 0x7f && program[1] === 0x45 && program[2] === 0x4c && program[3] === 0x46;
  if (!isElf || program.length < 20) return undefined;
  const [low, high] = program[5] === 2 ? [program[19]!, program[18]!] : [program[18]!, program[19]!];
  return machines[high * 256 + low] ?? `machine ${high * 256 + low}`;
}

function otherProcessor(world: World, source: string): PlanProblem | undefined {
  const processor = processorOf(readSource(world, source));
  if (processor === undefined || processor === process.arch) return undefined;
  return {
    severity: 'error',
    code: 'processor',
    message: `The plugin’s program ${source} is made for ${processor}, this node is ${process.arch}: take the one for this processor.`,
  };
}
