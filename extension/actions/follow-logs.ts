/**
 * Reads logs of containers and goes on reading: a container that starts again is attached to again, a connection that is
 * cut is made again where it broke off, a new pod of the workload joins. No editor here.
 */
import * as l10n from '@vscode/l10n';
import type { ContainerStatus, Pod } from '../../mesh/kubernetes.ts';
import type { ClusterFailure } from '../cluster/cluster.ts';
import { type Cluster } from '../cluster/cluster.ts';
import { asFailure, backoff, isFinal, systemClock, type Clock } from '../cluster/follow.ts';
import { LineCutter, splitTime } from './log-text.ts';
import { PodWatcher, type PodScope } from './pod-watcher.ts';

export interface LogSource {
  pod: string;
  container: string;
}

export interface LogRequest {
  scope: PodScope;
  /** Of each pod; all that it has without it. */
  containers?: readonly string[];
  /** The instance before the last restart; such a log has an end. */
  previous?: boolean;
  /** How far back to begin; the whole log without both. */
  tailLines?: number;
  sinceSeconds?: number;
}

export interface LogSink {
  line(source: LogSource, text: string, time: string | undefined): void;
  /** What happens around the lines, in our words. */
  note(text: string): void;
  /** Resolves when more can be taken. */
  drained(): Promise<void>;
}

/** More at once would cost the API server a connection each. */
export const mostSources = 24;

/** Resolves when all logs have ended or `signal` aborts. @throws ClusterFailure when the pods cannot be read. */
export async function followLogs(
  cluster: Cluster,
  request: LogRequest,
  sink: LogSink,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  // The watch ends with the logs, also when they end by themselves.
  const done = new AbortController();
  const either = AbortSignal.any([signal, done.signal]);
  try {
    const watcher = new PodWatcher(cluster, request.scope, either, clock);
    await Promise.race([watcher.ready, aborted(signal)]);
    if (!signal.aborted) await new LogSession(cluster, request, sink, signal, clock, watcher).run();
  } finally {
    done.abort();
  }
}

class LogSession {
  readonly #cluster: Cluster;
  readonly #request: LogRequest;
  readonly #sink: LogSink;
  readonly #signal: AbortSignal;
  readonly #clock: Clock;
  readonly #watcher: PodWatcher;
  readonly #running = new Map<string, Promise<void>>();
  #toldOfLimit = false;
  #begun = false;

  constructor(
    cluster: Cluster,
    request: LogRequest,
    sink: LogSink,
    signal: AbortSignal,
    clock: Clock,
    watcher: PodWatcher,
  ) {
    this.#cluster = cluster;
    this.#request = request;
    this.#sink = sink;
    this.#signal = signal;
    this.#clock = clock;
    this.#watcher = watcher;
  }

