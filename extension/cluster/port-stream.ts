/**
 * One TCP connection to a port of a pod, carried by `pods/portforward` over a WebSocket.
 *
 *     channel 0   data, both ways      its first message is the port, two bytes, little-endian
 *     channel 1   error, in words      likewise
 *
 * The protocol cannot close one direction alone: our end of writing is told to nobody, and the connection lasts until the
 * other side ends it or the stream is destroyed.
 */
import { Duplex } from 'node:stream';
import * as l10n from '@vscode/l10n';
import { WebSocket, type ClientOptions } from 'ws';
import { failure, failureFromNetwork, type ClusterCall } from './describe-failure.ts';
import { onRefusal } from './exec-stream.ts';
import { keepAlive } from './keep-alive.ts';

const protocol = 'v4.channel.k8s.io';
const pieceBytes = 32 * 1024;
const stream = { data: 0, error: 1 } as const;
/** How a WebSocket reports a connection that ended without a closing frame, https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const brokenOff = 1006;

/** @returns when the connection stands; that nobody listens on the port shows only afterwards, by its destruction. */
export function openPortStream(
  call: ClusterCall,
  url: URL,
  settings: ClientOptions,
  port: number,
  opening: AbortSignal,
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, [protocol], { ...settings, perMessageDeflate: false });
    const fail = (error: unknown) => {
      reject(failureFromNetwork(call, error));
      socket.terminate();
    };
    opening.addEventListener('abort', () => socket.terminate(), { once: true });
    onRefusal(call, socket, fail);
    socket.once('error', fail);
    socket.once('open', () => {
      socket.off('error', fail);
      keepAlive(socket);
      resolve(new PortStream(call, socket, port));
    });
  });
}

class PortStream extends Duplex {
  readonly #socket: WebSocket;
  /** Channels whose first message, the port, has come. */
  readonly #begun = new Set<number>();
  #said = '';

  constructor(call: ClusterCall, socket: WebSocket, port: number) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on('message', (data) => {
      const message = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
      const from = message[0] ?? -1;
      const isFirst = !this.#begun.has(from);
      this.#begun.add(from);
      const bytes = message.subarray(isFirst ? 3 : 1);
      if (from === stream.data && bytes.length > 0 && !this.push(bytes)) socket.pause();
      if (from === stream.error) this.#said += bytes.toString('utf8').slice(0, 4096);
    });
    socket.on('error', (error) => this.destroy(failureFromNetwork(call, error)));
    socket.on('close', (code) => {
      if (this.#said !== '') this.destroy(nobodyThere(call, port, this.#said));
      // Without a word of closing: what came may not be all there is.
      else if (code === brokenOff && !this.destroyed) this.destroy(cutOff(call));
      else if (!this.destroyed) this.push(null);
    });
  }

  override _read(): void {
    if (this.#socket.isPaused) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return done();
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const piece = Buffer.concat([Buffer.of(stream.data), chunk.subarray(at, at + pieceBytes)]);
      const isLast = at + pieceBytes >= chunk.length;
      // What waits in the socket is what `done` waits for: a slow pod slows the writer.
      this.#socket.send(piece, isLast ? () => done() : undefined);
    }
    if (chunk.length === 0) done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(1000);
    setTimeout(() => this.#socket.terminate(), 1000).unref();
    done(error);
  }
}

function cutOff(call: ClusterCall) {
  return failure(
    call,
    'unreachable',
    l10n.t('the connection broke off.'),
    l10n.t('The pod, its node or the API server may have gone, or this machine slept: connect again.'),
  );
}

function nobodyThere(call: ClusterCall, port: number, said: string) {
  return failure(
    call,
    'unreachable',
    l10n.t('nothing answers on port {0} in the pod: {1}', port, said.trim().slice(-300)),
    l10n.t('Check that the container runs and listens on that port, on all addresses or on 127.0.0.1.'),
    { said },
  );
}
