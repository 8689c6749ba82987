// In place of Envoy: says at which of its ports a connection arrived, and for whom it is; answers the readiness probe.
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';

for (const [port, name] of [
  [15001, 'outbound'],
  [15006, 'inbound'],
])
  createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(`${name}\n`);
  }).listen(port);
createHttpServer((_, answer) => answer.end('ready')).listen(15021);
