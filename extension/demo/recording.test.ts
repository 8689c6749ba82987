import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readRecording, RecordingError } from './recording.ts';
import { recordingsDir } from './testing.ts';

describe('the recordings that come with Meshloom', () => {
  it.each([
    ['before-cni', 15, 8, undefined],
    ['with-cni', 18, 9, undefined],
    ['broken', 19, 9, expect.stringContaining('incompatible CNI versions')],
  ])('%s is whole', async (state, pods, withRules, podNetworkError) => {
    const recording = await readRecording(join(recordingsDir, state));
    expect(recording.problems).toEqual([]);
    expect(recording.objects.filter(({ kind }) => kind === 'Pod')).toHaveLength(pods);
    expect(recording.rules.size).toBe(withRules);
    expect(recording.node).toMatchObject({ name: 'n1', confDir: '/etc/cni/net.d', binDirs: ['/opt/cni/bin'] });
    expect(recording.node.podNetworkError).toEqual(podNetworkError);
    expect(recording.node.files).toHaveLength(1);
  });

  it.each(['before-cni', 'with-cni', 'broken'])('every rules file of %s belongs to a pod that runs', async (state) => {
    const { objects, rules } = await readRecording(join(recordingsDir, state));
    const pods = objects
      .filter(({ kind }) => kind === 'Pod')
      .map(({ metadata }) => `${metadata.namespace}_${metadata.name}`);
    expect(pods).toEqual(expect.arrayContaining([...rules.keys()]));
    expect([...rules.values()].every(({ v4, v6 }) => v4?.includes('ISTIO') && v6 !== undefined)).toBe(true);
  });
});

describe('a damaged recording', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'meshloom-recording-'));
    await cp(join(recordingsDir, 'with-cni'), directory, { recursive: true });
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function cutOff(file: string, bytes: number): Promise<void> {
    const whole = await readFile(join(directory, file));
    await writeFile(join(directory, file), whole.subarray(0, whole.length - bytes));
  }

  it.each([
    ['cut off', (file: string) => cutOff(file, 1000)],
    ['missing', (file: string) => rm(join(directory, file))],
    ['empty', (file: string) => writeFile(join(directory, file), '')],
    ['binary', (file: string) => writeFile(join(directory, file), Buffer.from([0, 255, 254, 1]))],
    ['of another shape', (file: string) => writeFile(join(directory, file), '{"kind":"Pod"}')],
  ])('cannot be replayed when resources.json is %s, and says which file that is', async (_how, damage) => {
    await damage('resources.json');
    const error = await readRecording(directory).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RecordingError);
    expect(error).toMatchObject({ file: join(directory, 'resources.json') });
    expect((error as Error).message).toContain(join(directory, 'resources.json'));
  });

  it('of a newer format is refused', async () => {
    await writeFile(join(directory, 'node.json'), '{"format": 2}');
    await expect(readRecording(directory)).rejects.toThrow(/format 2, this extension reads 1 .*node\.json/);
  });

  it('keeps its resources and rules when node.json is cut off', async () => {
    await cutOff('node.json', 20);
    const { objects, rules, node, problems } = await readRecording(directory);
    expect([objects.length > 100, rules.size]).toEqual([true, 9]);
    expect(node).toMatchObject({ confDir: '/etc/cni/net.d', plugins: [], iptables: [] });
    expect(problems).toEqual([expect.stringContaining('node.json')]);
    expect(node.notes).toEqual(problems);
  });

  it('keeps the other rules when one file is cut off, and what that file still holds', async () => {
    await cutOff('rules/shop_dns-5f566c5fb6-42wwk.v4.save', 10);
    const { rules, problems } = await readRecording(directory);
    const cut = rules.get('shop_dns-5f566c5fb6-42wwk');
    expect(cut?.v4).toContain('ISTIO_OUTPUT');
    expect(cut?.notes).toEqual([expect.stringContaining('shop_dns-5f566c5fb6-42wwk.v4.save does not end with COMMIT')]);
    expect(problems).toEqual(cut?.notes);
    expect(rules.get('plain_optin-5bc6bf76c7-t5hgx')?.notes).toEqual([]);
  });

  it('keeps the rest when rules or CNI configuration are missing', async () => {
    await rm(join(directory, 'rules'), { recursive: true });
    await rm(join(directory, 'net.d'), { recursive: true });
    const { rules, node, problems } = await readRecording(directory);
    expect([rules.size, node.files]).toEqual([0, []]);
    expect(problems.sort()).toEqual([expect.stringContaining('net.d'), expect.stringContaining('rules')]);
  });

  it('leaves out items that are no objects, by their place in the list', async () => {
    await writeFile(
      join(directory, 'resources.json'),
      '{"items":[null,{"kind":"Pod"},{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}]}',
    );
    const { objects, problems } = await readRecording(directory);
    expect(objects).toHaveLength(1);
    expect(problems).toEqual([expect.stringContaining('item 0'), expect.stringContaining('item 1')]);
  });
});
