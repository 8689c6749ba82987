/** A forwarded port between real TCP connections: pods are servers here, and a WebSocket server is their kubelet. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Pod } from '../../mesh/kubernetes.ts';
import type { Cluster, ClusterFailure, WatchEvent } from '../cluster/cluster.ts';
import { beginPort, carryPort } from '../demo/carry-port.ts';
import { openPortStream } from '../cluster/port-stream.ts';
import { PortForward, type ForwardState, type ForwardTarget } from './port-forward.ts';

/** Pods that come and go, and what answers in them. */
class TestCluster {
  readonly pods = new Map<string, Pod>();
  readonly #kubelet = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'v4.channel.k8s.io' });
  readonly sockets = new Set<WebSocket>();
  readonly servers: Server[] = [];
  #tell: ((event: WatchEvent<Pod>) => void) | undefined;
  opened: string[] = [];
  /** How many further connections the API server refuses. */
  refusals = 0;

  constructor() {
    this.#kubelet.on('connection', (socket, request) => {
      this.sockets.add(socket);
      const port = Number(new URL(request.url ?? '', 'ws://x').searchParams.get('ports'));
      beginPort(socket, port);
      carryPort(socket, port);
    });
  }

  /** @returns a port on which each connection is handled so. */
  async listen(handle: (socket: Socket) => void): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      handle(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  set(
    name: string,
    ports: Record<string, number>,
    more: { ready?: boolean; uid?: string; deleted?: string } = {},
  ): void {
    const { ready = true, uid = name, deleted } = more;
    const pod = {
      metadata: {
        name,
        uid,
        namespace: 'shop',
        creationTimestamp: '2026-11-21T10:00:00Z',
        ...(deleted !== undefined && { deletionTimestamp: deleted, deletionGracePeriodSeconds: 0 }),
      },
      spec: {
        containers: [
          { name: 'app', ports: Object.entries(ports).map(([of, containerPort]) => ({ name: of, containerPort })) },
        ],
      },
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
    } as Pod;
    const type = this.pods.has(name) ? 'MODIFIED' : 'ADDED';
    this.pods.set(name, pod);
    this.#tell?.({ type, object: pod });
  }

  remove(name: string): void {
    const object = this.pods.get(name);
    this.pods.delete(name);
    if (object) this.#tell?.({ type: 'DELETED', object });
  }

  close(): void {
    for (const socket of this.sockets) socket.terminate();
    this.#kubelet.close();
    for (const server of this.servers) server.close();
  }

  readonly cluster = {
    context: { id: 'x', name: 'x', kind: 'kubeconfig' },
    list: () => Promise.resolve({ items: [...this.pods.values()], resourceVersion: '1' }),
    watch: (
      _: unknown,
      options: { signal: AbortSignal; onOpen?: () => void; onEvent: (event: WatchEvent<Pod>) => void },
    ) => {
      this.#tell = options.onEvent;
      options.onOpen?.();
      return new Promise<void>((resolve) => options.signal.addEventListener('abort', () => resolve()));
    },
    openPort: ({ name }: { name: string }, port: number) => {
      this.opened.push(name);
      const call = { verb: 'port-forward', resource: 'pods', context: 'x', server: 'https://x' } as const;
      const { port: kubelet } = this.#kubelet.address() as AddressInfo;
      const refused = this.refusals-- > 0 ? 1 : kubelet;
      const url = new URL(`ws://127.0.0.1:${refused}/?ports=${port}`);
      return openPortStream(call, url, {}, port, new AbortController().signal);
    },
  } as unknown as Cluster;
}

/** All that comes until the other end says that this was all. @throws what broke off. */
function readAll(port: number, say = '', { host = '127.0.0.1', end = false } = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host }, () => (end ? socket.end(say) : socket.write(say)));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('end', () => resolve(Buffer.concat(chunks)));
  });
}

const greet = (name: string) => (socket: Socket) =>
  void socket.once('data', (said) => socket.end(`${name}:${String(said)}`));

