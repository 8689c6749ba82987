/** One HTTP request to a port of a pod, without a port on this machine. */
import { ClientRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import * as l10n from '@vscode/l10n';
import { ClusterFailure, type Cluster } from '../cluster/cluster.ts';

/** A dump of a large mesh has tens of megabytes; what is larger stops the editor while it is read. */
export const largestAnswer = 96 * 1024 * 1024;

export interface AdminPlace {
  namespace: string;
  name: string;
  port: number;
}

export interface AdminOptions {
  signal?: AbortSignal;
  /** How long nothing may come; what comes slowly may take longer in all. */
  timeoutMs?: number;
  /** Default GET. Envoy tells its log levels only to a POST, which without a query changes nothing. */
  method?: 'GET' | 'POST';
  mostBytes?: number;
}

/** The answer is larger than anybody wants to hold. */
class TooLarge extends Error {}

/** Whether less should be asked for. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof ClusterFailure && error.cause instanceof TooLarge;
}

/** @returns the body. @throws ClusterFailure when nobody answers, or with anything but 200. */
export async function readAdmin(
  cluster: Cluster,
  place: AdminPlace,
  path: string,
  options: AdminOptions = {},
): Promise<string> {
  const { signal, timeoutMs = 20_000 } = options;
  const stream = await cluster.openPort(place, place.port, { ...(signal && { signal }) });
  const silent = new AbortController();
  const until = AbortSignal.any([silent.signal, ...(signal ? [signal] : [])]);
  const timer = setTimeout(() => silent.abort(), timeoutMs);
  try {
    return await get(stream, place, path, { ...options, signal: until, onData: () => timer.refresh() });
  } catch (error) {
    if (error instanceof ClusterFailure) throw error;
    const why = silent.signal.aborted
      ? l10n.t('no answer within {0} s', timeoutMs / 1000)
      : String((error as Error).message);
    throw new ClusterFailure(
      signal?.aborted ? 'cancelled' : 'unreachable',
      l10n.t('{0} on port {1} of pod {2} could not be read: {3}.', path, place.port, place.name, why),
      l10n.t('Check that the proxy runs.'),
      { cause: error },
    );
  } finally {
    clearTimeout(timer);
    stream.destroy();
  }
}

function get(
  stream: Duplex,
  { port }: AdminPlace,
  path: string,
  { method = 'GET', mostBytes = largestAnswer, signal, onData }: AdminOptions & { onData: () => void },
): Promise<string> {
  return new Promise((resolve, reject) => {
    stream.on('error', reject);
    // Not `request()`: editors replace that one to go through proxies, and it then connects to this machine's own port.
    const asked = new ClientRequest({
      path,
      method,
      ...(signal && { signal }),
      host: 'localhost',
      port,
      headers: { host: `localhost:${port}`, connection: 'close', ...(method === 'POST' && { 'content-length': '0' }) },
      createConnection: () => stream,
    });
    asked.on('error', reject);
    asked.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        onData();
        size += chunk.length;
        if (size > mostBytes) {
          reject(new TooLarge(l10n.t('more than {0} MB', mostBytes / 1024 / 1024)));
          asked.destroy();
        } else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`HTTP ${response.statusCode}: ${body.slice(0, 200)}`));
      });
    });
    asked.end();
  });
}
