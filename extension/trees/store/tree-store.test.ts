import { afterEach, describe, expect, it, vi } from 'vitest';
import type { KubernetesObject, Pod } from '../../../mesh/kubernetes.ts';
import { ClusterFailure } from '../../cluster/cluster.ts';
import type { Cluster, ResourceType, WatchEvent } from '../../cluster/cluster.ts';
import { backoff } from '../../cluster/follow.ts';
import { degradedNodes } from '../degraded-nodes.ts';
import { MeshModel } from './mesh-model.ts';
import { nothingToShow } from '../nothing-to-show.ts';
import { TreeStore } from './tree-store.ts';
import { viewMessage } from '../view-message.ts';
import type { StoreChange } from './tree-store.ts';

/** A cluster whose answers a test sets, and which counts what it is asked. */
class FakeCluster implements Cluster {
  readonly context = { id: 'fake', name: 'fake', kind: 'kubeconfig', namespace: 'shop' } as const;
  readonly asked: string[] = [];
  readonly objects = new Map<string, KubernetesObject[]>();
  readonly failures = new Map<string, ClusterFailure>();
  readonly watches = new Map<
    string,
    { send: (event: WatchEvent<KubernetesObject>) => void; end: (error?: ClusterFailure) => void }
  >();
  watching = 0;

  list<T extends KubernetesObject>(
    type: ResourceType,
    options: { namespace?: string } = {},
  ): Promise<{ items: T[]; resourceVersion: string }> {
    const key = [type.plural, options.namespace].filter(Boolean).join('@');
    this.asked.push(`list ${key}`);
    const failure = this.failures.get(key) ?? this.failures.get('*');
    if (failure) return Promise.reject(failure);
    const items = (this.objects.get(type.plural) ?? []).filter(
      ({ metadata }) => !options.namespace || metadata?.namespace === options.namespace,
    );
    return Promise.resolve({ items: structuredClone(items) as T[], resourceVersion: '1' });
  }

  watch<T extends KubernetesObject>(
    type: ResourceType,
    options: {
      namespace?: string;
      resourceVersion: string;
      signal: AbortSignal;
      onOpen?: () => void;
      onEvent: (event: WatchEvent<T>) => void;
    },
  ): Promise<void> {
    this.asked.push(`watch ${type.plural} from ${options.resourceVersion}`);
    const failure =
      this.failures.get([type.plural, options.namespace].filter(Boolean).join('@')) ?? this.failures.get('*');
    if (failure) return Promise.reject(failure);
    options.onOpen?.();
    this.watching += 1;
    return new Promise<void>((resolve, reject) => {
      options.signal.addEventListener('abort', () => resolve());
      this.watches.set([type.plural, options.namespace].filter(Boolean).join('@'), {
        send: options.onEvent as (event: WatchEvent<KubernetesObject>) => void,
        end: (error) => (error ? reject(error) : resolve()),
      });
    }).finally(() => (this.watching -= 1));
  }

  /** The namespaces in which pods may be read. */
  readable: string[] = [];
  mayList(_type: ResourceType, namespace: string): Promise<boolean> {
    this.asked.push(`may list in ${namespace}`);
    return Promise.resolve(this.readable.includes(namespace));
  }

  get<T extends KubernetesObject>(type: ResourceType, name: string): Promise<T | undefined> {
    this.asked.push(`get ${type.plural} ${name}`);
    const failure = this.failures.get(type.plural) ?? this.failures.get('*');
    return failure ? Promise.reject(failure) : Promise.resolve(undefined);
  }
  apply = () => Promise.reject(new Error('not asked for'));
  delete = () => Promise.reject(new Error('not asked for'));
  exec = () => Promise.reject(new Error('not asked for'));
  patch = () => Promise.reject(new Error('not asked for'));
  log = () => Promise.reject(new Error('not asked for'));
  streamLog = () => Promise.reject(new Error('not asked for'));
  openTerminal = () => Promise.reject(new Error('not asked for'));
  openPort = () => Promise.reject(new Error('not asked for'));
}

const pod = (name: string, resourceVersion: string, namespace = 'shop'): Pod => ({
  metadata: { name, namespace, uid: name, resourceVersion },
});
const failure = (reason: ConstructorParameters<typeof ClusterFailure>[0]) =>
  new ClusterFailure(reason, `It is ${reason}.`, 'Do something.');

let store: TreeStore | undefined;
afterEach(() => {
  store?.dispose();
  vi.useRealTimers();
});

