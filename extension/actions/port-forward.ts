/**
 * A port of this machine that leads to a pod, and to the next one when that pod goes. It listens on the loopback address
 * only. No editor here.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import * as l10n from '@vscode/l10n';
import type { Pod } from '../../mesh/kubernetes.ts';
import { ClusterFailure, type Cluster } from '../cluster/cluster.ts';
import { asFailure, systemClock, type Clock } from '../cluster/follow.ts';
import { isReady } from './pod-targets.ts';
import { PodWatcher, type PodScope } from './pod-watcher.ts';

export interface ForwardTarget {
  /** `Deployment shop/web` */
  label: string;
  scope: PodScope;
  /** The pod that was pointed at; another is taken when it goes. */
  prefer?: string;
  /** The port in a pod; a Service may name it, and each pod then says which it is. */
  port: number | string;
}

export type ForwardState =
  | { phase: 'ready'; pod: string }
  /** No pod is ready: connections wait for one. */
  | { phase: 'waiting' }
  | { phase: 'stopped' };

export interface ForwardListener {
  /** Another pod has taken over, or none is left. */
  onState(state: ForwardState, before: ForwardState): void;
  /** A connection came to nothing. */
  onFailure(failure: ClusterFailure): void;
}

/** A connection waits this long for a pod to get ready, in milliseconds. */
const patienceMs = 30_000;
/** After one end has said its last word, in milliseconds: the protocol cannot tell the other end. */
const halfOpenMs = 30_000;
const mostConnections = 512;

export class PortForward {
  readonly target: ForwardTarget;
  readonly localPort: number;
  readonly #cluster: Cluster;
  readonly #server: Server;
  readonly #watcher: PodWatcher;
  readonly #stop: AbortController;
  readonly #listener: ForwardListener;
  /** Each with the pod that it leads to. */
  readonly #connections = new Map<Socket, string>();
  #state: ForwardState = { phase: 'waiting' };

  /**
   * Listens and finds a pod.
   * @param localPort 0: any that is free.
   * @throws ClusterFailure when the pods cannot be read, an Error with code `EADDRINUSE` when the port is taken.
   */
  static async start(
    cluster: Cluster,
    target: ForwardTarget,
    localPort: number,
    listener: ForwardListener,
    clock: Clock = systemClock,
  ): Promise<PortForward> {
    const stop = new AbortController();
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    try {
      const watcher = new PodWatcher(cluster, target.scope, stop.signal, clock);
      await Promise.all([watcher.ready, listen(server, localPort)]);
      return new PortForward(cluster, target, server, watcher, stop, listener);
    } catch (error) {
      stop.abort();
      server.close();
      throw error;
    }
  }

