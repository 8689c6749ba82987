/** Logs of containers that come late, start again and are cut off; the server is a script here. */
import { describe, expect, it } from 'vitest';
import type { ContainerState, Pod } from '../../mesh/kubernetes.ts';
import { ClusterFailure, type Cluster, type LogOptions, type WatchEvent } from '../cluster/cluster.ts';
import type { Clock } from '../cluster/follow.ts';
import { followLogs, type LogRequest } from './follow-logs.ts';

type Answer = (options: LogOptions) => Promise<void>;

/** Time passes at once, but everybody else gets a turn. */
const clock: Clock = {
  now: () => 0,
  random: () => 0,
  wait: (ms, signal) =>
    new Promise((resolve) => {
      // The long pauses only end with what they wait for.
      if (ms < 10_000) return void setTimeout(resolve, 2);
      signal.addEventListener('abort', () => resolve(), { once: true });
    }),
};

class Script {
  readonly lines: string[] = [];
  readonly notes: string[] = [];
  readonly asked: Pick<LogOptions, 'previous' | 'follow' | 'sinceTime' | 'tailLines'>[] = [];
  readonly stop = new AbortController();
  readonly answers: Answer[] = [];
  #tell: ((event: WatchEvent<Pod>) => void) | undefined;
  #pod: Pod;

  constructor(state: ContainerState, id?: string) {
    this.#pod = podWith(state, id, 0);
  }

  /** What the kubelet reports next. */
  becomes(
    state: ContainerState,
    { id, restarts = 0, last }: { id?: string; restarts?: number; last?: ContainerState } = {},
  ) {
    this.#pod = podWith(state, id, restarts, last);
    this.#tell?.({ type: 'MODIFIED', object: this.#pod });
  }

