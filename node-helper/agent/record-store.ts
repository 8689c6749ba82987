/**
 * What happened to each sandbox, in memory and on disk: a file per container id, written aside and renamed. They lie under
 * /run: a reboot takes them away together with the sandboxes that they tell of.
 */
import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PodOutcome, PodRecord } from '../../contract/cni-plugin.ts';
import { attempt, errorCode } from '../failure.ts';
import type { Host } from '../host.ts';
import type { PodRecords } from '../plugin/types.ts';

/** As the specification of CNI has it; it is a file's name here. */
export function isContainerId(text: string): boolean {
  return /^[a-zA-Z0-9][\w.-]{0,199}$/.test(text);
}

/** Far more sandboxes than any node has; the oldest are forgotten. */
const mostRecords = 2_000;
const longestRecord = 64 * 1024;
const mostProblems = 20;
const ending = '.json';

/** @param log one line for what the disk refuses; the agent does its work without it. */
export function recordStore(host: Host, directory: string, log: (line: string) => void): PodRecords {
  const records = new Map<string, PodRecord>();
  let refused = '';
  const write = (work: () => void) => {
    try {
      work();
      refused = '';
    } catch (error) {
      // A full disk is full for every pod: it is said once.
      if (refused !== errorCode(error)) log(`${directory}: ${(error as Error).message}`);
      refused = errorCode(error);
    }
  };
  const fileOf = (id: string) => join(directory, id + ending);
  const forget = (id: string) => {
    records.delete(id);
    attempt(() => unlinkSync(fileOf(id)));
  };
  for (const record of readRecords(host, directory)) records.set(record.containerId, record);

  return {
    put(record) {
      if (!isContainerId(record.containerId)) return;
      const kept = { ...record, problems: record.problems.slice(0, mostProblems) };
      // To the end: the oldest stand first.
      records.delete(kept.containerId);
      records.set(kept.containerId, kept);
      write(() => writeWhole(directory, fileOf(kept.containerId), `${JSON.stringify(kept)}\n`));
      for (const id of records.keys()) {
        if (records.size <= mostRecords) break;
        forget(id);
      }
    },
    get: (containerId) => records.get(containerId),
    drop: (containerId) => {
      if (isContainerId(containerId)) forget(containerId);
    },
    list: () => [...records.values()],
  };
}

/** The records that lie there, oldest first. What is no record is passed over. */
export function readRecords(host: Host, directory: string): PodRecord[] {
  return (attempt(() => host.list(directory)) ?? [])
    .filter((name) => name.endsWith(ending) && isContainerId(name.slice(0, -ending.length)))
    .slice(0, mostRecords)
    .flatMap((name) => {
      const text = attempt(() => host.read(join(directory, name), longestRecord));
      const record = text === undefined ? undefined : parseRecord(text);
      return record?.containerId === name.slice(0, -ending.length) ? [record] : [];
    })
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

const outcomes: readonly PodOutcome[] = ['programmed', 'declined', 'missed', 'repaired', 'deleted'];

/** @returns undefined for what is no record of ours. */
export function parseRecord(text: string): PodRecord | undefined {
  const value = attempt(() => JSON.parse(text) as Record<string, unknown> | null);
  if (typeof value !== 'object' || value === null) return undefined;
  const { containerId, namespace, name, uid, outcome, steps, problems, at } = value;
  const isWhole =
    [containerId, namespace, name, uid, at].every((field) => typeof field === 'string') &&
    outcomes.some((known) => known === outcome) &&
    Array.isArray(steps) &&
    Array.isArray(problems);
  return isWhole ? (value as unknown as PodRecord) : undefined;
}

/** Written aside and renamed: a reader finds the old file or the new one. */
export function writeWhole(directory: string, path: string, text: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const aside = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(aside, text, { mode: 0o600 });
    chmodSync(aside, 0o600);
    renameSync(aside, path);
  } catch (error) {
    attempt(() => unlinkSync(aside));
    throw error;
  }
}

/** What a killed agent, or a killed launcher, left half done. @param age milliseconds that it must have. */
export function removeHalfWritten(directory: string, age = 0): void {
  for (const name of attempt(() => readdirSync(directory)) ?? []) {
    if (!name.endsWith('.tmp') && !name.startsWith('.')) continue;
    const path = join(directory, name);
    attempt(() => {
      const stats = lstatSync(path);
      if (stats.isFile() && Date.now() - stats.mtimeMs >= age) unlinkSync(path);
    });
  }
}
