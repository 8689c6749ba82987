import { describe, expect, it } from 'vitest';
import type { PodRecord } from '../../contract/cni-plugin.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import { Failure } from '../failure.ts';
import { fakeHost } from '../fake-host.ts';
import type { FoundNetns } from '../find-pod.ts';
import { decidePod } from '../plugin/program-pod.ts';
import { ApiFailure } from './api-server.ts';
import type { MissedNote } from './missed-notes.ts';
import { repairer, type RepairWorld, type RulesFound } from './repair-missed.ts';
import { slimPod } from './slim-pod.ts';
import { meshPod } from './test-api-server.ts';

interface Options {
  pods?: Pod[];
  notes?: MissedNote[];
  records?: PodRecord[];
  found?: RulesFound;
  netns?: () => FoundNetns;
  program?: () => PodRecord['outcome'];
  onMiss?: 'repair' | 'delete';
  refuse?: number;
  connected?: boolean;
}

function world({
  pods = [],
  notes = [],
  records = [],
  found = 'none',
  onMiss = 'repair',
  connected = true,
  ...options
}: Options) {
  const [deleted, programmed, log]: string[][] = [[], [], []];
  const kept = new Map(records.map((record) => [record.containerId, record]));
  const left = [...notes];
  const netns = {
    name: 'net:[5]',
    file: { fd: 9, inode: 5, close: () => undefined },
    path: '',
    pid: 0,
    podPids: [],
    hostProcesses: [],
    notes: [],
  };
  const settings = { excludeNamespaces: ['kube-system'], onMiss, backend: 'auto' as const };
  let clock = 0;
  const host = { ...fakeHost({ files: { '/proc/x': '' } }), now: () => clock };
  const repair: RepairWorld = {
    host,
    settings,
    pods: {
      state: () => ({ connected }),
      list: () => pods,
      find: ({ name }) => {
        const pod = pods.find(({ metadata }) => metadata?.name === name);
        return Promise.resolve(pod && { pod });
      },
      delete: ({ name }) => {
        if (options.refuse) return Promise.reject(new ApiFailure('no', options.refuse));
        deleted!.push(name);
        return Promise.resolve();
      },
      close: () => undefined,
    },
    records: {
      put: (record) => kept.set(record.containerId, record),
      get: (id) => kept.get(id),
      drop: (id) => kept.delete(id),
      list: () => [...kept.values()],
    },
    notes: {
      list: () => left,
      remove: (id) =>
        left.splice(
          left.findIndex(({ containerId }) => containerId === id),
          1,
        ),
    },
    rules: {
      decide: (known) => decidePod(known, settings),
      look: () => Promise.resolve(found),
      program: ({ pod }) => {
        programmed!.push(pod.metadata?.name ?? '');
        const outcome = options.program?.() ?? 'programmed';
        return Promise.resolve({ outcome, steps: [], problems: outcome === 'missed' ? ['the disk is full'] : [] });
      },
    },
    remembered: () => undefined,
    findNetns: options.netns ?? (() => netns),
    time: () => 'now',
    log: (line) => log!.push(line),
  };
  const run = repairer(repair);
  const later = (ms: number) => {
    clock += ms;
    return run.run();
  };
  return { run: () => run.run(), later, deleted: deleted!, programmed: programmed!, log: log!, kept, left };
}

const pod = (name: string, more: Parameters<typeof meshPod>[2] = {}) =>
  slimPod(meshPod(name, `u-${name}`, { status: { phase: 'Running', podIP: '10.0.0.1' }, ...more }))!;
const note = (name: string): MissedNote => ({
  containerId: `c-${name}`,
  ids: { namespace: 'shop', name, uid: `u-${name}` },
  netns: '',
});
const record = (name: string, more: Partial<PodRecord>): PodRecord => ({
  ...{
    containerId: `c-${name}`,
    namespace: 'shop',
    name,
    uid: `u-${name}`,
    outcome: 'missed',
    steps: [],
    problems: [],
    at: '',
  },
  ...more,
});