  async follow(request: Partial<LogRequest> = {}, drained = () => Promise.resolve()): Promise<void> {
    const cluster = {
      list: () => Promise.resolve({ items: [this.#pod], resourceVersion: '1' }),
      watch: (_: unknown, options: { signal: AbortSignal; onEvent: (event: WatchEvent<Pod>) => void }) => {
        this.#tell = options.onEvent;
        return new Promise<void>((resolve) => options.signal.addEventListener('abort', () => resolve()));
      },
      streamLog: async (_: unknown, options: LogOptions) => {
        const { previous = false, follow = false, sinceTime, tailLines } = options;
        this.asked.push({
          previous,
          follow,
          ...(sinceTime !== undefined && { sinceTime }),
          ...(tailLines !== undefined && { tailLines }),
        });
        const answer = this.answers.shift() ?? (() => Promise.resolve());
        await answer(options);
      },
    } as unknown as Cluster;
    const sink = {
      line: (_: unknown, text: string) => this.lines.push(text),
      note: (text: string) => this.notes.push(text),
      drained,
    };
    await followLogs(cluster, { scope: { namespace: 'shop', name: 'web' }, ...request }, sink, this.stop.signal, clock);
  }
}

function podWith(state: ContainerState, id: string | undefined, restartCount: number, lastState?: ContainerState): Pod {
  const status = {
    name: 'app',
    state,
    restartCount,
    ...(id !== undefined && { containerID: id }),
    ...(lastState && { lastState }),
  };
  return {
    metadata: { name: 'web', namespace: 'shop', uid: 'u' },
    spec: { containers: [{ name: 'app' }] },
    status: {
      phase: state.running ? 'Running' : state.terminated ? 'Succeeded' : 'Pending',
      containerStatuses: [status],
    },
  };
}

const at = (second: number, text: string) => `2026-11-21T10:00:0${second}.000000001Z ${text}\n`;
const says =
  (...texts: string[]): Answer =>
  async ({ onText }) => {
    for (const text of texts) await onText(text);
  };
const running = { running: {} };

describe('following a log', () => {
  it('waits for a container that has not started, says why, and begins with its first line', async () => {
    const script = new Script({ waiting: { reason: 'ContainerCreating' } });
    script.answers.push(async (options) => {
      await says(at(0, 'first'))(options);
      script.stop.abort();
    });
    const followed = script.follow();
    await expect.poll(() => script.notes).toEqual(['web/app does not run: ContainerCreating. Waiting for it.']);
    expect(script.asked).toEqual([]);
    script.becomes(running, { id: 'one' });
    await followed;
    expect(script.lines).toEqual(['first']);
  });

  it('reads the end of an instance that crashed, then goes on with the next one', async () => {
    const script = new Script(running, 'one');
    script.answers.push(
      async (options) => {
        await says(at(0, 'a'))(options);
        script.becomes(running, {
          id: 'two',
          restarts: 1,
          last: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
        });
      },
      // What the runtime wrote down after the kubelet had ended the following.
      says(at(0, 'a'), at(1, 'last words')),
      says(at(1, 'last words')),
      says(at(1, 'last words')),
      async (options) => {
        await says(at(2, 'b'))(options);
        script.stop.abort();
      },
    );
    await script.follow({ tailLines: 10 });
    expect(script.lines).toEqual(['a', 'last words', 'b']);
    expect(script.notes.join('\n')).toContain('has started again (restart 1, OOMKilled, exit code 137)');
    expect(script.asked.map(({ previous, follow }) => `${previous} ${follow}`)).toEqual([
      'false true',
      'true false',
      'true false',
      'true false',
      'false true',
    ]);
  });

  it('goes on after a connection that broke off, with no line twice and none lost', async () => {
    const script = new Script(running, 'one');
    script.answers.push(
      async (options) => {
        // Two lines of one instant, and half of a third.
        await says(at(0, 'a'), at(1, 'b'), at(1, 'c'), '2026-11-21T10:00:02.0')(options);
        throw new ClusterFailure('unreachable', 'cut', '');
      },
      async (options) => {
        expect(options.sinceTime).toBe('2026-11-21T10:00:01.000000001Z');
        // A server looks at whole seconds only.
        await says(at(0, 'a'), at(1, 'b'), at(1, 'c'), at(1, 'd'), at(2, 'e'))(options);
        script.stop.abort();
      },
    );
    await script.follow();
    expect(script.lines).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(script.notes).toEqual(['web/app: the connection broke off (cut); reading on.']);
  });

  it('takes no more than can be shown: the server waits', async () => {
    const script = new Script(running, 'one');
    let open: (() => void) | undefined;
    let sent = 0;
    script.answers.push(async ({ onText }) => {
      for (; sent < 100 && !script.stop.signal.aborted; sent++) await onText(at(0, 'x'.repeat(1000)));
      script.stop.abort();
    });
    const followed = script.follow({}, () =>
      sent === 50 ? new Promise((resolve) => (open = resolve)) : Promise.resolve(),
    );
    await expect.poll(() => open !== undefined).toBe(true);
    expect(sent).toBe(50);
    open?.();
    await followed;
    expect(script.lines).toHaveLength(100);
  });

  it('says what the server says of a log that is not there, and ends', async () => {
    const script = new Script(running, 'one');
    const gone = new ClusterFailure(
      'not-found',
      'previous terminated container "app" not found',
      'It has not restarted.',
    );
    script.answers.push(() => Promise.reject(gone));
    await script.follow({ previous: true });
    expect(script.notes).toEqual(['previous terminated container "app" not found It has not restarted.']);
    expect(script.asked).toEqual([{ previous: true, follow: false }]);
  });

  it('ends where nobody will start the container again', async () => {
    const script = new Script({ terminated: { exitCode: 0, reason: 'Completed' } }, 'one');
    script.answers.push(says(at(0, 'done')));
    await script.follow();
    expect(script.lines).toEqual(['done']);
    expect(script.notes.at(-1)).toBe('web/app has ended: Completed, exit code 0.');
  });
});
