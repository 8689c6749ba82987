import { StringDecoder } from 'node:string_decoder';
import * as l10n from '@vscode/l10n';
import { WebSocket, type ClientOptions } from 'ws';
import type { TerminalOptions, TerminalSession } from './cluster.ts';
import { failure, failureFromNetwork, type ApiStatus, type ClusterCall } from './describe-failure.ts';
import { channel, exitCodeOf, explainStart, onRefusal, parseExecStatus, protocols } from './exec-stream.ts';
import { keepAlive } from './keep-alive.ts';

/** A paste goes in pieces: some proxies cut larger messages. */
const pieceBytes = 32 * 1024;

/**
 * A command with a terminal over `pods/exec`.
 * @param url `ws:` or `wss:`, with the query of the exec subresource, `tty=true`.
 * @param opening closes the connection while it is being opened.
 * @returns when the connection stands.
 */
export function runTerminal(
  call: ClusterCall,
  url: URL,
  settings: ClientOptions,
  { columns, rows, onOutput, signal }: TerminalOptions,
  opening: AbortSignal,
): Promise<TerminalSession> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols, { ...settings, perMessageDeflate: false });
    const decoder = new StringDecoder('utf8');
    const ended = deferred<{ exitCode?: number }>();
    let status: ApiStatus | undefined;
    let closedByUs = false;
    const fail = (error: unknown) => {
      const why = failureFromNetwork(call, error);
      reject(why);
      ended.reject(why);
      socket.terminate();
    };
    const close = () => {
      closedByUs = true;
      if (socket.readyState === WebSocket.OPEN) socket.close(1000);
      // A server that does not answer the closing is not waited for.
      setTimeout(() => socket.terminate(), 1000).unref();
    };
    const send = (stream: number, bytes: Buffer) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(Buffer.concat([Buffer.of(stream), bytes]));
    };
    const resize = (width: number, height: number) =>
      send(channel.resize, Buffer.from(JSON.stringify({ Width: width, Height: height })));
    opening.addEventListener('abort', () => socket.terminate(), { once: true });
    signal?.addEventListener('abort', close, { once: true });

    socket.on('open', () => {
      keepAlive(socket);
      resize(columns, rows);
      resolve({
        write: (text) => {
          const bytes = Buffer.from(text, 'utf8');
          for (let at = 0; at < bytes.length; at += pieceBytes)
            send(channel.stdin, bytes.subarray(at, at + pieceBytes));
        },
        resize,
        close,
        ended: ended.promise,
      });
    });
    onRefusal(call, socket, fail);
    socket.on('error', fail);
    socket.on('message', (data) => {
      const message = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
      const bytes = message.subarray(1);
      if (message[0] === channel.stdout || message[0] === channel.stderr) onOutput(decoder.write(bytes));
      if (message[0] !== channel.status) return;
      status = parseExecStatus(bytes.toString('utf8'));
      socket.close();
    });
    socket.on('close', () => {
      signal?.removeEventListener('abort', close);
      const startFailure = status && explainStart(call, status);
      if (startFailure) return ended.reject(startFailure);
      if (!status && !closedByUs) return ended.reject(cutOff(call));
      const exitCode = status && exitCodeOf(status);
      ended.resolve(exitCode === undefined ? {} : { exitCode });
    });
  });
}

function cutOff(call: ClusterCall) {
  return failure(
    call,
    'unreachable',
    l10n.t('the connection ended before the command did.'),
    l10n.t('The pod or its node may have gone: look at the pod, then open the terminal again.'),
  );
}

/** Nobody need wait for it: a rejection that is not looked at is no error of its own. */
function deferred<T>() {
  let settle: { resolve: (value: T) => void; reject: (error: unknown) => void } | undefined;
  const promise = new Promise<T>((resolve, reject) => (settle = { resolve, reject }));
  promise.catch(() => undefined);
  return { promise, resolve: (value: T) => settle?.resolve(value), reject: (error: unknown) => settle?.reject(error) };
}
