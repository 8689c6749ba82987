import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseFromCniChainView, parseToCniChainView } from '../../contract/cni-chain-view.ts';
import type { AgentStatus, PodRecord, ReadAgentResult } from '../../contract/cni-plugin.ts';
import type { ReadCniResult } from '../../contract/node-helper.ts';
import { planInstallation } from '../../mesh/cni/plan-installation.ts';
import { planRepair } from '../../mesh/cni/plan-repair.ts';
import type { KubernetesEvent, Node, Pod, Workload } from '../../mesh/kubernetes.ts';
import { describeNode } from '../../mesh/pods/describe-node.ts';
import { readRecording } from '../demo/recording.ts';
import { chainOf } from '../trees/cni-chain/read-node-chain.ts';
import { chainState, failedChainState, loadingChainState, type ChainAnswers } from './cni-chain-state.ts';

const place = { node: 'n1', context: 'demo' };
const now = Date.parse('2026-11-21T10:00:00Z');

async function recorded(state: string): Promise<Required<Pick<ChainAnswers, 'api' | 'read'>>> {
  const { objects, node } = await readRecording(join(import.meta.dirname, '../demo/recordings', state));
  const all = <T>(kind: string) => objects.filter((object) => object.kind === kind) as unknown as T[];
  const api = describeNode(
    all<Node>('Node').find(({ metadata }) => metadata?.name === 'n1')!,
    {
      pods: all<Pod>('Pod'),
      daemonSets: all<Workload>('DaemonSet'),
      events: all<KubernetesEvent>('Event'),
    },
  );
  const { confDir, binDirs, files, notes } = node;
  const plugins = node.plugins.filter(({ type }) => files.some(({ content }) => content?.includes(`"${type}"`)));
  return { api, read: reading({ confDir, binDirs, files, plugins, notes }) };
}

function reading(result: ReadCniResult): NonNullable<ChainAnswers['read']> {
  return { result, chain: chainOf(result, { containerRuntimeVersion: 'containerd://1.6.20', now }) };
}

const directory = (files: Record<string, string>, more: Partial<ReadCniResult> = {}) =>
  reading({
    confDir: '/etc/cni/net.d',
    binDirs: ['/opt/cni/bin'],
    files: Object.entries(files).map(([name, content]) => ({ name, content })),
    plugins: [{ type: 'bridge', path: '/opt/cni/bin/bridge', supportedVersions: ['0.3.1', '0.4.0'] }],
    notes: [],
    ...more,
  });
const bridge = '{"cniVersion":"0.4.0","name":"podnet","plugins":[{"type":"bridge"}]}';

