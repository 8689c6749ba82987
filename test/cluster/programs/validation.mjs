// As `istio-validation` does it: what this user sends to 127.0.0.6 must arrive at its own port 15006. Nobody listens at 15002,
// so without the rules the connection is refused; then the pod may not go on, and it ends with 126.
import { connect, createServer } from 'node:net';

const end = (code, line) => {
  console.log(line);
  process.exit(code);
};
const server = createServer((socket) => socket.end()).listen(15006, () => {
  const socket = connect(15002, '127.0.0.6');
  socket.on('connect', () => end(0, 'traffic is redirected'));
  socket.on('error', ({ message }) => end(126, message));
});
server.on('error', ({ message }) => end(126, message));
