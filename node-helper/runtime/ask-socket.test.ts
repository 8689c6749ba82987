import { createServer as createHttp1 } from 'node:http';
import { createServer as createHttp2, type Http2Server } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { realRuntimeSocket } from './ask-socket.ts';

const directory = mkdtempSync(join(tmpdir(), 'meshloom-cri-'));
const servers: { close: () => unknown }[] = [];
let count = 0;
afterEach(() => servers.splice(0).forEach((server) => server.close()));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function listen(server: Server | Http2Server | ReturnType<typeof createHttp1>): Promise<string> {
  const path = join(directory, `${count++}.sock`);
  servers.push(server);
  return new Promise((resolve) => server.listen(path, () => resolve(path)));
}

function field(number: number, value: string | Buffer | boolean): Buffer {
  if (typeof value === 'boolean') return Buffer.from([number * 8, Number(value)]);
  const bytes = Buffer.from(value);
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7];
  return Buffer.concat([Buffer.from([number * 8 + 2, ...length]), bytes]);
}

const versionAnswer = Buffer.concat([field(1, '0.1.0'), field(2, 'containerd'), field(3, 'v1.7.2'), field(4, 'v1')]);
const networkDown = Buffer.concat([
  field(1, 'NetworkReady'),
  field(2, false),
  field(3, 'NotReady'),
  field(4, 'no config'),
]);
const statusAnswer = Buffer.concat([
  field(1, field(1, Buffer.concat([field(1, 'RuntimeReady'), field(2, true)]))),
  field(1, field(1, networkDown)),
  field(2, Buffer.concat([field(1, 'lastCNILoadStatus'), field(2, 'OK')])),
  field(2, Buffer.concat([field(1, 'config'), field(2, '{"cni":{}}')])),
]);

function runtime(service: string, asked: string[] = []): Http2Server {
  return createHttp2().on('stream', (stream, headers) => {
    const path = headers[':path']!;
    asked.push(path);
    const ok = path.startsWith(`/${service}/`);
    const answer = path.endsWith('/Version') ? versionAnswer : statusAnswer;
    stream.on('error', () => undefined);
    stream.respond(
      {
        ':status': 200,
        'content-type': 'application/grpc',
        ...(!ok && { 'grpc-status': '12', 'grpc-message': 'unknown%20service' }),
      },
      { waitForTrailers: ok, endStream: !ok },
    );
    if (!ok) return;
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(answer.length, 1);
    stream.end(Buffer.concat([frame, answer]));
  });
}

test.each(['runtime.v1.RuntimeService', 'runtime.v1alpha2.RuntimeService'])('asks %s', async (service) => {
  const asked: string[] = [];
  const path = await listen(runtime(service, asked));
  expect(await realRuntimeSocket.status(path)).toEqual({
    name: 'containerd',
    version: 'v1.7.2',
    network: { ready: false, message: 'no config' },
    info: { lastCNILoadStatus: 'OK', config: '{"cni":{}}' },
  });
  expect(asked.slice(-2)).toEqual([`/${service}/Version`, `/${service}/Status`]);
});

test('a runtime without Kubernetes’ part is said to refuse', async () => {
  const path = await listen(runtime('containerd.services.version.v1.Version'));
  await expect(realRuntimeSocket.status(path)).rejects.toThrow('unknown service');
});

const bad: [string, (socket: Socket) => void, string][] = [
  ['hangs', () => undefined, '2 seconds'],
  ['prints garbage', (socket) => void socket.end('hello\n'.repeat(1000)), ''],
  ['goes away', (socket) => void socket.destroy(), ''],
  ['speaks HTTP/1', (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), ''],
  ['never ends', (socket) => void setInterval(() => socket.write('x'), 5).unref(), ''],
];

test.each(bad)('a socket whose owner %s is refused in words, within its time', async (_, behave, words) => {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    behave(socket);
  });
  const path = await listen(server);
  const started = performance.now();
  for (const ask of [realRuntimeSocket.status, realRuntimeSocket.crioConfig])
    await expect(ask(path)).rejects.toThrow(words);
  expect(performance.now() - started).toBeLessThan(5_500);
  for (const socket of open) socket.destroy();
});

test('a socket that nobody serves, and a file that is none', async () => {
  await expect(realRuntimeSocket.status(join(directory, 'nowhere.sock'))).rejects.toThrow('ENOENT');
  const path = join(directory, 'left.sock');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  // What a killed program leaves: the name without a listener.
  const { renameSync } = await import('node:fs');
  renameSync(path, `${path}.kept`);
  server.close();
  await expect(realRuntimeSocket.status(`${path}.kept`)).rejects.toThrow('nobody listens');
});

test('CRI-O’s configuration comes over plain HTTP', async () => {
  const path = await listen(
    createHttp1((request, response) => {
      response.statusCode = request.url === '/config' ? 200 : 404;
      response.end('[crio.network]\nnetwork_dir = "/x"\n');
    }),
  );
  expect(await realRuntimeSocket.crioConfig(path)).toContain('network_dir');
});