describe('a forwarded port', () => {
  let lab: TestCluster;
  let forward: PortForward | undefined;
  let failures: ClusterFailure[];
  let states: ForwardState[];

  beforeEach(() => {
    lab = new TestCluster();
    failures = [];
    states = [];
  });
  afterEach(() => {
    forward?.stop();
    lab.close();
  });

  const start = async (more: Partial<ForwardTarget> = {}, localPort = 0) =>
    (forward = await PortForward.start(
      lab.cluster,
      { label: 'Deployment shop/web', scope: { namespace: 'shop', labelSelector: 'app=web' }, port: 'http', ...more },
      localPort,
      { onState: (state) => states.push(state), onFailure: (failure) => failures.push(failure) },
    ));
  const ask = (text: string) => readAll(forward!.localPort, text).then(String);

  it('leads to the next ready pod when its own goes, and each pod says which port it is', async () => {
    lab.set('a', { http: await lab.listen(greet('a')) });
    lab.set('b', { http: await lab.listen(greet('b')) }, { ready: false });
    await start();
    expect(await ask('1')).toBe('a:1');
    // Its node stopped answering: the pod is there, and not ready.
    lab.set('b', { http: lab.pods.get('b')!.spec!.containers![0]!.ports![0]!.containerPort });
    lab.set('a', { http: 1 }, { ready: false });
    expect(await ask('2')).toBe('b:2');
    lab.remove('b');
    const waiting = ask('3');
    lab.set('c', { http: await lab.listen(greet('c')) });
    expect(await waiting).toBe('c:3');
    expect(states.map((state) => (state.phase === 'ready' ? state.pod : state.phase))).toEqual(['b', 'waiting', 'c']);
    expect(failures).toEqual([]);
  });

  it('brings a large download whole and in order, and its end after it', async () => {
    const bytes = Buffer.alloc(24 * 1024 * 1024);
    for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(at, at);
    lab.set('a', { http: await lab.listen((socket) => void socket.once('data', () => socket.end(bytes))) });
    await start();
    const read = await readAll(forward!.localPort, 'go', { end: true });
    expect(read.length).toBe(bytes.length);
    expect(read.equals(bytes)).toBe(true);
  });

  it('carries 100 connections at once, each its own', async () => {
    lab.set('a', { http: await lab.listen(greet('a')) });
    await start();
    const all = await Promise.all(Array.from({ length: 100 }, (_, index) => ask(String(index))));
    expect(all).toEqual(all.map((_, index) => `a:${index}`));
    await expect.poll(() => forward!.connections).toBe(0);
  });

  it('does not take a connection that was cut for one that ended', async () => {
    lab.set('a', { http: await lab.listen((socket) => void socket.write('half')) });
    await start();
    const read = readAll(forward!.localPort, 'x');
    await expect.poll(() => lab.sockets.size).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const socket of lab.sockets) socket.terminate();
    await expect(read).rejects.toThrow('ECONNRESET');
    expect(failures[0]?.message).toContain('broke off');
  });

  it('tells the pod when a client hangs up', async () => {
    let gone = false;
    lab.set('a', {
      http: await lab.listen((socket) =>
        socket
          .on('end', () => (gone = true))
          .resume()
          .write('hello'),
      ),
    });
    await start();
    const client = connect(forward!.localPort, '127.0.0.1');
    await once(client, 'data');
    client.resetAndDestroy();
    await expect.poll(() => gone).toBe(true);
    expect(failures).toEqual([]);
  });

  it('cuts what leads to a pod that was made anew under its name, or that hangs on a dead node', async () => {
    const port = await lab.listen((socket) => void socket.write('hello'));
    lab.set('db-0', { http: port }, { uid: 'first' });
    await start();
    const first = readAll(forward!.localPort);
    await expect.poll(() => lab.opened.length).toBe(1);
    await expect.poll(() => lab.sockets.size).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    lab.set('db-0', { http: port }, { uid: 'second' });
    await expect(first).rejects.toThrow('ECONNRESET');
    const second = readAll(forward!.localPort);
    second.catch(() => undefined);
    await expect.poll(() => lab.sockets.size).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    lab.set('db-0', { http: port }, { uid: 'second', deleted: '2026-11-21T10:00:01Z' });
    await expect(second).rejects.toThrow('ECONNRESET');
  }, 15_000);

  it('leads a client on whom a restarting pod refused, with all that it has said, and lets a wrong port fail', async () => {
    lab.set('a', { http: 1 });
    await start();
    const asked = ask('hello');
    await expect.poll(() => lab.opened.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    // The container has ended, which is told only now; the next one is there a moment later.
    lab.set('a', { http: 1 }, { ready: false });
    lab.remove('a');
    lab.set('b', { http: await lab.listen(greet('b')) });
    expect(await asked).toBe('b:hello');
    expect(failures).toEqual([]);
    lab.remove('b');
    lab.set('a', { http: 1 });
    await expect(ask('x')).rejects.toThrow('ECONNRESET');
    expect(failures[0]?.message).toMatch(/nothing answers on port 1 in the pod: .*ECONNREFUSED/);
  });

  it('answers on IPv6 as well, and stops on both', async (test) => {
    lab.set('a', { http: await lab.listen(greet('a')) });
    await start();
    const { localPort } = forward!;
    const six = await readAll(localPort, '6', { host: '::1' }).catch((error: NodeJS.ErrnoException) => error.code);
    if (six === 'EADDRNOTAVAIL') {
      console.log('port-forward on ::1: skipped, because this machine has no IPv6 loopback');
      test.skip('this machine has no IPv6 loopback');
    }
    expect(String(six)).toBe('a:6');
    forward!.stop();
    await expect(readAll(localPort, '', { host: '::1' })).rejects.toThrow('ECONNREFUSED');
    await expect(readAll(localPort)).rejects.toThrow('ECONNREFUSED');
  });

  it('says that a local port is taken, and leaves nothing behind', async () => {
    const taken = await lab.listen(() => undefined);
    await expect(start({}, taken)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('outlives an API server that is away for a moment', async () => {
    lab.set('a', { http: await lab.listen(greet('a')) });
    await start();
    lab.refusals = 1;
    await expect(ask('1')).rejects.toThrow('ECONNRESET');
    expect(failures[0]?.reason).toBe('unreachable');
    expect(await ask('2')).toBe('a:2');
  });
});
