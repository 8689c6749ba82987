/** Asks a CNI plugin which versions it speaks, and tells in words why it does not answer. No other command is ever given. */
import { arch } from 'node:os';
import type { CniPluginProbe } from '../contract/node-helper.ts';
import { attempt } from './failure.ts';
import { resolveInRoot } from './host-files.ts';
import type { CommandResult, Host } from './host.ts';
import { findMount } from './mounts.ts';
import { listHostProcesses, listProcesses } from './processes.ts';
import { findHostPlace, ownPlace, type Place, runIn } from './tools.ts';

/** Where the host's programs are looked for, and how they are started. */
export interface PluginSearch {
  host: Host;
  /** Prefixes below which the host's directories may be seen, best first. */
  roots: string[];
  /** Our own root, then the host's. */
  places: Place[];
}

/** Where installers put programs when they do not ask the runtime. */
const otherDirectories = [
  '/opt/cni/bin',
  '/home/kubernetes/bin',
  '/usr/libexec/cni',
  '/usr/lib/cni',
  '/var/lib/cni/bin',
  '/var/lib/rancher/k3s/data/cni',
  '/var/lib/rancher/k3s/data/current/bin',
  '/var/snap/microk8s/current/opt/cni/bin',
];

type Answer = Pick<CniPluginProbe, 'supportedVersions' | 'error' | 'fault'>;

/** Asks one program of one type, found as the runtime finds it. */
export async function probePlugin(
  search: PluginSearch,
  type: string,
  binDirs: readonly string[],
): Promise<CniPluginProbe> {
  // The runtime refuses such a name too; looking it up would run any program of the node.
  if (/[/\\\0]/.test(type) || type === '.' || type === '..') {
    return { type, error: 'a plugin’s type is a name, not a path' };
  }
  const found = findPlugin(search, type, binDirs);
  if (!found) return notFound(search, type, binDirs);
  const { path, here, root } = found;
  const obstacle = obstacleTo(search, path, here, root);
  if (obstacle) return { type, path, ...obstacle };
  const [own, hostPlace] = search.places;
  let result = await askVersion(search.host, own!, here);
  // A program that is linked against the host's libraries starts only among them.
  if (hostPlace && !answered(result) && result.stopped !== 'timeout' && result.stopped !== 'output') {
    const there = await askVersion(search.host, hostPlace, path);
    // What did not even start there tells less than what it said here.
    if (answered(there) || !there.stderr.startsWith('nsenter:')) result = there;
  }
  const answer = readVersionReply(result);
  return { type, path, ...answer, ...(answer.error !== undefined && explainFailure(search.host, here, root, result)) };
}

/** Asks one program of the host, below `hostRoot`, which versions it speaks. */
export async function probeProgram(host: Host, type: string, binDirs: readonly string[]): Promise<CniPluginProbe> {
  // In the terminal the host's root is ours. In the helper's pod, a program may need the host's libraries.
  const hostPlace =
    host.hostRoot === '' ? undefined : findHostPlace(host, listHostProcesses(host, listProcesses(host)));
  const places = [ownPlace(), ...(hostPlace ? [hostPlace] : [])];
  try {
    return await probePlugin({ host, roots: [host.hostRoot], places }, type, binDirs);
  } finally {
    for (const file of hostPlace?.files ?? []) file.close();
  }
}

/** Asks the program in a file, wherever it lies. */
export async function probeProgramAt(host: Host, path: string): Promise<Answer> {
  return readVersionReply(await askVersion(host, ownPlace(), path));
}

interface FoundPlugin {
  /** As the host names it. */
  path: string;
  /** As we reach it. */
  here: string;
  root: string;
}

function findPlugin({ host, roots }: PluginSearch, type: string, binDirs: readonly string[]): FoundPlugin | undefined {
  for (const root of roots) {
    for (const directory of binDirs) {
      const path = `${directory}/${type}`;
      const here = attempt(() => resolveInRoot(host, root, path));
      // A program that does many plugins' work tells them apart by the name that it is called by: keep the link's.
      if (here && attempt(() => host.facts(here).kind) === 'file')
        return { path, here: root === '' ? path : here, root };
    }
  }
  return undefined;
}

