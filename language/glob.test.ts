import { expect, test } from 'vitest';
import { compileGlob } from './glob.ts';

test.each([
  ['**/node_modules/**', 'node_modules/a/b.yaml', true],
  ['**/node_modules/**', 'x/node_modules', true],
  ['**/node_modules/**', 'x/node_modules_not/a', false],
  ['*.yaml', 'a.yaml', true],
  ['*.yaml', 'a/b.yaml', false],
  ['**/*.{yaml,yml}', 'a/b/c.yml', true],
  ['**/*.{yaml,yml}', 'c.yaml', true],
  ['charts/**', 'charts', true],
  ['charts/**', 'chartsy/a', false],
  ['a?c.yaml', 'abc.yaml', true],
  ['a[!b]c', 'abc', false],
  ['a[b-d]c', 'acc', true],
  ['a+(b).yaml', 'a+(b).yaml', true],
  ['{a', '{a', true],
])('%s against %s: %s', (glob, path, matches) => {
  expect(compileGlob(glob)(path)).toBe(matches);
});
