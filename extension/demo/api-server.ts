import { randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Node } from '../../mesh/kubernetes.ts';
import {
  ApiError,
  badRequest,
  internalError,
  methodNotAllowed,
  notFound,
  pathNotFound,
  unauthorized,
} from './api-error.ts';
import { isObject, type ApiObject } from './api-object.ts';
import { getObject, listObjects } from './api-reads.ts';
import { parseBody, parseResourcePath, type ApiRequest } from './api-request.ts';
import { ApiResources } from './api-resources.ts';
import { ApiStore } from './api-store.ts';
import { watchObjects } from './api-watch.ts';
import {
  createObject,
  deleteCollection,
  deleteObject,
  patchObject,
  replaceObject,
  type ApiAnswer,
  type ApiState,
} from './api-writes.ts';
import { startControllers } from './controllers/index.ts';
import { logOfDebugContainer } from './recorded-debug-container.ts';
import { answerReview, discover, reviews } from './discovery.ts';
import { checkLog, ExecServer, refuseUpgrade } from './exec-server.ts';
import type { Listeners } from './carry-port.ts';
import { errorOf, findFault, type Fault } from './faults.ts';
import type { Recording } from './recording.ts';

export interface ApiServerOptions {
  recording: Recording;
  /** The bearer token that every request must carry; a random one without it. */
  token?: string;
  /** What is to go wrong. */
  faults?: Fault | Fault[];
  /** How many changes back a watch may begin; 2,000 without it. */
  remember?: number;
  /** What listens in the pods; nothing without it. */
  listeners?: Listeners;
}

export interface RunningApiServer {
  /** `http://127.0.0.1:43210` */
  url: string;
  token: string;
  /** Replaces what is to go wrong; nothing without an argument. */
  setFaults(faults?: Fault | Fault[]): void;
  /** Ends all connections, watches and timers at once. Can be called again. */
  close(): Promise<void>;
}

/**
 * A Kubernetes API on loopback that begins as it was recorded and then lives: what is applied there is there.
 * @returns when it listens. Who holds the token may do everything; without it every answer is 401.
 */
export async function startApiServer({
  recording,
  token = randomBytes(24).toString('base64url'),
  faults,
  remember = 2000,
  listeners,
}: ApiServerOptions): Promise<RunningApiServer> {
  const api = new Api(recording, token, remember, listeners);
  api.setFaults(faults);
  const server = createServer((request, response) => void api.handle(request, response));
  server.on('upgrade', (request, socket, head) => api.upgrade(request, socket, head));
  server.keepAliveTimeout = 60_000;
  // Also those that were upgraded or that a fault keeps waiting: nothing may keep the process alive.
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  let closing: Promise<void> | undefined;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    setFaults: (next) => api.setFaults(next),
    close: () =>
      (closing ??= new Promise((resolve) => {
        api.close();
        server.close(() => resolve());
        sockets.forEach((socket) => socket.destroy());
      })),
  };
}

/** Three megabytes, as a real server takes. */
const largestBody = 3 * 1024 * 1024;

class Api {
  readonly #state: ApiState;
  readonly #recording: Recording;
  readonly #exec: ExecServer;
  readonly #authorization: Buffer;
  readonly #gitVersion: string;
  readonly #stopControllers: () => void;
  readonly #closed = new AbortController();
  #faults: Fault[] = [];

  constructor(recording: Recording, token: string, remember: number, listeners?: Listeners) {
    this.#state = loadRecording(recording, remember);
    this.#recording = recording;
    this.#exec = new ExecServer(this.#state, recording, listeners);
    this.#authorization = Buffer.from(`Bearer ${token}`);
    this.#gitVersion = findVersion(recording);
    this.#stopControllers = startControllers(this.#state, recording.node);
  }

  setFaults(faults: Fault | Fault[] = []): void {
    this.#faults = Array.isArray(faults) ? faults : [faults];
  }