describe('the state of the chain view', () => {
  it('of the broken shop: what is wrong, which version is asked for, and who hangs on it', async () => {
    const state = chainState(place, await recorded('broken'));
    expect(state).toMatchObject({
      phase: 'ready',
      knownFrom: 'helper',
      summary: { severity: 'error' },
      chain: {
        file: '00-galaxy.conflist',
        cniVersion: '0.3.1',
        versions: ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'],
        plugins: [{ type: 'galaxy-sdn', program: 'there', versions: ['0.1.0', '0.2.0'], severity: 'error' }],
      },
    });
    expect(state.summary?.says).toMatch(/version.*galaxy-sdn.*3 pods hang on it/);
    expect(state.problems[0]).toMatchObject({ code: 'ML2001', severity: 'error', about: 'galaxy-sdn' });
    expect(state.pods.map(({ name, stuck }) => [name.replace(/-[a-z0-9]{5}$/, ''), stuck])).toEqual([
      ['web', 'ending'],
      ['istio-cni-node', 'ending'],
      ['batch-5fdc6666cd', 'starting'],
    ]);
    expect(state.daemonSets).toEqual([expect.objectContaining({ name: 'istio-system/istio-cni-node', ready: false })]);
  });

  it('of a sound node says so', async () => {
    for (const recording of ['before-cni', 'with-cni']) {
      const state = chainState(place, await recorded(recording));
      expect(state.problems, recording).toEqual([]);
      expect(state.pods).toEqual([]);
      expect(state.summary?.severity).toBe('good');
      expect(state.files.find(({ standing }) => standing === 'in-force')?.name).toBe('10-bridge.conflist');
    }
  });

  it('tells without a helper what the API tells, and nothing more', async () => {
    const { api } = await recorded('broken');
    const state = chainState(place, { api });
    expect(state).toMatchObject({ knownFrom: 'api', files: [], network: [] });
    expect(state.chain).toBeUndefined();
    expect(state.problems).toEqual([expect.objectContaining({ about: 'galaxy-sdn' })]);
    expect(state.problems[0]!.says).toContain('0.3.1');
    expect(state.pods).toHaveLength(3);
    expect(chainState(place, { api: (await recorded('with-cni')).api }).summary).toMatchObject({ severity: 'info' });
  });

  it('says that it is healed, and who has not got over it yet', async () => {
    const { read } = await recorded('before-cni');
    const { api } = await recorded('broken');
    expect(chainState(place, { read, errorsBefore: 1 }).summary).toMatchObject({ severity: 'good' });
    const waiting = chainState(place, { read, api, errorsBefore: 1 }).summary;
    expect(waiting?.severity).toBe('warning');
    expect(waiting?.says).toMatch(/^Healed.*3 pods/);
  });

  it('does not call a node well whose pods are held without their rules, or whose agent is away', async () => {
    const { api, read } = await recorded('before-cni');
    const [held] = (await recorded('broken')).api.hanging;
    const holding = { ...api, unprotected: [{ ...held!, trouble: { ...held!.trouble, kind: 'validation' as const } }] };
    const state = chainState(place, { api: holding, read });
    expect(state.summary).toMatchObject({ severity: 'warning', says: expect.stringContaining('istio-validation') });
    expect(state.pods).toEqual([expect.objectContaining({ stuck: 'unprotected' })]);
    const chained = directory(
      { '10-a.conflist': bridge.replace('[{', '[{"type":"meshloom-cni"},{') },
      {
        plugins: ['bridge', 'meshloom-cni'].map((type) => ({ type, path: `/b/${type}`, supportedVersions: ['0.4.0'] })),
      },
    );
    const agent: ReadAgentResult = { running: false, records: [], notes: [] };
    expect(chainState(place, { read: chained, agent }).summary).toMatchObject({ severity: 'error' });
  });

  it('names for every file why it is used or not', () => {
    const state = chainState(place, {
      read: directory({ '20-b.conflist': bridge, '10-a.conflist': bridge, 'notes.txt': 'x' }),
    });
    expect(state.files.map(({ name, standing }) => [name, standing])).toEqual([
      ['10-a.conflist', 'in-force'],
      ['20-b.conflist', 'shadowed'],
      ['notes.txt', 'ignored'],
    ]);
    expect(state.files[1]!.says).toContain('10-a.conflist');
    const gaveUp = chainState(place, { read: directory({ '00-x.conf': '{', '10-a.conflist': bridge }) });
    expect(gaveUp.files.map(({ standing }) => standing)).toEqual(['broken', 'shadowed']);
    expect(gaveUp.chain).toBeUndefined();
    expect(chainState(place, { read: directory({}) })).toMatchObject({
      files: [],
      summary: { severity: 'error' },
      problems: [{ code: 'ML2011' }],
    });
  });

  it('shows the versions that only a plugin knows, too', () => {
    const read = directory(
      { '10-a.conflist': bridge.replace('0.4.0', '0.3.5') },
      { plugins: [{ type: 'bridge', path: '/opt/cni/bin/bridge', supportedVersions: ['0.4.0', '2.0.0'] }] },
    );
    const { chain } = chainState(place, { read });
    expect(chain?.versions).toEqual(['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.3.5', '0.4.0', '1.0.0', '1.1.0', '2.0.0']);
  });

  it('cuts what is very long', () => {
    const read = directory({ '10-a.conflist': `${bridge}${' '.repeat(5_000_000)}` });
    expect(JSON.stringify(chainState(place, { read })).length).toBeLessThan(100_000);
  });

  it('says where the directories are known from, how the last loading ended, and where addresses come from', () => {
    const read = directory(
      { '10-a.conflist': bridge },
      {
        runtimeCni: {
          program: 'containerd',
          source: 'status',
          confDir: '/etc/cni/net.d',
          binDirs: ['/opt/cni/bin'],
          lastLoad: 'cni config load failed',
          loaded: ['podnet'],
        },
        network: {
          subnets: [{ subnet: '10.88.0.0/24', source: '10-a.conflist' }],
          mtu: { value: 1450, source: '/run/flannel/subnet.env' },
          bridge: { name: 'cni0', addresses: ['10.88.0.1/24'], mtu: 1450 },
          flannel: { FLANNEL_MTU: '1450' },
          leases: [{ network: 'podnet', used: 3, of: 253 }],
        },
      },
    );
    const { facts, network, notices } = chainState(place, { read });
    expect(facts).toContainEqual({
      name: 'Configuration directory',
      value: '/etc/cni/net.d',
      source: 'containerd says so itself',
    });
    expect(notices.map(({ says }) => says).join()).toContain('cni config load failed');
    expect(network.map(({ name, value }) => `${name}=${value}`)).toEqual([
      'Subnet of the pods=10.88.0.0/24',
      'MTU=1450',
      'Bridge=cni0 · 10.88.0.1/24 · MTU 1450',
      'FLANNEL_MTU=1450',
      'Addresses leased in podnet=3 of 253',
    ]);
  });

  it('keeps what was read on the screen while reading again', async () => {
    const ready = chainState(place, await recorded('broken'));
    expect(loadingChainState(place, ready)).toEqual({ ...ready, phase: 'loading' });
    const failed = failedChainState(place, { what: 'x', why: '', next: '', actions: [] });
    expect(loadingChainState(place, failed)).toMatchObject({ phase: 'loading', problems: [] });
  });

  it('passes the border to the view unharmed', async () => {
    const state = chainState(place, await recorded('broken'));
    expect(parseToCniChainView(JSON.parse(JSON.stringify({ type: 'state', state })))).toEqual({ type: 'state', state });
  });
});

