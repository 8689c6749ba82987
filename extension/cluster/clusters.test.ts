import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ExtensionContext, LogOutputChannel } from 'vscode';
import type * as DemoCluster from '../demo/demo-cluster.ts';
import { ClusterFailure, resourceTypes } from './cluster.ts';

const editor = vi.hoisted(() => ({ trusted: true, kubeconfig: '', inWorkspace: '' }));

vi.mock('vscode', () => {
  class EventEmitter<T> {
    readonly listeners: ((value: T) => void)[] = [];
    readonly event = (listener: (value: T) => void) => (this.listeners.push(listener), { dispose: () => undefined });
    fire = (value: T) => this.listeners.forEach((listener) => listener(value));
    dispose = () => undefined;
  }
  return {
    EventEmitter,
    l10n: {
      t: (text: string, ...values: unknown[]) =>
        text.replace(/\{(\d)\}/g, (_, index: string) => String(values[Number(index)])),
    },
    workspace: {
      get isTrusted() {
        return editor.trusted;
      },
      getConfiguration: () => ({
        get: () => editor.inWorkspace || editor.kubeconfig,
        inspect: () => ({ globalValue: editor.kubeconfig, workspaceValue: editor.inWorkspace }),
      }),
      onDidChangeConfiguration: () => ({ dispose: () => undefined }),
    },
  };
});

/** Recordings are looked up in dist/, which a test run need not have built: the source's stand in for them. */
vi.mock('../demo/demo-cluster.ts', async (load) => {
  const real = await load<typeof DemoCluster>();
  const recordings = resolve(import.meta.dirname, '../demo/recordings');
  return {
    ...real,
    startDemoCluster: vi.fn((state: Parameters<typeof real.startDemoCluster>[0]) =>
      real.startDemoCluster(state, recordings),
    ),
  };
});

const { createClusters } = await import('./clusters.ts');
const { TreeStore } = await import('../trees/store/tree-store.ts');
const { startDemoCluster } = await import('../demo/demo-cluster.ts');

let directory = '';
const memory = new Map<string, unknown>();
const subscriptions: { dispose(): unknown }[] = [];
const log = { info: () => undefined, warn: () => undefined } as unknown as LogOutputChannel;

function open() {
  const context = {
    extensionUri: { fsPath: '/nowhere' },
    subscriptions,
    workspaceState: {
      get: (key: string, otherwise: unknown) => memory.get(key) ?? otherwise,
      update: (key: string, value: unknown) => Promise.resolve(memory.set(key, value)),
    },
  };
  return createClusters(context as unknown as ExtensionContext, log);
}

function kubeconfig(name: string, server = 'https://127.0.0.1:1'): string {
  const file = join(directory, name);
  writeFileSync(
    file,
    `clusters: [{name: c, cluster: {server: '${server}'}}]\ncontexts: [{name: ${name}, context: {cluster: c}}]\ncurrent-context: ${name}\n`,
  );
  return file;
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'meshloom-clusters-'));
  Object.assign(editor, { trusted: true, kubeconfig: kubeconfig('mine'), inWorkspace: '' });
  memory.clear();
  vi.mocked(startDemoCluster).mockClear();
});
afterEach(async () => {
  for (const subscription of subscriptions.splice(0)) await subscription.dispose();
  rmSync(directory, { recursive: true });
});

