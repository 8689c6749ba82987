import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createDrawing, drawVisible } from './drawing.ts';
import type { StoreChange } from './store/tree-store.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const change = (namespace: string): StoreChange => ({
  parts: new Set(['pods']),
  namespaces: new Set([namespace]),
  state: false,
});

it('draws the first change at once and what follows together, the rarer the longer a drawing takes', async () => {
  const drawn: string[][] = [];
  let costMs = 0;
  const changed = createDrawing(
    () => new Promise((resolve) => setTimeout(resolve, costMs)),
    ({ namespaces }) => void drawn.push([...namespaces]),
  );
  void changed(change('a'));
  await vi.advanceTimersByTimeAsync(1);
  expect(drawn).toEqual([['a']]);

  costMs = 30;
  drawn.length = 0;
  for (let i = 0; i < 100; i++) {
    void changed(change(`n${i % 3}`));
    await vi.advanceTimersByTimeAsync(30);
  }
  // Three seconds: 30 ms of drawing in every 300.
  expect(drawn.length).toBeGreaterThan(8);
  expect(drawn.length).toBeLessThan(12);
  expect(drawn.at(-1)).toEqual(expect.arrayContaining(['n0', 'n1', 'n2']));
  await vi.advanceTimersByTimeAsync(1_000);
  const last = drawn.length;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(drawn.length).toBe(last);
});

it('computes nothing for a view that nobody sees, and draws what it missed when it is seen', () => {
  const asked: string[][] = [];
  const view = { visible: false };
  const draw = drawVisible([
    {
      view,
      tree: {
        stale: ({ namespaces }) => {
          asked.push([...namespaces]);
          return [];
        },
      },
      refresh: () => undefined,
    },
  ]);
  draw(change('a'));
  draw(change('b'));
  expect(asked).toEqual([]);
  view.visible = true;
  draw(change('c'));
  draw(change('d'));
  expect(asked).toEqual([['a', 'b', 'c'], ['d']]);
});
