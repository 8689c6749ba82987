import { expect, it } from 'vitest';
import { takeTurns } from './take-turns.ts';

const work = (ms: number) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

it('lets timers run while several have much to do, and costs nothing while there is little', async () => {
  expect(takeTurns()).toBeUndefined();
  expect(takeTurns()).toBeUndefined();
  await new Promise((resolve) => setTimeout(resolve, 20));
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  let pauses = 0;
  const worker = async () => {
    for (let piece = 0; piece < 50; piece++) {
      work(1);
      const turn = takeTurns();
      if (!turn) continue;
      pauses++;
      await turn;
    }
  };
  const begin = performance.now();
  await Promise.all([worker(), worker(), worker(), worker()]);
  clearInterval(timer);
  const took = performance.now() - begin;
  expect(pauses).toBeGreaterThan(10);
  // 200 ms of work for four: without turns one stretch, with turns for each of them four times as long.
  expect(longest).toBeLessThan(took / 2);
});
