import { WebSocket, type ClientOptions } from 'ws';
import * as l10n from '@vscode/l10n';
import type { ExecResult } from './cluster.ts';
import {
  failure,
  failureFromNetwork,
  failureFromNonsense,
  failureFromStatus,
  type ApiStatus,
  type ClusterCall,
} from './describe-failure.ts';

/** The first byte of each message says which stream it belongs to. */
export const channel = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;

/** v5 can close standard input alone; v4 (Kubernetes < 1.29) cannot: there a program must know by itself when it has read all. */
export const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

/** `kubectl` sends pieces of this size; some proxies cut larger ones. */
const stdinPiece = 32 * 1024;
const maxStdout = 64 * 1024 * 1024;
const maxStderr = 256 * 1024;

/**
 * Runs a command over `pods/exec` and collects what it prints.
 * @param url `ws:` or `wss:`, with the query of the exec subresource.
 * @param signal closes the connection; the caller decides what that means, the promise then never settles by itself.
 * @returns when the command has ended: the exit code comes from the status that the server sends last.
 * @throws ClusterFailure when the command could not be started, the connection broke or it printed more than 64 MB.
 */
export function runExec(
  call: ClusterCall,
  url: URL,
  options: ClientOptions,
  stdin: string | undefined,
  signal: AbortSignal,
): Promise<ExecResult> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols, { ...options, perMessageDeflate: false, maxPayload: maxStdout });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let stdoutSize = 0;
    let stderrSize = 0;
    let status: ApiStatus | undefined;
    const fail = (error: unknown) => {
      reject(failureFromNetwork(call, error));
      socket.terminate();
    };
    signal.addEventListener('abort', () => socket.terminate(), { once: true });

    socket.on('open', () => {
      if (stdin !== undefined) sendStdin(socket, Buffer.from(stdin, 'utf8'));
    });
    onRefusal(call, socket, fail);
    socket.on('error', (error) => {
      if (!signal.aborted) fail(error);
    });
    socket.on('message', (data) => {
      const message = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
      const bytes = message.subarray(1);
      switch (message[0]) {
        case channel.stdout:
          stdoutSize += bytes.length;
          if (stdoutSize > maxStdout) {
            fail(failureFromNonsense(call, l10n.t('the command printed more than {0} MB.', maxStdout / 1024 / 1024)));
          } else stdout.push(bytes);
          return;
        case channel.stderr:
          if (stderrSize < maxStderr) stderr.push(bytes.subarray(0, maxStderr - stderrSize));
          stderrSize += bytes.length;
          return;
        case channel.status:
          status = parseExecStatus(bytes.toString('utf8'));
          // The status is the last thing a server says; some proxies never pass its closing on.
          socket.close();
      }
    });
    socket.on('close', () => {
      if (signal.aborted) return;
      const startFailure = status && explainStart(call, status);
      if (startFailure) return reject(startFailure);
      const exitCode = status && exitCodeOf(status);
      resolve({
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
        ...(exitCode !== undefined && { exitCode }),
      });
    });
  });
}

/** An answer that is no WebSocket: the server says in its body why. */
export function onRefusal(call: ClusterCall, socket: WebSocket, fail: (error: unknown) => void): void {
  socket.on('unexpected-response', (_request, response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (text: string) => (body = (body + text).slice(0, 64 * 1024)));
    response.on('end', () => fail(failureFromStatus(call, response.statusCode ?? 0, body)));
    response.on('error', fail);
  });
}

function sendStdin(socket: WebSocket, bytes: Buffer): void {
  for (let start = 0; start < bytes.length; start += stdinPiece) {
    socket.send(Buffer.concat([Buffer.of(channel.stdin), bytes.subarray(start, start + stdinPiece)]));
  }
  if (socket.protocol === 'v5.channel.k8s.io') socket.send(Buffer.of(channel.close, channel.stdin));
}

export function parseExecStatus(text: string): ApiStatus {
  try {
    return JSON.parse(text) as ApiStatus;
  } catch {
    return { message: text };
  }
}

export function exitCodeOf(status: ApiStatus & { status?: string }): number | undefined {
  if (status.status === 'Success') return 0;
  const code = Number(status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message);
  return Number.isInteger(code) ? code : undefined;
}

/** A command that never ran has no exit code: a container that is not there, a program that does not exist. */
export function explainStart(call: ClusterCall, status: ApiStatus & { status?: string }) {
  if (exitCodeOf(status) !== undefined) return undefined;
  // Kubelet and API server each put it before what the runtime said.
  const said = status.message?.replace(/^(Internal error occurred: )+/, '');
  return failure(
    call,
    status.code === 404 ? 'not-found' : 'server-error',
    l10n.t('the container runtime could not start it: {0}', said ?? l10n.t('it gave no reason.')),
    l10n.t('Check that the container runs, then try again.'),
    { status: status.code ?? 500, cause: status },
  );
}