/** As the runtime sees it, a directory of the plugin's name is no program either. */
function notFound({ host, roots }: PluginSearch, type: string, binDirs: readonly string[]): CniPluginProbe {
  const other = otherDirectories.filter((directory) => !binDirs.includes(directory));
  const elsewhere = findPlugin({ host, roots, places: [] }, type, other)?.path;
  const odd = binDirs.flatMap((directory) =>
    roots.flatMap((root) => {
      const kind = attempt(() => host.facts(resolveInRoot(host, root, `${directory}/${type}`)).kind);
      return kind === undefined || kind === 'link'
        ? []
        : [`${directory}/${type} is a ${kind === 'directory' ? kind : 'special file'}`];
    }),
  );
  return {
    type,
    error: `no program “${type}” in ${binDirs.join(', ')}${odd.length > 0 ? `: ${odd[0]}` : ''}`,
    ...(elsewhere !== undefined && { elsewhere }),
  };
}

/** What the kernel would refuse to start for the runtime. A shell would run any text as its script: that is no answer. */
function obstacleTo({ host, roots }: PluginSearch, path: string, here: string, root: string): Answer | undefined {
  const facts = attempt(() => host.facts(root === '' ? resolveInRoot(host, root, path) : here));
  const start = attempt(() => host.readStart(here, 64));
  if (start) {
    if (start.length === 0) return { fault: 'no-program', error: 'its file is empty' };
    if (!isElf(start) && start.toString('latin1', 0, 2) !== '#!')
      return { fault: 'no-program', error: 'its file is no program: neither a binary nor a script' };
  }
  const processor = start && isElf(start) ? processorOf(start) : undefined;
  if (processor !== undefined && !runsHere(host, processor))
    return {
      fault: 'processor',
      error: `it is made for another processor: ${processor}, and this node has ${arch()}`,
    };
  if (facts && start && (facts.mode & 0o111) === 0) return { fault: 'not-executable', error: 'it is not executable' };
  // How the host has mounted it, not how it is mounted for us.
  const hostRoot = roots.find((prefix) => prefix === '' || prefix.startsWith(`${host.proc}/`));
  const mount = hostRoot === undefined ? undefined : findMount(host, hostRoot, path);
  if (mount?.options.includes('noexec'))
    return {
      fault: 'noexec',
      error: `it is not executable: the file system at ${mount.point} is mounted with “noexec”`,
    };
  return undefined;
}

/** Why it did not start, looked for only then. */
function explainFailure(
  host: Host,
  here: string,
  root: string,
  { stopped, code, stderr }: CommandResult,
): Answer | undefined {
  const neverStarted = stopped === 'missing' || stderr.startsWith('nsenter:');
  if (!neverStarted && code !== 126) return undefined;
  const start = attempt(() => host.readStart(here, 4096));
  if (!start) return undefined;
  if (!isElf(start)) {
    const interpreter = /^#!\s*(\S+)/.exec(start.toString('latin1'))?.[1];
    if (interpreter === undefined || attempt(() => host.facts(resolveInRoot(host, root, interpreter))))
      return undefined;
    return { fault: 'no-loader', error: `it is a script for ${interpreter}, which is not on this node` };
  }
  const loader = loaderOf(start);
  if (loader === undefined) return undefined;
  if (attempt(() => host.facts(resolveInRoot(host, root, loader)))) return undefined;
  return { fault: 'no-loader', error: `it needs the loader ${loader}, which is not on this node` };
}

function isElf(start: Buffer): boolean {
  return start.toString('latin1', 0, 4) === '\x7fELF';
}

/** ELF's machine numbers, by Node's names. */
const processors: Record<number, string> = {
  3: 'ia32',
  8: 'mips',
  20: 'ppc',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'x64',
  183: 'arm64',
  243: 'riscv64',
  258: 'loong64',
};

/** Emulators that the kernel starts by itself, as they are usually registered. */
const emulators: Record<string, string> = { arm64: 'aarch64', x64: 'x86_64', ppc64: 'ppc64le', ia32: 'i386' };

/** The same processor, its older brother, or one that the kernel has an emulator for. */
function runsHere(host: Host, processor: string): boolean {
  const [own, older] = [arch(), { x64: 'ia32', arm64: 'arm' }[arch() as string]];
  if (processor === own || processor === older) return true;
  const emulator = `/proc/sys/fs/binfmt_misc/qemu-${emulators[processor] ?? processor}`;
  return attempt(() => host.read(emulator))?.startsWith('enabled') ?? false;
}

