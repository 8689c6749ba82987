/**
 * One HTTP request to an API server, with a deadline and a cancel signal.
 *
 * Over `node:http(s)` and not `fetch`: the editor's proxy and system-certificate settings reach these modules only.
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip } from 'node:zlib';
import * as l10n from '@vscode/l10n';
import {
  failureFromCancel,
  failureFromNetwork,
  failureFromNonsense,
  failureFromStatus,
  failureFromTimeout,
  type ClusterCall,
} from './describe-failure.ts';

export interface HttpCall {
  /** For the words of a failure. */
  call: ClusterCall;
  method: 'GET' | 'PATCH' | 'DELETE' | 'POST';
  url: URL;
  /** TLS, agent and headers, as the kubeconfig says. */
  options: RequestOptions;
  body?: { type: string; text: string };
}

export interface HttpAnswer {
  status: number;
  /** Seconds, from `Retry-After`. */
  retryAfter?: number;
  /** Where it sends us on to. */
  location?: string;
  body: string;
}

/** No list page or single object is this large; a stream that never ends is. */
const maxBodyBytes = 128 * 1024 * 1024;

/**
 * Runs `work` until it is done, `timeoutMs` have passed or `signal` aborts, whichever is first; then it returns at once,
 * whatever `work` does. `work` is told by its own signal and stops.
 * @throws ClusterFailure `timeout` or `cancelled`, else what `work` throws.
 */
export async function withDeadline<T>(
  call: ClusterCall,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (signal?.aborted) throw failureFromCancel(call);
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const ended = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(failureFromTimeout(call, timeoutMs)), timeoutMs);
    onAbort = () => reject(failureFromCancel(call));
    signal?.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work(stop.signal), ended]);
  } catch (error) {
    // Nobody waits any more: what is still open is closed.
    stop.abort();
    throw error;
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}

/**
 * Sends the request and waits for status and headers.
 * @param signal destroys the connection when it aborts, also while the body is read.
 * @returns the answer, its body unread.
 * @throws ClusterFailure `unreachable`.
 */
export function openHttp(httpCall: HttpCall, signal: AbortSignal): Promise<IncomingMessage> {
  const { call, method, url, options, body } = httpCall;
  return new Promise((resolve, reject) => {
    const headers = {
      ...(options.headers as Record<string, string> | undefined),
      accept: 'application/json',
      // Lists shrink to a tenth; who packs a stream holds back its last lines.
      'accept-encoding': call.verb === 'watch' || call.verb === 'log' ? 'identity' : 'gzip',
      ...(body && { 'content-type': body.type, 'content-length': Buffer.byteLength(body.text) }),
    };
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(url, { ...options, method, headers, signal }, resolve);
    request.on('error', (error: NodeJS.ErrnoException) => {
      // The server closed an idle connection just as we took it again. All our requests may be sent twice.
      if (request.reusedSocket && error.code === 'ECONNRESET') resolve(openHttp(httpCall, signal));
      else reject(failureFromNetwork(call, error));
    });
    // A dead peer (a laptop that slept, a forgotten NAT entry) shows only to who asks: a watch is otherwise silent for ever.
    request.on('socket', (socket) => socket.setKeepAlive(true, 30_000));
    request.end(body?.text);
  });
}

/** Reads the body to its end. */
export async function readBody(call: ClusterCall, response: IncomingMessage): Promise<HttpAnswer> {
  // Put together as text: of a list of 10,000 pods a hundred megabytes of bytes would lie about, out of sight of the collector.
  const decoder = new StringDecoder('utf8');
  let body = '';
  let size = 0;
  try {
    for await (const chunk of unpacked(response)) {
      size += (chunk as Buffer).length;
      if (size > maxBodyBytes) {
        response.destroy();
        throw failureFromNonsense(call, l10n.t('the answer is larger than {0} MB.', maxBodyBytes / 1024 / 1024));
      }
      body += decoder.write(chunk as Buffer);
    }
  } catch (error) {
    throw failureFromNetwork(call, error);
  }
  const retryAfter = parseRetryAfter(response.headers['retry-after'], Date.now());
  return {
    status: response.statusCode ?? 0,
    ...(retryAfter !== undefined && { retryAfter }),
    ...(response.headers.location !== undefined && { location: response.headers.location }),
    body: body + decoder.end(),
  };
}

/** @returns seconds: API servers say how many, proxies also until when. @param now milliseconds since 1970. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (!header) return undefined;
  const waitS = /^\s*\d+(\.\d+)?\s*$/.test(header) ? Number(header) : (Date.parse(header) - now) / 1000;
  return Number.isFinite(waitS) ? Math.max(0, waitS) : undefined;
}

/** Its bytes as they were before the server packed them. */
export function unpacked(response: IncomingMessage): Readable {
  if (response.headers['content-encoding'] !== 'gzip') return response;
  // An error of either end reaches who reads the other.
  return pipeline(response, createGunzip(), () => undefined);
}

/** @throws ClusterFailure `unexpected` when the body of a successful answer is not a JSON object. */
export function parseAnswer<T>(call: ClusterCall, { body }: HttpAnswer): T {
  let value: unknown;
  let cause: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    cause = error;
  }
  if (typeof value === 'object' && value !== null) {
    const { kind, status, code } = value as { kind?: unknown; status?: unknown; code?: number };
    // Gateways turn a refusal into a 200; taken for a list it would be an empty one.
    if (kind === 'Status' && status === 'Failure') throw failureFromStatus(call, code ?? 500, body);
    return value as T;
  }
  const begin = body.trim().slice(0, 60).replace(/\s+/g, ' ');
  throw failureFromNonsense(
    call,
    begin ? l10n.t('the answer is not JSON, or cut off: “{0}…”.', begin) : l10n.t('the answer is empty.'),
    cause,
  );
}
