/** Our plugin’s program in the binary directory: there before a configuration names it, gone after the last pod needs it. */
import { dirname, join } from 'node:path';
import { attempt, errorCode } from '../failure.ts';
import type { Journal, JournalProgram } from './journal.ts';
import { Refused, type StatePlaces } from './node-paths.ts';
import { putFile, removeFile } from './put-file.ts';
import { hashAt, hashOf, probeOurs, readProgram, readSource, type World } from './survey.ts';

/** What placing would have to remember; undefined when the same program is there and not by us. */
export function planProgram(
  world: World,
  type: string,
  source: string | undefined,
  before: Journal | undefined,
): JournalProgram | undefined {
  const { disk } = world;
  const path = join(world.paths.binDir, type);
  const known = before?.program?.path === path ? before.program : undefined;
  if (source === undefined) return known;
  const hash = hashOf(readSource(world, source));
  const there = hashAt(disk, path);
  if (known && (isOurs(known, there) || there === known.replaced?.hash)) {
    const earlier = there !== undefined && there !== hash && isOurs(known, there) ? there : undefined;
    return { path, hash, replaced: known.replaced, ...(earlier !== undefined && { earlier }) };
  }
  if (there === hash) return undefined;
  const look = disk.lookBehind(path);
  if (look && look.kind !== 'file')
    throw new Refused('EEXIST', `${path} is no file: our plugin cannot be placed there.`);
  const replaced = look && there !== undefined ? { mode: look.mode, uid: look.uid, gid: look.gid, hash: there } : null;
  return { path, hash, replaced };
}

function isOurs({ hash, earlier }: JournalProgram, there: string | undefined): boolean {
  return there !== undefined && (there === hash || there === earlier);
}

/** Keeps the bytes of what is replaced; before the journal speaks of them. */
export function saveReplaced({ disk }: World, places: StatePlaces, { path, replaced }: JournalProgram): void {
  if (!replaced || hashAt(disk, path) !== replaced.hash || hashAt(disk, places.savedProgram) === replaced.hash) return;
  const { mode, uid, gid } = { mode: 0o600, uid: process.getuid!(), gid: process.getgid!() };
  putFile(disk, places, places.savedProgram, readProgram(disk, path), { mode, uid, gid });
}

/** Puts the program in place and asks it there. @throws {Refused} when it does not speak the version. */
export async function placeProgram(
  world: World,
  places: StatePlaces,
  type: string,
  source: string | undefined,
  program: JournalProgram | undefined,
  cniVersion: string,
): Promise<void> {
  const { disk } = world;
  if (source !== undefined && program && hashAt(disk, program.path) !== program.hash) {
    const owner = { mode: 0o755, uid: process.getuid!(), gid: process.getgid!() };
    putFile(disk, places, program.path, readSource(world, source), owner);
  }
  const answer = await probeOurs(world, type);
  if (answer.supportedVersions?.includes(cniVersion)) return;
  throw new Refused(
    'ML2003',
    `“${type}”, placed in ${world.paths.binDir}, does not answer there that it speaks CNI ${cniVersion}: ${answer.error ?? answer.supportedVersions?.join(', ') ?? '?'}. Is the directory mounted “noexec”, or the program made for another processor?`,
  );
}

/** Our earlier program, to be put back when replacing it comes to nothing. */
export function keepEarlier({ disk }: World, places: StatePlaces, program: JournalProgram | undefined): () => void {
  if (program?.earlier === undefined) return () => undefined;
  const { path, hash } = program;
  const [bytes, owner] = [readProgram(disk, path), disk.lookBehind(path)!];
  return () => {
    if (hashAt(disk, path) === hash) putFile(disk, places, path, bytes, owner);
  };
}

/** Takes our program away. @returns whether it had to stay. */
export function withdrawProgram(
  world: World,
  places: StatePlaces,
  type: string,
  program: JournalProgram | undefined,
): boolean {
  const { disk } = world;
  // Somebody put another one in its place since: that is theirs.
  if (!program || !isOurs(program, hashAt(disk, program.path))) return false;
  if (isNeeded(world, type)) return true;
  const { path, replaced } = program;
  if (replaced && hashAt(disk, places.savedProgram) === replaced.hash)
    putFile(disk, places, path, readProgram(disk, places.savedProgram), replaced);
  else if (!replaced) removeFile(disk, path);
  disk.syncDirectory(dirname(path));
  return false;
}

/** Some runtimes disconnect a pod with the chain that connected it: libcni keeps that chain, base64, per pod. */
export function isNeeded({ disk, paths: { resultsDir } }: World, type: string): boolean {
  const named = new RegExp(`(^|[^\\w.-])${type.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}($|[^\\w.-])`);
  try {
    return disk.list(resultsDir).some((name) => {
      const text = attempt(() => disk.read(join(resultsDir, name), 16 * 1024 * 1024).toString('utf8'));
      if (text === undefined) return false;
      const config = attempt(() => (JSON.parse(text) as { config?: unknown }).config);
      const chain = typeof config === 'string' ? Buffer.from(config, 'base64').toString('utf8') : '';
      return named.test(text) || named.test(chain);
    });
  } catch (error) {
    return errorCode(error) !== 'ENOENT';
  }
}
