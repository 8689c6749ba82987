import { describe, expect, it } from 'vitest';
import { ClusterFailure } from '../cluster/cluster.ts';
import { carryOut, type CarryOutOptions } from './carry-out.ts';
import { describeOutcomes, keepsBinary } from './describe-outcomes.ts';
import { fakeCluster, insertion, refusal } from './testing.ts';

const names = ['n1', 'n2', 'n3'];
const options = (more: Partial<CarryOutOptions> = {}): CarryOutOptions => ({
  action: 'install',
  mode: 'chained',
  agreed: new Map(names.map((name) => [name, insertion()])),
  settleMs: 0,
  ...more,
});
const states = (outcomes: { node: string; state: string }[]) => outcomes.map(({ node, state }) => `${node} ${state}`);

describe('node by node', () => {
  it('changes them in order and says where it stands', async () => {
    const cluster = fakeCluster({ n1: {}, n2: {}, n3: {} });
    const outcomes = await carryOut(cluster, names, options());
    expect(states(outcomes)).toEqual(['n1 done', 'n2 done', 'n3 done']);
    expect(cluster.asked.filter((line) => line.endsWith('install'))).toEqual(
      names.map((name) => `${name} cni install`),
    );
    const said = describeOutcomes('install', 'test', outcomes);
    expect(said.severity).toBe('information');
    expect(said.message).toMatch(/n1, n2, n3.*“test”.*Uninstall/);
  });

  it('stops at the first node that refuses, and leaves the others alone', async () => {
    const cluster = fakeCluster({
      n1: {},
      n2: { answer: ({ verb }) => (verb === 'cni' ? refusal('galaxy-sdn speaks 0.2.0') : insertion()) },
      n3: {},
    });
    const outcomes = await carryOut(cluster, names, options());
    expect(states(outcomes)).toEqual(['n1 done', 'n2 refused', 'n3 untouched']);
    const { severity, message } = describeOutcomes('install', 'test', outcomes);
    expect(severity).toBe('error');
    expect(message).toMatch(/Stopped at n2, where nothing was changed: galaxy-sdn.*installed on: n1.*Not touched: n3/);
  });

  it('touches no node whose directory has changed since the diff was shown', async () => {
    const cluster = fakeCluster({ n1: {}, n2: {}, n3: {} });
    const other = insertion({ confDir: '/elsewhere' });
    const outcomes = await carryOut(cluster, ['n1'], options({ agreed: new Map([['n1', other]]) }));
    expect(states(outcomes)).toEqual(['n1 refused']);
    expect(cluster.asked).toEqual(['n1 cni plan']);
  });

  it('does not go on where the runtime cannot load what was written', async () => {
    const cluster = fakeCluster({ n1: {}, n2: {} });
    cluster.nodes.n1!.answer = (request) =>
      request.verb === 'read-cni'
        ? {
            confDir: '/etc/cni/net.d',
            binDirs: [],
            files: [],
            plugins: [],
            notes: [],
            runtimeCni: {
              program: 'containerd',
              source: 'status',
              confDir: '',
              binDirs: [],
              lastLoad: 'no network config found',
            },
          }
        : insertion({ plannedFor: 'install' });
    const outcomes = await carryOut(cluster, ['n1', 'n2'], options());
    expect(states(outcomes)).toEqual(['n1 broken', 'n2 untouched']);
    expect(outcomes[0]).toMatchObject({ why: expect.stringContaining('no network config found') as string });
  });

  it('does not go on when the first node stops being ready a moment later', async () => {
    const cluster = fakeCluster({ n1: {}, n2: {} });
    setTimeout(() => (cluster.nodes.n1!.ready = false), 150);
    const outcomes = await carryOut(cluster, ['n1', 'n2'], options({ settleMs: 3000 }));
    expect(states(outcomes)).toEqual(['n1 broken', 'n2 untouched']);
    expect(describeOutcomes('install', 'test', outcomes).message).toContain('KubeletNotReady');
  });

  it('says that it does not know when an answer got lost', async () => {
    const cluster = fakeCluster({ n1: {}, n2: {} });
    cluster.nodes.n1!.answer = (request) => {
      if (request.verb === 'cni' && request.action === 'install')
        throw new ClusterFailure('unreachable', 'connection lost', 'Look at the network.');
      return insertion({ plannedFor: 'install' });
    };
    const outcomes = await carryOut(cluster, ['n1', 'n2'], options());
    expect(states(outcomes)).toEqual(['n1 unknown', 'n2 untouched']);
    expect(describeOutcomes('install', 'test', outcomes).message).toMatch(
      /either as it was or as planned.*connection lost/,
    );
  });

  it('finishes the node that it is at when a person cancels', async () => {
    const cluster = fakeCluster({ n1: {}, n2: {}, n3: {} });
    const stop = new AbortController();
    cluster.nodes.n1!.answer = (request) => {
      if (request.verb === 'cni' && request.action === 'install') stop.abort();
      return request.verb === 'cni' ? insertion({ plannedFor: 'install' }) : (undefined as never);
    };
    const outcomes = await carryOut(cluster, names, options({ signal: stop.signal }));
    expect(states(outcomes)).toEqual(['n1 done', 'n2 untouched', 'n3 untouched']);
  });

  it('names the nodes on which the program has to stay', async () => {
    const { plan } = insertion();
    const cluster = fakeCluster({
      n1: {
        answer: ({ verb }) =>
          verb === 'cni'
            ? insertion({ plannedFor: 'uninstall', plan: { ...plan, action: 'restore', binaryKept: true } })
            : (undefined as never),
      },
    });
    expect(keepsBinary(await carryOut(cluster, ['n1'], options({ action: 'uninstall', agreed: new Map() })))).toEqual([
      'n1',
    ]);
  });
});

