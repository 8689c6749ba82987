import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toRecording } from '../demo/read-recorded-file.ts';
import { startApiServer } from '../demo/api-server.ts';
import { parseRecordingFile, printRecordingFile, readRecordingFile, recordingLimits } from './recording-file.ts';
import type { RecordingFile } from './recording-file.ts';

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'meshloom-file-'))));
afterEach(() => rm(directory, { recursive: true, force: true }));

const whole = {
  type: 'meshloom-recording',
  formatVersion: 2,
  resources: [],
  nodes: [],
  pods: [],
  cluster: { name: 'c' },
};
const parse = (value: unknown) =>
  parseRecordingFile('x.json', Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));

describe('a file that is no recording', () => {
  it.each([
    ['empty', '', /not JSON/],
    ['another program’s', '<html>', /not JSON/],
    ['cut off', '{"type":"meshloom-recording","formatVersion":2,"resources":[', /damaged or cut off/],
    ['a list of kubectl', { apiVersion: 'v1', kind: 'List', items: [] }, /no recording of Meshloom/],
    ['newer', { ...whole, formatVersion: 3 }, /format 3, this extension reads 2 .*Update/],
    ['of no format', { ...whole, formatVersion: 'two' }, /damaged/],
    ['without resources', { ...whole, resources: {} }, /damaged: its “resources”/],
    [
      'with more than can be meant',
      { ...whole, nodes: Array.from({ length: recordingLimits.nodes + 1 }, () => 0) },
      /holds 10001 nodes/,
    ],
    [
      'nested without end',
      `{"type":"meshloom-recording","formatVersion":2,"resources":[${'['.repeat(5000)}${']'.repeat(5000)}]}`,
      /damaged/,
    ],
  ])('is refused, with the reason: %s', async (_what, value, reason) => {
    await expect(parse(value)).rejects.toThrow(reason);
  });

  it('is refused when it is missing, a directory, too big, or would be when unpacked', async () => {
    const file = join(directory, 'a.json');
    await expect(readRecordingFile(file)).rejects.toThrow(/ENOENT/);
    await expect(readRecordingFile(directory)).rejects.toThrow(/EISDIR/);
    await writeFile(file, '');
    await truncate(file, recordingLimits.fileBytes + 1);
    await expect(readRecordingFile(file)).rejects.toThrow(/has 65 MB; recordings of more than 64 MB/);
    const bomb = gzipSync(Buffer.alloc(recordingLimits.textBytes + 1024));
    await expect(parseRecordingFile('b.json.gz', bomb)).rejects.toThrow(/unpacks to more than/);
    await expect(parseRecordingFile('b.json.gz', bomb.subarray(0, 1000))).rejects.toThrow(/damaged or cut off/);
  });
});

describe('a recording with strange things in it', () => {
  const strange = {
    ...whole,
    resources: [
      null,
      'x',
      { kind: 'Pod' },
      { apiVersion: '../v1', kind: 'Pod', metadata: { name: 'a' } },
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: '../../etc/passwd' } },
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'b/c' } },
      JSON.parse(
        '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"good","namespace":"shop","__proto__":{"polluted":1}},"__proto__":{"polluted":1}}',
      ) as unknown,
    ],
    nodes: [{ node: 1 }, { node: 'n1', cni: { files: [1, { name: 'a' }], plugins: [null] }, hello: 'x', agent: {} }],
    pods: [{ namespace: 'shop', name: 'good', uid: 'u', result: { readings: [{ family: '5' }, 3] } }, {}],
  };

  it('shows the rest and names what is left out', async () => {
    const { recording, problems } = await parse(strange);
    expect(recording.resources.map(({ metadata }) => (metadata as { name: string }).name)).toEqual(['good']);
    expect(problems).toHaveLength(8);
    expect(recording.nodes).toMatchObject([{ node: 'n1', cni: { files: [{ name: 'a' }], plugins: [] }, notes: [] }]);
    expect(recording.pods[0]!.result).toMatchObject({ readings: [], notes: [], listening: [] });
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('can be served', async () => {
    const { recording } = await parse(strange);
    const server = await startApiServer({ recording: toRecording(recording) });
    const answer = await fetch(`${server.url}/api/v1/namespaces/shop/pods/good`, {
      headers: { authorization: `Bearer ${server.token}` },
    });
    expect(answer.status).toBe(200);
    await server.close();
  });
});

describe('a recording that is printed', () => {
  const recording = {
    ...whole,
    recordedAt: '2026-01-01T00:00:00Z',
    notes: ['two\nlines', '"quoted"'],
    scope: {},
    missing: undefined,
    resources: [{ kind: 'Pod', metadata: { name: 'a\nb', labels: {} }, list: [1, [], {}] }, { kind: 'Node' }],
  } as unknown as RecordingFile;

  it('has the bytes that it has when it is printed in one go, though it is printed in pieces', async () => {
    const text = Buffer.from(await printRecordingFile(recording, 'x.json')).toString('utf8');
    expect(text).toBe(`${JSON.stringify(recording, undefined, 1)}\n`);
    const packed = gunzipSync(await printRecordingFile(recording, 'x.json.gz')).toString('utf8');
    expect(packed).toBe(`${JSON.stringify(recording)}\n`);
  });
});
