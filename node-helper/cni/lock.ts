/**
 * One installer at a time. Each puts up a file that names its process, then looks whether another one is up: of two that come
 * at once, at least the second sees the first. The files of processes that are gone do not count, so a killed installer
 * locks nobody out, and no name is used twice, so nobody can take a live one’s away by mistake.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Disk } from '../host-disk.ts';
import { attempt } from '../failure.ts';
import { Refused, type StatePlaces } from './node-paths.ts';

const patience = 15_000;

/** @returns what gives the lock back. @throws {Refused} when others hold it for too long. */
export async function takeLock(disk: Disk, places: StatePlaces): Promise<() => void> {
  const own = `lock-${process.pid}-${startOf(process.pid) ?? '0'}-${bootId()}`;
  const path = `${places.directory}/${own}`;
  const until = performance.now() + patience;
  for (;;) {
    places.make(disk);
    if (!disk.look(path)) disk.close(disk.create(path));
    const others = livingOthers(disk, places, own);
    if (others.length === 0) return () => attempt(() => disk.unlink(path));
    // Of those who wait, the first by name stays up; the rest step back, or they would wait for each other.
    if (others.some((other) => other < own)) disk.unlink(path);
    if (performance.now() > until) {
      attempt(() => disk.unlink(path));
      throw new Refused(
        'busy',
        `Another Meshloom installer (process ${others[0]!.split('-')[1]}) is at work on this directory. Run again when it has ended.`,
      );
    }
    await wait(20 + (process.pid % 17));
  }
}

/** Whether somebody may be at work here: what is read meanwhile may be half of it. */
export function isLocked(disk: Disk, { directory }: StatePlaces): boolean {
  return (attempt(() => disk.list(directory)) ?? []).some((name) => name.startsWith('lock-'));
}

function livingOthers(disk: Disk, { directory }: StatePlaces, own: string): string[] {
  return disk
    .list(directory)
    .filter((name) => name.startsWith('lock-') && name !== own)
    .filter((name) => {
      const [, pid, start, ...boot] = name.split('-');
      const lives = boot.join('-') === bootId() && startOf(Number(pid)) === start;
      if (!lives) attempt(() => disk.unlink(`${directory}/${name}`));
      return lives;
    });
}

/** When a process began, in ticks since the machine did: tells it from a later one with the same number. */
function startOf(pid: number): string | undefined {
  return attempt(
    () =>
      readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ')[19],
  );
}

function bootId(): string {
  return attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()) ?? 'unknown';
}
