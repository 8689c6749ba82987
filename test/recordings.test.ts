/** Record Cluster and replay, over real HTTP: what a person sees is the same before and after, anonymised up to the names. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readRecordedFile } from '../extension/demo/read-recorded-file.ts';
import type { Recording } from '../extension/demo/recording.ts';
import { anonymize } from '../extension/record/anonymize.ts';
import { isKeptAtom } from '../extension/record/kept-words.ts';
import { collectRecording } from '../extension/record/collect-recording.ts';
import { printRecordingFile, type RecordingFile } from '../extension/record/recording-file.ts';
import {
  deployHelper,
  printFindings,
  printTrees,
  printVerdicts,
  readState,
  serve,
  type OpenCluster,
} from './recordings.fixture.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function open(recording: Recording): Promise<OpenCluster> {
  const { server, cluster } = await serve(recording);
  cleanUps.push(
    () => server.close(),
    () => cluster.dispose(),
  );
  return cluster;
}

async function record(cluster: OpenCluster, namespace?: string): Promise<RecordingFile> {
  const { recording } = await collectRecording(cluster, {
    signal: new AbortController().signal,
    writtenBy: 'meshloom 0.0.0',
    now: new Date('2026-01-02T03:04:05Z'),
    ...(namespace !== undefined && { namespace }),
  });
  return recording;
}

async function throughDisk(recording: RecordingFile, name = 'cluster.json.gz'): Promise<Recording> {
  const directory = await mkdtemp(join(tmpdir(), 'meshloom-recorded-'));
  cleanUps.push(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, name);
  await writeFile(file, await printRecordingFile(recording, name));
  const read = await readRecordedFile(file);
  expect(read.recording.problems).toEqual([]);
  return read.recording;
}

/** Rules without their counters. */
const rulesOf = ({ pods }: RecordingFile) =>
  pods.map(({ namespace, name, result }) => [
    `${namespace}/${name}`,
    result.readings.map(({ text }) => text.replace(/\[\d+:\d+\]/g, '')),
  ]);
const identity = ({ apiVersion, kind, metadata }: Record<string, unknown>) => {
  const { namespace = '', name } = metadata as { namespace?: string; name: string };
  return `${String(apiVersion)} ${String(kind)} ${namespace}/${name}`;
};

describe.each(['before-cni', 'with-cni', 'broken'])('a recording of %s', (state) => {
  it('replays to the same trees, resources and rules', async () => {
    const cluster = await open(await readState(state));
    await deployHelper(cluster);
    const first = await record(cluster);
    const trees = await printTrees(cluster);
    expect(first.notes).toEqual([]);
    expect(first.pods.length).toBeGreaterThan(5);
    const again = await open(await throughDisk(first));
    expect(await printTrees(again)).toEqual(trees);
    const second = await record(again);
    expect(rulesOf(second)).toEqual(rulesOf(first));
    expect(second.resources.map(identity).sort()).toEqual(first.resources.map(identity).sort());
    expect(second.kinds.toSorted((a, b) => (a.kind < b.kind ? -1 : 1))).toEqual(
      first.kinds.toSorted((a, b) => (a.kind < b.kind ? -1 : 1)),
    );
  });

  it('keeps its verdicts, findings and trees when it is anonymised, and no name', async () => {
    const cluster = await open(await readState(state));
    await deployHelper(cluster);
    const first = await record(cluster);
    const { recording, renamed, addresses } = anonymize(first);
    const rename = renamerOf(renamed, addresses);
    // Both sides: words of ours that are somebody's name are renamed in both.
    const lines = (texts: string[]) => texts.map(rename).sort();
    expect(lines(printVerdicts(recording.resources))).toEqual(lines(printVerdicts(first.resources)));
    expect(lines(printFindings(recording.resources))).toEqual(lines(printFindings(first.resources)));
    const trees = await printTrees(cluster);
    const replayed = await open(await throughDisk(recording));
    expect(lines(await printTrees(replayed))).toEqual(lines(trees));
    expect(leftNames(first, JSON.stringify(recording))).toEqual([]);
  });
});

/** Applies the renaming to a line that a person reads. */
function renamerOf(renamed: ReadonlyMap<string, string>, addresses: ReadonlyMap<string, string>) {
  const names = new Map([...renamed, ...addresses]);
  const all = [...names.keys()].sort((a, b) => b.length - a.length).map((name) => name.replace(/[.]/g, '\\.'));
  const pattern = new RegExp(`(?<![A-Za-z0-9])(?:${all.join('|')})(?![A-Za-z0-9])`, 'g');
  return (line: string) => line.replace(pattern, (name) => names.get(name) ?? name);
}

/** Names of objects and addresses of the original that stand in the text, but for those that are kept. */
function leftNames({ resources, nodes }: RecordingFile, text: string): string[] {
  const names = new Set<string>(nodes.map(({ node }) => node));
  for (const { kind, metadata, status } of resources) {
    if (kind === 'CustomResourceDefinition') continue;
    const { name, namespace } = metadata as { name: string; namespace?: string };
    names.add(name).add(namespace ?? name);
    for (const { ip } of (status as { podIPs?: { ip: string }[] } | undefined)?.podIPs ?? []) names.add(ip);
  }
  const isKept = (name: string) =>
    !/\.\d+\./.test(name) &&
    name.split(/[.-]/).every((atom) => isKeptAtom(atom) || /^[a-z0-9]{5,10}$|^[0-9a-f]{12,}$/.test(atom));
  return [...names].filter((name) => !isKept(name) && new RegExp(`(?<![\\w.-])${name}(?![\\w-]|\\.\\d)`).test(text));
}
