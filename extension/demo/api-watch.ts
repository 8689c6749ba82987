import type { ServerResponse } from 'node:http';
import { ApiError, expired } from './api-error.ts';
import type { ApiObject } from './api-object.ts';
import { inVersion, parseNumber } from './api-reads.ts';
import type { ApiRequest } from './api-request.ts';
import { apiVersionOf } from './api-resources.ts';
import type { ApiStore, Change } from './api-store.ts';
import { parseSelectors, type ObjectFilter } from './selectors.ts';

/** A real server ends a watch that names no limit after 30 to 60 minutes. */
const longestSeconds = 1800;
const bookmarkEveryMs = 60_000;

/**
 * Streams changes as JSON lines until the client leaves, `timeoutSeconds` pass or {@link signal} aborts.
 *
 * From where? `resourceVersion` absent or `0`: first every object as ADDED. A number: the changes after it; too old is an
 * ERROR event with a 410 in a stream that began with 200, as the watch cache of a real server does it.
 * @throws {ApiError} before the first byte: a query that cannot be read, a revision from the future.
 */
export function watchObjects(
  store: ApiStore,
  request: ApiRequest,
  response: ServerResponse,
  signal: AbortSignal,
): void {
  const { path, query } = request;
  const { resource, version, namespace, name } = path;
  const selected = parseSelectors(resource, query);
  const matches: ObjectFilter = (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (name === undefined || object.metadata.name === name) &&
    selected(object);
  const since = parseNumber(query, 'resourceVersion');
  if (since > store.revision) throw tooLarge(since, store.revision);
  const seconds = parseNumber(query, 'timeoutSeconds') || longestSeconds;
  const bookmarks = query.get('allowWatchBookmarks') === 'true';
  const listFirst = since === 0 || query.get('sendInitialEvents') === 'true';
  const send = (type: string, object: object) => response.write(`${JSON.stringify({ type, object })}\n`);
  const bookmark = (annotations?: Record<string, string>) =>
    send('BOOKMARK', {
      kind: resource.kind,
      apiVersion: apiVersionOf(resource, version),
      metadata: {
        resourceVersion: String(store.revision),
        creationTimestamp: null,
        ...(annotations && { annotations }),
      },
    });
  const tell = (change: Change) => {
    if (change.resource !== resource) return;
    const event = eventFor(change, matches);
    if (event) send(event.type, inVersion(resource, version, event.object));
  };

  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  if (listFirst) {
    for (const object of store.list(resource, namespace).filter(matches))
      send('ADDED', inVersion(resource, version, object));
    if (query.get('sendInitialEvents') === 'true' && bookmarks) bookmark({ 'k8s.io/initial-events-end': 'true' });
  } else {
    const missed = store.changesAfter(since);
    if (!missed) {
      send('ERROR', expired(`too old resource version: ${since} (${store.revision})`).toStatus());
      response.end();
      return;
    }
    missed.forEach(tell);
  }

  const forget = store.onChange(tell);
  const regularly = bookmarks ? setInterval(bookmark, bookmarkEveryMs) : undefined;
  const end = () => {
    if (bookmarks) bookmark();
    response.end();
  };
  const timer = setTimeout(end, seconds * 1000);
  const cut = () => response.destroy();
  signal.addEventListener('abort', cut);
  response.on('close', () => {
    forget();
    clearInterval(regularly);
    clearTimeout(timer);
    signal.removeEventListener('abort', cut);
  });
}

/** With a selector an object may come into view by a change, or leave it: that is told as ADDED and DELETED. */
function eventFor(
  { type, object, previous }: Change,
  matches: ObjectFilter,
): { type: string; object: ApiObject } | undefined {
  const was = previous !== undefined && matches(previous);
  const is = type !== 'DELETED' && matches(object);
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object };
  if (!was) return undefined;
  // What left a selector is shown as it last was inside, but with the number of the change that took it out.
  const { resourceVersion } = object.metadata;
  return {
    type: 'DELETED',
    object: { ...previous, metadata: { ...previous.metadata, ...(resourceVersion && { resourceVersion }) } },
  };
}

function tooLarge(asked: number, current: number): ApiError {
  return new ApiError(504, 'Timeout', `Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}
