import { describe, expect, it } from 'vitest';
import { diffLimits, diffLines } from './diff-lines.ts';

const print = (before: string, after: string) =>
  diffLines(before, after).lines.map(
    ({ kind, text }) => `${{ same: ' ', added: '+', removed: '-', gap: '@' }[kind]}${text}`,
  );
const numbers = (count: number, prefix = '') => Array.from({ length: count }, (_, at) => `${prefix}${at}\n`).join('');

describe('the difference of two texts', () => {
  it('shows what goes before what comes, and what stays around it', () => {
    expect(print('a\nb\nc\n', 'a\nB\nc\n')).toEqual([' a', '-b', '+B', ' c']);
  });

  it('numbers the lines of both texts from one', () => {
    expect(diffLines('a\nb\n', 'x\na\nb\n').lines).toEqual([
      { kind: 'added', text: 'x', after: 1 },
      { kind: 'same', text: 'a', before: 1, after: 2 },
      { kind: 'same', text: 'b', before: 2, after: 3 },
    ]);
  });

  it('leaves out what is far from a change, and says how much', () => {
    const before = numbers(20);
    expect(print(before, before.replace('10\n', 'ten\n'))).toEqual([
      '@7',
      ' 7',
      ' 8',
      ' 9',
      '-10',
      '+ten',
      ' 11',
      ' 12',
      ' 13',
      '@6',
    ]);
  });

  it('shows a new file and a removed one whole', () => {
    expect(print('', 'a\nb\n')).toEqual(['+a', '+b']);
    expect(print('a\n', '')).toEqual(['-a']);
    expect(print('', '')).toEqual([]);
  });

  it('shows that a line break at the end, or a carriage return, has changed', () => {
    expect(print('a', 'a\n')).toEqual(['-a (no line break at the end)', '+a']);
    expect(print('a\r\n', 'a\n')).toEqual(['-a\r', '+a']);
  });

  it('gives both texts back, whatever they are', () => {
    for (let trial = 0; trial < 200; trial++) {
      const text = () => Array.from({ length: trial % 12 }, () => 'abc'[Math.floor(Math.random() * 3)]).join('\n');
      const [before, after] = [`-${text()}`, `+${text()}`];
      const { lines } = diffLines(`${before}\n`, `${after}\n`, { ...diffLimits, context: 99 });
      const side = (kind: 'added' | 'removed') =>
        lines
          .filter((line) => line.kind === kind || line.kind === 'same')
          .map(({ text: line }) => line)
          .join('\n');
      expect(side('removed'), JSON.stringify([before, after])).toBe(before);
      expect(side('added'), JSON.stringify([before, after])).toBe(after);
    }
  });

  it('costs little for two large texts that have nothing in common', () => {
    const start = performance.now();
    const { lines, omitted, coarse } = diffLines(numbers(100_000), numbers(100_000, 'x'));
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(lines.length).toBe(diffLimits.lines);
    expect(omitted).toBe(200_000 - diffLimits.lines);
    expect(coarse).toBe(true);
  });

  it('cuts a line that is very long', () => {
    expect(print('', `${'x'.repeat(10_000)}\n`)[0]!.length).toBeLessThan(diffLimits.columns + 10);
  });
});