describe('a plan in the chain view', () => {
  it('shows each file before and after, and what is in force then', async () => {
    const { read } = await recorded('broken');
    const { files, plugins } = read.result;
    const plan = planRepair({ entries: files, probes: plugins });
    const before = { '00-galaxy.conflist': files.find(({ name }) => name === '00-galaxy.conflist')!.content! };
    const state = chainState(place, { read, plan: { plan, before, action: 'repair', done: false } });
    expect(state.plan).toMatchObject({ refused: false, title: 'What a repair would change' });
    const lines = state.plan!.files.flatMap(({ lines: each }) => each);
    expect(lines.some(({ kind, text }) => kind === 'removed' && text.includes('0.3.1'))).toBe(true);
    expect(state.plan!.problems).toEqual([]);
    expect(state.plan!.says).toMatch(/0\.[12]\.0.*Nothing has been changed yet/);
  });

  it('says of a refused plan why', () => {
    const plan = planInstallation({
      entries: [{ name: '10-a.conflist', content: bridge }],
      probes: [{ type: 'bridge', path: '/b', supportedVersions: ['0.4.0'] }],
      ours: { type: 'meshloom-cni', path: '/m', supportedVersions: ['1.0.0'] },
      entryText: '{"type":"meshloom-cni"}',
    });
    const state = chainState(place, { plan: { plan, before: {}, action: 'plan', done: false } });
    expect(state.plan).toMatchObject({ refused: true, files: [] });
    expect(state.plan!.problems.length).toBeGreaterThan(0);
  });
});