  private constructor(
    cluster: Cluster,
    target: ForwardTarget,
    server: Server,
    watcher: PodWatcher,
    stop: AbortController,
    listener: ForwardListener,
  ) {
    this.target = target;
    this.localPort = (server.address() as AddressInfo).port;
    this.#cluster = cluster;
    this.#server = server;
    this.#watcher = watcher;
    this.#stop = stop;
    this.#listener = listener;
    this.#state = this.#choose();
    watcher.onDidChange(() => this.#look());
    server.on('connection', (socket) => void this.#connect(socket));
    server.on('error', () => undefined);
  }

  get state(): ForwardState {
    return this.#state;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Ends the listening and every connection. Can be called again. */
  stop(): void {
    if (this.#state.phase === 'stopped') return;
    this.#state = { phase: 'stopped' };
    this.#stop.abort();
    this.#server.close();
    for (const socket of this.#connections.keys()) socket.destroy();
    this.#connections.clear();
  }

  /** A pod came, went or got ready. */
  #look(): void {
    if (this.#state.phase === 'stopped') return;
    // A node that died does not end its connections.
    for (const [socket, name] of this.#connections) if (name !== '' && this.#isGone(name)) socket.destroy();
    const before = this.#state;
    this.#state = this.#choose();
    const isSame =
      before.phase === this.#state.phase &&
      (before.phase !== 'ready' || before.pod === (this.#state as { pod?: string }).pod);
    if (!isSame) this.#listener.onState(this.#state, before);
  }

  #isGone(name: string): boolean {
    const phase = this.#watcher.find(name)?.status?.phase;
    return phase === undefined || phase === 'Succeeded' || phase === 'Failed';
  }

  /** The pod of before as long as it is ready, the preferred one, the newest. */
  #choose(): ForwardState {
    const current = this.#state.phase === 'ready' ? this.#state.pod : this.target.prefer;
    const usable = this.#watcher.pods.filter((pod) => isReady(pod) && this.#portIn(pod) !== undefined);
    const kept = usable.find(({ metadata }) => metadata?.name === current);
    const newest = usable.sort((a, b) => created(b).localeCompare(created(a)))[0];
    // A pod that was pointed at may never get ready: a broken one is what people look into.
    const only = this.#watcher.pods.length === 1 ? this.#watcher.pods.find((pod) => runs(pod)) : undefined;
    const pod = (kept ?? newest ?? only)?.metadata?.name;
    return pod === undefined ? { phase: 'waiting' } : { phase: 'ready', pod };
  }

  #portIn(pod: Pod): number | undefined {
    const { port } = this.target;
    if (typeof port === 'number') return port;
    const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
    return containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === port)?.containerPort;
  }

  async #connect(socket: Socket): Promise<void> {
    socket.on('error', () => socket.destroy());
    if (this.#connections.size >= mostConnections) return void socket.destroy();
    this.#connections.set(socket, '');
    socket.on('close', () => this.#connections.delete(socket));
    try {
      const stream = await this.#open(socket);
      if (!stream) return void socket.destroy();
      join(socket, stream, (error) => this.#listener.onFailure(asFailure(error)));
    } catch (error) {
      socket.resetAndDestroy();
      if (this.#state.phase !== 'stopped') this.#listener.onFailure(asFailure(error));
    }
  }

  /** @returns undefined when whoever connected has gone. @throws ClusterFailure */
  async #open(socket: Socket): Promise<Duplex | undefined> {
    const until = performance.now() + patienceMs;
    for (let tries = 0; ; tries++) {
      if (socket.destroyed) return undefined;
      const state = this.#state;
      if (state.phase === 'stopped') return undefined;
      const pod = state.phase === 'ready' ? this.#watcher.find(state.pod) : undefined;
      const port = pod && this.#portIn(pod);
      const left = until - performance.now();
      if (state.phase === 'waiting' || port === undefined) {
        if (left <= 0) throw nobodyReady(this.target);
        await this.#watcher.changed(left);
        continue;
      }
      try {
        const place = { namespace: this.target.scope.namespace, name: state.pod };
        const stream = await this.#cluster.openPort(place, port, { signal: this.#stop.signal });
        this.#connections.set(socket, state.pod);
        return stream;
      } catch (error) {
        // The pod may just have gone, and the watch tells so in a moment.
        const reason = asFailure(error).reason;
        if (tries >= 5 || left <= 0 || !['not-found', 'server-error', 'unexpected', 'invalid'].includes(reason))
          throw error;
        await this.#watcher.changed(1000);
      }
    }
  }
}

/** Both ways, each as fast as the other end takes it. */
function join(socket: Socket, stream: Duplex, onFailure: (error: unknown) => void): void {
  let timer: NodeJS.Timeout | undefined;
  const end = () => {
    clearTimeout(timer);
    socket.destroy();
    stream.destroy();
  };
  const waitForRest = () => {
    clearTimeout(timer);
    timer = setTimeout(end, halfOpenMs);
  };
  stream.on('error', (error) => {
    onFailure(error);
    clearTimeout(timer);
    // Not a clean end: whoever reads must not take what came for all there is.
    socket.resetAndDestroy();
  });
  stream.on('data', () => timer !== undefined && waitForRest());
  socket.on('end', waitForRest);
  socket.on('close', end);
  stream.pipe(socket);
  socket.pipe(stream);
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function created({ metadata }: Pod): string {
  return metadata?.creationTimestamp ?? '';
}

function runs({ metadata, status }: Pod): boolean {
  return metadata?.deletionTimestamp === undefined && status?.phase === 'Running';
}

function nobodyReady({ label }: ForwardTarget): ClusterFailure {
  return new ClusterFailure(
    'unreachable',
    l10n.t('No pod of {0} got ready within {1} s: the connection was given up.', label, patienceMs / 1000),
    l10n.t('The Workloads view says what its pods wait for; the forward stays, for when one is ready.'),
  );
}
