/** The ports of a recorded proxy: what its Envoy answered once is answered again, and nothing can be changed. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

/** What one pod answered; one file below `proxies/`. */
export interface RecordedProxy {
  /** ISO 8601; all times in the answers are of about then. */
  recordedAt: string;
  /** By port and path, without the query: `15000/config_dump`. A text, or what is sent as JSON. */
  answers: Record<string, unknown>;
}

/** Istio renews a workload's certificate when half of its day is over. */
const renewalMs = 12 * 60 * 60 * 1000;

/** One pod's ports, of which the server itself holds none. */
export class ProxyServer {
  readonly #proxy: RecordedProxy;
  readonly #servers = new Map<number, Server>();

  constructor(proxy: RecordedProxy) {
    this.#proxy = proxy;
  }

  has(port: number): boolean {
    return Object.keys(this.#proxy.answers).some((key) => key.startsWith(`${port}/`));
  }

  /** Answers one connection. */
  carry(webSocket: WebSocket, port: number): void {
    const server = this.#servers.get(port) ?? createServer((...exchange) => this.#answer(port, ...exchange));
    this.#servers.set(port, server);
    server.emit('connection', streamOf(webSocket));
  }

  close(): void {
    for (const server of this.#servers.values()) server.closeAllConnections();
  }

  #answer(port: number, { url = '/', method }: IncomingMessage, response: ServerResponse): void {
    const [path = '/', query = ''] = url.split('?');
    const answer = this.#proxy.answers[`${port}${path}`];
    const end = (status: number, type: string, text: string) =>
      void response.writeHead(status, { 'content-type': type, 'x-meshloom': 'recording' }).end(text);
    if (answer === undefined) return end(404, 'text/plain', `${path} was not recorded of this proxy\n`);
    // Envoy tells its log levels to a POST alone; a query would change them.
    if (method !== 'GET' && (path !== '/logging' || query !== ''))
      return end(405, 'text/plain', 'this proxy is a recording: nothing in it can be changed\n');
    if (typeof answer === 'string') return end(200, 'text/plain', answer);
    const { recordedAt } = this.#proxy;
    end(200, 'application/json', JSON.stringify(bringUp(answer, Date.now() - Date.parse(recordedAt))));
  }
}

function streamOf(webSocket: WebSocket): Duplex {
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _, done) => webSocket.send(Buffer.concat([Buffer.of(0), chunk]), done),
    final: (done) => {
      webSocket.close(1000);
      done();
    },
  });
  stream.on('error', () => webSocket.terminate());
  webSocket.on('message', (data: Buffer) => void stream.push(data.subarray(1)));
  webSocket.on('close', () => stream.destroy());
  return stream;
}

/** The proxy still runs: its uptime has grown, and its own certificate was renewed as often as it had to be. */
function bringUp(answer: unknown, ageMs: number): unknown {
  const renewedMs = Math.floor(Math.max(0, ageMs) / renewalMs) * renewalMs;
  return map(answer, (key, value, parent) => {
    if (/^uptime_/.test(key) && typeof value === 'string')
      return `${Number.parseInt(value, 10) + Math.floor(ageMs / 1000)}s`;
    if (parent.name === 'default' && key === 'last_updated') return moveTime(value, renewedMs);
    if (parent.name === 'default' && key === 'secret') return moveCertificates(value, renewedMs);
    return key === 'cert_chain' ? moveTimes(value, renewedMs) : value;
  });
}

/** ISO 8601 anywhere in a value, moved on. */
export function moveTimes(value: unknown, byMs: number): unknown {
  return map(value, (_, one) => moveTime(one, byMs));
}

/** Dates within certificates, which nobody verifies here: what signed them stays as it was. */
export function moveCertificates(value: unknown, byMs: number): unknown {
  return map(value, (key, one) => {
    if (key !== 'inline_bytes' || typeof one !== 'string') return one;
    const text = Buffer.from(one, 'base64').toString('latin1');
    const moved = text.replace(/(-----BEGIN CERTIFICATE-----)([^-]+)(-----END)/g, (_, begin, body: string, end) => {
      const der = Buffer.from(body, 'base64').toString('latin1');
      const dated = der.replace(/\x17\r(\d{12})Z/g, (__, time: string) => `\x17\r${moveUtc(time, byMs)}Z`);
      return `${begin}\n${Buffer.from(dated, 'latin1').toString('base64')}\n${end}`;
    });
    return Buffer.from(moved, 'latin1').toString('base64');
  });
}

function moveTime(value: unknown, byMs: number): unknown {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return value;
  return new Date(Date.parse(value) + byMs).toISOString();
}

/** @param time `261121002552`, as X.509 has it. */
function moveUtc(time: string, byMs: number): string {
  const [year, month, day, hour, minute, second] = time.match(/\d\d/g)!;
  const at = Date.parse(`20${year}-${month}-${day}T${hour}:${minute}:${second}Z`) + byMs;
  return new Date(at).toISOString().replaceAll(/\D/g, '').slice(2, 14);
}

type Json = Record<string, unknown>;

/** What `change` gives back as it was is looked into. */
function map(value: unknown, change: (key: string, value: unknown, parent: Json) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => map(item, change));
  if (typeof value !== 'object' || value === null) return value;
  const parent = value as Json;
  return Object.fromEntries(
    Object.entries(parent).map(([key, one]) => {
      const changed = change(key, one, parent);
      return [key, changed === one ? map(one, change) : changed];
    }),
  );
}