  close(): void {
    this.#closed.abort();
    this.#stopControllers();
    this.#exec.close();
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client that leaves in the middle is no error of ours.
    response.on('error', () => response.destroy());
    const fault = findFault(this.#faults, request.method ?? '', request.url ?? '');
    try {
      if (fault?.hang) return;
      if (fault?.refuse) return void request.destroy();
      if (fault?.garbage)
        return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Sign in');
      this.#checkFaultAndToken(request, fault);
      if (fault?.cutWatchAfterMs !== undefined) cutAfter(response, fault.cutWatchAfterMs);
      const answer = this.#route(request, await readBody(request), response);
      if (answer) sendAnswer(response, answer);
    } catch (error) {
      sendError(response, error, fault?.retryAfter);
    }
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const fault = findFault(this.#faults, request.method ?? '', request.url ?? '');
    try {
      if (fault?.hang) return;
      if (fault?.refuse) return void socket.destroy();
      this.#checkFaultAndToken(request, fault);
      const url = new URL(request.url ?? '', 'http://localhost');
      const path = parseResourcePath(url.pathname, this.#state.resources);
      if (path.subresource !== 'exec' && path.subresource !== 'portforward')
        throw badRequest('only pods/exec and pods/portforward can be upgraded');
      this.#exec.upgrade(request, socket, head, path, url.searchParams);
    } catch (error) {
      refuseUpgrade(socket, asApiError(error));
    }
  }

  #checkFaultAndToken(request: IncomingMessage, fault: Fault | undefined): void {
    const given = Buffer.from(request.headers.authorization ?? '');
    if (given.length !== this.#authorization.length || !timingSafeEqual(given, this.#authorization))
      throw unauthorized();
    if (fault?.status !== undefined) throw errorOf(fault.status);
  }

  /** @returns the answer; `undefined` when it was written already or is a stream. */
  #route(request: IncomingMessage, body: string, response: ServerResponse): ApiAnswer | undefined {
    const url = new URL(request.url ?? '', 'http://localhost');
    const method = request.method ?? '';
    if (/^\/(?:healthz|livez|readyz)(?:\/|$)/.test(url.pathname)) return void sendText(response, 'ok');
    const found = discover(url.pathname, this.#state.resources, this.#gitVersion);
    if (found) {
      if (method !== 'GET') throw methodNotAllowed();
      return { code: 200, body: found };
    }
    const review = /^\/apis\/auth(?:entic|oriz)ation\.k8s\.io\/v1\/([a-z]+)$/.exec(url.pathname)?.[1];
    if (review !== undefined && Object.hasOwn(reviews, review)) return this.#review(method, review, body);
    if (!/^\/apis?\//.test(url.pathname)) throw pathNotFound();
    const path = parseResourcePath(url.pathname, this.#state.resources);
    const mediaType = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
    const userAgent = /^[^/\s]*/.exec(request.headers['user-agent'] ?? '')![0];
    return this.#dispatch({ method, path, query: url.searchParams, mediaType, body, userAgent }, response);
  }

  #review(method: string, plural: string, body: string): ApiAnswer {
    if (method !== 'POST') throw methodNotAllowed();
    const asked = parseBody(body || '{}', 'application/json');
    return { code: 201, body: answerReview(plural, isObject(asked) ? asked : {}) };
  }

  #dispatch(request: ApiRequest, response: ServerResponse): ApiAnswer | undefined {
    const { method, path, query } = request;
    if (path.subresource === 'exec' || path.subresource === 'portforward') throw badRequest('Upgrade request required');
    if (path.subresource === 'log') return void this.#log(request, response);
    switch (method) {
      case 'GET':
        if (['true', '1'].includes(query.get('watch') ?? ''))
          return void watchObjects(this.#state.store, request, response, this.#closed.signal);
        return {
          code: 200,
          body: path.name ? getObject(this.#state.store, request) : listObjects(this.#state.store, request),
        };
      case 'POST':
        return createObject(this.#state, request);
      case 'PUT':
        return replaceObject(this.#state, request);
      case 'PATCH':
        return patchObject(this.#state, request);
      case 'DELETE':
        if (path.subresource) throw methodNotAllowed();
        return path.name ? deleteObject(this.#state, request) : deleteCollection(this.#state, request);
      default:
        throw methodNotAllowed();
    }
  }

  #log({ method, path, query }: ApiRequest, response: ServerResponse): void {
    if (method !== 'GET') throw methodNotAllowed();
    const pod = this.#state.store.get(path.resource, path.namespace, path.name!);
    if (!pod) throw notFound(path.resource, path.name!);
    checkLog(pod, query.get('container'));
    const printed = logOfDebugContainer(this.#recording, pod, query.get('container'));
    sendLog(response, printed ?? 'This cluster is a recording: logs were not recorded.\n', query, this.#closed.signal);
  }
}

function loadRecording({ objects }: Recording, remember: number): ApiState {
  const resources = new ApiResources();
  const revisions = objects.map(({ metadata }) => Number(metadata.resourceVersion)).filter(Number.isFinite);
  const store = new ApiStore(
    revisions.reduce((a, b) => Math.max(a, b), 1),
    remember,
  );
  for (const object of objects) {
    const resource = resources.learn(object);
    store.load(resource, withIdentity(object));
    if (object.kind === 'CustomResourceDefinition') resources.learnFromDefinition(object);
  }
  return { store, resources };
}

/** A recording made by hand may leave out what every stored object has. */
function withIdentity(object: ApiObject): ApiObject {
  const { uid = randomUUID(), resourceVersion = '1', creationTimestamp = '1970-01-01T00:00:00Z' } = object.metadata;
  return { ...object, metadata: { ...object.metadata, uid, resourceVersion, creationTimestamp } };
}

function findVersion({ objects }: Recording): string {
  const node: Node | undefined = objects.find(({ kind }) => kind === 'Node');
  return node?.status?.nodeInfo?.kubeletVersion ?? 'v1.34.0';
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size <= largestBody) chunks.push(chunk as Buffer);
  }
  if (size > largestBody)
    throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${largestBody}`);
  return Buffer.concat(chunks).toString('utf8');
}

function cutAfter(response: ServerResponse, milliseconds: number): void {
  const timer = setTimeout(() => response.destroy(), milliseconds);
  response.on('close', () => clearTimeout(timer));
}

function sendAnswer(response: ServerResponse, { code, body }: ApiAnswer): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(code, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-cache, private',
    'audit-id': randomUUID(),
  });
  response.end(text);
}

function sendText(response: ServerResponse, text: string): void {
  response
    .writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache, private' })
    .end(text);
}

/** As a kubelet sends a log: with times if asked for, and without an end while it is followed. */
function sendLog(response: ServerResponse, text: string, query: URLSearchParams, closed: AbortSignal): void {
  const isSet = (name: string) => ['true', '1'].includes(query.get(name) ?? '');
  if (isSet('previous')) throw badRequest('previous terminated container was not recorded');
  const tail = query.has('tailLines') ? Number(query.get('tailLines')) : Infinity;
  // Whoever has the lines already, and comes back for what was written since.
  const isNews = !query.has('sinceTime');
  const lines = isNews && tail > 0 ? text.split('\n').slice(0, -1).slice(-tail) : [];
  const time = isSet('timestamps') ? `${new Date().toISOString()} ` : '';
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache, private' });
  response.write(lines.map((line) => `${time}${line}\n`).join(''));
  if (!isSet('follow')) return void response.end();
  const end = () => response.end();
  closed.addEventListener('abort', end, { once: true });
  response.on('close', () => closed.removeEventListener('abort', end));
}

function sendError(response: ServerResponse, error: unknown, retryAfter: number | undefined): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const problem = asApiError(error);
  const seconds = retryAfter ?? problem.details?.retryAfterSeconds;
  if (seconds !== undefined) response.setHeader('retry-after', String(seconds));
  sendAnswer(response, { code: problem.code, body: problem.toStatus() });
}

/** A program error is told as a real server tells its own. */
function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : internalError(error instanceof Error ? error.message : String(error));
}
