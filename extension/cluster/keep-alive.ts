import type { WebSocket } from 'ws';

/**
 * Notices a peer that is gone without a word (a laptop that slept, a forgotten NAT entry), and keeps proxies from taking
 * silence for the end. A peer that never answers a ping is believed to be there: some proxies swallow pings.
 */
export function keepAlive(socket: WebSocket, { everyMs = 15_000 }: { everyMs?: number } = {}): void {
  let answers = false;
  let waiting = 0;
  const timer = setInterval(() => {
    if (answers && waiting >= 3) return socket.terminate();
    waiting += 1;
    if (socket.readyState === socket.OPEN) socket.ping();
  }, everyMs);
  const heard = () => (waiting = 0);
  socket.on('pong', () => {
    answers = true;
    heard();
  });
  socket.on('message', heard);
  socket.on('close', () => clearInterval(timer));
}