function processorOf(start: Buffer): string | undefined {
  if (start.length < 20) return undefined;
  const number = start[5] === 2 ? start.readUInt16BE(18) : start.readUInt16LE(18);
  return processors[number] ?? `machine ${number}`;
}

/** The program header PT_INTERP of a 64-bit little-endian binary: what real nodes have. */
function loaderOf(start: Buffer): string | undefined {
  if (start.length < 64 || start[4] !== 2 || start[5] !== 1) return undefined;
  const [table, size, count] = [Number(start.readBigUInt64LE(32)), start.readUInt16LE(54), start.readUInt16LE(56)];
  for (let i = 0; i < count; i++) {
    const at = table + i * size;
    if (size < 40 || at + size > start.length) return undefined;
    if (start.readUInt32LE(at) !== 3) continue;
    const [offset, length] = [Number(start.readBigUInt64LE(at + 8)), Number(start.readBigUInt64LE(at + 32))];
    return start.toString('latin1', offset, Math.min(offset + length, start.length)).replace(/\0.*$/s, '') || undefined;
  }
  return undefined;
}

function askVersion(host: Host, place: Place, path: string): Promise<CommandResult> {
  return runIn(host, place, undefined, [path], {
    stdin: '{"cniVersion":"1.1.0"}',
    env: {
      CNI_COMMAND: 'VERSION',
      CNI_NETNS: 'dummy',
      CNI_IFNAME: 'dummy',
      CNI_PATH: 'dummy',
      CNI_CONTAINERID: 'dummy',
    },
    timeout: 3_000,
    maxOutput: 64 * 1024,
  });
}

function answered({ stdout }: CommandResult): boolean {
  return stdout.trimStart().startsWith('{');
}

/**
 * What a VERSION reply says.
 * @returns the versions; a plugin from before VERSION existed says so and speaks 0.1.0 only.
 */
export function readVersionReply(result: CommandResult): Answer {
  if (result.stopped === 'timeout') return { error: 'it gave no answer within 3 seconds' };
  if (result.stopped === 'output') return { error: 'it printed more than 64 KB' };
  if (result.stopped === 'denied') return { error: 'it is not executable' };
  if (result.stopped === 'missing') return { error: 'it could not be started: its interpreter or loader is missing' };
  const reply = attempt(
    () => JSON.parse(result.stdout) as { supportedVersions?: unknown; cniVersion?: unknown; msg?: unknown } | null,
  );
  // Who answers and fails all the same has failed, says libcni.
  const hasFailed = Boolean(result.code) || result.stopped !== undefined;
  if (!hasFailed && Array.isArray(reply?.supportedVersions)) {
    const supportedVersions = reply.supportedVersions.filter((version) => typeof version === 'string');
    if (supportedVersions.length > 0) return { supportedVersions };
  }
  if (reply && result.code === 0 && reply.cniVersion === '0.2.0') return { supportedVersions: ['0.1.0', '0.2.0'] };
  const message = typeof reply?.msg === 'string' ? reply.msg : shorten(result.stderr.trim() || result.stdout.trim());
  if (/unknown CNI_COMMAND: VERSION/i.test(message)) return { supportedVersions: ['0.1.0'] };
  return { error: inWords(result, message) };
}

function inWords({ stopped, code, stdout, stderr }: CommandResult, message: string): string {
  if (stopped === 'signal' || code === 137)
    return `it was killed${code === 137 ? ' (exit code 137: often for lack of memory)' : ' by a signal'}${message && `: ${message}`}`;
  const libraries = /error while loading shared libraries: ([^:\s]+)/.exec(stderr)?.[1];
  if (libraries !== undefined) return `the library ${libraries} that it needs is not on this node: ${message}`;
  if (code && /"supportedVersions"/.test(stdout))
    return `it answered VERSION, but ended as if it had failed (exit code ${code}), which counts as no answer`;
  if (stdout.trim() === '' && message !== '')
    return `it printed nothing but this on standard error (exit code ${code ?? '?'}): ${message}`;
  return `its answer to VERSION was not understood: ${message || `exit code ${code ?? '?'}, and nothing printed`}`;
}

/** The first 300 characters, on one line and without what a terminal would act on. */
function shorten(text: string): string {
  return text
    .slice(0, 300)
    .replace(/[\u0000-\u001f\u007f-\u009f\ufffd]+/g, ' ')
    .trim();
}
