/**
 * Stands between a client and a real API server and does to their talk what networks, proxies and servers in trouble do.
 * Plain HTTP to the client, TLS to the server; a client shows the proxy's token, the server sees an administrator's.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

export type Target = 'list' | 'watch' | RegExp;

/** What happens to requests. Without `target`: to all of them. */
export interface Fault {
  target?: Target;
  /** How often; without end when absent. */
  times?: number;
  delayMs?: number;
  /** In place of the server's answer. */
  answer?: { status: number; headers?: Record<string, string>; body?: string };
  /** Accepts, and never says a word. */
  silent?: boolean;
  /** The connection is cut after so many bytes of the answer. */
  cutAfter?: number;
  /** Nothing more comes after so many bytes, and the connection stays. */
  stallAfter?: number;
  bytesPerSecond?: number;
  /** In the place of a watch's events. */
  line?: string;
}

export interface ApiServerAddress {
  url: string;
  ca: string;
  token: string;
}

export class FaultProxy {
  /** What was asked, in order: `list /api/v1/pods`. */
  readonly asked: string[] = [];
  /** The one that is accepted; another one is answered with 401. */
  token = 'first';
  readonly #server: Server;
  readonly #api: ApiServerAddress;
  readonly #agent: Agent;
  readonly #sockets = new Set<Socket>();
  readonly #streams = new Set<{ kind: 'list' | 'watch'; response: ServerResponse; isMute: boolean }>();
  #faults: Fault[] = [];

  static async start(api: ApiServerAddress): Promise<FaultProxy> {
    const proxy = new FaultProxy(api);
    await proxy.listen(0);
    return proxy;
  }

  private constructor(api: ApiServerAddress) {
    this.#api = api;
    this.#agent = new Agent({ keepAlive: true, ca: api.ca });
    this.#server = createServer((asked, response) => {
      this.#handle(asked, response).catch(() => response.destroy());
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Of what is open now. */
  get openWatches(): number {
    return [...this.#streams].filter(({ kind }) => kind === 'watch').length;
  }

  set(...faults: Fault[]): void {
    this.#faults = faults;
  }

  /** Cuts every connection, in the middle of whatever it carries. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** From now on nothing comes over what is open, and nobody is told: the other end lost power, or a NAT forgot it. */
  mute(): void {
    for (const stream of this.#streams) stream.isMute = true;
  }

  async close(): Promise<void> {
    this.cut();
    this.#agent.destroy();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  private async listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  async #handle(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = asked.url ?? '';
    const kind = /[?&]watch=(1|true)\b/.test(url) ? 'watch' : 'list';
    this.asked.push(`${kind} ${url.split('?', 1)[0]}`);
    const fault = this.#take(kind, url);
    if (fault?.delayMs) await wait(fault.delayMs);
    if (fault?.silent) return;
    if (fault?.answer) return answer(response, fault.answer);
    if (fault?.line !== undefined) {
      response.writeHead(200, { 'content-type': 'application/json' });
      return void response.end(`${fault.line}\n`);
    }
    if (asked.headers.authorization !== `Bearer ${this.token}`)
      return answer(response, { status: 401, body: JSON.stringify({ kind: 'Status', code: 401 }) });
    this.#forward(asked, response, kind, fault ?? {});
  }

  #take(kind: 'list' | 'watch', url: string): Fault | undefined {
    const fault = this.#faults.find(
      ({ target, times = Infinity }) =>
        times > 0 && (target === undefined || target === kind || (target instanceof RegExp && target.test(url))),
    );
    if (fault?.times !== undefined) fault.times -= 1;
    return fault;
  }

  #forward(asked: IncomingMessage, response: ServerResponse, kind: 'list' | 'watch', fault: Fault): void {
    const { host: _, authorization: __, ...headers } = asked.headers;
    const upstream = request(
      `${this.#api.url}${asked.url}`,
      {
        method: asked.method ?? 'GET',
        agent: this.#agent,
        headers: { ...headers, authorization: `Bearer ${this.#api.token}` },
      },
      (received) => {
        response.writeHead(received.statusCode ?? 502, received.headers);
        response.flushHeaders();
        void this.#pass(received, response, kind, fault).catch(() => response.destroy());
      },
    );
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    asked.pipe(upstream);
  }

  async #pass(
    received: IncomingMessage,
    response: ServerResponse,
    kind: 'list' | 'watch',
    fault: Fault,
  ): Promise<void> {
    const stream = { kind, response, isMute: false };
    this.#streams.add(stream);
    response.on('close', () => this.#streams.delete(stream));
    let sent = 0;
    for await (const chunk of received) {
      for (const piece of pieces(chunk as Buffer, fault)) {
        if (stream.isMute || (fault.stallAfter !== undefined && sent >= fault.stallAfter)) {
          stream.isMute = true;
          continue;
        }
        response.write(piece);
        sent += piece.length;
        if (fault.cutAfter !== undefined && sent >= fault.cutAfter) {
          await wait(5);
          return void response.destroy();
        }
        if (fault.bytesPerSecond !== undefined) await wait((piece.length / fault.bytesPerSecond) * 1000);
      }
    }
    if (!stream.isMute) response.end();
  }
}

function pieces(chunk: Buffer, { cutAfter, stallAfter, bytesPerSecond }: Fault): Buffer[] {
  const size = bytesPerSecond ? Math.ceil(bytesPerSecond / 20) : (cutAfter ?? stallAfter ?? chunk.length);
  const all: Buffer[] = [];
  for (let at = 0; at < chunk.length; at += Math.max(1, size)) all.push(chunk.subarray(at, at + Math.max(1, size)));
  return all;
}

function answer(response: ServerResponse, { status, headers = {}, body = '' }: NonNullable<Fault['answer']>): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body);
}