describe('pods that were missed', () => {
  it('get their rules; their note goes and their record tells it', async () => {
    const here = world({ pods: [pod('a')], notes: [note('a')] });
    await here.run();
    expect(here.programmed).toEqual(['a']);
    expect(here.left).toEqual([]);
    expect(here.kept.get('c-a')).toMatchObject({ outcome: 'repaired', knownFrom: 'api' });
    await here.later(1e6);
    expect(here.programmed).toEqual(['a']);
  });

  it.each(['same', 'other'] as const)('are left alone when the rules that are there are %s', async (found) => {
    const here = world({ pods: [pod('a')], notes: [note('a')], found });
    await here.run();
    expect(here.programmed).toEqual([]);
    expect(here.kept.get('c-a')?.outcome).toBe('programmed');
    expect(here.kept.get('c-a')?.problems).toHaveLength(found === 'same' ? 0 : 1);
  });

  it('are tried again, ever more seldom, and the reason is said once', async () => {
    let works = false;
    const here = world({ pods: [pod('a')], notes: [note('a')], program: () => (works ? 'programmed' : 'missed') });
    for (let at = 0; at < 50; at++) await here.later(100);
    expect(here.programmed.length).toBeGreaterThan(1);
    expect(here.programmed.length).toBeLessThan(6);
    expect(here.log).toEqual(['could not look after shop/a: the disk is full']);
    expect(here.kept.get('c-a')).toMatchObject({ outcome: 'missed', problems: ['the disk is full'] });
    works = true;
    await here.later(60_000);
    expect(here.kept.get('c-a')?.outcome).toBe('repaired');
  });

  it('that need no rules are said to be declined, with the reason', async () => {
    const plain = pod('a', { metadata: { name: 'a', namespace: 'kube-system', uid: 'u-a' } });
    const here = world({ pods: [plain], notes: [note('a')] });
    await here.run();
    expect(here.kept.get('c-a')).toMatchObject({ outcome: 'declined' });
    expect(here.kept.get('c-a')?.steps).not.toEqual([]);
  });

  it('with an annotation that nobody understands are not tried for ever', async () => {
    const annotations = { 'sidecar.istio.io/status': '{}', 'traffic.sidecar.istio.io/excludeInboundPorts': 'many' };
    const here = world({
      pods: [pod('a', { metadata: { name: 'a', namespace: 'shop', uid: 'u-a', annotations } })],
      notes: [note('a')],
      onMiss: 'delete',
    });
    await here.run();
    await here.later(1e6);
    expect(here.kept.get('c-a')).toMatchObject({ outcome: 'missed' });
    expect([here.log.length, here.deleted, here.programmed]).toEqual([1, [], []]);
  });

  it('of which only the annotations were known are looked at again when the API server is back', async () => {
    const records = [record('a', { outcome: 'programmed', knownFrom: 'annotations', problems: ['guessed'] })];
    const away = world({ pods: [], records, connected: false });
    await away.run();
    expect(away.kept.get('c-a')?.problems).toEqual(['guessed']);
    const back = world({ pods: [pod('a')], records, found: 'same' });
    await back.run();
    expect(back.kept.get('c-a')).toMatchObject({ outcome: 'programmed', knownFrom: 'api', problems: [] });
    const wrong = world({ pods: [pod('a')], records, found: 'other', onMiss: 'delete' });
    await wrong.run();
    expect(wrong.kept.get('c-a')).toMatchObject({ outcome: 'repaired', knownFrom: 'api' });
    expect(wrong.deleted).toEqual([]);
  });

  it('in a sandbox of its own kernel, or gone, are forgotten', async () => {
    const sandboxed = world({
      pods: [pod('a')],
      notes: [note('a')],
      netns: () => {
        throw new Failure('sandboxed', 'gVisor');
      },
    });
    await sandboxed.run();
    expect(sandboxed.left).toEqual([]);
    const gone = world({ notes: [note('b')] });
    await gone.run();
    expect([gone.left, [...gone.kept]]).toEqual([[], []]);
  });
});

describe('pods that nobody noted', () => {
  it.each([
    ['has its rules', {}, 'same'],
    ['has somebody else’s', {}, 'other'],
    ['has no address yet', { status: { phase: 'Pending' } }, 'none'],
    ['has ended', { status: { phase: 'Succeeded', podIP: '10.0.0.1' } }, 'none'],
    [
      'uses the host’s network',
      { spec: { hostNetwork: true, containers: [{ name: 'istio-proxy' }, { name: 'app' }] } },
      'none',
    ],
  ] as const)('one that %s is left alone, and nothing is written about it', async (_, more, found) => {
    const here = world({ pods: [pod('a', more as object)], found });
    await here.run();
    expect([here.programmed, [...here.kept], here.log]).toEqual([[], [], []]);
  });

  it.each(['none', 'part'] as const)('one with %s of its rules gets them', async (found) => {
    const here = world({ pods: [pod('a')], found });
    await here.run();
    expect(here.programmed).toEqual(['a']);
    expect([...here.kept.values()][0]).toMatchObject({ outcome: 'repaired', name: 'a' });
  });
});

describe('by setting, deleted instead', () => {
  it('one after the other, and never more than three of a workload in ten minutes', async () => {
    const pods = ['a', 'b', 'c', 'd'].map((name) => pod(name));
    for (const each of pods) each.metadata!.ownerReferences = [{ kind: 'ReplicaSet', name: 'rs', controller: true }];
    const here = world({ pods, onMiss: 'delete' });
    await here.run();
    expect(here.deleted).toEqual(['a']);
    for (let at = 0; at < 10; at++) await here.later(5_000);
    expect(here.deleted).toEqual(['a', 'b', 'c']);
    expect(here.programmed).toEqual(['d']);
    expect([...here.kept.values()].at(-1)!.problems.join()).toContain('3 pods of ReplicaSet shop/rs were deleted');
  });

  it('a refusal makes it a repair; a pod that is gone already is as good as deleted', async () => {
    const refused = world({ pods: [pod('a')], onMiss: 'delete', refuse: 403 });
    await refused.run();
    expect(refused.programmed).toEqual(['a']);
    expect([...refused.kept.values()][0]!.problems.join()).toContain('that failed');
    const gone = world({ pods: [pod('a')], onMiss: 'delete', refuse: 409 });
    await gone.run();
    expect(gone.programmed).toEqual([]);
  });
});
