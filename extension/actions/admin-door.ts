/**
 * The way to a proxy's admin port: through a port forwarded, or, where that is not allowed or the node cannot do it, by a
 * program in the proxy's own container that asks from there.
 */
import * as l10n from '@vscode/l10n';
import { ClusterFailure, type Cluster } from '../cluster/cluster.ts';
import { readAdmin, type AdminOptions, type AdminPlace } from './read-admin.ts';

export class AdminDoor {
  readonly #cluster: Cluster;
  readonly #place: AdminPlace;
  readonly #container: string;
  readonly #signal: AbortSignal | undefined;
  /** Why the forwarded port is not asked again. */
  #closed: ClusterFailure | undefined;

  /** @param container in which `pilot-agent` or `curl` may be run. */
  constructor(cluster: Cluster, place: AdminPlace, container: string, signal: AbortSignal | undefined) {
    this.#cluster = cluster;
    this.#place = place;
    this.#container = container;
    this.#signal = signal;
  }

  /** @returns the body of the answer. @throws ClusterFailure */
  async ask(path: string, options: Omit<AdminOptions, 'signal'> = {}): Promise<string> {
    if (this.#closed === undefined) {
      try {
        return await readAdmin(this.#cluster, this.#place, path, { ...options, ...this.#cancel() });
      } catch (error) {
        if (!(error instanceof ClusterFailure) || !isClosed(error)) throw error;
        this.#closed = error;
      }
    }
    return await this.#askInside(path, options, this.#closed);
  }

  async #askInside(path: string, options: Omit<AdminOptions, 'signal'>, closed: ClusterFailure): Promise<string> {
    const { method = 'GET', timeoutMs = 20_000 } = options;
    const url = `http://127.0.0.1:${this.#place.port}${path}`;
    const seconds = String(Math.ceil(timeoutMs / 1000));
    // Images without a shell have the agent alone, which knows only the usual port.
    const agent = ['pilot-agent', 'request', method, path.slice(1)];
    const curl = ['curl', '-sSf', '--globoff', '-X', method, '--max-time', seconds, url];
    for (const command of this.#place.port === 15_000 ? [agent, curl] : [curl]) {
      try {
        const place = { ...this.#place, container: this.#container };
        const { stdout, exitCode } = await this.#cluster.exec(place, command, { timeoutMs, ...this.#cancel() });
        if (exitCode === 0) return stdout;
      } catch (error) {
        if (this.#signal?.aborted) throw error;
      }
    }
    throw new ClusterFailure(
      closed.reason,
      l10n.t('{0} Asking from inside the container {1} did not work either.', closed.message, this.#container),
      closed.next,
      { cause: closed },
    );
  }

  #cancel() {
    return this.#signal ? { signal: this.#signal } : {};
  }
}

/** No right to forward ports, or a runtime that cannot. That nobody listens would be the same from inside. */
function isClosed({ reason, message }: ClusterFailure): boolean {
  return reason === 'forbidden' || reason === 'server-error' || /socat|unimplemented|not supported/i.test(message);
}
