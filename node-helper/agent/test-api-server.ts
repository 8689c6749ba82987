/** An API server for tests: pods of one node behind real HTTPS (or HTTP), and the faults that one can have. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createPlainServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificates {
  directory: string;
  caFile: string;
  key: Buffer;
  cert: Buffer;
}

/** A CA made for this test alone, and a certificate for 127.0.0.1 by it. Undefined without openssl. */
export function makeCertificates(): Certificates | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'meshloom-ca-'));
  const file = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  try {
    openssl(
      'req',
      '-x509',
      ...newKey,
      '-keyout',
      file('ca.key'),
      '-out',
      file('ca.crt'),
      '-subj',
      '/CN=test-ca',
      '-days',
      '2',
    );
    openssl('req', ...newKey, '-keyout', file('server.key'), '-out', file('server.csr'), '-subj', '/CN=api');
    writeFileSync(file('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
    const issue = ['x509', '-req', '-in', file('server.csr'), '-CA', file('ca.crt'), '-CAkey', file('ca.key')];
    openssl(...issue, '-CAcreateserial', '-days', '2', '-extfile', file('names'), '-out', file('server.crt'));
  } catch {
    return undefined;
  }
  return {
    directory,
    caFile: file('ca.crt'),
    key: readFileSync(file('server.key')),
    cert: readFileSync(file('server.crt')),
  };
}

export interface TestPod {
  metadata: { name: string; namespace: string; uid: string; resourceVersion?: string; [field: string]: unknown };
  [field: string]: unknown;
}

/** @returns whether it has answered. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => boolean;

export class TestApiServer {
  readonly requests: string[] = [];
  readonly tokens: (string | undefined)[] = [];
  readonly pods = new Map<string, TestPod>();
  /** Asked before anything else is done; the first that answers has answered. */
  faults: Fault[] = [];
  /** Nothing older is known to a watch. */
  oldest = 0;
  url = '';
  #version = 1;
  readonly #watches = new Map<ServerResponse, number>();
  readonly #events: { version: number; line: string }[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(certificates?: Certificates) {
    const listener = (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response);
    this.#server = certificates
      ? createServer({ key: certificates.key, cert: certificates.cert }, listener)
      : createPlainServer(listener);
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.url = certificates ? 'https:' : 'http:';
  }

  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    this.url = `${this.url.split('/')[0]!}//127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Every connection ends without a word. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  get watching(): number {
    return this.#watches.size;
  }

  put(pod: TestPod): void {
    const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
    const type = this.pods.has(key) ? 'MODIFIED' : 'ADDED';
    pod.metadata.resourceVersion = String(++this.#version);
    this.pods.set(key, pod);
    this.#tell(type, pod);
  }

  remove(namespace: string, name: string): void {
    const pod = this.pods.get(`${namespace}/${name}`);
    if (!pod) return;
    this.pods.delete(`${namespace}/${name}`);
    pod.metadata.resourceVersion = String(++this.#version);
    this.#tell('DELETED', pod);
  }

  bookmark(): void {
    this.#tell('BOOKMARK', { kind: 'Pod', metadata: { resourceVersion: String(++this.#version) } });
  }

  /** To every watch, as it is. */
  send(text: string): void {
    for (const response of this.#watches.keys()) response.write(text);
  }

  #tell(type: string, object: object): void {
    const line = `${JSON.stringify({ type, object })}\n`;
    this.#events.push({ version: this.#version, line });
    this.send(line);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push(`${request.method} ${request.url}`);
    this.tokens.push(request.headers.authorization);
    if (this.faults.some((fault) => fault(request, response))) return;
    const url = new URL(request.url ?? '', 'http://x');
    const one = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)$/.exec(url.pathname);
    if (one && request.method === 'DELETE') return this.#delete(request, response, one[1]!, one[2]!);
    if (one) {
      const pod = this.pods.get(`${one[1]}/${one[2]}`);
      return pod ? json(response, 200, pod) : json(response, 404, { kind: 'Status', code: 404, message: 'not found' });
    }
    if (url.searchParams.get('watch')) return this.#watch(url, response);
    const all = [...this.pods.values()];
    const from = Number(url.searchParams.get('continue') ?? 0);
    const limit = Number(url.searchParams.get('limit') ?? all.length);
    const next = from + limit < all.length ? String(from + limit) : '';
    const metadata = { resourceVersion: String(this.#version), continue: next };
    json(response, 200, { kind: 'PodList', metadata, items: all.slice(from, from + limit) });
  }

  #watch(url: URL, response: ServerResponse): void {
    const from = Number(url.searchParams.get('resourceVersion'));
    if (from < this.oldest) {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      const object = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      return;
    }
    response.writeHead(200, { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' });
    response.flushHeaders();
    for (const { version, line } of this.#events) if (version > from) response.write(line);
    this.#watches.set(response, from);
    response.on('close', () => this.#watches.delete(response));
  }

  #delete(request: IncomingMessage, response: ServerResponse, namespace: string, name: string): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const pod = this.pods.get(`${namespace}/${name}`);
      const body = JSON.parse(Buffer.concat(chunks).toString() || '{}') as { preconditions?: { uid?: string } };
      if (!pod) return json(response, 404, { kind: 'Status', code: 404, message: 'not found' });
      if (body.preconditions?.uid !== pod.metadata.uid)
        return json(response, 409, {
          kind: 'Status',
          code: 409,
          message: 'the UID in the precondition does not match',
        });
      this.remove(namespace, name);
      json(response, 200, pod);
    });
  }
}

export function json(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** A pod as the API server has it, in the mesh by CNI mode. */
export function meshPod(name: string, uid: string, more: Partial<TestPod> = {}): TestPod {
  const { metadata, ...rest } = more;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      uid,
      labels: { app: name, 'security.istio.io/tlsMode': 'istio' },
      annotations: { 'sidecar.istio.io/status': '{"containers":["istio-proxy"]}', 'kubectl.kubernetes.io/x': 'y' },
      managedFields: [{ manager: 'kubelet', fieldsV1: { big: 'x'.repeat(500) } }],
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${name}-rs`, uid: 'rs', controller: true }],
      ...metadata,
    },
    spec: {
      nodeName: 'n1',
      initContainers: [{ name: 'istio-validation', image: 'proxyv2', args: ['istio-iptables', '--run-validation'] }],
      containers: [
        { name: 'app', image: 'app', env: [{ name: 'SECRET', value: 'hidden' }] },
        {
          name: 'istio-proxy',
          image: 'proxyv2',
          args: ['proxy', 'sidecar'],
          env: [{ name: 'ISTIO_META_DNS_CAPTURE', value: 'true' }],
        },
      ],
    },
    status: { phase: 'Running' },
    ...rest,
  };
}
