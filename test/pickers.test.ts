/** Names of a cluster's making reach the editor's pickers through one function (extension/pick.ts); this holds that there is no other way. */
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const sources = globSync('extension/**/*.ts', { cwd: root })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => !/\.test\.ts$/.test(file))
  .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));
const linesWith = (pattern: RegExp) =>
  sources
    .flatMap(({ file, text }) => text.split('\n').map((line) => ({ file, line: line.trim() })))
    .filter(({ line }) => pattern.test(line));

test('only one file offers a list', () => {
  expect([...new Set(linesWith(/showQuickPick|workbench\.action\.quickOpen/).map(({ file }) => file))]).toEqual([
    'extension/pick.ts',
  ]);
});

test('a picker with buttons draws its items as that file does', () => {
  const made = linesWith(/createQuickPick/).map(({ file }) => file);
  expect(made).toEqual(['extension/actions/port-forwards.ts']);
  const { text } = sources.find(({ file }) => file === made[0])!;
  const fills = [...text.matchAll(/\.items = (.*?);\n/gs)].map(([, items = '']) => items);
  expect(fills.length).toBeGreaterThan(0);
  for (const items of fills) expect(items).toMatch(/\.map\(drawChoice\)$/);
});

test('no label brings an icon of its own before a name', () => {
  expect(linesWith(/label: `\$\(/)).toEqual([]);
});
