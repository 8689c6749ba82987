import { expect, it } from 'vitest';
import { keptForwardsKey } from './kept-forwards-key.ts';
import { describeEnded, keepForwards, takeKeptForwards, type KeptForward } from './kept-forwards.ts';

function memory(value?: unknown) {
  const values = new Map<string, unknown>([[keptForwardsKey, value]]);
  return {
    get: (key: string) => structuredClone(values.get(key)),
    update: (key: string, next: unknown) => Promise.resolve(void values.set(key, next)),
  };
}

const forward = (localPort: number, contextId = 'a'): KeptForward => ({
  target: { label: 'Deployment shop/web', scope: { namespace: 'shop', labelSelector: 'app=web' }, port: 80 },
  localPort,
  context: contextId,
  contextId,
});

it('tells of those that stood when the window ended, once', () => {
  const kept = memory();
  keepForwards(kept, [forward(8080), forward(8081)]);
  expect(takeKeptForwards(kept)).toEqual([forward(8080), forward(8081)]);
  expect(takeKeptForwards(kept)).toEqual([]);
});

it('tells of none that was stopped before', () => {
  const kept = memory();
  keepForwards(kept, [forward(8080)]);
  keepForwards(kept, []);
  expect(takeKeptForwards(kept)).toEqual([]);
});

it.each([[undefined], ['x'], [[null, {}, { localPort: 1, target: { label: 'x' } }]]])(
  'takes nothing from a memory that holds %j',
  (value) => expect(takeKeptForwards(memory(value))).toEqual([]),
);

it('says which they were, and that those of another cluster wait for it', () => {
  expect(describeEnded([forward(8080)], 'a')).toBe(
    'These forwarded ports ended with the window: 127.0.0.1:8080 → Deployment shop/web:80 (a).',
  );
  expect(describeEnded([forward(8080), forward(9090, 'b')], 'a')).toMatch(/Choose “b” to forward its ports again\.$/);
});