describe('the agent in the chain view', () => {
  const status: AgentStatus = {
    pid: 7,
    since: '2026-11-21T09:00:00Z',
    aliveAt: '2026-11-21T09:59:50Z',
    version: '0.1.0',
    settings: { excludeNamespaces: ['kube-system'], onMiss: 'repair', backend: 'auto' },
    api: { connected: true },
    memory: 40 * 1024 * 1024,
  };
  const record = (name: string, more: Partial<PodRecord> = {}): PodRecord => ({
    containerId: name,
    namespace: 'shop',
    name,
    uid: name,
    outcome: 'programmed',
    steps: [{ check: 'cni-plugin', verdict: 'inject', says: 'It is programmed.' }],
    problems: [],
    at: '2026-11-21T09:30:00Z',
    ...more,
  });
  const shown = (answer: Partial<ReadAgentResult>, read = directory({ '10-a.conflist': bridge })) =>
    chainState(place, { read, agent: { running: true, records: [], notes: [], ...answer } }).agent!;
  const chained = directory(
    { '10-a.conflist': bridge.replace('[{', '[{"type":"meshloom-cni"},{') },
    { plugins: [{ type: 'meshloom-cni', path: '/opt/cni/bin/meshloom-cni', supportedVersions: ['0.4.0'] }] },
  );

  it('puts pods without their rules on top, with the reason of each', () => {
    const { records, counts } = shown({
      status,
      records: [
        record('a', { backend: 'nft', families: ['4', '6'] }),
        record('b', {
          outcome: 'declined',
          steps: [{ check: 'istio-proxy', verdict: 'skip', says: 'b has no container istio-proxy.' }],
        }),
        record('c', { outcome: 'missed', steps: [], problems: ['the agent was away'] }),
      ],
    });
    expect(records.map(({ name, severity }) => [name, severity])).toEqual([
      ['c', 'error'],
      ['a', 'good'],
      ['b', 'info'],
    ]);
    expect(records[0]!.says).toContain('the agent was away');
    expect(records[1]!.says).toContain('iptables-nft; IPv4, IPv6');
    expect(records[2]!.says).toBe('b has no container istio-proxy.');
    expect(counts.map(({ outcome, count }) => `${outcome} ${count}`)).toEqual([
      'programmed 1',
      'declined 1',
      'missed 1',
    ]);
  });

  it('tells apart: runs, runs without the API, does not answer, was never there', () => {
    expect(shown({ status }).severity).toBe('good');
    const cut = shown({ status: { ...status, api: { connected: false, why: 'refused.' } } });
    expect(cut.severity).toBe('warning');
    expect(cut.says).toContain('refused.');
    expect(shown({ status, running: false }).severity).toBe('warning');
    expect(shown({ status, running: false }, chained).severity).toBe('error');
    expect(shown({ running: false }).severity).toBe('info');
    expect(shown({ running: false }, chained).severity).toBe('error');
  });

  it('shows a bounded number of records', () => {
    const { records, omitted } = shown({ status, records: Array.from({ length: 1000 }, (_, at) => record(`p${at}`)) });
    expect([records.length, omitted]).toEqual([250, 750]);
  });
});

describe('what the chain view sends', () => {
  it('is taken only in the forms that are known', () => {
    for (const message of [
      { type: 'ready' },
      { type: 'close-plan' },
      { type: 'action', id: 'deploy-node-helper' },
      { type: 'run', command: 'repair' },
      { type: 'open-docs', code: 'ML2001' },
      { type: 'open-diff', file: '10-a.conf' },
      { type: 'reveal-pod', namespace: 'shop', name: 'web' },
    ])
      expect(parseFromCniChainView(message)).toEqual(message);
    for (const message of [
      undefined,
      'ready',
      { type: 'run', command: 'workbench.action.quit' },
      { type: 'action', id: 'x' },
      { type: 'open-docs', code: 7 },
      { type: 'reveal-pod', namespace: 'shop' },
    ])
      expect(parseFromCniChainView(message)).toBeUndefined();
  });

  it('and what it is sent, too', () => {
    expect(parseToCniChainView({ type: 'state', state: { node: 'n1', phase: 'odd' } })).toBeUndefined();
    expect(parseToCniChainView({ type: 'state' })).toBeUndefined();
    expect(parseToCniChainView({ type: 'state', state: { node: 'n1', phase: 'loading' } })?.state.problems).toEqual([]);
  });
});
