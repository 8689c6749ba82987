/**
 * A control plane in a few lines: Envoy polls it for JSON over HTTP (REST xDS), and holds an ADS stream to it over gRPC, on
 * which it hears who serves it. What it is given is sent as it is, faults included.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';

/** `clusters`, `listeners`, `routes`, `endpoints`, `secrets`: as in the path `/v3/discovery:clusters`. */
export type Discovery = 'clusters' | 'listeners' | 'routes' | 'endpoints' | 'secrets';

const types: Record<Discovery, string> = {
  clusters: 'envoy.config.cluster.v3.Cluster',
  listeners: 'envoy.config.listener.v3.Listener',
  routes: 'envoy.config.route.v3.RouteConfiguration',
  endpoints: 'envoy.config.endpoint.v3.ClusterLoadAssignment',
  secrets: 'envoy.extensions.transport_sockets.tls.v3.Secret',
};

/** An extension that is compiled in, as Envoy tells its control plane. */
export interface Extension {
  name: string;
  category: string;
  typeUrls: string[];
  disabled: boolean;
}

type Resource = Record<string, unknown>;

export class ControlPlane {
  readonly #sent = new Map<Discovery, { version: string; resources: Resource[] }>();
  #rest: Server | undefined;
  #grpc: Http2Server | undefined;
  #extensions: Extension[] = [];

  async open(): Promise<void> {
    this.#rest = createServer((request, response) => void this.#answer(request, response));
    this.#grpc = createHttp2Server();
    this.#grpc.on('stream', (stream) => {
      stream.on('error', () => undefined);
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      // Whenever something is asked: an answer without anything in it, which tells who answers.
      stream.on('data', () => stream.write(grpcMessage(identity)));
    });
    for (const server of [this.#rest, this.#grpc])
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }

  close(): void {
    this.#rest?.closeAllConnections();
    this.#rest?.close();
    this.#grpc?.close();
  }

  get ports(): { rest: number; grpc: number } {
    const portOf = (server: Server | Http2Server | undefined) => (server!.address() as AddressInfo).port;
    return { rest: portOf(this.#rest), grpc: portOf(this.#grpc) };
  }

  /** What Envoy said of itself when it asked first. */
  get extensions(): readonly Extension[] {
    return this.#extensions;
  }

  /** From now on this is all there is of a kind. */
  send(kind: Discovery, version: string, resources: Resource[]): void {
    this.#sent.set(kind, { version, resources });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const asked = JSON.parse(Buffer.concat(chunks).toString()) as {
      version_info?: string;
      resource_names?: string[];
      node?: { extensions?: (Omit<Extension, 'typeUrls'> & { type_urls?: string[] })[] };
    };
    if (asked.node?.extensions)
      this.#extensions = asked.node.extensions.map(({ type_urls: typeUrls = [], ...one }) => ({ ...one, typeUrls }));
    const kind = /discovery:(\w+)/.exec(request.url ?? '')?.[1] as Discovery;
    const sent = this.#sent.get(kind);
    const wanted = asked.resource_names ?? [];
    const resources = (sent?.resources ?? []).filter(
      (one) => wanted.length === 0 || wanted.includes(String(one.cluster_name ?? one.name)),
    );
    // Nothing new, or nothing of that name: what is not there yet is not answered.
    if (!sent || resources.length === 0 || asked.version_info === sent.version) {
      response.writeHead(304).end();
      return;
    }
    const typed = resources.map((one) => ({ '@type': `type.googleapis.com/${types[kind]}`, ...one }));
    const type_url = `type.googleapis.com/${types[kind]}`;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ version_info: sent.version, type_url, resources: typed }));
  }
}

/** A DiscoveryResponse in protobuf's bytes: version_info 1, type_url 4, nonce 5, control_plane 6 with identifier 1. */
const identity = Buffer.concat([
  field(1, Buffer.from('1')),
  field(4, Buffer.from('type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment')),
  field(5, Buffer.from('1')),
  field(6, field(1, Buffer.from('{"Component":"istiod","ID":"istiod-7f5c-abc","Info":{"version":"1.29.0"}}'))),
]);

function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of((number << 3) | 2, bytes.length), bytes]);
}

/** Not compressed, with its length in front. */
function grpcMessage(bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}