describe('what stood there before', () => {
  const content = insertion().plan.writes[0]!.content;
  const missing = { plugin: 'bridge', path: '/etc/cni/net.d/b.kubeconfig', state: 'missing' } as const;
  const reading = (more: object) => ({
    confDir: '/etc/cni/net.d',
    binDirs: ['/opt/cni/bin'],
    files: [{ name: '10-net.conflist', content }],
    plugins: [],
    notes: [],
    ...more,
  });
  const runs = (loaded: string) => ({
    program: 'containerd',
    source: 'status' as const,
    confDir: '/etc/cni/net.d',
    binDirs: ['/opt/cni/bin'],
    lastLoad: '',
    loaded: ['net'],
    loadedTexts: [loaded],
  });

  it('and was not promised to be healed does not stop an installation or a repair; what is new does', async () => {
    for (const action of ['install', 'repair'] as const) {
      for (const [before, outcome] of [
        [[missing], 'n1 done'],
        [[], 'n1 broken'],
      ] as const) {
        let done = false;
        const cluster = fakeCluster({ n1: {} });
        cluster.nodes.n1!.answer = (request) => {
          if (request.verb === 'read-cni') return reading({ credentials: done ? [missing] : before });
          done ||= request.verb === 'cni' && request.action === action;
          return insertion({ plannedFor: action });
        };
        expect(states(await carryOut(cluster, ['n1'], options({ action, agreed: new Map() })))).toEqual([outcome]);
      }
    }
  });

  it('is not held against a runtime that has not looked again yet', async () => {
    let looks = 0;
    const cluster = fakeCluster({ n1: {} });
    cluster.nodes.n1!.answer = (request) => {
      if (request.verb !== 'read-cni') return insertion({ plannedFor: 'install' });
      looks++;
      const old = content.replace('"0.4.0"', '"0.3.1"');
      return reading({ runtimeCni: runs(looks === 2 ? old : content) });
    };
    expect(states(await carryOut(cluster, ['n1'], options({ agreed: new Map() })))).toEqual(['n1 done']);
    expect(looks).toBe(3);
  });
});
