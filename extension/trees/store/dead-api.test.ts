/** What a view says of an API server that is not there, and how soon: over real sockets, each way of being dead by itself. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createClientNodeCluster } from '../../cluster/client-node-cluster.ts';
import type { KubeconfigUser } from '../../cluster/kubeconfig.ts';
import { TreeStore } from './tree-store.ts';
import { viewMessage } from '../view-message.ts';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

/** Accepts, and does no more than `serve` does. */
async function listen(serve: (socket: Socket) => void = () => undefined, server: Server = createServer(serve)) {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

function look(server: string, proxyUrl?: string, user: Partial<KubeconfigUser> = {}) {
  const cluster = createClientNodeCluster({
    context: { id: 'kubeconfig:prod', name: 'prod', kind: 'kubeconfig' },
    cluster: { name: 'prod', server, skipTLSVerify: true, ...(proxyUrl && { proxyUrl }) },
    user: { name: 'jane', token: 't', impersonateGroups: [], ...user },
    environment: {},
  });
  const store = new TreeStore({ connect: () => Promise.resolve(cluster) });
  cleanUps.push(
    () => store.dispose(),
    () => cluster.dispose(),
  );
  return store;
}

describe('a view on an API server that is dead', () => {
  it('says so within five seconds, however it is dead', async () => {
    const silent = await listen();
    const half = await listen((socket) => socket.once('data', () => socket.write(Buffer.from([0x16, 3, 3, 0, 122]))));
    const reset = await listen((socket) => socket.resetAndDestroy());
    const http = await listen(
      undefined,
      createHttpServer((_asked, answer) => void answer.writeHead(200).write('{"kind":')),
    );
    const at = (port: number, scheme = 'https') => `${scheme}://127.0.0.1:${port}`;
    const dead: Record<string, TreeStore> = {
      'no handshake': look(at(silent.port)),
      'half a handshake': look(at(half.port)),
      'half an answer': look(at(http.port, 'http')),
      'an HTTP proxy that hangs': look('https://10.9.9.9:6443', at(silent.port, 'http')),
      'a SOCKS proxy that hangs': look('https://10.9.9.9:6443', at(silent.port, 'socks5')),
      'a proxy that resets': look('https://10.9.9.9:6443', at(reset.port, 'http')),
      'a name that is none': look('https://no.such.host.invalid:6443'),
      'a port where nobody is': look('https://127.0.0.1:1'),
      resets: look(at(reset.port)),
    };
    const begin = performance.now();
    const told = await Promise.all(
      Object.entries(dead).map(async ([how, store]) => {
        store.start();
        await store.whenSettled();
        return {
          how,
          phase: store.phase,
          tookMs: performance.now() - begin,
          says: viewMessage(store, 'prod', 0) ?? '',
        };
      }),
    );
    for (const { how, phase, tookMs, says } of told) {
      expect([how, phase]).toEqual([how, 'failed']);
      expect(tookMs, how).toBeLessThan(5_000);
      expect(says, how).toMatch(/^Could not list namespaces in context “prod”: .*(?:\. [A-Z]).*\.$/);
    }
  }, 15_000);

  it('is left at once when it is closed, and nothing of it stays open', async () => {
    // Who does not read does not notice that somebody hung up.
    const { port, sockets } = await listen((socket) => void socket.resume());
    const store = look(`https://127.0.0.1:${port}`);
    store.start();
    await expect.poll(() => sockets.size).toBe(1);
    const begin = performance.now();
    store.stop();
    expect(performance.now() - begin).toBeLessThan(50);
    const [socket] = sockets;
    await expect.poll(() => socket?.destroyed, { timeout: 2_000 }).toBe(true);
  });
});
