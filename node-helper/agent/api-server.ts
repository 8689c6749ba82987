/**
 * The API server, as far as the agent needs it: plain requests over `node:https`. In a pod its address and the account's
 * token and CA stand where every pod finds them; the token is replaced by the kubelet from time to time, so it is read for
 * each request. The helper's pod has the host's network: on a node with a broken kube-proxy the Service's address may
 * swallow packets without a word, so nothing here waits without a limit.
 */
import { Agent as PlainAgent, type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http';
import { Agent, request as secureRequest } from 'node:https';
import { attempt } from '../failure.ts';
import type { Host } from '../host.ts';

/** Where the API server is, and who we are to it. */
export interface ApiAddress {
  url: URL;
  tokenFile?: string;
  caFile?: string;
}

/** Where the kubelet puts a pod's account. */
export const accountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * @param chosen `none`: the annotations that the runtime hands over have to do; a URL; absent: as a pod finds it.
 * @returns undefined: there is none.
 */
export function findApiServer(
  chosen: string | undefined,
  env: Record<string, string | undefined>,
): ApiAddress | undefined {
  if (chosen === 'none') return undefined;
  const account = { tokenFile: `${accountDirectory}/token`, caFile: `${accountDirectory}/ca.crt` };
  if (chosen !== undefined) return { url: new URL(chosen), ...account };
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = env;
  if (!host) return undefined;
  return { url: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`), ...account };
}

/** It answered, but not with what was asked for; or it did not answer (status 0). */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly status: number;
  /** Milliseconds that it asks us to wait. */
  readonly retryAfter: number | undefined;
  constructor(message: string, status: number, retryAfter?: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

export interface ApiRequest {
  method?: 'GET' | 'DELETE';
  /** With its query. */
  path: string;
  body?: object;
  /** Milliseconds until the answer begins. */
  patience: number;
  signal?: AbortSignal;
}

export interface ApiServer {
  readonly name: string;
  /** The answer's body. @param patience of the request counts for all of it. @throws {ApiFailure} */
  ask(request: ApiRequest): Promise<unknown>;
  /** An answer that goes on. @throws {ApiFailure} when it does not begin well. */
  open(request: ApiRequest): Promise<IncomingMessage>;
  close(): void;
}

/** Bytes of one answer; a page of fifty large pods has some megabytes. */
const longestAnswer = 64 * 1024 * 1024;

export function apiServer(host: Host, { url, tokenFile, caFile }: ApiAddress): ApiServer {
  const isSecure = url.protocol === 'https:';
  let ca = '';
  let agent: PlainAgent | undefined;
  /** One set of connections for as long as the CA stays the same. Few: it is asked seldom, and never floods the server. */
  const connections = () => {
    const now = (isSecure && caFile !== undefined && attempt(() => host.read(caFile))) || '';
    if (agent && now === ca) return agent;
    agent?.destroy();
    ca = now;
    const options = { keepAlive: true, keepAliveMsecs: 10_000, maxSockets: 8, maxFreeSockets: 1, timeout: 60_000 };
    return (agent = isSecure ? new Agent({ ...options, ...(ca && { ca }) }) : new PlainAgent(options));
  };

  const open = ({ method = 'GET', path, body, patience, signal }: ApiRequest) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const token = tokenFile === undefined ? undefined : attempt(() => host.read(tokenFile).trim());
      const content = body && JSON.stringify(body);
      const options: RequestOptions = {
        method,
        agent: connections(),
        ...(signal && { signal }),
        headers: {
          Accept: 'application/json',
          'User-Agent': `meshloom-agent/${host.identity.version}`,
          ...(token && { Authorization: `Bearer ${token}` }),
          ...(content && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(content) }),
        },
      };
      const target = new URL(`${url.pathname.replace(/\/+$/, '')}${path}`, url);
      const request = isSecure ? secureRequest(target, options) : plainRequest(target, options);
      const timer = setTimeout(
        () => request.destroy(new Error(`no answer within ${Math.round(patience / 100) / 10} s`)),
        patience,
      );
      request.on('response', (response) => {
        clearTimeout(timer);
        response.on('error', () => undefined);
        resolve(response);
      });
      request.on('error', (error) => {
        clearTimeout(timer);
        reject(
          new ApiFailure(`The API server ${url.host} could not be asked: ${reasonOf(error)}`, 0, undefined, {
            cause: error,
          }),
        );
      });
      request.end(content);
    });

  return {
    name: url.host,
    async open(request) {
      const response = await open(request);
      if (response.statusCode === 200) return response;
      throw refusal(response, await readBody(response, 5_000).catch(() => ''), url.host);
    },
    async ask(request) {
      const started = host.now();
      const response = await open(request);
      const left = Math.max(1, request.patience - (host.now() - started));
      const text = await readBody(response, left).catch((error: unknown) => {
        throw new ApiFailure(`The answer of the API server ${url.host} broke off: ${reasonOf(error)}`, 0);
      });
      if (response.statusCode !== 200 && response.statusCode !== 202) throw refusal(response, text, url.host);
      try {
        return JSON.parse(text) as unknown;
      } catch (error) {
        throw new ApiFailure(`The API server ${url.host} did not answer with JSON.`, 0, undefined, { cause: error });
      }
    },
    close: () => agent?.destroy(),
  };
}

function readBody(response: IncomingMessage, patience: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const fail = (why: string) => {
      response.destroy();
      reject(new Error(why));
    };
    const timer = setTimeout(() => fail('it took too long'), patience);
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > longestAnswer) fail('it is too long');
      else chunks.push(chunk);
    });
    response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    // A connection that is cut has no end, but it closes; after an end this changes nothing.
    response.on('close', () => {
      clearTimeout(timer);
      reject(new Error('the connection was cut'));
    });
  });
}

function refusal({ statusCode = 0, headers }: IncomingMessage, text: string, name: string): ApiFailure {
  const said = attempt(() => (JSON.parse(text) as { message?: unknown }).message);
  const words = typeof said === 'string' ? said : text.slice(0, 200).trim();
  const seconds = Number(headers['retry-after']);
  return new ApiFailure(
    `The API server ${name} answered ${statusCode}${words && `: ${words}`}`,
    statusCode,
    Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 120) * 1000 : undefined,
  );
}

/** Node puts the reasons of several addresses into one error without words. */
function reasonOf(error: unknown): string {
  const { message = '', code } = (error ?? {}) as NodeJS.ErrnoException;
  const first = (error as { errors?: unknown[] } | undefined)?.errors?.[0];
  return message || (first ? reasonOf(first) : (code ?? 'unknown'));
}