function begin(cluster: FakeCluster | ClusterFailure = new FakeCluster(), namespaces: string[] = []) {
  vi.useFakeTimers({ now: 1_000_000 });
  const connect = vi.fn(() => (cluster instanceof FakeCluster ? Promise.resolve(cluster) : Promise.reject(cluster)));
  store = new TreeStore({ connect, namespaces: () => namespaces });
  const changes: StoreChange[] = [];
  store.onDidChange((change) => changes.push(change));
  return { store, connect, changes, cluster: cluster as FakeCluster };
}

describe('the live store', () => {
  it('contacts nobody before it is started, and ends every watch when it is stopped', async () => {
    const { store, connect, cluster } = begin();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(connect).not.toHaveBeenCalled();
    store.start();
    await vi.advanceTimersByTimeAsync(100);
    expect(cluster.watching).toBeGreaterThan(8);
    store.stop();
    await vi.advanceTimersByTimeAsync(100);
    expect(cluster.watching).toBe(0);
  });

  it('asks a cluster that does not answer once, not once per kind, and again with growing pauses', async () => {
    const { store, cluster } = begin();
    cluster.failures.set('namespaces', failure('unreachable'));
    store.start();
    await vi.advanceTimersByTimeAsync(100);
    expect(store.phase).toBe('failed');
    expect(store.failure?.message).toBe('It is unreachable.');
    expect(cluster.asked).toEqual(['list namespaces']);
    await vi.advanceTimersByTimeAsync(300_000);
    const asked = cluster.asked.length;
    expect(asked).toBeGreaterThan(8);
    expect(asked).toBeLessThan(130);
    cluster.failures.clear();
    await vi.advanceTimersByTimeAsync(5_500);
    expect(store.phase).toBe('ready');
    expect(store.failure).toBeUndefined();
  });

  it('asks with one small request whether a lost cluster is back, and has it back within 5 s', async () => {
    const { store, cluster } = begin();
    store.start();
    await vi.advanceTimersByTimeAsync(10_000);
    cluster.failures.set('*', failure('unreachable'));
    for (const watch of cluster.watches.values()) watch.end(failure('unreachable'));
    await vi.advanceTimersByTimeAsync(500);
    cluster.asked.length = 0;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(new Set(cluster.asked)).toEqual(new Set(['get namespaces default']));
    expect(cluster.asked.length).toBeLessThan(30);
    expect(store.stale()).toBeDefined();
    cluster.failures.clear();
    await vi.advanceTimersByTimeAsync(5_500);
    expect(store.stale()).toBeUndefined();
    expect(cluster.watching).toBeGreaterThan(8);
  });

  it('goes on as rarely as ever with a kind that alone fails', async () => {
    const { store, cluster } = begin();
    cluster.failures.set('pods', new ClusterFailure('server-error', 'It is 503.', '', { status: 503 }));
    store.start();
    await vi.advanceTimersByTimeAsync(300_000);
    expect(cluster.asked.filter((asked) => asked === 'list pods').length).toBeLessThan(40);
  });

  it('asks at once when somebody comes back to the window', async () => {
    const { store, cluster } = begin();
    cluster.failures.set('*', failure('unreachable'));
    store.start();
    await vi.advanceTimersByTimeAsync(60_000);
    cluster.failures.clear();
    store.outage.hurry();
    await vi.advanceTimersByTimeAsync(20);
    expect(store.phase).not.toBe('failed');
    expect(cluster.asked).toContain('list pods');
  });

  it.each(['unauthorized', 'kubeconfig'] as const)(
    'does not ask again after “%s”, also when the view comes back, until the user asks',
    async (reason) => {
      const { store, cluster } = begin();
      cluster.failures.set('namespaces', failure(reason));
      store.start();
      await vi.advanceTimersByTimeAsync(100_000);
      store.stop();
      store.start();
      await vi.advanceTimersByTimeAsync(100_000);
      expect(cluster.asked).toEqual(['list namespaces']);
      cluster.failures.clear();
      store.refresh();
      await vi.advanceTimersByTimeAsync(100);
      expect(store.phase).toBe('ready');
    },
  );

  it('tells of a cluster that cannot even be connected to, and connects anew on refresh', async () => {
    const { store, connect } = begin(failure('kubeconfig'));
    store.start();
    await store.whenSettled();
    expect(store.failure?.reason).toBe('kubeconfig');
    store.refresh();
    await vi.advanceTimersByTimeAsync(100);
    expect(connect).toHaveBeenCalledTimes(2);
  });

  it('follows what happens, from the version of the list on', async () => {
    const { store, cluster } = begin();
    cluster.objects.set('pods', [pod('a', '1')]);
    store.start();
    await vi.advanceTimersByTimeAsync(100);
    expect(cluster.asked).toContain('watch pods from 1');
    cluster.watches.get('pods')?.send({ type: 'ADDED', object: pod('b', '2') });
    cluster.watches.get('pods')?.send({ type: 'DELETED', object: pod('a', '3') });
    cluster.watches.get('pods')?.send({ type: 'BOOKMARK', resourceVersion: '9' });
    expect([...store.tables.pods.all()].map(({ metadata }) => metadata?.name)).toEqual(['b']);
    await vi.advanceTimersByTimeAsync(5_000);
    cluster.watches.get('pods')?.end();
    await vi.advanceTimersByTimeAsync(100);
    expect(cluster.asked.at(-1)).toBe('watch pods from 9');
  });

  it('lists again when the server has forgotten the version, without a word to the user', async () => {
    const { store, cluster } = begin();
    store.start();
    await vi.advanceTimersByTimeAsync(100);
    cluster.objects.set('pods', [pod('fresh', '7')]);
    cluster.watches.get('pods')?.end(failure('gone'));
    await vi.advanceTimersByTimeAsync(10);
    expect(store.tables.pods.get('shop', 'fresh')).toBeDefined();
    expect(store.stale()).toBeUndefined();
  });

  it('says nothing of a watch that breaks off when the next list succeeds', async () => {
    const { store, cluster, changes } = begin();
    store.start();
    await vi.advanceTimersByTimeAsync(10_000);
    changes.length = 0;
    cluster.watches.get('pods')?.end(failure('unreachable'));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(changes.some(({ state }) => state)).toBe(false);
    expect(cluster.asked.at(-1)).toBe('watch pods from 1');
  });

  it('keeps and marks as stale what it showed when the connection is lost, and takes that back when it returns', async () => {
    const { store, cluster } = begin();
    cluster.objects.set('pods', [pod('a', '1')]);
    store.start();
    await vi.advanceTimersByTimeAsync(10_000);
    cluster.failures.set('pods', failure('unreachable'));
    const lostAt = Date.now();
    cluster.watches.get('pods')?.end(failure('unreachable'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(store.stale()).toMatchObject({ since: lostAt });
    expect(store.phase).toBe('ready');
    expect(store.tables.pods.get('shop', 'a')).toBeDefined();
    cluster.failures.clear();
    await vi.advanceTimersByTimeAsync(31_000);
    expect(store.stale()).toBeUndefined();
  });

  it('does without a kind that it may not read, and says which', async () => {
    const { store, cluster } = begin();
    cluster.failures.set('nodes', failure('forbidden'));
    cluster.objects.set('pods', [pod('a', '1')]);
    store.start();
    await vi.advanceTimersByTimeAsync(100);
    expect(store.phase).toBe('ready');
    expect(store.degraded().map(({ part, state }) => `${part} ${state.phase}`)).toEqual(['nodes refused']);
  });

  it('reads the context’s own namespace when the whole cluster is refused', async () => {
    const { store, cluster } = begin();
    for (const kind of ['namespaces', 'nodes', 'pods', 'deployments', 'mutatingwebhookconfigurations'])
      cluster.failures.set(kind, failure('forbidden'));
    cluster.objects.set('pods', [pod('mine', '1'), pod('theirs', '1', 'other')]);
    store.start();
    await vi.advanceTimersByTimeAsync(100);
    expect(store.phase).toBe('ready');
    expect([...store.tables.pods.all()].map(({ metadata }) => metadata?.name)).toEqual(['mine']);
    expect(store.part('pods')).toMatchObject({ phase: 'live', onlyNamespaces: ['shop'] });
    expect(store.scope?.from).toBe('context');
  });

  it('finds out where pods may be read when the whole cluster is refused, and says what is missing in one of them', async () => {
    const { store, cluster } = begin();
    for (const kind of ['pods', 'deployments', 'events', 'events@web'])
      cluster.failures.set(kind, failure('forbidden'));
    cluster.objects.set(
      'namespaces',
      ['api', 'shop', 'theirs', 'web'].map((name) => ({ metadata: { name } })),
    );
    cluster.objects.set(
      'pods',
      ['api', 'shop', 'theirs', 'web'].map((namespace) => pod('p', '1', namespace)),
    );
    cluster.readable = ['api', 'shop', 'web'];
    store.start();
    await vi.advanceTimersByTimeAsync(100);
    expect([...store.tables.pods.all()].map(({ metadata }) => metadata?.namespace)).toEqual(['api', 'shop', 'web']);
    expect(store.part('pods')).toEqual({ phase: 'live', onlyNamespaces: ['api', 'shop', 'web'] });
    expect(store.part('events')).toMatchObject({ phase: 'live', refusedIn: ['web'] });
    expect(store.scope).toEqual({ namespaces: ['api', 'shop', 'web'], from: 'asked', unasked: 0 });
    expect(degradedNodes(store, ['pods', 'events']).map((node) => node.item().label)).toEqual([
      'Only namespaces api, shop, web are shown',
      'No right to list events in web',
    ]);
    // Nobody asks again for a view that was closed meanwhile.
    cluster.asked.length = 0;
    store.stop();
    store.start();
    await vi.advanceTimersByTimeAsync(100);
    expect(cluster.asked.filter((call) => call.startsWith('may'))).toEqual([]);
    cluster.watches.get('pods@api')?.send({ type: 'ADDED', object: pod('new', '9', 'api') });
    expect(store.tables.pods.get('api', 'new')).toBeDefined();
    // One of them is taken away: the others stay.
    cluster.failures.set('pods@api', failure('forbidden'));
    cluster.watches.get('pods@api')?.end(failure('forbidden'));
    await vi.advanceTimersByTimeAsync(120_000);
    expect([...store.tables.pods.namespaces()]).toEqual(['shop', 'web']);
    expect(store.part('pods')).toMatchObject({ phase: 'live', refusedIn: ['api'] });
  });

  it('follows the namespaces that the user chose, and asks for no others', async () => {
    const { store, cluster } = begin(undefined, ['web', 'api']);
    cluster.objects.set(
      'namespaces',
      ['shop', 'web'].map((name) => ({ metadata: { name, labels: { 'istio-injection': 'enabled' } } })),
    );
    cluster.objects.set(
      'pods',
      ['api', 'shop'].map((namespace) => pod('p', '1', namespace)),
    );
    store.start();
    await vi.advanceTimersByTimeAsync(100);
    expect(cluster.asked.filter((call) => call.startsWith('list pods')).sort()).toEqual([
      'list pods@api',
      'list pods@web',
    ]);
    expect(store.phase).toBe('ready');
    expect(store.degraded()).toEqual([]);
    expect(degradedNodes(store, ['pods'])).toEqual([]);
    // One that wants to be in the mesh is looked for even without workloads, but only where it is read.
    expect(new MeshModel(store, () => undefined).namespaceNames()).toEqual(['api', 'web']);
  });

  it('keeps what may be listed and not watched, says so with its age, and does not ask again', async () => {
    const { store, cluster } = begin();
    cluster.objects.set('pods', [pod('a', '1')]);
    const watch = cluster.watch.bind(cluster);
    cluster.watch = ((type: ResourceType, options: never) =>
      type.plural === 'pods' ? Promise.reject(failure('forbidden')) : watch(type, options)) as FakeCluster['watch'];
    store.start();
    await vi.advanceTimersByTimeAsync(100);
    const listedAt = Date.now();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(cluster.asked.filter((call) => call.startsWith('list pods'))).toEqual(['list pods']);
    expect([...store.tables.pods.all()]).toHaveLength(1);
    expect(store.stale()).toMatchObject({ isTriedAgain: false, failure: { reason: 'forbidden' } });
    expect(listedAt - store.stale()!.since).toBeLessThan(200);
    expect(store.degraded()).toEqual([]);
  });

  it('reads the labels of each namespace where they may not be listed', async () => {
    const { store, cluster } = begin(undefined, ['web', 'gone']);
    cluster.failures.set('namespaces', failure('forbidden'));
    cluster.get = ((type: ResourceType, name: string) =>
      Promise.resolve(
        name === 'web' ? { metadata: { name, labels: { 'istio-injection': 'enabled' } } } : undefined,
      )) as never;
    store.start();
    await vi.advanceTimersByTimeAsync(100);
    expect(store.tables.namespaces.get('', 'web')?.metadata?.labels).toEqual({ 'istio-injection': 'enabled' });
    expect(store.tables.namespaces.get('', 'gone')).toBeUndefined();
  });

  it('keeps how old the data of several namespaces are when the view comes back to a dead line', async () => {
    const { store, cluster } = begin(undefined, ['web', 'api']);
    store.start();
    await vi.advanceTimersByTimeAsync(10_000);
    store.stop();
    const closedAt = Date.now();
    for (const name of ['web', 'api']) cluster.failures.set(`pods@${name}`, failure('unreachable'));
    await vi.advanceTimersByTimeAsync(60_000);
    store.start();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(store.stale()).toMatchObject({ since: closedAt });
  });

  it('says what login it waits for, and goes on when it is over', async () => {
    const { store, cluster } = begin();
    let answer: (() => void) | undefined;
    const list = cluster.list.bind(cluster);
    cluster.list = (async (type: ResourceType, options: object) => {
      if (type.plural === 'namespaces') await new Promise<void>((resolve) => (answer = resolve));
      return await list(type, options);
    }) as FakeCluster['list'];
    store.start();
    await vi.advanceTimersByTimeAsync(100);
    const settled = store.whenSettled();
    const wait = { who: 'aws', kind: 'program', context: 'prod', says: 'Code: A-1', cancel: vi.fn() } as const;
    store.noteLogin(wait);
    await settled;
    expect(nothingToShow(store)?.[0]?.item()).toMatchObject({
      label: 'Waiting for the login',
      description: 'Cancel · aws',
      command: { id: 'meshloom.cancelLogin' },
    });
    expect(viewMessage(store, 'prod', 0)).toBe(
      '“aws” logs in to “prod”: a window of its own or the browser may be asking you something. Code: A-1',
    );
    answer?.();
    store.noteLogin(undefined);
    await vi.advanceTimersByTimeAsync(100);
    expect(store.phase).toBe('ready');
    expect(nothingToShow(store)).toBeUndefined();
  });

  it('shows the rest when one kind fails or is slow', async () => {
    const { store, cluster } = begin();
    cluster.failures.set('events', failure('server-error'));
    cluster.list = ((original) => (type: ResourceType, options) =>
      type.plural === 'nodes' ? new Promise(() => undefined) : original.call(cluster, type, options))(
      cluster.list,
    ) as FakeCluster['list'];
    store.start();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(store.phase).toBe('ready');
    expect(store.degraded().map(({ part }) => part)).toEqual(['events']);
  });

  it('tells a hundred changes within 200 ms once, and only the namespaces that they are in', async () => {
    const { store, cluster, changes } = begin();
    cluster.objects.set('pods', [pod('a', '1'), pod('b', '1', 'other')]);
    store.start();
    await vi.advanceTimersByTimeAsync(5_000);
    changes.length = 0;
    for (let i = 2; i < 102; i++) cluster.watches.get('pods')?.send({ type: 'MODIFIED', object: pod('a', String(i)) });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(changes).toEqual([{ parts: new Set(['pods']), namespaces: new Set(['shop']), state: false }]);
  });

  it('goes on from the last version it heard of when a watch breaks off, and lists nothing again', async () => {
    const { store, cluster } = begin();
    cluster.objects.set('pods', [pod('a', '1')]);
    store.start();
    await vi.advanceTimersByTimeAsync(5_000);
    cluster.watches.get('pods')?.send({ type: 'ADDED', object: pod('b', '7') });
    cluster.asked.length = 0;
    cluster.watches.get('pods')?.end(failure('unreachable'));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(cluster.asked).toEqual(['watch pods from 7']);
    expect([...store.tables.pods.all()]).toHaveLength(2);
  });

  it('takes a 403 of a server that starts for what it is, and one that stays for a right that was taken', async () => {
    const { store, cluster } = begin();
    cluster.objects.set('pods', [pod('a', '1')]);
    store.start();
    await vi.advanceTimersByTimeAsync(5_000);
    const refuse = () => {
      cluster.failures.set('pods', failure('forbidden'));
      cluster.watches.get('pods')?.end(failure('unreachable'));
    };
    refuse();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(store.part('pods').phase).toBe('lost');
    expect([...store.tables.pods.all()]).toHaveLength(1);
    cluster.failures.clear();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(store.part('pods').phase).toBe('live');
    refuse();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(store.part('pods').phase).toBe('refused');
    expect([...store.tables.pods.all()]).toEqual([]);
  });

  it('keeps what it showed when the login is refused for good, marks its age, and does not ask again', async () => {
    const { store, cluster } = begin();
    cluster.objects.set('pods', [pod('a', '1')]);
    store.start();
    await vi.advanceTimersByTimeAsync(5_000);
    cluster.failures.set('pods', failure('unauthorized'));
    cluster.watches.get('pods')?.end(failure('unreachable'));
    await vi.advanceTimersByTimeAsync(60_000);
    cluster.asked.length = 0;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(cluster.asked).toEqual([]);
    expect(store.stale()).toMatchObject({ isTriedAgain: false, failure: { reason: 'unauthorized' } });
    expect([...store.tables.pods.all()]).toHaveLength(1);
    expect(store.degraded()).toEqual([]);
  });

  it('counts the age of silence from the last word, not from when it was noticed', async () => {
    const { store, cluster } = begin();
    store.start();
    await vi.advanceTimersByTimeAsync(5_000);
    cluster.watches.get('pods')?.send({ type: 'BOOKMARK', resourceVersion: '5' });
    const lastWord = Date.now();
    await vi.advanceTimersByTimeAsync(95_000);
    cluster.failures.set('pods', failure('timeout'));
    cluster.watches.get('pods')?.end(failure('timeout'));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(store.stale()?.since).toBe(lastWord);
  });

  it('comes back no sooner than an overloaded server asks', async () => {
    const { store, cluster } = begin();
    store.start();
    await vi.advanceTimersByTimeAsync(5_000);
    const overloaded = new ClusterFailure('too-many-requests', 'Too many.', '', { retryAfterMs: 20_000 });
    cluster.failures.set('pods', overloaded);
    cluster.asked.length = 0;
    cluster.watches.get('pods')?.end(overloaded);
    await vi.advanceTimersByTimeAsync(19_000);
    expect(cluster.asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(cluster.asked).toEqual(['watch pods from 1']);
  });

  it('tells a single change within 50 ms, and a stream of them five times a second', async () => {
    const { store, cluster, changes } = begin();
    store.start();
    await vi.advanceTimersByTimeAsync(5_000);
    changes.length = 0;
    cluster.watches.get('pods')?.send({ type: 'ADDED', object: pod('a', '2') });
    await vi.advanceTimersByTimeAsync(50);
    expect(changes).toHaveLength(1);
    for (let i = 0; i < 100; i++) {
      cluster.watches.get('pods')?.send({ type: 'MODIFIED', object: pod('a', String(i + 3)) });
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(changes.length).toBeLessThan(8);
  });

  it('tells nothing when a new list is the old one', async () => {
    const { store, cluster, changes } = begin();
    cluster.objects.set('pods', [pod('a', '1')]);
    store.start();
    await vi.advanceTimersByTimeAsync(5_000);
    changes.length = 0;
    cluster.watches.get('pods')?.end(failure('gone'));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(changes.flatMap(({ namespaces, state }) => [...namespaces, ...(state ? ['state'] : [])])).toEqual([]);
  });

  it('shows nothing of the old cluster when another is chosen', async () => {
    const { store, cluster } = begin();
    cluster.objects.set('pods', [pod('a', '1')]);
    store.start();
    await vi.advanceTimersByTimeAsync(100);
    cluster.objects.clear();
    store.reset();
    expect([...store.tables.pods.all()]).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    expect(store.phase).toBe('ready');
  });

  it('asks for ConfigMaps in the control planes’ namespaces alone', async () => {
    const { store, cluster } = begin();
    cluster.objects.set('mutatingwebhookconfigurations', [
      {
        metadata: { name: 'istio-sidecar-injector' },
        webhooks: [
          {
            name: 'namespace.sidecar-injector.istio.io',
            clientConfig: { service: { name: 'istiod', namespace: 'mesh', path: '/inject' } },
          },
        ],
      } as KubernetesObject,
    ]);
    store.start();
    await vi.advanceTimersByTimeAsync(100);
    expect(cluster.asked.filter((call) => call.includes('configmaps'))).toContain('list configmaps@mesh');
    expect(cluster.asked).not.toContain('list configmaps');
  });

  it('does not storm a server that ends every watch at once', async () => {
    const { store, cluster } = begin();
    cluster.watch = () => {
      cluster.asked.push('watch');
      return Promise.resolve();
    };
    store.start();
    await vi.advanceTimersByTimeAsync(60_000);
    // Ten kinds, each 1 + 2 + 4 + … 30 s apart.
    expect(cluster.asked.filter((call) => call === 'watch').length).toBeLessThan(130);
  });
});

describe('backoff', () => {
  it('grows to half a minute and is spread by chance', () => {
    expect([0, 1, 2, 10, 1000].map((failures) => backoff(failures, 0))).toEqual([1_000, 2_000, 4_000, 30_000, 30_000]);
    expect(backoff(0, 0.999)).toBeGreaterThanOrEqual(500);
  });
});
