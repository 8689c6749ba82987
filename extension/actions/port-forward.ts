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
/** Who looks into a workload that never gets ready is let through to a pod that runs, after this time, in milliseconds. */
const unreadyAfterMs = 15_000;
/** After a client has said its last word, in milliseconds of silence: the protocol cannot tell the pod. */
const halfOpenMs = 120_000;
/** After the pod has said its last word and the client has it, in milliseconds: whatever comes now reaches nobody. */
const lingerMs = 5_000;
/** What a kubelet sees reaches the API server and us within this time, in milliseconds. */
const newsMs = 2_000;
/** A client's first bytes are kept until a pod has answered, in bytes: for the next pod, should the first not take them. */
const mostEarlyBytes = 256 * 1024;
/** A pod that should be gone by now is on a node that does not answer, in milliseconds. */
const overdueMs = 5_000;
const mostConnections = 512;

/** The pod that a connection leads to. A StatefulSet makes another one of the same name. */
interface Way {
  pod?: string;
  uid?: string | undefined;
  /** The client has said its last word. */
  isClosing?: boolean;
}

export class PortForward {
  readonly target: ForwardTarget;
  readonly localPort: number;
  readonly #cluster: Cluster;
  readonly #servers: readonly Server[];
  readonly #watcher: PodWatcher;
  readonly #stop: AbortController;
  readonly #listener: ForwardListener;
  readonly #connections = new Map<Socket, Way>();
  /** By uid. */
  readonly #seenReady = new Set<string>();
  /** When pods that are being deleted should be gone, by uid and this machine's own clock. */
  readonly #due = new Map<string, number>();
  #overdue: NodeJS.Timeout | undefined;
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
    const servers = [makeServer(), makeServer()] as const;
    try {
      const watcher = new PodWatcher(cluster, target.scope, stop.signal, clock);
      const [, port] = await Promise.all([watcher.ready, listen(servers[0], '127.0.0.1', localPort)]);
      // Browsers try `localhost` with IPv6 first. A machine without it, or where that one is taken, does without.
      await listen(servers[1], '::1', port).catch(() => undefined);
      return new PortForward(cluster, target, port, servers, watcher, stop, listener);
    } catch (error) {
      stop.abort();
      for (const server of servers) server.close();
      throw error;
    }
  }

  private constructor(
    cluster: Cluster,
    target: ForwardTarget,
    localPort: number,
    servers: readonly Server[],
    watcher: PodWatcher,
    stop: AbortController,
    listener: ForwardListener,
  ) {
    this.target = target;
    this.localPort = localPort;
    this.#cluster = cluster;
    this.#servers = servers;
    this.#watcher = watcher;
    this.#stop = stop;
    this.#listener = listener;
    this.#state = this.#choose();
    watcher.onDidChange(() => this.#look());
    for (const server of servers) server.on('connection', (socket: Socket) => void this.#connect(socket));
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
    clearTimeout(this.#overdue);
    for (const server of this.#servers) server.close();
    for (const socket of this.#connections.keys()) socket.destroy();
    this.#connections.clear();
  }

  /** A pod came, went or got ready. */
  #look(): void {
    if (this.#state.phase === 'stopped') return;
    // A node that died does not end its connections.
    this.#noteDeletions();
    for (const [socket, way] of this.#connections) if (this.#isGone(way)) socket.resetAndDestroy();
    const before = this.#state;
    this.#state = this.#choose();
    const isSame =
      before.phase === this.#state.phase &&
      (before.phase !== 'ready' || before.pod === (this.#state as { pod?: string }).pod);
    if (!isSame) this.#listener.onState(this.#state, before);
  }

  #isGone({ pod: name, uid }: Way): boolean {
    if (name === undefined) return false;
    const pod = this.#watcher.find(name);
    if (!pod || pod.metadata?.uid !== uid) return true;
    return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed' || this.#isOverdue(pod);
  }

  #isOverdue({ metadata }: Pod): boolean {
    return (this.#due.get(metadata?.uid ?? '') ?? Infinity) <= performance.now();
  }

  /** Of a pod on a dead node nothing more is heard after its deletion was asked for, so the time is watched. */
  #noteDeletions(): void {
    const dying = this.#watcher.pods.filter(({ metadata }) => metadata?.deletionTimestamp !== undefined);
    const uids = dying.map(({ metadata }) => metadata?.uid ?? '');
    for (const uid of this.#due.keys()) if (!uids.includes(uid)) this.#due.delete(uid);
    for (const pod of dying) {
      const uid = pod.metadata?.uid ?? '';
      if (!this.#due.has(uid)) this.#due.set(uid, performance.now() + graceOf(pod) + overdueMs);
    }
    clearTimeout(this.#overdue);
    const wait = Math.min(...[...this.#due.values()].filter((due) => due > performance.now())) - performance.now();
    // Further ahead than a timer can count is as good as never.
    if (wait < 2 ** 31) this.#overdue = setTimeout(() => this.#look(), wait + 50).unref();
  }

  /** The pod of before as long as it is ready, the preferred one, the newest. */
  #choose(): ForwardState {
    const current = this.#state.phase === 'ready' ? this.#state.pod : this.target.prefer;
    const usable = this.#watcher.pods.filter((pod) => isReady(pod) && this.#portIn(pod) !== undefined);
    for (const { metadata } of usable) this.#seenReady.add(metadata?.uid ?? '');
    const kept = usable.find(({ metadata }) => metadata?.name === current);
    const newest = usable.sort(byAge)[0];
    // A pod that was pointed at may never get ready: a broken one is what people look into. One that was, and is not any
    // more, may be on a dead node.
    const isBroken = (pod: Pod) => runs(pod) && !this.#seenReady.has(pod.metadata?.uid ?? '');
    const only = this.#watcher.pods.length === 1 ? this.#watcher.pods.find(isBroken) : undefined;
    const pod = (kept ?? newest ?? only)?.metadata?.name;
    return pod === undefined ? { phase: 'waiting' } : { phase: 'ready', pod };
  }

  /** The chosen one; after some waiting also one that runs and is not ready: kubectl would have taken it at once. */
  #podFor(left: number): Pod | undefined {
    if (this.#state.phase === 'ready') return this.#watcher.find(this.#state.pod);
    if (left > unreadyAfterMs) return undefined;
    return this.#watcher.pods.filter((pod) => runs(pod) && this.#portIn(pod) !== undefined).sort(byAge)[0];
  }

  #hasPort(): boolean {
    const { pods } = this.#watcher;
    return pods.length === 0 || pods.some((pod) => this.#portIn(pod) !== undefined);
  }

  #portIn(pod: Pod): number | undefined {
    const { port } = this.target;
    if (typeof port === 'number') return port;
    const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
    const ports = containers.flatMap(({ ports: all = [] }) => all);
    return ports.find(({ name, protocol = 'TCP' }) => name === port && protocol === 'TCP')?.containerPort;
  }

  /** Those that only wait for a last word make room first. */
  #makeRoom(): boolean {
    if (this.#connections.size < mostConnections) return true;
    const [oldest] = [...this.#connections].find(([, { isClosing }]) => isClosing) ?? [];
    oldest?.destroy();
    return oldest !== undefined && this.#connections.delete(oldest);
  }

  async #connect(socket: Socket): Promise<void> {
    socket.on('error', () => socket.destroy());
    if (!this.#makeRoom()) {
      socket.resetAndDestroy();
      return this.#listener.onFailure(tooMany(this.target));
    }
    this.#connections.set(socket, {});
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('end', () => {
      const way = this.#connections.get(socket);
      if (way) way.isClosing = true;
    });
    this.#watcher.revive();
    const early = new EarlyBytes(socket);
    try {
      for (;;) {
        const stream = await this.#open(socket);
        if (!stream) return void socket.destroy();
        const refusal = await join(socket, stream, early);
        if (!refusal) return;
        if (!(await this.#movesOn(socket))) throw refusal;
      }
    } catch (error) {
      // Not a clean end: whoever reads must not take what came for all there is.
      socket.resetAndDestroy();
      if (this.#state.phase !== 'stopped') this.#listener.onFailure(asFailure(error));
    }
  }

  /** @returns whether the pod that refused is about to be another one, or not ready: a restart is told a moment later. */
  async #movesOn(socket: Socket): Promise<boolean> {
    const uid = this.#connections.get(socket)?.uid;
    // It leads nowhere now, and does not end with the pod that it led to.
    this.#connections.set(socket, {});
    const until = performance.now() + newsMs;
    for (;;) {
      if (socket.destroyed || this.#state.phase === 'stopped') return false;
      const isSame = this.#state.phase === 'ready' && this.#watcher.find(this.#state.pod)?.metadata?.uid === uid;
      if (!isSame) return true;
      const left = until - performance.now();
      if (left <= 0) return false;
      await this.#watcher.changed(left);
    }
  }

  /** @returns undefined when whoever connected has gone. @throws ClusterFailure */
  async #open(socket: Socket): Promise<Duplex | undefined> {
    const until = performance.now() + patienceMs;
    for (let tries = 0; ; tries++) {
      if (socket.destroyed) return undefined;
      if (this.#state.phase === 'stopped') return undefined;
      const left = until - performance.now();
      const pod = this.#podFor(left);
      const port = pod && this.#portIn(pod);
      const name = pod?.metadata?.name;
      if (port === undefined || name === undefined) {
        if (left <= 0) throw this.#hasPort() ? nobodyReady(this.target) : noSuchPort(this.target);
        // Also looked at when nothing changes but what is good enough.
        await this.#watcher.changed(left > unreadyAfterMs ? left - unreadyAfterMs + 1 : left);
        continue;
      }
      try {
        const place = { namespace: this.target.scope.namespace, name };
        const stream = await this.#cluster.openPort(place, port, { signal: this.#stop.signal });
        const way = this.#connections.get(socket);
        if (way) Object.assign(way, { pod: name, uid: pod?.metadata?.uid });
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

/** What a client has said before anybody answered. */
class EarlyBytes {
  #chunks: Buffer[] = [];
  #size = 0;
  #isOver = false;

  constructor(socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      if (this.#isOver) return;
      this.#chunks.push(chunk);
      this.#size += chunk.length;
      if (this.#size > mostEarlyBytes) this.drop();
    });
    // Listening began to read; nothing is to be read before there is somebody to take it.
    socket.pause();
  }

  /** Somebody has answered, so nobody else may be told the same. */
  drop(): void {
    this.#isOver = true;
    this.#chunks = [];
  }

  /** @returns undefined when they cannot be said again. */
  get chunks(): readonly Buffer[] | undefined {
    return this.#isOver ? undefined : this.#chunks;
  }
}

/** A kubelet’s words for a connection that never came about: the pod has seen none of its bytes. */
const refusals = /refused|not found|no such|not running|is closed|failed to find/i;

/**
 * Both ways, each as fast as the other end takes it.
 * @returns why nobody took the connection, while the client can still be led to another pod; undefined when it is over.
 * @throws what broke it off; the socket is still open then.
 */
function join(socket: Socket, stream: Duplex, early: EarlyBytes): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const endIn = (ms: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        socket.destroy();
        stream.destroy();
      }, ms);
    };
    const onEnd = () => endIn(halfOpenMs);
    const onFinish = () => endIn(lingerMs);
    const leave = () => {
      clearTimeout(timer);
      socket.off('end', onEnd).off('finish', onFinish).off('close', onClose);
    };
    const onClose = () => {
      leave();
      stream.destroy();
      resolve(undefined);
    };
    socket.on('end', onEnd).on('finish', onFinish).on('close', onClose);
    stream.on('data', () => {
      early.drop();
      if (timer !== undefined) endIn(halfOpenMs);
    });
    stream.on('error', (error) => {
      leave();
      socket.unpipe(stream);
      socket.pause();
      const { said = '' } = error as Partial<ClusterFailure>;
      if (early.chunks && refusals.test(said)) resolve(error);
      else reject(error);
    });
    for (const chunk of early.chunks ?? []) stream.write(chunk);
    stream.pipe(socket);
    socket.pipe(stream);
  });
}

function makeServer(): Server {
  return createServer({ allowHalfOpen: true, pauseOnConnect: true });
}

/** @returns the port. */
function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, exclusive: true }, () => {
      server.off('error', reject);
      // A connection that cannot be accepted is not the end of those that can.
      server.on('error', () => undefined);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Newest first. */
function byAge(a: Pod, b: Pod): number {
  const created = ({ metadata }: Pod) => metadata?.creationTimestamp ?? '';
  return created(b).localeCompare(created(a));
}

/** How long it may take its time to end, in milliseconds. */
function graceOf({ metadata }: Pod): number {
  const { deletionGracePeriodSeconds: seconds } = (metadata ?? {}) as { deletionGracePeriodSeconds?: number };
  return (seconds ?? 30) * 1000;
}

function runs({ metadata, status }: Pod): boolean {
  return metadata?.deletionTimestamp === undefined && status?.phase === 'Running';
}

function noSuchPort({ label, port }: ForwardTarget): ClusterFailure {
  return new ClusterFailure(
    'invalid',
    l10n.t('No pod of {0} has a port named “{1}”: the connection was given up.', label, port),
    l10n.t('Forward to the port’s number, or name it in the pod.'),
  );
}

function tooMany({ label }: ForwardTarget): ClusterFailure {
  return new ClusterFailure(
    'too-many-requests',
    l10n.t('The forwarded port of {0} has {1} connections: a further one was refused.', label, mostConnections),
    l10n.t('Close some, or forward a second port.'),
  );
}

function nobodyReady({ label }: ForwardTarget): ClusterFailure {
  return new ClusterFailure(
    'unreachable',
    l10n.t('No pod of {0} got ready within {1} s: the connection was given up.', label, patienceMs / 1000),
    l10n.t('The Workloads view says what its pods wait for; the forward stays, for when one is ready.'),
  );
}