  async run(): Promise<void> {
    this.#attachToNew();
    if (this.#watcher.pods.length === 0) this.#sink.note(l10n.t('No pod is there.'));
    this.#begun = true;
    // A workload makes new pods; a pod alone has only its containers.
    const isWorkload = this.#request.scope.name === undefined && !this.#request.previous;
    if (isWorkload) this.#watcher.onDidChange(() => this.#attachToNew());
    for (;;) {
      await Promise.all(this.#running.values());
      if (this.#signal.aborted || !isWorkload) return;
      await this.#watcher.changed();
    }
  }

  #attachToNew(): void {
    if (this.#signal.aborted) return;
    for (const pod of this.#watcher.pods) {
      if (pod.metadata?.deletionTimestamp && this.#begun) continue;
      for (const container of this.#containersOf(pod)) this.#attach(pod, container);
    }
  }

  #attach(pod: Pod, container: string): void {
    const source = { pod: pod.metadata?.name ?? '', container };
    const key = `${pod.metadata?.uid ?? ''}/${source.pod}/${container}`;
    if (this.#running.has(key)) return;
    const active = [...this.#running.values()].length;
    if (active >= mostSources) {
      if (!this.#toldOfLimit)
        this.#sink.note(l10n.t('There are more containers: only the first {0} are followed.', mostSources));
      this.#toldOfLimit = true;
      return;
    }
    if (this.#begun) this.#sink.note(l10n.t('New pod {0}: its log joins.', source.pod));
    const reading = new ContainerLog(this.#cluster, this.#request, source, this.#sink, this.#signal, this.#clock, () =>
      this.#watcher.find(source.pod),
    );
    const run = reading
      .run((ms) => this.#watcher.changed(ms))
      .finally(() => {
        // A pod that is gone makes room for the next one.
        if (this.#request.scope.name === undefined && !this.#watcher.find(source.pod)) this.#running.delete(key);
      });
    this.#running.set(key, run);
  }

  #containersOf({ spec }: Pod): string[] {
    const { containers = [], initContainers = [], ephemeralContainers = [] } = spec ?? {};
    const all = [...initContainers, ...containers, ...ephemeralContainers].map(({ name }) => name);
    const wanted = this.#request.containers;
    return wanted ? all.filter((name) => wanted.includes(name)) : all;
  }
}

/** A runtime has written down a container's last words after this time, in milliseconds. */
const settleMs = 400;

/** What has been read already: lines of the same nanosecond are counted. */
interface Mark {
  time: string;
  lines: number;
}

class ContainerLog {
  readonly #cluster: Cluster;
  readonly #request: LogRequest;
  readonly #source: LogSource;
  readonly #sink: LogSink;
  readonly #signal: AbortSignal;
  readonly #clock: Clock;
  readonly #look: () => Pod | undefined;
  #mark: Mark | undefined;
  #taken = 0;
  #failures = 0;

  constructor(
    cluster: Cluster,
    request: LogRequest,
    source: LogSource,
    sink: LogSink,
    signal: AbortSignal,
    clock: Clock,
    look: () => Pod | undefined,
  ) {
    this.#cluster = cluster;
    this.#request = request;
    this.#source = source;
    this.#sink = sink;
    this.#signal = signal;
    this.#clock = clock;
    this.#look = look;
  }

  async run(changed: (ms?: number) => Promise<void>): Promise<void> {
    const name = this.#name();
    let instance = startedInstance(this.#status());
    if (!this.#request.previous && !(await this.#waitForStart(undefined, changed))) return;
    instance = startedInstance(this.#status()) ?? instance;
    for (;;) {
      const failure = await this.#read();
      if (this.#signal.aborted || this.#request.previous) return failure && this.#sink.note(sentence(failure));
      if (failure && isFinal(failure.reason)) return this.#sink.note(sentence(failure));
      if (failure) {
        this.#sink.note(
          failure.reason === 'unreachable' || failure.reason === 'timeout'
            ? l10n.t('{0}: the connection broke off ({1}); reading on.', name, failure.message)
            : l10n.t('{0}: its log could not be read ({1}); trying again.', name, failure.message),
        );
        await this.#clock.wait(backoff(this.#failures++, this.#clock.random()), this.#signal);
      } else if (isSame(instance, this.#status())) {
        // The log ends a moment before the status says why.
        await changed(1000);
      }
      if (this.#signal.aborted) return;
      if (isSame(instance, this.#status()) && this.#status()?.state?.running) continue;
      await this.#readRest(instance);
      const next = await this.#waitForStart(instance, changed);
      if (!next) return;
      if (next !== instance) {
        const restarts = this.#status()?.restartCount ?? 0;
        const ended = this.#describeWaiting(this.#status());
        this.#sink.note(
          l10n.t('{0} has started again (restart {1}, {2}): its log goes on here.', name, restarts, ended),
        );
        this.#mark = undefined;
        this.#failures = 0;
      }
      instance = next;
    }
  }

  /** @returns the instance that runs or has run, other than `before`; undefined when there will be none. */
  async #waitForStart(
    before: string | undefined,
    changed: (ms?: number) => Promise<void>,
  ): Promise<string | undefined> {
    let told = '';
    for (;;) {
      if (this.#signal.aborted) return undefined;
      const pod = this.#look();
      if (!pod) return this.#ended(l10n.t('{0}: the pod is gone.', this.#name()));
      const status = this.#status();
      const instance = startedInstance(status);
      if (instance !== undefined && (instance !== before || status?.state?.running)) return instance;
      const why = this.#describeWaiting(status);
      if (isOver(pod, this.#source.container, status))
        return this.#ended(l10n.t('{0} has ended: {1}.', this.#name(), why));
      if (why !== told) this.#sink.note(l10n.t('{0} does not run: {1}. Waiting for it.', this.#name(), why));
      told = why;
      await changed();
    }
  }

  #ended(note: string): undefined {
    this.#sink.note(note);
    return undefined;
  }

  #describeWaiting(status: ContainerStatus | undefined): string {
    const { waiting, terminated } = status?.state ?? {};
    const last = terminated ?? status?.lastState?.terminated;
    const exit = last && l10n.t('exit code {0}', last.exitCode ?? '?');
    const reason = waiting?.reason ?? last?.reason ?? (status ? undefined : l10n.t('not started yet'));
    return [reason, exit].filter(Boolean).join(', ') || l10n.t('waiting');
  }

  /**
   * A kubelet ends a log that is followed when the container has ended, even if the runtime is still writing down what
   * it printed last: the end is read again until nothing more comes.
   */
  async #readRest(instance: string | undefined): Promise<void> {
    if (!this.#mark || this.#signal.aborted || !this.#look()) return;
    for (let quiet = 0; quiet < 2 && !this.#signal.aborted; quiet++) {
      const isLatest = isSame(instance, this.#status());
      const before = this.#taken;
      const failure = await this.#read({ follow: false, previous: !isLatest });
      if (this.#taken > before) quiet = -1;
      // Nobody keeps the log of an instance for long: what was read is what there is.
      if (failure && isLatest) this.#sink.note(sentence(failure));
      if (failure) return;
      if (quiet < 1) await this.#clock.wait(settleMs, this.#signal);
    }
  }

  /** @returns why the connection broke off; undefined when the log came to its end. */
  async #read(
    { follow, previous }: { follow: boolean; previous: boolean } = {
      follow: !this.#request.previous,
      previous: this.#request.previous === true,
    },
  ): Promise<ClusterFailure | undefined> {
    const { pod, container } = this.#source;
    const { scope, tailLines, sinceSeconds } = this.#request;
    const begin = this.#mark
      ? { sinceTime: this.#mark.time }
      : { ...(tailLines !== undefined && { tailLines }), ...(sinceSeconds !== undefined && { sinceSeconds }) };
    const cutter = new LineCutter();
    const skip = { mark: this.#mark, lines: 0 };
    try {
      await this.#cluster.streamLog(
        { namespace: scope.namespace, name: pod, container },
        {
          ...begin,
          follow,
          previous,
          timestamps: true,
          signal: this.#signal,
          onText: async (text) => {
            this.#failures = 0;
            this.#take(cutter.add(text), skip);
            await this.#sink.drained();
          },
        },
      );
      this.#take(cutter.end(), skip);
      return undefined;
    } catch (error) {
      // A piece of a line will come again whole.
      return asFailure(error);
    }
  }

  #take(lines: readonly string[], skip: { mark: Mark | undefined; lines: number }): void {
    for (const line of lines) {
      const { time, text } = splitTime(line);
      if (time !== undefined && skip.mark) {
        if (compareTimes(time, skip.mark.time) < 0) continue;
        if (time === skip.mark.time && skip.lines++ < skip.mark.lines) continue;
      }
      if (time !== undefined) this.#mark = { time, lines: time === this.#mark?.time ? this.#mark.lines + 1 : 1 };
      this.#taken += 1;
      this.#sink.line(this.#source, text, time);
    }
  }

  #name(): string {
    return `${this.#source.pod}/${this.#source.container}`;
  }

  #status(): ContainerStatus | undefined {
    const {
      containerStatuses = [],
      initContainerStatuses = [],
      ephemeralContainerStatuses = [],
    } = this.#look()?.status ?? {};
    return [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].find(
      ({ name }) => name === this.#source.container,
    );
  }
}

/** The id of the instance that runs, or ran last; before its first start there is none. */
function startedInstance(status: ContainerStatus | undefined): string | undefined {
  const { running, terminated } = status?.state ?? {};
  if (!running && !terminated && !status?.lastState?.terminated) return undefined;
  return status?.containerID || String(status?.restartCount ?? 0);
}

function isSame(instance: string | undefined, status: ContainerStatus | undefined): boolean {
  return instance !== undefined && startedInstance(status) === instance;
}

/** Nobody will start it again. */
function isOver(
  { spec, status: { phase } = {} }: Pod,
  container: string,
  status: ContainerStatus | undefined,
): boolean {
  if (phase === 'Succeeded' || phase === 'Failed') return true;
  const { terminated } = status?.state ?? {};
  if (!terminated) return false;
  if (spec?.ephemeralContainers?.some(({ name }) => name === container)) return true;
  const init = spec?.initContainers?.find(({ name }) => name === container);
  if (init && init.restartPolicy !== 'Always') return terminated.exitCode === 0;
  const policy = (spec as { restartPolicy?: string } | undefined)?.restartPolicy ?? 'Always';
  return !init && (policy === 'Never' || (policy === 'OnFailure' && terminated.exitCode === 0));
}

/** By instant, to the nanosecond: a fraction of a second may have fewer digits. */
function compareTimes(a: string, b: string): number {
  const order = (time: string) => {
    const [, second = time, fraction = ''] = /^(.{19})(?:\.(\d+))?/.exec(time) ?? [];
    return second + fraction.padEnd(9, '0');
  };
  const [left, right] = [order(a), order(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function sentence({ message, next }: ClusterFailure): string {
  return `${message} ${next}`.trim();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
