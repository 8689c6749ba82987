// An app: says “app” at 8080.
import { createServer } from 'node:net';

createServer((socket) => {
  socket.on('error', () => undefined);
  socket.end('app\n');
}).listen(8080);
