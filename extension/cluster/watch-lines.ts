import * as l10n from '@vscode/l10n';
import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import type { WatchEvent } from './cluster.ts';
import { failureFromNonsense, failureFromStatus, type ApiStatus, type ClusterCall } from './describe-failure.ts';
import { takeTurns } from './take-turns.ts';

const lineEnd = 0x0a;
/** An object has at most 1.5 MB in etcd; a line that never ends is not a watch. */
const maxLine = 16 * 1024 * 1024;

/**
 * Reads a watch: one JSON object per line, until the stream ends.
 * @throws ClusterFailure for an `ERROR` event (410 is `gone`) or a line that is no event; what the stream throws, else.
 */
export async function readWatch<T extends KubernetesObject>(
  call: ClusterCall,
  response: AsyncIterable<Buffer>,
  onEvent: (event: WatchEvent<T>) => void,
): Promise<void> {
  /** A line that has begun, in pieces: put together once, however many they are. */
  let begun: Buffer[] = [];
  let length = 0;
  const take = async (line: string): Promise<void> => {
    if (line.trim() === '') return;
    const event = parseEvent<T>(call, line);
    // Of a kind that is not known, or about nothing.
    if (event) onEvent(event);
    const turn = takeTurns();
    if (turn) await turn;
  };
  for await (const chunk of response) {
    let from = 0;
    // In UTF-8 no other character has this byte in it.
    for (let end = chunk.indexOf(lineEnd); end >= 0; end = chunk.indexOf(lineEnd, from)) {
      const rest = chunk.subarray(from, end);
      const line = begun.length > 0 ? Buffer.concat([...begun, rest]) : rest;
      begun = [];
      length = 0;
      from = end + 1;
      await take(line.toString('utf8'));
    }
    if (from === chunk.length) continue;
    begun.push(from > 0 ? chunk.subarray(from) : chunk);
    length += chunk.length - from;
    if (length > maxLine)
      throw failureFromNonsense(call, l10n.t('an event is larger than {0} MB.', maxLine / 1024 / 1024));
  }
  // A server that ends the watch ends it after a line; a rest that does not parse is a connection cut in the middle.
  await take(Buffer.concat(begun).toString('utf8'));
}

function parseEvent<T extends KubernetesObject>(call: ClusterCall, line: string): WatchEvent<T> | undefined {
  let event: { type?: unknown; object?: unknown; kind?: unknown } | null;
  try {
    event = JSON.parse(line) as typeof event;
  } catch (error) {
    throw failureFromNonsense(call, l10n.t('an event was cut off or is not JSON.'), error);
  }
  // Some servers say what is wrong with a watch without wrapping it up as an event.
  if (event?.kind === 'Status') event = { type: 'ERROR', object: event };
  const object = event?.object as T | null | undefined;
  switch (event?.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return typeof object === 'object' && object !== null ? { type: event.type, object } : undefined;
    case 'BOOKMARK':
      return { type: 'BOOKMARK', resourceVersion: object?.metadata?.resourceVersion ?? '' };
    case 'ERROR': {
      const status = object as ApiStatus | undefined;
      throw failureFromStatus(call, status?.code ?? 500, JSON.stringify(status ?? {}));
    }
    default:
      if (typeof event?.type === 'string') return undefined;
      throw failureFromNonsense(call, l10n.t('an event was cut off or is not JSON.'));
  }
}
