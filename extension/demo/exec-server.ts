import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { type ApiError, badRequest, internalError, notFound } from './api-error.ts';
import type { ApiObject } from './api-object.ts';
import type { ResourcePath } from './api-request.ts';
import type { ApiState } from './api-writes.ts';
import type { ContainerStatus, PodSpec, PodStatus } from '../../mesh/kubernetes.ts';
import { runInDebugContainer } from './recorded-debug-container.ts';
import { beginPort, carryPort, type Listeners } from './carry-port.ts';
import { ProxyServer } from './recorded-proxy.ts';
import { answerAsHelper, isHelperCall } from './recorded-helper.ts';
import type { Recording } from './recording.ts';

/** The first byte of a message says which stream it belongs to. */
const stream = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** Newest first. v5 can close standard input alone; v4 cannot. */
const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

/** A kubelet copies in pieces of this size, so an answer may be cut within a character. */
const pieceBytes = 32 * 1024;

/** `pods/exec` and `pods/portforward` over WebSocket, https://kubernetes.io/blog/2024/08/20/websockets-transition/ */
export class ExecServer {
  readonly #sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: (offered) => protocols.find((protocol) => offered.has(protocol)) ?? false,
  });
  readonly #state: ApiState;
  readonly #recording: Recording;

  readonly #listeners: Listeners | undefined;
  readonly #proxies: ReadonlyMap<string, ProxyServer>;

  constructor(state: ApiState, recording: Recording, listeners?: Listeners) {
    this.#state = state;
    this.#recording = recording;
    this.#listeners = listeners;
    this.#proxies = new Map([...(recording.proxies ?? [])].map(([pod, proxy]) => [pod, new ProxyServer(proxy)]));
  }

  /** Begins an exec session on a connection that asked for it. @throws {ApiError} before the connection is upgraded. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, path: ResourcePath, query: URLSearchParams): void {
    checkProtocol(request);
    const pod = this.#findPod(path);
    if (path.subresource === 'portforward') {
      const port = Number(query.get('ports'));
      if (!Number.isInteger(port) || port < 1 || port > 65_535) throw badRequest('invalid port');
      if ((pod.status as PodStatus | undefined)?.phase !== 'Running')
        throw internalError(
          `unable to forward port because pod is not running. Current status=${(pod.status as PodStatus | undefined)?.phase}`,
        );
      const place = { namespace: path.namespace ?? '', name: path.name ?? '' };
      const listener = this.#listeners?.(place, port);
      const proxy = this.#proxies.get(`${place.namespace}_${place.name}`);
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
        beginPort(webSocket, port);
        if (listener !== undefined) carryPort(webSocket, listener);
        else if (proxy?.has(port)) proxy.carry(webSocket, port);
        else refusePort(webSocket, this.#whyClosed(pod, port));
      });
      return;
    }
    checkContainer(pod, query.get('container'));
    const command = query.getAll('command');
    if (command.length === 0) throw badRequest('you must specify at least 1 command for the container');
    const isTerminal = ['true', '1'].includes(query.get('tty') ?? '');
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) =>
      isTerminal ? runSimulatedShell(webSocket, command) : this.#run(webSocket, pod, command, query),
    );
  }

  close(): void {
    for (const proxy of this.#proxies.values()) proxy.close();
    for (const webSocket of this.#sockets.clients) webSocket.terminate();
    this.#sockets.close();
  }

  #whyClosed(pod: ApiObject, port: number): string {
    const { initContainers = [], containers = [] } = (pod.spec ?? {}) as PodSpec;
    const hasProxy = [...initContainers, ...containers].some(({ name }) => name === 'istio-proxy');
    const recorded = [...this.#proxies.keys()].find((name) => this.#proxies.get(name)!.has(port));
    return hasProxy && recorded !== undefined
      ? `this cluster is a recording, and this pod's proxy was not recorded; that of ${recorded.replace('_', '/')} was`
      : 'this cluster is a recording, nothing listens in its pods';
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

function checkProtocol(request: IncomingMessage): void {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
  if (offered.some((protocol) => protocols.includes(protocol))) return;
  throw badRequest(
    `unable to upgrade: the server speaks ${protocols.join(', ')}, the client offers ${offered.join(', ') || 'nothing'}`,
  );
}

/** Nothing listens in the pods of a recording: told as a kubelet tells it. */
function refusePort(webSocket: WebSocket, why: string): void {
  webSocket.send(Buffer.concat([Buffer.of(1), Buffer.from(why)]));
  webSocket.close(1000);
}

/** Says that it is none, echoes what is typed, and knows `exit`. */
function runSimulatedShell(webSocket: WebSocket, command: string[]): void {
  webSocket.on('error', () => webSocket.terminate());
  const isShell = /(^|\/)(ba|a|da|z)?sh$/.test(command[0] ?? '');
  if (!isShell) {
    const message = `exec: "${command[0]}": executable file not found in $PATH`;
    return finish(webSocket, '', '', { code: 127, message });
  }
  send(
    webSocket,
    stream.stdout,
    'This cluster is a recording: no program runs in its containers. "exit" leaves.\r\n$ ',
  );
  let line = '';
  webSocket.on('message', (data: RawData) => {
    const message = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
    if (message[0] !== stream.stdin) return;
    for (const char of message.subarray(1).toString('utf8')) {
      if (char === '\r') {
        const [, code] = /^\s*exit(?:\s+(\d+))?\s*$/.exec(line) ?? [];
        if (/^\s*exit\b/.test(line)) return finish(webSocket, '\r\n', '', { code: Number(code ?? 0) });
        const answer = line.trim() === '' ? '' : `sh: ${line.trim().split(/\s/, 1)[0]}: not recorded\r\n`;
        send(webSocket, stream.stdout, `\r\n${answer}$ `);
        line = '';
      } else if (char === '\u007f') {
        if (line !== '') send(webSocket, stream.stdout, '\b \b');
        line = line.slice(0, -1);
      } else if (char >= ' ') {
        line += char;
        send(webSocket, stream.stdout, char);
      }
    }
  });
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
  const { namespace = '', name } = pod.metadata;
  const { container, status, phase } = findContainer(pod, wanted);
  if (phase === 'Succeeded' || phase === 'Failed')
    throw internalError(`cannot exec into a container in a completed pod; current phase is ${phase}`);
  if (!status?.state?.running)
    throw internalError(
      `unable to upgrade connection: container not found ("${container}") in pod ${name}_${namespace}`,
    );
}

/** @throws {ApiError} as a real server, when there is no such container or it has not started yet: what has ended has a log. */
export function checkLog(pod: ApiObject, wanted: string | null): void {
  const { container, status } = findContainer(pod, wanted);
  const { running, terminated, waiting } = status?.state ?? {};
  if (running || terminated || status?.lastState?.terminated) return;
  const why = waiting?.reason ?? 'ContainerCreating';
  throw badRequest(`container "${container}" in pod "${pod.metadata.name}" is waiting to start: ${why}`);
}

function findContainer(
  pod: ApiObject,
  wanted: string | null,
): { container: string; status: ContainerStatus | undefined; phase: string | undefined } {
  const spec = pod.spec as PodSpec | undefined;
  const { name } = pod.metadata;
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
  const statuses = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses];
  return { container, status: statuses.find((each) => each.name === container), phase };
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