describe('the chosen cluster', () => {
  it('is the broken demo until another is chosen, and that is remembered', async () => {
    const clusters = open();
    expect(clusters.chosen).toMatchObject({ id: 'demo:broken', kind: 'demo' });
    const { contexts, problem } = await clusters.listContexts();
    expect(contexts.map(({ id }) => id).sort()).toEqual([
      'demo:before-cni',
      'demo:broken',
      'demo:with-cni',
      'kubeconfig:mine',
    ]);
    expect(problem).toBeUndefined();
    const heard: string[] = [];
    clusters.onDidChoose(({ id }) => heard.push(id));
    await clusters.choose(contexts.find(({ id }) => id === 'kubeconfig:mine')!);
    expect(heard).toEqual(['kubeconfig:mine']);
    expect(open().chosen).toMatchObject({ id: 'kubeconfig:mine', name: 'mine', kind: 'kubeconfig' });
    expect(startDemoCluster).not.toHaveBeenCalled();
  });

  it('is connected to once, however many ask; another choice closes the demo', async () => {
    const clusters = open();
    const [one, two] = await Promise.all([clusters.connect(), clusters.connect()]);
    expect(one).toBe(two);
    expect(startDemoCluster).toHaveBeenCalledTimes(1);
    expect((await one.list(resourceTypes.nodes)).items.map(({ metadata }) => metadata?.name)).toEqual(['n1']);
    const { contexts } = await clusters.listContexts();
    await clusters.choose(contexts.find(({ id }) => id === 'demo:with-cni')!);
    await expect(one.list(resourceTypes.nodes)).rejects.toMatchObject({ reason: 'unreachable' });
    const other = await clusters.connect();
    expect(other).not.toBe(one);
    expect(other.context.id).toBe('demo:with-cni');
  });

  it('of a kubeconfig is connected to anew when the file says something else', async () => {
    memory.set('meshloom.chosenCluster', 'kubeconfig:mine');
    const clusters = open();
    const before = await clusters.connect();
    expect(await clusters.connect()).toBe(before);
    kubeconfig('mine', 'https://127.0.0.1:2');
    const after = await clusters.connect();
    expect(after).not.toBe(before);
    expect(after.context.server).toBe('https://127.0.0.1:2');
  });

  it('of a kubeconfig is told to be another one as soon as the file says so, and not for anything else', async () => {
    memory.set('meshloom.chosenCluster', 'kubeconfig:mine');
    const clusters = open();
    const before = await clusters.connect();
    const heard: string[] = [];
    clusters.onDidChoose(({ id }) => heard.push(id));
    const file = kubeconfig('mine');
    writeFileSync(file, '{ half written');
    await new Promise((resolve) => setTimeout(resolve, 600));
    kubeconfig('mine');
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(heard).toEqual([]);
    expect(await clusters.connect()).toBe(before);
    kubeconfig('mine', 'http://mesh.example:2');
    await expect.poll(() => heard, { timeout: 5_000 }).toEqual(['kubeconfig:mine']);
    expect((await clusters.connect()).context).toMatchObject({
      server: 'http://mesh.example:2',
      warning: 'not encrypted (http)',
    });
  });

  it('that the kubeconfig lost is explained, and asked for again next time', async () => {
    memory.set('meshloom.chosenCluster', 'kubeconfig:lost');
    const clusters = open();
    const error = await clusters.connect().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ClusterFailure);
    expect((error as ClusterFailure).message).toContain('Could not use context “lost”');
    kubeconfig('lost');
    editor.kubeconfig = join(directory, 'lost');
    expect((await clusters.connect()).context.name).toBe('lost');
  });
});

describe('a hundred contexts, ninety of them dead', () => {
  it('are listed without asking anybody, and left as quickly as they are chosen, with nothing open behind', async () => {
    let [contacted, standing] = [0, 0];
    const dead = createServer((socket) => {
      contacted += 1;
      standing += 1;
      socket.on('error', () => undefined).on('close', () => (standing -= 1));
      socket.resume();
    });
    await new Promise<void>((resolve) => dead.listen(0, '127.0.0.1', resolve));
    subscriptions.push({ dispose: () => dead.close() });
    const { port } = dead.address() as AddressInfo;
    const names = Array.from({ length: 100 }, (_, index) => `c${index}`);
    const user = { exec: { command: '/no/such/program', apiVersion: 'client.authentication.k8s.io/v1' } };
    editor.kubeconfig = join(directory, 'hundred');
    writeFileSync(
      editor.kubeconfig,
      JSON.stringify({
        clusters: names.map((name) => ({ name, cluster: { server: `https://127.0.0.1:${port}/${name}` } })),
        users: [{ name: 'u', user }],
        contexts: names.map((name, index) => ({ name, context: { cluster: name, ...(index % 2 && { user: 'u' }) } })),
      }),
    );
    const clusters = open();
    const { contexts, problems } = await clusters.listContexts();
    expect([contexts.filter(({ kind }) => kind === 'kubeconfig').length, problems.length]).toEqual([100, 0]);
    expect(contacted).toBe(0);

    const store = new TreeStore({ connect: () => clusters.connect() });
    subscriptions.push(store);
    clusters.onDidChoose(() => store.reset());
    store.start();
    const begin = performance.now();
    for (const context of contexts.filter(({ kind }) => kind === 'kubeconfig').slice(0, 30)) {
      await clusters.choose(context);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(performance.now() - begin).toBeLessThan(3_000);
    // One question at a time is open, and of the cluster that is chosen now.
    await expect.poll(() => standing).toBeLessThanOrEqual(1);
    expect(contacted).toBeLessThanOrEqual(30);
    expect(clusters.chosen.name).toBe('c29');
    await store.whenSettled();
    expect(store.failure?.message).toMatch(/context “c29”.*program/);
    const before = contacted;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(contacted).toBe(before);
  }, 15_000);
});

describe('in Restricted Mode', () => {
  it('a kubeconfig that the workspace names is not read, and only the demo is connected to', async () => {
    Object.assign(editor, { trusted: false, inWorkspace: kubeconfig('evil') });
    const clusters = open();
    expect(
      (await clusters.listContexts()).contexts.filter(({ kind }) => kind === 'kubeconfig').map(({ name }) => name),
    ).toEqual(['mine']);
    await clusters.choose({ id: 'kubeconfig:mine', name: 'mine', kind: 'kubeconfig' });
    await expect(clusters.connect()).rejects.toThrow('in Restricted Mode Meshloom runs no program');
  });
});
