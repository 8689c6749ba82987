import { StringDecoder } from 'node:string_decoder';
import * as l10n from '@vscode/l10n';
import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import type { WatchEvent } from './cluster.ts';
import { failureFromNonsense, failureFromStatus, type ApiStatus, type ClusterCall } from './describe-failure.ts';

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
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of response) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop()!;
    if (rest.length > maxLine)
      throw failureFromNonsense(call, l10n.t('an event is larger than {0} MB.', maxLine / 1024 / 1024));
    for (const line of lines) if (line.trim() !== '') onEvent(parseEvent<T>(call, line));
  }
  // A server that ends the watch ends it after a line; a rest that does not parse is a connection cut in the middle.
  if (rest.trim() !== '') onEvent(parseEvent<T>(call, rest));
}

function parseEvent<T extends KubernetesObject>(call: ClusterCall, line: string): WatchEvent<T> {
  let event: { type?: string; object?: unknown };
  try {
    event = JSON.parse(line) as { type?: string; object?: unknown };
  } catch (error) {
    throw failureFromNonsense(call, l10n.t('an event was cut off or is not JSON.'), error);
  }
  const object = event?.object as T;
  switch (event?.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type: event.type, object };
    case 'BOOKMARK':
      return { type: 'BOOKMARK', resourceVersion: object?.metadata?.resourceVersion ?? '' };
    case 'ERROR': {
      const status = event.object as ApiStatus | undefined;
      throw failureFromStatus(call, status?.code ?? 500, JSON.stringify(status ?? {}));
    }
    default:
      throw failureFromNonsense(call, l10n.t('an event has the unknown type “{0}”.', String(event?.type)));
  }
}
