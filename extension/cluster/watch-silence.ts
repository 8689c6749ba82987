import type { IncomingMessage } from 'node:http';
import { failureFromSilence, type ClusterCall } from './describe-failure.ts';
import { unpacked } from './http-call.ts';

export interface Silence {
  /** An API server sends a bookmark about once a minute, so more than that and a half is no live connection. */
  longestMs?: number;
  /** How often is looked. */
  everyMs?: number;
}

/**
 * The chunks of a watch, until it ends or nothing came for too long. A connection whose other end is gone without a word
 * (a proxy that holds it open, a NAT that forgot it, a laptop that slept) shows in no other way.
 *
 * By the wall clock and not by a timer of that length: timers stand still while a laptop sleeps, and the first look after
 * it finds at once that the watch is old.
 * @throws ClusterFailure `timeout`; what the stream throws, else.
 */
export async function* watchSilence(
  call: ClusterCall,
  response: IncomingMessage,
  { longestMs = 90_000, everyMs = 5_000 }: Silence = {},
): AsyncGenerator<Buffer> {
  let heard = Date.now();
  const timer = setInterval(() => {
    const silent = Date.now() - heard;
    // A clock that was set back.
    if (silent < 0) heard = Date.now();
    else if (silent > longestMs) response.destroy(failureFromSilence(call, silent));
  }, everyMs);
  timer.unref();
  try {
    // A proxy may pack what the server did not.
    for await (const chunk of unpacked(response)) {
      heard = Date.now();
      yield chunk as Buffer;
    }
  } finally {
    clearInterval(timer);
  }
}
