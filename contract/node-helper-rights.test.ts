import { expect, test } from 'vitest';
import { observeCapabilities, observeMounts, observeRights } from './node-helper-rights.ts';

const named = (kind: string) =>
  observeRights()
    .filter((right) => right.kind === kind)
    .map(({ name }) => name);

test('every capability and every mount that is asked for is explained, and nothing else', () => {
  expect(named('capability')).toEqual([...observeCapabilities]);
  expect(named('mount')).toEqual([...observeMounts]);
  for (const { why } of observeRights()) expect(why.length).toBeGreaterThan(20);
});
