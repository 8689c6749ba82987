import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { type ApiError, badRequest, internalError, notFound } from './api-error.ts';
import type { ApiObject } from './api-object.ts';
import type { ResourcePath } from './api-request.ts';
import type { ApiState } from './api-writes.ts';
import type { ContainerStatus, PodSpec, PodStatus } from '../../mesh/kubernetes.ts';
import { runInDebugContainer } from './recorded-debug-container.ts';
import { answerAsHelper, isHelperCall } from './recorded-helper.ts';
import type { Recording } from './recording.ts';

/** The first byte of a message says which stream it belongs to. */
const stream = { stdin: 0, stdout: 1, stderr: 2, error: 3, close: 255 } as const;

/** Newest first. v5 can close standard input alone; v4 cannot. */
const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

/** A kubelet copies in pieces of this size, so an answer may be cut within a character. */
const pieceBytes = 32 * 1024;

/** `pods/exec` over WebSocket, https://kubernetes.io/blog/2024/08/20/websockets-transition/ */
export class ExecServer {
  readonly #sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: (offered) => protocols.find((protocol) => offered.has(protocol)) ?? false,
  });
  readonly #state: ApiState;
  readonly #recording: Recording;

  constructor(state: ApiState, recording: Recording) {
    this.#state = state;
    this.#recording = recording;
  }

  /** Begins an exec session on a connection that asked for it. @throws {ApiError} before the connection is upgraded. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, path: ResourcePath, query: URLSearchParams): void {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
    if (!offered.some((protocol) => protocols.includes(protocol))) {
      throw badRequest(
        `unable to upgrade: the server speaks ${protocols.join(', ')}, the client offers ${offered.join(', ') || 'nothing'}`,
      );
    }
    const pod = this.#findPod(path);
    checkContainer(pod, query.get('container'));
    const command = query.getAll('command');
    if (command.length === 0) throw badRequest('you must specify at least 1 command for the container');
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#run(webSocket, pod, command, query));
  }

  close(): void {
    for (const webSocket of this.#sockets.clients) webSocket.terminate();
    this.#sockets.close();
  }

  #findPod({ resource, namespace, name }: ResourcePath): ApiObject {
    const pod = this.#state.store.get(resource, namespace, name!);
    if (!pod) throw notFound(resource, name!);
    return pod;
  }

  #run(webSocket: WebSocket, pod: ApiObject, command: string[], query: URLSearchParams): void {
    const wants = (name: string) => ['true', '1'].includes(query.get(name) ?? '');
    // What a real server sends first, so that the client knows that all streams stand.
    webSocket.send(Buffer.of(wants('stdout') ? stream.stdout : stream.stderr));
    webSocket.on('error', () => webSocket.terminate());
    if (!isHelperCall(pod, command)) {
      const printed = runInDebugContainer(this.#recording, pod, query.get('container'), command);
      if (printed !== undefined) {
        finish(webSocket, wants('stdout') ? printed : '', '', { code: 0 });
        return;
      }
      const message = `exec: "${command[0]}": executable file not found in $PATH`;
      finish(webSocket, '', wants('stderr') ? `${message}\n` : '', { code: 127, message });
      return;
    }
    const answer = (text: string) =>
      finish(webSocket, wants('stdout') ? answerAsHelper(this.#state, this.#recording, pod, text) : '', '', {
        code: 0,
      });
    if (wants('stdin')) readRequest(webSocket, answer);
    else answer('');
  }
}

/** Reads until standard input is closed or holds a whole JSON text: v4 has no word for closing it. */
function readRequest(webSocket: WebSocket, onRequest: (text: string) => void): void {
  const chunks: Buffer[] = [];
  const onMessage = (data: RawData) => {
    const message = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
    const closed = message[0] === stream.close && message[1] === stream.stdin;
    if (message[0] === stream.stdin) chunks.push(message.subarray(1));
    const text = Buffer.concat(chunks).toString('utf8');
    if (!closed && !isJson(text)) return;
    webSocket.off('message', onMessage);
    onRequest(text);
  };
  webSocket.on('message', onMessage);
}

function isJson(text: string): boolean {
  if (!text.trimEnd().endsWith('}')) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function finish(webSocket: WebSocket, stdout: string, stderr: string, exit: { code: number; message?: string }): void {
  send(webSocket, stream.stdout, stdout);
  send(webSocket, stream.stderr, stderr);
  const status =
    exit.code === 0
      ? { metadata: {}, status: 'Success' }
      : {
          metadata: {},
          status: 'Failure',
          message: `command terminated with non-zero exit code: ${exit.message ?? `exit status ${exit.code}`}`,
          reason: 'NonZeroExitCode',
          details: { causes: [{ reason: 'ExitCode', message: String(exit.code) }] },
        };
  send(webSocket, stream.error, JSON.stringify(status));
  webSocket.close(1000);
}

function send(webSocket: WebSocket, channel: number, text: string): void {
  const bytes = Buffer.from(text, 'utf8');
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    webSocket.send(Buffer.concat([Buffer.of(channel), bytes.subarray(start, start + pieceBytes)]));
  }
}

/** @throws {ApiError} as a real server, when there is no such container or nothing runs in it. */
export function checkContainer(pod: ApiObject, wanted: string | null): void {
  const spec = pod.spec as PodSpec | undefined;
  const { namespace = '', name } = pod.metadata;
  const names = [
    ...(spec?.initContainers ?? []),
    ...(spec?.containers ?? []),
    ...(spec?.ephemeralContainers ?? []),
  ].map((container) => container.name);
  const container =
    wanted ??
    pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'] ??
    spec?.containers?.[0]?.name ??
    '';
  if (!names.includes(container)) throw badRequest(`container ${container} is not valid for pod ${name}`);
  if (!spec?.nodeName) throw badRequest(`pod ${name} does not have a host assigned`);
  const {
    initContainerStatuses = [],
    containerStatuses = [],
    ephemeralContainerStatuses = [],
    phase,
  } = (pod.status ?? {}) as PodStatus;
  if (phase === 'Succeeded' || phase === 'Failed')
    throw internalError(`cannot exec into a container in a completed pod; current phase is ${phase}`);
  const status: ContainerStatus | undefined = [
    ...initContainerStatuses,
    ...containerStatuses,
    ...ephemeralContainerStatuses,
  ].find((each) => each.name === container);
  if (!status?.state?.running)
    throw internalError(
      `unable to upgrade connection: container not found ("${container}") in pod ${name}_${namespace}`,
    );
}

/** Refuses a connection that wanted to be upgraded, with the same words as any other request. */
export function refuseUpgrade(socket: Duplex, error: ApiError): void {
  const body = JSON.stringify(error.toStatus());
  socket.end(
    [
      `HTTP/1.1 ${error.code} ${error.reason}`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
