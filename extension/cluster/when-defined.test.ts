import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClusterFailure, type Cluster, type WatchEvent } from './cluster.ts';
import { systemClock } from './follow.ts';
import { whenDefined } from './when-defined.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const definition = (established: string, version = 'v1') => ({
  metadata: { name: 'x', resourceVersion: '2' },
  spec: { versions: [{ name: version, served: true }] },
  status: { conditions: [{ type: 'Established', status: established }] },
});

function wait(listed: object[], refused?: ClusterFailure) {
  const asked: string[] = [];
  let send: ((event: WatchEvent<never>) => void) | undefined;
  const cluster = {
    list: (_type: object, { fieldSelector }: { fieldSelector?: string }) => {
      asked.push(`list ${fieldSelector}`);
      return refused ? Promise.reject(refused) : Promise.resolve({ items: listed, resourceVersion: '1' });
    },
    watch: (_type: object, options: { signal: AbortSignal; onEvent: typeof send; onOpen?: () => void }) => {
      asked.push('watch');
      send = options.onEvent;
      options.onOpen?.();
      return new Promise<void>((resolve) => options.signal.addEventListener('abort', () => resolve()));
    },
  } as unknown as Cluster;
  const stop = new AbortController();
  const waiting = { versions: ['v1', 'v1beta1'], round: 0, signal: stop.signal, clock: systemClock };
  let answer: boolean | undefined;
  void whenDefined(cluster, 'x', waiting).then((is) => (answer = is));
  return { asked, stop, answer: () => answer, send: (object: object) => send?.({ type: 'MODIFIED', object } as never) };
}

describe('a kind that the cluster does not serve', () => {
  it('is asked for when its definition has come and is established, and until then nothing is polled', async () => {
    const { asked, answer, send } = wait([]);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(asked).toEqual(['list metadata.name=x', 'watch']);
    send(definition('False'));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(answer()).toBeUndefined();
    send(definition('True'));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(answer()).toBe(true);
  });

  it('is not asked for again and again where only another version of it is served', async () => {
    const { asked, answer } = wait([definition('True', 'v1alpha3')]);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect([asked.length, answer()]).toEqual([2, undefined]);
  });

  it('is given up where nobody may look for definitions, and when the view closes', async () => {
    const refused = wait([], new ClusterFailure('forbidden', 'No.', ''));
    await vi.advanceTimersByTimeAsync(60_000);
    expect([refused.asked.length, refused.answer()]).toEqual([1, false]);
    const closed = wait([]);
    await vi.advanceTimersByTimeAsync(10);
    closed.stop.abort();
    await vi.advanceTimersByTimeAsync(10);
    expect(closed.answer()).toBe(false);
  });
});
