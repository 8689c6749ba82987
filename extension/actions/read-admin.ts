/** One HTTP request to a port of a pod, without a port on this machine. */
import { ClientRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import * as l10n from '@vscode/l10n';
import { ClusterFailure, type Cluster } from '../cluster/cluster.ts';

/** A dump of a large mesh has tens of megabytes; what is larger nobody reads in an editor. */
const largestAnswer = 96 * 1024 * 1024;

export interface AdminPlace {
  namespace: string;
  name: string;
  port: number;
}

/** @returns the body. @throws ClusterFailure when nobody answers, or with anything but 200. */
export async function readAdmin(
  cluster: Cluster,
  place: AdminPlace,
  path: string,
  { signal, timeoutMs = 20_000 }: { signal?: AbortSignal; timeoutMs?: number } = {},
): Promise<string> {
  const stream = await cluster.openPort(place, place.port, { ...(signal && { signal }) });
  const until = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
  try {
    return await get(stream, place, path, until);
  } catch (error) {
    if (error instanceof ClusterFailure) throw error;
    const why =
      until.aborted && !signal?.aborted
        ? l10n.t('no answer within {0} s', timeoutMs / 1000)
        : String((error as Error).message);
    throw new ClusterFailure(
      signal?.aborted ? 'cancelled' : 'unreachable',
      l10n.t('{0} on port {1} of pod {2} could not be read: {3}.', path, place.port, place.name, why),
      l10n.t('Check that the proxy runs.'),
      { cause: error },
    );
  } finally {
    stream.destroy();
  }
}

function get(stream: Duplex, { port }: AdminPlace, path: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    stream.on('error', reject);
    // Not `request()`: editors replace that one to go through proxies, and it then connects to this machine's own port.
    const asked = new ClientRequest({
      path,
      signal,
      host: 'localhost',
      port,
      headers: { host: `localhost:${port}`, connection: 'close' },
      createConnection: () => stream,
    });
    asked.on('error', reject);
    asked.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > largestAnswer) reject(new Error(l10n.t('more than {0} MB', largestAnswer / 1024 / 1024)));
        else chunks.push(chunk);
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
