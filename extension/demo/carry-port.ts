import { connect } from 'node:net';
import type { WebSocket } from 'ws';

/** Which port of this machine stands for a port of a recorded pod; undefined: nothing listens there. */
export type Listeners = (pod: { namespace: string; name: string }, port: number) => number | undefined;

/** Both channels begin with the port, as a kubelet's do. */
export function beginPort(webSocket: WebSocket, port: number): void {
  webSocket.on('error', () => webSocket.terminate());
  for (const channel of [0, 1]) webSocket.send(Buffer.of(channel, port & 255, port >> 8));
}

/** Carries one connection to a port of this machine; the end of that side is the end of all. */
export function carryPort(webSocket: WebSocket, listener: number): void {
  const target = connect(listener, '127.0.0.1');
  webSocket.on('message', (data: Buffer) => void target.write(data.subarray(1)));
  webSocket.on('close', () => target.destroy());
  target.on('data', (data) => {
    target.pause();
    webSocket.send(Buffer.concat([Buffer.of(0), data]), () => target.resume());
  });
  target.on('error', ({ message }) => webSocket.send(Buffer.concat([Buffer.of(1), Buffer.from(message)])));
  target.on('close', () => webSocket.close(1000));
}
