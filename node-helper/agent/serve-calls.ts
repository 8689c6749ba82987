/**
 * One call per connection: a request, an answer, the end. Everything is limited, because whoever can open the socket can
 * also do it badly. When we cannot answer in time we say nothing: the launcher then lets the pod pass and leaves a note,
 * which it does better than we could from here.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { CniCall, CniReply } from '../plugin/types.ts';
import { printReply, RequestReader } from '../plugin/wire.ts';

export interface ServeLimits {
  /** Milliseconds in which a request must have come whole. */
  request: number;
  /** Milliseconds for which a call waits for its turn at most: less than the launcher waits for us. */
  queue: number;
  /** Milliseconds after which a call that was begun is given up. */
  answer: number;
  /** Calls that program something at the same time. */
  atOnce: number;
  /** Connections at the same time; a node rarely starts more pods than this at once. */
  connections: number;
}

export const usualLimits: ServeLimits = { request: 3_000, queue: 5_000, answer: 9_500, atOnce: 3, connections: 512 };

export interface CallServer {
  server: Server;
  /** Calls that wait or are being answered. */
  busy(): number;
  /** No further calls; those begun are answered if that is quick. */
  close(patience: number): Promise<void>;
}

/** These do little, and what takes a pod away should not wait behind those that come. */
const quickCommands = new Set(['DEL', 'VERSION', 'STATUS', 'GC']);

/** @param log for what nobody foresaw. */
export function serveCalls(
  answer: (call: CniCall) => Promise<CniReply>,
  log: (line: string) => void,
  limits: ServeLimits = usualLimits,
): CallServer {
  const open = new Set<Socket>();
  const queue: (() => void)[] = [];
  let [running, busy] = [0, 0];

  const next = () => {
    while (running < limits.atOnce && queue.length > 0) queue.shift()!();
  };
  /** @returns false: the turn did not come in time, or nobody waits for it any more. */
  const turn = (socket: Socket) =>
    new Promise<boolean>((resolve) => {
      const start = () => {
        clearTimeout(timer);
        socket.off('close', leave);
        running++;
        resolve(true);
      };
      const leave = () => {
        clearTimeout(timer);
        socket.off('close', leave);
        const at = queue.indexOf(start);
        if (at >= 0) queue.splice(at, 1);
        resolve(false);
      };
      const timer = setTimeout(leave, limits.queue);
      socket.on('close', leave);
      queue.push(start);
      next();
    });

  const perform = async (call: CniCall, socket: Socket) => {
    const isQuick = quickCommands.has(call.env['CNI_COMMAND'] ?? '');
    if (!isQuick && !(await turn(socket))) {
      log(`${nameOf(call)}: it had to wait too long, so its launcher decides`);
      return;
    }
    try {
      const reply = await within(limits.answer, answer(call));
      if (!socket.destroyed) await new Promise<void>((resolve) => socket.end(printReply(reply), resolve));
    } finally {
      if (!isQuick) running--;
      next();
    }
  };

  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    // Who went away without the answer: the call itself is told by its own means.
    socket.on('error', () => socket.destroy());
    const timer = setTimeout(() => socket.destroy(), limits.request);
    const reader = new RequestReader();
    const onEnd = () => socket.destroy();
    const onData = (piece: Buffer) => {
      let call: CniCall | undefined;
      try {
        call = reader.push(piece);
      } catch {
        socket.destroy();
        return;
      }
      if (!call) return;
      clearTimeout(timer);
      socket.off('data', onData);
      socket.off('end', onEnd);
      // Read on, so that the end of the launcher is noticed; but what it says is not for us.
      socket.resume();
      busy++;
      perform(call, socket)
        .catch((error: unknown) => log(`${nameOf(call)}: ${error instanceof Error ? error.message : String(error)}`))
        .finally(() => {
          busy--;
          // Without an answer the launcher acts by itself.
          socket.destroySoon();
        });
    };
    socket.on('data', onData);
    // A request that ends before it is whole becomes none any more.
    socket.on('end', onEnd);
    socket.on('close', () => clearTimeout(timer));
  });
  server.maxConnections = limits.connections;
  server.on('error', (error) => log(`The socket: ${error.message}`));

  return {
    server,
    busy: () => busy,
    async close(patience) {
      server.close();
      const deadline = performance.now() + patience;
      while (busy > 0 && performance.now() < deadline) await sleep(10);
      for (const socket of open) socket.destroy();
    },
  };
}

function nameOf({ env }: CniCall): string {
  return `${env['CNI_COMMAND'] ?? 'call'} ${(env['CNI_CONTAINERID'] ?? '').slice(0, 12)}`;
}

function within<T>(patience: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('it took too long, so its launcher decides')), patience);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
