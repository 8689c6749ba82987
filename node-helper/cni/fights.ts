/**
 * Other programs that write the same files: each installation that finds somebody else’s text in place of ours counts it in
 * the journal, and a fight that has no end is given up, with the file and its owner named.
 */
import { join } from 'node:path';
import type { CniDirectoryEntry, PlanProblem } from '../../mesh/cni/cni-plan.ts';
import { loadable } from '../../mesh/cni/cni-plan.ts';
import { isOurText } from '../../mesh/cni/plan-installation.ts';
import { attempt } from '../failure.ts';
import { type Journal, type JournalFight, touchedBy } from './journal.ts';
import { readEntries, type World } from './survey.ts';

/** So many in so many minutes: no person installs like that. */
const mostFights = 10;
const fightMinutes = 10;

/** The fights that count, with those that are found now. */
export function fightsAfter(world: World, before: Journal | undefined): JournalFight[] {
  const recent = recentFights(before, world);
  if (before?.phase !== 'installed') return recent;
  const entries = readEntries(world);
  const found = touchedBy(before).filter((file) => {
    const there = entries.find(({ name }) => name === file.name);
    return there ? !isOurText(file, there.content) : file.wrote !== null;
  });
  return [
    ...recent,
    ...found.map(({ name }) => {
      const owner = ownerOf(world, name);
      return { at: now(world), name, ...(owner !== undefined && { owner }) };
    }),
  ];
}

/** @returns the refusal to go on, when it has gone on for too long. */
export function endlessFight(journal: Journal | undefined, world: World): PlanProblem[] {
  const fights = recentFights(journal, world);
  const last = fights.at(-1);
  if (fights.length < mostFights || !last) return [];
  const who = last.owner === undefined ? 'removes' : `(its file belongs to ${last.owner}) writes over`;
  const message = `Another program ${who} ${join(world.paths.confDir, last.name)} each time that ours was put in: ${fights.length} times in ${fightMinutes} minutes. Nothing was changed. Find it (the DaemonSets that mount the directory; with Cilium set “cni.exclusive: false”), then install again in ${fightMinutes} minutes, or uninstall first.`;
  return [{ severity: 'error', code: 'fight', message }];
}

/** The refusal when the directory never held still long enough. */
export function keepsChanging(world: World, changed: ReadonlySet<string>): PlanProblem {
  const names = [...changed].map((name) => {
    const owner = ownerOf(world, name);
    return owner === undefined ? name : `${name}, owner ${owner}`;
  });
  const what = names.length > 0 ? ` (${names.join('; ')})` : '';
  const message = `Another program keeps changing ${world.paths.confDir}${what}: nothing was changed. Stop it, then run again.`;
  return { severity: 'error', code: 'changed', message };
}

/** Names whose content is another in one of two readings. */
export function differing(a: readonly CniDirectoryEntry[], b: readonly CniDirectoryEntry[]): string[] {
  const textIn = (entries: readonly CniDirectoryEntry[], wanted: string) =>
    entries.find(({ name }) => name === wanted)?.content;
  const names = new Set([...loadable(a), ...loadable(b)].map(({ name }) => name));
  return [...names].filter((name) => textIn(a, name) !== textIn(b, name));
}

function recentFights(journal: Journal | undefined, world: World): JournalFight[] {
  const since = Date.parse(now(world)) - fightMinutes * 60_000;
  return (journal?.fights ?? []).filter(({ at }) => Date.parse(at) > since);
}

function ownerOf({ disk, paths: { confDir } }: World, name: string): string | undefined {
  const look = attempt(() => disk.look(join(confDir, name)));
  return look && `${look.uid}:${look.gid}`;
}

function now({ clock }: World): string {
  return clock?.() ?? new Date().toISOString();
}
